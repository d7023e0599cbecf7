# SPDX-License-Identifier: Apache-2.0
import os
import unittest

import main
import service_kit
import service_test
from service_kit import App

gateway = App()
orders = []


@gateway.route("POST", "/orders")
def order(request):
    orders.append(request.json())
    return (201, {}) if len(orders) > 1 else (400, {"error": "not yet"})


class SwellTest(unittest.TestCase):
    def test_a_refused_order_is_counted(self):
        service_kit.log = service_test.quiet
        server = gateway.start(0)
        self.addCleanup(server.server_close)
        os.environ["GATEWAY_URL"] = "http://%s:%d" % server.server_address
        crowd = main.Crowd("gateway", 1, None)
        self.addCleanup(crowd.upstream.close)
        for currency in ("EUR", "USD"):
            crowd.visit("POST", "/orders", {"currency": currency})
        self.assertEqual((crowd.sent, crowd.failed), (2, 1))
        self.assertEqual([o["currency"] for o in orders], ["EUR", "USD"])

    def test_customers_pay_in_the_currencies_given(self):
        visits = [main.shop({"USD": 9, "GBP": 1}) for _ in range(500)]
        paid = {body["currency"] for _, _, body in visits if body}
        self.assertEqual(paid, {"USD", "GBP"})


if __name__ == "__main__":
    unittest.main()
