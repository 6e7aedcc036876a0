"""A run under the lock: our tables are there, the lock is held, and no statement is sent without proof of that.

*In*: a repo and its `Look`. *Out*: a `Guard`, whose executor and journal are for `scyllamodel.schema.apply`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import TYPE_CHECKING

import attrs

from scyllamodel.driver.cas import Rows
from scyllamodel.driver.executor import DdlExecutor
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import LockLost
from scyllamodel.release.books import ledger_keyspace, open_ledger
from scyllamodel.release.bootstrap import bootstrap
from scyllamodel.release.ledger import Ledger, OpenVersion
from scyllamodel.release.lock import Held, Lock, LockTable, Wanted
from scyllamodel.release.look import Look
from scyllamodel.schema.apply import Executor, State
from scyllamodel.schema.facts import KeyspaceFacts
from scyllamodel.schema.plan import Step
from scyllamodel.schema.server import ServerProfile

if TYPE_CHECKING:
    from scyllamodel.schema.apply import Journal


class Fenced:
    """An executor that proves the lock right before each statement."""

    def __init__(self, executor: Executor, held: Held) -> None:
        self._executor, self._held = executor, held
        self._at = (0, 0)

    @property
    def server(self) -> ServerProfile:
        """What the server is and can do."""
        return self._executor.server

    def begin(self, version: int, seq: int) -> None:
        """Say which step comes next."""
        self._at = (version, seq)

    def execute(self, cql: str, timeout: float) -> None:
        """Send one statement, once, if the lock is ours.

        Raises:
            StatementFailure: as of any executor.
            LockLost: it is not, and nothing was sent.
        """
        self._held.send(*self._at, lambda: self._executor.execute(cql, timeout))

    def look(self, keyspace: str) -> KeyspaceFacts:
        """The keyspace as the coordinator has it now."""
        self._held.touch()
        return self._executor.look(keyspace)

    def await_agreement(self, timeout: float) -> None:
        """Wait until all nodes hold one schema."""
        self._held.touch()
        self._executor.await_agreement(timeout)


@attrs.frozen
class _Journal:
    """The ledger's claim first, then the word to the fence."""

    opened: OpenVersion
    fenced: Fenced

    def before(self, step: Step) -> None:
        self.opened.before(step)
        self.fenced.begin(self.opened.version, step.seq)

    def after(self, step: Step, state: State, attempts: int, duration_ms: int, error: str | None) -> None:
        self.opened.after(step, state, attempts, duration_ms, error)


@attrs.frozen
class Guard:
    """What a run under the lock works with."""

    held: Held
    executor: Fenced
    ledger: Ledger

    @property
    def epoch(self) -> int:
        """Of the lock."""
        return self.held.epoch

    def journal(self, opened: OpenVersion) -> Journal:
        """The books and the fence, for `apply`."""
        return _Journal(opened, self.executor)


@contextlib.contextmanager
def guarded(
    repo: Repo,
    look: Look,
    purpose: str,
    *,
    lock_timeout: float = 60.0,
    agreement_timeout: float = 120.0,
    step_timeout: float = 120.0,
) -> Generator[Guard]:
    """Make our tables where they are missing, take the lock, settle what dead runs left open, and go in.

    Raises:
        LockTimeout, LockLost: somebody else has the lock, or took it over.
        StepFailed, SchemaDisagreement, ConfigurationError: our tables cannot be made.
        LedgerError: the ledger cannot be read.
    """
    with DdlExecutor(look.coordinator, look.server, agreement_timeout=agreement_timeout) as executor:
        keyspace = ledger_keyspace(repo)
        bootstrap(executor, keyspace, step_timeout=step_timeout, agreement_timeout=agreement_timeout)
        lock = Lock(LockTable(Rows(executor.coordinator), keyspace, repo.keyspace), Wanted(purpose))
        with lock.acquire(lock_timeout) as held:
            if held is None:
                raise LockLost(f"The lock of keyspace {repo.keyspace} was not needed", keyspace=repo.keyspace)
            fenced = Fenced(executor, held)
            ledger = open_ledger(repo, executor.coordinator, executor.look(keyspace, books=True), executor.server)
            ledger.settle(fenced.look, executor.server)
            yield Guard(held, fenced, ledger)
