"""The node that all runs use is killed, paused or cut off while many processes change a schema, or wait for it.

``python tests/tools/node_loss.py [--rounds N] [--starters N] [--seed N] [--verb VERB] [--fault FAULT] [--version V]``
plays every verb with every fault at every step of it, or at N steps of each, and prints a line for each round. The live
suite plays a few of them with fewer processes.
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
from scyllamodel import history, plan
from scyllamodel.driver.cluster.coordinator import choose_coordinator
from scyllamodel.driver.cluster.schema_agreement import await_agreement
from scyllamodel.driver.data.api_base import client_of
from scyllamodel.errors import SchemaDisagreement
from scyllamodel.local import LocalCluster
from scyllamodel.testing.fault_proxy import FaultProxy
from scyllamodel.testing.keyspaces import unique_name

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
    """Three nodes, each behind a proxy that clients reach it by, so that it can be cut off from them."""

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
        """End the node, and its address with it."""
        self.node(number).kill()
        self.gates[number].close()

    def heal(self, number):
        """Bring the node back from whatever happened to it."""
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
        """The number of the node that every run chooses, once all agree."""
        with self.repo("system") as repo:
            coordinator = choose_coordinator(client_of(repo).connection())
            await_agreement(coordinator, 180)
            return int(coordinator.host.address.rpartition(".")[2])


FAULTS = {
    "kill": GatedCluster.kill,
    "pause": lambda cluster, number: cluster.node(number).pause(),
    "cut off": lambda cluster, number: cluster.gates[number].black_hole(),
}


class Starter:
    """A process that does what the verb says; it is read in a thread, so that no pipe fills up."""

    def __init__(self, node, keyspace, verb, tables, on_line):
        words = [node, keyspace, LEASE, 3, 1, tables, verb]
        self.lines = []
        self.process = subprocess.Popen(
            [sys.executable, replica.__file__, *map(str, words)],
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
        """The last word of it, or what went wrong."""
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
    """What one loss came to.

    Attributes:
        odd: whatever should not be; empty when all survived.
        took: seconds from the fault, or from its end, until every process had ended.
    """

    verb: str
    fault: str
    at: str
    ends: list = attrs.field(factory=list)
    odd: list = attrs.field(factory=list)
    took: float = 0.0

    def check(self):
        """All ended well in time, and one did the work."""
        self.odd += [end for end in self.ends if end not in WELL[self.verb]]
        if sum(end in DONE for end in self.ends) != 1:
            self.odd.append(f"{sum(end in DONE for end in self.ends)} did it")
        if self.took > LIMIT:
            self.odd.append(f"{self.took:.0f} s")


def play(cluster, verb, fault, at, starters=16):
    """Lose the chosen node at the moment when some process says ``at``; a `Round`."""
    cluster.heal_all()
    own_round, chosen = Round(verb, fault, at), cluster.chosen()
    contact = cluster.contact_points[chosen % 3]  # another node: a process need not know the chosen one
    tables = TABLES // 2 if verb == "contract" else TABLES
    with cluster.repo(unique_name("loss"), name="soak", nodes=[contact]) as repo:
        if verb in {"rollback", "contract"} and (outcome := _synced(contact, repo.keyspace)) != "applied":
            own_round.odd.append(f"the sync before it {outcome}")
        reached = threading.Event()
        on_line = lambda line: reached.set() if line == at else None  # noqa: E731
        verbs = ["sync", *["wait"] * (starters - 1)] if verb == "wait" else [verb] * starters
        processes = [Starter(contact, repo.keyspace, one, tables, on_line) for one in verbs]
        if not reached.wait(90):
            own_round.odd.append(f"no process reported {at}")
        since = _lose(cluster, fault, chosen)
        own_round.ends = [one.end(since + 3 * LIMIT - time.monotonic()) for one in processes]
        own_round.took = time.monotonic() - since
        own_round.check()
        cluster.heal(chosen)
        _look(own_round, repo, cluster, tables)
    return own_round


def _lose(cluster, fault, chosen):
    """Lose the node; the moment from which the time counts."""
    FAULTS[fault](cluster, chosen)
    if fault == "pause":
        time.sleep(PAUSE)
        cluster.heal(chosen)
    return time.monotonic()


def _synced(contact, keyspace):
    return Starter(contact, keyspace, "sync", TABLES, lambda _: None).end(180)


def _look(outcome, repo, cluster, tables):
    """The lost node is back, and brings no other schema with it; what is wanted is there, made by one version."""
    cluster.chosen()
    kept = replica.models(1, tables)
    left = [] if outcome.verb == "rollback" else plan(repo, resources=kept).cql
    outcome.odd += [f"left: {cql}" for cql in left]
    versions = [version for version in history(repo, steps=True) if version.kind == KINDS[outcome.verb]]
    done = [version for version in versions if version.status in {"applied", "rolled_back"}]
    if not versions or any(version.status in {"running", "partial", "failed"} for version in versions):
        outcome.odd.append(f"history: {[version.status for version in versions]}")
    if len(done) > 1:
        outcome.odd.append(f"{len(done)} versions")
    repo.session.execute(f"DROP KEYSPACE {repo.keyspace}", timeout=120)


KINDS = {"sync": "sync", "wait": "sync", "rollback": "rollback", "contract": "migrate"}


def moments(verb):
    """When the node may be lost: before the lock, and before and after each step."""
    dropped = {"rollback": TABLES, "contract": TABLES // 2}  # each with its user type; an index goes with its table
    steps = 2 * dropped[verb] if verb in dropped else STEPS
    return [
        f"ready {TABLES // 2 if verb == 'contract' else TABLES}",
        *(f"{word} {step}" for step in range(1, steps + 1) for word in ("step_started", "step_done")),
    ]


def main():
    """All of it, or a part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=None, help="moments of each verb and fault (default: all)")
    parser.add_argument("--starters", type=int, default=16)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--verb", action="append", choices=list(WELL))
    parser.add_argument("--fault", action="append", choices=list(FAULTS))
    parser.add_argument("--version", default="5.0")
    words = parser.parse_args()
    bad = every(words.verb or WELL, words.fault or FAULTS, words.rounds, words.starters, words.seed, words.version)
    _say(f"{bad} bad; seed {words.seed}: --seed {words.seed} plays the same again")
    return 1 if bad else 0


def every(verbs, faults, rounds, starters, seed, version="5.0"):  # noqa: PLR0917 - as of the command line
    """Play these verbs with these faults, at all moments or at so many of each; how many rounds went wrong."""
    dice, bad = random.Random(seed), 0
    played = [(verb, fault, at) for verb in verbs for fault in faults for at in _some(dice, moments(verb), rounds)]
    while played:
        with GatedCluster(version) as cluster:
            while played and _agrees(cluster):
                verb, fault, at = played.pop(0)
                outcome = play(cluster, verb, fault, at, starters)
                bad += bool(outcome.odd)
                _say(f"{verb:<9} {fault:<8} {at:<16} {outcome.took:5.1f} s  {'; '.join(outcome.odd) or 'well'}")
    return bad


def _some(dice, moments, rounds):
    return moments if rounds is None else dice.sample(moments, min(rounds, len(moments)))


def _agrees(cluster):
    """Whether all nodes are back and agree, which is looked at before the next round.

    They did at the end of the last one. A node that was killed in it may still fail to learn that the keyspace was
    dropped afterwards: that is the server's affair, and the next round gets a new cluster.
    """
    try:
        cluster.heal_all()
        cluster.chosen()
    except SchemaDisagreement as error:
        _say(f"a new cluster, since after DROP KEYSPACE {error}")
        return False
    return True


def _say(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
