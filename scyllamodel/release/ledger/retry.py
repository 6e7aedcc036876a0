"""Retries requests to a store until their outcome is known.

*In*: a request that may raise a `StatementFailure`. *Out*: its result, or a `LedgerError`. Reads and plain writes are
repeated. A conditional write whose response was lost is repeated only if the row shows that it was not applied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import attrs

from scyllamodel._backoff import SYSTEM_CLOCK, Backoff, Clock, retry
from scyllamodel.errors import LedgerError
from scyllamodel.release.ledger.records import Row
from scyllamodel.release.ledger.store import LedgerStore
from scyllamodel.schema.apply import StatementFailure, StatementOutcomeUnknown, StatementRefused

_T = TypeVar("_T")

MAX_ATTEMPTS: Final = 8
"""Attempts of a request; with the pauses about half a minute on a server that responds at once."""

_BACKOFF: Final = Backoff(0.2, 10.0)


@attrs.frozen
class RetryingStore:
    """Retries requests of a ledger.

    Attributes:
        scope: for errors.
    """

    scope: str
    clock: Clock = SYSTEM_CLOCK

    def retry(self, operation: str, request: Callable[[], _T]) -> _T:
        """Return the result of a request that may be repeated.

        Raises:
            LedgerError: the server refuses it, or does not respond.
        """
        try:
            return retry(request, is_transient=_is_transient, attempts=MAX_ATTEMPTS, backoff=_BACKOFF, clock=self.clock)
        except StatementFailure as error:
            raise LedgerError(
                f"{self.scope}: {operation} failed: {error}. What was applied stays applied; fix the cause and run it "
                "again: the next run reads the schema and resumes from there.",
                scope=self.scope,
            ) from error

    def retry_conditional(
        self, operation: str, request: Callable[[], bool], was_done: Callable[[], bool | None]
    ) -> bool:
        """Return whether a conditional write was applied.

        Parameters:
            was_done: reads the row: True applied, False never will be, None may still be.

        Raises:
            LedgerError: the server refuses it, or does not respond.
        """

        def attempt() -> bool:
            try:
                return request() or was_done() is True
            except StatementOutcomeUnknown:
                done = was_done()
                if done is None:
                    raise
                return done

        return self.retry(operation, attempt)

    def read_version(self, store: LedgerStore, version: int) -> Row | None:
        """Read one version."""
        return self.retry("reading a version", lambda: store.version(self.scope, version))

    def change_version(
        self, store: LedgerStore, version: int, values: Mapping[str, Any], expected: Mapping[str, Any]
    ) -> bool:
        """Set columns of a version if others have expected values; return whether they had.

        Parameters:
            values: differ from ``expected`` in at least one column, so that the row shows the outcome. If another
                process
                may have written the very same values, with the same ``error``, the write counts as applied.
        """

        def was_done() -> bool | None:
            row = self.read_version(store, version) or {}
            if all(row.get(name) == value for name, value in expected.items()):
                return None
            return all(row.get(name) == values[name] for name in values.keys() & {*expected, "error"})

        return self.retry_conditional(
            "changing a version", lambda: store.change_version(self.scope, version, values, expected), was_done
        )


def _is_transient(error: Exception) -> bool:
    return isinstance(error, StatementFailure) and not isinstance(error, StatementRefused)
