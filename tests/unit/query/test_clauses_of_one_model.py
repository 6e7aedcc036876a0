"""Every clause of every builder refuses columns of another model, also one of the same name."""

from __future__ import annotations

from uuid import UUID, uuid1

import pytest

from scyllamodel import Column, Model, QueryNotSupported, clustering_key, column, delete, partition_key, select, update
from scyllamodel import functions as fn
from support.query_models import ByTotal, Hits, Order, Plain

T = uuid1()
HERE = (Order.shop == 1, Order.day == 2)
ROW = (*HERE, Order.placed == T, Order.seq == 3)
N = select(Order.seq).where(*HERE)
U = update(Order).where(*ROW)
D = delete(Order).where(*ROW)


class Twin(Model, table="twin", repo="queries"):
    """A model whose columns have the same names as those of `Order`."""

    shop: Column[int] = partition_key()
    day: Column[int] = partition_key()
    placed: Column[UUID] = clustering_key()
    seq: Column[int] = clustering_key()
    total: Column[int] = column(default=0)
    status: Column[str] = column(default="new")
    tags: Column[set[str]] = column(factory=set)
    lines: Column[dict[str, int]] = column(factory=dict)


CLAUSES = {
    "where": lambda x: N.where(x.seq == 1, x.placed == T),
    "where in": lambda x: N.where(Order.placed == T, x.seq.in_([1])),
    "where tuple": lambda x: N.where(fn.tuple_(x.placed, x.seq) > (T, 1)),
    "where token": lambda x: select(Order.seq).where(fn.token(x.shop, x.day) > 1),
    "selection": lambda x: select(Order.seq, x.total).where(*HERE),
    "selected function": lambda x: select(Order.seq, fn.max(x.total)).where(*HERE),
    "order_by": lambda x: N.order_by(x.placed.desc()),
    "group_by": lambda x: N.group_by(x.placed),
    "set": lambda x: U.set(x.total.to(1)),
    "set after another": lambda x: U.set(Order.status.to("x"), x.total.to(1)),
    "set element": lambda x: U.set(x.lines["a"].to(1)),
    "add": lambda x: U.set(x.tags.add({"a"})),
    "where of update": lambda x: update(Order).where(*ROW[:3], x.seq == 3).set(Order.total.to(1)),
    "if_ of update": lambda x: U.set(Order.total.to(1)).if_(x.total == 1),
    "if_ in": lambda x: U.set(Order.total.to(1)).if_(x.total.in_([1])),
    "where of delete": lambda x: delete(Order).where(*ROW[:3], x.seq == 3),
    "if_ of delete": lambda x: D.if_(x.total == 1),
    "target of delete": lambda x: delete(Order.status, x.lines["a"]).where(*ROW),
}


@pytest.mark.parametrize("clause", CLAUSES.values(), ids=CLAUSES)
def test_a_column_of_another_model_is_refused(clause):
    """A column of another model is refused, also after a statement with the same text was compiled."""
    assert clause(Order).compile("shop").template.cql

    with pytest.raises(
        (QueryNotSupported, TypeError), match=r"is a column of Twin, and the statement is on Order|one model"
    ):
        clause(Twin).compile("shop")


OTHERS = {
    "view": N.where(Order.placed == T, ByTotal.seq == 1),
    "counter": update(Hits).where(Plain.name == "a").set(Hits.hits.increment()),
    "model of a view": select(ByTotal).where(Order.total == 1),
}


@pytest.mark.parametrize("query", OTHERS.values(), ids=OTHERS)
def test_a_view_and_its_model_are_two(query):
    """A view and its model do not share columns."""
    with pytest.raises(QueryNotSupported, match="and the statement is on"):
        query.compile("shop")


def test_columns_of_a_base_are_columns_of_its_subclass():
    """A derived table has the columns of its base, and accepts those of either class."""

    class More(Twin, table="more", repo="queries"):
        extra: Column[int] = column(default=0)

    query = select(More).where(Twin.shop == 1, More.day == 2)

    assert query.cql.endswith("FROM more WHERE shop = ? AND day = ?")
