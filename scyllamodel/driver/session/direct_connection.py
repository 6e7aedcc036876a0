"""A connection whose messages are sent by the thread that has them, and whose answers are taken from large reads.

The driver queues each message, and wakes the thread of its event loop to send it; the caller's thread and that one then
compete for the interpreter. Here a thread sends its own message. What the callbacks of one read of the socket send goes
out together when the read ends (`HeldMessages`). Only for libev, the driver's event loop where it is built with it, and
without TLS, whose sockets must not be used by two threads at once.

In: the driver's connection class. Out: a subclass, given to the driver as ``Cluster.connection_class``.
"""

from __future__ import annotations

import inspect
import sys
import threading
from collections import deque
from collections.abc import Mapping
from functools import lru_cache
from io import BytesIO
from operator import not_
from typing import TYPE_CHECKING, Any, Final

from scyllamodel._backoff import Backoff, poll
from scyllamodel.driver._cassandra import ConnectionShutdown
from scyllamodel.driver.session.fork_safety import call_in_child, generation
from scyllamodel.driver.session.held_messages import MAX_BATCH, HeldMessages, holds
from scyllamodel.driver.session.segments import TableCodec

_METHODS: Final[Mapping[str, str]] = {
    "push": "self data",
    "close": "self",
    "defunct": "self exc",
    "handle_write": "self watcher revents errno",
    "handle_read": "self watcher revents errno",
    "process_io_buffer": "self",
    "process_msg": "self header body",
}
_LOCK_SECONDS: Final = 0.1
_CLOSE_SECONDS: Final = 1.0
"""Seconds that the event loop, and a thread that closes a connection, wait for a thread that is sending."""

_CLOSE_PAUSES: Final = Backoff(0.001, 0.001)

_answers: Final = HeldMessages()
"""Messages sent by what the driver's thread calls with an answer; there is one event loop in a process."""

call_in_child(_answers.connections.clear)


