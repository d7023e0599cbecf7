"""An HTTP service with health, readiness, metrics, JSON logs and a graceful
stop. Standard library only. Add a route to ROUTES to add a page.
"""

import collections
import contextlib
import json
import os
import random
import re
import signal
import socket
import socketserver
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler

SERVICE = os.environ.get("FAIRWAY_SERVICE", <%name%>)
ENVIRONMENT = os.environ.get("FAIRWAY_ENVIRONMENT", "")
VERSION = os.environ.get("FAIRWAY_VERSION", "")

MAX_BODY = 1024 * 1024  # bytes of a request
MAX_IDLE = 75           # seconds that a silent connection is kept
STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT}


# What this service does ------------------------------------------------------

def home(body):
    return {"service": SERVICE, "environment": ENVIRONMENT,
            "version": VERSION}


# (method, path) -> a function: it gets the body, its answer becomes JSON.
ROUTES = {
    ("GET", "/"): home,
}


# Logs: one JSON object a line ------------------------------------------------

log_lock = threading.Lock()


def log(level, msg, **fields):
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
    line = {"time": f"{stamp}.{int(now % 1 * 1000):03}Z", "level": level,
            "msg": msg, **fields}
    with log_lock:
        print(json.dumps(line), flush=True)


# Metrics: Prometheus' text format --------------------------------------------

class Metrics:
    """Counts requests and how long they took."""

    BOUNDS = (.001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5)

    def __init__(self):
        self.lock = threading.Lock()
        self.requests = collections.Counter()
        self.buckets = [0] * (len(self.BOUNDS) + 1)
        self.seconds = 0.0

    def observe(self, method, path, code, seconds):
        with self.lock:
            self.requests[method, path, code] += 1
            self.seconds += seconds
            for i, bound in enumerate(self.BOUNDS):
                self.buckets[i] += seconds <= bound
            self.buckets[-1] += 1

    def __str__(self):
        with self.lock:
            return "\n".join(self.lines()) + "\n"

    def lines(self):
        yield "# TYPE service_build_info gauge"
        yield f"service_build_info{{version={json.dumps(VERSION)}}} 1"
        yield "# TYPE http_requests_total counter"
        for (method, path, code), count in self.requests.items():
            yield (f'http_requests_total{{method="{method}",path="{path}",'
                   f'code="{code}"}} {count}')
        name = "http_request_duration_seconds"
        yield f"# TYPE {name} histogram"
        for bound, count in zip((*self.BOUNDS, "+Inf"), self.buckets):
            yield f'{name}_bucket{{le="{bound}"}} {count}'
        yield f"{name}_sum {self.seconds:.6f}"
        yield f"{name}_count {self.buckets[-1]}"


# Requests --------------------------------------------------------------------

class InjectedFault(Exception):
    """A failure on purpose: it proves that the alert reaches its owner."""


def inject_fault():
    """Fail a share of the requests while a file says so: "errors=0.5"."""
    try:
        with open(os.environ.get("FAIRWAY_FAULT_FILE", "")) as file:
            wish = re.search(r"errors=([01](\.\d+)?)", file.read(100))
    except (OSError, ValueError):
        return
    if wish and random.random() < float(wish[1]):
        raise InjectedFault(f"the fault file says {wish[0]}")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = MAX_IDLE
    wbufsize = -1                       # an answer leaves in one piece
    disable_nagle_algorithm = True

    def do_GET(self):
        body = self.read_body()
        path = self.path.partition("?")[0]
        if body is None:
            self.send(413, "text/plain", "the body is too long\n")
        elif path == "/healthz":
            self.send(200, "text/plain", "ok\n")
        elif path == "/readyz":
            is_ready = not self.server.is_stopping
            self.send(200 if is_ready else 503, "text/plain",
                      "ready\n" if is_ready else "stopping\n")
        elif path == "/metrics":
            self.send(200, "text/plain; version=0.0.4",
                      str(self.server.metrics))
        else:
            self.answer(path, body)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def read_body(self):
        """The whole body, so that the connection can be used again; None
        when that would be too much."""
        length = self.headers.get("Content-Length", "0")
        is_bounded = re.fullmatch(r"[0-9]{1,9}", length)
        if (not is_bounded or int(length) > MAX_BODY
                or "Transfer-Encoding" in self.headers):
            self.close_connection = True
            return None
        return self.rfile.read(int(length))

    def answer(self, path, body):
        start = time.monotonic()
        route = ROUTES.get((self.command, path))
        code, result = 200, None
        try:
            if route is None:
                code, result = 404, {"error": "there is no such page"}
            else:
                inject_fault()
                result = route(body)
        except Exception as error:
            code, result = 500, {"error": "internal error"}
            log("error", f"{type(error).__name__}: {error}",
                method=self.command, path=path,
                trace=traceback.format_exc())
        # Paths are counted by route: whatever is asked, they stay few.
        self.server.metrics.observe(self.command, path if route else "other",
                                    code, time.monotonic() - start)
        self.send(code, "application/json", json.dumps(result) + "\n")

    def send(self, code, content_type, text):
        data = text.encode()
        self.send_response(code)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        if self.close_connection or self.server.is_stopping:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        """No line for each request: the metrics count them."""


# The server ------------------------------------------------------------------

class Server(socketserver.ThreadingTCPServer):
    """One thread a connection. (http.server's own server asks the DNS for
    the name of this machine before it starts.)"""

    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, port, host="127.0.0.1"):
        self.metrics = Metrics()
        self.is_stopping = False
        self.connections = set()
        super().__init__((host, port), Handler)
        self.port = self.server_address[1]
        self.loop = threading.Thread(target=self.serve_forever)
        self.loop.start()

    def process_request(self, request, client_address):
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address):
        """A caller that hangs up is no error of ours."""

    def stop(self):
        """Take no new connection, finish every request that has begun."""
        self.is_stopping = True
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)  # wakes the loop
        self.shutdown()
        self.loop.join()
        for connection in list(self.connections):
            with contextlib.suppress(OSError):      # the caller was faster
                connection.shutdown(socket.SHUT_RD) # reads no next request
        self.server_close()             # waits for the threads


def main():
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    server = Server(int(os.environ.get("PORT", "8080")),
                    os.environ.get("HOST", "127.0.0.1"))
    log("info", "listening", port=server.port, version=VERSION)
    signal.sigwait(STOP_SIGNALS)
    server.stop()
    log("info", "stopped")


if __name__ == "__main__":
    main()
