# SPDX-License-Identifier: Apache-2.0
"""gateway: the shop's front door. Shows products, takes orders to checkout."""

from service_kit import App, HttpError, Upstream, log_sometimes

# Prices as the shop shows them: a yen and a won have no smaller part.
PRODUCTS = {
    "mug": {"EUR": "8.90", "GBP": "7.50", "JPY": "1200", "KRW": "12500",
            "USD": "9.50"},
    "poster": {"EUR": "19.90", "GBP": "16.90", "JPY": "2800", "KRW": "28000",
               "USD": "21.00"},
    "lantern": {"EUR": "54.00", "GBP": "46.00", "JPY": "7900", "KRW": "79000",
                "USD": "59.00"},
}

app = App()
checkout = Upstream("checkout")
orders_forwarded = app.metric(
    "counter", "gateway_orders_total", "Orders that checkout took.",
    ("product",))


@app.route("GET", "/products")
def list_products(request):
    return 200, {"products": PRODUCTS}


@app.route("GET", "/products/{name}")
def show_product(request, name):
    if name not in PRODUCTS:
        raise HttpError(404, f"no product {name!r}")
    return 200, {"name": name, "prices": PRODUCTS[name]}


@app.route("POST", "/orders")
def order(request):
    wish = request.json()
    product, currency = str(wish.get("product")), str(wish.get("currency"))
    prices = PRODUCTS.get(product, {})
    if currency not in prices:
        raise HttpError(400, f"no price for {product!r} in {currency!r}")

    cart = {"amount": prices[currency], "currency": currency}
    answer = checkout.call("POST", "/orders", cart, request.id)
    orders_forwarded.add(product)
    log_sometimes("info", "order taken", request_id=request.id,
                  product=product, currency=currency)
    return 201, {"product": product, **cart, "order": answer["order"]}


if __name__ == "__main__":
    app.run()
