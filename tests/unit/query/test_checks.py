"""Statements that are refused with advice before they are sent, and similar ones that are not."""

from __future__ import annotations

from uuid import UUID, uuid1

import pytest

from scyllamodel import QueryNotSupported, TypeMismatch, UnknownColumn, delete, insert, select, update
from scyllamodel import functions as fn
from support.query_models import ByTotal, Hits, Order, Plain

T = uuid1()
ID = UUID(int=1)
HERE = (Order.shop == 1, Order.day == 2)
ROW = (*HERE, Order.placed == T, Order.seq == 3)
N = select(Order.seq)
U = update(Order).where(*ROW)
D = delete(Order)

REFUSED = [
    (select(Order), r"reads the whole table.*\(shop and day\).*repo\.scan.*whole_table"),
    (N.where(Order.shop == 1), "partition key \\(shop, day\\), and day has neither"),
    (N.where(Order.shop > 1, Order.day == 2), "shop has neither"),
    (N.where(Order.total == 1), "queried by its partition key.*view ByTotal.*Index\\('total'\\)"),
    (N.where(*HERE, Order.total == 1), "neither a key of Order.*Index\\('total'\\)"),
    (N.where(*HERE, Order.seq == 1), "ordered by \\(placed, seq\\).*placed has none"),
    (N.where(*HERE, Order.placed > T, Order.seq == 1), "placed"),
    (N.where(*HERE, fn.tuple_(Order.seq, Order.placed) > (1, T)), "placed"),
    (N.where(Order.placed == T), "queried by its partition key"),
    (N.where(Order.status == "a", Order.tags.contains("b")), "allow_filtering"),
    (N.where(Order.status > "a"), "Index\\('status', using='sai'\\)"),
    (N.where(Order.status.in_(["a"])), "queried"),
    (N.where(Order.lines["a"] == 1), "Index\\('lines', on='entries'\\)"),
    (N.where(Order.prices.contains_key("a")), "Index\\('prices', on='keys'\\)"),
    (N.where(Order.lines.contains(1)), "Index\\('lines'\\)"),
    (N.where(Order.code.like("a%")), "Index\\('code', using='SASIIndex'\\).*on ScyllaDB, the only server"),
    (N.where(Order.status != "a"), "servers do not support != in WHERE.*if_"),
    (N.where(Order.status == None), "cannot be selected by null"),  # noqa: E711
    (N.where(fn.token(Order.shop, Order.day) > 1, Order.placed == T), "queried by its partition key"),
    (N.where(fn.token(Order.shop) > 1), "token\\(\\) of the whole partition key"),
    (N.where(fn.token(Order.day, Order.shop) > 1), "token\\(\\) of the whole partition key"),
    (N.where(fn.max(Order.seq) == 1), "only function in WHERE is token"),
    (N.where(Plain.id == ID), "is a column of Plain, and the statement is on Order.*no joins"),
    (select(Order.seq, Plain.id).where(*HERE), "is a column of Plain, and the statement is on Order"),
    (N.whole_table().order_by(Order.placed.asc()), "within a partition"),
    (N.where(*HERE).order_by(Order.seq.asc()), "stored in the order of \\(placed, seq\\)"),
    (N.where(*HERE).order_by(Order.placed.asc(), Order.seq.asc()), "reversed only for all columns"),
    (N.where(*HERE).order_by(Order.total.asc()), "stored in the order"),
    (N.where(Order.shop.in_([1, 2]), Order.day == 1).order_by(Order.placed.asc()), "several partitions"),
    (N.order_by(Order.place.ann_of([1.0, 2.0])), "requires a limit.*limit"),
    (N.order_by(Order.place.ann_of([1.0, 2.0]), Order.placed.asc()).limit(1), "cannot be combined"),
    (N.where(*HERE).group_by(Order.seq), "prefix of the primary key"),
    (N.where(*HERE).group_by(Order.total), "prefix of the primary key"),
    (select(Order.shop).distinct(), "whole partition key"),
    (select(Order.shop, Order.day, Order.seq).distinct(), "whole partition key"),
    (select(Order).distinct(), "whole partition key"),
    (select(fn.count()), "has no model.*select_from"),
    (select(ByTotal).where(ByTotal.shop == 1), "partition key \\(total\\)"),
    (U, "changes nothing"),
    (update(Order).set(Order.total.to(1)), "lacks shop and day"),
    (update(Order).where(*HERE).set(Order.total.to(1)), "lacks placed and seq"),
    (update(Order).where(*ROW[:3]).set(Order.total.to(1)), "lacks seq"),
    (update(Order).where(*HERE, Order.placed > T).set(Order.total.to(1)), "lacks placed and seq"),
    (U.set(Order.seq.to(1)), "in the primary key.*immutable"),
    (U.set(Plain.name.to("x")), "is a column of Plain, and the statement is on Order"),
    (U.set(Order.owner.to("x")), "static columns only"),
    (update(Order).where(*ROW, Order.total == 1).set(Order.status.to("x")), "selected by their key.*if_"),
    (update(Order).where(fn.token(Order.shop, Order.day) > 1).set(Order.total.to(1)), "lacks"),
    (update(Hits).where(Hits.page == "a").set(Hits.hits.to(1)), "counter cannot be set.*increment"),
    (update(Hits).where(Hits.page == "a").set(Hits.hits.increment()).ttl(1), "neither TTL nor timestamp"),
    (update(Hits).where(Hits.page == "a").set(Hits.hits.increment()).if_exists(), "do not support conditions"),
    (U.set(Order.total.to(1)).if_exists().timestamp(1), "sets the timestamp of a conditional write"),
    (D.where(*HERE), "whole partitions.*whole_partition"),
    (D.where(Order.shop == 1), "lacks day"),
    (D.where(*ROW, Order.status == "x"), "selected by their key"),
    (D.where(*HERE, Order.seq == 1), "lacks"),
    (delete(Order.total).where(*HERE), "lacks placed and seq"),
    (delete(Order.seq).where(*ROW), "cannot be deleted alone"),
    (delete(Order.owner).where(*ROW), "static columns only"),
    (D.where(*ROW).if_exists().timestamp(1), "sets the timestamp of a conditional write"),
    (insert(Hits(page="a", hits=1)), "created by incrementing"),
    (insert(Plain), "no values"),
    (insert(Plain(id=ID)).if_not_exists().timestamp(1), "sets the timestamp of a conditional write"),
]

