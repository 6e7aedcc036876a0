"""What operations and runners exchange: messages to send, and the responses to them.

In: compiled statements, batches, raw text. Out: plain values; `scyllamodel.driver.data.message_binding` binds them, and
a runner sends what was bound.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from typing import Any, TypeAlias, TypeVar, cast

import attrs

from scyllamodel._cql import without_literals
from scyllamodel.driver.session import fork_safety
from scyllamodel.driver.session.result_metadata import PendingRows
from scyllamodel.query.batch_writes import BatchWrites
from scyllamodel.query.statement import CompiledStatement

T = TypeVar("T")


class Response:
    """One page of a result."""

    __slots__ = ("_generation", "_rows", "future")

    def __init__(self, future: Any, rows: Any) -> None:
        self.future = future
        self._rows = rows
        self._generation = fork_safety.generation()

    @property
    def rows(self) -> Sequence[Any]:
        """The rows as tuples; none for a write. Those of a page that is not the last one are decoded here.

        Raises:
            LoadError: the page cannot be decoded at all.
        """
        rows: Any = self._rows
        if rows.__class__ is PendingRows:
            rows = self._rows = rows.decoded()
        return cast("Sequence[Any]", rows) if isinstance(rows, (list, tuple)) else ()

    @property
    def row_count(self) -> int:
        """The number of rows, which are not decoded for it."""
        rows: Any = self._rows
        return len(cast("Sequence[Any] | PendingRows", rows)) if isinstance(rows, (list, tuple, PendingRows)) else 0

    def checked_future(self) -> Any:
        """Return the driver's future, to wait for the next page.

        Raises:
            ConnectionFailed: this process was forked after the page came; the parent's sockets do not answer here.
        """
        fork_safety.check_not_forked(self._generation, "The connection of this iterator")
        return self.future

    @property
    def has_more_pages(self) -> bool:
        """Whether there is another page."""
        return bool(self.future.has_more_pages)

    @property
    def paging_state(self) -> bytes | None:
        """The driver's paging state at the end of this page."""
        paging_state: bytes | None = self.future._paging_state  # noqa: SLF001 - a ResultSet reads it too
        return paging_state

    def prefetch(self) -> None:
        """Start fetching the next page; `has_more_pages`, `paging_state` and `column_names` then describe that page.

        The page has the time of a request of its own. The driver starts a timer for the first page only: it keeps the
        cancelled timer of that page (``ResponseFuture._start_timer``), and measures from the time of the first request.
        """
        future = self.checked_future()
        future.clear_callbacks()
        future._timer, future._start_time = None, time.time()  # noqa: SLF001 - see above
        future.start_fetching_next_page()

    @property
    def column_names(self) -> Sequence[str]:
        """The column names, as CQL has them."""
        return tuple(self.future._col_names or ())  # noqa: SLF001 - a ResultSet reads it too


class Deadline:
    """The time limit of a request.

    Parameters:
        timeout: seconds; None means no limit.
    """

    __slots__ = ("_end",)

    def __init__(self, timeout: float | None) -> None:
        self._end = None if timeout is None else time.monotonic() + timeout

    @property
    def remaining(self) -> float | None:
        """The remaining seconds, at least a moment, so that sending reports the timeout."""
        return None if self._end is None else max(0.001, self._end - time.monotonic())


@attrs.frozen(eq=False)
class Execute:
    """Send a statement and wait for its first page.

    Attributes:
        page_size: rows of a page; None is the session's setting.
        paging_state: where an earlier page ended.
    """

    compiled: CompiledStatement[Any]
    page_size: int | None = None
    paging_state: bytes | None = None


@attrs.frozen(eq=False)
class FetchNextPage:
    """Wait for the page that is being fetched after this one."""

    response: Response
    compiled: CompiledStatement[Any]


class _UnpagedMessage:
    """A message without a page size or paging state."""

    page_size: int | None = None
    paging_state: bytes | None = None


@attrs.frozen(eq=False, slots=False)
class ExecuteBatch(_UnpagedMessage):
    """Send a batch and wait for its response."""

    batch: BatchWrites
    compiled: CompiledStatement[Any]


@attrs.frozen(eq=False, slots=False)
class ExecuteText(_UnpagedMessage):
    """Send raw text and wait for its first page.

    Attributes:
        compiled: the text, and the model of its rows, if any.
        values: of the text, which is prepared if it has any.
    """

    compiled: CompiledStatement[Any]
    values: Sequence[Any] = attrs.field(repr=False)

    @property
    def without_values(self) -> CompiledStatement[Any]:
        """The text with ``?`` for each value, for instrumentation."""
        template = self.compiled.template
        return attrs.evolve(self.compiled, template=attrs.evolve(template, cql=without_literals(template.cql)))


Message: TypeAlias = Execute | FetchNextPage | ExecuteBatch | ExecuteText
Operation: TypeAlias = Generator[Message, Response, T]
