"""The work of a call is proportional to its input, whatever names and types that contains."""

from __future__ import annotations

import sys

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scyllamodel.release.ledger import LedgerStep, Migration
from scyllamodel.release.rollback import RollbackTarget, rollback_plan
from scyllamodel.schema.changes.as_json import change_to_json
from scyllamodel.schema.diff.schema_diff import diff
from scyllamodel.schema.export.facts_json import type_dict
from scyllamodel.schema.export.models.python_names import attribute_names, class_names
from scyllamodel.schema.export.models.unsupported import declarable_types
from scyllamodel.schema.facts.objects import SchemaFacts, Table, TableColumn
from scyllamodel.schema.facts.type_order import cyclic_types, dependency_order
from scyllamodel.schema.plan import contract_plan, make_plan
from scyllamodel.schema.rules.user_types import containing_types
from scyllamodel.schema.server.profile import ServerProfile
from scyllamodel.types.parser import parse_type
from support.builders import desired, index, schema, table, user_type, view


def work(function, *values):
    """The number of lines of Python that a call runs, where each iteration of a loop counts."""
    lines = 0

    def count(frame, event, _):
        nonlocal lines
        lines += 1
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        function(*values)
    finally:
        sys.settrace(before)
    return lines


def odd_names(size):
    """Names without a valid character for Python."""
    return ["é" * length for length in range(1, size + 1)]


def chain(size):
    """Types each of which contains the next."""
    last = user_type(f"t{size}", "x int")
    return [*(user_type(f"t{number}", f"x frozen<t{number + 1}>") for number in range(size)), last]


def dropped(value):
    """The plan that drops everything in a keyspace but one table, whose indexes are dropped separately."""
    return contract_plan(
        SchemaFacts([desired(table("keep", "id int pk", "v int"))]), SchemaFacts([value]), SERVER, allow=ALL
    )


def crowd(size):
    """Tables each with an index, a view and a type, and views and types of one table."""
    tables = [table("keep", "id int pk", "v int"), table("base", "id int pk", "v int")]
    tables += (
        table(f"t{number}", "id int pk", "v int", f"p frozen<u{number}>", indexes=[index("v", f"i{number}")])
        for number in range(size // 4)
    )
    views = [view(f"v{number}", f"t{number}", "v int pk", "id int ck") for number in range(size // 4)]
    views += [view(f"w{number}", "base", "v int pk", "id int ck") for number in range(size // 4)]
    return schema(
        *tables, *views, *chain(size // 4), *(user_type(f"u{number}", "x int") for number in range(size // 4))
    )


def planned(value):
    """The plan that creates everything in a keyspace."""
    return make_plan(SchemaFacts([value]), SchemaFacts([schema()]), SERVER)


def taken_back(value):
    """The plan that rolls back the version that created everything in a keyspace."""
    steps = [
        LedgerStep("k/default", 1, seq, state="applied", undo=step.undo, change_json=change_to_json(step.change))
        for seq, step in enumerate(planned(value).steps, 1)
    ]
    version = Migration("k/default", 1, total=len(steps), steps=steps)
    return rollback_plan(RollbackTarget(0, "", (version,)), SchemaFacts([value]), SERVER, allow=ALL)


def wide(size):
    """A table with many columns."""
    return table("t", "id int pk", *(f"c{number} int" for number in range(size)))


def strip(facts):
    """The plan that drops all indexes of tables that remain."""
    bare = [attrs.evolve(item, indexes=()) for item in facts.tables]
    return contract_plan(SchemaFacts([attrs.evolve(facts, tables=bare)]), SchemaFacts([facts]), SERVER, allow=ALL)


SERVER = ServerProfile("cassandra", (5, 0, 6))
ALL = {"DS102", "DS103", "DS104", "DS105", "DS106"}
CASES = [
    ("contract", dropped, crowd),
    ("contract of types", dropped, lambda size: schema(*crowd(0).tables, *chain(size))),
    ("contract of indexes", strip, crowd),
    ("rollback", taken_back, crowd),
    ("columns by name", lambda value: [value.get(column.name) and column.name in value for column in value], wide),
    ("a column more", lambda part: diff(schema(part), desired(table(part.name, "id int pk")), SERVER), wide),
    ("types in circles", cyclic_types, chain),
    ("what holds a type", lambda types: containing_types(types[-1].name, types), chain),
    ("plan of types", planned, lambda size: schema(*chain(size))),
    ("class names", lambda names: list(class_names(names)), odd_names),
    ("attributes", attribute_names, odd_names),
    ("types in order", dependency_order, chain),
    ("usable types", declarable_types, lambda size: schema(*chain(size))),
]


@pytest.mark.parametrize(("function", "values"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_four_times_as_much_is_at_most_six_times_the_work(function, values):
    """Four times the input needs at most six times the work, where quadratic work would need sixteen times."""
    small, large = (work(function, values(size)) for size in (25, 100))

    assert large <= 6 * small


def test_types_come_after_what_they_hold_and_by_name():
    """Types are sorted by dependency level and name; members of a cycle, and types that contain them, come last."""
    types = [
        user_type("d", "x frozen<b>"), user_type("c", "x int"), user_type("b", "x frozen<c>", "y frozen<a>"),
        user_type("a", "x int"), user_type("me", "x frozen<me>"), user_type("above", "x frozen<me>"),
    ]  # fmt: skip

    assert ["a", "c", "b", "d", "above", "me"] == [
        type_dict(ordered_type)["name"] for ordered_type in dependency_order(types)
    ]
    assert ["a", "c", "b", "d"] == list(declarable_types(schema(*types)))


def test_numbers_of_names_are_those_that_are_free():
    """A number that a name already ends in is not used for another name."""
    assert {"a_2": "a_2", "A": "a", "a!": "a_3", "a?": "a_4"} == attribute_names(["a_2", "A", "a!", "a?"])


def test_a_table_of_many_odd_columns_is_declared():
    """Each column has its own attribute, however many names are invalid in Python."""
    columns = [TableColumn(name, parse_type("int")) for name in odd_names(300)]
    wide_table = Table("t", [*table("t", "id int pk").columns, *columns])

    assert 301 == len(set(attribute_names(column.name for column in wide_table).values()))


@given(st.dictionaries(st.sampled_from("abcdefg"), st.lists(st.sampled_from("abcdefg"), max_size=3)))
def test_types_in_circles_are_those_that_hold_themselves(lease):
    """Types in cycles, and the types that contain a type, are those that a search from each type finds."""
    types = [
        user_type(name, "x int", *(f"f{position} frozen<{inner}>" for position, inner in enumerate(dependencies)))
        for name, dependencies in lease.items()
    ]
    reached = {name: set(inner) & lease.keys() for name, inner in lease.items()}
    for _ in lease:
        reached = {
            name: dependencies.union(*(reached[inner] for inner in dependencies))
            for name, dependencies in reached.items()
        }

    assert {name for name, inner in reached.items() if name in inner} == cyclic_types(types)
    for name in lease:
        assert {name, *(holder for holder, inner in reached.items() if name in inner)} == containing_types(name, types)
