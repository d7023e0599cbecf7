# SPDX-License-Identifier: Apache-2.0
import unittest

import main
import service_test


class UsersTest(service_test.ServiceTest):
    app = main.app

    def test_a_user_has_a_name(self):
        self.assertEqual(self.get("/users/ada")[1]["full_name"], "Ada Byron")
        self.assertEqual(self.get("/users/nobody")[0], 404)

    def test_a_session_knows_its_user(self):
        status, session = self.post("/sessions", {"name": "grace"})
        self.assertEqual(status, 201)
        status, owner = self.get("/sessions/" + session["token"])
        self.assertEqual((status, owner["name"]), (200, "grace"))

    def test_a_stranger_gets_no_session(self):
        for name in ("nobody", None, ["ada"]):
            self.assertEqual(self.post("/sessions", {"name": name})[0], 403)
        self.assertEqual(self.get("/sessions/made-up")[0], 404)


if __name__ == "__main__":
    unittest.main()
