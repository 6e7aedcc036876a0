"""What every server refuses is refused here first, with the column and what to write.

That servers do refuse each of these is shown by ``tests/live/test_server_refusals.py``.
"""

from __future__ import annotations

from uuid import UUID, uuid1

import pytest

from scyllamodel import (
    Column,
    Model,
    QueryNotSupported,
    UserType,
    column,
    delete,
    partition_key,
    select,
    update,
)
from scyllamodel import functions as fn
from scyllamodel import types as cql
from scyllamodel.query.statement import UNSET
from support.query_models import Address, Hits, Order, Plain

T = uuid1()
HERE = (Order.shop == 1, Order.day == 2)
ROW = (*HERE, Order.placed == T, Order.seq == 3)
N = select(Order.seq).where(*HERE)
U = update(Order).where(*ROW)
IF = U.set(Order.total.to(1))


class Home(UserType, name="home"):
    """A user type."""

    street: str


class Frozen(Model, table="frozen", repo="queries"):
    """Values that are written as a whole, and a duration."""

    id: Column[int] = partition_key()
    home: Column[cql.Frozen[Home] | None] = column(default=None)
    tags: Column[frozenset[str]] = column(default=frozenset())
    notes: Column[cql.Frozen[list[str]]] = column(factory=list)
    lines: Column[cql.Frozen[dict[str, int]]] = column(factory=dict)
    span: Column[cql.Duration | None] = column(default=None)


F = update(Frozen).where(Frozen.id == 1)
FN = select(Frozen.id).where(Frozen.id == 1)

REFUSED = {
    "two to": (U.set(Order.status.to("a"), Order.status.to("b")), "set one column in one statement"),
    "to and add": (U.set(Order.tags.to({"a"})).set(Order.tags.add({"b"})), "set one column in one statement"),
    "to and element": (U.set(Order.lines.to({}), Order.lines["a"].to(2)), "set one column in one statement"),
    "field twice": (
        U.set(Order.ship_to.field("street").to("a"), Order.ship_to.field("street").to("b")),
        "set one column in one statement",
    ),
    "two ==": (N.where(Order.shop == 5), "Order.shop takes one == or in_"),
    "two == of a clustering column": (N.where(Order.placed == T, Order.placed == T), "Order.placed takes one =="),
    "== and in_": (N.where(Order.placed == T, Order.placed.in_([T])), "Order.placed takes one =="),
    "== and >": (N.where(Order.placed == T, Order.placed > T), "Order.placed takes one =="),
    "two lower bounds": (N.where(Order.placed > T, Order.placed >= T), "two bounds"),
    "two upper bounds": (N.where(Order.placed < T, Order.placed <= T), "two bounds"),
    "two == of an indexed column": (N.where(Order.status == "a", Order.status == "b"), "Order.status takes one =="),
    "two == with filtering": (
        N.where(Order.total == 1, Order.total == 2).allow_filtering(),
        "Order.total takes one == or in_",
    ),
    "two tokens": (
        select(Order.seq).where(fn.token(Order.shop, Order.day) > 1, fn.token(Order.shop, Order.day) > 2),
        "two bounds",
    ),
    "token in_": (select(Order.seq).where(fn.token(Order.shop, Order.day).in_([1])), "a token supports =="),
    "token of fewer values": (
        select(Order.seq).where(fn.token(Order.shop, Order.day) > fn.token(1)),
        "both sides must contain the whole partition key",
    ),
    "set compared": (N.where(Order.tags == {"a"}).allow_filtering(), "tags is not frozen"),
    "list compared": (N.where(Order.notes == ["a"]).allow_filtering(), "notes is not frozen"),
    "user type compared": (N.where(Order.ship_to == Address(street="x")).allow_filtering(), "ship_to is not frozen"),
    "field in where": (
        N.where(Order.ship_to.field("street") == "x").allow_filtering(),
        "not support fields of user types",
    ),
    "entry by range": (N.where(Order.prices["a"] > 1).allow_filtering(), "entries of a map, compared by =="),
    "entry of a list": (N.where(Order.notes[0] == "a").allow_filtering(), "entries of a map, compared by =="),
    "order of durations": (FN.where(Frozen.span > cql.Duration(1, 1, 1)).allow_filtering(), "durations have no order"),
    "field of frozen": (F.set(Frozen.home.field("street").to("x")), "home is frozen.*Frozen.home.to"),
    "delete field of frozen": (delete(Frozen.home.field("street")).where(Frozen.id == 1), "home is frozen"),
    "add to frozen": (F.set(Frozen.tags.add({"a"})), "tags is frozen"),
    "append to frozen": (F.set(Frozen.notes.append(["a"])), "notes is frozen"),
    "position of frozen": (F.set(Frozen.notes[0].to("a")), "notes is frozen"),
    "entry of frozen": (F.set(Frozen.lines["a"].to(1)), "lines is frozen"),
    "delete entry of frozen": (delete(Frozen.lines["a"]).where(Frozen.id == 1), "lines is frozen"),
    "if_ of a key": (IF.if_(Order.seq == 1), "seq is part of the primary key.*where"),
    "if_ of a partition key": (IF.if_(Order.shop == 1), "shop is part of the primary key.*where"),
    "if_ of a function": (IF.if_(fn.token(Order.shop, Order.day) == 1), "IF supports only columns"),
    "if_ of a tuple": (IF.if_(fn.tuple_(Order.placed, Order.seq) == (T, 1)), "IF supports only columns"),
    "if_ above null": (IF.if_(Order.total > None), "nulls have no order"),
    "if_ order of durations": (F.set(Frozen.tags.to(frozenset())).if_(Frozen.span > cql.Duration(1, 1, 1)), "no order"),
    "if_ with in_": (
        update(Order).where(*ROW[:3], Order.seq.in_([1, 2])).set(Order.total.to(1)).if_exists(),
        "a conditional update of Order selects one row",
    ),
    "if_ with in_ of a partition": (
        update(Plain).where(Plain.id.in_([UUID(int=1)])).set(Plain.name.to("x")).if_(Plain.name == "y"),
        "a conditional update of Plain selects one row",
    ),
    "static column if a regular one": (
        update(Order).where(*HERE).set(Order.owner.to("x")).if_(Order.total == 1),
        "lacks placed and seq",
    ),
    "delete of a range with if_": (
        delete(Order).where(*HERE, Order.placed > T).if_(Order.total == 1),
        "a conditional delete of Order selects one row",
    ),
    "delete of a prefix with if_exists": (
        delete(Order).where(*HERE, Order.placed == T).if_exists(),
        "conditional delete of Order lacks seq",
    ),
    "delete of a partition with if_exists": (
        delete(Order).where(*HERE).whole_partition().if_exists(),
        "conditional delete of Order lacks placed and seq",
    ),
    "distinct of rows": (
        select(Order.shop, Order.day).distinct().where(*HERE, Order.placed == T),
        "DISTINCT lists partitions",
    ),
    "distinct per partition": (
        select(Order.shop, Order.day).distinct().per_partition_limit(1),
        "goes with neither distinct",
    ),
    "aggregate per partition": (
        select(fn.count()).where(*HERE).per_partition_limit(1),
        "goes with neither aggregates",
    ),
}

