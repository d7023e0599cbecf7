# SPDX-License-Identifier: Apache-2.0
"""proxy.py PROXY FOLDER: both ends of the fault proxy. Speaks TAP.

The server behind it reads one line and acts on it: "echo" sends back what comes until the end, "send N" sends N bytes
and waits for the end, "answer" reads to the end and then sends what it read. What it read is in `seen`."""
import os
import socket
import subprocess
import sys
import threading
import time

program, folder = sys.argv[1:3]
control = os.path.join(folder, "control.sock")
number = failed = 0
seen = {}
WAIT = 20  # seconds until a test is hopeless


def check(name, is_so, said=""):
    global number, failed
    number += 1
    failed += not is_so
    print("%s %d - %s" % ("ok" if is_so else "not ok", number, name), flush=True)
    if not is_so:
        print("# %s" % (said,), flush=True)


def serve(listener):
    def one(c):
        with c:
            line = b""
            while not line.endswith(b"\n"):
                more = c.recv(1)
                if not more:
                    return
                line += more
            words = line.decode().split()
            try:
                if words[0] == "send":
                    c.sendall(b"x" * int(words[1]))
                got = b""
                while True:
                    more = c.recv(65536)
                    if not more:
                        break
                    got += more
                    if words[0] == "echo":
                        c.sendall(more)
                seen[words[-1]] = got
                if words[0] == "answer":
                    c.sendall(got)
            except OSError as e:
                seen[words[-1]] = e
    while True:
        c, _ = listener.accept()
        threading.Thread(target=one, args=(c,), daemon=True).start()


upstream = socket.create_server(("127.0.0.1", 0))
threading.Thread(target=serve, args=(upstream,), daemon=True).start()
target = "127.0.0.1:%d" % upstream.getsockname()[1]
proxy = subprocess.Popen([program, "127.0.0.1:0", target, control], stdout=subprocess.PIPE, text=True)
port = int(proxy.stdout.readline().split()[-1])


def tell(*words):
    done = subprocess.run([program, control, *words], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else None


def connect():
    return socket.create_connection(("127.0.0.1", port), timeout=WAIT)


def read_all(c):
    """What came, and how it ended: None or the error's name."""
    got = b""
    while True:
        try:
            more = c.recv(65536)
        except OSError as e:
            return got, type(e).__name__
        if not more:
            return got, None
        got += more


def fetch(line, n=None):
    with connect() as c:
        c.sendall(line)
        if n is None:
            c.shutdown(socket.SHUT_WR)
            return read_all(c)
        got = b""
        while len(got) < n:
            got += c.recv(n - len(got))
        return got, None


def until(is_so):
    end = time.monotonic() + WAIT
    while not is_so() and time.monotonic() < end:
        time.sleep(0.01)
    return is_so()


def counts():
    words = tell("count").split()
    return dict(zip(words[::2], map(int, words[1::2])))


big = os.urandom(1 << 20)
try:
    got, how = fetch(b"answer whole\n" + big)
    check("carries a MiB each way, ends included", got == big and how is None, (len(got), how))
    n = counts()
    check("counts what it carried", n["connections"] == 1 and n["server"] == 1 << 20 and
          n["client"] == (1 << 20) + len(b"answer whole\n"), n)
    fetch(b"answer plain\nGET / HTTP/1.1\r\n\r\nGET /a HTTP/1.1\r\n\r\n")
    check("counts plain requests", counts()["requests"] == 2, counts())
    check("forgets links that are over", until(lambda: counts()["open"] == 0), counts())

    tell("delay", "100")
    start = time.monotonic()
    fetch(b"send 1\n", 1)
    check("delays both ways", 0.2 <= time.monotonic() - start < 5, time.monotonic() - start)
    start = time.monotonic()
    got, how = fetch(b"answer late\n" + big)
    took = time.monotonic() - start
    check("a delay holds up, it does not slow down", got == big and took < 5, took)
    tell("clear")

    tell("slow", "100000")
    start = time.monotonic()
    fetch(b"send 50000\n", 50000)
    took = time.monotonic() - start
    check("slow bytes", 0.4 <= took < 5, took)
    tell("clear")

    for side, line in (("server", b"send 5000\n"), ("client", b"echo cut\n" + b"y" * 5000)):
        tell("cut", side, "1000", "1")
        with connect() as c:
            c.sendall(line)
            got, how = read_all(c)
        wanted = 1000 if side == "server" else 1000 - len(b"echo cut\n")
        check("cut of the %s's bytes at the byte" % side,
              len(got) == wanted if side == "server" else len(got) <= wanted, (len(got), how))
        if side == "client":
            until(lambda: "cut" in seen)
            check("the server saw as many", isinstance(seen["cut"], OSError) or len(seen["cut"]) == wanted, seen["cut"])
        got, how = fetch(b"send 5000\n", 5000)
        check("and once, as it was told", len(got) == 5000, len(got))

    tell("reset", "server", "1000")
    for i in range(2):
        with connect() as c:
            c.sendall(b"send 5000\n")
            got, how = read_all(c)
        check("reset, time %d" % (i + 1), how == "ConnectionResetError" and len(got) <= 1000, (len(got), how))
    tell("clear")

    tell("half", "server", "1000")
    with connect() as c:
        c.sendall(b"send 5000 half\n")
        got, how = read_all(c)
        check("half-close after the byte", len(got) == 1000 and how is None, (len(got), how))
        c.sendall(b"still here")
        c.shutdown(socket.SHUT_WR)
        until(lambda: "half" in seen)
        check("the other half goes on", seen.get("half") == b"still here", seen.get("half"))
    tell("clear")

    tell("stall")
    with connect() as c:
        c.sendall(b"send 10\n")
        c.settimeout(0.3)
        try:
            got = c.recv(1)
        except TimeoutError:
            got = None
        check("stall: accepted, and nothing comes", got is None, got)
        tell("clear")
        c.settimeout(WAIT)
        check("clear: it comes", len(c.recv(10, socket.MSG_WAITALL)) == 10)
        tell("drop")
        got, how = read_all(c)
        check("drop resets what is open", how == "ConnectionResetError", how)

    tell("refuse")
    try:
        connect().close()
        how = None
    except OSError as e:
        how = type(e).__name__
    check("refuse", how == "ConnectionRefusedError", how)
    tell("clear")
    check("clear: it listens again", fetch(b"send 10\n", 10)[0] == b"x" * 10)

    free = socket.create_server(("127.0.0.1", 0))
    closed = free.getsockname()[1]
    free.close()
    tell("target", "127.0.0.1:%d" % closed)
    try:
        with connect() as c:
            got, how = read_all(c)
    except OSError as e:
        how = type(e).__name__
    check("a target that is down resets", how == "ConnectionResetError", how)
    tell("target", target)
    check("another target", fetch(b"send 10\n", 10)[0] == b"x" * 10)
    check("what it does not know is refused", tell("cut", "both", "3") is None and tell("nonsense") is None)
finally:
    proxy.terminate()
check("ends when told", proxy.wait(WAIT) == 0)
print("1..%d" % number)
sys.exit(failed != 0)
