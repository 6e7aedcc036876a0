"""Finds free ports on several addresses.

*In*: the addresses of all nodes. *Out*: ports that are free on each of them, since all nodes of a cluster use the same.
"""

from __future__ import annotations

import socket
from contextlib import ExitStack

import attrs

from scyllamodel.local.errors import LocalServerError

_MAX_ATTEMPTS = 20


@attrs.frozen
class Ports:
    """Ports that all nodes share, since drivers do not always learn the ports of peers."""

    native: int
    storage: int


def free_ports(addresses: list[str]) -> Ports:
    """Return two ports that are free on all of these addresses at this moment.

    Raises:
        LocalServerError: as in `free_port`.
    """
    native = storage = free_port(addresses)
    while storage == native:
        storage = free_port(addresses)
    return Ports(native, storage)


def free_port(addresses: list[str]) -> int:
    """Return a port that is free on all of these addresses at this moment.

    Raises:
        LocalServerError: an address does not belong to this machine, or no common port was found.
    """
    for _ in range(_MAX_ATTEMPTS):
        with ExitStack() as stack:
            port = _bind(stack, addresses[0], 0)
            if port is not None and all(_bind(stack, address, port) for address in addresses[1:]):
                return port
    raise LocalServerError(f"No port was found that is free on all of {', '.join(addresses)}.")


def is_free(addresses: list[str], port: int) -> bool:
    """Return whether a port is free on all of these addresses."""
    with ExitStack() as stack:
        return all(_bind(stack, address, port) for address in addresses)


def _bind(stack: ExitStack, address: str, port: int) -> int | None:
    """Bind a port until the stack is closed, and return it; None if it is in use."""
    listener = stack.enter_context(socket.socket())
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does: old connections may linger
    try:
        listener.bind((address, port))
    except OSError as error:
        if _is_local_address(address):
            return None
        message = (
            f"{address} is not an address of this machine, and each node needs one of its own.\n"
            f"On macOS, run  sudo ifconfig lo0 alias {address}  first."
        )
        raise LocalServerError(message) from error
    bound_port: int = listener.getsockname()[1]
    return bound_port


def _is_local_address(address: str) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
