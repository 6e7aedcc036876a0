"""Creates the internal tables; any number of processes may do so at once.

*In*: an executor and an existing keyspace. *Out*: tables that all nodes have. It runs before the lock, since the lock
is one of these tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import attrs

from scyllamodel._identifiers import qualified
from scyllamodel._text import printable_cql
from scyllamodel.errors import ConfigurationError, StepFailed
from scyllamodel.release.ledger.tables import TABLES, missing_tables
from scyllamodel.schema.apply import CoordinatorChanged, Executor
from scyllamodel.schema.apply.attempt import MAX_COORDINATOR_CHANGES, Attempt
from scyllamodel.schema.apply.control import RunControl
from scyllamodel.schema.changes.kinds import AddTable
from scyllamodel.schema.changes.postconditions import is_applied
from scyllamodel.schema.facts.objects import KeyspaceFacts, Table
from scyllamodel.schema.plan import Step
from scyllamodel.schema.server.profile import ServerProfile


class InternalTablesExecutor(Executor, Protocol):
    """An executor that can include internal tables in facts."""

    def introspect(self, keyspace: str, *, include_internal: bool = False) -> KeyspaceFacts:
        """Return facts of one keyspace; with ``include_internal`` the internal tables too."""
        ...


@attrs.frozen
class _WithInternalTables:
    """An executor whose facts include internal tables."""

    executor: InternalTablesExecutor

    @property
    def server(self) -> ServerProfile:
        return self.executor.server

    def execute(self, cql: str, timeout: float) -> Sequence[str]:
        return self.executor.execute(cql, timeout)

    def introspect(self, keyspace: str) -> KeyspaceFacts:
        return self.executor.introspect(keyspace, include_internal=True)

    @property
    def has_moved(self) -> bool:
        return self.executor.has_moved

    def take_over(self) -> None:
        self.executor.take_over()

    def returns_row(self, cql: str) -> bool:
        return self.executor.returns_row(cql)

    def await_agreement(self, timeout: float) -> None:
        self.executor.await_agreement(timeout)


def bootstrap(
    executor: InternalTablesExecutor,
    keyspace: str,
    *,
    tables: Iterable[Table] = TABLES,
    step_timeout: float = 120.0,
    agreement_timeout: float = 120.0,
    control: RunControl | None = None,
) -> tuple[Step, ...]:
    """Create missing tables, wait until all nodes have them, and return the executed steps.

    The wait is needed even if nothing was created: ``CREATE … IF NOT EXISTS`` reports no change if the table exists, so
    the driver waits for nothing, while another node may not have the table yet.

    Parameters:
        step_timeout: seconds for each statement.
        agreement_timeout: seconds for the nodes to agree.

    Raises:
        StepFailed: a statement failed permanently.
        SchemaDisagreement: the nodes did not agree in time.
        ConfigurationError: a table has an unsupported format or other columns.
        IntrospectionError: the keyspace could not be read.
    """
    required_tables, internal_executor, sent_steps = tuple(tables), _WithInternalTables(executor), dict[str, Step]()
    timeouts = {"step_timeout": step_timeout, "agreement_timeout": agreement_timeout}
    for _ in range(MAX_COORDINATOR_CHANGES):
        steps = missing_tables(keyspace, internal_executor.introspect(keyspace), executor.server, required_tables)
        sent_steps |= {step.cql: step for step in steps}
        has_moved = _send_all([Attempt(step, internal_executor, control or RunControl(), **timeouts) for step in steps])
        executor.await_agreement(agreement_timeout)
        if not (has_moved or executor.has_moved):
            break
        executor.take_over()  # and read again: the lost node may not have propagated its changes
    if sent_steps:
        _check_created(keyspace, required_tables, internal_executor)
    return tuple(sent_steps.values())


def _send_all(attempts: Iterable[Attempt]) -> bool:
    """Execute the steps; True as soon as another node takes over."""
    return any(isinstance(_run_attempt(attempt), CoordinatorChanged) for attempt in attempts)


def _run_attempt(attempt: Attempt) -> BaseException | None:
    cause = attempt.run()
    if cause is not None and not isinstance(cause, CoordinatorChanged):
        step = attempt.step
        raise StepFailed(
            f"An internal table could not be created: {attempt.error}\n{printable_cql(step.cql, '  ')}\n"
            "Nothing else was changed. Fix the cause and run it again.",
            step=step,
            applied=0,
            result=None,
        ) from cause
    return cause


def _check_created(keyspace: str, tables: Iterable[Table], executor: Executor) -> None:
    """Check that the tables have the expected columns, whichever process created them."""
    live = executor.introspect(keyspace)
    for table in tables:
        if not _matches_definition(keyspace, table, live, executor):
            raise ConfigurationError(
                f"{qualified(keyspace, table.name)} exists and is not an internal table of scyllamodel. "
                "Rename or drop it, or set ledger_keyspace=.",
                table=f"{keyspace}.{table.name}",
            )


def _matches_definition(keyspace: str, table: Table, live: KeyspaceFacts, executor: Executor) -> bool:
    """Whether all expected columns exist; table options may differ."""
    return is_applied(AddTable(keyspace, attrs.evolve(table, options={})), live, executor.server)
