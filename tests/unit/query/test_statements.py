"""Builders return text, values and markers."""

# ruff: noqa: E501 - one case a line
from __future__ import annotations

import gc
import weakref
from datetime import datetime, timezone
from uuid import UUID, uuid1

import pytest

from scyllamodel import Column, Model, delete, insert, partition_key, select, update
from scyllamodel import functions as fn
from scyllamodel.query import model_cache
from scyllamodel.query.instances import statements_for
from scyllamodel.query.model_cache import cache_for
from scyllamodel.query.select import count_query, first_key_query
from scyllamodel.query.statement import UNSET
from support.query_models import Address, ByTotal, Elsewhere, Hits, Level, Order, Plain


class Tenanted(Model, table="tenanted", repo="queries"):
    """A table of many tenants."""

    id: Column[int] = partition_key()


T = uuid1()
NOW = datetime(2026, 11, 26, tzinfo=timezone.utc)
ID = UUID(int=1)
HERE = (Order.shop == 1, Order.day == 2)
ROW = (*HERE, Order.placed == T, Order.seq == 3)
P = "shop = ? AND day = ?"
K = f"{P} AND placed = ? AND seq = ?"
ALL = cache_for(Order).selection
EVERY = select(Order)
N = select(Order.seq)
U = update(Order).where(*ROW)
HOME = Address(street="High", zip_code="1")

