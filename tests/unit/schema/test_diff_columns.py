"""Columns and keys of a table that exists and is declared."""

from __future__ import annotations

import pytest

from scyllamodel.schema.changes.kinds import AddColumns, AlterColumn
from scyllamodel.schema.diff.schema_diff import diff
from scyllamodel.schema.server.profile import ServerProfile
from support.builders import desired, schema, summaries, table

BASE = ("a int pk", "b int ck", "v text")

CASES = [
    ("nothing", BASE, BASE, []),
    ("another order of declaration", BASE, ("v text", "a int pk", "b int ck"), []),
    ("another spelling of a type", BASE, ("a int pk", "b int ck", "v varchar"), []),
    ("one new column", BASE, (*BASE, "n int"), ["+ columns t (n)"]),
    ("new columns in one group", BASE, (*BASE, "z int", "s int static", "m set<int>"), ["+ columns t (s, m, z)"]),
    ("a live column", (*BASE, "x int"), BASE, [". column t.x"]),
    ("live and new", (*BASE, "x int"), (*BASE, "y int"), ["+ columns t (y)", ". column t.x"]),
    ("a name in another case", BASE, ("a int pk", "b int ck", "V text"), ["+ columns t (V)", ". column t.v"]),
    ("another type", BASE, ("a int pk", "b int ck", "v int"), ["! TY101 t.v"]),
    ("a wider type", BASE, ("a int pk", "b int ck", "v blob"), ["! TY101 t.v"]),
    ("another type of a key", BASE, ("a bigint pk", "b int ck", "v text"), ["! TY101 t.a"]),
    ("another element", (*BASE, "l list<int>"), (*BASE, "l list<text>"), ["! TY101 t.l"]),
    ("frozen", (*BASE, "l list<int>"), (*BASE, "l frozen<list<int>>"), ["! TY103 t.l"]),
    ("not frozen any more", (*BASE, "u frozen<addr>"), (*BASE, "u addr"), ["! TY103 t.u"]),
    ("frozen, and another type", (*BASE, "l list<int>"), (*BASE, "l frozen<set<int>>"), ["! TY101 t.l"]),
    ("another vector", (*BASE, "e vector<float,3>"), (*BASE, "e vector<float,4>"), ["! TY101 t.e"]),
    ("inner parts are frozen anyway", (*BASE, "l list<frozen<set<int>>>"), (*BASE, "l list<set<int>>"), []),
    ("static", BASE, ("a int pk", "b int ck", "v text static"), ["! TY104 t.v"]),
    ("not static any more", (*BASE, "s int static"), (*BASE, "s int"), ["! TY104 t.s"]),
    ("static and another type", (*BASE, "s int static"), (*BASE, "s text"), ["! TY101 t.s", "! TY104 t.s"]),
    ("regular to counter", BASE, ("a int pk", "b int ck", "v counter"), ["! TY107 t.v"]),
    ("counter to regular", ("a int pk", "v counter"), ("a int pk", "v bigint"), ["! TY107 t.v"]),
    ("a counter more", ("a int pk", "n counter"), ("a int pk", "n counter", "m counter"), ["+ columns t (m)"]),
    ("another partition key", BASE, ("a int pk", "b int pk", "v text"), ["! PK101 t", "! PK102 t"]),
    ("partition key in another order", ("a int pk", "b int pk"), ("b int pk", "a int pk"), ["! PK101 t"]),
    ("clustering key in another order", ("a int pk", "b int ck", "c int ck"),
     ("a int pk", "c int ck", "b int ck"), ["! PK102 t"]),
    ("descending", BASE, ("a int pk", "b int ck desc", "v text"), ["! PK102 t"]),
    ("a regular column becomes key", BASE, ("a int pk", "b int ck", "v text ck"), ["! PK102 t"]),
    ("a key column becomes regular", BASE, ("a int pk", "b int", "v text"), ["! PK102 t"]),
    ("a new clustering column", BASE, ("a int pk", "b int ck", "c int ck", "v text"), ["! PK103 t"]),
    ("another partition key, of a new column", BASE, ("n int pk", "b int ck", "v text"), ["! PK101 t"]),
    ("a new partition column", BASE, ("n int pk", "a int pk", "b int ck", "v text"), ["! PK103 t"]),
    ("a key column less", BASE, ("a int pk", "v text"), ["! PK102 t"]),
    ("everything at once", (*BASE, "s int static"), ("a text pk", "b int ck desc", "v int", "s int", "n int"),
     ["! PK102 t", "! TY101 t.a", "! TY104 t.s", "! TY101 t.v", "+ columns t (n)"]),
    ("a renamed partition key", BASE, ("aa int pk from=a", "b int ck", "v text"), ["~ rename t a->aa"]),
    ("two renamed keys and a new column", BASE, ("aa int pk from=a", "bb int ck from=b", "v text", "n int"),
     ["~ rename t a->aa, b->bb", "+ columns t (n)"]),
    ("renamed and another type", BASE, ("aa text pk from=a", "b int ck", "v text"),
     ["~ rename t a->aa", "! TY101 t.aa"]),
    ("a rename that is done", ("aa int pk", "v text"), ("aa int pk from=a", "v text"), []),
    ("a renamed regular column", BASE, ("a int pk", "b int ck", "w text from=v"), ["! BC102 t.v"]),
    ("a renamed regular column, copied already", (*BASE, "w text"), ("a int pk", "b int ck", "w text from=v"),
     [". column t.v"]),
    ("a key column becomes regular by a rename", BASE, ("a int pk", "v text", "w int from=b"),
     ["! PK102 t", "! BC102 t.b"]),
    ("a renamed regular column that never was", ("a int pk",), ("a int pk", "w text from=v"), ["+ columns t (w)"]),
    ("names that swap are not renames", ("a int pk", "b int ck"), ("a int ck from=b", "b int pk from=a"),
     ["! PK101 t", "! PK102 t"]),
]  # fmt: skip


@pytest.mark.parametrize(("live", "declared", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_columns(live, declared, expected):
    """Each difference of two tables is one change."""
    changes = diff(schema(table("t", *live)), desired(table("t", *declared)), ServerProfile())

    assert expected == summaries(changes)


def test_changes_hold_both_sides():
    """A change contains the live and the declared column."""
    live, declared = table("t", "a int pk", "v int"), table("t", "a int pk", "v text", "n int")
    altered, added = diff(schema(live), desired(declared), ServerProfile())

    assert AlterColumn("k", "t", live["v"], declared["v"], "TY101") == altered
    assert AddColumns("k", "t", (declared["n"],)) == added
