# SPDX-License-Identifier: Apache-2.0
"""Runs the services of the sample platform as fairway would, with the same
environment variables, and looks at them from outside. Prints TAP."""

import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

SAMPLES = pathlib.Path("platform/samples")
SERVICES = ("gateway", "checkout", "ledger", "search", "users", "swell")
SAMPLE_LINE = re.compile(
    r'([a-z_]+)(?:\{((?:[a-z]+="[^"\\]*",?)*)\})? ([0-9.e+-]+)')
count = failures = 0


def check(passed, title, detail=""):
    global count, failures
    count += 1
    failures += not passed
    print(f"{'ok' if passed else 'not ok'} {count} - {title}", flush=True)
    if not passed and detail:
        print("# " + str(detail).replace("\n", "\n# "))


def wait_for(condition, seconds=15):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def unpack(root, service, overlay=None):
    """A service's folder as releases.yaml says it is committed."""
    folder = root / (pathlib.Path(overlay).name if overlay else service)
    shutil.copytree(SAMPLES / service, folder)
    shutil.copytree(SAMPLES / "shared", folder, dirs_exist_ok=True)
    if overlay:
        shutil.copytree(SAMPLES / overlay, folder, dirs_exist_ok=True)
    return folder


class Instance:
    """A running service, its log in a file beside its folder."""

    def __init__(self, folder, environment, upstreams):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.name = folder.name
        self.faults = folder / "faults"
        self.log_path = pathlib.Path(f"{folder}-{self.port}.log")
        env = {"PATH": os.environ["PATH"], "PORT": str(self.port),
               "FAIRWAY_SERVICE": self.name, "FAIRWAY_VERSION": "test",
               "FAIRWAY_ENVIRONMENT": environment, "FAIRWAY_INSTANCE": "0",
               "FAIRWAY_FAULT_FILE": str(self.faults)}
        for name, upstream in upstreams.items():
            env[f"{name.upper()}_URL"] = f"http://127.0.0.1:{upstream.port}"
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "main.py"], cwd=folder, env=env,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, path, body and json.dumps(body))
            response = connection.getresponse()
            return response.status, response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            return 0, repr(error)
        finally:
            connection.close()

    def order(self, **cart):
        status, text = self.ask("POST", "/orders", cart)
        return status, json.loads(text) if status else text

    def log(self):
        return self.log_path.read_text(encoding="utf-8")

    def answers(self):
        """How many requests were answered, by status."""
        found = {}
        for code, value in re.findall(r'^http_requests_total\{.*code="(\d+)"\} (\d+)',
                                      self.ask("GET", "/metrics")[1], re.M):
            found[code] = found.get(code, 0) + int(value)
        return found

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "still there after 2 s"


def metrics_fault(text):
    """What is wrong with a text of metrics, or None."""
    types, buckets = {}, {}
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            name, kind = line.split()[2:]
            types[name] = kind
        elif not line.startswith("# HELP "):
            match = SAMPLE_LINE.fullmatch(line)
            if not match:
                return line
            name, labels, value = match.groups()
            family = re.sub("_(bucket|sum|count)$", "", name)
            if name not in types and types.get(family) != "histogram":
                return f"{name} has no type"
            if name.endswith("_bucket"):
                key, last = labels.split(",le=")[0], buckets.get(labels.split(",le=")[0], 0)
                if int(value) < last:
                    return f"{line}: fewer than in the bucket before"
                buckets[key] = int(value)
            elif name.endswith("_seconds_count") and buckets[labels] != int(value):
                return f"{line}: not the count of the last bucket"
    missing = {"http_requests_total", "http_request_duration_seconds",
               "process_start_time_seconds"} - set(types)
    return f"no {missing}" if missing else None


def test_units(folders):
    for folder in folders:
        done = subprocess.run([sys.executable, "-m", "unittest"], cwd=folder,
                              capture_output=True, text=True, timeout=60)
        ran = re.search(r"Ran [1-9]", done.stderr)
        check(done.returncode == 0 and ran and "Warning" not in done.stderr,
              f"{folder.name}: its own tests pass", done.stderr)


