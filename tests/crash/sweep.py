# SPDX-License-Identifier: Apache-2.0
"""The daemon killed at the system calls of an operation, one after the other: see sweep.sh.

sweep.py PROGRAM TOOLS TOP SECONDS   prints TAP; what is wrong goes to stderr as well
"""

import os
import re
import signal
import subprocess
import sys
import time

from crash import Rig  # tests/support

CALLS = ("fdatasync", "pwrite64", "renameat", "openat", "unlinkat", "clone3")
POINTS_LEAST = 3
ENDS = {"done": 0, "failed": 1, "refused": 3, "no daemon": 5, "unknown": 6}


class Sweep(Rig):
    """No keeper, whose back-off would take most of the time: the daemon is started here."""

    def __init__(self, program, tools, top):
        super().__init__(program, tools, top)
        self.daemon = self.tracer = None
        self.fifos = {}

    def hold(self):
        """As the keeper does: what an instance wrote that dies while no daemon reads stays in its FIFO."""
        slots = os.path.join(self.place, "slots")
        for name in os.listdir(slots) if os.path.isdir(slots) else ():
            path = os.path.join(slots, name, "log")
            if path not in self.fifos and os.path.exists(path):
                self.fifos[path] = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def start(self, call=None, number=0):
        """With a call: killed when it enters its number-th since now."""
        self.hold()
        self.daemon = subprocess.Popen(
            [self.program, "--daemon", self.place], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self.wait("the daemon answers", 10, lambda: self.run("status")[0] == 0)
        self.hold()
        if call:
            self.trace(
                "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}", "-o", "/dev/null"
            )

    def trace(self, *words):
        self.tracer = subprocess.Popen(
            ["strace", "-p", str(self.daemon.pid), *words], stderr=subprocess.PIPE, text=True
        )
        self.tracer.stderr.readline()  # "Process N attached"

    def end(self):
        """Whether it was killed before."""
        is_dead = self.daemon.poll() is not None
        if not is_dead:
            self.daemon.terminate()
        self.daemon.wait(10)
        if self.tracer:
            self.tracer.communicate()
        self.tracer = None
        return is_dead

    # ---- the operations ----

    def words(self, operation):
        reason = f"point {self.release}"
        if operation == "deploy":
            self.change("count")
        return {
            "deploy": ["deploy", "count", "--env", "dev", "--yes"],
            "lock": ["lock", "web", "--env", "dev", "--until", "1h", "--yes"],
            "unlock": ["unlock", "web", "--env", "dev", "--yes"],
            "note": ["note", "web", "it was seen", "--env", "dev"],
        }[operation] + ["--reason", reason]

    def start_act(self, operation):
        return subprocess.Popen(
            [self.program, *self.words(operation)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def newest_deploy(self):
        return max(self.records("deploys"), key=lambda d: int(d["id"][1:]))

    # ---- one point ----

    def point(self, operation, call, number):
        """False: there is no such call any more."""
        if operation in ("lock", "unlock"):
            other = "unlock" if operation == "lock" else "lock"
            self.run(*self.words(other))  # refused or not there: it is as it should be
        before = len(self.state_of(operation))
        self.end()
        self.start(call, number)
        client = self.start_act(operation)
        is_killed = False
        until = time.monotonic() + 30
        while client.poll() is None and time.monotonic() < until and not is_killed:
            self.hold()
            time.sleep(0.005)  # between two looks
            is_killed = self.daemon.poll() is not None
        is_killed = self.end() or is_killed
        self.start()
        try:
            error = client.communicate(timeout=30)[1]
        except subprocess.TimeoutExpired:
            client.kill()
            error = "no end within 30 s"
        self.check(f"{operation}, {call} {number}", operation, client.returncode, error, before)
        return is_killed

    def state_of(self, operation):
        kind = {"deploy": "deploys", "note": "audit"}.get(operation, "audit")
        return [r["id"] for r in self.records(kind) if kind == "deploys" or r["action"] == operation]

    def check(self, where, operation, status, error, before):
        if status not in ENDS.values():
            self.problem(f"{where}: status {status}: {error}")
        self.wait(f"{where}: no deploy is under way", 20, self.is_calm)
        self.wait(
            f"{where}: no intent is left open",
            10,
            lambda: not any(a["state"] == "recorded" for a in self.records("audit")),
        )
        made = len(self.state_of(operation)) - before
        if made not in (0, 1) or (status == 0 and made != 1):
            self.problem(f"{where}: status {status}, and {made} were made")
        if operation == "deploy" and status == 0 and self.newest_deploy()["state"] != "succeeded":
            self.problem(f"{where}: status 0, and the deploy is {self.newest_deploy()['state']}")
        locks = [
            p.get("lock") for s in self.records("services") for p in s["placements"] if p["service"] == "web"
        ]
        if (
            status == 0
            and operation in ("lock", "unlock")
            and bool(locks and locks[0]) != (operation == "lock")
        ):
            self.problem(f"{where}: status 0, and the lock is {locks}")
        status, text, error = self.run("audit", "verify")
        if status:
            self.problem(f"{where}: audit verify: {text} {error}")

    def count(self, operation):
        """How often it makes each call."""
        log = os.path.join(self.top, "trace")
        self.trace("-o", log, "-e", "trace=" + ",".join(CALLS))
        self.start_act(operation).communicate()
        self.wait("the deploy is over", 20, self.is_calm)
        self.end()
        self.start()
        with open(log, encoding="utf-8", errors="replace") as f:
            names = [line.split("(")[0] for line in f]
        return {call: names.count(call) for call in CALLS}

    # ---- the order on the disk ----

    def order(self, operation, act):
        """The intent is synced before the first process is started or signalled."""
        log = os.path.join(self.top, "trace")
        self.trace(
            "-o", log, "-s", "100000", "-e", "trace=pwrite64,fdatasync,clone,clone3,kill,pidfd_send_signal"
        )
        self.change("count")
        reason = f"order of {operation}"
        status, _, error = self.run(operation, "count", "--env", "dev", "--yes", "--reason", reason)
        self.end()
        self.start()
        with open(log, encoding="utf-8", errors="replace") as f:
            lines = f.readlines()
        first = lambda pattern, at=0: next(
            (i for i, l in enumerate(lines) if i >= at and re.match(pattern, l)), len(lines)
        )
        intent = next(
            (i for i, l in enumerate(lines) if l.startswith("pwrite64") and reason in l), len(lines)
        )
        synced, acted = first(r"fdatasync\(.* = 0", intent), first(act)
        if status or not intent < synced < acted < len(lines):
            self.problem(
                f"{operation}: status {status}, intent at {intent}, synced at {synced}, "
                f"first act at {acted} of "
                f"{len(lines)} calls: {error}"
            )

    def end_all(self):
        if self.daemon and self.daemon.poll() is None:
            self.daemon.send_signal(signal.SIGKILL)
            self.daemon.wait()
        super().end_all()


def spread(total, most):
    """At most that many of 1 … total, the first and the last among them."""
    if total <= most:
        return list(range(1, total + 1))
    return sorted({1 + i * (total - 1) // (most - 1) for i in range(most)})


def main():
    program, tools, top, seconds = sys.argv[1:5]
    sweep = Sweep(program, tools, top)
    number, until = 0, time.monotonic() + float(seconds)

    def result(text):
        nonlocal number
        number += 1
        print(f"{'not ok' if sweep.problems else 'ok'} {number} - {text}", flush=True)
        sweep.problems.clear()

    try:
        sweep.lay()
        os.makedirs(sweep.place, mode=0o700)
        os.chmod(os.path.dirname(sweep.place), 0o700)
        sweep.start()
        sweep.up()
        sweep.order("deploy", r"clone3?\(")
        sweep.order("restart", r"(clone3?|kill|pidfd_send_signal)\(")
        result("an intent is on the disk before its first process is started or signalled")
        for operation, share in (("note", 4), ("lock", 4), ("unlock", 4), ("deploy", 14)):
            counts, points = sweep.count(operation), 0
            for call in CALLS:
                for at in spread(counts[call], share):
                    # On a busy machine at least some of each operation.
                    if (time.monotonic() < until or points < POINTS_LEAST) and not sweep.problems:
                        points += sweep.point(operation, call, at)
            told = ", ".join(f"{n} {call}" for call, n in counts.items() if n)
            if not points:
                sweep.problem(f"{operation}: no point was reached")
            result(
                f"a daemon killed in {operation}, {points} points of {told}: "
                "nothing lost or doubled, nothing half done"
            )
        sweep.sampler.look_anew()
        lines, processes = sweep.check_logs()
        result(f"{lines} lines of {processes} processes, none lost or doubled")
        sweep.run("platform", "down", "--yes")
        sweep.wait("no process is left", 10, sweep.is_empty)
        result("nothing is left of the platform")
    finally:
        sweep.end_all()
    print(f"1..{number}")


main()
