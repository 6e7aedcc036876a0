"""Statements have equality, hashes and reprs based on their values."""

# ruff: noqa: E501 - one case a line
from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timezone
from uuid import UUID, uuid1

import pytest

from scyllamodel import delete, insert, select, update
from scyllamodel import functions as fn
from support.query_models import Address, Hits, Order, Plain

T = uuid1()
ID = UUID(int=1)
NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
KEY = {"shop": 1, "day": 2, "placed": T, "seq": 3}


def key_conditions():
    """Conditions that are created again for each statement."""
    return Order.shop == 1, Order.day == 2


def row():
    """Conditions on a whole key."""
    return *key_conditions(), Order.placed == T, Order.seq == 3


class Array(list):
    """Compares element by element and has no hash, as arrays do."""

    def __eq__(self, other):
        return Array([a == b for a, b in zip(self, other, strict=True)])

    __hash__ = None

    def all(self):
        """Return whether each element is true."""
        return all(iter(self))


MAKE = {
    "select": lambda n: select(Order).where(*key_conditions(), Order.placed > T).limit(n),
    "columns": lambda n: select(Order.placed, Order.lines["a"], fn.max(Order.total)).where(*key_conditions()).limit(n),
    "in": lambda n: select(Order).where(Order.shop.in_([1, n]), Order.day == 2),
    "function": lambda n: select(Order).where(*key_conditions(), Order.placed > fn.min_timeuuid(NOW)).limit(n),
    "order and group": lambda n: select(Order.placed).where(*key_conditions()).group_by(Order.placed).order_by(Order.placed).limit(n),
    "nearest": lambda n: select(Order).order_by(Order.place.ann_of([1.0, n])).limit(3),
    "options": lambda n: select(Order).where(*key_conditions()).consistency("ONE").timeout(n),
    "update": lambda n: update(Order).where(*row()).set(Order.total.to(n), Order.tags.add({"a"})).ttl(5),
    "map": lambda n: update(Order).where(*row()).set(Order.lines.add({"a": n}), Order.ship_to.to(Address(street="x"))),
    "list": lambda n: update(Order).where(*row()).set(Order.notes.append(["a", str(n)])),
    "element": lambda n: update(Order).where(*row()).set(Order.lines[str(n)].to(1)),
    "conditional": lambda n: update(Order).where(*row()).set(Order.total.to(1)).if_(Order.tags == {str(n)}),
    "counter": lambda n: update(Hits).where(Hits.page == "a").set(Hits.hits.increment(n)),
    "delete": lambda n: delete(Order.status, Order.lines["a"]).where(*row()).timestamp(n),
    "delete of a row": lambda n: delete(Order(**KEY | {"seq": n})),
    "insert": lambda n: insert(Order(**KEY, total=n, tags={"a"}, lines={"a": 1}, notes=["x"])),
    "insert json": lambda n: insert(Plain).json(f'{{"id": {n}}}'),
    "array": lambda n: update(Order).where(*row()).set(Order.place.to(Array([1.0, n]))),
}  # fmt: skip


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE)
def test_equal_statements_compare_equal_and_hash_alike(make):
    """Equal statements have equal hashes, and differ from those with another value and from other statements."""
    assert make(1) == make(1)
    assert hash(make(1)) == hash(make(1))
    assert make(1) != make(2)
    assert make(1) != select(Plain).whole_table()
    assert make(1) != 1
    assert 1 == len({make(1), make(1)})


def test_a_recorded_call_is_compared_with_the_statement_that_is_expected():
    """A recorded call can be compared with the expected statement, and the assertion message has the CQL."""
    calls = [select(Order).where(*key_conditions(), Order.placed > fn.min_timeuuid(NOW))]

    assert calls == [select(Order).where(*key_conditions(), Order.placed > fn.min_timeuuid(NOW))]
    assert calls != [select(Order).where(*key_conditions())]
    assert "SELECT" in repr(calls)


def test_other_functions_of_one_text_differ():
    """Functions with the same text and different return types make statements differ."""
    first, two = (select(fn.call("tax", Order.total, returns=kind)).where(*key_conditions()) for kind in (int, str))

    assert first != two


def test_conditions_of_values_without_a_hash_can_be_keys():
    """A condition on a collection is hashable by its elements."""
    by_name = defaultdict(int)
    for _ in range(2):
        by_name[Order.tags == {"a"}] += 1
        by_name[Order.lines == {"a": [1]}] += 1

    assert [2, 2] == list(by_name.values())


SHOWN = {
    "select": (select(Order.seq).where(*key_conditions()).limit(5), "<SELECT seq FROM orders WHERE shop = ? AND day = ? LIMIT ? (1, 2, 5)>"),
    "no values": (select(Order.seq).whole_table(), "<SELECT seq FROM orders>"),
    "options": (select(Order.seq).whole_table().consistency("ONE"), "<SELECT seq FROM orders consistency='ONE'>"),
    "update": (
        update(Plain).where(Plain.id == ID).set(Plain.name.to("x")),
        f"<UPDATE plain SET name = ? WHERE id = ? ('x', {ID!r})>",
    ),
    "delete": (delete(Plain).where(Plain.id == ID), f"<DELETE FROM plain WHERE id = ? ({ID!r})>"),
    "insert": (insert(Plain(id=ID, name="x")), f"<INSERT INTO plain (id, name) VALUES (?, ?) ({ID!r}, 'x')>"),
    "refused": (select(Order.seq).where(Order.shop == 1), "<SELECT seq FROM orders WHERE shop = ? (1)>"),
}  # fmt: skip


@pytest.mark.parametrize(("query", "text"), SHOWN.values(), ids=SHOWN)
def test_a_repr_shows_the_cql_first(query, text):
    """A repr shows the CQL first, and then the values and options."""
    assert text == repr(query)


def test_a_repr_of_what_cannot_be_written_says_why():
    """The repr of an invalid statement has the reason, since it is most useful for debugging."""
    assert "has no model" in repr(select(fn.count()))
    assert "is a column of Plain" in repr(select(Order).where(Plain.id == ID))


SECRET = [
    select(Order.seq).where(*key_conditions(), Order.pin == "hush").allow_filtering(),
    select(Order.seq).where(*key_conditions(), Order.pin.in_(["hush"])).allow_filtering(),
    update(Order).where(*row()).set(Order.pin.to("hush")),
    update(Order).where(*row()).set(Order.total.to(1)).if_(Order.pin == "hush"),
    insert(Order(**KEY, pin="hush")),
    insert(Order).json('{"pin": "hush"}'),
    select(Order.seq).where(*key_conditions(), Order.pin == "hush"),
]


@pytest.mark.parametrize("query", SECRET, ids=range(len(SECRET)))
def test_a_repr_never_shows_what_is_redacted(query):
    """A repr never shows redacted values, even for a statement that is refused."""
    assert "hush" not in repr(query)
    assert "***" in repr(query)


def test_a_repr_is_short():
    """A repr is short even if a value is long."""
    assert len(repr(update(Plain).where(Plain.id == ID).set(Plain.name.to("x" * 10_000)))) < 300
