"""Statements that are prepared once: a `Shape` -> the driver's prepared statement and the function that binds to it.

*In*: shapes. *Out*: `Prepared`, of which one session keeps a bounded number, those that were used last. Threads that
ask for one shape at a time share one round trip. The server keeps what was prepared and the driver prepares again what
a node has lost, so that restarts and most schema changes pass unseen; a user type that grew is the exception, for the
bytes of its values change (see `StaleType`).
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

import attrs

from scyllamodel.driver.binder import Bind, make_bind
from scyllamodel.driver.names import RetryPolicy
from scyllamodel.driver.request_errors import REQUEST_ERRORS, request_error
from scyllamodel.query.statement import Shape

if TYPE_CHECKING:
    from scyllamodel.driver.watch import Watch

LIMIT: Final = 10_000
"""Prepared statements of one session: more shapes than any program writes, or some for each of thousands of tenants."""

TEXTS: Final = 1_000
"""Prepared texts of ``raw``, likewise."""


class SentOnce(RetryPolicy):  # type: ignore[misc]  # the driver ships no types
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


class Paxos(SentOnce):
    """For lightweight transactions, whose earlier rounds may come to an end later also where a replica was missing."""

    def on_read_timeout(self, *_: Any, **__: Any) -> Any:
        """A round may be under way."""
        return self.RETHROW, None

    def on_unavailable(self, *_: Any, **__: Any) -> Any:
        """A round before this one may be under way."""
        return self.RETHROW, None


@attrs.frozen(eq=False)
class Prepared:
    """A shape on a session.

    Attributes:
        statement: the driver's.
        bind: makes a statement of it that can be sent, of the values of one call.
    """

    shape: Shape[Any]
    statement: Any
    bind: Bind


@attrs.frozen
class CacheInfo:
    """What became of prepared statements: how many are kept and at most, were prepared, found, and given up."""

    size: int
    limit: int
    prepared: int
    hits: int
    evicted: int


class Statements:
    """The prepared statements of one session.

    Parameters:
        session: the driver's.
        limit: how many are kept.
        watch: is told of each that is prepared.
    """

    def __init__(self, session: Any, *, limit: int = LIMIT, watch: Watch | None = None) -> None:
        self._session, self._limit, self._watch = session, limit, watch
        self._found: OrderedDict[Shape[Any], Prepared] = OrderedDict()
        self._texts: OrderedDict[str, Any] = OrderedDict()
        self._flights: dict[Shape[Any], threading.Lock] = {}
        self._lock = threading.Lock()
        self._prepared = self._hits = self._evicted = 0

    @property
    def info(self) -> CacheInfo:
        """The counters as they stand."""
        return CacheInfo(len(self._found), self._limit, self._prepared, self._hits, self._evicted)

    def get(self, shape: Shape[Any]) -> Prepared | None:
        """What is prepared already."""
        found = self._found.get(shape)
        if found is not None:
            self._hits += 1
            try:  # noqa: SIM105 - done for each request, and a context manager costs more than the move
                self._found.move_to_end(shape)
            except KeyError:  # another thread has just given it up, and it serves this once more
                pass
        return found

    def prepare(self, shape: Shape[Any], *, instead_of: Prepared | None = None) -> Prepared:
        """Prepare a shape unless another thread just has; this waits for the server.

        Parameters:
            instead_of: what was prepared and no longer fits.
        """
        with self._lock:
            flight = self._flights.setdefault(shape, threading.Lock())
        try:
            with flight:
                found = self._found.get(shape)
                if found is None or found is instead_of:
                    found = self._keep(self._made(shape))
                return found
        finally:
            with self._lock:
                self._flights.pop(shape, None)

    def text(self, cql: str) -> Any:
        """Text of an application's own, prepared; this may wait for the server."""
        with self._lock:
            found = self._texts.get(cql)
            if found is not None:
                self._texts.move_to_end(cql)
                return found
        try:
            found = self._session.prepare(cql)
        except REQUEST_ERRORS as error:
            raise request_error(error, None, sent=False)  # noqa: B904 - it has its cause
        with self._lock:
            self._texts[cql] = found
            if len(self._texts) > TEXTS:
                self._texts.popitem(last=False)
        return found

    def _made(self, shape: Shape[Any]) -> Prepared:
        began = time.time_ns()
        try:
            statement = self._session.prepare(shape.cql)
        except REQUEST_ERRORS as error:
            raise request_error(error, shape, sent=False)  # noqa: B904 - it has its cause
        if self._watch is not None:
            self._watch.tell("prepare", shape, began)
        statement.is_idempotent = shape.idempotent
        if shape.conditional:
            statement.retry_policy = Paxos()
        elif not shape.idempotent:
            statement.retry_policy = SentOnce()
        types = {cls.__cql_name__: cls.__fields_by_cql__ for cls in getattr(shape.model, "__user_types__", ())}
        return Prepared(shape, statement, make_bind(statement, shape.markers, types))

    def _keep(self, made: Prepared) -> Prepared:
        with self._lock:
            self._prepared += 1
            self._found[made.shape] = made
            while len(self._found) > self._limit:
                self._found.popitem(last=False)
                self._evicted += 1
        return made
