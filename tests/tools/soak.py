"""Soak test of migrations: replicas that are killed, paused and cut off while they change a schema.

``python tests/tools/soak.py [--rounds N] [--replicas N] [--seed N] [--only NAME]`` prints a table; the live suite runs
each scenario of one node once, and has short forms of those of three (`live/test_schema_agreement`). It uses real
processes, real signals, a fault proxy, one node and three; and `node_loss`, in which the node that all runs use is lost
at each step of each verb.
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
import support_path  # noqa: F401 - for the last two
from scyllamodel import create_keyspace, history, plan
from scyllamodel.local import LocalCluster
from scyllamodel.testing.fault_proxy import FaultProxy
from scyllamodel.testing.keyspaces import unique_name
from support.agreement import agreed_coordinator
from support.shell import run

REPLICA = Path(replica.__file__)
LEASE = 2.0
TABLES = 4
STEPS = 9
"""Steps of the plan of that many tables: as many types, and an index on one of them."""


@attrs.define
class Outcome:
    """The outcome of a scenario.

    Attributes:
        twice: statements that ran more than once; ``lost``: those that no version of the ledger contains.
        repeated: statements that only a dead node had applied, so that they ran once more.
        remaining: statements in a final plan.
        recovery: the longest time, in leases, from the last fault until some replica had finished.
        problems: unexpected messages of replicas.
    """

    name: str
    runs: int = 0
    faults: int = 0
    twice: int = 0
    repeated: int = 0
    lost: int = 0
    remaining: int = 0
    recovery: float = 0.0
    problems: list[str] = attrs.field(factory=list)

    @property
    def is_clean(self):
        """Whether there were no problems."""
        return not (self.twice or self.lost or self.remaining or self.problems)

    def look(self, repo, seconds=None, *, forgets=False):
        """Read the ledger and plan again after one round, which took this many seconds to recover.

        ``forgets``: a node died with changes that it alone had.
        """
        self.runs += 1
        self.recovery = max(self.recovery, (seconds or 0.0) / LEASE)
        model_classes = replica.models(1, TABLES)
        steps = [step for version in history(repo, steps=True) for step in version.steps]
        applied = Counter(step.cql for step in steps if step.state == "applied")
        statements = {step.cql for step in steps if step.is_done}
        more = sum(count - 1 for count in applied.values())
        self.twice, self.repeated = (
            (self.twice, self.repeated + more) if forgets else (self.twice + more, self.repeated)
        )
        self.lost += STEPS - len(statements)
        self.remaining += len(plan(repo).steps)
        assert TABLES == len(model_classes)


class Replica:
    """A process that syncs; a context manager that ends it."""

    def __init__(self, node, keyspace, tables=TABLES, copies=1):
        arguments = [node, keyspace, LEASE, copies, 1, tables]
        self.process = subprocess.Popen(
            [sys.executable, str(REPLICA), *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def until(self, *starts):
        """The first line that begins with one of these words; empty at the end of the output."""
        return next((line.strip() for line in self.process.stdout if line.startswith(starts)), "")

    def end(self):
        """The last output, or the traceback."""
        out, err = self.process.communicate(timeout=180)
        last = [line for line in out.splitlines() if line.startswith(("ended", "failed"))]
        return last[-1] if last else err.strip().splitlines()[-1] if err.strip() else "killed"


def _round(cluster, outcome, run_round, *, forgets=False):
    """Run one round on a fresh keyspace, and check the result."""
    with cluster.repo(unique_name("soak"), name="soak") as repo:
        seconds = run_round(repo.settings.nodes[0], repo.keyspace)
        agreed_coordinator(repo)  # a node that was away may not have the schema of the others yet
        outcome.look(repo, seconds, forgets=forgets)
        repo.session.execute(f"DROP KEYSPACE IF EXISTS {repo.keyspace}", timeout=120)
        agreed_coordinator(repo)
    return outcome


def _expect(outcome, messages, *allowed):
    if messages not in allowed:
        outcome.problems.append(messages)


def many_at_once(cluster, rng, outcome, replicas=8):
    """So many replicas start on an empty cluster: all succeed, and one of them does the work."""
    del rng

    def scenario(node, keyspace):
        started = [Replica(node, keyspace) for _ in range(replicas)]
        results = [process.end() for process in started]
        for end in results:
            _expect(outcome, end, "ended applied", "ended waited", "ended in_sync")
        if results.count("ended applied") != 1:
            outcome.problems.append(f"{results.count('ended applied')} applied")

    return _round(cluster, outcome, scenario)


def killed_anywhere(cluster, rng, outcome):
    """A replica is killed between steps or within one; the next one finishes without manual action.

    Each round kills at another step, so that enough rounds cover all of them.
    """
    boundaries = [f"{state} {step}" for step in range(1, STEPS + 1) for state in ("step_started", "step_done")]

    def scenario(node, keyspace):
        at = boundaries[(outcome.runs * 7 + 5) % len(boundaries)]
        with Replica(node, keyspace) as victim:
            victim.until(at)
            time.sleep(rng.choice([0.0, rng.random() * 0.03]))
            victim.process.send_signal(signal.SIGKILL)
        outcome.faults += 1
        start = time.monotonic()
        with Replica(node, keyspace) as heir:
            _expect(outcome, heir.end(), "ended applied", "ended waited", "ended in_sync")
        return time.monotonic() - start

    return _round(cluster, outcome, scenario)


def stopped_past_its_lease(cluster, rng, outcome):
    """A replica is paused past its lease: another finishes, and the first learns at its next fence that it lost."""

    def scenario(node, keyspace):
        with Replica(node, keyspace) as sleeper, Replica(node, keyspace) as other:
            sleeper.until(f"step_done {rng.randint(1, STEPS - 1)}", "lock_waiting")
            sleeper.process.send_signal(signal.SIGSTOP)
            outcome.faults += 1
            start = time.monotonic()
            _expect(outcome, other.end(), "ended applied", "ended waited", "ended in_sync")
            seconds = time.monotonic() - start
            sleeper.process.send_signal(signal.SIGCONT)
            _expect(outcome, sleeper.end(), "failed LockLost", "failed StepFailed", "ended waited", "ended applied")
        return seconds

    return _round(cluster, outcome, scenario)


def answers_swallowed(cluster, rng, outcome):
    """The response of an executed statement never arrives: its effect is found in the schema, and it is not resent."""
    prefix = rng.choice(["CREATE TYPE", "CREATE TABLE soak", "CREATE INDEX"])

    def scenario(node, keyspace):
        with FaultProxy(node) as proxy:
            proxy.swallow_answers(when=lambda request: request.query.startswith(prefix), times=1)
            outcome.faults += 1
            with Replica(proxy.address, keyspace) as process:
                _expect(outcome, process.end(), "ended applied")

    return _round(cluster, outcome, scenario)


ONE_MODEL = """
from uuid import UUID

