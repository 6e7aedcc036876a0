"""Forged rows of lock and ledger: a command works, or its error says which row to delete, and then it works."""

from __future__ import annotations

import pytest

from scyllamodel import Column, Model, column, history, migrate, partition_key
from support import forged_rows

pytestmark = pytest.mark.live


class Guest(Model, table="guests", repo="forged"):
    """A table with a history."""

    id: Column[int] = partition_key()
    note: Column[str | None] = column(default=None)


@pytest.fixture(scope="module")
def migrated(scylla_cluster, scylla_repo):
    """A repo whose models have been migrated."""
    with scylla_cluster.repo(scylla_repo.keyspace, models=[__name__], name="forged") as new_repo:
        migrate(new_repo)
        yield new_repo


@pytest.fixture
def repo(migrated):
    """A repo whose history is one version with one step, and whose lock is free."""
    for table in (forged_rows.LOCK, forged_rows.MIGRATIONS, forged_rows.STEPS):
        migrated.raw(f"TRUNCATE {migrated.keyspace}.{table}")
    forged_rows.commands(migrated, "guests")["migrate"]()
    return migrated


@pytest.mark.parametrize("what", forged_rows.LOCKS)
def test_a_forged_lock_is_named_and_heals(repo, what):
    """A command with a forged lock names it, and works after `unlock --force` or the statement in the message."""
    repo.raw(forged_rows.text(forged_rows.LOCKS[what], repo, 0))
    errors = forged_rows.refusals(repo, "guests")

    assert "migrate" in errors
    assert f"lock row of keyspace {repo.keyspace}" in str(errors["migrate"])
    forged_rows.healed(repo, errors["migrate"])
    assert {} == forged_rows.refusals(repo, "guests")


@pytest.mark.parametrize("what", forged_rows.VERSIONS)
def test_a_forged_history_is_named_and_heals(repo, what):
    """Each command works despite a forged history, or works after the statement in its message."""
    repo.raw(forged_rows.text(forged_rows.VERSIONS[what], repo, history(repo)[0].version))
    for _ in range(3):
        errors = forged_rows.refusals(repo, "guests")
        if not errors:
            break
        forged_rows.healed(repo, next(iter(errors.values())))

    assert {} == errors
