"""Bounds of ledger rows, since any user with access to the tables may write anything.

*In*: a row by column name. *Out*: nothing, or a value that no release writes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

LAST_VERSION: Final = 99_991_231_235_959
"""The largest version: numbers look like times with a year of four digits."""

MAX_VERSIONS: Final = 20_000
"""Versions of a scope: one per hour for two years."""

MAX_STEPS: Final = 100_000
"""Steps of a version."""

UNREADABLE: Final = "[unreadable]"
"""Key under which an undecodable row holds the reason."""

_LONG: Final = 4 * 1024 * 1024
_SHORT: Final = 64 * 1024
_INT: Final = 2**31 - 1
_MAX_FENCING_TOKEN: Final = 2**53
_TEXT: Final = (str, 0, _SHORT)
_COUNT: Final = (int, 0, MAX_STEPS)

_VERSION: Final[Mapping[str, tuple[type, int, int]]] = {
    **dict.fromkeys(
        "name kind status plan_hash models_from models_to schema_from schema_to host actor tool_version app_version "
        "server_version".split(),
        _TEXT,
    ),
    "version": (int, 1, LAST_VERSION),
    "error": (str, 0, _LONG),
    "total": _COUNT,
    "applied": _COUNT,
    "error_seq": _COUNT,
    "pid": (int, 0, _INT),
    "epoch": (int, 0, _MAX_FENCING_TOKEN),
    "models": (tuple, 0, 10_000),
    "run_id": (UUID, 0, 0),
    "started_at": (datetime, 0, 0),
    "finished_at": (datetime, 0, 0),
}
_STEP: Final[Mapping[str, tuple[type, int, int]]] = {
    **dict.fromkeys("op object state".split(), _TEXT),
    **dict.fromkeys("cql undo change error".split(), (str, 0, _LONG)),
    "seq": (int, 1, MAX_STEPS),
    "attempts": (int, 0, _INT),
    "duration_ms": (int, 0, _INT),
    "epoch": (int, 0, _MAX_FENCING_TOKEN),
    "started_at": (datetime, 0, 0),
}


def version_fault(row: Mapping[str, Any]) -> str | None:
    """Return why the row of a version is damaged; None for a sound one.

    >>> version_fault({"version": 2**63 - 1})
    'version is 9223372036854775807'
    """
    return _fault(row, _VERSION)


def step_fault(row: Mapping[str, Any]) -> str | None:
    """Return why the row of a step is damaged; None for a sound one."""
    return _fault(row, _STEP)


def _fault(row: Mapping[str, Any], bounds: Mapping[str, tuple[type, int, int]]) -> str | None:
    if UNREADABLE in row:
        return str(row[UNREADABLE])
    return next(filter(None, (_bound_fault(name, row.get(name), *bound) for name, bound in bounds.items())), None)


def _bound_fault(name: str, value: Any, kind: type, minimum: int, maximum: int) -> str | None:
    if value is None:
        return None
    if not isinstance(value, (tuple, list) if kind is tuple else kind):
        return f"{name} is of the type {type(value).__name__}"
    size: Any = value if kind is int else len(cast("Sequence[Any]", value)) if kind in (str, tuple) else minimum
    if minimum <= size <= maximum:
        return None
    return f"{name} is {size}" if kind is int else f"{name} has the length {size:,}"
