"""What has to survive, as often as one likes: replicas that are killed, stopped and cut off while they change a schema.

``python tests/tools/soak.py [--rounds N] [--replicas N] [--seed N] [--only NAME]`` prints a table; the live suite plays
each scenario of one node once, and has short forms of those of three (`live/test_schema_agreement`). Real processes,
real signals, a fault proxy, one node and three; and `node_loss`, in which the node that all runs use is lost at each
step of each verb.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import attrs

import node_loss
import replica
import support_path  # noqa: F401 - for the next one
from scyllamodel import create_keyspace, history, plan
from scyllamodel.driver.cluster.ddl_executor import DdlExecutor
from scyllamodel.local import LocalCluster
from scyllamodel.release.engine.cluster_view import ClusterView
from scyllamodel.testing.fault_proxy import FaultProxy
from scyllamodel.testing.keyspaces import unique_name
from support.shell import run

REPLICA = Path(replica.__file__)
LEASE = 2.0
TABLES = 4
STEPS = 9
"""Steps of the plan of that many tables: as many types, and an index on one of them."""


@attrs.define
class Outcome:
    """What a scenario came to.

    Attributes:
        twice: statements that ran more than once; ``lost`` that no version of the ledger tells of.
        again: statements that a dead node took along before any other knew of them, so that they had to run once more.
        left: statements that a last plan still has.
        recovery: the longest time, in leases, from the last fault until some replica had finished.
        odd: what a replica said that none should.
    """

    name: str
    runs: int = 0
    faults: int = 0
    twice: int = 0
    again: int = 0
    lost: int = 0
    left: int = 0
    recovery: float = 0.0
    odd: list[str] = attrs.field(factory=list)

    @property
    def is_clean(self):
        """Whether everything survived."""
        return not (self.twice or self.lost or self.left or self.odd)

    def look(self, repo, took=None, *, forgets=False):
        """Read the ledger and plan again, after one round that took so long to recover, in seconds.

        ``forgets``: a node died with what it alone knew.
        """
        self.runs += 1
        self.recovery = max(self.recovery, (took or 0.0) / LEASE)
        kept = replica.models(1, TABLES)
        steps = [step for version in history(repo, steps=True) for step in version.steps]
        done = Counter(step.cql for step in steps if step.state == "applied")
        seen = {step.cql for step in steps if step.is_done}
        more = sum(count - 1 for count in done.values())
        self.twice, self.again = (self.twice, self.again + more) if forgets else (self.twice + more, self.again)
        self.lost += STEPS - len(seen)
        self.left += len(plan(repo).steps)
        assert TABLES == len(kept)


class Replica:
    """A process that syncs; a context manager that ends it."""

    def __init__(self, node, keyspace, tables=TABLES, copies=1):
        words = [node, keyspace, LEASE, copies, 1, tables]
        self.process = subprocess.Popen(
            [sys.executable, str(REPLICA), *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def until(self, *starts):
        """The first line that begins with one of these words; empty at the end."""
        return next((line.strip() for line in self.process.stdout if line.startswith(starts)), "")

    def end(self):
        """The last word of it, or the traceback."""
        out, err = self.process.communicate(timeout=180)
        last = [line for line in out.splitlines() if line.startswith(("ended", "failed"))]
        return last[-1] if last else err.strip().splitlines()[-1] if err.strip() else "killed"


def _agree(repo):
    """A node that was away for a while may not know yet what the others do."""
    cluster_view = ClusterView.connect(repo)
    with DdlExecutor(cluster_view.coordinator, cluster_view.server) as executor:
        executor.await_agreement(180)


def _round(cluster, outcome, play, *, forgets=False):
    """A fresh keyspace for one round, and a look at what is left."""
    with cluster.repo(unique_name("soak"), name="soak") as repo:
        took = play(repo.settings.nodes[0], repo.keyspace)
        _agree(repo)
        outcome.look(repo, took, forgets=forgets)
        repo.session.execute(f"DROP KEYSPACE IF EXISTS {repo.keyspace}", timeout=120)
    return outcome


def _expect(outcome, messages, *allowed):
    if messages not in allowed:
        outcome.odd.append(messages)


def many_at_once(cluster, dice, outcome, replicas=8):
    """So many replicas start on an empty cluster: all succeed, and one of them did it."""
    del dice

    def play(node, keyspace):
        started = [Replica(node, keyspace) for _ in range(replicas)]
        ends = [one.end() for one in started]
        for end in ends:
            _expect(outcome, end, "ended applied", "ended waited", "ended in_sync")
        if ends.count("ended applied") != 1:
            outcome.odd.append(f"{ends.count('ended applied')} applied")

    return _round(cluster, outcome, play)


def killed_anywhere(cluster, dice, outcome):
    """A replica is killed at a step boundary or within a step; the next one finishes, without a word from anybody.

    Each round takes another boundary, so that as many rounds as there are see all of them.
    """
    boundaries = [f"{word} {step}" for step in range(1, STEPS + 1) for word in ("step_started", "step_done")]

    def play(node, keyspace):
        at = boundaries[(outcome.runs * 7 + 5) % len(boundaries)]
        with Replica(node, keyspace) as victim:
            victim.until(at)
            time.sleep(dice.choice([0.0, dice.random() * 0.03]))
            victim.process.send_signal(signal.SIGKILL)
        outcome.faults += 1
        since = time.monotonic()
        with Replica(node, keyspace) as heir:
            _expect(outcome, heir.end(), "ended applied", "ended waited", "ended in_sync")
        return time.monotonic() - since

    return _round(cluster, outcome, play)


def stopped_past_its_lease(cluster, dice, outcome):
    """A replica sleeps past its lease: another one finishes, and the sleeper learns at its next fence that it lost."""

    def play(node, keyspace):
        with Replica(node, keyspace) as sleeper, Replica(node, keyspace) as other:
            sleeper.until(f"step_done {dice.randint(1, STEPS - 1)}", "lock_waiting")
            sleeper.process.send_signal(signal.SIGSTOP)
            outcome.faults += 1
            since = time.monotonic()
            _expect(outcome, other.end(), "ended applied", "ended waited", "ended in_sync")
            took = time.monotonic() - since
            sleeper.process.send_signal(signal.SIGCONT)
            _expect(outcome, sleeper.end(), "failed LockLost", "failed StepFailed", "ended waited", "ended applied")
        return took

    return _round(cluster, outcome, play)


def answers_swallowed(cluster, dice, outcome):
    """The answer of a statement that ran never comes: it is found in the schema, and not sent again."""
    word = dice.choice(["CREATE TYPE", "CREATE TABLE soak", "CREATE INDEX"])

    def play(node, keyspace):
        with FaultProxy(node) as proxy:
            proxy.swallow_answers(when=lambda request: request.query.startswith(word), times=1)
            outcome.faults += 1
            with Replica(proxy.address, keyspace) as one:
                _expect(outcome, one.end(), "ended applied")

    return _round(cluster, outcome, play)


ONE_MODEL = """
from uuid import UUID

