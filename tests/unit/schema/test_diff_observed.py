"""What real Cassandra nodes stored and refused, compared with the differ and the rules."""

from __future__ import annotations

import pytest

from scyllamodel.schema.compare.replication import replication_matches
from scyllamodel.schema.diff.schema_diff import diff
from scyllamodel.schema.plan import make_plan
from scyllamodel.types.parser import parse_type
from support.builders import desired, schema, summaries, table, user_type, view
from support.cassandra_observed import SERVERS, cases, is_error, literal

ADDR = user_type("addr", "street text", "n int")
# A node forgets a user type when a column is dropped, and remembers a tuple.
EXPANDED = "frozen<tuple<text,int>>"


def _text(declared):
    """A column as ``name type [static]``, without spaces in the type."""
    name, _, rest = declared.partition(" ")
    static = rest.endswith(" static")
    return f"{name} {rest.removesuffix(' static').replace(' ', '')}{' static' if static else ''}"


def _stored(declared):
    parts = _text(declared).split()
    kind = "static" if len(parts) > 2 else "regular"
    cql_type = parts[1].replace("frozen<addr>", EXPANDED).replace("addr", EXPANDED)
    return f"{kind} {parse_type(cql_type).cql}"


READDED = sorted({
    (release, case["dropped"], case["add"], is_error(result)) for release, case, result in cases("f_alter", "dropped")
    if not case["add"].startswith("IF NOT EXISTS")
})  # fmt: skip


@pytest.mark.parametrize(("release", "dropped", "added", "is_refused"), READDED)
def test_a_dropped_column_never_comes_back_against_the_server(release, dropped, added, is_refused):
    """A re-added column that a node refused is refused by the rules, and an identical one is not."""
    name = dropped.split()[0]
    live = table("t", "a int pk", "b int ck", "v text", dropped={name: _stored(dropped)})
    models = desired(ADDR, table("t", "a int pk", "b int ck", "v text", _text(added)))
    codes = {refusal.code for refusal in make_plan(models, schema(ADDR, live), SERVERS[release]).refusals}
    same = _stored(dropped) == _stored(added) and "addr" not in dropped

    assert not is_refused or {"TY105", "TY107"} & codes
    assert not same or set() == codes


DECLARED = [
    (case["ks"], result.get("=", result))
    for _, case, result in cases("b_keyspaces", "ks")
    if isinstance(result, dict) and literal(case["ks"]) is not None
]


@pytest.mark.parametrize(("declared", "stored"), DECLARED)
def test_stored_replication_is_what_was_declared(declared, stored):
    """The stored replication of a node equals the declared one."""
    assert replication_matches(stored, literal(declared))


COLUMNS = ("a int pk", "b int ck", "c int ck", "v text", "w int", "Mx int")
VIEWS = sorted({
    result["view"]["where_clause"]
    for _, case, result in cases("e_views", "cql")
    if isinstance(result, dict) and isinstance(result.get("view"), dict) and "where_clause" in result["view"]
    and "PRIMARY KEY (v, a, b, c)" in case["cql"]
})  # fmt: skip
LEAVES_OUT = ("=", ">", "<", " IN ", "w IS NOT NULL")


@pytest.mark.parametrize("where", VIEWS)
def test_stored_filters_mean_what_they_say(where):
    """A stored filter of a view is a difference exactly if it can exclude rows."""
    key = ("v text pk", "a int ck", "b int ck", "c int ck")
    live = schema(table("t", *COLUMNS), view("x", "t", *key, where=where))
    changes = summaries(diff(live, desired(table("t", *COLUMNS), view("x", "t", *key)), SERVERS["5.0"]))

    assert (["! view x: filter"] if any(word in where for word in LEAVES_OUT) else []) == changes
