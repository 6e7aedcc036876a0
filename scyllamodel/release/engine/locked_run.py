"""Runs under the lock: internal tables exist, the lock is held, and each statement is sent only with proof of that.

*In*: a repo, its `ClusterView`, the keyspaces to change. *Out*: a `LockedRun`, whose executor and journal are for
`scyllamodel.schema.apply`; or None if the wait was stopped because the lock is no longer needed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from scyllamodel._numbers import check_seconds
from scyllamodel.driver.cluster.ddl_executor import DdlExecutor
from scyllamodel.driver.cluster.lwt import LwtClient
from scyllamodel.driver.repo import Repo
from scyllamodel.release.engine.cluster_view import ClusterView
from scyllamodel.release.engine.ledger_access import internal_keyspace, open_ledger, read_internal_tables
from scyllamodel.release.engine.page_secret import create_page_secret
from scyllamodel.release.engine.permission_check import check_permissions, internal_table_permissions, step_permissions
from scyllamodel.release.engine.results import LockUse
from scyllamodel.release.ledger import Ledger, VersionRecorder
from scyllamodel.release.ledger.bootstrap import bootstrap
from scyllamodel.release.lock import CqlLockStore, Lease, Lock, LockRequest, LockRow, OnWait
from scyllamodel.release.lock.uniqueness import check_lock_is_unique
from scyllamodel.schema.apply import RecordedState
from scyllamodel.schema.changes.postconditions import keyspace_of
from scyllamodel.schema.facts.objects import KeyspaceFacts
from scyllamodel.schema.plan import Step
from scyllamodel.schema.server.profile import ServerProfile

if TYPE_CHECKING:
    from scyllamodel.schema.apply import Journal


class FencedExecutor:
    """An executor that proves the lock of the keyspace right before each statement.

    Parameters:
        leases: by keyspace.
    """

    def __init__(self, executor: DdlExecutor, leases: Mapping[str, Lease]) -> None:
        self._executor, self._leases = executor, leases
        self._lease = next(iter(leases.values()))
        self._position = (0, 0)

    @property
    def server(self) -> ServerProfile:
        """The profile of the server."""
        return self._executor.server

    @property
    def has_moved(self) -> bool:
        """Whether the last statement was sent through another node than the current one."""
        return self._executor.has_moved

    def take_over(self) -> None:
        """Use the node of the last agreement for statements."""
        self._executor.take_over()

    def begin_step(self, version: int, seq: int, keyspace: str | None) -> None:
        """Set the next step and the keyspace it changes; None where that is unknown."""
        self._position = (version, seq)
        self._lease = self._leases.get(keyspace or "", self._lease)

    def execute(self, cql: str, timeout: float) -> Sequence[str]:
        """Send one statement, once, if the lock is held, and return the server's warnings.

        Raises:
            CoordinatorChanged, StatementFailure: as in any executor.
            LockLost: the lock is lost; nothing was sent.
        """
        self._lease.coordinator = self._executor.coordinator.host_id
        self._touch_leases()
        return self._lease.send(*self._position, lambda: self._executor.execute(cql, timeout))

    def introspect(self, keyspace: str) -> KeyspaceFacts:
        """Return the facts of the keyspace as the coordinator has it now."""
        self._touch_leases()
        return self._executor.introspect(keyspace)

    def returns_row(self, cql: str) -> bool:
        """Whether a query returns a row."""
        self._touch_leases()
        return self._executor.returns_row(cql)

    def await_agreement(self, timeout: float) -> None:
        """Wait until all nodes have the same schema."""
        self._touch_leases()
        self._executor.await_agreement(timeout)

    def _touch_leases(self) -> None:
        for lease in self._leases.values():
            lease.touch()


@attrs.frozen
class _FencedJournal:
    """Records each step in the ledger first, then announces it to the fenced executor."""

    recorder: VersionRecorder
    executor: FencedExecutor

    def before(self, step: Step) -> None:
        self.recorder.before(step)
        self.executor.begin_step(
            self.recorder.version, step.seq, None if step.change is None else keyspace_of(step.change)
        )

    def after(self, step: Step, state: RecordedState, attempts: int, duration_ms: int, error: str | None) -> None:
        self.recorder.after(step, state, attempts, duration_ms, error)


@attrs.frozen
class LockedRun:
    """What a run under the lock works with.

    Attributes:
        lease: the lock of the repo's own keyspace.
        unfenced_executor: for reading.
    """

    lease: Lease
    executor: FencedExecutor
    ledger: Ledger
    unfenced_executor: DdlExecutor

    @property
    def fencing_token(self) -> int:
        """The fencing token of the lease."""
        return self.lease.fencing_token

    @property
    def lock_use(self) -> LockUse:
        """How the lock was acquired, for results."""
        return LockUse(round(self.lease.waited_seconds * 1000), self.lease.fencing_token)

    def journal(self, recorder: VersionRecorder) -> Journal:
        """Return a journal for `apply` that writes the ledger and sets the fence."""
        return _FencedJournal(recorder, self.executor)


def _lock_timeout(value: float) -> float:
    return check_seconds("lock_timeout", value, allow_zero=True)


def _agreement_timeout(value: float) -> float:
    return check_seconds("agreement_timeout", value, allow_zero=True)


def _step_timeout(value: float) -> float:
    return check_seconds("step_timeout", value, allow_zero=True)


@attrs.frozen
class Timeouts:
    """Timeouts of a run, in seconds.

    Attributes:
        lock: without progress of the run that holds the lock.
        agreement: until the nodes agree.
        step: until a statement shows in the schema.
    """

    lock: float = attrs.field(default=60.0, converter=_lock_timeout)
    agreement: float = attrs.field(default=120.0, converter=_agreement_timeout)
    step: float = attrs.field(default=120.0, converter=_step_timeout)

    @property
    def step_keywords(self) -> dict[str, Any]:
        """Keyword arguments of `apply` and `bootstrap`."""
        return {"agreement_timeout": self.agreement, "step_timeout": self.step}


@contextlib.contextmanager
def acquire_locks(
    repo: Repo,
    executor: DdlExecutor,
    purpose: str,
    keyspaces: Iterable[str],
    timeouts: Timeouts,
    *,
    should_stop: Callable[[], bool] | None = None,
    on_wait: OnWait | None = None,
) -> Generator[LockedRun | None]:
    """Create missing internal tables, take the locks, recover crashed runs, and enter the run.

    Parameters:
        keyspaces: those to change; all runs take several locks in the same order.
        should_stop: called at each wake-up of a wait; True stops it, and None is yielded.
        on_wait: called at each wake-up.

    Raises:
        LockTimeout, LockLost: another run has the lock, or took it over.
        StepFailed, SchemaDisagreement, ConfigurationError: the internal tables cannot be created, or exist in two
            keyspaces.
        LedgerError: the ledger cannot be read.
    """
    ledger_keyspace = internal_keyspace(repo, executor.coordinator, executor.server)
    bootstrap(executor, ledger_keyspace, **timeouts.step_keywords)
    lock_request = LockRequest(purpose, step_timeout=timeouts.step + timeouts.agreement)
    lock_names = sorted({repo.keyspace, *keyspaces})
    for name in lock_names:
        check_lock_is_unique(executor.coordinator, name, ledger_keyspace)
    wake_up = _with_heartbeats(executor, on_wait)
    with contextlib.ExitStack() as stack:
        leases: dict[str, Lease] = {}
        for name in lock_names:
            lock = Lock(CqlLockStore(LwtClient(executor.coordinator), ledger_keyspace, name), lock_request)
            acquired = stack.enter_context(lock.acquire(timeouts.lock, should_stop=should_stop, on_wait=wake_up))
            if acquired is None:
                yield None
                return
            leases[name] = acquired
        executor.follow(next((lease.previous.coordinator for lease in leases.values() if lease.took_over), None))
        # The previous holder may have changed the schema through another node and ended before all nodes had it: wait,
        # since what is read next decides the plan.
        executor.await_agreement(timeouts.agreement)
        fenced_executor = FencedExecutor(executor, leases)
        ledger = open_ledger(
            repo, executor.coordinator, executor.introspect(ledger_keyspace, include_internal=True), executor.server
        )
        ledger.recover(fenced_executor.introspect, executor.server)
        create_page_secret(executor.coordinator, ledger_keyspace)
        yield LockedRun(leases[repo.keyspace], fenced_executor, ledger, executor)


def _with_heartbeats(executor: DdlExecutor, on_wait: OnWait | None) -> OnWait:
    """Return a callback that reads the heartbeats at each wake-up of a wait for a lock.

    Runs that wait for one another take the lock in turn. Each would need seconds of its own to recognize a dead node
    once it has the lock.
    """

    def wake_up(row: LockRow, seconds: float) -> None:
        executor.refresh_heartbeats()
        if on_wait is not None:
            on_wait(row, seconds)

    return wake_up


@contextlib.contextmanager
def open_locked_run(  # noqa: PLR0917 - as in `acquire_locks`
    repo: Repo,
    cluster: ClusterView,
    purpose: str,
    keyspaces: Iterable[str],
    timeouts: Timeouts,
    steps: Iterable[Step] = (),
) -> Generator[LockedRun]:
    """Acquire the locks for a run that always needs them, with an executor of its own.

    Parameters:
        steps: those to run.

    Raises:
        PermissionDenied: the role lacks permissions; nothing ran.
    """
    internal_permissions = internal_table_permissions(read_internal_tables(repo, cluster.coordinator, cluster.server))
    check_permissions(cluster.coordinator, repo, (*internal_permissions, *step_permissions(steps)))
    with (
        DdlExecutor(cluster.coordinator, cluster.server) as executor,
        acquire_locks(repo, executor, purpose, keyspaces, timeouts) as run,
    ):
        assert run is not None  # noqa: S101 - only a run with should_stop gets None
        yield run
