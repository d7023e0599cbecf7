# SPDX-License-Identifier: Apache-2.0
"""Operations through the whole platform while one of its processes is killed: see deploys.sh.

deploys.py PROGRAM TOOLS TOP ROUNDS SECONDS SEED
Prints what it proved in one line. What is wrong goes to stderr, and ends with status 1.
"""

import collections
import os
import random
import signal
import subprocess
import sys
import time

from crash import Rig  # tests/support


class Chaos(Rig):
    def __init__(self, program, tools, top, seed):
        super().__init__(program, tools, top)
        self.random = random.Random(seed)
        self.kills = collections.Counter()
        self.acts = collections.Counter()
        self.ends = collections.Counter()

    def act(self):
        service = self.random.choice(("count", "web", "web"))
        action = self.random.choice(("deploy", "deploy", "rollback", "restart", "scale"))
        words = [action, service]
        if action == "deploy":
            self.change(service)
        if action == "scale":
            words.append(str(self.random.randint(1, 3)))
        self.acts[action] += 1
        return subprocess.Popen(
            [self.program, *words, "--env", "dev", "--yes"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def victim(self, client):
        kind = self.random.choice(
            ("client", "daemon", "daemon", "keeper", "keeper", "relay", "instance", "instance")
        )
        present = self.sampler.present
        pids = {
            "client": [client.pid],
            "relay": present.get(("slot", "relay"), []),
            "instance": [
                p for r, all_of in present.items() if r[0] == "slot" and r[1] != "relay" for p in all_of
            ],
        }.get(kind, present.get(kind, []))
        return kind, self.random.choice(pids) if pids else None

    def is_up(self):
        return (
            all(self.sampler.present.get(r) for r in ("daemon", "keeper", ("slot", "relay")))
            and os.path.exists(os.path.join(self.place, "api.sock"))
            and self.run("status")[0] == 0
        )

    def round(self):
        if not self.wait("daemon, keeper and relay are back", 20, self.is_up):
            return
        client = self.act()
        time.sleep(self.random.random() * 0.5)  # the moment of the kill: any, while the operation is on its way
        kind, pid = self.victim(client)
        if pid and (kind == "client" or self.sampler.role(pid)):
            try:
                os.kill(pid, signal.SIGKILL)
                self.kills[kind] += 1
            except OSError:
                pass
        try:
            _, error = client.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            client.kill()
            self.problem(f"{' '.join(client.args[1:])}: no end within 60 s after the {kind} was killed")
            return
        self.ends[client.returncode] += 1
        # done, failed, refused, nothing to roll back to, no daemon there, outcome unknown; killed
        if client.returncode not in (0, 1, 3, 4, 5, 6) and not (kind == "client" and client.returncode == -9):
            self.problem(
                f"{' '.join(client.args[1:])}: status {client.returncode} after the {kind} was killed: "
                f"{error}"
            )


def main():
    program, tools, top, rounds, seconds, seed = sys.argv[1:7]
    chaos = Chaos(program, tools, top, seed)
    done, until = 0, time.monotonic() + float(seconds)
    try:
        chaos.lay()
        chaos.up()
        chaos.sampler.start()
        while done < int(rounds) and time.monotonic() < until and not chaos.problems:
            chaos.round()
            done += 1
        chaos.wait("no deploy is under way", 40, chaos.is_calm)
        chaos.wait("all instances are there", 40, chaos.is_whole)
        entries = chaos.check_audit()
        lines, instances = chaos.check_logs()
        chaos.check_end()
        for double in sorted(chaos.sampler.doubles):
            chaos.problem(f"twice at the same time: {double}")
    finally:
        chaos.end_all()
    kills = ", ".join(f"{n} {kind}" for kind, n in sorted(chaos.kills.items()))
    acts = ", ".join(f"{n} {action}" for action, n in sorted(chaos.acts.items()))
    ends = ", ".join(f"{n} {status}" for status, n in sorted(chaos.ends.items()))
    print(
        f"{done} rounds ({acts}; killed {kills}; statuses {ends}), {chaos.sampler.samples} samples, "
        f"{entries} audit entries, "
        f"{lines} lines of {instances} processes"
    )
    if done < int(rounds) / 2:  # a slow machine is no failure, one that hardly came to anything is
        print(f"only {done} of {rounds} rounds", file=sys.stderr)
        return 1
    return 1 if chaos.problems else 0


sys.exit(main())
