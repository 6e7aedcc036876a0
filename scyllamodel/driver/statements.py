"""Statements that are prepared once: a `Shape` -> the driver's prepared statement and the function that binds to it.

*In*: shapes. *Out*: `PreparedTemplate`, of which one session keeps a bounded number, those that were used last, and
none whose class is gone. Threads and tasks that need one shape at the same time share one round trip, which takes no
longer than the request that needs it may. The server keeps what was prepared and the driver prepares again what a node
has lost, so that restarts and most schema changes pass unseen; a user type that grew is the exception, for the bytes of
its values change (see `StaleUserType`).
"""

from __future__ import annotations

import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import attrs

from scyllamodel.driver.binder import Bind, make_bind
from scyllamodel.driver.connection import Connection
from scyllamodel.driver.flights import SingleFlight, WaitTimeout
from scyllamodel.driver.names import RetryPolicy
from scyllamodel.driver.request_errors import REQUEST_ERRORS, request_error
from scyllamodel.query.statement import Shape

if TYPE_CHECKING:
    from scyllamodel.driver.watch import QueryInstrumentation

_TemplateRef: TypeAlias = "weakref.ref[Shape[Any]]"

CACHE_SIZE: Final = 10_000
"""Prepared statements of one session: more shapes than any program writes, or some for each of thousands of tenants."""

TEXT_CACHE_SIZE: Final = 1_000
"""Prepared texts of ``raw``, likewise."""


class NonIdempotentRetryPolicy(RetryPolicy):  # type: ignore[misc]  # the driver ships no types
    """For statements that must not be applied twice: retried only where the server says that it did nothing.

    The driver's own policy sends any statement to the next host when its connection breaks, a counter's too (seen on
    scylla-driver 3.29.12), though the first host may have applied it.
    """

    def on_write_timeout(self, *_: Any, **__: Any) -> Any:
        """Some replicas may have it."""
        return self.RETHROW, None

    def on_request_error(self, *_: Any, **__: Any) -> Any:
        """The coordinator may have it."""
        return self.RETHROW, None


class LwtRetryPolicy(NonIdempotentRetryPolicy):
    """For lightweight transactions, whose earlier rounds may come to an end later also where a replica was missing."""

    def on_read_timeout(self, *_: Any, **__: Any) -> Any:
        """A round may be under way."""
        return self.RETHROW, None

    def on_unavailable(self, *_: Any, **__: Any) -> Any:
        """A round before this one may be under way."""
        return self.RETHROW, None


@attrs.frozen(eq=False)
class PreparedTemplate:
    """A shape on a session.

    Attributes:
        statement: the driver's.
        bind: makes a statement of it that can be sent, of the values of one call.
        template_ref: the shape, in the order of use.
    """

    statement: Any
    bind: Bind
    template_ref: _TemplateRef


@attrs.frozen
class CacheInfo:
    """What became of prepared statements: how many are kept and at most, were prepared, found, and given up."""

    size: int
    limit: int
    prepared: int
    hits: int
    evicted: int


