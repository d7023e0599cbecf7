# SPDX-License-Identifier: Apache-2.0
"""A disk that is full or fails, short writes, a port that is taken, a daemon that is stopped, a clock that jumps,
memory that is out: see faults.sh.

faults.py PROGRAM TOOLS TOP SECTION
Prints lines "ok TEXT", "not ok TEXT" or "skip TEXT". What is wrong goes to stderr.
"""

import glob
import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import termios
import time

from crash import Rig  # tests/support

NO_ROOM = re.compile(r"no room|No space")


class Faults(Rig):
    def result(self, text):
        print(f"{'not ok' if self.problems else 'ok'} {text}", flush=True)
        self.problems.clear()

    def want(self, is_so, text):
        if not is_so:
            self.problem(text)

    def daemon(self):
        self.sampler.look_anew()
        return self.sampler.present["daemon"][0]

    def approve(self, name):
        """Brings one folder up; gives the status and all that was said."""
        folder = os.path.join(self.top, name)
        text = self.run("up", folder)[1]
        digest = text.split("--approve ")[-1].split()[0] if "--approve " in text else ""
        status, text, error = self.run("up", folder, "--approve", digest, "--yes")
        return status, text + error

    def events(self, kind):
        return [e["text"] for e in self.records("events") if e["kind"] == kind]

    # ---- a disk ----

    def full_disk(self):
        state = os.path.join(self.top, "state")
        os.makedirs(state, exist_ok=True)
        if subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=6m,mode=700", "tmpfs", state], stderr=subprocess.DEVNULL
        ).returncode:
            print("skip a full disk: no file system can be mounted here")
            return
        try:
            self.fill_disk(state)
        finally:
            self.end_all()
            subprocess.run(["umount", "-l", state], check=False)

    def fill_disk(self, state):
        self.lay()
        self.write(
            "count/service.yaml",
            open(os.path.join(self.top, "count/service.yaml"), encoding="utf-8")
            .read()
            .replace('"10000"', '"1000", "60"'),
        )
        self.up()
        fill = os.path.join(state, "fill")
        with open(fill, "wb", buffering=0) as f:
            try:
                while f.write(bytes(4096)):
                    pass
            except OSError:
                pass
        done, said = 0, ""
        while done < 200:
            status, _, said = self.run("note", "web", f"it's {done}", "--env", "dev")
            if status:
                break
            done += 1
        self.want(
            status == 3 and NO_ROOM.search(said) and "fairway note web 'it'\\''s " in said,
            f"note without room: status {status}: {said}",
        )
        self.change("count")
        status, _, said = self.run("deploy", "count", "--env", "dev", "--yes")
        self.want(
            status == 3 and NO_ROOM.search(said) and "fairway deploy count" in said,
            f"deploy without room: status {status}: {said}",
        )
        self.want(
            len([a for a in self.records("audit") if a["action"] == "note" and a["state"] == "done"]) == done,
            f"not each of {done} notes has its intent and outcome",
        )
        self.result(
            f"without room for its audit an operation is refused (3) with the same command; "
            f"{done} fitted before"
        )
        self.wait("the stalled log is told", 10, lambda: any("may stall" in e for e in self.events("log")))
        self.wait("the pipe is full", 30, self.is_stalled)
        self.result("a full disk stalls logs, and an event says so")
        os.kill(self.daemon(), signal.SIGKILL)
        self.wait("a daemon is back while the disk is full", 20, lambda: self.run("services")[0] == 0)
        self.result("a daemon that is killed meanwhile comes back")
        os.unlink(fill)
        before = sum(self.lines_written().values())
        self.wait("the logs go on", 20, lambda: sum(self.lines_written().values()) > before)
        lines, processes = self.check_logs()
        self.want(lines > 100, f"only {lines} lines")
        self.result(
            f"with room again they go on: {lines} lines of {processes} processes, none lost or doubled"
        )
        status, _, said = self.run("deploy", "count", "--env", "dev", "--yes")
        self.want(status == 0, f"deploy with room again: {status} {said}")
        self.want(self.run("audit", "verify")[0] == 0, "the chain is broken")
        self.result("operations go on as well, and the audit is whole")
        self.check_end()

    def is_stalled(self, for_s=0.3):
        """Looked at until a line is written, or none was for that long."""
        before, until = self.lines_written(), time.monotonic() + for_s
        while self.lines_written() == before:
            if time.monotonic() > until:
                return True
        return False

    # ---- calls that fail ----

    def failing_calls(self):
        """Each fails for the time of one operation, which acts with its intent or not at all."""
        self.lay()
        self.up()
        self.sampler.start()
        points, ends = 0, {}
        for call in ("pwrite64", "fdatasync", "fallocate", "splice"):
            for error in ("ENOSPC", "EIO"):
                for number in ("1+", "1", "2", "3", "4+", "5"):
                    points += 1
                    status = self.failing_call(call, error, number)
                    ends[status] = ends.get(status, 0) + 1
        told = ", ".join(f"{n} × {status}" for status, n in sorted(ends.items()))
        self.want(len(ends) > 1, f"no call failed: {told}")
        self.result(
            f"{points} operations with calls that fail (ENOSPC, EIO), statuses {told}: "
            "none acts without its intent, all is well after"
        )
        lines, processes = self.check_logs()
        self.result(f"{lines} lines of {processes} processes, none lost or doubled")
        self.check_end()

    def failing_call(self, call, error, number):
        where = f"{call} {number} fails with {error}"
        before = {a["id"] for a in self.records("audit")}
        notes = self.note_count()
        daemon = self.daemon()
        tracer = subprocess.Popen(
            [
                "strace",
                "-p",
                str(daemon),
                "-o",
                "/dev/null",
                "-e",
                f"trace={call}",
                "-e",
                f"inject={call}:error={error}:when={number}",
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        tracer.stderr.readline()
        status, _, said = self.run("note", "web", where, "--env", "dev")
        tracer.terminate()
        tracer.communicate()
        end = status
        if status not in (0, 1, 3, 6):
            self.problem(f"{where}: status {status}: {said}")
        if status == 3 and "fairway note" not in said:
            self.problem(f"{where}: refused without the same command: {said}")
        # The disk is well again: so is all that is asked of the platform.
        made = [a for a in self.records("audit") if a["id"] not in before and a["action"] == "note"]
        if len(made) > 1 or (status == 0 and len(made) != 1):
            self.problem(f"{where}: status {status}, and {len(made)} entries")
        if self.note_count() - notes != (status == 0) and status not in (1, 6):
            self.problem(f"{where}: status {status}, and {self.note_count() - notes} notes")
        if self.note_count() > notes and not made:
            self.problem(f"{where}: a note without an intent")
        status, _, said = self.run("note", "web", "after", "--env", "dev")
        if status or self.run("audit", "verify")[0]:
            self.problem(f"after {where}: status {status}: {said} {self.run('audit', 'verify')}")
        return end

    def note_count(self):
        return len([a for a in self.records("audit") if a["action"] == "note" and a["state"] == "done"])

    # ---- services that cannot come up, a daemon that does not answer ----

    def refusals(self):
        self.lay()
        self.write(
            "taken/service.yaml",
            open(os.path.join(self.top, "web/service.yaml"), encoding="utf-8")
            .read()
            .replace("name: web", "name: taken"),
        )
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(("127.0.0.1", 0))
            s.listen()
            port = s.getsockname()[1]
            text = open(os.path.join(self.top, "taken/service.yaml"), encoding="utf-8").read()
            self.write("taken/service.yaml", re.sub(r"port: \d+", f"port: {port}", text))
            status, said = self.approve("taken")
            self.want(status == 1 and f"port {port} is taken" in said, f"port taken: {status}: {said}")
        self.result("a port that another program has: status 1, and which")
        self.write(
            "broken/service.yaml",
            'name: broken\nrun: [sh, -c, "echo on purpose >&2; exit 7"]\nwatch: 200ms\n',
        )
        status, said = self.approve("broken")
        self.want(status == 1 and "status 7" in said, f"fails on purpose: {status}: {said}")
        self.result("a service that fails on purpose: status 1, and why")
        self.up()
        os.kill(self.daemon(), signal.SIGSTOP)
        try:
            for words in (
                ("status",),
                ("services", "-o", "json"),
                ("deploy", "web", "--env", "dev", "--yes"),
                ("logs", "web"),
                ("why", "web", "--env", "dev"),
            ):
                begun = time.monotonic()
                status, _, said = self.run(*words, seconds=10)
                took = time.monotonic() - begun
                self.want(
                    status == 5 and 1.5 < took < 3.5,
                    f"{words} with a stopped daemon: {status} after {took:.1f} s: {said}",
                )
            self.want("live" in self.run("status")[1], "what is known is not printed")
        finally:
            os.kill(self.daemon(), signal.SIGCONT)
        self.wait("it answers again", 5, lambda: self.run("status")[0] == 0)
        self.result("a stopped daemon: status 5 after 2 s, and what is known")
        self.check_end()

    # ---- a clock that jumps ----

    def clock(self):
        found = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
        if not found:
            print("skip a clock that jumps: faketime is not installed")
            return
        self.lay()
        self.up()
        self.run("platform", "down", "--yes")
        offset = os.path.join(self.top, "offset")
        self.write("offset", "+0")
        daemon = subprocess.Popen(
            [self.program, "--daemon", self.place],
            stdin=subprocess.DEVNULL,
            env=dict(
                os.environ,
                LD_PRELOAD=found[0],
                FAKETIME_TIMESTAMP_FILE=offset,
                FAKETIME_NO_CACHE="1",
                FAKETIME_DONT_FAKE_MONOTONIC="1",
            ),
        )
        try:
            self.wait("the daemon answers", 10, lambda: self.run("status")[0] == 0)
            self.up()
            self.jumps(offset)
        finally:
            daemon.terminate()
            daemon.wait()
            self.end_all()

    def jumps(self, offset):
        self.sampler.look_anew()
        web = next(p for r, p in self.sampler.present.items() if r[0] == "slot" and r[1].startswith("web"))[0]
        os.kill(web, signal.SIGSTOP)
        self.wait("an alert fires", 60, lambda: [a["phase"] for a in self.records("alerts")] == ["firing"])
        before = self.seen()
        for jump in ("+3600", "-3600", "+0"):
            with open(offset + ".new", "w", encoding="utf-8") as f:
                f.write(jump)
            os.rename(offset + ".new", offset)
            asked = self.unanswered()
            self.wait(
                "the probes went on",
                30,
                lambda asked=asked: self.unanswered() >= asked + 6 or self.seen() != before,
            )
            self.want(self.seen() == before, f"the clock jumped to {jump}: {before} became {self.seen()}")
        self.result("a clock that jumps by an hour either way fires, resolves and restarts nothing")
        os.kill(web, signal.SIGCONT)
        self.wait(
            "it resolves", 30, lambda: [a["phase"] for a in self.records("alerts")] in (["resolved"], [])
        )
        self.result("and the alert resolves when its cause does")

    def unanswered(self):
        """Connections that wait at web, which is stopped: one a probe (/proc/net/tcp, proc(5))."""
        port = f":{self.records('instances', 'web')[0]['port']:04X}"
        with open("/proc/net/tcp", encoding="utf-8") as f:
            lines = [line.split() for line in f]
        return sum(int(w[4].split(":")[1], 16) for w in lines if w[1].endswith(port) and w[3] == "0A")

    def seen(self):
        return (
            [(a["name"], a["phase"], a["starts_at"]) for a in self.records("alerts")],
            [(i["id"], i["pid"], i["restarts"]) for i in self.records("instances")],
        )

    # ---- writes that take less than they were given ----

    def preload(self, name):
        """The library of tests/tools/preload, or None with a line that says so."""
        library = os.path.join(self.top, name + ".so")
        source = os.path.join(os.path.dirname(__file__), "../tools/preload", name + ".c")
        built = subprocess.run(
            ["cc", "-shared", "-fPIC", "-O1", "-o", library, source], stderr=subprocess.PIPE, text=True
        )
        if built.returncode:
            print(f"skip {name.replace('_', ' ')}: {built.stderr.splitlines()[0]}")
            return None
        return library

    def short_writes(self):
        library, counts = self.preload("short_write"), os.path.join(self.top, "counts")
        if not library:
            return
        self.lay()
        self.up()
        self.run("platform", "down", "--yes")
        os.environ.update(LD_PRELOAD=library, SHORT_COUNT_FILE=counts)
        daemon = subprocess.Popen([self.program, "--daemon", self.place], stdin=subprocess.DEVNULL)
        try:
            self.wait("the daemon answers", 10, lambda: self.run("status")[0] == 0)
            self.up()
            for number in range(20):
                status, _, said = self.run("note", "web", f"it's {number}", "--env", "dev")
                self.want(status == 0, f"note {number}: status {status}: {said}")
            for service in ("count", "web"):
                self.change(service)
                status, _, said = self.run("deploy", service, "--env", "dev", "--yes")
                self.want(status == 0, f"deploy {service}: status {status}: {said}")
            self.sampler.look_anew()
            lines, processes = self.check_logs()
            self.want(self.run("audit", "verify")[0] == 0, "the chain is broken")
            self.check_audit()
            self.want(self.note_count() == 20, f"{self.note_count()} notes of 20")
            short = os.path.getsize(counts)
            self.want(short > 1000, f"only {short} short writes")
            self.result(
                f"{short} writes that took less than they were given: {lines} lines of {processes} processes, "
                "each note and deploy whole"
            )
        finally:
            del os.environ["LD_PRELOAD"], os.environ["SHORT_COUNT_FILE"]
            daemon.terminate()
            daemon.wait()
            self.end_all()

    # ---- no memory ----

    def memory(self):
        library = self.preload("no_memory")
        if not library:
            return
        self.lay()
        self.up()
        counts = os.path.join(self.top, "counts")
        until = time.monotonic() + float(os.environ.get("MEMORY_SECONDS", "25"))
        commands = (
            ("status",),
            ("services", "-o", "json"),
            ("config", "show"),
            ("note", "web", "x", "--env", "dev"),
        )
        for words in commands:
            os.environ.update(LD_PRELOAD=library, FAIL_COUNT_FILE=counts)
            self.run(*words)
            del os.environ["LD_PRELOAD"], os.environ["FAIL_COUNT_FILE"]
            with open(counts, encoding="utf-8") as f:
                total = int(f.read())
            share = (until - time.monotonic()) / (len(commands) - commands.index(words))
            self.fail_allocations(words, total, library, share)
        self.fail_threads([words for words in commands if words[0] != "config"])
        self.fail_in_console(library, counts)
        self.want(self.run("audit", "verify")[0] == 0, "the chain is broken")
        self.result("and the state is whole")
        self.check_end()

    def fail_threads(self, commands):
        """A thread that cannot start: for memory or for a limit, pthread_create(3) does not tell which."""
        tracer = ["strace", "-qq", "-o", "/dev/null", "-e", "trace=clone,clone3", "-e"]
        if shutil.which("strace") is None or subprocess.run([*tracer, "trace=none", "true"], check=False).returncode:
            print("skip threads that do not start: strace is not here, or may not trace")
            return
        for words in commands:
            for error in ("EAGAIN", "ENOMEM"):
                done = subprocess.run(
                    [*tracer, f"inject=clone,clone3:error={error}", self.program, *words],
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    timeout=20,
                )
                self.want(
                    done.returncode == 70 and "out of memory, or too many" in done.stderr,
                    f"{' '.join(words)}: no thread for {error}: status {done.returncode}: {done.stderr}",
                )
        self.result("a thread that does not start: status 70, and what to do")

    def console(self, **environment):
        """In a terminal, until it ends or is asked to: status, and whether the terminal is as it was."""
        ours, theirs = pty.openpty()
        before, said = termios.tcgetattr(theirs), b""
        child = subprocess.Popen(
            [self.program],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env=dict(os.environ, TERM="xterm-256color", **environment),
        )
        asked, until = time.monotonic() + 0.5, time.monotonic() + 4
        while time.monotonic() < until:
            if select.select([ours], [], [], 0.02)[0]:
                said += os.read(ours, 65536)
            elif child.poll() is not None:
                break
            elif time.monotonic() > asked:
                child.terminate()
                asked = until
        else:
            child.kill()
        status = child.wait()
        while select.select([ours], [], [], 0)[0]:
            said += os.read(ours, 65536)
        is_restored = termios.tcgetattr(theirs) == before and said.rfind(b"\x1b[?1049h") <= said.rfind(
            b"\x1b[?1049l"
        )
        os.close(ours)
        os.close(theirs)
        return status, is_restored, said

    def fail_in_console(self, library, counts):
        ends = {}
        self.want(
            self.console(LD_PRELOAD=library, FAIL_COUNT_FILE=counts)[:2] == (143, True),
            "the console does not end",
        )
        with open(counts, encoding="utf-8") as f:
            total = int(f.read())
        for number in spread(total, 24):
            status, is_restored, said = self.console(LD_PRELOAD=library, FAIL_ALLOCATION=str(number))
            ends[status] = ends.get(status, 0) + 1
            # delscreen() of ncurses 6.4 writes through a malloc() that it does not check (_nc_free_tparm, its list of
            # what to delete), after all is restored. Such an end is shown in the figures.
            if status == -signal.SIGSEGV and is_restored and b"\x1b[?1049l" in said:
                continue
            if status not in (143, 70) or not is_restored or (status == 70 and b"out of memory" not in said):
                self.problem(
                    f"console: allocation {number} of {total} fails: status {status}, "
                    f"terminal {'' if is_restored else 'not '}restored: ...{said[-60:]}"
                )
        self.want(ends.get(70, 0), f"console: {ends}: never 70")
        told = ", ".join(f"{n} × {status}" for status, n in sorted(ends.items()))
        self.result(
            f"console: {sum(ends.values())} of {total} allocations fail once each: {told}; "
            "the terminal is restored"
        )

    @staticmethod
    def shape(text):
        """Without what is another each time."""
        return re.sub(r"[0-9]+[smh]? ?(ago)?|\s+", "", text)

    def fail_allocations(self, words, total, library, seconds):
        until, points, ends = time.monotonic() + seconds, 0, {}
        shape = self.shape(self.run(*words)[1])
        for number in mixed(spread(total, 250)):
            if time.monotonic() > until:
                break
            try:
                done = subprocess.run(
                    [self.program, *words],
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    timeout=20,
                    env=dict(os.environ, LD_PRELOAD=library, FAIL_ALLOCATION=str(number)),
                )
                status, said = done.returncode, done.stderr.decode(errors="replace")
                told = self.shape(done.stdout.decode(errors="replace"))
            except subprocess.TimeoutExpired:
                status, said, told = 124, "no end", ""
            points += 1
            ends[status] = ends.get(status, 0) + 1
            # A library may do without: then all is as it is else. 6: the request was out already.
            if status == 6 or (status == 0 and told == shape) or (status == 70 and "memory" in said):
                continue
            self.problem(
                f"{' '.join(words)}: allocation {number} of {total} fails: status {status}: {said}{told}"
            )
        self.want(ends.get(70, 0), f"{' '.join(words)}: {ends}: never 70")
        told = ", ".join(f"{n} × {status}" for status, n in sorted(ends.items()))
        self.result(f"{' '.join(words)}: {points} of {total} allocations fail once each: {told}")


def spread(total, most):
    if total <= most:
        return list(range(1, total + 1))
    return sorted({1 + i * (total - 1) // (most - 1) for i in range(most)})


def mixed(numbers):
    """An order in which each beginning is spread over all of them, should there be no time for the rest."""
    return [n for first in range(7) for n in numbers[first * 3 % 7 :: 7]]


def main():
    program, tools, top, section = sys.argv[1:5]
    faults = Faults(program, tools, top)
    try:
        getattr(faults, section)()
    finally:
        faults.end_all()


main()