SELECTS = [
    (EVERY.where(*HERE), f"SELECT {ALL} FROM orders WHERE {P}", (1, 2)),
    (N.where(*HERE), f"SELECT seq FROM orders WHERE {P}", (1, 2)),
    (N.where(HERE[0]).where(HERE[1]), f"SELECT seq FROM orders WHERE {P}", (1, 2)),
    (select(Order.kind).where(*HERE), f'SELECT "Kind Of" FROM orders WHERE {P}', (1, 2)),
    (N.where(Order.shop.in_([1, 4]), Order.day == 2), "SELECT seq FROM orders WHERE shop IN ? AND day = ?", ([1, 4], 2)),
    (N.where(*HERE, Order.placed > T), f"SELECT seq FROM orders WHERE {P} AND placed > ?", (1, 2, T)),
    (N.where(*HERE, Order.placed >= T), f"SELECT seq FROM orders WHERE {P} AND placed >= ?", (1, 2, T)),
    (N.where(*HERE, Order.placed < T), f"SELECT seq FROM orders WHERE {P} AND placed < ?", (1, 2, T)),
    (N.where(*HERE, Order.placed <= T), f"SELECT seq FROM orders WHERE {P} AND placed <= ?", (1, 2, T)),
    (N.where(*HERE, Order.placed == T, Order.seq.in_(range(3))),
     f"SELECT seq FROM orders WHERE {P} AND placed = ? AND seq IN ?", (1, 2, T, [0, 1, 2])),
    (N.where(*HERE, fn.tuple_(Order.placed, Order.seq) > (T, 1)),
     f"SELECT seq FROM orders WHERE {P} AND (placed, seq) > ?", (1, 2, (T, 1))),
    (N.where(*HERE, fn.tuple_(Order.placed, Order.seq).in_([(T, 1)])),
     f"SELECT seq FROM orders WHERE {P} AND (placed, seq) IN ?", (1, 2, [(T, 1)])),
    (N.where(fn.token(Order.shop, Order.day) > 5), "SELECT seq FROM orders WHERE token(shop, day) > ?", (5,)),
    (N.where(fn.token(Order.shop, Order.day) > fn.token(1, 2)),
     "SELECT seq FROM orders WHERE token(shop, day) > token(?, ?)", (1, 2)),
    (N.where(Order.status == "x"), "SELECT seq FROM orders WHERE status = ?", ("x",)),
    (N.where(*HERE, Order.status == "x"), f"SELECT seq FROM orders WHERE {P} AND status = ?", (1, 2, "x")),
    (N.where(Order.tags.contains("a")), "SELECT seq FROM orders WHERE tags CONTAINS ?", ("a",)),
    (N.where(Order.lines.contains_key("a")), "SELECT seq FROM orders WHERE lines CONTAINS KEY ?", ("a",)),
    (N.where(Order.prices["a"] == 3), "SELECT seq FROM orders WHERE prices[?] = ?", ("a", 3)),
    (N.where(Order.title.like("a%")), "SELECT seq FROM orders WHERE title LIKE ?", ("a%",)),
    (N.where(Order.rank > 3), "SELECT seq FROM orders WHERE rank > ?", (3,)),
    (N.where(Order.rank > 3, Order.code == "x"), "SELECT seq FROM orders WHERE rank > ? AND code = ?", (3, "x")),
    (N.where(*HERE, Order.total == 3).allow_filtering(),
     f"SELECT seq FROM orders WHERE {P} AND total = ? ALLOW FILTERING", (1, 2, 3)),
    (N.where(Order.total.in_([3])).allow_filtering(), "SELECT seq FROM orders WHERE total IN ? ALLOW FILTERING", ([3],)),
    (N.where(*HERE).order_by(Order.placed.asc()), f"SELECT seq FROM orders WHERE {P} ORDER BY placed ASC", (1, 2)),
    (N.where(*HERE).order_by(Order.placed), f"SELECT seq FROM orders WHERE {P} ORDER BY placed ASC", (1, 2)),
    (N.where(*HERE).order_by(Order.placed.desc(), Order.seq.asc()),
     f"SELECT seq FROM orders WHERE {P} ORDER BY placed DESC, seq ASC", (1, 2)),
    (N.where(*HERE, Order.placed == T).order_by(Order.seq.desc()),
     f"SELECT seq FROM orders WHERE {P} AND placed = ? ORDER BY seq DESC", (1, 2, T)),
    (N.order_by(Order.place.ann_of([1.0, 2.0])).limit(3), "SELECT seq FROM orders ORDER BY place ANN OF ? LIMIT ?",
     ([1.0, 2.0], 3)),
    (N.where(*HERE).limit(5), f"SELECT seq FROM orders WHERE {P} LIMIT ?", (1, 2, 5)),
    (N.where(*HERE).limit(5).limit(6), f"SELECT seq FROM orders WHERE {P} LIMIT ?", (1, 2, 6)),
    (N.limit(5), "SELECT seq FROM orders LIMIT ?", (5,)),
    (N.whole_table(), "SELECT seq FROM orders", ()),
    (N.whole_table().per_partition_limit(2), "SELECT seq FROM orders PER PARTITION LIMIT ?", (2,)),
    (N.where(*HERE).limit(5).per_partition_limit(2), f"SELECT seq FROM orders WHERE {P} PER PARTITION LIMIT ? LIMIT ?",
     (1, 2, 2, 5)),
    (select(Order.placed, fn.count()).where(*HERE).group_by(Order.placed),
     f"SELECT placed, count(*) FROM orders WHERE {P} GROUP BY placed", (1, 2)),
    (select(fn.count(Order)).group_by(Order.shop, Order.day).whole_table(),
     "SELECT count(*) FROM orders GROUP BY shop, day", ()),
    (select(Order.shop, Order.day).distinct(), "SELECT DISTINCT shop, day FROM orders", ()),
    (select(Order.shop, Order.day, Order.owner).distinct(), "SELECT DISTINCT shop, day, owner FROM orders", ()),
    (select(Order.shop, Order.day, fn.writetime(Order.owner)).distinct(),
     "SELECT DISTINCT shop, day, writetime(owner) FROM orders", ()),
    (N.where(*HERE).bypass_cache(), f"SELECT seq FROM orders WHERE {P} BYPASS CACHE", (1, 2)),
    (N.where(*HERE).json(), f"SELECT JSON seq FROM orders WHERE {P}", (1, 2)),
    (select(fn.count()).where(*HERE), f"SELECT count(*) FROM orders WHERE {P}", (1, 2)),
    (select(fn.count()).select_from(Plain).whole_table(), "SELECT count(*) FROM plain", ()),
    (select(fn.count(Order.at)).where(*HERE), f"SELECT count(at) FROM orders WHERE {P}", (1, 2)),
    (select(fn.min(Order.seq), fn.max(Order.seq)).where(*HERE), f"SELECT min(seq), max(seq) FROM orders WHERE {P}", (1, 2)),
    (select(fn.sum(Order.total), fn.avg(Order.total)).where(*HERE),
     f"SELECT sum(total), avg(total) FROM orders WHERE {P}", (1, 2)),
    (select(fn.writetime(Order.lines["it's {x}"]), fn.ttl(Order.tags, element="a")).where(*HERE),
     f"SELECT writetime(lines['it''s {{x}}']), ttl(tags['a']) FROM orders WHERE {P}", (1, 2)),
    (select(fn.writetime(Order.status), fn.ttl(Order.status)).where(*HERE),
     f"SELECT writetime(status), ttl(status) FROM orders WHERE {P}", (1, 2)),
    (select(fn.cast(Order.seq, str)).where(*HERE), f"SELECT CAST(seq AS text) FROM orders WHERE {P}", (1, 2)),
    (select(fn.json(Order.tags)).where(*HERE), f"SELECT toJson(tags) FROM orders WHERE {P}", (1, 2)),
    (select(fn.token(Order.shop, Order.day)).where(*HERE), f"SELECT token(shop, day) FROM orders WHERE {P}", (1, 2)),
    (select(fn.call("shop.tax", Order.total, 7)).where(*HERE), f"SELECT shop.tax(total, ?) FROM orders WHERE {P}", (7, 1, 2)),
    (select(Order.lines["a"]).where(*HERE), f"SELECT lines[?] FROM orders WHERE {P}", ("a", 1, 2)),
    (select(Order.ship_to.field("zip_code")).where(*HERE), f"SELECT ship_to.zip_code FROM orders WHERE {P}", (1, 2)),
    (N.where(*HERE, Order.placed > fn.min_timeuuid(NOW)), f"SELECT seq FROM orders WHERE {P} AND placed > minTimeuuid(?)",
     (1, 2, NOW)),
    (N.where(*HERE, Order.placed < fn.max_timeuuid(NOW)), f"SELECT seq FROM orders WHERE {P} AND placed < maxTimeuuid(?)",
     (1, 2, NOW)),
    (N.where(*HERE, Order.placed < fn.now()), f"SELECT seq FROM orders WHERE {P} AND placed < now()", (1, 2)),
    (select(ByTotal.seq).where(ByTotal.total == 3), "SELECT seq FROM by_total WHERE total = ?", (3,)),
    (select(Elsewhere).where(Elsewhere.id == 1), 'SELECT id FROM "Other".elsewhere WHERE id = ?', (1,)),
    (count_query(N.where(*HERE)), f"SELECT count(*) FROM orders WHERE {P}", (1, 2)),
    (first_key_query(EVERY.where(*HERE)), f"SELECT shop FROM orders WHERE {P}", (1, 2)),
]  # fmt: skip
UPDATES = [
    (U.set(Order.status.to("x")), f"UPDATE orders SET status = ? WHERE {K}", ("x",), True),
    (U.set(Order.status.to("x"), Order.total.to(1)), f"UPDATE orders SET status = ?, total = ? WHERE {K}", ("x", 1), True),
    (U.set(Order.status.to("x")).set(Order.total.to(1)), f"UPDATE orders SET status = ?, total = ? WHERE {K}", ("x", 1), True),
    (U.set(Order.at.to(None)), f"UPDATE orders SET at = ? WHERE {K}", (None,), True),
    (U.set(Order.tags.add({"a"})), f"UPDATE orders SET tags = tags + ? WHERE {K}", ({"a"},), True),
    (U.set(Order.tags.remove({"a"})), f"UPDATE orders SET tags = tags - ? WHERE {K}", ({"a"},), True),
    (U.set(Order.notes.append(["a"])), f"UPDATE orders SET notes = notes + ? WHERE {K}", (["a"],), False),
    (U.set(Order.notes.prepend(["a"])), f"UPDATE orders SET notes = ? + notes WHERE {K}", (["a"],), False),
    (U.set(Order.notes.remove(["a"])), f"UPDATE orders SET notes = notes - ? WHERE {K}", (["a"],), True),
    (U.set(Order.notes[2].to("a")), f"UPDATE orders SET notes[?] = ? WHERE {K}", (2, "a"), False),
    (U.set(Order.lines.add({"a": 1})), f"UPDATE orders SET lines = lines + ? WHERE {K}", ({"a": 1},), True),
    (U.set(Order.lines.remove({"a"})), f"UPDATE orders SET lines = lines - ? WHERE {K}", ({"a"},), True),
    (U.set(Order.lines["a"].to(1)), f"UPDATE orders SET lines[?] = ? WHERE {K}", ("a", 1), True),
    (U.set(Order.lines["a"].to(None)), f"UPDATE orders SET lines[?] = ? WHERE {K}", ("a", None), True),
    (U.set(Order.ship_to.to(HOME)), f"UPDATE orders SET ship_to = ? WHERE {K}", (HOME,), True),
    (U.set(Order.ship_to.field("street").to("x")), f"UPDATE orders SET ship_to.street = ? WHERE {K}", ("x",), True),
    (U.set(Order.kind.to("x")), f'UPDATE orders SET "Kind Of" = ? WHERE {K}', ("x",), True),
    (U.set(Order.at.to(fn.call("currentTimestamp"))), f"UPDATE orders SET at = currentTimestamp() WHERE {K}", (), False),
]  # fmt: skip
KEY = (1, 2, T, 3)


