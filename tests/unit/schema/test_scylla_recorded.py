"""Where each group of statements recorded on ScyllaDB is used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
GROUPS = json.loads((TESTS.parent / "data" / "scylla-observed.json").read_text(encoding="utf-8"))

CASES = {
    "a_table_options": "schema/test_scylla_options",
    "b_keyspaces": "schema/test_scylla_keyspaces",
    "c_types": "schema/test_scylla_types schema/test_scylla_statements",
    "d_indexes": "schema/test_scylla_statements",
    "e_views": "schema/test_scylla_statements",
    "f_alter": "schema/test_scylla_types schema/test_scylla_statements",
    "l_lwt": "driver/test_lwt_outcomes",
    "x_sequences": "schema/test_scylla_statements",
    "y_2026": "schema/test_scylla_options schema/test_scylla_keyspaces schema/test_replication schema/test_row_ttl "
    "schema/test_search_indexes",
}
"""Groups whose cases are declared by models or judged as statements, and the tests that do it."""

TEXTS = {
    "g_table_id": "no model has the id of a table",
    "h_schema_version": "about versions of the schema, which no plan depends on",
    "n_node_breakers": "each is a rule of its own, see schema/test_raw_statements",
    "o_bare_words": "words that are refused bare: all names that are not plain are quoted, see test_identifiers",
    "p_permissions": "about roles: the texts alone",
    "r_nodes_down": "about several nodes: the texts alone",
    "r_order": "about several nodes: the texts alone",
    "r_races": "about several clients: the texts alone",
    "s_settings_and_datacenters": "about settings and data centres of nodes that a plan receives",
}
"""Groups of which only the texts of errors are used, by driver/test_outcomes, and why."""

TABLES = {"about", "system_schema_columns", "system_tables"}


def test_each_group_is_used_or_has_a_reason():
    """Each group is used in a test or has a reason, and none is in two tables."""
    assert set(GROUPS) == {*CASES, *TEXTS, *TABLES}
    assert set() == set(CASES) & set(TEXTS)


@pytest.mark.parametrize(("group", "modules"), CASES.items())
def test_the_tests_read_the_group(group, modules):
    """The test module contains the name of the group."""
    for module in modules.split():
        assert f'"{group}"' in (TESTS / f"{module}.py").read_text(encoding="utf-8")
