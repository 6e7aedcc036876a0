"""Calls of a chaos run: the writes of each, its time limit, and the outcomes that a response or an error reveals.

*In*: a seeded rng and the model. *Out*: `Call` values that a thread or a task performs and then settles. Nothing here
waits.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

import attrs
from cassandra import ReadFailure, WriteFailure

from chaos_model import ChaosModel, Write
from chaos_tables import FIXED, PARTS, ROWS, Fixed, fresh_model
from scyllamodel import (
    BulkReport,
    BulkWriteError,
    ConnectionFailed,
    LWTResult,
    NotFound,
    RequestFailed,
    RequestTimeout,
    ServiceUnavailable,
    select,
)
from scyllamodel.driver.data.bulk import RETRY_PAUSES

ROUNDS, PAUSES = len(RETRY_PAUSES) + 1, 1.5 * sum(RETRY_PAUSES)
"""How often a bulk run sends a row at most, and the seconds that it waits in between at most."""


class WhimError(Exception):
    """The exception that a source or a listener of the application raises in the middle of a bulk run."""


PASSING: Final = (
    RequestTimeout,
    ServiceUnavailable,
    BulkWriteError,
    ConnectionFailed,
    WhimError,
    TimeoutError,
    asyncio.TimeoutError,
    asyncio.CancelledError,
    GeneratorExit,
)
"""What a call may end with when something breaks, or its caller gives up."""


def is_replica_failure(error: BaseException) -> bool:
    """Whether a replica failed a request; a write then says that it may have been applied.

    A Cassandra that comes back answers so while it cannot reach the other replicas yet (``WriteFailureException`` and
    ``ReadFailureException`` of ``StorageProxy``, seen for counters and quorum reads on three nodes of 5.0.9).
    """
    cause = error.__cause__ if isinstance(error, RequestFailed) else None
    return isinstance(cause, ReadFailure) or (isinstance(cause, WriteFailure) and error.may_be_applied)


@attrs.define(eq=False)
class Call:
    """One call of a verb.

    Attributes:
        writes: its writes; in a bulk run one for each row.
        bulk: whether a report contains the outcome of each row.
        requests: how many request timeouts it may take.
        follows: further request timeouts of the repo, whatever its statement sets.
        extra: additional seconds that it may take.
        timeout: the timeout of its statement in seconds; None for that of the repo.
        check: returns the faults of its result, or of a `NotFound` in place of one.
        on_end: called last, whatever the outcome.
    """

    verb: str
    args: tuple[Any, ...] = ()
    options: dict[str, Any] = attrs.field(factory=dict)
    writes: tuple[Write, ...] = ()
    bulk: bool = False
    requests: float = 1.0
    follows: float = 0.0
    extra: float = 0.0
    timeout: float | None = None
    check: Callable[[Any], Iterable[str]] = lambda _: ()
    on_end: Callable[[], Any] = lambda: None

    def limit(self, request_timeout: float) -> float:
        """The seconds after which it must have ended in any case."""
        return (self.timeout or request_timeout) * self.requests + request_timeout * self.follows + self.extra

    def succeeded(self, result: Any) -> list[str]:
        """Settle its writes; returns what is wrong."""
        self._note("")
        if self.bulk:
            self._settle_rows(result)
        else:
            is_refused = isinstance(result, LWTResult) and not result.applied
            for write in self.writes:
                write.refuse() if is_refused else write.acknowledge()
        return [f"{self.verb}: {text}" for text in self.check(result)]

    def failed(self, error: BaseException) -> list[str]:
        """Settle its writes as far as the error shows their outcomes; return what is wrong."""
        self._note(f"{type(error).__name__} ")
        report = report_of(error) if self.bulk else None
        if report is not None:
            self._settle_rows(report)
        elif isinstance(error, RequestFailed) and not error.may_be_applied:
            for write in self.writes:
                write.refuse()
        if isinstance(error, NotFound):
            return [f"{self.verb}: {text}" for text in self.check(error)]
        is_expected = isinstance(error, PASSING) or is_replica_failure(error)
        return [] if is_expected else [f"{self.verb}: ended with {type(error).__name__}: {error}"]

    def _note(self, error: str) -> None:
        for write in self.writes:
            write.note = f"{time.monotonic():.3f} {self.verb} {error}"

    def _settle_rows(self, report: BulkReport) -> None:
        errors = {error.index: error.error for error in report.errors}
        for index, write in enumerate(self.writes):
            error = errors.get(index)
            if index >= report.total or (error is not None and not getattr(error, "may_be_applied", False)):
                write.refuse()
            elif error is None:
                write.acknowledge()
            write.note += "" if error is None else f"({error})"


def report_of(error: BaseException | None) -> BulkReport | None:
    """The report of a bulk run that was interrupted; a timeout has the cancellation as its cause."""
    depth = 0
    while error is not None and depth < 10:
        report = getattr(error, "report", None)
        if report is not None:
            return report
        error, depth = error.__cause__ or error.__context__, depth + 1
    return None


def deadline(rng: random.Random) -> float:
    """A random number of seconds between a millisecond and ten seconds, uniform by order of magnitude."""
    return 10 ** rng.uniform(-3, 1)


@attrs.define(eq=False)
class Actor:
    """Makes calls on one kind of row, for one worker.

    Attributes:
        name: the name of the worker, unique in a run.
    """

    name: str
    rng: random.Random
    model: ChaosModel
    count: int = 0

    def token(self) -> str:
        """A new value that was never written."""
        self.count += 1
        return f"{self.name}.{self.count}"

    def call(self) -> Call:
        """The next call."""
        raise NotImplementedError

    def reviewed(self, key: Any, stored: Any) -> list[str]:
        """Return what is wrong with a row that is no longer written; a correct one is removed from the model."""
        violations = self.model.violations(key, stored)
        if not violations and self.model.is_settled(key):
            self.model.forget(key)
        return violations

    def _timed(self, statement: Any) -> tuple[Any, float | None]:
        """The statement, half of the time with a timeout."""
        if self.rng.random() < 0.5:
            return statement, None
        seconds = max(0.001, round(deadline(self.rng), 3))
        return statement.timeout(seconds), seconds


@attrs.define(eq=False)
class Reads(Actor):
    """Reads the table that never changes, with all verbs, and checks every row."""

    keyspace: str = ""
    token_of_page: dict[int, tuple[str | None, int]] = attrs.field(factory=dict)
    bulk: bool = True

    def call(self) -> Call:
        """A random read."""
        kinds: list[Callable[[], Call]] = [self.get, self.get, self.all, self.stream, self.page, self.page]
        kinds += [self.count_rows, self.raw, self.fresh]
        kinds += [self.get_many, self.scan] if self.bulk else []
        return self.rng.choice(kinds)()

    def _part(self) -> tuple[int, list[Fixed]]:
        part = self.rng.randrange(PARTS)
        return part, FIXED[part * ROWS : (part + 1) * ROWS]

    def get(self) -> Call:
        """A read of one row."""
        row = self.rng.choice(FIXED)
        return Call("get", (Fixed,), {"part": row.part, "number": row.number}, check=partial(differs, row))

    def fresh(self) -> Call:
        """A read of one row by a class that was just created, so that its statement must be prepared."""
        row = self.rng.choice(FIXED)
        check = lambda stored: differs(row.text, None if stored is None else stored.text)  # noqa: E731
        return Call("get", (fresh_model(),), {"part": row.part, "number": row.number}, check=check)

    def all(self) -> Call:
        """A read of a partition."""
        part, rows = self._part()
        statement, timeout = self._timed(select(Fixed).where(Fixed.part == part))
        return Call("all", (statement,), check=partial(differs, rows), timeout=timeout)

    def stream(self) -> Call:
        """A read of a partition, page by page."""
        part, rows = self._part()
        query, options = select(Fixed).where(Fixed.part == part), {"page_size": 40}
        return Call("stream", (query,), options, requests=4, check=partial(differs, rows))

    def count_rows(self) -> Call:
        """A count of the rows of a partition."""
        part, rows = self._part()
        return Call("count", (select(Fixed).where(Fixed.part == part),), check=partial(differs, len(rows)))

    def page(self) -> Call:
        """A read of the next page of a partition, by the token of an earlier call."""
        part, rows = self._part()
        token, at = self.token_of_page.get(part, (None, 0))

        def check(page: Any) -> list[str]:
            self.token_of_page[part] = (page.token, at + 30 if page.token else 0)
            return differs(rows[at : at + 30], page.items)

        query = select(Fixed).where(Fixed.part == part)
        return Call("page", (query,), {"size": 30, "token": token}, check=check)

    def raw(self) -> Call:
        """Raw CQL that was never prepared."""
        row = self.rng.choice(FIXED)
        text = f"SELECT text FROM {self.keyspace}.chaos_fixed WHERE part = ? AND number = ? /* {self.token()} */"
        return Call("raw", (text, (row.part, row.number)), check=lambda stored: differs(row.text, stored[0][0]))

    def get_many(self) -> Call:
        """Reads of some rows by their keys."""
        rows = self.rng.sample(FIXED, 40)
        keys = [(row.part, row.number) for row in rows]
        return Call("get_many", (Fixed, keys), requests=ROUNDS, extra=PAUSES, check=partial(differs, rows))

    def scan(self) -> Call:
        """A scan of all rows: 16 ranges of one or two pages each, four at a time, with up to four attempts per page."""
        options = {"parallelism": 4, "page_size": 200}
        return Call(
            "scan", (Fixed,), options, requests=32, check=lambda stored: differs(FIXED, sorted(stored, key=place))
        )


def place(row: Fixed) -> tuple[int, int]:
    """The key of a row."""
    return row.part, row.number


def differs(expected: Any, live: Any) -> list[str]:
    """Return what is wrong with a response, if anything."""
    if live == expected:
        return []
    return [
        f"{len(expected)} rows wanted, {len(live)} came" if isinstance(expected, list) else f"{expected!r}: {live!r}"
    ]