@pytest.mark.parametrize(("query", "text", "values"), SELECTS, ids=[case[1] for case in SELECTS])
def test_selects(query, text, values):
    """A SELECT has a marker for each value, in order."""
    compiled = query.compile(None)

    assert (text, values) == (compiled.template.cql, compiled.values)
    assert text.count("?") == len(compiled.template.markers)
    assert ("select", True, False) == (
        compiled.template.verb,
        compiled.template.idempotent,
        compiled.template.conditional,
    )


@pytest.mark.parametrize(("query", "text", "values", "idempotent"), UPDATES, ids=[case[1] for case in UPDATES])
def test_updates(query, text, values, idempotent):
    """An UPDATE has its text and values, and whether it is idempotent."""
    compiled = query.compile(None)

    assert (text, (*values, *KEY)) == (compiled.template.cql, compiled.values)
    assert text.count("?") == len(compiled.template.markers)
    assert idempotent is compiled.template.idempotent


WHOLE = insert(Order(shop=1, day=2, placed=T))
OTHERS = [
    (U.set(Order.total.to(1)).ttl(60), f"UPDATE orders USING TTL ? SET total = ? WHERE {K}", (60, 1, *KEY)),
    (U.set(Order.total.to(1)).ttl(0), f"UPDATE orders USING TTL ? SET total = ? WHERE {K}", (0, 1, *KEY)),
    (U.set(Order.total.to(1)).ttl(60).timestamp(9), f"UPDATE orders USING TTL ? AND TIMESTAMP ? SET total = ? WHERE {K}",
     (60, 9, 1, *KEY)),
    (U.set(Order.total.to(1)).if_(Order.status == "x"), f"UPDATE orders SET total = ? WHERE {K} IF status = ?", (1, *KEY, "x")),
    (U.set(Order.total.to(1)).if_(Order.status == None), f"UPDATE orders SET total = ? WHERE {K} IF status = ?",  # noqa: E711
     (1, *KEY, None)),
    (U.set(Order.total.to(1)).if_(Order.status != "x", Order.total > 3),
     f"UPDATE orders SET total = ? WHERE {K} IF status != ? AND total > ?", (1, *KEY, "x", 3)),
    (U.set(Order.total.to(1)).if_(Order.status.in_(["a", None])), f"UPDATE orders SET total = ? WHERE {K} IF status IN ?",
     (1, *KEY, ["a", None])),
    (U.set(Order.total.to(1)).if_(Order.lines["a"] == 2), f"UPDATE orders SET total = ? WHERE {K} IF lines[?] = ?",
     (1, *KEY, "a", 2)),
    (U.set(Order.total.to(1)).if_(Order.ship_to.field("street") == "x"),
     f"UPDATE orders SET total = ? WHERE {K} IF ship_to.street = ?", (1, *KEY, "x")),
    (U.set(Order.total.to(1)).if_exists(), f"UPDATE orders SET total = ? WHERE {K} IF EXISTS", (1, *KEY)),
    (update(Order).where(*HERE).set(Order.owner.to("x")), f"UPDATE orders SET owner = ? WHERE {P}", ("x", 1, 2)),
    (update(Order).where(*HERE, Order.placed == T, Order.seq.in_([1, 2])).set(Order.total.to(1)),
     f"UPDATE orders SET total = ? WHERE {P} AND placed = ? AND seq IN ?", (1, 1, 2, T, [1, 2])),
    (update(Hits).where(Hits.page == "a").set(Hits.hits.increment(2)), "UPDATE hits SET hits = hits + ? WHERE page = ?", (2, "a")),
    (update(Hits).where(Hits.page == "a").set(Hits.hits.decrement()), "UPDATE hits SET hits = hits - ? WHERE page = ?", (1, "a")),
    (delete(Order).where(*ROW), f"DELETE FROM orders WHERE {K}", KEY),
    (delete(Order).where(*HERE, Order.placed > T), f"DELETE FROM orders WHERE {P} AND placed > ?", (1, 2, T)),
    (delete(Order).where(*HERE, Order.placed == T), f"DELETE FROM orders WHERE {P} AND placed = ?", (1, 2, T)),
    (delete(Order).where(*HERE).whole_partition(), f"DELETE FROM orders WHERE {P}", (1, 2)),
    (delete(Plain).where(Plain.id == ID), "DELETE FROM plain WHERE id = ?", (ID,)),
    (delete(Plain).where(Plain.id.in_([ID])), "DELETE FROM plain WHERE id IN ?", ([ID],)),
    (delete(Plain(id=ID)), "DELETE FROM plain WHERE id = ?", (ID,)),
    (delete(Order.status, Order.lines["a"]).where(*ROW), f"DELETE status, lines[?] FROM orders WHERE {K}", ("a", *KEY)),
    (delete(Order.ship_to.field("street")).where(*ROW), f"DELETE ship_to.street FROM orders WHERE {K}", KEY),
    (delete(Order.owner).where(*HERE), f"DELETE owner FROM orders WHERE {P}", (1, 2)),
    (delete(Order).where(*ROW).timestamp(9), f"DELETE FROM orders USING TIMESTAMP ? WHERE {K}", (9, *KEY)),
    (delete(Order).where(*ROW).if_exists(), f"DELETE FROM orders WHERE {K} IF EXISTS", KEY),
    (delete(Order).where(*ROW).if_(Order.total == 1), f"DELETE FROM orders WHERE {K} IF total = ?", (*KEY, 1)),
    (insert(Plain(id=ID, name="x")), "INSERT INTO plain (id, name) VALUES (?, ?)", (ID, "x")),
    (insert(Plain(id=ID)).if_not_exists(), "INSERT INTO plain (id, name) VALUES (?, ?) IF NOT EXISTS", (ID, "")),
    (insert(Plain(id=ID)).ttl(5).timestamp(6), "INSERT INTO plain (id, name) VALUES (?, ?) USING TTL ? AND TIMESTAMP ?",
     (ID, "", 5, 6)),
    (insert(Plain).json("{}"), "INSERT INTO plain JSON ? DEFAULT UNSET", ("{}",)),
    (insert(Plain).json("{}", missing="null").if_not_exists(), "INSERT INTO plain JSON ? DEFAULT NULL IF NOT EXISTS", ("{}",)),
]  # fmt: skip


