"""Whether a node of a background cluster is well: it answers a read, and it can change its schema.

*In*: where a node listens. *Out*: what is wrong with it, in a sentence; empty when it is well. A node can be half dead:
reads are answered while every schema change hangs, as schema changes wait for one another in one thread.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from scyllamodel.local import wire
from scyllamodel.local.errors import LocalServerError
from scyllamodel.local.process import start_time

READ_TIMEOUT: Final = 5.0
DDL_TIMEOUT: Final = 10.0
"""Seconds for an answer to each probe."""

_READ: Final = "SELECT schema_version FROM system.local WHERE key = 'local'"
_DDL: Final = "DROP KEYSPACE IF EXISTS scyllamodel_health_check"
"""Passes through all that a schema change passes through, and changes nothing: there is no such keyspace."""

_FULL: Final = "OutOfMemoryError"


def problem_of(
    contact_point: str,
    pid: int,
    console: Path,
    login: tuple[str, str] | None = None,
    *,
    read_timeout: float = READ_TIMEOUT,
    ddl_timeout: float = DDL_TIMEOUT,
) -> str:
    """What is wrong with a node; empty when it is well.

    Parameters:
        contact_point: ``ip:port``.
        pid: of its Java.
        console: the file that Java writes its output to.
        login: name and password, where it asks for them.
    """
    if start_time(pid) is None:
        return _end_of(console)
    if (failure := _fails(_READ, contact_point, login, read_timeout)) is not None:
        return f"a read failed within {read_timeout:g} s: {failure}"
    if (failure := _fails(_DDL, contact_point, login, ddl_timeout)) is not None:
        return f"it answers reads, but a schema change failed within {ddl_timeout:g} s: {failure}"
    return ""


def _fails(cql: str, contact_point: str, login: tuple[str, str] | None, timeout: float) -> str | None:
    """Why a statement got no answer, or None."""
    address, _, port = contact_point.rpartition(":")
    try:
        with wire.connected(address, int(port), login, timeout) as client:
            client.query(cql)
    except wire.RefusedLogin:
        return None  # its password was changed: a node that asks for one answers, and no more can be found out
    except (OSError, LocalServerError) as error:
        return str(error) or type(error).__name__
    return None


def _end_of(console: Path) -> str:
    """Why a node ended, as far as Java said it."""
    try:
        full = _FULL in console.read_text(encoding="utf-8", errors="replace")
    except OSError:
        full = False
    return "its process ended, since its heap was full" if full else "its process ended"
