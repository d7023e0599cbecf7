# SPDX-License-Identifier: Apache-2.0
"""checkout: turns a cart into an order and books it in the ledger."""

import re

from service_kit import App, HttpError, Upstream, log_sometimes

# Digits behind the decimal point (ISO 4217).
CURRENCIES = {"EUR": 2, "GBP": 2, "JPY": 0, "KRW": 0, "USD": 2}
AMOUNT = re.compile(r"([0-9]{1,12})(?:\.([0-9]+))?")

app = App()
ledger = Upstream("ledger")
orders_placed = app.metric(
    "counter", "checkout_orders_total", "Orders placed.", ("currency",))


def to_minor_units(amount, currency):
    """19.90 EUR are 1990 cents, 1200 JPY are 1200 yen."""
    digits = CURRENCIES[currency]
    match = AMOUNT.fullmatch(amount)
    if not match or len(match[2] or "") > digits:
        raise HttpError(400, f"{amount!r} is not an amount of {currency}")
    return int(match[1] + (match[2] or "").ljust(digits, "0"))


@app.route("POST", "/orders")
def place_order(request):
    cart = request.json()
    amount, currency = str(cart.get("amount")), str(cart.get("currency"))
    if currency not in CURRENCIES:
        raise HttpError(400, f"{currency!r} is not a currency we take")

    order = {"order": request.id, "currency": currency,
             "minor_units": to_minor_units(amount, currency)}
    ledger.call("POST", "/entries", order, request.id)
    orders_placed.add(currency)
    log_sometimes("info", "order placed", request_id=request.id,
                  amount=amount, currency=currency)
    return 201, order


if __name__ == "__main__":
    app.run()