@pytest.mark.parametrize(("query", "text", "values"), OTHERS, ids=[case[1] for case in OTHERS])
def test_writes(query, text, values):
    """INSERT and DELETE have their USING and IF clauses."""
    compiled = query.compile(None)

    assert (text, values) == (compiled.template.cql, compiled.values)
    assert text.count("?") == len(compiled.template.markers)
    assert compiled.template.conditional is (" IF " in text)


def test_the_keyspace_is_in_the_text():
    """The text has the keyspace of the repo, unless the model has its own."""
    assert " FROM shop.plain " in select(Plain).where(Plain.id == ID).compile("shop").template.cql
    assert ' FROM "Other".elsewhere ' in select(Elsewhere).where(Elsewhere.id == 1).compile("shop").template.cql


def test_what_says_nothing_is_unset():
    """None and empty collections of a new row are unset, while key columns and plain values are bound."""
    values = dict(zip([m.name for m in WHOLE.compile(None).template.markers], WHOLE.values, strict=True))

    assert {"shop", "day", "placed", "seq", "status", "total", "level"} == {
        name.removeprefix("Order.") for name, value in values.items() if value is not UNSET
    }


def test_nulls_can_be_asked_for():
    """With `nulls()` no value is unset."""
    assert UNSET not in WHOLE.nulls().values


