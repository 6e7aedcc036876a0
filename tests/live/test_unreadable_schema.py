"""Tables that this release cannot read, beside those of models."""

from __future__ import annotations

import pytest

from scyllamodel import (
    Column,
    IntrospectionError,
    Model,
    check,
    clustering_key,
    inspect,
    migrate,
    partition_key,
    plan,
    rollback,
)
from scyllamodel.types import parse_type
from support.servers import needs_any_schema

pytestmark = pytest.mark.live

DEEP = f"{'frozen<list<' * 150}int{'>>' * 150}"


class Beside(Model, repo="unreadable", table="beside"):
    id: Column[int] = partition_key()
    at: Column[int] = clustering_key()


class Odd(Model, repo="unreadable_declared", table="odd"):
    id: Column[int] = partition_key()


@needs_any_schema
def test_other_tables_stop_no_command(scylla_cluster, scylla_repo):
    """Unreadable tables are notes that name them, until a model declares one."""
    keyspace = scylla_repo.keyspace
    scylla_repo.raw(f"CREATE TABLE {keyspace}.odd (id int PRIMARY KEY) WITH bloom_filter_fp_chance = NaN")
    scylla_repo.raw(f"CREATE TABLE {keyspace}.deep (id int PRIMARY KEY, v {DEEP})")
    with scylla_cluster.repo(keyspace, name="unreadable", models=[__name__]) as repo:
        assert [f"{keyspace}.deep", f"{keyspace}.odd"] == [note.object for note in plan(repo).notes]
        assert 1 == len(migrate(repo).plan.cql)
        assert check(repo).in_sync
        assert ["deep", "odd"] == [item.name for item in inspect(repo)[keyspace].unreadable]
        assert "rolled_back" == rollback(repo, 0, allow={"DS102"}).status
    declared = scylla_cluster.repo(keyspace, name="unreadable_declared", models=[__name__])
    with declared as repo, pytest.raises(IntrospectionError, match=rf"{keyspace}\.odd of .* bloom_filter_fp_chance"):
        plan(repo)


def test_a_type_of_the_deepest_kind_is_read(scylla_repo):
    """A type at the limit of nesting is read."""
    deep = f"{'frozen<list<' * 32}int{'>>' * 32}"
    scylla_repo.raw(f"CREATE TABLE {scylla_repo.keyspace}.lists (id int PRIMARY KEY, v {deep})")
    facts = inspect(scylla_repo)[scylla_repo.keyspace]

    assert parse_type(deep) == facts.table("lists")["v"].type
