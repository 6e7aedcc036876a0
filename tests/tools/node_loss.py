"""The node that all runs use is killed, paused or cut off while many processes change a schema, or wait for it.

``python tests/tools/node_loss.py [--rounds N] [--starters N] [--seed N] [--verb VERB] [--fault FAULT] [--version V]``
runs every verb with every fault at every step of it, or at N steps of each, and prints a line for each round. The live
suite runs a few of them with fewer processes.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import threading
import time

import attrs

import replica
import support_path  # noqa: F401 - for the last one
from scyllamodel import history, plan
from scyllamodel.local import LocalCluster
from scyllamodel.testing.fault_proxy import FaultProxy
from scyllamodel.testing.keyspaces import unique_name
from support.agreement import agreed_coordinator

TABLES, STEPS = 4, 9
LEASE = 30.0
PAUSE = 12.0
"""Seconds for which a paused node sleeps: it counts as a member with an old schema until it is awake."""
WELL = {
    "sync": {"applied", "waited", "in_sync"},
    "wait": {"applied", "ended"},
    "rollback": {"rolled_back", "in_sync"},
    "contract": {"applied", "waited", "in_sync"},
}
"""How a process may end, by what it does."""
DONE = {"applied", "rolled_back"}
LIMIT = 60.0
"""Seconds from the fault, or from the end of the pause, until every process has ended well: the time of the lock."""


class GatedCluster(LocalCluster):
    """Three nodes, each behind a proxy for its clients, so that it can be cut off from them."""

    def __init__(self, version="5.0"):
        super().__init__(3, version)
        self.gates = {}

    @property
    def contact_points(self):
        return [gate.address for gate in self.gates.values()]

    def start(self):
        super().start()
        for number in (1, 2, 3):
            self.open_gate(number)

    def stop(self):
        for gate in self.gates.values():
            gate.close()
        super().stop()

    def _node_configs(self, folder, ports):
        return [
            attrs.evolve(config, settings={**config.settings, "broadcast_rpc_address": f"127.0.1.{config.number}"})
            for config in super()._node_configs(folder, ports)
        ]

    def open_gate(self, number):
        """Let clients reach this node."""
        node = self.node(number)
        gate = FaultProxy(node.contact_point, listen=f"127.0.1.{number}:{node.config.native_port}")
        gate.start()
        self.gates[number] = gate

    def kill(self, number):
        """Kill the node and close its address."""
        self.node(number).kill()
        self.gates[number].close()

    def heal(self, number):
        """Bring the node back from any fault."""
        node = self.node(number)
        node.resume()
        if not node.is_running:
            node.start()
            self.open_gate(number)
        self.gates[number].heal()

    def heal_all(self):
        """Bring every node back."""
        for number in (1, 2, 3):
            self.heal(number)

    def chosen(self):
        """The number of the node that every run chooses, once all nodes agree."""
        with self.repo("system") as repo:
            return int(agreed_coordinator(repo).host.address.rpartition(".")[2])


FAULTS = {
    "kill": GatedCluster.kill,
    "pause": lambda cluster, number: cluster.node(number).pause(),
    "cut off": lambda cluster, number: cluster.gates[number].black_hole(),
}


class Starter:
    """A process that runs the verb; a thread reads its output, so that no pipe fills up."""

    def __init__(self, node, keyspace, verb, tables, on_line):
        arguments = [node, keyspace, LEASE, 3, 1, tables, verb]
        self.lines = []
        self.process = subprocess.Popen(
            [sys.executable, replica.__file__, *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.reader = threading.Thread(target=self._read, args=(on_line,), daemon=True)
        self.reader.start()

    def _read(self, on_line):
        for line in self.process.stdout:
            self.lines.append(line.strip())
            on_line(line.strip())

    def end(self, timeout):
        """The last output, or its error."""
        with self.process:
            try:
                self.process.wait(max(timeout, 0.1))
            except subprocess.TimeoutExpired:
                self.process.kill()
                return f"no end after {self.lines[-1:]}"
            self.reader.join(5)
            last = next((line for line in reversed(self.lines) if line.startswith(("ended", "failed"))), None)
            return last.removeprefix("ended ") if last else self.process.stderr.read().strip()[-300:]


@attrs.define
class Round:
    """The outcome of one loss.

    Attributes:
        problems: unexpected outcomes; empty when all survived.
        recovery: seconds from the fault, or from its end, until every process had ended.
    """

    verb: str
    fault: str
    at: str
    ends: list = attrs.field(factory=list)
    problems: list = attrs.field(factory=list)
    recovery: float = 0.0

    def check(self):
        """Check that all processes ended well in time, and that one did the work."""
        self.problems += [end for end in self.ends if end not in WELL[self.verb]]
        if sum(end in DONE for end in self.ends) != 1:
            self.problems.append(f"{sum(end in DONE for end in self.ends)} did it")
        if self.recovery > LIMIT:
            self.problems.append(f"{self.recovery:.0f} s")


def run_round(cluster, verb, fault, at, starters=16):
    """Lose the chosen node at the moment when some process prints ``at``; returns a `Round`."""
    cluster.heal_all()
    own_round, coordinator = Round(verb, fault, at), cluster.chosen()
    contact = cluster.contact_points[coordinator % 3]  # another node: a process need not know the chosen one
    tables = TABLES // 2 if verb == "contract" else TABLES
    with cluster.repo(unique_name("loss"), name="soak", nodes=[contact]) as repo:
        if verb in {"rollback", "contract"} and (outcome := _synced(contact, repo.keyspace)) != "applied":
            own_round.problems.append(f"the sync before it {outcome}")
        reached = threading.Event()
        on_line = lambda line: reached.set() if line == at else None  # noqa: E731
        verbs = ["sync", *["wait"] * (starters - 1)] if verb == "wait" else [verb] * starters
        processes = [Starter(contact, repo.keyspace, process, tables, on_line) for process in verbs]
        if not reached.wait(90):
            own_round.problems.append(f"no process reported {at}")
        start = _lose(cluster, fault, coordinator)
        own_round.ends = [process.end(start + 3 * LIMIT - time.monotonic()) for process in processes]
        own_round.recovery = time.monotonic() - start
        own_round.check()
        cluster.heal(coordinator)
        _look(own_round, repo, cluster, tables)
    return own_round


def _lose(cluster, fault, coordinator):
    """Lose the node; returns the moment from which the time counts."""
    FAULTS[fault](cluster, coordinator)
    if fault == "pause":
        time.sleep(PAUSE)
        cluster.heal(coordinator)
    return time.monotonic()


def _synced(contact, keyspace):
    return Starter(contact, keyspace, "sync", TABLES, lambda _: None).end(180)


def _look(outcome, repo, cluster, tables):
    """Check that the lost node is back with the same schema, and that one version created the desired one."""
    cluster.chosen()
    model_classes = replica.models(1, tables)
    remaining = [] if outcome.verb == "rollback" else plan(repo, resources=model_classes).cql
    outcome.problems += [f"left: {cql}" for cql in remaining]
    versions = [version for version in history(repo, steps=True) if version.kind == KINDS[outcome.verb]]
    ended_versions = [version for version in versions if version.status in {"applied", "rolled_back"}]
    if not versions or any(version.status in {"running", "partial", "failed"} for version in versions):
        outcome.problems.append(f"history: {[version.status for version in versions]}")
    if len(ended_versions) > 1:
        outcome.problems.append(f"{len(ended_versions)} versions")
    repo.session.execute(f"DROP KEYSPACE {repo.keyspace}", timeout=120)


KINDS = {"sync": "sync", "wait": "sync", "rollback": "rollback", "contract": "migrate"}


def moments(verb):
    """The moments at which the node may be lost: before the lock, and before and after each step."""
    dropped = {"rollback": TABLES, "contract": TABLES // 2}  # each with its user type; an index goes with its table
    steps = 2 * dropped[verb] if verb in dropped else STEPS
    return [
        f"ready {TABLES // 2 if verb == 'contract' else TABLES}",
        *(f"{state} {step}" for step in range(1, steps + 1) for state in ("step_started", "step_done")),
    ]


def main():
    """Run all rounds or some of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=None, help="moments of each verb and fault (default: all)")
    parser.add_argument("--starters", type=int, default=16)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--verb", action="append", choices=list(WELL))
    parser.add_argument("--fault", action="append", choices=list(FAULTS))
    parser.add_argument("--version", default="5.0")
    options = parser.parse_args()
    bad = run_all(
        options.verb or WELL, options.fault or FAULTS, options.rounds, options.starters, options.seed, options.version
    )
    _say(f"{bad} bad; seed {options.seed}: --seed {options.seed} plays the same again")
    return 1 if bad else 0


def run_all(verbs, faults, rounds, starters, seed, version="5.0"):  # noqa: PLR0917 - as of the command line
    """Run these verbs with these faults, at all moments or at some; returns how many rounds failed."""
    rng, bad = random.Random(seed), 0
    rounds_to_run = [
        (verb, fault, at) for verb in verbs for fault in faults for at in _some(rng, moments(verb), rounds)
    ]
    with GatedCluster(version) as cluster:
        for verb, fault, at in rounds_to_run:
            outcome = run_round(cluster, verb, fault, at, starters)
            bad += bool(outcome.problems)
            _say(f"{verb:<9} {fault:<8} {at:<16} {outcome.recovery:5.1f} s  {'; '.join(outcome.problems) or 'well'}")
    return bad


def _some(rng, moments, rounds):
    return moments if rounds is None else rng.sample(moments, min(rounds, len(moments)))


def _say(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
