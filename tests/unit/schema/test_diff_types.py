"""User types: fields by position, and types by dependency."""

from __future__ import annotations

import pytest

from scyllamodel.schema.diff.schema_diff import diff
from scyllamodel.schema.server.profile import ServerProfile
from support.builders import desired, schema, summaries, user_type

A = user_type("a", "x int", "y text")

CASES = [
    ("equal", [A], [A], []),
    ("new", [], [A], ["+ type a"]),
    ("live", [A], [], [". type a"]),
    ("needs before needers", [], [user_type("a", "z frozen<b>"), user_type("b", "c list<frozen<c>>"), user_type("c")],
     ["+ type c", "+ type b", "+ type a"]),
    ("by name without needs", [], [user_type("c"), user_type("a"), user_type("b")],
     ["+ type a", "+ type b", "+ type c"]),
    ("a circle is still ordered", [], [user_type("a", "z frozen<b>"), user_type("b", "z frozen<a>")],
     ["+ type a", "+ type b"]),
    ("a type in itself", [], [user_type("a", "z frozen<a>")], ["+ type a"]),
    ("new ones before fields", [A], [user_type("a", "x int", "y text", "z frozen<b>"), user_type("b")],
     ["+ type b", "+ field a.z"]),
    ("fields at the end", [A], [user_type("a", "x int", "y text", "n int", "m int")], ["+ field a.n", "+ field a.m"]),
    ("an older release", [user_type("a", "x int", "y text", "n int")], [A], [". field a.n"]),
    ("a field gone", [A], [user_type("a", "y text")], ["! UD101 a.x"]),
    ("a field renamed", [A], [user_type("a", "x int", "z text")], ["! UD101 a.y"]),
    ("another last field", [user_type("a", "x int", "y text", "n int")], [user_type("a", "x int", "y text", "m int")],
     ["! UD101 a.n"]),
    ("another type", [A], [user_type("a", "x bigint", "y text")], ["! UD102 a.x"]),
    ("two other types", [A], [user_type("a", "x bigint", "y int")], ["! UD102 a.x", "! UD102 a.y"]),
    ("frozen inside", [user_type("a", "x set<int>")], [user_type("a", "x frozen<set<int>>")], ["! UD102 a.x"]),
    ("another order", [A], [user_type("a", "y text", "x int")], ["! UD104 a.y"]),
    ("new in the middle", [A], [user_type("a", "x int", "n int", "y text")], ["! UD104 a.n"]),
    ("gone and another type", [A], [user_type("a", "y int", "n int")], ["! UD101 a.x", "! UD102 a.y"]),
]  # fmt: skip


@pytest.mark.parametrize(("live", "declared", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_types(live, declared, expected):
    """Types are added in the order of their dependencies, and fields are compared by position."""
    assert expected == summaries(diff(schema(*live), desired(*declared), ServerProfile()))


RENAMES = [
    ("one", ["x int", "y int"], ["a int from=x", "y int"], ["~ rename p x->a"]),
    ("two, and a new field", ["x int", "y int"], ["a int from=x", "b int from=y", "c int"],
     ["~ rename p x->a, y->b", "+ field p.c"]),
    ("done", ["a int"], ["a int from=x"], []),
    ("gone", ["y int"], ["a int from=x"], ["! UD101 p.y"]),
    ("with another type", ["x int"], ["a text from=x"], ["~ rename p x->a", "! UD102 p.a"]),
]  # fmt: skip


@pytest.mark.parametrize(("live", "declared", "expected"), [r[1:] for r in RENAMES], ids=[r[0] for r in RENAMES])
def test_fields_are_renamed_where_a_model_says_so(live, declared, expected):
    """Declared renames of fields are one statement before new fields, and a completed rename causes none."""
    changes = diff(schema(user_type("p", *live)), desired(user_type("p", *declared)), ServerProfile())

    assert expected == summaries(changes)