ALLOWED = {
    "elements": U.set(Order.lines["a"].to(1), Order.lines["b"].to(2)),
    "fields": U.set(Order.ship_to.field("street").to("a"), Order.ship_to.field("zip_code").to("b")),
    "add and remove": U.set(Order.tags.add({"a"}), Order.tags.remove({"b"})),
    "append and prepend": U.set(Order.notes.append(["a"]), Order.notes.prepend(["b"])),
    "both ends": N.where(Order.placed > T, Order.placed <= T),
    "contains twice": N.where(Order.tags.contains("a"), Order.tags.contains("b")).allow_filtering(),
    "frozen compared": FN.where(Frozen.tags == frozenset({"a"})).allow_filtering(),
    "frozen selected": select(Frozen.home.field("street")).where(Frozen.id == 1),
    "frozen in if_": F.set(Frozen.tags.to(frozenset())).if_(Frozen.home.field("street") == "x"),
    "frozen replaced": F.set(Frozen.home.to(None), Frozen.lines.to({})),
    "if_ of a set": IF.if_(Order.tags == {"a"}),
    "if_ null": IF.if_(Order.at == None, Order.code != None),  # noqa: E711
    "if_ twice": IF.if_(Order.status == "a", Order.status == "b"),
    "if_ null among several": IF.if_(Order.status.in_(["a", None])),
    "static if static": update(Order).where(*HERE).set(Order.owner.to("x")).if_(Order.owner == None),  # noqa: E711
    "static deleted": delete(Order.owner).where(*HERE).if_(Order.owner == "x"),
    "static and regular": U.set(Order.owner.to("x")).if_(Order.total == 1),
    "several rows": update(Order).where(*ROW[:3], Order.seq.in_([1, 2])).set(Order.total.to(1)),
}


@pytest.mark.parametrize(("query", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_servers_refuse_is_refused_first(query, reason):
    """The message names the column and what to write instead."""
    with pytest.raises(QueryNotSupported, match=reason):
        query.compile("shop")


@pytest.mark.parametrize("query", ALLOWED.values(), ids=ALLOWED)
def test_the_nearest_statements_are_not_refused(query):
    """The most similar statements that servers accept are not refused."""
    assert query.compile("shop").template.cql


CALLS = {
    "increment None": (lambda: Hits.hits.increment(None), ValueError, "Hits.hits.increment=None"),
    "increment text": (lambda: Hits.hits.decrement("1"), ValueError, "Hits.hits.decrement='1'"),
    "increment too far": (lambda: Hits.hits.increment(2**63), ValueError, "expected an integer"),
    "position from the end": (lambda: Order.notes[-1], ValueError, "no negative indexes"),
    "position by name": (lambda: Order.notes["a"], ValueError, "a list index is an int"),
    "null key": (lambda: Order.lines[None], ValueError, "cannot have a null key"),
    "element of a set": (lambda: Order.tags["a"], TypeError, "set<text>.*maps"),
    "element of a text": (lambda: Order.status[0], TypeError, "is text.*maps"),
    "sum of texts": (lambda: fn.sum(Order.status), QueryNotSupported, "requires a numeric column"),
    "avg of texts": (lambda: fn.avg(Order.status), QueryNotSupported, "requires a numeric column"),
    "writetime of a key": (
        lambda: fn.writetime(Order.shop),
        QueryNotSupported,
        "columns of the primary key have neither",
    ),
    "ttl of a key": (lambda: fn.ttl(Order.seq), QueryNotSupported, "columns of the primary key have neither"),
}


@pytest.mark.parametrize(("call", "kind", "reason"), CALLS.values(), ids=CALLS)
def test_what_no_column_has_is_refused_where_it_is_written(call, kind, reason):
    """An attribute or operation that a column lacks is an error of the call, before the statement is sent."""
    with pytest.raises(kind, match=reason):
        call()


def test_shapes_of_access_are_made_of_unset_values():
    """A statement whose values are unset passes the checks of values."""
    assert UNSET in delete(Plain).where(Plain.id == UNSET).values