class PreparedStatements:
    """The prepared statements of one session, each kept with its shape and so with its class.

    Parameters:
        connection: asked for the session whenever the server is asked, since a forked child must not use it.
        limit: how many are kept.
        instrumentation: is told of each that is prepared.
    """

    def __init__(
        self, connection: Connection, *, limit: int = CACHE_SIZE, instrumentation: QueryInstrumentation | None = None
    ) -> None:
        self._connection, self._limit, self._instrumentation = connection, limit, instrumentation
        self._cache_key = object()
        self._recently_used: OrderedDict[_TemplateRef, None] = OrderedDict()
        self._text_cache: OrderedDict[str, Any] = OrderedDict()
        self._single_flight = SingleFlight[Any]()
        self._lock = threading.Lock()
        self._prepare_count = self._hit_count = self._eviction_count = 0

    def __del__(self) -> None:
        """Leave nothing with shapes that live on when the session does not."""
        for template_ref in list(self._recently_used):
            template = template_ref()
            if template is not None:
                template.prepared.pop(self._cache_key, None)

    @property
    def info(self) -> CacheInfo:
        """The counters as they stand."""
        return CacheInfo(
            len(self._recently_used), self._limit, self._prepare_count, self._hit_count, self._eviction_count
        )

    @property
    def _preparations(self) -> SingleFlight[Any]:
        """What is being prepared in this process; a forked child does not wait for a thread of its parent."""
        self._connection.check_not_forked()
        return self._single_flight

    def get(self, template: Shape[Any]) -> PreparedTemplate | None:
        """What is prepared already."""
        prepared: PreparedTemplate | None = template.prepared.get(self._cache_key)
        if prepared is not None:
            self._hit_count += 1
            try:  # noqa: SIM105 - done for each request, and a context manager costs more than the move
                self._recently_used.move_to_end(prepared.template_ref)
            except KeyError:  # another thread has just given it up, and it serves this once more
                pass
        return prepared

    def invalidate(self, template: Shape[Any], stale: PreparedTemplate) -> None:
        """Prepare a shape again when it is needed next, unless that was done meanwhile."""
        with self._lock:
            if template.prepared.get(self._cache_key) is stale:
                del template.prepared[self._cache_key]
                self._recently_used.pop(stale.template_ref, None)

    def prepare(self, template: Shape[Any], timeout: float | None) -> PreparedTemplate:
        """Prepare a shape unless that is done; this waits for the server.

        Parameters:
            timeout: seconds; None waits for as long as the driver does.

        Raises:
            RequestFailed: it cannot be prepared, or was not in time.
        """
        try:
            prepared: PreparedTemplate = self._preparations.run(
                template, partial(self._get_or_prepare, template, timeout), timeout
            )
        except WaitTimeout:
            raise _prepare_timeout_error(template) from None
        return prepared

    async def prepare_async(self, template: Shape[Any], timeout: float | None) -> PreparedTemplate:
        """Prepare as `prepare` does, in a thread that all who need this shape wait for."""
        try:
            prepared: PreparedTemplate = await self._preparations.run_async(
                template, partial(self._get_or_prepare, template, timeout), timeout
            )
        except WaitTimeout:
            raise _prepare_timeout_error(template) from None
        return prepared

    def prepare_text(self, cql: str, timeout: float | None) -> Any:
        """Prepare text of an application's own; parameters and errors as of `prepare`."""
        try:
            return self._preparations.run(cql, partial(self._get_or_prepare_text, cql, timeout), timeout)
        except WaitTimeout:
            raise _prepare_timeout_error(None) from None

    async def prepare_text_async(self, cql: str, timeout: float | None) -> Any:
        """Prepare text as `text` does, in a thread of its own."""
        try:
            return await self._preparations.run_async(cql, partial(self._get_or_prepare_text, cql, timeout), timeout)
        except WaitTimeout:
            raise _prepare_timeout_error(None) from None

    def get_text(self, cql: str) -> Any:
        """Text that is prepared already."""
        with self._lock:
            statement = self._text_cache.get(cql)
            if statement is not None:
                self._text_cache.move_to_end(cql)
        return statement

    def _get_or_prepare(self, template: Shape[Any], timeout: float | None) -> PreparedTemplate:
        """What is prepared; a thread that comes just after the first one finds it."""
        return self.get(template) or self._store(template, self._prepare_template(template, timeout))

    def _get_or_prepare_text(self, cql: str, timeout: float | None) -> Any:
        statement = self.get_text(cql)
        if statement is None:
            statement = self._prepare_cql(cql, None, timeout)
            with self._lock:
                self._text_cache[cql] = statement
                if len(self._text_cache) > TEXT_CACHE_SIZE:
                    self._text_cache.popitem(last=False)
        return statement

    def _prepare_cql(self, cql: str, template: Shape[Any] | None, timeout: float | None) -> Any:
        try:
            return self._connection.prepare(cql, timeout)
        except REQUEST_ERRORS as error:
            raise request_error(error, template, is_execution=False)  # noqa: B904 - it has its cause

    def _prepare_template(self, template: Shape[Any], timeout: float | None) -> PreparedTemplate:
        start_ns = time.time_ns()
        statement = self._prepare_cql(template.cql, template, timeout)
        if self._instrumentation is not None:
            self._instrumentation.notify("prepare", template, start_ns)
        statement.is_idempotent = template.may_be_retried
        if template.conditional:
            statement.retry_policy = LwtRetryPolicy()
        elif not template.may_be_retried:
            statement.retry_policy = NonIdempotentRetryPolicy()
        user_types = {cls.__cql_name__: cls.__fields_by_cql__ for cls in getattr(template.model, "__user_types__", ())}
        on_collected: Callable[[_TemplateRef], None] = partial(_forget_collected, self._recently_used)
        return PreparedTemplate(
            statement, make_bind(statement, template.markers, user_types), weakref.ref(template, on_collected)
        )

    def _store(self, template: Shape[Any], prepared: PreparedTemplate) -> PreparedTemplate:
        with self._lock:
            self._prepare_count += 1
            template.prepared[self._cache_key] = prepared
            self._recently_used[prepared.template_ref] = None
            while len(self._recently_used) > self._limit:
                oldest = self._recently_used.popitem(last=False)[0]()
                self._eviction_count += 1
                if oldest is not None:
                    oldest.prepared.pop(self._cache_key, None)
        return prepared


def _forget_collected(recently_used: OrderedDict[_TemplateRef, None], template_ref: _TemplateRef) -> None:
    """A shape went with its class."""
    recently_used.pop(template_ref, None)


def _prepare_timeout_error(template: Shape[Any] | None) -> Exception:
    """The error of a statement that another caller is preparing for longer than this one may wait."""
    return request_error(TimeoutError("the statement was not prepared in time"), template, is_execution=False)
