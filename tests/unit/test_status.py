"""Where a keyspace stands, from the newest version and the lock."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from uuid import UUID

import attrs
import pytest
from build import schema, table

from scyllamodel.release.books import known_columns
from scyllamodel.release.ledger import Migration
from scyllamodel.release.lock import LockRow
from scyllamodel.release.status import LockHolder, state_of
from scyllamodel.release.tables import LOCK, MIGRATIONS, STEPS

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
HOLDER = LockHolder(UUID(int=1))


@pytest.mark.parametrize(
    ("status", "lock", "state", "failed"),
    [
        (None, None, "none", False),
        ("applied", None, "applied", False),
        ("partial", None, "partial", True),
        ("failed", HOLDER, "failed", True),
        ("running", HOLDER, "running", False),
        ("running", None, "interrupted", True),
        ("baseline", None, "baseline", False),
    ],
)
def test_state_and_failure(status, lock, state, failed):
    """What did not end well says why; a version that runs while nobody holds the lock was interrupted."""
    head = status and Migration("k/default", 1, status=status, error="nodes disagree")
    found = state_of(head or None, lock)

    assert (state, failed) == (found[0], found[1] is not None)


def test_the_holder_of_the_lock():
    """Who holds it for how long; nobody when it is free; never for less than no time."""
    row = LockRow("k", UUID(int=1), 3, 4, host="h", pid=17, purpose="sync", acquired_at=NOW, version=1, step=2)

    assert LockHolder(UUID(int=1), "h", 17, "sync", 5.0, 1, 2) == LockHolder.of(row, NOW + timedelta(seconds=5))
    assert 0.0 == LockHolder.of(row, NOW - timedelta(seconds=5)).age
    assert LockHolder.of(LockRow("k"), NOW) is None


def test_columns_that_are_there_and_known():
    """An older table lacks some, a newer one has more; only what both know is read and written."""
    older = attrs.evolve(MIGRATIONS, columns=[column for column in MIGRATIONS if column.name != "app_version"])
    newer = attrs.evolve(STEPS, columns=[*STEPS, table("x", "id int pk", "later int")["later"]])
    found = known_columns(schema(older, newer, LOCK, table("t")))

    assert {MIGRATIONS.name, STEPS.name} == set(found)
    assert {column.name for column in MIGRATIONS} - {"app_version"} == found[MIGRATIONS.name]
    assert {column.name for column in STEPS} == found[STEPS.name]
