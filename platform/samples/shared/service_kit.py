# SPDX-License-Identifier: Apache-2.0
"""What the services of this platform share: an HTTP server with probes,
metrics, JSON logs and a graceful stop, and a client for the services they
call. Standard library only. This is a whole service:

    app = App()

    @app.route("GET", "/hello/{name}")
    def hello(request, name):
        return 200, {"hello": name}

    if __name__ == "__main__":
        app.run()
"""

import http.client
import json
import os
import random
import re
import select
import signal
import socketserver
import sys
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl, unquote, urlsplit

BODY_MAX = 64 * 1024    # bytes of a request's body
IDLE_MAX = 75           # seconds a silent connection is kept
DRAIN_MAX = 1.5         # seconds that running requests get at a stop
UPSTREAM_TIMEOUT = 2    # seconds
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


# Logs ----------------------------------------------------------------------

_log_lock = threading.Lock()
_log_seen = {}          # message -> (time of its last line, left out since)


def log(level, msg, error=None, **fields):
    """Write one JSON object as one line, then the stack trace of `error`."""
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
    line = {"time": f"{stamp}.{int(now % 1 * 1000):03}Z",
            "level": level, "msg": msg, **fields}
    text = json.dumps(line, ensure_ascii=False) + "\n"
    if error is not None:
        text += "".join(traceback.format_exception(
            type(error), error, error.__traceback__))
    data = text.encode("utf-8", "replace")
    with _log_lock:     # a line and its trace stay together
        while data:
            data = data[os.write(1, data):]


def log_sometimes(level, msg, every=5.0, **fields):
    """Write at most one such line in `every` seconds, with a count of those
    left out: a calm log is read, one line for each request is not."""
    now = time.monotonic()
    with _log_lock:
        last, skipped = _log_seen.get(msg, (now - every, 0))
        is_due = now - last >= every
        _log_seen[msg] = (now, 0) if is_due else (last, skipped + 1)
    if is_due:
        log(level, msg, **fields, **({"left_out": skipped} if skipped else {}))


# Metrics, in Prometheus' text format -----------------------------------------

class Metric:
    """A counter or a gauge: one number for each combination of labels."""

    def __init__(self, kind, name, summary, labels=()):
        self.kind, self.name, self.summary = kind, name, summary
        self.labels = labels
        self.values = {} if labels else {(): 0}
        self.lock = threading.Lock()

    def add(self, *labels, by=1):
        with self.lock:
            self.values[labels] = self.values.get(labels, 0) + by

    def set(self, value, *labels):
        with self.lock:
            self.values[labels] = value

    def samples(self):
        """(suffix of the name, [(label, value)], number) of each line."""
        for key, value in self.values.items():
            yield "", zip(self.labels, key), value

    def __str__(self):
        lines = [f"# HELP {self.name} {self.summary}",
                 f"# TYPE {self.name} {self.kind}"]
        with self.lock:
            for suffix, labels, value in self.samples():
                inner = ",".join(f'{label}="{text}"' for label, text in labels)
                inner = "{" + inner + "}" if inner else ""
                lines.append(f"{self.name}{suffix}{inner} {value}")
        return "\n".join(lines) + "\n"


class Histogram(Metric):
    """How long things took, in seconds."""

    def observe(self, seconds, *labels):
        with self.lock:
            none = [0] * (len(BUCKETS) + 1)
            counts, total = self.values.get(labels, (none, 0))
            for i, bound in enumerate(BUCKETS):
                counts[i] += seconds <= bound
            counts[-1] += 1
            self.values[labels] = counts, total + seconds

    def samples(self):
        for key, (counts, total) in self.values.items():
            labels = list(zip(self.labels, key))
            for bound, count in zip((*BUCKETS, "+Inf"), counts):
                yield "_bucket", labels + [("le", bound)], count
            yield "_sum", labels, round(total, 6)
            yield "_count", labels, counts[-1]


# Requests ------------------------------------------------------------------

class HttpError(Exception):
    """An answer other than success, with a sentence for the caller."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


class InjectedFault(Exception):
    """A failure that the fault file asked for."""


def inject_fault():
    """Fail a share of the requests when the fault file says `errors=0.5`:
    this is how an alert is proved to reach its owner."""
    try:
        with open(os.environ.get("FAIRWAY_FAULT_FILE", ""), "rb") as file:
            wish = re.search(rb"errors=([01](\.\d+)?)", file.read(100))
    except OSError:
        return
    if wish and random.random() < float(wish[1]):
        raise InjectedFault(f"the fault file says {wish[0].decode()}")


class Request:
    """What a route's function is given."""

    def __init__(self, method, target, request_id, body):
        path, _, query = target.partition("?")
        self.method, self.path = method, unquote(path)
        self.query = dict(parse_qsl(query))
        self.id, self.body = request_id, body

    def json(self):
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            raise HttpError(400, "the body is not JSON") from None
        if not isinstance(value, dict):
            raise HttpError(400, "the body is not a JSON object")
        return value


