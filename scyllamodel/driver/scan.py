"""A whole table in parallel: by ranges of tokens, several of them under way at once.

*In*: a select, and where an earlier scan stopped. *Out*: rows, in no order; how far it is; and a position from which
another process goes on. Each range is read page after page. A position tells the pages whose rows were all handed out,
so that after a crash some rows may come again and none is left out.
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
from scyllamodel.driver.failures import Meaning, meaning
from scyllamodel.driver.flows import Ask, Next, Step
from scyllamodel.driver.listeners import noticed
from scyllamodel.driver.loading import OnError, load_rows
from scyllamodel.driver.loops import running_loop
from scyllamodel.driver.pages import PageKey, decoded, make_token, read_token
from scyllamodel.driver.requests import Answer, Requests, reraise
from scyllamodel.driver.window import Window
from scyllamodel.errors import ConfigurationError, InvalidPageToken, QueryNotSupported
from scyllamodel.model.expression import CallTarget, Condition
from scyllamodel.query.functions import token
from scyllamodel.query.misuse import check_scannable
from scyllamodel.query.parts import columns_of
from scyllamodel.query.restrictions import Keys
from scyllamodel.query.select import Select, is_select
from scyllamodel.query.statement import Compiled

if TYPE_CHECKING:
    from collections.abc import Coroutine

R = TypeVar("R")

PARALLELISM: Final = 8
"""Ranges under way; 4 to 8 were seen to be twice as fast as paging through the table, and more no faster."""

RANGES: Final = 4
"""Ranges for each of those, so that the last ones do not wait for one that is longer."""

MOST_RANGES: Final = 100_000
"""Ranges of one scan, at most."""

LONGEST_POSITION: Final = 16 * 1024 * 1024
"""Characters of a position, at most: some 60 bytes for each range, and the states of those that are being read."""

ATTEMPTS: Final = 4
"""How often a page is asked for: reads may be sent again."""

PAGE: Final = 5000
_RING: Final = (-(2**63), 2**63 - 1)

OnProgress: TypeAlias = Callable[["ScanProgress"], Any]


@attrs.frozen
class ScanProgress:
    """How far a scan is: ranges read to their end, ranges in all, rows handed out."""

    done: int
    ranges: int
    rows: int


@attrs.define(eq=False)
class _Range:
    """A part of the ring: above ``low``, up to ``high``; and the state after the last page that was handed out."""

    low: int
    high: int
    state: bytes | None = None
    done: bool = False
    attempts: int = 0


class ScanCourse(Generic[R]):
    """What both ways of scanning have in common: the ranges, their requests, the position."""

    def __init__(
        self,
        what: Any,
        keyspace: str,
        *,
        parallelism: int,
        page_size: int,
        position: str | None,
        on_progress: OnProgress | None,
        on_error: OnError | None = None,
    ) -> None:
        check_scannable(what)
        query: Select[R] = what if is_select(what) else Select(what)
        _check(query)
        self._query, self._keyspace = query, keyspace
        self._on_progress, self._on_error = on_progress, on_error
        self._size = check_integer("page_size", page_size, least=1)
        self.parallelism = check_integer("parallelism", parallelism, least=1, most=MOST_RANGES // RANGES)
        self.rows = 0
        self.whole: Compiled[Any] = self._compiled(_Range(*_RING))
        self.ranges = [_Range(*bounds) for bounds in token_ranges(self.parallelism * RANGES)]
        self.total = len(self.ranges)
        self.keys: tuple[PageKey, ...] = ()
        self.unread = position
        """The position to resume from, until a key has proved it."""
        if position is not None:
            decoded(position, longest=LONGEST_POSITION)

    def use(self, keys: tuple[PageKey, ...]) -> None:
        """Know the keys, and resume from the position that was given.

        Parameters:
            keys: empty where they are not known yet.

        Raises:
            InvalidPageToken: the position does not verify.
        """
        self.keys = keys
        if keys and self.unread is not None:
            state = read_token(self.whole, self.unread, keys, longest=LONGEST_POSITION)
            self.total, self.ranges = _read(state)
            self.unread = None

    def _compiled(self, part: _Range) -> Compiled[Any]:
        return within(self._query, part.low, part.high).compile(self._keyspace)

    def first(self, part: _Range) -> Ask:
        """The request that begins a range, or goes on where it stopped."""
        return Ask(self._compiled(part), size=self._size, state=part.state)

    def open_ranges(self) -> Iterator[_Range]:
        """The ranges that are not read to their end."""
        return (part for part in self.ranges if not part.done)

    def taken(self, part: _Range, answer: Answer) -> tuple[list[R], Next | None, bytes | None]:
        """The rows of a page, what to wait for next, and the state after it."""
        rows = load_rows(self.whole.shape, answer.rows, self._on_error)
        more, state = answer.more, answer.state
        if more:
            answer.prefetch()
        part.attempts = 0
        return rows, Next(answer, self.whole) if more else None, state if more else None

    def handed_out(self, part: _Range, rows: int, state: bytes | None) -> Any:
        """All rows of a page were taken; gives what ``on_progress`` returns."""
        part.state, part.done = state, state is None
        self.rows += rows
        return None if self._on_progress is None else self._on_progress(self.progress)

    def again(self, part: _Range, error: Exception) -> Ask:
        """The request to send after an error, from where the range stands.

        Raises:
            Exception: it was sent often enough, or would fail again.
        """
        part.attempts += 1
        if part.attempts >= ATTEMPTS or meaning(error) not in (Meaning.UNKNOWN, Meaning.TRANSIENT):
            reraise(error, self.whole)
        return self.first(part)

    @property
    def progress(self) -> ScanProgress:
        """How far it is."""
        return ScanProgress(self.total - sum(not part.done for part in self.ranges), self.total, self.rows)

    @property
    def position(self) -> str:
        """Where it stands, as opaque text; another scan of the same query goes on from there."""
        parts = [
            [part.low, part.high, None if part.state is None else b85encode(part.state).decode()]
            for part in self.open_ranges()
        ]
        state = json.dumps([self.total, parts], separators=(",", ":")).encode()
        return make_token(self.whole, state, self.keys)


def _check(query: Select[Any]) -> None:
    """A scan reads all ranges side by side, so what holds over the whole table has no place in it."""
    for given, what in (
        (query.orderings, "an order"),
        (query.groups, "groups"),
        (query.most is not None, "a limit"),
        (query.by_token, "ranges of tokens of its own"),
    ):
        if given:
            raise QueryNotSupported(
                f"A scan has no {what.removeprefix('an ').removeprefix('a ')}: it reads ranges of the table side by "
                "side. Use repo.stream() for a query with it.",
                needs=(),
                helps=("use repo.stream()",),
            )


def token_ranges(count: int) -> list[tuple[int, int]]:
    """The ring in equal parts, above the one bound and up to the other; no key has the lowest token of all.

    >>> token_ranges(2)
    [(-9223372036854775808, -1), (-1, 9223372036854775807)]
    """
    low, high = _RING
    return list(pairwise(low + (high - low) * at // count for at in range(count + 1)))


def within(query: Select[R], low: int, high: int) -> Select[R]:
    """The rows of a query in one of these ranges."""
    columns = columns_of(query.source())
    place = cast("CallTarget", token(*(columns[name] for name in Keys.of(query.source()).partition)).expression)
    return query.where(Condition(place, ">", low), Condition(place, "<=", high))


def _read(state: bytes) -> tuple[int, list[_Range]]:
    """How many ranges there are in all, and those that are not read to their end."""
    try:
        total, parts = json.loads(state)
        found = [_Range(low, high, None if text is None else b85decode(text)) for low, high, text in parts]
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidPageToken("This is no position of a scan: it holds something else.") from error
    bounds = [bound for part in found for bound in (part.low, part.high)]
    if type(total) is not int or not len(found) <= total <= MOST_RANGES or not all(map(_is_token, bounds)):
        raise InvalidPageToken("This is no position of a scan: its ranges cannot be.")
    return total, found


def _is_token(bound: object) -> bool:
    return type(bound) is int and _RING[0] <= bound <= _RING[1]


class Scan(Generic[R]):
    """Rows of a whole table, to be iterated once.

    Attributes:
        progress: how far it is.
        position: where it stands; give it to another `Repo.scan` of the same query.
    """

    def __init__(
        self, course: ScanCourse[R], requests: Callable[[], Requests], keys: Callable[[], tuple[PageKey, ...]]
    ) -> None:
        self._course, self._requests, self._keys = course, requests, keys
        if course.unread is not None:
            course.use(keys())

    @property
    def progress(self) -> ScanProgress:
        """How far it is."""
        return self._course.progress

    @property
    def position(self) -> str:
        """Where it stands, as opaque text.

        Raises:
            ConfigurationError: there is no secret to sign it with.
        """
        if not self._course.keys:
            self._course.use(self._keys())
        return self._course.position

    def __iter__(self) -> Iterator[R]:
        window = Window[_Range](self._requests(), self._course.parallelism)
        left = self._course.open_ranges()
        try:
            yield from self._rows(window, left)
        finally:
            window.drop()

    def _rows(self, window: Window[_Range], left: Iterator[_Range]) -> Iterator[R]:
        course = self._course
        for part in islice(left, course.parallelism):
            window.ask(course.first(part), part)
        while window.asked:
            for part, answer, error in window.take():
                if answer is None:
                    window.ask(course.again(part, cast("Exception", error)), part)
                    continue
                rows, more, state = course.taken(part, answer)
                if more is not None:
                    window.go_on(more, part)
                for following in islice(left, 0 if more else 1):
                    window.ask(course.first(following), following)
                yield from rows
                course.handed_out(part, len(rows), state)


def _noticed(task: asyncio.Task[Any]) -> None:
    """Take notice of an error that nobody waits for, since another one ended the scan."""
    if not task.cancelled():
        task.exception()


class AsyncScan(Generic[R]):
    """All rows of a query by ranges, with ``async for``; see `Scan`.

    A position that was given is verified when the iteration starts, unless the secret is known before.
    """

    def __init__(
        self,
        course: ScanCourse[R],
        answer: Callable[[Step], Coroutine[Any, Any, Answer]],
        keys: Callable[[], Coroutine[Any, Any, tuple[PageKey, ...]]],
    ) -> None:
        self._course, self._answer, self._keys = course, answer, keys
        self._no_keys: ConfigurationError | None = None

    @property
    def progress(self) -> ScanProgress:
        """How far it is."""
        return self._course.progress

    @property
    def position(self) -> str:
        """Where it stands, as opaque text.

        Raises:
            ConfigurationError: there is no secret to sign it with, or it is not read before the first row.
        """
        if self._course.keys:
            return self._course.position
        if self._course.unread is not None:
            return self._course.unread
        if self._no_keys is not None:
            raise self._no_keys
        raise ConfigurationError(
            "The secret that signs a position is read when the iteration starts: take the position after the first row."
        )

    async def _know_keys(self) -> None:
        """Without a secret a scan runs, unless it resumes from a position; then its own position cannot be taken."""
        try:
            self._course.use(self._course.keys or await self._keys())
        except ConfigurationError as error:
            if self._course.unread is not None:
                raise
            self._no_keys = error

    async def __aiter__(self) -> AsyncIterator[R]:
        loop = running_loop()
        await self._know_keys()
        course, left = self._course, self._course.open_ranges()
        under_way: dict[asyncio.Task[Answer], _Range] = {}

        def begin(step: Step, part: _Range) -> None:
            task = asyncio.ensure_future(self._answer(step))
            task.add_done_callback(_noticed)
            under_way[task] = part

        try:
            for part in islice(left, course.parallelism):
                begin(course.first(part), part)
            while under_way:
                done, _ = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    part, error = under_way.pop(task), task.exception()
                    if error is not None:
                        begin(course.again(part, cast("Exception", error)), part)
                        continue
                    rows, more, state = course.taken(part, task.result())
                    if more is not None:
                        begin(more, part)
                    for following in islice(left, 0 if more else 1):
                        begin(course.first(following), following)
                    for row in rows:
                        yield row
                    await noticed(course.handed_out(part, len(rows), state))
        finally:
            for task in () if loop.is_closed() else under_way:  # nothing can be cancelled in a loop that was closed
                task.cancel()
