"""Free ports, found by asking the system.

*In*: the addresses of all nodes. *Out*: ports that are free on each of them, since the nodes of a cluster share theirs.
"""

from __future__ import annotations

import socket
from contextlib import ExitStack

import attrs

from scyllamodel.local.errors import LocalServerError

_TRIES = 20


@attrs.frozen
class Ports:
    """Ports that all nodes share: drivers learn the addresses of peers, and not always their ports."""

    native: int
    storage: int


def free_ports(addresses: list[str]) -> Ports:
    """Two ports that are free on all of these addresses at this moment.

    Raises:
        LocalServerError: as for `free_port`.
    """
    native = storage = free_port(addresses)
    while storage == native:
        storage = free_port(addresses)
    return Ports(native, storage)


def free_port(addresses: list[str]) -> int:
    """A port that is free on all of these addresses at this moment.

    Raises:
        LocalServerError: an address is not one of this machine, or no common port was found.
    """
    for _ in range(_TRIES):
        with ExitStack() as stack:
            port = _bound(stack, addresses[0], 0)
            if port is not None and all(_bound(stack, address, port) for address in addresses[1:]):
                return port
    raise LocalServerError(f"No port was found that is free on all of {', '.join(addresses)}.")


def is_free(addresses: list[str], port: int) -> bool:
    """Whether nothing listens on this port of these addresses."""
    with ExitStack() as stack:
        return all(_bound(stack, address, port) for address in addresses)


def _bound(stack: ExitStack, address: str, port: int) -> int | None:
    """The port, bound until the stack is closed, or None when it is taken."""
    listener = stack.enter_context(socket.socket())
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does: old connections may linger
    try:
        listener.bind((address, port))
    except OSError as error:
        if _is_ours(address):
            return None
        message = (
            f"{address} is not an address of this machine, and each node needs one of its own.\n"
            f"On macOS, run  sudo ifconfig lo0 alias {address}  first."
        )
        raise LocalServerError(message) from error
    chosen: int = listener.getsockname()[1]
    return chosen


def _is_ours(address: str) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
