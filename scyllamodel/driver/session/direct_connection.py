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
from typing import TYPE_CHECKING, Any, Final

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
_answers: Final = HeldMessages()
"""Messages sent by what the driver's thread calls with an answer; there is one event loop in a process."""


class DirectSending:
    """The methods of a connection of libev that differ.

    Attributes:
        reactor: the driver's module.
        deque: messages that wait, as the driver has them.
    """

    if TYPE_CHECKING:
        reactor: Any
        deque: deque[bytes]
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

    def push(self, data: bytes) -> None:
        """Send a message, unless this thread holds its messages back or the socket is full."""
        held = holds.get(threading.get_ident())
        with self._deque_lock:
            waiting = self.deque
            waiting.append(data)
            if held is not None and len(waiting) < MAX_BATCH:
                held.connections[self] = None
                return
            self._send_waiting()
            if not waiting:
                return
        self._wake_event_loop()

    def send_held(self) -> None:
        """Send what was held back."""
        with self._deque_lock:
            self._send_waiting()
            if not self.deque:
                return
        self._wake_event_loop()

    def _wake_event_loop(self) -> None:
        self.reactor._global_loop.notify()  # noqa: SLF001 - as the driver does

    def close(self) -> None:
        """Close the connection.

        The event loop closes the socket after this, whose number the system uses again: no thread is sending then.
        """
        self._is_closing = True
        with self._deque_lock:
            pass
        super().close()  # type: ignore[misc]  # of the driver's class

    def handle_read(self, watcher: Any, revents: int, errno: int | None = None) -> None:
        """Read answers; the thread of the event loop calls this."""
        is_outermost = _answers.begin()
        try:
            super().handle_read(watcher, revents, errno)  # type: ignore[misc]
        finally:
            if is_outermost:
                _answers.end()
                _answers.send()
                if self.deque:  # of a thread that counts on this
                    self.send_held()

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
        """Send what is waiting; the thread of the event loop calls this."""
        if self._is_closing or revents & self.reactor.libev.EV_ERROR:
            super().handle_write(watcher, revents, errno)  # type: ignore[misc]
            return
        with self._deque_lock:
            error = self._send_waiting()
        if error is not None:
            self.defunct(error)

    def _send_waiting(self) -> OSError | None:
        """Send what is waiting, as far as the socket takes it, under the lock.

        Returns:
            An error other than a full socket. It comes up again when the event loop writes the rest, and ends the
            connection there.
        """
        waiting = self.deque
        while waiting and not self._is_closing:
            data = waiting[0] if len(waiting) == 1 else b"".join(waiting)
            try:
                sent = self._socket.send(data)
            except OSError as error:
                if error.errno not in self.reactor.NONBLOCKING:
                    return error
                sent = 0
            waiting.clear()
            if sent < len(data):
                waiting.append(data[sent:])
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
