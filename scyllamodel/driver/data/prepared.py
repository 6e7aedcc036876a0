"""A cache of prepared statements: from a template to the driver's prepared statement and its bind function.

In: statement templates. Out: `PreparedTemplate`, of which a session keeps a bounded number, the last used ones, and
drops those whose model class was collected. Threads and tasks that need the same one share one round trip, limited by
the timeout of the request. The server keeps prepared statements and the driver prepares again what a node has lost, so
restarts and most schema changes are invisible; a user type that grew is the exception, because the bytes of its values
change (see `StaleUserType`).
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeAlias

import attrs

from scyllamodel.driver._cassandra import RetryPolicy
from scyllamodel.driver.data.binding.binder import Bind, make_bind
from scyllamodel.driver.data.instrumentation import QueryInstrumentation
from scyllamodel.driver.data.request_errors import request_error
from scyllamodel.driver.data.single_flight import SingleFlight, WaitTimeout
from scyllamodel.driver.outcomes import REQUEST_ERRORS
from scyllamodel.driver.session.connection import Connection
from scyllamodel.query.statement import StatementTemplate

_TemplateRef: TypeAlias = "weakref.ref[StatementTemplate[Any]]"

CACHE_SIZE: Final = 10_000
"""Prepared statements of one session: more than any program writes, or some for each of thousands of tenants."""

TEXT_CACHE_SIZE: Final = 1_000
"""Prepared texts of ``raw`` kept by one session."""


class NonIdempotentRetryPolicy(RetryPolicy):  # type: ignore[misc]  # the driver ships no types
    """A policy that retries a statement only where the server says that it did nothing.

    The driver's policy resends any statement to the next host when its connection breaks, even a counter update (seen
    on scylla-driver 3.29.12), although the first host may have applied it.
    """

    def on_write_timeout(self, *_: Any, **__: Any) -> Any:
        """Do not retry: some replicas may have it."""
        return self.RETHROW, None

    def on_request_error(self, *_: Any, **__: Any) -> Any:
        """Do not retry: the coordinator may have it."""
        return self.RETHROW, None


class LwtRetryPolicy(NonIdempotentRetryPolicy):
    """A policy that does not retry a lightweight transaction where an earlier round may still complete."""

    def on_read_timeout(self, *_: Any, **__: Any) -> Any:
        """Do not retry: a round may be pending."""
        return self.RETHROW, None

    def on_unavailable(self, *_: Any, **__: Any) -> Any:
        """Do not retry: an earlier round may be pending."""
        return self.RETHROW, None


@attrs.frozen(eq=False)
class PreparedTemplate:
    """A template prepared on one session.

    Attributes:
        statement: the driver's prepared statement.
        bind: binds the values of one call.
        template_ref: the template, in order of use.
    """

    statement: Any
    bind: Bind
    template_ref: _TemplateRef


@attrs.frozen
class CacheInfo:
    """The counters of the cache.

    Attributes:
        size: prepared statements in it now.
        limit: maximum size.
        prepared: statements prepared since the connection was opened.
        hits: requests whose statement was in it.
        evicted: statements removed because of the limit.
    """

    size: int
    limit: int
    prepared: int
    hits: int
    evicted: int


class PreparedStatements:
    """The prepared statements of one session, each kept with its template and so with its class.

    Parameters:
        connection: provides the session for each request to the server, since a forked child must not use it.
        limit: maximum number kept.
        instrumentation: notified of each prepared statement.
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
        """Remove the prepared statements from templates that outlive the session."""
        for template_ref in list(self._recently_used):
            template = template_ref()
            if template is not None:
                template.prepared.pop(self._cache_key, None)

    @property
    def info(self) -> CacheInfo:
        """The current counters."""
        return CacheInfo(
            len(self._recently_used), self._limit, self._prepare_count, self._hit_count, self._eviction_count
        )

    @property
    def _preparations(self) -> SingleFlight[Any]:
        """The preparations in progress in this process; a forked child does not wait for a thread of its parent."""
        self._connection.check_not_forked()
        return self._single_flight

    def get(self, template: StatementTemplate[Any]) -> PreparedTemplate | None:
        """Return the prepared statement of a template, if there is one."""
        prepared: PreparedTemplate | None = template.prepared.get(self._cache_key)
        if prepared is not None:
            self._hit_count += 1
            try:  # noqa: SIM105 - done for each request, and a context manager costs more than the move
                self._recently_used.move_to_end(prepared.template_ref)
            except KeyError:  # another thread has just evicted it; it still serves this call
                pass
        return prepared

    def invalidate(self, template: StatementTemplate[Any], stale: PreparedTemplate) -> None:
        """Drop a stale statement, unless it was prepared again meanwhile."""
        with self._lock:
            if template.prepared.get(self._cache_key) is stale:
                del template.prepared[self._cache_key]
                self._recently_used.pop(stale.template_ref, None)

    def prepare(self, template: StatementTemplate[Any], timeout: float | None) -> PreparedTemplate:
        """Prepare a template unless that was done; waits for the server.

        Parameters:
            timeout: seconds; None is the driver's limit.

        Raises:
            RequestFailed: it cannot be prepared, or not in time.
        """
        try:
            prepared: PreparedTemplate = self._preparations.run(
                template, partial(self._get_or_prepare, template, timeout), timeout
            )
        except WaitTimeout:
            raise _prepare_timeout_error(template) from None
        return prepared

    async def prepare_async(self, template: StatementTemplate[Any], timeout: float | None) -> PreparedTemplate:
        """Do what `prepare` does, in a thread shared by all callers that need this template."""
        try:
            prepared: PreparedTemplate = await self._preparations.run_async(
                template, partial(self._get_or_prepare, template, timeout), timeout
            )
        except WaitTimeout:
            raise _prepare_timeout_error(template) from None
        return prepared

    def prepare_text(self, cql: str, timeout: float | None) -> Any:
        """Prepare raw text; parameters and errors are those of `prepare`."""
        try:
            return self._preparations.run(cql, partial(self._get_or_prepare_text, cql, timeout), timeout)
        except WaitTimeout:
            raise _prepare_timeout_error(None) from None

    async def prepare_text_async(self, cql: str, timeout: float | None) -> Any:
        """Do what `prepare_text` does, in its own thread."""
        try:
            return await self._preparations.run_async(cql, partial(self._get_or_prepare_text, cql, timeout), timeout)
        except WaitTimeout:
            raise _prepare_timeout_error(None) from None

    def get_text(self, cql: str) -> Any:
        """Return the prepared statement of raw text, or None."""
        with self._lock:
            statement = self._text_cache.get(cql)
            if statement is not None:
                self._text_cache.move_to_end(cql)
        return statement

    def _get_or_prepare(self, template: StatementTemplate[Any], timeout: float | None) -> PreparedTemplate:
        """Return the prepared statement, made if necessary; a thread just behind the first one finds it."""
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

    def _prepare_cql(self, cql: str, template: StatementTemplate[Any] | None, timeout: float | None) -> Any:
        try:
            return self._connection.prepare(cql, timeout)
        except REQUEST_ERRORS as error:
            raise request_error(error, template, is_execution=False)  # noqa: B904 - it has its cause

    def _prepare_template(self, template: StatementTemplate[Any], timeout: float | None) -> PreparedTemplate:
        timer = None if self._instrumentation is None else self._instrumentation.start_preparing(template)
        statement = self._prepare_cql(template.cql, template, timeout)
        if timer is not None:
            timer.end()
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

    def _store(self, template: StatementTemplate[Any], prepared: PreparedTemplate) -> PreparedTemplate:
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
    """Remove a template that was collected with its class."""
    recently_used.pop(template_ref, None)


def _prepare_timeout_error(template: StatementTemplate[Any] | None) -> Exception:
    """Return the error for a statement that another caller is still preparing."""
    return request_error(TimeoutError("the statement was not prepared in time"), template, is_execution=False)