from scyllamodel import Column, Model, partition_key


class Thing(Model, table="things"):
    id: Column[UUID] = partition_key()
"""


def one_keyspace_of_many_fails(cluster, rng, outcome, keyspaces=50):
    """One of many keyspaces cannot be migrated: exit 6, all others are done; a rerun does only that one."""
    names = [unique_name("soak") for _ in range(keyspaces)]
    invalid_keyspace = rng.choice(names)
    with tempfile.TemporaryDirectory() as folder, cluster.repo(invalid_keyspace) as repo:
        Path(folder, "things.py").write_text(ONE_MODEL, encoding="utf-8")
        url = f"scylla://{cluster.contact_points[0]}/{invalid_keyspace}?models=things"
        arguments = ("migrate", "--create-keyspace", "--json", "--url", url, "--keyspace", ",".join(names))
        create_keyspace(repo)
        repo.session.execute(f"CREATE TABLE {invalid_keyspace}.things (other int PRIMARY KEY)", timeout=60)
        outcome.faults += 1
        first = run(*arguments, folder=folder)
        repo.session.execute(f"DROP TABLE {invalid_keyspace}.things", timeout=60)
        second = run(*arguments, folder=folder)
        for name in names:
            repo.session.execute(f"DROP KEYSPACE {name}", timeout=120)
    _expect(outcome, f"{first.returncode} {_statuses(first)}", f"6 {[('applied', keyspaces - 1), ('error', 1)]}")
    _expect(outcome, f"{second.returncode} {_statuses(second)}", f"0 {[('applied', 1), ('in_sync', keyspaces - 1)]}")
    outcome.runs += 1
    return outcome


def _statuses(result):
    answers = [item["answer"] for item in json.loads(result.stdout)["items"]]
    return sorted(Counter(answer.get("status", answer["kind"]) for answer in answers).items())


def paused_node(cluster, rng, outcome):
    """One of three nodes is paused: runs end in time without agreement; after it is resumed, the next one finishes."""
    coordinator = _coordinator(cluster)
    contact = cluster.contact_points[coordinator - 1]
    victim = cluster.node(rng.choice([number for number in (1, 2, 3) if number != coordinator]))

    def scenario(node, keyspace):
        del node
        _expect(outcome, _synced(contact, keyspace, 1), "ended applied")
        victim.pause()
        outcome.faults += 1
        messages = _synced(contact, keyspace)
        victim.resume()
        start = time.monotonic()
        _expect(outcome, messages, "failed SchemaDisagreement")
        for _ in range(10):  # a paused node may take more than a minute to catch up
            if (last := _synced(contact, keyspace)).startswith("ended"):
                break
            _expect(outcome, last, "failed SchemaDisagreement")
        return time.monotonic() - start

    return _round(cluster, outcome, scenario)


def killed_coordinator(cluster, rng, outcome):
    """The coordinator dies during a plan: the run continues through another node, or the next run does."""
    coordinator = _coordinator(cluster)
    contact = cluster.contact_points[coordinator % 3]

    def scenario(node, keyspace):
        del node
        with Replica(contact, keyspace, copies=3) as process:
            process.until(f"step_done {rng.randint(1, STEPS - 2)}")
            cluster.node(coordinator).kill()
            outcome.faults += 1
            start = time.monotonic()
            messages = process.end()
        if not messages.startswith("ended"):
            _expect(outcome, messages, "failed StepFailed", "failed SchemaDisagreement", "failed LockLost")
            _expect(outcome, _synced(contact, keyspace), "ended applied", "ended waited", "ended in_sync")
        seconds = time.monotonic() - start
        cluster.node(coordinator).start()
        return seconds

    return _round(cluster, outcome, scenario, forgets=True)


def _coordinator(cluster):
    """The number of the node that every run chooses: the one with the lowest host id."""
    with cluster.repo("system") as repo:
        ids = sorted((str(host.host_id), host.address) for host in repo.session.cluster.metadata.all_hosts())
    return int(ids[0][1].rpartition(".")[2])


def _synced(node, keyspace, tables=TABLES):
    with Replica(node, keyspace, tables, copies=3) as process:
        return process.end()


ONE_NODE = (many_at_once, killed_anywhere, stopped_past_its_lease, answers_swallowed)
LONG = (one_keyspace_of_many_fails,)
THREE_NODES = (paused_node, killed_coordinator)
SHORT = {many_at_once: {"replicas": 6}, one_keyspace_of_many_fails: {"keyspaces": 4}}
"""How the live suite plays those that can be played smaller."""


def run_scenarios(scenarios, cluster, rounds, seed, description):
    """Run each scenario several times, with its parameters in `how`; returns an outcome for each."""
    results = []
    for scenario in scenarios:
        outcome, rng = Outcome(scenario.__name__), random.Random(f"{seed} {scenario.__name__}")
        for _ in range(rounds):
            scenario(cluster, rng, outcome, **description.get(scenario, {}))
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
            o.repeated,
            o.lost,
            o.remaining,
            f"{o.recovery:.1f}",
            ", ".join(sorted(set(o.problems))) or "-",
        )
        for o in value
    ]
    return "\n".join(
        "  ".join(f"{cell!s:<{w}}" for cell, w in zip(row, (27, 5, 7, 6, 6, 5, 5, 7, 0), strict=True)) for row in rows
    )


def main():
    """Run the soak test."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2 * STEPS)
    parser.add_argument("--replicas", type=int, default=32)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--only", action="append", default=[])
    options = parser.parse_args()
    results = []
    for nodes, group in ((1, (*ONE_NODE, *LONG)), (3, THREE_NODES)):
        selected = [scenario for scenario in group if not options.only or scenario.__name__ in options.only]
        if selected:
            with LocalCluster(nodes=nodes) as cluster:
                results += _played(selected, cluster, options)
    bad = 0
    if not options.only or "node_loss" in options.only:
        rounds, starters = max(1, options.rounds // 6), options.replicas // 2
        bad = node_loss.run_all(node_loss.WELL, node_loss.FAULTS, rounds, starters, options.seed)
    sys.stdout.write(f"{table(results)}\nseed {options.seed}: --seed {options.seed} plays the same again\n")
    return 0 if not bad and all(outcome.is_clean for outcome in results) else 1


def _played(selected, cluster, options):
    """Run each scenario of one cluster and print a line after each; slow ones run less often."""
    for scenario in selected:
        rounds = 1 if scenario in LONG else max(1, options.rounds // 6) if scenario in THREE_NODES else options.rounds
        (outcome,) = run_scenarios(
            [scenario], cluster, rounds, options.seed, {many_at_once: {"replicas": options.replicas}}
        )
        sys.stdout.write(f"{outcome}\n")
        sys.stdout.flush()
        yield outcome


if __name__ == "__main__":
    sys.exit(main())
