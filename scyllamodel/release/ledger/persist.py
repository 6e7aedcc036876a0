"""Requests to a store, made until their outcome is known.

*In*: one request that may raise a `StatementFailure`. *Out*: its answer, or a `LedgerError`. Reads and plain writes are
simply made again. A conditional write is not: if its answer was lost, the row itself tells whether it was done, and
only if it was not is it sent again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import attrs

from scyllamodel.errors import LedgerError
from scyllamodel.release.ledger.store import LedgerStore
from scyllamodel.release.ledger.values import Row
from scyllamodel.schema.apply import StatementFailure, StatementOutcomeUnknown, StatementRefused

_T = TypeVar("_T")

MAX_ATTEMPTS: Final = 8
"""How often a request is made; with the pauses between, for about half a minute on a server that answers at once."""

_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 10.0


@attrs.frozen
class RetryingStore:
    """How requests are made again.

    Attributes:
        scope: whose history it is, for errors.
        sleep: pauses for so many seconds.
        jitter: a number from 0 to 1.
    """

    scope: str
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[], float] = random.random

    def retry(self, operation: str, request: Callable[[], _T]) -> _T:
        """The answer to a request that may be made any number of times.

        Raises:
            LedgerError: the server refuses it, or does not answer.
        """
        attempts = 1
        while (answer := self._attempt(operation, request, last=attempts == MAX_ATTEMPTS)) is None:
            self.sleep(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2**attempts) * (0.5 + self.jitter() / 2))
            attempts += 1
        return answer[0]

    def _attempt(self, operation: str, request: Callable[[], _T], *, last: bool) -> tuple[_T] | None:
        """The answer in a tuple; None when another try may give one."""
        try:
            return (request(),)
        except StatementFailure as error:
            if last or isinstance(error, StatementRefused):
                raise self._failure(operation, error) from error
            return None

    def retry_conditional(
        self, operation: str, request: Callable[[], bool], was_done: Callable[[], bool | None]
    ) -> bool:
        """Whether a conditional write was done.

        Parameters:
            was_done: what the row tells: True it was done, False it never will be, None it still may be done.

        Raises:
            LedgerError: the server refuses it, or does not answer.
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
        """One version as it is by now."""
        return self.retry("reading a version", lambda: store.version(self.scope, version))

    def change_version(
        self, store: LedgerStore, version: int, values: Mapping[str, Any], expected: Mapping[str, Any]
    ) -> bool:
        """Set columns of a version if others have these values; whether they had.

        Parameters:
            values: contradicts ``expected`` in at least one column, so that the row tells whether it was done. Where
                somebody else may have done the very same, with the same ``error``, we did.
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
            f"{self.scope}: {operation} failed: {error}. What was applied stays applied; once the cause is gone, run "
            "it "
            "again: the next run looks at the schema and goes on from there.",
            scope=self.scope,
        )
