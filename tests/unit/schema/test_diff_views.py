"""Materialized views: keys, columns, and filters."""

from __future__ import annotations

import pytest

from scyllamodel.schema.diff.schema_diff import diff
from scyllamodel.schema.server.profile import ServerProfile
from support.builders import desired, schema, summaries, table, view

T = table("t", "a int pk", "b int ck", "v text", "w int", "Mx int", "s int static")
KEY = ("v text pk", "a int ck", "b int ck")
NN = "v IS NOT NULL AND a IS NOT NULL AND b IS NOT NULL"

WHERE = [
    ("as a model means it", NN, True),
    ("as Scylla prints it", "v IS NOT null AND a IS NOT null AND b IS NOT null", True),
    ("another order", "a is not null and b is not null and v is not null", True),
    ("without the keys of the table", "v IS NOT NULL", True),
    ("quoted names", '"v" IS NOT NULL AND "a" IS NOT NULL AND b IS NOT NULL', True),
    ("more white space", "v  IS NOT\nNULL  AND a IS NOT NULL AND b IS NOT NULL", True),
    ("without the extra key", "a IS NOT NULL AND b IS NOT NULL", False),
    ("white space around", f"  {NN}  ", True),
    ("a column outside the key", f"{NN} AND w IS NOT NULL", False),
    ("another column of that kind", f'{NN} AND "Mx" IS NOT NULL', False),
    ("a constant", "v IS NOT NULL AND a = 1 AND b IS NOT NULL", False),
    ("a range", f"{NN} AND b > 2", False),
    ("a text with AND in it", "v IS NOT NULL AND a = 'x AND v IS NOT NULL'", False),
]


@pytest.mark.parametrize(("where", "fits"), [c[1:] for c in WHERE], ids=[c[0] for c in WHERE])
def test_filters_are_compared_by_what_they_leave_out(where, fits):
    """A filter that only requires keys not to be null equals that of a model, however a server writes it."""
    changes = diff(schema(T, view("x", "t", *KEY, where=where)), desired(T, view("x", "t", *KEY)), ServerProfile())

    assert ([] if fits else ["! view x: filter"]) == summaries(changes)


MODEL = view("x", "t", *KEY, "w int")
MORE = table("t", *("a int pk", "b int ck", "v text", "w int", "Mx int", "s int static", "n int", "z int static"))

CASES = [
    ("new", [T], [T, MODEL], ["+ view x populated"]),
    ("new with its table", [], [T, MODEL], ["+ table t", "+ view x"]),
    ("live", [T, MODEL], [T], [". view x"]),
    ("equal", [T, MODEL], [T, MODEL], []),
    ("another key", [T, view("x", "t", "v text pk", "b int ck", "a int ck", "w int")], [T, MODEL], ["! view x: key"]),
    ("another order", [T, view("x", "t", "v text pk", "a int ck desc", "b int ck", "w int")], [T, MODEL],
     ["! view x: key"]),
    ("a key column more", [T, view("x", "t", "b int pk", "a int ck", "v text", "w int")], [T, MODEL],
     ["! view x: key"]),
    ("a column less", [T, view("x", "t", *KEY)], [T, MODEL], ["! view x: columns"]),
    ("a column more", [T, view("x", "t", *KEY, "w int", "Mx int")], [T, MODEL], [". column x.Mx"]),
    ("another table", [T, table("u"), view("x", "u", *KEY, "w int")], [T, MODEL], [". table u", "! view x: table"]),
    ("all columns", [T, view("x", "t", *KEY, "w int", "Mx int", all_columns=True)],
     [T, view("x", "t", *KEY, "w int", "Mx int")], []),
    ("all columns are not listed", [T, view("x", "t", *KEY, "w int", "Mx int", "later int", all_columns=True)],
     [T, view("x", "t", *KEY, "w int", "Mx int", all_columns=True)], []),
    ("all columns are wanted", [T, view("x", "t", *KEY, "w int", "Mx int")],
     [T, view("x", "t", *KEY, "w int", "Mx int", all_columns=True)], ["! view x: all_columns"]),
    ("all columns gain the table's new one", [T, view("x", "t", *KEY, "w int", "Mx int", all_columns=True)],
     [MORE, view("x", "t", *KEY, "w int", "Mx int", "n int")], ["+ columns t (z, n)"]),
    ("chosen columns do not", [T, MODEL], [MORE, view("x", "t", *KEY, "w int", "n int")],
     ["+ columns t (z, n)", "! view x: columns"]),
    ("a static column does not arrive", [T, view("x", "t", *KEY, "w int", "Mx int", all_columns=True)],
     [MORE, view("x", "t", *KEY, "w int", "Mx int", "z int")], ["+ columns t (z, n)", "! view x: columns"]),
    ("of a table that no model declares", [T, view("x", "t", *KEY, "w int", where="v IS NOT NULL")], [MODEL],
     [". table t"]),
    ("a renamed key of the table", [T, view("x", "t", *KEY, "w int", where=NN)],
     [table("t", "aa int pk from=a", "b int ck", "v text", "w int", "Mx int", "s int static"),
      view("x", "t", "v text pk", "aa int ck", "b int ck", "w int")], ["~ rename t a->aa"]),
]  # fmt: skip


@pytest.mark.parametrize(("live", "declared", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_views(live, declared, expected):
    """A view exists, is added, or differs in one respect."""
    assert expected == summaries(diff(schema(*live), desired(*declared), ServerProfile()))
