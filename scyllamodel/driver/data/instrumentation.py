"""Reports requests and their duration to a callback, the log and OpenTelemetry.

In: a request with its response or error. Out: a `QueryEvent`, a warning for a slow one, a span. None of them contains
values, which belong to users; the text has a ``?`` for each. Without listeners no time is measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Literal, TypeAlias

import attrs

from scyllamodel._text import printable_line
from scyllamodel.config.settings import RepoSettings
from scyllamodel.driver.data.asyncio_bridge import origin_loop
from scyllamodel.driver.data.callbacks import async_callback_message
from scyllamodel.driver.data.messages import Execute, ExecuteBatch, ExecuteText, FetchNextPage, Message
from scyllamodel.errors import ConfigurationError
from scyllamodel.query.statement import StatementTemplate

try:
    from opentelemetry import trace
except ImportError:  # the extra `otel` is not installed
    _trace: Any = None
else:
    _trace = trace

RequestKind: TypeAlias = Literal["prepare", "read", "write", "page", "batch"]

_log: Final = logging.getLogger("scyllamodel.query")


@attrs.frozen
class QueryEvent:
    """One request.

    Attributes:
        kind: ``page`` is any page of a read but the first.
        cql: the text, without values.
        model: the name of the class, if there is one.
        keyspace: of the tables concerned.
        milliseconds: from sending to the response, as this program waited.
        rows: in the response.
        slow: whether it took longer than ``slow_query``.
        error: the class of the error.
    """

    kind: RequestKind
    cql: str
    model: str | None
    keyspace: str
    milliseconds: float
    rows: int = 0
    slow: bool = False
    error: str | None = None


OnQuery: TypeAlias = Callable[[QueryEvent], Any]


class RequestTimer:
    """The time of one request, reported to the listeners at its end. Made where there are listeners."""

    __slots__ = ("_instrumentation", "_kind", "_start_ns", "_template")

    _kind: RequestKind

    def __init__(
        self, instrumentation: QueryInstrumentation, kind: RequestKind, template: StatementTemplate[Any]
    ) -> None:
        self._instrumentation, self._kind, self._template = instrumentation, kind, template
        self._start_ns = time.time_ns()

    def end(self, rows: int = 0, error: BaseException | None = None) -> Coroutine[Any, Any, None] | None:
        """Report the request; in an event loop, returns what must be awaited: the call of an async ``on_query``."""
        return self._instrumentation.notify(self._kind, self._template, self._start_ns, rows, error)


class QueryInstrumentation:
    """The listeners of a repo, which are notified of each request.

    Parameters:
        on_query: called with each event, in the waiting thread; an `AsyncRepo` awaits an async one before the method
            returns. An exception it raises is logged and ignored.
        slow_seconds: seconds after which a request counts as slow and is logged; None is never.
        spans: whether each request is an OpenTelemetry span.
    """

    def __init__(self, on_query: OnQuery | None, slow_seconds: float | None, *, spans: bool) -> None:
        self._on_query, self._slow_seconds = on_query, slow_seconds
        self._tracer: Any = _trace.get_tracer("scyllamodel") if spans and _trace is not None else None

    def start(self, message: Message) -> RequestTimer:
        """Start the time of a message, which is sent now."""
        if isinstance(message, ExecuteBatch):
            return RequestTimer(self, "batch", message.compiled.template)
        template = (message.without_values if isinstance(message, ExecuteText) else message.compiled).template
        return RequestTimer(self, _request_kind(message, template), template)

    def start_preparing(self, template: StatementTemplate[Any]) -> RequestTimer:
        """Start the time of a statement that is prepared now."""
        return RequestTimer(self, "prepare", template)

    def notify(
        self,
        kind: RequestKind,
        template: StatementTemplate[Any],
        start_ns: int,
        rows: int = 0,
        error: BaseException | None = None,
    ) -> Coroutine[Any, Any, None] | None:
        """Notify the listeners of a request; in an event loop, returns the awaitable of an async ``on_query``.

        A log handler, a span or the function may fail; the request has its response in any case.
        """
        end_ns = time.time_ns()
        milliseconds = (end_ns - start_ns) / 1e6
        event = QueryEvent(
            kind,
            template.cql,
            None if template.model is None else template.model.__qualname__,
            template.keyspace,
            milliseconds,
            rows,
            slow=self._slow_seconds is not None and milliseconds > self._slow_seconds * 1000,
            error=None if error is None else type(error).__name__,
        )
        if event.slow:
            text = printable_line(event.cql)
            with contextlib.suppress(Exception):
                _log.warning("%s of %s took %.0f ms: %s", kind, event.model or event.keyspace, milliseconds, text)
        if self._tracer is not None:
            with contextlib.suppress(Exception):
                self._record_span(event, start_ns, end_ns)
        return None if self._on_query is None else self._call_on_query(self._on_query, event)

    def _call_on_query(self, on_query: OnQuery, event: QueryEvent) -> Coroutine[Any, Any, None] | None:
        try:
            returned = on_query(event)
        except Exception:  # noqa: BLE001 - a listener's error does not affect the request
            _log_failure()
            return None
        if not inspect.isawaitable(returned):
            return None
        loop = origin_loop()
        if _in_event_loop():
            return _await_logged(returned)
        if loop is not None:
            asyncio.run_coroutine_threadsafe(_await_logged(returned), loop).result()
            return None
        with contextlib.suppress(Exception):
            _log.error("%s", async_callback_message("on_query"))
        if inspect.iscoroutine(returned):
            returned.close()
        return None

    def _record_span(self, event: QueryEvent, start_ns: int, end_ns: int) -> None:
        attributes = {"db.system": "cassandra", "db.namespace": event.keyspace, "db.query.text": event.cql}
        span = self._tracer.start_span(f"scyllamodel.{event.kind}", start_time=start_ns, attributes=attributes)
        span.set_attribute("db.response.returned_rows", event.rows)
        if event.error is not None:
            span.set_status(_trace.StatusCode.ERROR, event.error)
        span.end(end_time=end_ns)


async def _await_logged(awaitable: Awaitable[Any]) -> None:
    try:
        await awaitable
    except Exception:  # noqa: BLE001 - a listener's error does not affect the request
        _log_failure()


def _log_failure() -> None:
    """Log what a listener raised; the log handler may fail too."""
    with contextlib.suppress(Exception):
        _log.exception("on_query failed")


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def check_instrumentation(settings: RepoSettings) -> None:
    """Refuse settings without effect: spans without OpenTelemetry, an ``on_query`` that is not callable.

    Raises:
        ConfigurationError: says what to install or give.
    """
    name = settings.name
    if settings.trace_queries and _trace is None:
        raise ConfigurationError(
            f'repo {name!r}: trace_queries=True needs OpenTelemetry. Run pip install "scyllamodel[otel]", or leave '
            "trace_queries out.",
            setting="trace_queries",
            repo=name,
        )
    if settings.on_query is not None and not callable(settings.on_query):
        text = f"repo {name!r}: on_query= must be a function that takes a QueryEvent, got {settings.on_query!r}."
        raise ConfigurationError(text, setting="on_query", repo=name)


def _request_kind(message: Execute | FetchNextPage | ExecuteText, template: StatementTemplate[Any]) -> RequestKind:
    if isinstance(message, FetchNextPage) or message.paging_state is not None:
        return "page"
    return "read" if template.verb == "select" else "write"
