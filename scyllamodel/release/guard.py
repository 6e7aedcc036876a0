"""A run under the lock: our tables are there, the lock is held, and no statement is sent without proof of that.

*In*: a repo, its `Look`, the keyspaces that may change. *Out*: a `Guard`, whose executor and journal are for
`scyllamodel.schema.apply`; or None when what the lock was wanted for came about while it was waited for.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs

from scyllamodel._numbers import check_seconds
from scyllamodel.driver.cas import LwtClient
from scyllamodel.driver.executor import DdlExecutor
from scyllamodel.driver.repo import Repo
from scyllamodel.release.books import internal_keyspace, open_ledger, read_books
from scyllamodel.release.bootstrap import bootstrap
from scyllamodel.release.ledger import Ledger, OpenVersion
from scyllamodel.release.lock import Held, Lock, LockTable, OnWait, Wanted
from scyllamodel.release.look import Look
from scyllamodel.release.one_lock import check_one_lock
from scyllamodel.release.page_secret import make_page_secret
from scyllamodel.release.results import LockUse
from scyllamodel.release.rights import check_rights, internal_needs, needs_of
from scyllamodel.schema.apply import Recorded
from scyllamodel.schema.facts import KeyspaceFacts
from scyllamodel.schema.plan import Step
from scyllamodel.schema.postcondition import keyspace_of
from scyllamodel.schema.server import ServerProfile

if TYPE_CHECKING:
    from scyllamodel.schema.apply import Journal


class Fenced:
    """An executor that proves the lock of the keyspace at hand right before each statement.

    Parameters:
        held: the locks, by keyspace.
    """

    def __init__(self, executor: DdlExecutor, held: Mapping[str, Held]) -> None:
        self._executor, self._locks = executor, held
        self._held = next(iter(held.values()))
        self._at = (0, 0)

    @property
    def server(self) -> ServerProfile:
        """What the server is and can do."""
        return self._executor.server

    @property
    def has_moved(self) -> bool:
        """Whether the last statement was sent through another node than the one that is used now."""
        return self._executor.has_moved

    def take_over(self) -> None:
        """Let the node by which all agreed last send statements."""
        self._executor.take_over()

    def begin(self, version: int, seq: int, keyspace: str | None) -> None:
        """Say which step comes next, and what it changes; None where nobody knows."""
        self._at = (version, seq)
        self._held = self._locks.get(keyspace or "", self._held)

    def execute(self, cql: str, timeout: float) -> Sequence[str]:
        """Send one statement, once, if the lock is ours, and return the warnings that came with the answer.

        Raises:
            CoordinatorChanged, StatementFailure: as of any executor.
            LockLost: it is not, and nothing was sent.
        """
        self._held.coordinator = self._executor.coordinator.host_id
        self._touch()
        return self._held.send(*self._at, lambda: self._executor.execute(cql, timeout))

    def look(self, keyspace: str) -> KeyspaceFacts:
        """The keyspace as the coordinator has it now."""
        self._touch()
        return self._executor.look(keyspace)

    def answers(self, cql: str) -> bool:
        """Whether a query gives a row."""
        self._touch()
        return self._executor.answers(cql)

    def await_agreement(self, timeout: float) -> None:
        """Wait until all nodes hold one schema."""
        self._touch()
        self._executor.await_agreement(timeout)

    def _touch(self) -> None:
        for held in self._locks.values():
            held.touch()


@attrs.frozen
class _Journal:
    """The ledger's claim first, then the word to the fence."""

    opened: OpenVersion
    fenced: Fenced

    def before(self, step: Step) -> None:
        self.opened.before(step)
        self.fenced.begin(self.opened.version, step.seq, None if step.change is None else keyspace_of(step.change))

    def after(self, step: Step, state: Recorded, attempts: int, duration_ms: int, error: str | None) -> None:
        self.opened.after(step, state, attempts, duration_ms, error)


@attrs.frozen
class Guard:
    """What a run under the lock works with.

    Attributes:
        held: the lock of the repo's own keyspace.
        ddl: the executor behind the fence, for reading.
    """

    held: Held
    executor: Fenced
    ledger: Ledger
    ddl: DdlExecutor

    @property
    def epoch(self) -> int:
        """Of the lock."""
        return self.held.epoch

    @property
    def use(self) -> LockUse:
        """How the lock was had, for people."""
        return LockUse(round(self.held.waited * 1000), self.held.epoch)

    def journal(self, opened: OpenVersion) -> Journal:
        """The books and the fence, for `apply`."""
        return _Journal(opened, self.executor)


