# SPDX-License-Identifier: Apache-2.0
import unittest

import main
import service_test
from service_kit import App

checkout = App()


@checkout.route("POST", "/orders")
def place_order(request):
    if request.json()["currency"] == "GBP":
        raise RuntimeError("checkout has a bad day")
    return 201, {"order": request.id}


class GatewayTest(service_test.ServiceTest):
    app = main.app
    upstreams = {main.checkout: checkout}

    def test_products_have_prices(self):
        self.assertIn("mug", self.get("/products")[1]["products"])
        self.assertEqual(self.get("/products/mug")[1]["prices"]["EUR"], "8.90")
        self.assertEqual(self.get("/products/unicorn")[0], 404)

    def test_an_order_goes_to_checkout(self):
        status, answer = self.post(
            "/orders", {"product": "poster", "currency": "EUR"})
        self.assertEqual(status, 201)
        self.assertEqual(answer["amount"], "19.90")
        self.assertEqual(answer["order"], answer["request_id"])

    def test_an_order_without_a_price_is_refused(self):
        for wish in ({"product": "mug"}, {"product": "unicorn",
                                          "currency": "EUR"}):
            self.assertEqual(self.post("/orders", wish)[0], 400)

    def test_a_failing_checkout_is_a_bad_gateway(self):
        status, answer = self.post(
            "/orders", {"product": "mug", "currency": "GBP"})
        self.assertEqual(status, 502)
        self.assertEqual(answer["error"], "checkout answered 500")


if __name__ == "__main__":
    unittest.main()
