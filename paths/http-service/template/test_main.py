"""Tests over real HTTP; they run at every build: python3 -m unittest"""

import contextlib
import http.client
import io
import json
import os
import tempfile
import threading
import unittest
from unittest import mock

import main


class ServiceTest(unittest.TestCase):
    def setUp(self):
        self.log = io.StringIO()
        self.enterContext(contextlib.redirect_stdout(self.log))
        self.server = main.Server(port=0)
        self.caller = self.connect()
        self.addCleanup(self.stop)

    def stop(self):
        self.caller.close()
        self.server.stop()

    def enterContext(self, context):    # unittest has it from Python 3.11 on
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.server.port,
                                          timeout=5)

    def ask(self, path, method="GET", body=None):
        self.caller.request(method, path, body)
        response = self.caller.getresponse()
        return response.status, response.read().decode()

    def test_home(self):
        code, text = self.ask("/")
        self.assertEqual(code, 200)
        self.assertEqual(json.loads(text)["service"], main.SERVICE)

    def test_unknown_page(self):
        self.assertEqual(self.ask("/nothing/here")[0], 404)

    def test_health_and_readiness(self):
        self.assertEqual(self.ask("/healthz"), (200, "ok\n"))
        self.assertEqual(self.ask("/readyz"), (200, "ready\n"))

    def test_metrics_count_requests_but_no_probes(self):
        for path in ("/", "/", "/nothing", "/healthz"):
            self.ask(path)
        text = self.ask("/metrics")[1]
        self.assertIn('http_requests_total{method="GET",path="/",'
                      'code="200"} 2\n', text)
        self.assertIn('path="other",code="404"} 1\n', text)
        self.assertIn('_seconds_bucket{le="+Inf"} 3\n', text)
        self.assertNotIn("healthz", text)

    def test_one_connection_carries_many_requests(self):
        self.ask("/", "POST", "x" * 1000)
        first = self.caller.sock
        self.ask("/")
        self.assertIs(self.caller.sock, first)

    def test_a_body_that_is_too_long_is_refused(self):
        self.caller.putrequest("POST", "/")
        self.caller.putheader("Content-Length", str(main.MAX_BODY + 1))
        self.caller.endheaders()
        self.assertEqual(self.caller.getresponse().status, 413)

    def test_a_failure_is_an_answer_and_a_log_line(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("errors=1")
            file.flush()
            wish = {"FAIRWAY_FAULT_FILE": file.name}
            with mock.patch.dict(os.environ, wish):
                self.assertEqual(self.ask("/")[0], 500)
                self.assertEqual(self.ask("/healthz")[0], 200)
        self.assertEqual(self.ask("/")[0], 200)
        line = json.loads(self.log.getvalue())
        self.assertEqual(line["level"], "error")
        self.assertIn("Traceback", line["trace"])

    def test_a_stop_finishes_what_has_begun(self):
        begun, go_on = threading.Event(), threading.Event()

        def slow(body):
            begun.set()
            go_on.wait(5)
            return {"slow": True}

        with mock.patch.dict(main.ROUTES, {("GET", "/slow"): slow}):
            self.caller.request("GET", "/slow")
            begun.wait(5)
            stopper = threading.Thread(target=self.server.stop)
            stopper.start()
            self.server.loop.join(5)    # nothing is accepted any more
            go_on.set()
            response = self.caller.getresponse()
            stopper.join(5)
        self.assertEqual(response.status, 200)
        self.assertEqual(response.getheader("Connection"), "close")
        self.assertFalse(stopper.is_alive())
        with self.assertRaises(OSError):
            self.connect().connect()


if __name__ == "__main__":
    unittest.main()
