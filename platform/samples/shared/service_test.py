# SPDX-License-Identifier: Apache-2.0
"""The base of the services' tests: they talk HTTP to the real server."""

import http.client
import json
import os
import unittest

import service_kit


def quiet(*args, **fields):
    """Builds show what failed, not what the service logs meanwhile."""


class ServiceTest(unittest.TestCase):
    app = None              # set by each service's test
    upstreams = {}          # Upstream -> App that plays this service

    @classmethod
    def setUpClass(cls):
        service_kit.log = quiet
        cls.server = cls.listen(cls.app)
        for upstream, app in cls.upstreams.items():
            host, port = cls.listen(app).server_address
            os.environ[upstream.variable] = f"http://{host}:{port}"
            cls.addClassCleanup(upstream.close)
        cls.connection = http.client.HTTPConnection(
            *cls.server.server_address, timeout=2)
        cls.addClassCleanup(cls.connection.close)

    @classmethod
    def listen(cls, app):
        server = app.start(0)
        cls.addClassCleanup(server.server_close)
        return server

    def text(self, method, path, data=None):
        self.connection.request(method, path, data)
        response = self.connection.getresponse()
        return response.status, response.read().decode()

    def get(self, path):
        status, text = self.text("GET", path)
        return status, json.loads(text)

    def post(self, path, body):
        status, text = self.text("POST", path, json.dumps(body))
        return status, json.loads(text)

    def test_probes(self):
        self.assertEqual(self.text("GET", "/healthz"), (200, "ok\n"))
        self.assertEqual(self.text("GET", "/readyz"), (200, "ready\n"))

    def test_metrics_count_requests(self):
        self.get("/nothing-here")
        status, text = self.text("GET", "/metrics")
        self.assertEqual(status, 200)
        self.assertIn('http_requests_total{method="GET",path="other"'
                      ',code="404"}', text)
        self.assertIn("http_request_duration_seconds_bucket", text)

    def test_a_body_that_is_not_json_is_refused(self):
        for method, _, path, _ in self.app.routes:
            if method == "POST":
                self.assertEqual(self.text("POST", path, "[1")[0], 400)
