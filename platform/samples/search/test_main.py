# SPDX-License-Identifier: Apache-2.0
import unittest

import main
import service_test


class SearchTest(service_test.ServiceTest):
    app = main.app

    def names(self, query):
        status, answer = self.get("/search?q=" + query)
        self.assertEqual(status, 200)
        return [result["name"] for result in answer["results"]]

    def test_the_best_match_comes_first(self):
        self.assertEqual(self.names("brass"), ["compass", "lantern"])
        self.assertEqual(self.names("brass+ship"),
                         ["lantern", "compass", "rope"])

    def test_letters_case_does_not_matter(self):
        self.assertEqual(self.names("HARBOUR"), ["mug", "poster"])

    def test_what_is_not_there_is_not_found(self):
        self.assertEqual(self.names("submarine"), [])

    def test_a_query_needs_a_word(self):
        self.assertEqual(self.get("/search")[0], 400)
        self.assertEqual(self.get("/search?q=%21%21")[0], 400)


if __name__ == "__main__":
    unittest.main()
