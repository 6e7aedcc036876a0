"""Detects that a connection was opened by the parent of this process.

A driver session hangs in a forked child, even with a timeout, because the thread that reads its answers stayed in the
parent. Every holder of a session stores `generation()` and compares it before each use, which costs less than
``os.getpid``.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable
from typing import Any, Final

from scyllamodel.driver import _cassandra  # registers the driver's exit handler, which must run after the one below
from scyllamodel.errors import ConnectionFailed

_generation = [0]


def generation() -> int:
    """Return a number that differs between a process and its forked children."""
    return _generation[0]


def call_in_child(function: Callable[[], object]) -> None:
    """Call a function in each process forked from this one, on systems that fork."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=function)


def _count_fork() -> None:
    _generation[0] += 1


call_in_child(_count_fork)

abandoned_objects: Final[list[object]] = []
"""Objects of the parent, kept from the garbage collector, which would close them and wait for threads that do not exist
here."""


def discard_inherited_loop() -> None:
    """Discard the driver's event loop of the parent process, so that the driver makes a new one here.

    The driver would do this too, but closes each connection of the parent under its lock. A thread of the parent that
    held such a lock at the fork never releases it in the child, which then hangs in ``Cluster.connect`` or at exit
    (seen on scylla-driver 3.29.12). Here the sockets are closed without a lock.
    """
    for module in _cassandra.loop_modules():
        loop: Any = getattr(module, "_global_loop", None)
        if loop is None or loop._pid == os.getpid():  # noqa: SLF001 - the driver has no public API for it
            continue
        abandoned_objects.append(loop)
        module._global_loop = None  # noqa: SLF001
        connections: dict[int, Any] = getattr(module, "_dispatcher_map", {})  # asyncore keeps its connections here
        for connection in [*getattr(loop, "_live_conns", ()), *connections.values()]:
            if getattr(connection, "_socket", None) is not None:
                connection._socket.close()  # noqa: SLF001
        connections.clear()


atexit.register(discard_inherited_loop)


def _forget_inherited_clusters() -> None:
    """Keep the driver from shutting down the clusters of the parent when a child exits.

    A thread of the parent may have held one of their locks at the fork, and the child would wait for it forever. The
    driver does the same since scylla-driver 3.29.12.
    """
    inherited_clusters = _cassandra.clusters_to_shut_down()
    abandoned_objects.extend(inherited_clusters)
    inherited_clusters.clear()


call_in_child(_forget_inherited_clusters)


def check_not_forked(opened_generation: int, label: str) -> None:
    """Refuse a connection of the parent process.

    Raises:
        ConnectionFailed: this process was forked after ``opened_generation`` was taken.
    """
    if opened_generation != _generation[0]:
        raise ConnectionFailed(
            f"{label} was opened before this process was forked, and its sockets belong to the parent. Open a new one "
            "in the child (in a pre-fork server: in its post-fork hook)."
        )
