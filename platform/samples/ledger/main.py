# SPDX-License-Identifier: Apache-2.0
"""ledger: books every order twice, once on each side, so that the books
always add up to zero.

The books are kept in memory and end with the process.
"""

import threading
from collections import OrderedDict

from service_kit import App, HttpError, log_sometimes

ENTRIES_KEPT = 10_000

app = App()
entries_booked = app.metric(
    "counter", "ledger_entries_total", "Entries booked.", ("currency",))

lock = threading.Lock()
entries = OrderedDict()     # order -> its entry, oldest first
balances = {}               # (account, currency) -> minor units


def post(account, currency, minor_units):
    key = account, currency
    balances[key] = balances.get(key, 0) + minor_units


@app.route("POST", "/entries")
def book(request):
    wish = request.json()
    order, currency = wish.get("order"), wish.get("currency")
    minor_units = wish.get("minor_units")
    if not isinstance(order, str) or not isinstance(currency, str):
        raise HttpError(400, "an entry needs an order and a currency")
    if not isinstance(minor_units, int) or minor_units <= 0:
        raise HttpError(400, "minor_units is not a whole number above 0")

    entry = {"order": order, "currency": currency, "minor_units": minor_units}
    with lock:
        if order in entries:    # asked again: booked once
            return 200, entries[order]
        entries[order] = entry
        if len(entries) > ENTRIES_KEPT:
            entries.popitem(last=False)
        post("cash", currency, minor_units)
        post("revenue", currency, -minor_units)
    entries_booked.add(currency)
    log_sometimes("info", "entry booked", request_id=request.id,
                  currency=currency, minor_units=minor_units)
    return 201, entry


@app.route("GET", "/balances")
def show_balances(request):
    with lock:
        return 200, {"balances": [
            {"account": account, "currency": currency, "minor_units": amount}
            for (account, currency), amount in sorted(balances.items())]}


if __name__ == "__main__":
    app.run()
