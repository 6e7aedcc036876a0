"""Checks whether a node of a background cluster is healthy: it responds to a read and to a schema change.

*In*: the address of a node. *Out*: its problem; empty if it is healthy. A node can respond to reads while all schema
changes hang, since they wait for one another in one thread.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from scyllamodel.local import wire
from scyllamodel.local.errors import LocalServerError
from scyllamodel.local.process import start_time

READ_TIMEOUT: Final = 5.0
DDL_TIMEOUT: Final = 10.0
"""Timeouts of the two probes, in seconds."""

_READ_QUERY: Final = "SELECT schema_version FROM system.local WHERE key = 'local'"
_DDL_STATEMENT: Final = "DROP KEYSPACE IF EXISTS scyllamodel_health_check"
"""Takes the whole path of a schema change without effect, since the keyspace does not exist."""

_HEAP_FULL_TEXT: Final = "OutOfMemoryError"


def find_problem(
    contact_point: str,
    pid: int,
    console: Path,
    login: tuple[str, str] | None = None,
    *,
    read_timeout: float = READ_TIMEOUT,
    ddl_timeout: float = DDL_TIMEOUT,
) -> str:
    """Return the problem of a node; empty if it is healthy.

    Parameters:
        contact_point: ``ip:port``.
        pid: id of its Java process.
        console: the file with the output of Java.
        login: user name and password, if it requires them.
    """
    if start_time(pid) is None:
        return _exit_reason(console)
    if (failure := _query_failure(_READ_QUERY, contact_point, login, read_timeout)) is not None:
        return f"a read failed within {read_timeout:g} s: {failure}"
    if (failure := _query_failure(_DDL_STATEMENT, contact_point, login, ddl_timeout)) is not None:
        return f"it responds to reads, but a schema change failed within {ddl_timeout:g} s: {failure}"
    return ""


def _query_failure(cql: str, contact_point: str, login: tuple[str, str] | None, timeout: float) -> str | None:
    """Return why a statement failed; None if it succeeded."""
    address, _, port = contact_point.rpartition(":")
    try:
        with wire.connect(address, int(port), login, timeout) as client:
            client.query(cql)
    except wire.LoginRefused:
        return None  # its password was changed: a node that requires one responds, and nothing else can be tested
    except (OSError, LocalServerError) as error:
        return str(error) or type(error).__name__
    return None


def _exit_reason(console: Path) -> str:
    """Return why a node exited, according to the output of Java."""
    try:
        is_heap_full = _HEAP_FULL_TEXT in console.read_text(encoding="utf-8", errors="replace")
    except OSError:
        is_heap_full = False
    return "its process exited because its heap was full" if is_heap_full else "its process exited"
