"""Forged rows of lock and ledger: a command works, or says which row to delete, and then works."""

from __future__ import annotations

import forged
import pytest

from scyllamodel import Column, Model, column, history, migrate, partition_key

pytestmark = pytest.mark.live


class Guest(Model, table="guests", repo="forged"):
    """A table with a history."""

    id: Column[int] = partition_key()
    note: Column[str | None] = column(default=None)


@pytest.fixture(scope="module")
def migrated(scylla_cluster, scylla_repo):
    """A repo whose models are migrated."""
    with scylla_cluster.repo(scylla_repo.keyspace, models=[__name__], name="forged") as found:
        migrate(found)
        yield found


@pytest.fixture
def repo(migrated):
    """A repo whose history has one version that holds one step, and whose lock is free."""
    for table in (forged.LOCK, forged.MIGRATIONS, forged.STEPS):
        migrated.raw(f"TRUNCATE {migrated.keyspace}.{table}")
    forged.commands(migrated, "guests")["migrate"]()
    return migrated


@pytest.mark.parametrize("what", forged.LOCKS)
def test_a_forged_lock_is_named_and_heals(repo, what):
    """By `unlock --force`, or by the statement that the message says."""
    repo.raw(forged.text(forged.LOCKS[what], repo, 0))
    errors = forged.refusals(repo, "guests")

    assert "migrate" in errors
    assert f"lock row of keyspace {repo.keyspace}" in str(errors["migrate"])
    forged.healed(repo, errors["migrate"])
    assert {} == forged.refusals(repo, "guests")


@pytest.mark.parametrize("what", forged.VERSIONS)
def test_a_forged_history_is_named_and_heals(repo, what):
    """Each command works, or its message has the statement after which it does."""
    repo.raw(forged.text(forged.VERSIONS[what], repo, history(repo)[0].version))
    for _ in range(3):
        errors = forged.refusals(repo, "guests")
        if not errors:
            break
        forged.healed(repo, next(iter(errors.values())))

    assert {} == errors
