"""Rows that many programs change at once: conditional updates, and reads that see them.

*In*: a `Coordinator`, text made of names of ours and `literal` values. *Out*: rows, answers, or a `StatementFailure`
that says what became of a statement. Consistency is no setting: a lock that is held only in one data centre is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any, Final, TypeAlias
from uuid import UUID

import attrs

from scyllamodel._identifiers import string_literal
from scyllamodel.driver.coordinator import DRIVER_ERRORS, Coordinator
from scyllamodel.driver.failures import StatementOutcome, classify, server_message
from scyllamodel.driver.names import ConsistencyLevel, Unavailable
from scyllamodel.schema.apply import StatementFailure, StatementRefused, StatementTransient, StatementUnknown

LiteralValue: TypeAlias = str | int | UUID | datetime | Iterable[str] | None

TIMEOUT: Final = 5.0
"""Seconds for one statement on one row: more than any server's own limit, less than any sensible lease."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


def literal(value: LiteralValue) -> str:
    """A value as CQL text that no server can read as anything else.

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
    """The answer to a conditional statement.

    Attributes:
        applied: whether its condition held, so that it was done.
        row: what the server told of the row, by column: at least the columns of the condition if it did not hold and
            there is such a row; nothing is promised otherwise.
    """

    applied: bool
    row: Mapping[str, Any]

    def __bool__(self) -> bool:
        return self.applied


class LwtClient:
    """Conditional statements and their reads, through the node of the run.

    Parameters:
        coordinator: shared with all that the run does; it moves to the next node when this one is lost.
        timeout: seconds for each statement.
    """

    def __init__(self, coordinator: Coordinator, *, timeout: float = TIMEOUT) -> None:
        self.coordinator = coordinator
        self.timeout = timeout

    def read(self, cql: str, *, serial: bool = False) -> list[dict[str, Any]]:
        """The rows of a query.

        Parameters:
            serial: at SERIAL, which first brings to an end what is under way, rather than at QUORUM.

        Raises:
            StatementFailure: as its kind that fits.
        """
        return self._execute(cql, ConsistencyLevel.SERIAL if serial else ConsistencyLevel.QUORUM)

    def write(self, cql: str) -> None:
        """Send a plain write, at QUORUM.

        Raises:
            StatementFailure: as its kind that fits.
        """
        self._execute(cql, ConsistencyLevel.QUORUM)

    def compare_and_set(self, cql: str) -> LwtOutcome:
        """Send a conditional statement, once.

        Raises:
            StatementUnknown: it was applied, or was not, or will be yet.
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
    """What became of it. Paxos retries by itself, so a round before the one that found no quorum may yet be done."""
    message = server_message(error)
    if isinstance(error, Unavailable):
        return StatementUnknown(message)
    kinds = {StatementOutcome.REFUSED: StatementRefused, StatementOutcome.UNKNOWN: StatementUnknown}
    return kinds.get(classify(error), StatementTransient)(message)
