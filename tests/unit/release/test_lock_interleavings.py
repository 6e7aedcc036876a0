"""The lock under every order of events, with the real code and with deliberately broken locks that must be detected."""

from __future__ import annotations

import functools
from datetime import datetime, timezone

import pytest

from scyllamodel._backoff import Clock
from scyllamodel.errors import LockLost, StepFailed
from scyllamodel.release.lock import Lease, LockAcquisition, LockClock, LockRequest
from scyllamodel.schema.apply import CoordinatorChanged, StatementOutcomeUnknown, apply
from scyllamodel.schema.plan import make_plan
from scyllamodel.schema.server.profile import ServerProfile
from support.builders import schema, table
from support.interleavings import LEASE, Budget, Violation, explore

TABLES = tuple(table(f"t{number}", "id int pk") for number in range(3))
STEPS = make_plan(schema(*TABLES), schema(), ServerProfile()).cql
NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
REQUEST = LockRequest("test", lease_seconds=LEASE, step_timeout=100.0, host="h", pid=1)


def pending(env):
    """The remaining steps, in order."""
    return sorted(set(range(env.steps)) - env.schema())


def lock(env, wait=LockAcquisition):
    """Acquire the lock as a run does; None if other runs have done all the work."""
    world = LockClock(env.clock, env.sleep, lambda: 1.0, env.clock, lambda: NOW)
    return wait(env, REQUEST, world, env.me + 1, 1000.0, lambda: not pending(env)).acquire()


def work(env, lease, steps, slow):
    """Run these steps; the thread that renews has its turn before the fence, and between fence and statement.

    It may have that turn in the first process alone, since all are alike; during a slow statement it has it in all.
    """
    turn = env.me == 0 and not slow
    for step in steps:
        if turn and env.choose():
            lease.renew()
        lease.send(1, step, functools.partial(env.ddl, step, lease.owner, lease.renew if turn else None))
        for _ in range(4 if slow else 0):
            env.sleep(LEASE / 3)
            lease.renew()


def run(env, wait=LockAcquisition, kind=Lease, slow=False):
    """A run that migrates: lock, introspect, apply, release."""
    lease = lock(env, wait)
    if lease is None:
        return "done"
    lease.__class__ = kind
    try:
        work(env, lease, pending(env), slow)
    except LockLost:
        return "lost"
    finally:
        lease.release()
    return "done"


@pytest.mark.parametrize(
    ("runs", "steps", "budget"),
    [
        (3, 2, Budget()),
        (3, 1, Budget(crashes=1)),
        (3, 1, Budget(lost=1)),
        (2, 2, Budget(crashes=1, lost=1)),
        (2, 2, Budget(crashes=2, renewals=1)),
        (2, 2, Budget(lost=2)),
        (2, 2, Budget(lost=1, late=1)),
        (2, 1, Budget(pauses=1, lost=1)),
        (2, 2, Budget(pauses=1, renewals=1)),
        (2, 1, Budget(pauses=1, crashes=1)),
        (2, 1, Budget(pauses=1, late=1)),
    ],
    ids=str,
)
def test_the_lock_holds_in_every_order_of_events(runs, steps, budget):
    """Each statement runs once and under the lock, whichever process crashes, sleeps or gets no answer."""
    report = explore([run] * runs, steps, budget)

    assert report.ends


@pytest.mark.parametrize("budget", [Budget(pauses=1), Budget(crashes=1, lost=1)], ids=str)
def test_the_lock_holds_while_a_statement_takes_longer_than_the_lease(budget):
    """A holder that renews keeps the lock although its statement takes longer than the lease."""
    report = explore([functools.partial(run, slow=True)] * 2, 1, budget)

    assert report.ends


def test_a_dead_holder_is_replaced_within_a_lease_and_a_few_looks():
    """The takeover takes no longer than a lease and the pause between two checks of a waiter."""
    report = explore([run] * 2, 2, Budget(crashes=1))

    assert 1.0 < report.takeover < 1.3


class Nodes:
    """An executor behind the lock that uses one node, and the next one after that is lost."""

    server = ServerProfile()

    def __init__(self, env, lease):
        self.env, self.held, self.has_moved = env, lease, False

    def execute(self, cql, _timeout):
        if self.has_moved:
            raise CoordinatorChanged("another node took over")
        step = STEPS.index(cql)
        try:
            self.held.send(1, step, functools.partial(self.env.ddl, step, self.held.owner))
        except StatementOutcomeUnknown:
            self.has_moved = True
            raise
        return ()

    def introspect(self, _):
        return schema(*(TABLES[step] for step in sorted(self.env.schema())))

    def await_agreement(self, _timeout):
        self.env.agree()

    def take_over(self):
        self.has_moved = False


