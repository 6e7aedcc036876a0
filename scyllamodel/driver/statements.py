"""Statements that are prepared once: a `Shape` -> the driver's prepared statement and the function that binds to it.

*In*: shapes. *Out*: `Prepared`, of which one session keeps a bounded number, those that were used last, and none whose
class is gone. Threads and tasks that need one shape at the same time share one round trip, which takes no longer than
the request that needs it may. The server keeps what was prepared and the driver prepares again what a node has lost, so
that restarts and most schema changes pass unseen; a user type that grew is the exception, for the bytes of its values
change (see `StaleType`).
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
from scyllamodel.driver.flights import Flights, NotInTime
from scyllamodel.driver.names import RetryPolicy
from scyllamodel.driver.request_errors import REQUEST_ERRORS, request_error
from scyllamodel.query.statement import Shape

if TYPE_CHECKING:
    from scyllamodel.driver.watch import Watch

_Place: TypeAlias = "weakref.ref[Shape[Any]]"

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
        place: the shape, in the order of use.
    """

    statement: Any
    bind: Bind
    place: _Place


@attrs.frozen
class CacheInfo:
    """What became of prepared statements: how many are kept and at most, were prepared, found, and given up."""

    size: int
    limit: int
    prepared: int
    hits: int
    evicted: int


class Statements:
    """The prepared statements of one session, each kept with its shape and so with its class.

    Parameters:
        connection: asked for the session whenever the server is asked, since a forked child must not use it.
        limit: how many are kept.
        watch: is told of each that is prepared.
    """

    def __init__(self, connection: Connection, *, limit: int = LIMIT, watch: Watch | None = None) -> None:
        self._connection, self._limit, self._watch = connection, limit, watch
        self._own = object()
        self._used: OrderedDict[_Place, None] = OrderedDict()
        self._texts: OrderedDict[str, Any] = OrderedDict()
        self._flights = Flights[Any]()
        self._lock = threading.Lock()
        self._prepared = self._hits = self._evicted = 0

    def __del__(self) -> None:
        """Leave nothing with shapes that live on when the session does not."""
        for place in list(self._used):
            shape = place()
            if shape is not None:
                shape.prepared.pop(self._own, None)

    @property
    def info(self) -> CacheInfo:
        """The counters as they stand."""
        return CacheInfo(len(self._used), self._limit, self._prepared, self._hits, self._evicted)

    @property
    def _shared(self) -> Flights[Any]:
        """What is being prepared in this process; a forked child does not wait for a thread of its parent."""
        self._connection.check()
        return self._flights

    def get(self, shape: Shape[Any]) -> Prepared | None:
        """What is prepared already."""
        found: Prepared | None = shape.prepared.get(self._own)
        if found is not None:
            self._hits += 1
            try:  # noqa: SIM105 - done for each request, and a context manager costs more than the move
                self._used.move_to_end(found.place)
            except KeyError:  # another thread has just given it up, and it serves this once more
                pass
        return found

    def forget(self, shape: Shape[Any], stale: Prepared) -> None:
        """Prepare a shape again when it is needed next, unless that was done meanwhile."""
        with self._lock:
            if shape.prepared.get(self._own) is stale:
                del shape.prepared[self._own]
                self._used.pop(stale.place, None)

    def prepare(self, shape: Shape[Any], timeout: float | None) -> Prepared:
        """Prepare a shape unless that is done; this waits for the server.

        Parameters:
            timeout: seconds; None waits for as long as the driver does.

        Raises:
            RequestFailed: it cannot be prepared, or was not in time.
        """
        try:
            found: Prepared = self._shared.do(shape, partial(self._known, shape, timeout), timeout)
        except NotInTime:
            raise _late(shape) from None
        return found

    async def prepare_async(self, shape: Shape[Any], timeout: float | None) -> Prepared:
        """Prepare as `prepare` does, in a thread that all who need this shape wait for."""
        try:
            found: Prepared = await self._shared.do_async(shape, partial(self._known, shape, timeout), timeout)
        except NotInTime:
            raise _late(shape) from None
        return found

    def text(self, cql: str, timeout: float | None) -> Any:
        """Prepare text of an application's own; parameters and errors as of `prepare`."""
        try:
            return self._shared.do(cql, partial(self._known_text, cql, timeout), timeout)
        except NotInTime:
            raise _late(None) from None

    async def text_async(self, cql: str, timeout: float | None) -> Any:
        """Prepare text as `text` does, in a thread of its own."""
        try:
            return await self._shared.do_async(cql, partial(self._known_text, cql, timeout), timeout)
        except NotInTime:
            raise _late(None) from None

    def known_text(self, cql: str) -> Any:
        """Text that is prepared already."""
        with self._lock:
            found = self._texts.get(cql)
            if found is not None:
                self._texts.move_to_end(cql)
        return found

    def _known(self, shape: Shape[Any], timeout: float | None) -> Prepared:
        """What is prepared; a thread that comes just after the first one finds it."""
        return self.get(shape) or self._keep(shape, self._made(shape, timeout))

    def _known_text(self, cql: str, timeout: float | None) -> Any:
        found = self.known_text(cql)
        if found is None:
            found = self._asked(cql, None, timeout)
            with self._lock:
                self._texts[cql] = found
                if len(self._texts) > TEXTS:
                    self._texts.popitem(last=False)
        return found

    def _asked(self, cql: str, shape: Shape[Any] | None, timeout: float | None) -> Any:
        try:
            return self._connection.prepare(cql, timeout)
        except REQUEST_ERRORS as error:
            raise request_error(error, shape, sent=False)  # noqa: B904 - it has its cause

    def _made(self, shape: Shape[Any], timeout: float | None) -> Prepared:
        began = time.time_ns()
        statement = self._asked(shape.cql, shape, timeout)
        if self._watch is not None:
            self._watch.tell("prepare", shape, began)
        statement.is_idempotent = shape.may_be_retried
        if shape.conditional:
            statement.retry_policy = Paxos()
        elif not shape.may_be_retried:
            statement.retry_policy = SentOnce()
        types = {cls.__cql_name__: cls.__fields_by_cql__ for cls in getattr(shape.model, "__user_types__", ())}
        gone: Callable[[_Place], None] = partial(_give_up, self._used)
        return Prepared(statement, make_bind(statement, shape.markers, types), weakref.ref(shape, gone))

    def _keep(self, shape: Shape[Any], made: Prepared) -> Prepared:
        with self._lock:
            self._prepared += 1
            shape.prepared[self._own] = made
            self._used[made.place] = None
            while len(self._used) > self._limit:
                oldest = self._used.popitem(last=False)[0]()
                self._evicted += 1
                if oldest is not None:
                    oldest.prepared.pop(self._own, None)
        return made


def _give_up(used: OrderedDict[_Place, None], place: _Place) -> None:
    """A shape went with its class."""
    used.pop(place, None)


def _late(shape: Shape[Any] | None) -> Exception:
    """The error of a statement that another caller is preparing for longer than this one may wait."""
    return request_error(TimeoutError("the statement was not prepared in time"), shape, sent=False)