ALLOWED = [
    N.whole_table(), N.limit(1), N.allow_filtering(), N.where(Order.total == 1).allow_filtering(),
    N.where(Order.shop == 1).allow_filtering(), N.where(*HERE, Order.seq == 1).allow_filtering(),
    N.where(*HERE, Order.placed.in_([T]), Order.seq > 1), N.where(*HERE, Order.placed > T, Order.placed < T),
    N.where(Order.status == "a"), N.where(Order.code == "a", Order.rank > 1), N.where(Order.prices["a"] == 1),
    N.where(Order.title.like("a")), N.where(*HERE, fn.tuple_(Order.placed, Order.seq) >= (T, 1)),
    N.where(*HERE, Order.placed == T).order_by(Order.seq.asc()),
    N.where(*HERE).order_by(Order.placed.asc(), Order.seq.desc()),
    N.where(*HERE).group_by(Order.placed), N.where(*HERE, Order.placed == T).group_by(Order.seq),
    select(Order.shop, Order.day).distinct(), select(ByTotal).where(ByTotal.total == 1),
    update(Order).where(*HERE).set(Order.owner.to("x")), U.set(Order.owner.to("x"), Order.total.to(1)),
    D.where(*HERE).whole_partition(), D.where(*HERE, Order.placed >= T), delete(Plain).where(Plain.id == ID),
    delete(Order.owner).where(*HERE), D.where(*HERE, fn.tuple_(Order.placed, Order.seq) >= (T, 1)),
]  # fmt: skip


@pytest.mark.parametrize(("query", "reason"), REFUSED, ids=[f"{number}" for number in range(len(REFUSED))])
def test_what_no_key_and_no_index_serves_is_refused(query, reason):
    """A query that neither a key nor an index serves is refused with the reason and a remedy."""
    with pytest.raises(QueryNotSupported, match=reason) as exc_info:
        query.compile("shop")

    assert isinstance(exc_info.value.needs, tuple)
    assert isinstance(exc_info.value.helps, tuple)


@pytest.mark.parametrize("query", ALLOWED, ids=[f"{number}" for number in range(len(ALLOWED))])
def test_what_is_served_is_not_refused(query):
    """The most similar statements that servers accept are not refused."""
    assert query.compile("shop").template.cql


