"""Checks that each keyspace has one lock: programs that keep it in two tables do not exclude one another.

*In*: a coordinator, the keyspace to change, the keyspace of the internal tables. *Out*: nothing, or an error.
"""

from __future__ import annotations

from typing import Final

from scyllamodel._identifiers import qualified, string_literal
from scyllamodel.driver.cluster.coordinator import Coordinator
from scyllamodel.driver.outcomes import DRIVER_ERRORS
from scyllamodel.errors import ConfigurationError
from scyllamodel.release.ledger.tables import LOCK

_LOCK_TABLES: Final = f"SELECT keyspace_name FROM system_schema.tables WHERE table_name = '{LOCK.name}' ALLOW FILTERING"  # noqa: S608 - a constant


def check_lock_is_unique(coordinator: Coordinator, keyspace: str, lock_keyspace: str) -> None:
    """Check that no other lock table has a row of this keyspace.

    Raises:
        ConfigurationError: another one has (LG102).
    """
    for other_keyspace in _lock_keyspaces(coordinator):
        if other_keyspace != lock_keyspace and _has_lock_row(coordinator, other_keyspace, keyspace):
            raise ConfigurationError(
                _two_locks_message(keyspace, lock_keyspace, other_keyspace),
                setting="ledger_keyspace",
                keyspace=keyspace,
            )


def _two_locks_message(keyspace: str, lock_keyspace: str, other_keyspace: str) -> str:
    own_table, other_table = qualified(lock_keyspace, LOCK.name), qualified(other_keyspace, LOCK.name)
    removal = f"DELETE FROM {other_table} WHERE name = {string_literal(keyspace)}"  # noqa: S608 - quoted
    return (
        f"LG102 Other programs keep the lock of keyspace {keyspace} in {other_table}, and this repo would keep it in "
        f"{own_table}: two locks do not exclude each other. Configure the same ledger_keyspace= everywhere. If "
        f"{other_table} is no longer used, remove the row: {removal}"
    )


def _lock_keyspaces(coordinator: Coordinator) -> list[str]:
    try:
        return sorted(row["keyspace_name"] for row in coordinator.rows(_LOCK_TABLES))
    except DRIVER_ERRORS:  # no permission to read these tables; the lock works without this check
        return []


def _has_lock_row(coordinator: Coordinator, lock_keyspace: str, keyspace: str) -> bool:
    cql = f"SELECT name FROM {qualified(lock_keyspace, LOCK.name)} WHERE name = {string_literal(keyspace)}"  # noqa: S608 - quoted
    try:
        return bool(coordinator.rows(cql))
    except DRIVER_ERRORS:
        return False