def test_releases():
    text = (SAMPLES / "releases.yaml").read_text()
    released = re.findall(r"- service: (\S+)\n  version: (\S+)\n(?:  overlay: (\S+)\n)?", text)
    check({service for service, _, _ in released} == set(SERVICES)
          and all((SAMPLES / overlay).is_dir() for _, _, overlay in released)
          and len(released) == text.count("- service:"),
          "releases.yaml names every service and overlays that exist", released)


def test_service_files():
    tool = pathlib.Path(os.environ.get("BUILD", "build")) / "tests/tools/service_file_check"
    if not tool.exists():
        global count
        count += 1
        print(f"ok {count} - service.yaml files # skip {tool} is not built")
        return
    files = [str(SAMPLES / service / "service.yaml") for service in SERVICES]
    done = subprocess.run([tool, *files], capture_output=True, text=True, timeout=60)
    check(done.returncode == 0, "fairway accepts every service.yaml", done.stdout + done.stderr)


def test_orders(gateway, ledger):
    status, answer = gateway.order(product="poster", currency="EUR")
    check(status == 201 and answer["amount"] == "19.90",
          "an order goes through gateway, checkout and ledger", answer)
    rows = json.loads(ledger.ask("GET", "/balances")[1])["balances"]
    check({"account": "cash", "currency": "EUR", "minor_units": 1990} in rows,
          "the ledger booked it", rows)
    request_id = answer["request_id"]
    check(all(request_id in instance.log() for instance in (gateway, ledger)),
          "one request id runs through the logs")
    status, answer = gateway.order(product="mug", currency="CHF")
    check(status == 400, "a currency without a price is refused", answer)


def test_currencies(good, bad, gateway):
    for version, instance, yen in (("1.9.1", good, 201), ("1.9.2", bad, 500)):
        status, answer = instance.order(amount="19.90", currency="EUR")
        check(status == 201 and answer["minor_units"] == 1990,
              f"checkout {version} takes 19.90 EUR as 1990 cents", answer)
        for amount, currency in (("1200", "JPY"), ("12500", "KRW")):
            status, answer = instance.order(amount=amount, currency=currency)
            check(status == yen and (yen == 500 or answer["minor_units"] == int(amount)),
                  f"checkout {version} answers {yen} to {amount} {currency}", answer)
        check(instance.ask("GET", "/healthz")[0] == 200, f"checkout {version} is healthy")
    check(good.order(amount="1.999", currency="EUR")[0] == 400,
          "checkout 1.9.1 refuses parts of a cent")
    lines = bad.log().splitlines()
    heads = [i for i, line in enumerate(lines) if "amount 1200 JPY: " in line]
    head = json.loads(lines[heads[0]]) if heads else {}
    check(head.get("level") == "error" and head.get("status") == 500
          and lines[heads[0] + 1].startswith("Traceback "),
          "the error is in the log, its stack trace behind it", "\n".join(lines))
    status, answer = gateway.order(product="mug", currency="JPY")
    check(status == 502 and answer["error"] == "checkout answered 500",
          "gateway passes the failure on as 502", answer)


def test_traffic(swell, checkout, gateway):
    before = checkout.answers()

    def grown(code):
        return checkout.answers().get(code, 0) - before.get(code, 0)

    check(wait_for(lambda: min(grown("201"), grown("500")) >= 5, 30),
          "prod's orders: 1.9.2 takes some and fails others", checkout.answers())
    share = grown("500") / (grown("201") + grown("500"))
    check(share > 0.05, f"it fails {share:.0%}, more than its alert's 5 %")
    check("gateway answered 502" in swell.log(), "swell notices", swell.log())
    check(gateway.ask("GET", "/products")[0] == 200, "the shop stays open")


def test_faults(users):
    users.faults.write_text("errors=1\n")
    check(users.ask("GET", "/users/ada")[0] == 500, "errors=1 fails requests")
    check(users.ask("GET", "/healthz")[0] == 200, "it does not fail probes")
    users.faults.write_text("errors=lots\n")
    check(users.ask("GET", "/users/ada")[0] == 200, "a wish that is no number is no wish")
    users.faults.unlink()
    check(users.ask("GET", "/users/ada")[0] == 200, "without the file all is well")


