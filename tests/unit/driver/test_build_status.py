"""Which indexes and views a node is still filling."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from cassandra import OperationTimedOut, Unauthorized

import scyllamodel.driver.cluster
from scyllamodel.driver.cluster.build_status import read_unbuilt
from scyllamodel.errors import IntrospectionError, PermissionDenied
from scyllamodel.release.engine.build_status import await_built
from scyllamodel.schema.export.grants import GrantTables, grants
from scyllamodel.schema.facts.objects import KeyspaceFacts, SchemaFacts
from scyllamodel.schema.reflect import reflect_keyspace
from support.builders import index, table
from support.scylla_observed import NEW
from support.scylla_observed import rows as scylla_rows

ROOM = Path(scyllamodel.driver.cluster.__file__).parent
READABLE = {"local", "peers", "peers_v2"}
INDEXED = KeyspaceFacts("k", tables=[table("t", "a int pk", "v int", indexes=[index("v")])])


class Node:
    """Answers with the views that a node lists as built, and the indexes that are stored in views."""

    def __init__(self, views, indexes):
        self._answers = {"system.built_views": ("view_name", views), 'system."IndexInfo"': ("index_name", indexes)}

    def rows(self, cql):
        """Return the rows of the one table that the statement reads."""
        (name, listed) = next(answer for table, answer in self._answers.items() if table in cql)
        return [{name: item} for item in listed]


def test_indexes_that_no_node_lists_are_not_awaited():
    """Vector and full-text indexes are not awaited, since no node ever lists them as built."""
    facts = reflect_keyspace("new26", scylla_rows("2026.3"), NEW)
    complete = Node(["by_v", "same_partition"], ["docs_lang", "docs_lang_local"])
    building = Node(["by_v"], ["docs_lang"])

    assert () == read_unbuilt(complete, facts)
    assert ("docs_lang_local", "same_partition") == read_unbuilt(building, facts)


def answering(error):
    """A cluster with an index, whose coordinator answers every read with this error."""

    def rows(_):
        raise error

    coordinator = SimpleNamespace(rows=rows, address="10.0.0.1:9042")
    return SimpleNamespace(coordinator=coordinator, introspect=lambda _: [INDEXED])


def test_who_may_not_read_what_is_built_learns_it():
    """Without permission to read the build status, the wait is an error with the GRANT statements for it."""
    denied = answering(Unauthorized("User u has no SELECT permission on <table system.built_views>"))

    assert read_unbuilt(denied.coordinator, INDEXED) is None
    with pytest.raises(PermissionDenied) as exc_info:
        await_built(denied, SchemaFacts([INDEXED]), 1.0)

    assert "GRANT SELECT ON TABLE system.built_views TO" in str(exc_info.value)
    assert 'GRANT SELECT ON TABLE system."IndexInfo" TO' in str(exc_info.value)


def test_a_lost_answer_is_not_taken_for_a_finished_build():
    """If the status cannot be read, the wait raises an error and does not report the builds as finished."""
    timed_out = answering(OperationTimedOut())

    with pytest.raises(IntrospectionError, match="indexes and views"):
        await_built(timed_out, SchemaFacts([INDEXED]), 1.0)


def test_nothing_is_read_where_nothing_is_built():
    """A keyspace without indexes and views needs no permission, since nothing is read."""
    denied = answering(Unauthorized("User u has no SELECT permission on <table system.built_views>"))

    assert () == read_unbuilt(denied.coordinator, KeyspaceFacts("k", tables=[table("t", "a int pk")]))


def test_grants_name_every_table_of_the_system_that_is_read():
    """The suggested grants cover exactly those system tables that the code reads and an ordinary role may not."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in sorted(ROOM.glob("*.py")))
    read = set(re.findall(r'FROM system\."?(\w+)', code)) - READABLE
    messages = "\n".join("\n".join((grant.why, *grant.cql)) for grant in grants("shop", "deploy", GrantTables()))
    tables = set(re.findall(r'system\."?(\w+)', messages))

    assert read == tables
