"""The state of a keyspace, from its newest version and the lock."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from uuid import UUID

import attrs
import pytest

from scyllamodel.release.engine.crash_detection import has_crashed
from scyllamodel.release.engine.ledger_access import known_columns
from scyllamodel.release.ledger import Migration
from scyllamodel.release.ledger.tables import LOCK, MIGRATIONS, STEPS
from scyllamodel.release.lock import LockRow
from scyllamodel.release.status import LockHolder, lock_holder, version_state
from support.builders import schema, table

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("status", "dead", "state", "failed"),
    [
        (None, False, "none", False),
        ("applied", False, "applied", False),
        ("partial", True, "partial", True),
        ("failed", False, "failed", True),
        ("running", False, "running", False),
        ("running", True, "interrupted", True),
        ("baseline", False, "baseline", False),
    ],
)
def test_state_and_failure(status, dead, state, failed):
    """A version that did not succeed has the reason, and one whose run is dead is interrupted."""
    head = status and Migration("k/default", 1, status=status, error="nodes disagree")
    result = version_state(head or None, crashed=dead)

    assert (state, failed) == (result[0], result[1] is not None)


@pytest.mark.parametrize(
    ("row", "silent_seconds", "dead"),
    [
        (None, None, True),
        (LockRow("k", None, 7, lease_ms=30_000), 1.0, True),
        (LockRow("k", UUID(int=1), 8, lease_ms=30_000), 1.0, True),
        (LockRow("k", UUID(int=1), 7, lease_ms=30_000), 1.0, False),
        (LockRow("k", UUID(int=1), 7, lease_ms=30_000), 59.0, False),
        (LockRow("k", UUID(int=1), 7, lease_ms=30_000), 61.0, True),
        (LockRow("k", UUID(int=1), 7, lease_ms=30_000), None, False),
    ],
)
def test_a_dead_run_is_distinguished_from_a_live_one(row, silent_seconds, dead):
    """A run is dead if the lock is free, belongs to another run, or was not renewed for two leases."""
    assert dead == has_crashed(Migration("k/default", 1, status="running", epoch=7), row, silent_seconds)


def test_the_holder_of_the_lock():
    """The holder of the lock and its age, which is never negative; None if the lock is free."""
    row = LockRow("k", UUID(int=1), 3, 4, host="h", pid=17, purpose="sync", acquired_at=NOW, version=1, step=2)

    assert LockHolder(UUID(int=1), "h", 17, "sync", 5.0, 1, 2) == lock_holder(row, NOW + timedelta(seconds=5))
    assert 0.0 == lock_holder(row, NOW - timedelta(seconds=5)).age
    assert lock_holder(LockRow("k"), NOW) is None


def test_columns_that_are_there_and_known():
    """Only columns that both the table and this release have are read and written."""
    older = attrs.evolve(MIGRATIONS, columns=[column for column in MIGRATIONS if column.name != "app_version"])
    newer = attrs.evolve(STEPS, columns=[*STEPS, table("x", "id int pk", "later int")["later"]])
    columns = known_columns(schema(older, newer, LOCK, table("t")))

    assert {MIGRATIONS.name, STEPS.name} == set(columns)
    assert {column.name for column in MIGRATIONS} - {"app_version"} == columns[MIGRATIONS.name]
    assert {column.name for column in STEPS} == columns[STEPS.name]
