# SPDX-License-Identifier: Apache-2.0
"""For tests that kill what runs: a platform of two services in a folder of its own, who is there, and what must be
true of the records, the audit and the logs in the end. Of the services `count` writes numbered lines and notes how
many, `web` answers at a port.
"""

import collections
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

SAMPLE_S = 0.02
PERSON_ACTIONS = ("deploy", "rollback", "restart", "scale", "up", "down")


def slurp(pid, name):
    try:
        with open(f"/proc/{pid}/{name}", "rb") as f:
            return f.read()
    except OSError:
        return b""


def parent_of(pid):
    text = slurp(pid, "stat")
    words = text[text.rfind(b")") + 2 :].split()
    return int(words[1]) if len(words) > 1 else 0


class Sampler(threading.Thread):
    """Who is there, each 20 ms. A role is ("slot", ID), "daemon" or "keeper"; a second holder of one is a double.

    A daemon or keeper that waits for another's lock is none yet: one that holds the state open is.
    """

    def __init__(self, root):
        super().__init__(daemon=True)
        self.root = root.encode()
        self.first_seen = {}
        self.present, self.doubles, self.samples = {}, set(), 0
        self.is_ended = False
        self.mutex = threading.Lock()

    def role(self, pid):
        line = slurp(pid, "cmdline").split(b"\0")
        place = self.root + b"/local"
        for name, holds in ((b"--daemon", b"/state.db"), (b"--keeper", b"/keeper.lock")):
            if name in line and place in line and b"strace" not in line[0]:
                return name[2:].decode() if self.has_open(pid, place + holds) else None
        if b"--shim" in line:
            return None
        for item in slurp(pid, "environ").split(b"\0"):
            if item.startswith(b"FAIRWAY_FAULT_FILE=" + self.root):
                return ("slot", item.split(b"/")[-2].decode()) if os.getsid(pid) == pid else None
        if b"--relay" in line and any(self.root in part for part in line):
            return ("slot", "relay")
        return None

    @staticmethod
    def has_open(pid, path):
        try:
            fds = os.listdir(f"/proc/{pid}/fd")
        except OSError:
            return False
        for fd in fds:
            try:
                if os.readlink(f"/proc/{pid}/fd/{fd}").encode() == path:
                    return True
            except OSError:
                pass
        return False

    def look_anew(self):
        """At everybody, also at those that were strangers."""
        with self.mutex:
            self.first_seen.clear()
            self.look()

    def look(self):
        now, seen = time.monotonic(), {}
        for name in os.listdir("/proc"):
            # A stranger is not looked at for a while: numbers are not used again so soon.
            if not name.isdigit() or 1 < now - self.first_seen.setdefault(name, now) < 5:
                continue
            pid = int(name)
            try:
                role = self.role(pid)
            except OSError:
                continue
            if role or now - self.first_seen[name] >= 5:
                del self.first_seen[name]
            if role:
                seen.setdefault(role, []).append(pid)
        for role, pids in seen.items():
            # A child that was not yet replaced by its program looks like its parent.
            pids = [p for p in pids if parent_of(p) not in pids]
            # Those that were there at the same instant are a double: all are looked at once more.
            if len(pids) > 1 and all(self.role(p) == role for p in pids) and self.role(pids[0]) == role:
                self.doubles.add(f"{role}: {pids}")
        self.present = seen
        self.samples += 1

    def run(self):
        while not self.is_ended:
            begun = time.monotonic()
            with self.mutex:
                self.look()
            time.sleep(max(0.0, SAMPLE_S - (time.monotonic() - begun)))  # a sample each SAMPLE_S