def test_hostile(search):
    with socket.create_connection(("127.0.0.1", search.port), 5) as link:
        link.sendall(b"GET /search?q=brass HTTP/1.1\r\n\r\nGET /nothing HTTP/1.1\r\n\r\n"
                     b"GET /%1b[2J%ff?q=%zz&&= HTTP/1.1\r\n\r\n"
                     b"POST /search HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n")
        text = b"".join(iter(lambda: link.recv(65536), b"")).decode()
    check(re.findall(r"HTTP/1.1 (\d+)", text) == ["200", "404", "404", "413"],
          "one connection carries several requests, one too long ends it", text)
    for head in ("Content-Length: -1", "Content-Length: 1e9", "Transfer-Encoding: chunked"):
        with socket.create_connection(("127.0.0.1", search.port), 5) as link:
            link.sendall(f"POST /search HTTP/1.1\r\n{head}\r\n\r\n".encode())
            text = b"".join(iter(lambda: link.recv(65536), b"")).decode()
        check(text.startswith("HTTP/1.1 413"), f"{head} is refused", text)


def test_stop(instances, last):
    """The last one is stopped while it is answering."""
    body = b'{"name": "ada"}'
    with socket.create_connection(("127.0.0.1", last.port), 5) as link:
        link.sendall(b"POST /sessions HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:5])
        check(wait_for(lambda: last.ask("GET", "/readyz")[0] == 200), f"{last.name} is ready")
        last.process.send_signal(signal.SIGTERM)
        check(wait_for(lambda: last.ask("GET", "/readyz")[0] == 503, 1),
              f"{last.name} stops being ready")
        link.sendall(body[5:])
        text = b"".join(iter(lambda: link.recv(65536), b"")).decode()
    check(text.startswith("HTTP/1.1 201") and "Connection: close" in text,
          f"{last.name} finishes the request that is running", text)
    check(last.process.wait(2) == 0, f"{last.name} ends with 0")
    for instance in instances:
        ended = instance.stop()
        check(ended == 0, f"{instance.name} ends with 0", ended)


def test_logs(instances):
    for instance in instances:
        lines = [line for line in instance.log().splitlines() if line.startswith("{")]
        entries = [json.loads(line) for line in lines]
        stamp = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
        check(entries and all(stamp.fullmatch(entry["time"]) and entry["level"] and entry["msg"]
                              for entry in entries)
              and entries[-1]["msg"] == "stopped",
              f"{instance.name} logs one JSON object a line", instance.log())


def run(root, running):
    def start(folder, environment="dev", **upstreams):
        running.append(Instance(folder, environment, upstreams))
        return running[-1]

    folders = {service: unpack(root, service) for service in SERVICES}
    newer = unpack(root, "checkout", "history/checkout-1.9.2")
    test_releases()
    test_service_files()
    test_units([*folders.values(), newer])

    ledger = start(folders["ledger"])
    checkout = start(folders["checkout"], ledger=ledger)
    gateway = start(folders["gateway"], checkout=checkout)
    search, users = start(folders["search"]), start(folders["users"])
    bad = start(newer, "prod", ledger=ledger)
    front = start(folders["gateway"], "prod", checkout=bad)
    for instance in running:
        check(wait_for(lambda: instance.ask("GET", "/healthz")[0] == 200),
              f"{instance.name} answers", instance.log())
    swell = start(folders["swell"], "prod", gateway=front, search=search, users=users)

    test_orders(gateway, ledger)
    test_currencies(checkout, bad, gateway=front)
    test_traffic(swell, bad, front)
    test_hostile(search)
    for instance in running[:-1]:
        text = instance.ask("GET", "/metrics")[1]
        check(metrics_fault(text) is None, f"{instance.name}: metrics parse", metrics_fault(text))
    check(swell.stop() == 0, "swell ends with 0")
    stranded = start(folders["swell"])
    check(wait_for(lambda: stranded.process.poll()) and "GATEWAY_URL" in stranded.log(),
          "swell without addresses ends and says which", stranded.log())
    stranded.process.kill()
    running.remove(stranded)
    test_faults(users)
    test_stop([gateway, checkout, bad, front, search, ledger], users)
    test_logs(running)


def main():
    running = []
    with tempfile.TemporaryDirectory(prefix="fairway-samples-") as root:
        try:
            run(pathlib.Path(root), running)
        finally:
            for instance in running:
                instance.process.kill()
                instance.process.wait()
    print(f"1..{count}")
    return failures > 0


if __name__ == "__main__":
    sys.exit(main())