from scyllamodel import Column, Model, partition_key


class Thing(Model, table="things"):
    id: Column[UUID] = partition_key()
"""


def one_keyspace_of_many_fails(cluster, dice, outcome, keyspaces=50):
    """Of so many keyspaces one cannot be migrated: exit 6, all others are done; the rerun does that one alone."""
    names = [unique_name("soak") for _ in range(keyspaces)]
    wrong = dice.choice(names)
    with tempfile.TemporaryDirectory() as folder, cluster.repo(wrong) as repo:
        Path(folder, "things.py").write_text(ONE_MODEL, encoding="utf-8")
        url = f"scylla://{cluster.contact_points[0]}/{wrong}?models=things"
        words = ("migrate", "--create-keyspace", "--json", "--url", url, "--keyspace", ",".join(names))
        create_keyspace(repo)
        repo.session.execute(f"CREATE TABLE {wrong}.things (other int PRIMARY KEY)", timeout=60)
        outcome.faults += 1
        first = run(*words, folder=folder)
        repo.session.execute(f"DROP TABLE {wrong}.things", timeout=60)
        again = run(*words, folder=folder)
        for name in names:
            repo.session.execute(f"DROP KEYSPACE {name}", timeout=120)
    _expect(outcome, f"{first.returncode} {_statuses(first)}", f"6 {[('applied', keyspaces - 1), ('error', 1)]}")
    _expect(outcome, f"{again.returncode} {_statuses(again)}", f"0 {[('applied', 1), ('in_sync', keyspaces - 1)]}")
    outcome.runs += 1
    return outcome


def _statuses(done):
    answers = [item["answer"] for item in json.loads(done.stdout)["items"]]
    return sorted(Counter(answer.get("status", answer["kind"]) for answer in answers).items())


def paused_node(cluster, dice, outcome):
    """One of three nodes is paused: no agreement, an end in time; resumed, a next run finishes."""
    coordinator = _coordinator(cluster)
    contact = cluster.contact_points[coordinator - 1]
    victim = cluster.node(dice.choice([number for number in (1, 2, 3) if number != coordinator]))

    def play(node, keyspace):
        del node
        _expect(outcome, _synced(contact, keyspace, 1), "ended applied")
        victim.pause()
        outcome.faults += 1
        messages = _synced(contact, keyspace)
        victim.resume()
        since = time.monotonic()
        _expect(outcome, messages, "failed SchemaDisagreement")
        for _ in range(10):  # a paused node may take more than a minute to catch up
            if (last := _synced(contact, keyspace)).startswith("ended"):
                break
            _expect(outcome, last, "failed SchemaDisagreement")
        return time.monotonic() - since

    return _round(cluster, outcome, play)


def killed_coordinator(cluster, dice, outcome):
    """The coordinator dies in the middle of a plan: the run continues through another node, or the next run does."""
    coordinator = _coordinator(cluster)
    contact = cluster.contact_points[coordinator % 3]

    def play(node, keyspace):
        del node
        with Replica(contact, keyspace, copies=3) as one:
            one.until(f"step_done {dice.randint(1, STEPS - 2)}")
            cluster.node(coordinator).kill()
            outcome.faults += 1
            since = time.monotonic()
            messages = one.end()
        if not messages.startswith("ended"):
            _expect(outcome, messages, "failed StepFailed", "failed SchemaDisagreement", "failed LockLost")
            _expect(outcome, _synced(contact, keyspace), "ended applied", "ended waited", "ended in_sync")
        took = time.monotonic() - since
        cluster.node(coordinator).start()
        return took

    return _round(cluster, outcome, play, forgets=True)


def _coordinator(cluster):
    """The number of the node that every run chooses: the one with the lowest host id."""
    with cluster.repo("system") as repo:
        ids = sorted((str(host.host_id), host.address) for host in repo.session.cluster.metadata.all_hosts())
    return int(ids[0][1].rpartition(".")[2])


def _synced(node, keyspace, tables=TABLES):
    with Replica(node, keyspace, tables, copies=3) as one:
        return one.end()


ONE_NODE = (many_at_once, killed_anywhere, stopped_past_its_lease, answers_swallowed)
LONG = (one_keyspace_of_many_fails,)
THREE_NODES = (paused_node, killed_coordinator)
SHORT = {many_at_once: {"replicas": 6}, one_keyspace_of_many_fails: {"keyspaces": 4}}
"""How the live suite plays those that can be played smaller."""


def play(scenarios, cluster, rounds, seed, how):
    """Each scenario so many times, with what `how` has for it; an outcome for each."""
    results = []
    for scenario in scenarios:
        outcome, dice = Outcome(scenario.__name__), random.Random(f"{seed} {scenario.__name__}")
        for _ in range(rounds):
            scenario(cluster, dice, outcome, **how.get(scenario, {}))
        results.append(outcome)
    return results


def table(value):
    """The outcomes as text."""
    head = ("scenario", "runs", "faults", "twice", "again", "lost", "left", "leases", "odd")
    rows = [head]
    rows += [
        (
            o.name,
            o.runs,
            o.faults,
            o.twice,
            o.again,
            o.lost,
            o.left,
            f"{o.recovery:.1f}",
            ", ".join(sorted(set(o.odd))) or "-",
        )
        for o in value
    ]
    return "\n".join(
        "  ".join(f"{cell!s:<{w}}" for cell, w in zip(row, (27, 5, 7, 6, 6, 5, 5, 7, 0), strict=True)) for row in rows
    )


def main():
    """The long run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2 * STEPS)
    parser.add_argument("--replicas", type=int, default=32)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--only", action="append", default=[])
    words = parser.parse_args()
    results = []
    for nodes, group in ((1, (*ONE_NODE, *LONG)), (3, THREE_NODES)):
        chosen = [scenario for scenario in group if not words.only or scenario.__name__ in words.only]
        if chosen:
            with LocalCluster(nodes=nodes) as cluster:
                results += _played(chosen, cluster, words)
    bad = 0
    if not words.only or "node_loss" in words.only:
        rounds, starters = max(1, words.rounds // 6), words.replicas // 2
        bad = node_loss.every(node_loss.WELL, node_loss.FAULTS, rounds, starters, words.seed)
    sys.stdout.write(f"{table(results)}\nseed {words.seed}: --seed {words.seed} plays the same again\n")
    return 0 if not bad and all(outcome.is_clean for outcome in results) else 1


def _played(chosen, cluster, words):
    """Each scenario of one cluster, with a line as soon as it is over; slow ones play less often."""
    for scenario in chosen:
        rounds = 1 if scenario in LONG else max(1, words.rounds // 6) if scenario in THREE_NODES else words.rounds
        (outcome,) = play([scenario], cluster, rounds, words.seed, {many_at_once: {"replicas": words.replicas}})
        sys.stdout.write(f"{outcome}\n")
        sys.stdout.flush()
        yield outcome


if __name__ == "__main__":
    sys.exit(main())
