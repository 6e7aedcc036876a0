"""Index targets, view filters and types, parsed as servers print them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given

from scyllamodel._identifiers import quote, unquote
from scyllamodel.schema.reflect import index_target, view_filter
from scyllamodel.types.parser import parse_type
from support.cassandra_observed import cases, is_error
from support.strategies import column_names


def test_types_read_back_as_declared():
    """A type that a real node stored is parsed as the declared one."""
    pairs = [
        (case["type"], stored)
        for _, case, stored in cases("c_types", "type")
        if not is_error(stored) and "'" not in case["type"]
    ]

    assert len(pairs) > 60
    assert [] == [pair for pair in pairs if parse_type(pair[0]) != parse_type(pair[1])]


INDEXED = {
    "m": "map<text, int>", "l": "list<int>", "st": "set<text>", "fl": "frozen<list<int>>", "Mm": "map<text, int>",
    "fm": "frozen<map<text, int>>", "lu": "list<frozen<addr>>", "v": "text", "w": "int", "fu": "frozen<addr>",
}  # fmt: skip
TYPES = {name: parse_type(text) for name, text in INDEXED.items()}


def declared_target(cql):
    """The column and the part of a collection that a CREATE INDEX names."""
    (target,) = re.findall(r"ON k\.\S+ \((.*?)\)(?: USING|$| WITH)", cql)
    match = re.fullmatch(r"(keys|values|entries|full)\((.*)\)", target)
    return (unquote(match[2]), match[1], False) if match else (unquote(target), "values", False)


def test_index_targets_read_back_as_declared():
    """An index target that a real node stored is parsed as the declared one."""
    pairs = []
    for _, case, result in cases("d_indexes", "cql"):
        if isinstance(result, dict) and "idx" in result and "noop" not in result and case["cql"].startswith("CREATE"):
            # [class, target, …] of a custom index, [table, kind, {"target": …}] of one on another table.
            texts = [item if isinstance(item, str) else item[1] for item in result["idx"].values()]
            pairs.append((case["cql"], {index_target(text, TYPES) for text in texts if text != "COMPOSITES"}))

    assert len(pairs) > 60
    assert [] == [(cql, value) for cql, value in pairs if value and declared_target(cql) not in value]


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("v", ("v", "values", False)),
        ('{"pk":["a"],"ck":["v"]}', ("v", "values", True)),
        # ScyllaDB keeps the old name of a partition key column that was renamed under a local index.
        ('{"pk":["name_before_the_rename"],"ck":["v"]}', ("v", "values", True)),
        ('"hEllo"', ("hEllo", "values", False)),
        ('"od""d 1"', ('od"d 1', "values", False)),
        ("values(m)", ("m", "values", False)),
        ("keys(m)", ("m", "keys", False)),
        ("entries(m)", ("m", "entries", False)),
        ("keys(st)", ("st", "values", False)),
        ("values(st)", ("st", "values", False)),
        ("fl", ("fl", "full", False)),
        ("full(fl)", ("fl", "full", False)),
        ('keys("Mm")', ("Mm", "keys", False)),
        ('"keys(x)"', ("keys(x)", "values", False)),
        ("a, b", ("a, b", "values", False)),
        ('"A b", c', ("A b, c", "values", False)),
        ('{"pk":["pk1","pk2"],"ck":["v"]}', ("v", "values", True)),
        ('{"pk":["pk1"],"ck":["fl"]}', ("fl", "full", True)),
        ('{"tc":"v","fc":["f1","f2"]}', ("v, f1, f2", "values", False)),
        ('{"tc":"v","pk":["p1","p2"]}', ("v", "values", True)),
    ],
)
def test_index_targets_of_both_servers(text, target):
    """Each server's spelling of a target is parsed as one column, part and locality."""
    assert target == index_target(text, TYPES)


@given(column_names)
def test_any_column_name_survives_its_target(name):
    """An index target is parsed for any name of the column."""
    assert (name, "values", False) == index_target(quote(name), {})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a IS NOT NULL AND b IS NOT NULL", ""),
        ("b IS NOT null AND a IS NOT null", ""),
        ('a IS NOT NULL AND "B c" IS NOT null', ""),
        ("a IS NOT NULL", ""),
        ("", ""),
        ("a IS NOT null AND w IS NOT null", "a IS NOT NULL AND w IS NOT NULL"),
        ("a IS NOT NULL AND b > 5", "a IS NOT NULL AND b > 5"),
        ("a = 'x IS NOT NULL AND b IS NOT NULL'", "a = 'x IS NOT NULL AND b IS NOT NULL'"),
        ("(b, c) > (1, 2)", "(b, c) > (1, 2)"),
    ],
)
def test_filters_of_views(text, value):
    """A condition that keys are not null is not part of a filter."""
    assert value == view_filter(text, ["a", "b", "B c"])


def test_filters_that_real_nodes_stored():
    """A stored filter is empty exactly if it only requires keys not to be null."""
    clauses, mismatches = 0, []
    for _, case, result in cases("e_views", "cql"):
        stored = result.get("view", {}).get("where_clause") if isinstance(result, dict) else None
        if stored is None or "PRIMARY KEY" not in case["cql"]:
            continue
        clauses += 1
        keys = {unquote(name) for name in re.findall(r'"[^"]+"|\w+', case["cql"].partition("PRIMARY KEY")[2])}
        relations = [re.fullmatch(r'("[^"]+"|\w+) IS NOT NULL', part) for part in stored.split(" AND ")]
        plain = all(relation and unquote(relation[1]) in keys for relation in relations)
        if (view_filter(stored, keys) == "") is not plain:
            mismatches.append(stored)

    assert (True, []) == (clauses > 30, mismatches)


@pytest.mark.parametrize("text", ['{"x":1}', '{"ck":5}', "{", '{"tc":1}'])
def test_json_that_is_no_target_is_an_error(text):
    """JSON that is not an index target is an error."""
    with pytest.raises(ValueError, match="is not an index target"):
        index_target(text, {})
