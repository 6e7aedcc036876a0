"""A request whose success costs less, and which is the driver's own in every other case.

`FastRequest` is a `ResponseFuture` that was not initialized: it has the attributes that a plain success needs. At
anything else (an error, a timeout, a further page, a warning, unknown columns) it first takes the state that a
`ResponseFuture` would have at that moment, and the inherited method continues. So policies, retries and errors are
those of the driver.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from typing_extensions import override

from scyllamodel.driver._cassandra import ConnectionBusy, ConnectionShutdown, ResponseFuture, tuple_factory
from scyllamodel.driver.session.query_plan import ReadyHostsPolicy, ready_hosts

if TYPE_CHECKING:
    from scyllamodel.driver.session.deadlines import Deadlines

_NOT_SET: Final[Any] = getattr(ResponseFuture, "_final_result", None)
"""The driver's mark of a missing result."""

_NOT_REGISTERED: Final = (ConnectionShutdown, ConnectionBusy)
"""What ``Connection.send_msg`` raises before it has the connection call back."""


class Latch:
    """An event; a lock is made only for a thread that waits."""

    __slots__ = ("_is_set", "_waiting")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Close it again; those that waited are awake."""
        self._is_set, self._waiting = False, list[threading.Lock]()

    def is_set(self) -> bool:
        """Whether it was set."""
        return self._is_set

    def set(self) -> None:
        """Wake all threads that wait, and those that will."""
        self._is_set = True
        waiting = self._waiting
        while waiting:
            with contextlib.suppress(IndexError):  # another thread has just set it, too
                waiting.pop().release()

    def wait(self) -> None:
        """Wait until it is set."""
        if not self._is_set:
            lock = threading.Lock()
            lock.acquire()
            self._waiting.append(lock)
            if not self._is_set:  # otherwise `set` may have looked before the lock was there
                lock.acquire()


class FastRequest(ResponseFuture):  # type: ignore[misc]  # the driver ships no types
    """One execution of a prepared statement.

    Parameters:
        session: the driver's.
        profile: the execution profile.
        statement: bound.
        message: of the driver.
        handler: encodes the message, and decodes the answer.
        metadata: of the columns, as the message was made.
        timeout: seconds; None means no limit.
        start_seconds: `time.time` when it began.
    """

    _metrics = None
    _spec_execution_plan = getattr(ResponseFuture, "_spec_execution_plan", None)  # the driver's that does nothing
    _host = None
    _routing_token = None
    _page_generation = 0
    _retry_aborted = False
    _control_connection_query_attempted = False
    _continuous_paging_state = None
    _is_complete = False
    _callbacks: Sequence[Any] = ()
    _errbacks: Sequence[Any] = ()
    _listener: tuple[Callable[[Any, Any, bool], Any], Any] | None = None
    _deadlines: Deadlines | None = None

    def __init__(
        self,
        session: Any,
        profile: Any,
        statement: Any,
        message: Any,
        *,
        handler: Any,
        metadata: Any,
        timeout: float | None,
        start_seconds: float,
    ) -> None:
        self.session, self._profile, self.query, self.message = session, profile, statement, message
        self._protocol_handler, self._bound_result_metadata = handler, metadata
        self.timeout, self.start_seconds = timeout, start_seconds
        self._callback_lock = threading.Lock()
        self._event: Any = Latch()

    @override
    def __repr__(self) -> str:
        """Return the text without values, which the driver's would show with the rows."""
        prepared = getattr(self.query, "prepared_statement", None)
        text = getattr(prepared, "query_string", "")
        return f"<FastRequest {text!r}, {'ended' if self.is_ended else 'waiting'}>"

    __str__ = __repr__

    def begin(self, host: Any, pool: Any, connection: Any, request_id: int) -> None:
        """Set where the request is sent, before it is."""
        self._current_host, self._pool, self._connection, self._req_id = host, pool, connection, request_id

    def limit(self, deadlines: Deadlines) -> None:
        """Limit the time of the request."""
        self._deadlines = deadlines
        deadlines.add(self)

    def send(self) -> FastRequest | None:
        """Send the message on the connection; None if that failed before anything was sent."""
        try:
            self._connection.send_msg(
                self.message, self._req_id, self.on_response,
                self._protocol_handler.encode_message, self._protocol_handler.decode_message,
                self._bound_result_metadata,
            )  # fmt: skip
        except Exception as error:  # noqa: BLE001 - the session sends it, or raises the error
            return self.withdraw(error)
        return self

    def withdraw(self, error: Exception) -> FastRequest | None:
        """Return the stream of a request whose message was not sent.

        Parameters:
            error: why.

        Returns:
            None; the request itself if it ended meanwhile, or if the connection ended and calls back, or did.
        """
        connection, request_id = self._connection, self._req_id
        with connection.lock:
            is_pending = connection._requests.pop(request_id, None) is not None  # noqa: SLF001 - no public API
            is_orphan = request_id in connection.orphaned_request_ids
            if not (is_pending or is_orphan or isinstance(error, _NOT_REGISTERED)):
                return self
            connection.orphaned_request_ids.discard(request_id)
            connection.in_flight -= 1
            connection.request_ids.append(request_id)
        if self._deadlines is not None:
            self._deadlines.discard(self)
        return self if self._event.is_set() else None

    def on_response(self, response: Any) -> None:
        """Take the answer, or the error of the connection; the driver's thread calls this."""
        pool, connection = self._pool, self._connection
        if not getattr(response, "is_plain", False) or pool.is_shutdown or self._event.is_set():
            self.take_driver_state()
            self._set_result(self._current_host, connection, pool, response)
            return
        if pool._trash or connection.is_closed or connection.is_defunct:  # noqa: SLF001 - no public API
            pool.return_connection(connection)
        else:
            with connection.lock:
                connection.in_flight -= 1
            available = pool._stream_available_condition  # noqa: SLF001
            if available._waiters:  # noqa: SLF001 - a send of the driver waits for a stream, at most 2 seconds
                with available:
                    available.notify()
        self._finish(response)

    def _finish(self, response: Any) -> None:
        """Store the rows, and call what waits for them."""
        if self._deadlines is not None:
            self._deadlines.discard(self)
        self._col_names, self._col_types = response.column_names, response.column_types
        rows = response.parsed_rows
        with self._callback_lock:
            self._final_result = rows
            listener, self._listener = self._listener, None
            callbacks, self._callbacks = self._callbacks, ()
        self._event.set()
        if listener is not None:
            listener[0](rows, listener[1], False)  # noqa: FBT003 - see `listen`
        for function, arguments, keywords in callbacks:
            function(rows, *arguments, **keywords)

    @property
    def is_ended(self) -> bool:
        """Whether it has an answer or an error."""
        return bool(self._event.is_set())

    def wait_for_rows(self) -> Any:
        """Wait for the answer, and return its rows, or raise its error."""
        self._event.wait()
        if self._final_result is _NOT_SET:
            raise self._final_exception
        return self._final_result

    def listen(self, function: Callable[[Any, Any, bool], Any], argument: Any) -> bool:
        """Call a function as `notify` does, unless there is one already, or the request ended or is the driver's.

        This takes fewer objects than `add_callbacks`, which the garbage collector would visit again and again while
        many requests are in flight.

        Returns:
            Whether the function will be called.
        """
        with self._callback_lock:
            is_possible = self._listener is None and not self._is_complete and self._final_result is _NOT_SET
            if is_possible:
                self._listener = function, argument
        return is_possible

    def add_callbacks(  # noqa: PLR0917 - those of the driver
        self,
        callback: Callable[..., Any],
        errback: Callable[..., Any],
        callback_args: Sequence[Any] = (),
        callback_kwargs: Mapping[str, Any] | None = None,
        errback_args: Sequence[Any] = (),
        errback_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        """Call a function with the rows, or another one with the error."""
        with self._callback_lock:
            rows, error = self._final_result, self._final_exception
            self._callbacks = [*self._callbacks, (callback, callback_args, callback_kwargs or {})]
            self._errbacks = [*self._errbacks, (errback, errback_args, errback_kwargs or {})]
        if rows is not _NOT_SET:
            callback(rows, *callback_args, **(callback_kwargs or {}))
        if error is not None:
            errback(error, *errback_args, **(errback_kwargs or {}))

    def expire(self) -> None:
        """End the request, whose time is over; the driver's thread calls this."""
        if not self._event.is_set():
            self._on_timeout()

    def take_driver_state(self) -> None:
        """Take the state of a `ResponseFuture` whose first attempt was sent to the first host of its plan.

        Threads of the driver may get here at once, with an answer and with the end of the connection.
        """
        with self._callback_lock:
            if not self._is_complete:
                self._initialize()
                self._is_complete = True

    def _initialize(self) -> None:
        profile, session = self._profile, self.session
        errors: dict[Any, Exception] = {}
        self._errors = errors
        self._callbacks, self._errbacks = list(self._callbacks), list(self._errbacks)
        if self._listener is not None:
            function, argument = self._listener
            self._listener = None
            self._callbacks.insert(0, (function, (argument, False), {}))
            self._errbacks.insert(0, (function, (argument, True), {}))
        self._load_balancer = ReadyHostsPolicy(profile.load_balancing_policy, session, errors)
        self.query_plan = ready_hosts(self._other_hosts(profile.load_balancing_policy), session, errors)
        self.row_factory = tuple_factory
        self.prepared_statement = self.query.prepared_statement
        self.message.allow_beta_protocol_version = session.cluster.allow_beta_protocol_version
        self._retry_policy = self.query.retry_policy or profile.retry_policy
        self._start_time = self.start_seconds
        self.attempted_hosts = [self._current_host]
        self._control_connection_requests: dict[Any, Any] = {}

    def _other_hosts(self, policy: Any) -> Iterator[Any]:
        """Yield the hosts of a plan but the first one, to which the request was sent.

        The policy is asked again when another host is needed. To keep the plan of each request in flight costs more.
        """
        is_first = True
        for host in policy.make_query_plan(self.session.keyspace, self.query):
            if is_first and host == self._current_host:
                is_first = False
            else:
                yield host

    def _on_timeout(self, _attempts: int = 0) -> None:
        self.take_driver_state()
        ResponseFuture._on_timeout(self, _attempts)  # noqa: SLF001 - overridden here

    def _cancel_timer(self) -> None:
        if self._deadlines is not None:
            self._deadlines.discard(self)
        ResponseFuture._cancel_timer(self)  # noqa: SLF001


def notify(future: Any, function: Callable[[Any, Any, bool], Any], argument: Any) -> None:
    """Call a function with the result of a request, the argument, and whether the result is an error.

    Parameters:
        future: of this package or the driver; that may call back twice, with a timeout and a late answer.
    """
    if type(future) is not FastRequest or not future.listen(function, argument):
        future.add_callbacks(function, function, callback_args=(argument, False), errback_args=(argument, True))
