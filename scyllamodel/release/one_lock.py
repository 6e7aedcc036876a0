"""That one keyspace has one lock: two programs that keep it in two places exclude nobody.

*In*: a coordinator, the keyspace that is to change, the keyspace that holds our tables. *Out*: nothing, or an error.
"""

from __future__ import annotations

from typing import Final

from scyllamodel._identifiers import qualified, string_literal
from scyllamodel.driver.coordinator import Coordinator
from scyllamodel.driver.failures import DRIVER_ERRORS
from scyllamodel.errors import ConfigurationError
from scyllamodel.release.tables import LOCK

_HOMES: Final = f"SELECT keyspace_name FROM system_schema.tables WHERE table_name = '{LOCK.name}' ALLOW FILTERING"  # noqa: S608 - a constant


def check_one_lock(coordinator: Coordinator, keyspace: str, home: str) -> None:
    """Look whether another table of locks knows this keyspace.

    Raises:
        ConfigurationError: one does (LG102).
    """
    for other in _homes(coordinator):
        if other != home and _knows(coordinator, other, keyspace):
            raise ConfigurationError(_twice(keyspace, home, other), setting="ledger_keyspace", keyspace=keyspace)


def _twice(keyspace: str, home: str, other: str) -> str:
    here, there = qualified(home, LOCK.name), qualified(other, LOCK.name)
    remove = f"DELETE FROM {there} WHERE name = {string_literal(keyspace)}"  # noqa: S608 - quoted
    return (
        f"LG102 The lock of keyspace {keyspace} is kept in {there} by other programs, and this repo would keep it in "
        f"{here}: two locks exclude nobody. Let all of them name the same ledger_keyspace=. If {there} is out of use, "
        f"remove the row: {remove}"
    )


def _homes(coordinator: Coordinator) -> list[str]:
    try:
        return sorted(row["keyspace_name"] for row in coordinator.rows(_HOMES))
    except DRIVER_ERRORS:  # no right to look around; the lock itself still works
        return []


def _knows(coordinator: Coordinator, home: str, keyspace: str) -> bool:
    cql = f"SELECT name FROM {qualified(home, LOCK.name)} WHERE name = {string_literal(keyspace)}"  # noqa: S608 - quoted
    try:
        return bool(coordinator.rows(cql))
    except DRIVER_ERRORS:
        return False