class DirectSending:
    """The methods of a connection of libev that differ.

    An exception of a signal handler, such as Ctrl-C, may come after the system took a message and before this class
    knows how much of it. What to send next is unknown then, and the connection ends.

    Attributes:
        reactor: the driver's module.
        deque: messages that wait, as the driver has them.
    """

    if TYPE_CHECKING:
        reactor: Any
        deque: deque[bytes | memoryview]
        _deque_lock: threading.Lock
        _socket: Any
        _io_buffer: Any
        _segment_codec: Any
        _current_frame: Any
        _is_checksumming_enabled: bool
        _socket_writable: bool
        defunct: Any
        process_msg: Any

    in_buffer_size = 1 << 16
    """Bytes of one read; the driver's 4096 make hundreds of reads of one page of rows."""

    _is_closing = False
    _is_broken = False
    _sending_thread = 0
    _generation = 0

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        self._generation = generation()
        super().__init__(*arguments, **keywords)

    def push(self, data: bytes) -> None:
        """Send a message, unless this thread holds its messages back or the socket is full.

        Raises:
            ConnectionShutdown: this process was forked from the one that opened the connection. The driver's own
                message would wait for a thread that does not exist here; this one would reach the server, and its
                answer another request of the parent.
        """
        if self._generation != generation():
            raise ConnectionShutdown("The connection was opened by the parent of this process.")
        held = holds.get(threading.get_ident())
        self.deque.append(data)
        if held is not None and len(self.deque) < MAX_BATCH:
            held.connections[self] = None
        else:
            self.send_held()

    def send_held(self) -> None:
        """Send what was held back.

        A signal handler or a finalizer may call this in the middle of a send of its own thread, which continues later.
        In a forked child it does nothing: the parent sends, and a thread of the parent may have held the lock.
        """
        if self._generation != generation():
            return
        thread = threading.get_ident()
        if self._sending_thread != thread:
            with self._deque_lock:
                self._sending_thread = thread
                try:
                    self._send_waiting()
                finally:
                    self._sending_thread = 0
        if self.deque:
            self._wake_event_loop()

    def _wake_event_loop(self) -> None:
        self.reactor._global_loop.notify()  # noqa: SLF001 - as the driver does

    def close(self) -> None:
        """Close the connection.

        The event loop closes the socket after this, whose number the system uses again: no thread is sending then. The
        lock is only watched: an exception of a signal handler after it was acquired would leave it locked.
        """
        self._is_closing = True
        if self._sending_thread != threading.get_ident():
            poll(self._deque_lock.locked, until=not_, timeout=_CLOSE_SECONDS, backoff=_CLOSE_PAUSES)
        super().close()  # type: ignore[misc]  # of the driver's class

    def handle_read(self, watcher: Any, revents: int, errno: int | None = None) -> None:
        """Read answers; the thread of the event loop calls this."""
        is_outermost = _answers.begin()
        try:
            super().handle_read(watcher, revents, errno)  # type: ignore[misc]
        finally:
            if is_outermost:
                _answers.end()
                while _answers.connections:
                    connection: Any = _answers.connections.popitem()[0]
                    connection.handle_write(None, 0)

    def process_io_buffer(self) -> None:
        """Handle what was read: whole messages in whole segments at once, everything else as the driver does."""
        buffers = self._io_buffer
        codec = self._segment_codec if self._is_checksumming_enabled else None
        if type(codec) is TableCodec and self._current_frame is None and not buffers.cql_frame_buffer.tell():
            data = buffers.io_buffer.getvalue()
            messages, length = codec.read_messages(data)
            if length:
                buffers._io_buffer = rest = BytesIO()  # noqa: SLF001 - no public API
                rest.write(data[length:])
                for frame, body in messages:
                    self.process_msg(frame, body)
                if length == len(data):
                    return
        super().process_io_buffer()  # type: ignore[misc]

    def handle_write(self, watcher: Any, revents: int, errno: int | None = None) -> None:
        """Send what is waiting; the thread of the event loop calls this.

        It waits for a thread that is sending for a moment only: that may be interrupted by a signal handler that waits
        for an answer. The event loop calls this again then.
        """
        if self._is_closing:
            return
        if revents & self.reactor.libev.EV_ERROR:
            super().handle_write(watcher, revents, errno)  # type: ignore[misc]
            return
        if not self._deque_lock.acquire(timeout=_LOCK_SECONDS):
            return
        try:
            error = self._send_waiting()
        finally:
            self._deque_lock.release()
        if error is not None:
            self.defunct(error)

    def _send_waiting(self) -> OSError | None:
        """Send what is waiting, as far as the socket takes it, under the lock.

        Returns:
            An error other than a full socket. It comes up again when the event loop writes the rest, and ends the
            connection there.
        """
        if self._is_broken:
            return ConnectionAbortedError("A thread was interrupted while it sent a message.")
        waiting = self.deque
        while waiting and not self._is_closing:
            try:
                data = waiting.popleft()
                if waiting:
                    data = b"".join([data, *(waiting.popleft() for _ in range(len(waiting)))])
                try:
                    sent = self._socket.send(data)
                except OSError as error:
                    if error.errno not in self.reactor.NONBLOCKING:
                        waiting.appendleft(data)
                        return error
                    sent = 0
                if sent < len(data):
                    waiting.appendleft(memoryview(data)[sent:])
            except BaseException:
                self._is_broken = True
                waiting.appendleft(b"")  # the event loop looks only at connections where something is waiting
                self._wake_event_loop()
                raise
            if not sent:
                self._socket_writable = False
                return None
        self._socket_writable = True
        return None


@lru_cache(maxsize=4)
def direct_connection(base: Any) -> Any:
    """Return a subclass of a connection class that sends directly; the class itself where that is not possible."""
    reactor: Any = sys.modules.get("cassandra.io.libevreactor")
    if reactor is None or base is not getattr(reactor, "LibevConnection", None) or not _has_methods(base):
        return base
    bases: tuple[Any, ...] = (DirectSending, base)
    return type("DirectConnection", bases, {"reactor": reactor})


def _has_methods(base: Any) -> bool:
    """Whether the methods that are replaced, or called, have the parameters that this module knows."""
    return all(" ".join(inspect.signature(getattr(base, name)).parameters) == text for name, text in _METHODS.items())