def _lock_timeout(given: float) -> float:
    return check_seconds("lock_timeout", given, allow_zero=True)


def _agreement_timeout(given: float) -> float:
    return check_seconds("agreement_timeout", given, allow_zero=True)


def _step_timeout(given: float) -> float:
    return check_seconds("step_timeout", given, allow_zero=True)


@attrs.frozen
class Patience:
    """How long to wait, in seconds.

    Attributes:
        lock: without any progress of another run.
        agreement: for the nodes to agree.
        step: for one statement to be seen applied.
    """

    lock: float = attrs.field(default=60.0, converter=_lock_timeout)
    agreement: float = attrs.field(default=120.0, converter=_agreement_timeout)
    step: float = attrs.field(default=120.0, converter=_step_timeout)

    @property
    def of_steps(self) -> dict[str, Any]:
        """The keywords of `apply` and `bootstrap`."""
        return {"agreement_timeout": self.agreement, "step_timeout": self.step}


@contextlib.contextmanager
def guarded(
    repo: Repo,
    executor: DdlExecutor,
    purpose: str,
    keyspaces: Iterable[str],
    patience: Patience,
    *,
    needless: Callable[[], bool] | None = None,
    on_wait: OnWait | None = None,
) -> Generator[Guard | None]:
    """Make our tables where they are missing, take the locks, settle what dead runs left open, and go in.

    Parameters:
        keyspaces: those that may change; all who change several take their locks in one order.
        needless: asked at each wake-up of a wait whether the lock is needed no more; then None comes out.
        on_wait: told at each such wake-up.

    Raises:
        LockTimeout, LockLost: somebody else has the lock, or took it over.
        StepFailed, SchemaDisagreement, ConfigurationError: our tables cannot be made, or are kept in two places.
        LedgerError: the ledger cannot be read.
    """
    home = internal_keyspace(repo, executor.coordinator, executor.server)
    bootstrap(executor, home, **patience.of_steps)
    wanted = Wanted(purpose, step_timeout=patience.step + patience.agreement)
    names = sorted({repo.keyspace, *keyspaces})
    for name in names:
        check_one_lock(executor.coordinator, name, home)
    with contextlib.ExitStack() as locks:
        held: dict[str, Held] = {}
        for name in names:
            lock = Lock(LockTable(LwtClient(executor.coordinator), home, name), wanted)
            taken = locks.enter_context(lock.acquire(patience.lock, look=needless, on_wait=on_wait))
            if taken is None:
                yield None
                return
            held[name] = taken
        executor.follow(next((one.previous.coordinator for one in held.values() if one.took_over), None))
        # Whoever had the lock before may have changed the schema through another node, and ended before all knew: what
        # is read next decides what is done.
        executor.await_agreement(patience.agreement)
        fenced = Fenced(executor, held)
        ledger = open_ledger(repo, executor.coordinator, executor.look(home, books=True), executor.server)
        ledger.settle(fenced.look, executor.server)
        make_page_secret(executor.coordinator, home)
        yield Guard(held[repo.keyspace], fenced, ledger, executor)


@contextlib.contextmanager
def locked(  # noqa: PLR0917 - as of `guarded`
    repo: Repo, look: Look, purpose: str, keyspaces: Iterable[str], patience: Patience, steps: Iterable[Step] = ()
) -> Generator[Guard]:
    """`guarded` for a run that needs the lock whatever others do meanwhile, through an executor of its own.

    Parameters:
        steps: what it is going to run.

    Raises:
        PermissionDenied: the role may not do all of it; nothing ran.
    """
    internal = internal_needs(read_books(repo, look.coordinator, look.server))
    check_rights(look.coordinator, repo, (*internal, *needs_of(steps)))
    with (
        DdlExecutor(look.coordinator, look.server) as executor,
        guarded(repo, executor, purpose, keyspaces, patience) as guard,
    ):
        assert guard is not None  # noqa: S101 - only a run that says when it is needless gets none
        yield guard
