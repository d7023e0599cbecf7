# SPDX-License-Identifier: Apache-2.0
import unittest

import main
import service_test


class LedgerTest(service_test.ServiceTest):
    app = main.app

    def test_the_books_add_up_to_zero(self):
        entry = {"order": "a-1", "currency": "EUR", "minor_units": 1990}
        self.assertEqual(self.post("/entries", entry)[0], 201)
        _, answer = self.get("/balances")
        amounts = [row["minor_units"] for row in answer["balances"]]
        self.assertIn(1990, amounts)
        self.assertEqual(sum(amounts), 0)

    def test_an_order_is_booked_once(self):
        entry = {"order": "a-2", "currency": "USD", "minor_units": 500}
        self.assertEqual(self.post("/entries", entry)[0], 201)
        before = self.get("/balances")[1]["balances"]
        self.assertEqual(self.post("/entries", entry)[0], 200)
        self.assertEqual(self.get("/balances")[1]["balances"], before)

    def test_amounts_are_whole_and_positive(self):
        for amount in (0, -5, 1.5, "12", None):
            entry = {"order": "a-3", "currency": "EUR", "minor_units": amount}
            self.assertEqual(self.post("/entries", entry)[0], 400)


if __name__ == "__main__":
    unittest.main()