class Rig:
    def __init__(self, program, tools, top):
        self.program, self.tools, self.top = program, tools, top
        self.place = os.path.join(top, "state/local")
        self.problems = []
        self.release = 0
        self.sampler = Sampler(os.path.join(top, "state"))
        os.environ.update(HOME=top, FAIRWAY_STATE_DIR=os.path.join(top, "state"), LC_ALL="C.UTF-8")
        for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "FAIRWAY_CONTEXT", "FAIRWAY_CONFIG"):
            os.environ.pop(name, None)

    def problem(self, text):
        self.problems.append(text)
        if len(self.problems) <= 20:  # what comes after is the same again
            print(text, file=sys.stderr)

    # ---- the program ----

    def run(self, *words, seconds=60):
        try:
            done = subprocess.run(
                [self.program, *words],
                capture_output=True,
                text=True,
                timeout=seconds,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired:
            self.problem(f"{' '.join(words)}: no end within {seconds} s")
            return 124, "", ""
        return done.returncode, done.stdout, done.stderr

    def records(self, *words):
        """Asked again while the daemon is away."""
        status, text, error = 0, "", ""
        until = time.monotonic() + 30
        while time.monotonic() < until:
            status, text, error = self.run(*words, "-o", "json")
            if status == 0:
                return json.loads(text)
            time.sleep(0.1)
        self.problem(f"{' '.join(words)}: {status} {error.strip()}")
        return []

    def wait(self, what, seconds, is_so):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if is_so():
                return True
            time.sleep(0.1)
        self.problem(f"waited {seconds} s until {what}")
        return False

    # ---- services ----

    def write(self, name, text):
        path = os.path.join(self.top, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)

    def lay(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        common = "watch: 200ms\nscaling:\n  min_replicas: 1\n  max_replicas: 3\n"
        self.write(
            "count/service.yaml",
            "name: count\nrun: ["
            + os.path.join(self.tools, "counting_service")
            + ', "0", "10000"]\nenv:\n  COUNTING_JOURNAL: '
            + os.path.join(self.top, "journal")
            + "\n"
            + common,
        )
        self.write(
            "web/service.yaml",
            "name: web\nrun: ["
            + os.path.join(self.tools, "load")
            + ', serve, "0", '
            + os.path.join(self.top, "seen")
            + f"]\nport: {port}\nhealth:\n  path: /healthz\n"
            + common,
        )

    def change(self, service):
        """What lies in its folder is another release now."""
        self.release += 1
        self.write(f"{service}/release.txt", f"{self.release}\n")

    def up(self):
        for name in ("count", "web"):
            folder = os.path.join(self.top, name)
            status, text, _ = self.run("up", folder)
            digest = text.split("--approve ")[-1].split()[0] if "--approve " in text else ""
            status, text, error = self.run("up", folder, "--approve", digest, "--yes")
            if status:
                self.problem(f"up {name}: {status} {text} {error}")

    # ---- what must be true in the end ----

    def is_calm(self):
        status, text, _ = self.run("deploys", "-o", "json")
        return status == 0 and not any(d["state"] == "running" for d in json.loads(text))

    def is_whole(self):
        status, text, _ = self.run("services", "-o", "json")
        places = [p for s in json.loads(text) for p in s["placements"]] if status == 0 else []
        return len(places) == 2 and all(p["health"] == "ok" and p["ready"] == p["desired"] for p in places)

    def check_audit(self):
        self.wait(
            "no operation is left open",
            20,
            lambda: not any(a["state"] == "recorded" for a in self.records("audit")),
        )
        entries = [a for a in self.records("audit") if a["action"] in PERSON_ACTIONS]
        for d in self.records("deploys"):
            intents = [
                a
                for a in entries
                if a.get("service") == d["service"]
                and a["at"] <= d["started_at"]
                and a["action"] in ("deploy", "rollback", "up")
                and a["state"] != "refused"
            ]
            if intents:
                entries.remove(max(intents, key=lambda a: a["at"]))  # one intent, one deploy
            else:
                self.problem(
                    f"deploy {d['id']} of {d['service']} ({d['started_at']}) has no intent before it"
                )
        status, text, error = self.run("audit", "verify")
        if status or "not" in text.split():
            self.problem(f"audit verify: {status} {text} {error}")
        return len(self.records("audit"))

    def lines_kept(self):
        kept = collections.defaultdict(list)
        _, text, _ = self.run("logs", "count", "--env", "dev", "--since", "2h", "-o", "json")
        for line in text.splitlines():
            words = json.loads(line).get("text", "").rstrip(". ").split()
            if len(words) == 2 and all(w.isdigit() for w in words):
                kept[int(words[0])].append(int(words[1]))
            elif words:
                self.problem(f"a line that nobody wrote: {line}")
        return kept

    def lines_written(self):
        written = {}
        for name in os.listdir(self.top):
            if name.startswith("journal."):
                with open(os.path.join(self.top, name), encoding="utf-8") as f:
                    words = f.read().split()
                if len(words) == 2:
                    written[int(words[0])] = int(words[1]) + 1
        return written

    def check_logs(self):
        # They are stopped, so that what they wrote and what was read can be compared.
        for _ in range(10):  # also where nobody samples, and however slow the machine
            self.sampler.look_anew()
        stopped = [
            p
            for r, pids in self.sampler.present.items()
            if r[0] == "slot" and r[1].startswith("count-")
            for p in pids
        ]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        written = self.lines_written()
        self.wait(
            "the last line is in the log",
            10,
            lambda: all(
                len(kept.get(p, ())) >= n for kept in (self.lines_kept(),) for p, n in written.items()
            ),
        )
        kept = self.lines_kept()
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        for pid, numbers in kept.items():
            # One more than was noted: killed between writing a line and noting it.
            if numbers != list(range(len(numbers))) or not 0 <= len(numbers) - written.get(pid, 0) <= 1:
                holes = [n for a, n in zip(numbers, numbers[1:]) if n != a + 1][:5]
                self.problem(
                    f"process {pid} wrote {written.get(pid, 0)} lines, {len(numbers)} were read, "
                    f"from {numbers[0]} on, not in a row at {holes}"
                )
        return sum(len(numbers) for numbers in kept.values()), len(kept)

    def check_end(self):
        self.sampler.is_ended = True
        if self.sampler.is_alive():
            self.sampler.join()
        status, text, error = self.run("platform", "down", "--yes")
        if status:
            self.problem(f"platform down: {status} {text} {error}")
        self.wait("no process is left", 10, self.is_empty)

    def is_empty(self):
        self.sampler.look_anew()
        return not self.sampler.present

    def end_all(self):
        """Whatever happened, nothing outlives the test."""
        self.sampler.is_ended = True
        for _ in range(100):
            self.sampler.look_anew()
            pids = [p for all_of in self.sampler.present.values() for p in all_of]
            if not pids:
                break
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass
            time.sleep(0.05)