class Upstream:
    """A service this one depends on. Its address is in <NAME>_URL, its
    connections stay open."""

    def __init__(self, name):
        self.name = name
        self.variable = name.upper().replace("-", "_") + "_URL"
        self.idle = []

    def address(self):
        return urlsplit(os.environ[self.variable]).netloc

    def connect(self):
        while self.idle:
            connection = self.idle.pop()
            # Readable without a question asked: the other side closed it.
            if not select.select([connection.sock], [], [], 0)[0]:
                return connection
            connection.close()
        return http.client.HTTPConnection(self.address(),
                                          timeout=UPSTREAM_TIMEOUT)

    def call(self, method, path, body=None, request_id=""):
        """The answer's JSON. Raises HttpError: 502 when the service failed or
        did not answer, its own status when it refused the request."""
        data = None if body is None else json.dumps(body)
        headers = {"Content-Type": "application/json",
                   "X-Request-Id": request_id}
        connection = self.connect()
        try:
            connection.request(method, path, data, headers)
            response = connection.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            reason = str(error) or type(error).__name__
            raise HttpError(502, f"{self.name}: {reason}") from error
        if connection.sock:
            self.idle.append(connection)
        if response.status >= 500:
            raise HttpError(502, f"{self.name} answered {response.status}")
        try:
            answer = json.loads(text)
        except ValueError:
            raise HttpError(502, f"{self.name} answered no JSON") from None
        if response.status >= 400:
            raise HttpError(response.status, answer.get("error", "refused"))
        return answer

    def close(self):
        while self.idle:
            self.idle.pop().close()


# The service ---------------------------------------------------------------

class App:
    """Routes and metrics of a service, and the server around them."""

    def __init__(self):
        self.routes = []
        self.is_stopping = False
        self.running = 0        # requests being answered
        self.changed = threading.Condition()
        self.requests = Metric(
            "counter", "http_requests_total", "Requests answered.",
            ("method", "path", "code"))
        self.durations = Histogram(
            "histogram", "http_request_duration_seconds", "Time to answer.",
            ("path",))
        started = Metric(
            "gauge", "process_start_time_seconds",
            "Start of this process, in seconds since 1970.")
        started.set(round(time.time(), 3))
        self.metrics = [self.requests, self.durations, started]

    def metric(self, *args):
        self.metrics.append(Metric(*args))
        return self.metrics[-1]

    def route(self, method, pattern):
        """Have METHOD and a path such as /users/{id} answered by the
        function below: it returns a status and a dict."""
        regex = re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", pattern))

        def register(function):
            self.routes.append((method, regex, pattern, function))
            return function
        return register

    def find(self, request):
        """(pattern, function, parameters) of a request's route, or None."""
        for method, regex, pattern, function in self.routes:
            match = regex.fullmatch(request.path)
            if match and method == request.method:
                return pattern, function, match.groupdict()
        return None

    def answer(self, request):
        """Status and body for a request that is not a probe."""
        start = time.monotonic()
        route = self.find(request)
        pattern, function, parameters = route or ("other", None, {})
        try:
            if not route:
                raise HttpError(404, f"no {request.method} {request.path}")
            inject_fault()
            status, body = function(request, **parameters)
        except Exception as error:
            is_expected = isinstance(error, HttpError)
            status = error.status if is_expected else 500
            body = {"error": str(error) if is_expected else "internal error"}
            if status >= 500:
                log("error", str(error) or type(error).__name__,
                    None if is_expected else error, request_id=request.id,
                    method=request.method, path=pattern, status=status)
        self.requests.add(request.method, pattern, status)
        self.durations.observe(time.monotonic() - start, pattern)
        return status, body

    def probe(self, path):
        """Status and text for a probe, or None when the path is not one."""
        if path == "/healthz":
            return 200, "ok\n"
        if path == "/readyz":
            if self.is_stopping:
                return 503, "stopping\n"
            return 200, "ready\n"
        if path == "/metrics":
            return 200, "".join(map(str, self.metrics))
        return None

    def start(self, port):
        """Serve in the background; port 0 takes any that is free."""
        server = Server(("127.0.0.1", port), Handler)
        server.app = self
        # The loop ends with the process: it need not wake up to look.
        threading.Thread(target=server.serve_forever, args=(3600,),
                         daemon=True).start()
        return server

    def run(self):
        """Serve on $PORT until told to stop, then finish what is running."""
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        port = int(os.environ["PORT"])
        self.start(port)
        log("info", "listening", port=port,
            version=os.environ.get("FAIRWAY_VERSION", ""))
        signal.sigwait(STOP_SIGNALS)
        self.is_stopping = True     # each answer now closes its connection
        time.sleep(0.1)             # for requests that are on their way
        with self.changed:
            is_drained = self.changed.wait_for(lambda: not self.running,
                                               DRAIN_MAX)
        log("info", "stopped", drained=is_drained)


class Server(socketserver.ThreadingTCPServer):
    """Not http.server's: that one asks the DNS for its own name first."""
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):  # a caller that left is no error
            log("error", str(error), error)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_MAX
    wbufsize = -1           # buffered: an answer leaves in one piece

    def do_GET(self):
        app = self.server.app
        with app.changed:
            app.running += 1
        try:
            self.reply(app)
            self.wfile.flush()
        finally:
            with app.changed:
                app.running -= 1
                app.changed.notify_all()

    do_POST = do_GET

    def reply(self, app):
        given = self.headers.get("X-Request-Id", "")
        is_usable = re.fullmatch(r"[A-Za-z0-9._-]{1,64}", given)
        request_id = given if is_usable else os.urandom(6).hex()
        length = self.headers.get("Content-Length", "0")
        probe = app.probe(self.path) if self.command == "GET" else None
        if (not re.fullmatch(r"[0-9]{1,9}", length) or int(length) > BODY_MAX
                or "Transfer-Encoding" in self.headers):
            self.close_connection = True    # what follows was not read
            status, body = 413, {"error": "the body is too long"}
        else:
            data = self.rfile.read(int(length))
            if probe:
                self.send(*probe, "text/plain; version=0.0.4", request_id)
                return
            status, body = app.answer(
                Request(self.command, self.path, request_id, data))
        text = json.dumps({**body, "request_id": request_id}) + "\n"
        self.send(status, text, "application/json", request_id)

    def send(self, status, text, content_type, request_id):
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Request-Id", request_id)
        if self.server.app.is_stopping or self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        """No line for each request: /metrics counts them."""