def test_a_refusal_names_the_columns_that_are_missing():
    """The error has the missing columns as an attribute, for programs."""
    with pytest.raises(QueryNotSupported) as exc_info:
        N.where(Order.shop == 1).compile(None)

    assert ("day",) == exc_info.value.needs


def test_a_word_for_one_statement_is_none_for_another():
    """A keyword such as `whole_table` applies to one statement, and an equal one without it is refused."""
    assert N.whole_table().compile("shop")
    with pytest.raises(QueryNotSupported):
        N.compile("shop")


def in_where():
    """Use a bool in place of a condition."""
    return N.where(Order(shop=1, day=1, placed=T).status == "new")


WRONG = [
    (in_where, TypeError, "two plain values were compared"),
    (lambda: N.where("status = 'x'"), TypeError, "takes conditions"),
    (lambda: N.where(Order.total.to(1)), TypeError, "takes conditions"),
    (lambda: U.set(Order.total == 1), TypeError, r"write Order.status.to"),
    (lambda: U.set("total = 1"), TypeError, "takes assignments"),
    (lambda: U.set(Order.total.to(1)).if_(True), TypeError, "two plain values"),
    (lambda: N.order_by("placed"), TypeError, "order_by"),
    (lambda: Order.status.in_("new"), TypeError, "one list of values"),
    (lambda: Order.status == Order.code, TypeError, "compared with a column"),
    (lambda: N.where(Order.shop.in_([None]), Order.day == 1).cql, TypeMismatch, "does not accept None"),
    (lambda: Order.tags.add("vip"), TypeError, "takes a collection"),
    (lambda: Order.staus, UnknownColumn, "status"),
    (
        lambda: Order.ship_to.field("stret").to("x") and U.set(Order.ship_to.field("stret").to("x")).cql,
        UnknownColumn,
        "street",
    ),
    (select, TypeError, "one model, or columns"),
    (lambda: select(Order, Plain), TypeError, "one model, or columns"),
    (lambda: select("seq").cql, TypeError, "a column, an element or field of one, or a function"),
    (lambda: select(Order(shop=1, day=1, placed=T)).cql, TypeError, "a column"),
    (lambda: insert(ByTotal), TypeError, "instance of a model"),
    (lambda: insert("x"), TypeError, "instance of a model"),
    (lambda: update(ByTotal), TypeError, "takes a model"),
    (lambda: update(Plain(id=ID)), TypeError, "takes a model"),
    (lambda: delete(ByTotal), TypeError, "delete"),
    (lambda: delete(Order.seq, Plain.id), TypeError, "one model"),
    (delete, TypeError, "delete"),
    (lambda: N.limit(0), ValueError, "limit"),
    (lambda: N.limit(-1), ValueError, "limit"),
    (lambda: N.limit(True), ValueError, "limit"),
    (lambda: N.limit(1.5), ValueError, "limit"),
    (lambda: N.per_partition_limit(0), ValueError, "per_partition_limit"),
    (lambda: U.ttl(-1), ValueError, "ttl"),
    (lambda: U.ttl(1.5), ValueError, "ttl"),
    (lambda: U.timestamp("now"), ValueError, "timestamp"),
    (lambda: N.timeout(0), ValueError, "timeout"),
    (lambda: N.server_timeout(-1), ValueError, "server_timeout"),
    (lambda: fn.call("drop table x; --"), ValueError, "name of a function"),
    (lambda: fn.max("seq"), TypeError, "a column, or an element"),
    (lambda: fn.tuple_("a", "b"), TypeError, "expected a column"),
]


@pytest.mark.parametrize(
    ("make", "kind", "reason"), WRONG, ids=[f"{index} {case[2]}" for index, case in enumerate(WRONG)]
)
def test_wrong_arguments_say_what_is_right(make, kind, reason):
    """A wrong argument is an error of the call, with advice, if the call can detect it."""
    with pytest.raises(kind, match=reason):
        make()


def test_a_tuple_of_another_length_is_refused():
    """A tuple with the wrong number of values is refused when it is bound."""
    compiled = N.where(*HERE, fn.tuple_(Order.placed, Order.seq) > (T,)).compile(None)
    with pytest.raises(ValueError, match="2 values are expected"):
        compiled.template.markers[-1].dump(compiled.values[-1])
