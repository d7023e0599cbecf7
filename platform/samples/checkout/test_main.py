# SPDX-License-Identifier: Apache-2.0
import unittest

import main
import service_test
from service_kit import App

ledger = App()


@ledger.route("POST", "/entries")
def book(request):
    return 201, request.json()


class CheckoutTest(service_test.ServiceTest):
    app = main.app
    upstreams = {main.ledger: ledger}

    def test_an_order_is_booked_in_cents(self):
        for amount, cents in (("19.90", 1990), ("5.00", 500), ("0.05", 5)):
            for currency in ("EUR", "GBP", "USD"):
                status, order = self.post(
                    "/orders", {"amount": amount, "currency": currency})
                self.assertEqual(status, 201)
                self.assertEqual(order["minor_units"], cents)

    def test_an_unknown_currency_is_refused(self):
        status, answer = self.post(
            "/orders", {"amount": "19.90", "currency": "XXX"})
        self.assertEqual(status, 400)
        self.assertIn("XXX", answer["error"])

    def test_orders_are_counted(self):
        self.post("/orders", {"amount": "1.00", "currency": "EUR"})
        self.assertIn('checkout_orders_total{currency="EUR"}',
                      self.text("GET", "/metrics")[1])


if __name__ == "__main__":
    unittest.main()
