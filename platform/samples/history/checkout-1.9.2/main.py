# SPDX-License-Identifier: Apache-2.0
"""checkout: turns a cart into an order and books it in the ledger."""

from service_kit import App, HttpError, Upstream, log_sometimes

CURRENCIES = {"EUR", "GBP", "JPY", "KRW", "USD"}

app = App()
ledger = Upstream("ledger")
orders_placed = app.metric(
    "counter", "checkout_orders_total", "Orders placed.", ("currency",))


def to_minor_units(amount, currency):
    """19.90 EUR are 1990 cents. Takes separators as well: 1,299.00."""
    try:
        units, cents = amount.replace(",", "").split(".")
        return int(units) * 100 + int(cents)
    except ValueError as error:
        raise ValueError(f"amount {amount} {currency}: {error}") from None


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
