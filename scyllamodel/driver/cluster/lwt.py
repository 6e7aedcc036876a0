"""Lightweight transactions on rows that many processes change, and reads that see them.

In: a `Coordinator`, and CQL made of internal names and `literal` values. Out: rows, outcomes, or a `StatementFailure`
for the outcome of a statement. Consistency is fixed: a lock that holds in one data centre only is useless.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any, Final, TypeAlias
from uuid import UUID

import attrs

from scyllamodel._identifiers import string_literal
from scyllamodel.driver._cassandra import ConsistencyLevel, Unavailable
from scyllamodel.driver.cluster.coordinator import Coordinator
from scyllamodel.driver.outcomes import DRIVER_ERRORS, StatementOutcome, classify, server_message
from scyllamodel.schema.apply import StatementFailure, StatementOutcomeUnknown, StatementRefused, StatementTransient

LiteralValue: TypeAlias = str | int | UUID | datetime | Iterable[str] | None

TIMEOUT: Final = 5.0
"""Seconds for one statement: more than the server's own limit, less than any sensible lease."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


def literal(value: LiteralValue) -> str:
    """Return a value as CQL text that no server can read as another value.

    >>> literal("it's"), literal(None), literal(7), literal(["a", "b"])
    ("'it''s'", 'null', '7', "['a', 'b']")
    >>> literal(datetime(2026, 1, 1, tzinfo=timezone.utc))
    '1767225600000'
    """
    if isinstance(value, str):
        return string_literal(value)
    if value is None:
        return "null"
    if isinstance(value, datetime):
        return str(round((value - _EPOCH).total_seconds() * 1000))
    if isinstance(value, (int, UUID)):
        return str(value)
    return f"[{', '.join(map(string_literal, value))}]"


@attrs.frozen
class LwtOutcome:
    """The outcome of a conditional statement.

    Attributes:
        applied: whether the condition was true and the statement applied.
        row: the row as the server returned it: if not applied and the row exists, at least the columns of the
            condition; otherwise unspecified.
    """

    applied: bool
    row: Mapping[str, Any]

    def __bool__(self) -> bool:
        return self.applied


class LwtClient:
    """A client for conditional statements and their reads, sent through the coordinator.

    Parameters:
        coordinator: shared by the whole run; it fails over when the node is lost.
        timeout: seconds for each statement.
    """

    def __init__(self, coordinator: Coordinator, *, timeout: float = TIMEOUT) -> None:
        self.coordinator = coordinator
        self.timeout = timeout

    def read(self, cql: str, *, serial: bool = False) -> list[dict[str, Any]]:
        """Return the rows of a query.

        Parameters:
            serial: read at SERIAL, which completes pending transactions, instead of at QUORUM.

        Raises:
            StatementFailure: as the subclass that fits.
        """
        return self._execute(cql, ConsistencyLevel.SERIAL if serial else ConsistencyLevel.QUORUM)

    def write(self, cql: str) -> None:
        """Send a plain write, at QUORUM.

        Raises:
            StatementFailure: as the subclass that fits.
        """
        self._execute(cql, ConsistencyLevel.QUORUM)

    def compare_and_set(self, cql: str) -> LwtOutcome:
        """Send a conditional statement once.

        Raises:
            StatementOutcomeUnknown: it was applied, was not, or will be later.
            StatementFailure: it was not applied.
        """
        (row,) = self._execute(cql, ConsistencyLevel.QUORUM)
        return LwtOutcome(row["[applied]"], {name: value for name, value in row.items() if name != "[applied]"})

    def _execute(self, cql: str, consistency: Any) -> list[dict[str, Any]]:
        levels = {"consistency": consistency, "serial_consistency": ConsistencyLevel.SERIAL}
        try:
            return self.coordinator.execute_once(lambda node: node.rows(cql, timeout=self.timeout, **levels))
        except DRIVER_ERRORS as error:
            raise _failure(error) from error


def _failure(error: Exception) -> StatementFailure:
    """Return the failure for a driver error.

    Paxos retries internally, so a round before the one that found no quorum may still complete.
    """
    message = server_message(error)
    if isinstance(error, Unavailable):
        return StatementOutcomeUnknown(message)
    kinds = {StatementOutcome.REFUSED: StatementRefused, StatementOutcome.UNKNOWN: StatementOutcomeUnknown}
    return kinds.get(classify(error), StatementTransient)(message)
