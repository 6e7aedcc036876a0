"""Which indexes and views a node is still filling."""

from __future__ import annotations

from scyllamodel.driver.cluster.build_status import read_unbuilt
from scyllamodel.schema.reflect import reflect_keyspace
from support.scylla_observed import NEW
from support.scylla_observed import rows as scylla_rows


class Node:
    """Answers with what a node lists as built: views, and the indexes that are kept in views."""

    def __init__(self, views, indexes):
        self._answers = {"system.built_views": ("view_name", views), 'system."IndexInfo"': ("index_name", indexes)}

    def rows(self, cql):
        """The rows of the one table that the statement reads."""
        (name, listed) = next(answer for table, answer in self._answers.items() if table in cql)
        return [{name: item} for item in listed]


def test_indexes_that_no_node_lists_are_not_awaited():
    """Vector and full-text indexes never show as built, so that waiting for them would never end."""
    found = reflect_keyspace("new26", scylla_rows("2026.3"), NEW)
    complete = Node(["by_v", "same_partition"], ["docs_lang", "docs_lang_local"])
    building = Node(["by_v"], ["docs_lang"])

    assert () == read_unbuilt(complete, found)
    assert ("docs_lang_local", "same_partition") == read_unbuilt(building, found)
