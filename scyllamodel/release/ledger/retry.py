"""Retries requests to a store until their outcome is known.

*In*: a request that may raise a `StatementFailure`. *Out*: its result, or a `LedgerError`. Reads and plain writes are
repeated. A conditional write whose response was lost is repeated only if the row shows that it was not applied.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import attrs

from scyllamodel.errors import LedgerError
from scyllamodel.release.ledger.records import Row
from scyllamodel.release.ledger.store import LedgerStore
from scyllamodel.schema.apply import StatementFailure, StatementOutcomeUnknown, StatementRefused

_T = TypeVar("_T")

MAX_ATTEMPTS: Final = 8
"""Attempts of a request; with the pauses about half a minute on a server that responds at once."""

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 10.0


@attrs.frozen
class RetryingStore:
    """Retries requests of a ledger.

    Attributes:
        scope: for errors.
        sleep: pauses for a number of seconds.
        jitter: a number from 0 to 1.
    """

    scope: str
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random

    def retry(self, operation: str, request: Callable[[], _T]) -> _T:
        """Return the result of a request that may be repeated.

        Raises:
            LedgerError: the server refuses it, or does not respond.
        """
        attempts = 1
        while (answer := self._attempt(operation, request, last=attempts == MAX_ATTEMPTS)) is None:
            self.sleep(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempts) * (0.5 + self.jitter() / 2))
            attempts += 1
        return answer[0]

    def _attempt(self, operation: str, request: Callable[[], _T], *, last: bool) -> tuple[_T] | None:
        """Return the result in a tuple; None if another attempt may succeed."""
        try:
            return (request(),)
        except StatementFailure as error:
            if last or isinstance(error, StatementRefused):
                raise self._failure(operation, error) from error
            return None

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

    def _failure(self, operation: str, error: StatementFailure) -> LedgerError:
        return LedgerError(
            f"{self.scope}: {operation} failed: {error}. What was applied stays applied; fix the cause and run it "
            "again: the next run reads the schema and resumes from there.",
            scope=self.scope,
        )