class Sloppy(Nodes):
    """Continues on the next node as if that had all changes of the lost one."""

    has_moved = property(lambda _: False, lambda *_: None)


def migrate(env, nodes=Nodes):
    """A run that plans under the lock and applies the plan on nodes that may be lost."""
    lease = lock(env)
    if lease is None:
        return "done"
    try:
        env.agree()
        facts = schema(*(TABLES[step] for step in sorted(env.schema())))
        plan = make_plan(schema(*TABLES[: env.steps]), facts, ServerProfile())
        times = {"step_timeout": LEASE / 8, "agreement_timeout": LEASE / 8}
        apply(plan, nodes(env, lease), clock=Clock(env.clock, lambda _: env.sleep(LEASE / 8)), **times)
    except StepFailed as failed:
        if isinstance(failed.__cause__, LockLost):
            return "lost"
        raise Violation("a run failed") from failed
    finally:
        lease.release()
    return "done"


@pytest.mark.parametrize(
    ("runs", "steps", "budget"),
    [
        (2, 2, Budget(losses=1)),
        (1, 3, Budget(losses=2)),
        (2, 2, Budget(losses=1, crashes=1)),
        (2, 1, Budget(losses=1, lost=1, victim=0)),
    ],
    ids=str,
)
def test_runs_outlive_their_nodes_in_every_order_of_events(runs, steps, budget):
    """Whenever a node is lost, each statement runs once on the remaining nodes, and under the lock."""
    report = explore([migrate] * runs, steps, budget)

    assert report.ends


def test_a_run_that_trusts_the_next_node_is_caught():
    """A run that ignores the loss of a node ends without the changes that were lost with it, which is detected."""
    with pytest.raises(Violation, match="something is missing"):
        explore([functools.partial(migrate, nodes=Sloppy)] * 2, 2, Budget(losses=1))


def unrenewed(env):
    """A row with a TTL, acquired for the expected duration of the work."""
    while not env.change({"owner": None}, {"owner": env.me + 1, "ttl": LEASE}).applied:
        env.sleep(LEASE / 4)
    for step in pending(env):
        env.ddl(step, env.me + 1)
    env.change({"owner": env.me + 1}, {"owner": None})
    return "done"


def planned_before(env):
    """A run that plans before it has the lock."""
    steps = pending(env)
    lease = lock(env)
    if lease is None:
        return "done"
    work(env, lease, steps, slow=False)
    lease.release()
    return "done"


class Opened(Lease):
    """Releases the lock of any holder."""

    def release(self):
        self._store.change({}, {"owner": None})


class Unfenced(Lease):
    """Renews its lock, and does not check whether that succeeded."""

    def send(self, *step_and_statement):
        step_and_statement[-1]()


class Unaged(Lease):
    """Measures the age of a fence from its answer instead of its request."""

    def _update(self, columns, tries, patience):
        super()._update(columns, tries, patience)
        return self._clock.boot_time()


class Repeating(Lease):
    """Reuses a heartbeat that an update with unknown outcome may have written."""

    @property
    def _last_heartbeat(self):
        return self._heartbeat

    @_last_heartbeat.setter
    def _last_heartbeat(self, beat):
        """Discard the last heartbeat."""


class Hasty(LockAcquisition):
    """Takes over the lock even if the holder was active since the last read."""

    def try_take(self, row, when):
        return super().try_take(row, {name: value for name, value in when.items() if name != "beat"})


class Impatient(LockAcquisition):
    """Takes over after half a lease."""

    def is_expired(self, _):
        return self.clock.monotonic() - self.last_change >= LEASE / 2


@pytest.mark.parametrize(
    ("weak", "budget", "fault"),
    [
        (unrenewed, Budget(pauses=1), "without the lock"),
        (planned_before, Budget(), "executed twice"),
        (functools.partial(run, kind=Opened, slow=True), Budget(pauses=1), "had not been silent"),
        (functools.partial(run, kind=Unfenced), Budget(pauses=1), "without the lock"),
        (functools.partial(run, kind=Unaged), Budget(pauses=1), "without the lock"),
        (
            functools.partial(run, kind=Repeating),
            Budget(pauses=1, lost=1, late=1, renewals=1, victim=0),
            "without the lock",
        ),
        (functools.partial(run, wait=Hasty, slow=True), Budget(pauses=2), "had not been silent"),
        (functools.partial(run, wait=Impatient), Budget(pauses=1), "had not been silent|without the lock"),
    ],
    ids="unrenewed planned_before opened unfenced unaged repeating hasty impatient".split(),
)
def test_a_weak_lock_is_caught(weak, budget, fault):
    """For every broken lock, an order of events is found in which it fails."""
    with pytest.raises(Violation, match=fault):
        explore([weak] * 2, 2, budget)