MARKERS = [
    (N.where(*HERE, Order.total == 1).allow_filtering(), "Order.total", "bigint"),
    (N.where(Order.shop.in_([1]), Order.day == 2), "Order.shop", "list<bigint>"),
    (N.where(Order.tags.contains("a")), "Order.tags", "text"),
    (N.where(Order.prices["a"] == 1), "Order.prices[…]", "int"),
    (U.set(Order.levels.add({Level.LOW})), "Order.levels", "set<bigint>"),
    (U.set(Order.lines.remove({"a"})), "Order.lines", "set<text>"),
    (U.set(Order.notes[1].to("a")), "the key of Order.notes", "int"),
    (U.set(Order.ship_to.field("street").to("a")), "Order.ship_to.field('street')", "text"),
    (N.where(*HERE).limit(1), "[limit]", None),
]


@pytest.mark.parametrize(("query", "name", "cql_type"), MARKERS, ids=[case[1] for case in MARKERS])
def test_markers_say_what_they_are_for(query, name, cql_type):
    """A marker has a name for error messages and the CQL type of its value."""
    by_name = {marker.name: marker.type for marker in query.compile(None).template.markers}

    assert cql_type == (None if by_name[name] is None else by_name[name].cql)


def test_values_are_converted_as_their_columns_are():
    """Values are converted like their column in comparisons, IN, collections and tuples."""
    queries = [
        N.where(*HERE, Order.level == Level.HIGH).allow_filtering(),
        N.where(*HERE, Order.level.in_([Level.HIGH])).allow_filtering(),
        N.where(*HERE, Order.levels.contains(Level.HIGH)).allow_filtering(),
        U.set(Order.levels.to({Level.HIGH})),
    ]
    results = []
    for query in queries:
        compiled = query.compile(None)
        results += [
            marker.dump(value)
            for marker, value in zip(compiled.template.markers, compiled.values, strict=True)
            if "level" in marker.name
        ]

    assert [2, [2], 2, {2}] == [set(item) if isinstance(item, set) else item for item in results] or [
        2,
        [2],
        2,
        [2],
    ] == results


