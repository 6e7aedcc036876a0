"""Reads a whole table by token ranges, several of them in parallel.

In: a select, and where an earlier scan stopped. Out: rows, in no order; progress; and a position from which another
process resumes. Each range is read page by page. A position covers the pages whose rows were all delivered, so that
after a crash some rows may be repeated and none is missing.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b85decode, b85encode
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar, cast

import attrs

from scyllamodel._numbers import check_integer
from scyllamodel.driver.data.asyncio_bridge import running_loop
from scyllamodel.driver.data.callbacks import await_if_needed
from scyllamodel.driver.data.in_flight import RequestWindow
from scyllamodel.driver.data.loading import OnError, load_rows
from scyllamodel.driver.data.messages import Execute, FetchNextPage, Message, Response
from scyllamodel.driver.data.page_tokens import PageKey, decode_token, make_token, read_token
from scyllamodel.driver.data.requests import Requests, raise_request_error
from scyllamodel.driver.outcomes import StatementOutcome, classify
from scyllamodel.errors import ConfigurationError, InvalidPageToken, QueryNotSupported
from scyllamodel.model.expression import CallTarget, Condition
from scyllamodel.query.checks.arguments import check_scannable
from scyllamodel.query.checks.restrictions import KeyColumns
from scyllamodel.query.functions import token
from scyllamodel.query.select import Select, is_select, model_read
from scyllamodel.query.statement import CompiledStatement
from scyllamodel.query.targets import columns_of

if TYPE_CHECKING:
    from collections.abc import Coroutine

R = TypeVar("R")

PARALLELISM: Final = 8
"""Ranges read concurrently; 4 to 8 were measured to be twice as fast as paging through the table, and a
larger number was not faster."""

RANGES_PER_TASK: Final = 4
"""Ranges for each concurrent read, so that the last reads do not wait for a longer one."""

MAX_RANGES: Final = 100_000
"""Maximum ranges of a scan."""

MAX_POSITION_LENGTH: Final = 16 * 1024 * 1024
"""Maximum characters of a position: some 60 bytes for each range, and the paging states of those being read."""

MAX_ATTEMPTS: Final = 4
"""Attempts for one page: reads may be sent again."""

PAGE_SIZE: Final = 5000
_TOKEN_RING: Final = (-(2**63), 2**63 - 1)

OnProgress: TypeAlias = Callable[["ScanProgress"], Any]


@attrs.frozen
class ScanProgress:
    """The progress of a scan: ranges finished, ranges in total, rows delivered."""

    done: int
    ranges: int
    rows: int


@attrs.define(eq=False)
class _TokenRange:
    """A range of tokens, above ``low`` and up to ``high``, and the paging state after the last delivered page."""

    low: int
    high: int
    paging_state: bytes | None = None
    done: bool = False
    attempts: int = 0


class ScanCursor(Generic[R]):
    """The state of a scan, for both ways of iterating: ranges, their requests, the position."""

    def __init__(
        self,
        source: Any,
        keyspace: str,
        *,
        parallelism: int,
        page_size: int,
        position: str | None,
        on_progress: OnProgress | None,
        on_error: OnError | None = None,
    ) -> None:
        check_scannable(source)
        query: Select[R] = source if is_select(source) else Select(source)
        _check_query(query)
        self._query, self._keyspace = query, keyspace
        self._on_progress, self._on_error = on_progress, on_error
        self._size = check_integer("page_size", page_size, minimum=1)
        self.parallelism = check_integer("parallelism", parallelism, minimum=1, maximum=MAX_RANGES // RANGES_PER_TASK)
        self.rows = 0
        self.full_statement: CompiledStatement[Any] = self._compile(_TokenRange(*_TOKEN_RING))
        self.ranges = [_TokenRange(*bounds) for bounds in token_ranges(self.parallelism * RANGES_PER_TASK)]
        self.range_count = len(self.ranges)
        self.keys: tuple[PageKey, ...] = ()
        self.unverified_position = position
        """The position to resume from, until a key has verified it."""
        if position is not None:
            decode_token(position, max_length=MAX_POSITION_LENGTH)

    def set_keys(self, page_keys: tuple[PageKey, ...]) -> None:
        """Set the keys, and resume from the position that was given.

        Parameters:
            keys: empty where they are not known yet.

        Raises:
            InvalidPageToken: the position does not verify.
        """
        self.keys = page_keys
        if page_keys and self.unverified_position is not None:
            payload = read_token(
                self.full_statement, self.unverified_position, page_keys, max_length=MAX_POSITION_LENGTH
            )
            self.range_count, self.ranges = _parse_state(payload)
            self.unverified_position = None

    def _compile(self, token_range: _TokenRange) -> CompiledStatement[Any]:
        return restrict_to_range(self._query, token_range.low, token_range.high).compile(self._keyspace)

    def range_request(self, token_range: _TokenRange) -> Execute:
        """Make the request that starts or resumes a range."""
        return Execute(self._compile(token_range), page_size=self._size, paging_state=token_range.paging_state)

    def unfinished_ranges(self) -> Iterator[_TokenRange]:
        """Yield the ranges that are not finished."""
        return (token_range for token_range in self.ranges if not token_range.done)

    def load_page(
        self, token_range: _TokenRange, response: Response
    ) -> tuple[list[R], FetchNextPage | None, bytes | None]:
        """Load a page: its rows, the next message, and the paging state after it."""
        row_count = load_rows(self.full_statement.template, response.rows, self._on_error)
        has_more, paging_state = response.has_more_pages, response.paging_state
        if has_more:
            response.prefetch()
        token_range.attempts = 0
        return (
            row_count,
            FetchNextPage(response, self.full_statement) if has_more else None,
            paging_state if has_more else None,
        )

    def mark_delivered(self, token_range: _TokenRange, row_count: int, paging_state: bytes | None) -> Any:
        """Record that all rows of a page were delivered; returns what ``on_progress`` returned."""
        token_range.paging_state, token_range.done = paging_state, paging_state is None
        self.rows += row_count
        return None if self._on_progress is None else self._on_progress(self.progress)

    def retry_request(self, token_range: _TokenRange, error: Exception) -> Execute:
        """Make the request to send after an error, from where the range stopped.

        Raises:
            Exception: too many attempts, or an error that would repeat.
        """
        token_range.attempts += 1
        if token_range.attempts >= MAX_ATTEMPTS or classify(error) not in (
            StatementOutcome.UNKNOWN,
            StatementOutcome.TRANSIENT,
        ):
            raise_request_error(error, self.full_statement)
        return self.range_request(token_range)

    @property
    def progress(self) -> ScanProgress:
        """The progress of the scan."""
        return ScanProgress(
            self.range_count - sum(not token_range.done for token_range in self.ranges), self.range_count, self.rows
        )

    @property
    def position(self) -> str:
        """The position of the scan as opaque text, from which another scan of the same query resumes."""
        entries = [
            [
                token_range.low,
                token_range.high,
                None if token_range.paging_state is None else b85encode(token_range.paging_state).decode(),
            ]
            for token_range in self.unfinished_ranges()
        ]
        payload = json.dumps([self.range_count, entries], separators=(",", ":")).encode()
        return make_token(self.full_statement, payload, self.keys)


def _check_query(query: Select[Any]) -> None:
    """Refuse clauses that apply to the whole table, since ranges are read in parallel."""
    for is_present, feature in (
        (query.orderings, "an order"),
        (query.groups, "groups"),
        (query.row_limit is not None, "a limit"),
        (any(isinstance(condition.target, CallTarget) for condition in query.conditions), "its own token range"),
    ):
        if is_present:
            raise QueryNotSupported(
                f"A scan cannot have {feature}: it reads ranges of the table in parallel. "
                "Use repo.stream() for such a query.",
                needs=(),
                helps=("use repo.stream()",),
            )


def token_ranges(count: int) -> list[tuple[int, int]]:
    """Divide the token ring into equal parts, each above its lower and up to its upper bound.

    No key has the lowest token of the ring.

    >>> token_ranges(2)
    [(-9223372036854775808, -1), (-1, 9223372036854775807)]
    """
    low, high = _TOKEN_RING
    return list(pairwise(low + (high - low) * index // count for index in range(count + 1)))


def restrict_to_range(query: Select[R], low: int, high: int) -> Select[R]:
    """Restrict the query to a range of tokens."""
    columns = columns_of(model_read(query))
    token_call = cast(
        "CallTarget", token(*(columns[name] for name in KeyColumns.of(model_read(query)).partition)).expression
    )
    return query.where(Condition(token_call, ">", low), Condition(token_call, "<=", high))


def _parse_state(payload: bytes) -> tuple[int, list[_TokenRange]]:
    """Parse the number of ranges, and those not finished."""
    try:
        range_count, entries = json.loads(payload)
        ranges = [_TokenRange(low, high, None if text is None else b85decode(text)) for low, high, text in entries]
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidPageToken("Not a scan position: it holds something else.") from error
    bounds = [bound for token_range in ranges for bound in (token_range.low, token_range.high)]
    if type(range_count) is not int or not len(ranges) <= range_count <= MAX_RANGES or not all(map(_is_token, bounds)):
        raise InvalidPageToken("Not a scan position: its ranges are invalid.")
    return range_count, ranges


def _is_token(bound: object) -> bool:
    return type(bound) is int and _TOKEN_RING[0] <= bound <= _TOKEN_RING[1]


class Scan(Generic[R]):
    """The rows of a whole table, to be iterated once.

    Attributes:
        progress: of the scan.
        position: for another `Repo.scan` of the same query, which resumes there.
    """

    def __init__(
        self, cursor: ScanCursor[R], requests: Callable[[], Requests], read_keys: Callable[[], tuple[PageKey, ...]]
    ) -> None:
        self._cursor, self._requests, self._read_keys = cursor, requests, read_keys
        if cursor.unverified_position is not None:
            cursor.set_keys(read_keys())

    @property
    def progress(self) -> ScanProgress:
        """The progress of the scan."""
        return self._cursor.progress

    @property
    def position(self) -> str:
        """The position of the scan as opaque text, from which another scan of the same query resumes.

        Raises:
            ConfigurationError: there is no secret to sign it with.
        """
        if not self._cursor.keys:
            self._cursor.set_keys(self._read_keys())
        return self._cursor.position

    def __iter__(self) -> Iterator[R]:
        window = RequestWindow[_TokenRange](self._requests())
        remaining = self._cursor.unfinished_ranges()
        try:
            yield from self._rows(window, remaining)
        finally:
            window.drop_queued()

    def _rows(self, window: RequestWindow[_TokenRange], remaining: Iterator[_TokenRange]) -> Iterator[R]:
        cursor = self._cursor
        for token_range in islice(remaining, cursor.parallelism):
            window.bind_and_send(cursor.range_request(token_range), token_range)
        while window.outstanding:
            for token_range, response, error in window.take():
                if response is None:
                    window.bind_and_send(cursor.retry_request(token_range, cast("Exception", error)), token_range)
                    continue
                rows, next_page, paging_state = cursor.load_page(token_range, response)
                if next_page is not None:
                    window.expect_page(next_page, token_range)
                for next_range in islice(remaining, 0 if next_page else 1):
                    window.bind_and_send(cursor.range_request(next_range), next_range)
                yield from rows
                cursor.mark_delivered(token_range, len(rows), paging_state)


def _consume_exception(task: asyncio.Task[Any]) -> None:
    """Retrieve the error of a task that nothing awaits, since another error ended the scan."""
    if not task.cancelled():
        task.exception()


class AsyncScan(Generic[R]):
    """The rows of a whole table, iterated with ``async for``; see `Scan`.

    A given position is verified when the iteration starts, unless the secret is known before.
    """

    def __init__(
        self,
        cursor: ScanCursor[R],
        send_message: Callable[[Message], Coroutine[Any, Any, Response]],
        read_keys: Callable[[], Coroutine[Any, Any, tuple[PageKey, ...]]],
    ) -> None:
        self._cursor, self._send_message, self._read_keys = cursor, send_message, read_keys
        self._missing_keys_error: ConfigurationError | None = None

    @property
    def progress(self) -> ScanProgress:
        """The progress of the scan."""
        return self._cursor.progress

    @property
    def position(self) -> str:
        """The position of the scan as opaque text, from which another scan of the same query resumes.

        Raises:
            ConfigurationError: there is no secret to sign it with, or it is read only with the first row.
        """
        if self._cursor.keys:
            return self._cursor.position
        if self._cursor.unverified_position is not None:
            return self._cursor.unverified_position
        if self._missing_keys_error is not None:
            raise self._missing_keys_error
        raise ConfigurationError(
            "The secret that signs a position is read when the iteration starts: read the position after the first row."
        )

    async def _load_keys(self) -> None:
        """Load the keys; without a secret a scan runs, unless it resumes, and its position cannot be read."""
        try:
            self._cursor.set_keys(self._cursor.keys or await self._read_keys())
        except ConfigurationError as error:
            if self._cursor.unverified_position is not None:
                raise
            self._missing_keys_error = error

    async def __aiter__(self) -> AsyncIterator[R]:
        loop = running_loop()
        await self._load_keys()
        cursor, remaining = self._cursor, self._cursor.unfinished_ranges()
        in_flight: dict[asyncio.Task[Response], _TokenRange] = {}

        def start(message: Message, token_range: _TokenRange) -> None:
            task = asyncio.ensure_future(self._send_message(message))
            task.add_done_callback(_consume_exception)
            in_flight[task] = token_range

        try:
            for token_range in islice(remaining, cursor.parallelism):
                start(cursor.range_request(token_range), token_range)
            while in_flight:
                done, _ = await asyncio.wait(in_flight, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    token_range, error = in_flight.pop(task), task.exception()
                    if error is not None:
                        start(cursor.retry_request(token_range, cast("Exception", error)), token_range)
                        continue
                    rows, next_page, paging_state = cursor.load_page(token_range, task.result())
                    if next_page is not None:
                        start(next_page, token_range)
                    for next_range in islice(remaining, 0 if next_page else 1):
                        start(cursor.range_request(next_range), next_range)
                    for row in rows:
                        yield row
                    await await_if_needed(cursor.mark_delivered(token_range, len(rows), paging_state))
        finally:
            for task in () if loop.is_closed() else in_flight:  # a closed loop can cancel nothing
                task.cancel()