def test_a_template_is_created_once():
    """Statements share a template whatever their values are and however many values IN has."""
    item = N.where(Order.shop.in_([1]), Order.day == 2).limit(1).compile("shop").template
    two = N.where(Order.shop.in_(range(100)), Order.day == 5).limit(7).compile("shop").template

    assert item is two


def test_another_keyspace_has_another_template():
    """Each keyspace has its own template, since the text contains it."""
    query = select(Plain).where(Plain.id == ID)

    assert query.compile("a").template is not query.compile("b").template


def test_builders_do_not_change():
    """Each method returns a copy of the builder."""
    base = select(Plain)
    base.where(Plain.id == ID).limit(3)

    assert select(Plain).whole_table().cql == base.whole_table().cql


def test_a_class_that_is_gone_is_not_kept():
    """Cached statements do not keep their model class alive."""

    def declare_model():
        class Passing(Model, repo="queries"):
            id: Column[int] = partition_key()

        select(Passing).where(Passing.id == 1).compile("shop")
        return weakref.ref(Passing)

    reference = declare_model()
    gc.collect()

    assert reference() is None


def test_options_are_no_part_of_the_text():
    """Options are not part of the text of a statement."""
    query = N.where(*HERE)
    tuned = query.consistency("ONE").serial_consistency("SERIAL").timeout(3).idempotent(False)
    options = tuned.compile(None).options

    assert query.cql == tuned.cql
    assert ("ONE", "SERIAL", 3, False) == (
        options.consistency,
        options.serial_consistency,
        options.timeout,
        options.idempotent,
    )


def test_server_timeouts_are_bound():
    """A server timeout is bound as a duration."""
    compiled = N.where(*HERE).server_timeout(0.5).compile(None)

    assert compiled.template.cql.endswith(" USING TIMEOUT ?")
    assert 500_000_000 == compiled.values[-1].nanoseconds


ROWS = [
    (select(Order.level), (2,), (Level.HIGH,)),
    (select(Order.tags), (None,), (set(),)),
    (select(Order.at), (None,), (None,)),
    (select(Order.seq, Order.level), (1, 1), (1, Level.LOW)),
    (select(fn.max(Order.level)), (2,), (Level.HIGH,)),
    (select(fn.count(Order)), (7,), (7,)),
]


@pytest.mark.parametrize(("query", "row", "expected"), ROWS, ids=lambda item: repr(item)[:30])
def test_rows_become_tuples_of_python_values(query, row, expected):
    """Rows are loaded as tuples of Python values, without a loader if no value needs conversion."""
    load = query.whole_table().compile(None).template.load

    assert expected == (row if load is None else load(row))


def test_statements_cached_for_tenants_are_bounded(monkeypatch):
    """The cache has a limited number of statements, however many keyspaces there are."""
    monkeypatch.setattr(model_cache, "MAX_ENTRIES", 10)
    for number in range(30):
        statements_for(Tenanted, f"k{number}").delete_key((1,))
    cache = model_cache.cache_for(Tenanted)

    assert 10 == len(cache.statements)
    assert 10 == len(cache.templates)


def test_tenants_share_their_value_extractor():
    """The function that extracts values belongs to the class and is shared by all keyspaces."""
    first, other = statements_for(Tenanted, "one"), statements_for(Tenanted, "other")

    assert first.values is other.values
