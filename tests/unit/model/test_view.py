"""A class statement becomes a materialized view of a model."""

from __future__ import annotations

import copy
import pickle
from decimal import Decimal
from uuid import UUID

import attrs
import pytest

from scyllamodel import types as cql
from scyllamodel.errors import ModelDefinitionError
from scyllamodel.model.base import Model
from scyllamodel.model.column import Column
from scyllamodel.model.expression import ColumnTarget, Condition
from scyllamodel.model.fields import clustering_key, column, partition_key
from scyllamodel.model.user_type import UserType
from scyllamodel.model.view import MaterializedView
from scyllamodel.schema.facts.objects import TableColumn, View
from scyllamodel.schema.options import DOCSTRING, TableOptions
from scyllamodel.types import Duration, parse_type


class Address(UserType):
    street: str


class Order(Model, table="orders", keyspace="shop", repo="sales"):
    shop: Column[UUID] = partition_key()
    placed: Column[cql.TimeUUID] = clustering_key(descending=True)
    status: Column[str | None] = column(default="new", db_name="Status")
    total: Column[Decimal] = column()
    word: Column[str] = column(redact=True, default="x")
    level: Column[complex] = column(type=cql.Int, load=complex, dump=lambda value: int(value.real))
    long: Column[Duration | None] = column(default=None)
    tags: Column[set[str]] = column(factory=set)
    home: Column[Address | None] = column(default=None)
    shared: Column[str | None] = column(static=True, default=None)


class OrderByStatus(MaterializedView, of=Order, view="orders_by_status", options=TableOptions(comment=DOCSTRING)):
    """A view of orders, grouped by status."""

    status: Column[str] = partition_key()
    shop: Column[UUID] = clustering_key()
    placed: Column[cql.TimeUUID] = clustering_key(descending=True)
    total: Column[Decimal] = column()
    word: Column[str] = column()
    level: Column[complex] = column()
    home: Column[Address | None] = column()


SHOP, PLACED = UUID(int=1), UUID(int=2)
ROW = ("new", SHOP, PLACED, Decimal(3), "hush", 7, ("Long",))


def test_facts_are_what_the_class_says():
    """``__facts__`` describes the view: keys, names, and the keyspace of its table."""
    expected = View(
        "orders_by_status",
        [
            TableColumn("Status", parse_type("text"), "partition_key"),
            TableColumn("shop", parse_type("uuid"), "clustering"),
            TableColumn("placed", parse_type("timeuuid"), "clustering", descending=True),
            TableColumn("total", parse_type("decimal")),
            TableColumn("word", parse_type("text")),
            TableColumn("level", parse_type("int")),
            TableColumn("home", parse_type("address")),
        ],
        base="orders",
        keyspace="shop",
        options={"comment": "A view of orders, grouped by status."},
    )

    assert expected == OrderByStatus.__facts__


def test_view_belongs_to_its_table():
    """A view has the repo of its table, and the user types of its columns."""
    assert (Order, "sales", (Address,)) == (OrderByStatus.__of__, OrderByStatus.__repo__, OrderByStatus.__user_types__)


def test_name_follows_from_the_class():
    """Without ``view=`` the name of the view is that of the class, in snake_case."""

    class OrderByShop(MaterializedView, of=Order):
        placed: Column[cql.TimeUUID] = partition_key()
        shop: Column[UUID] = clustering_key()

    assert "order_by_shop" == OrderByShop.__facts__.name


def test_rows_load():
    """A row of the view is loaded with the converters of its table."""
    loaded = OrderByStatus.__load__(ROW)

    assert ("new", Decimal(3), complex(7), Address(street="Long")) == (
        loaded.status,
        loaded.total,
        loaded.level,
        loaded.home,
    )


def test_instances_are_values():
    """Instances are compared, copied, pickled, shown and matched like those of models, including redaction."""
    loaded = OrderByStatus.__load__(ROW)

    assert [loaded] * 3 == [OrderByStatus.__load__(ROW), copy.copy(loaded), pickle.loads(pickle.dumps(loaded, 0))]
    assert ("word=***" in repr(loaded), "new") == (True, attrs.asdict(loaded)["status"])


@pytest.mark.parametrize("use", [OrderByStatus, lambda: OrderByStatus(status="x"), MaterializedView])
def test_view_is_not_constructed(use):
    """Creating an instance is a TypeError with advice, since the server fills a view."""
    with pytest.raises(TypeError, match="save instances of"):
        use()


def test_misspelt_attribute_is_refused():
    """Assigning an unknown attribute is refused."""
    with pytest.raises(AttributeError):
        OrderByStatus.__load__(ROW).stauts = 3


def test_columns_make_conditions():
    """Columns on the class belong to the view."""
    assert Condition(ColumnTarget(OrderByStatus, "status"), "=", "x") == (OrderByStatus.status == "x")


def test_abstract_view_hands_down_columns():
    """An abstract view passes its columns on to subclasses."""

    class Base(MaterializedView, abstract=True, options=TableOptions(gc_grace_seconds=5)):
        shop: Column[UUID] = clustering_key()
        placed: Column[cql.TimeUUID] = clustering_key()

    class Child(Base, of=Order):
        total: Column[Decimal] = partition_key()

    assert (["total", "shop", "placed"], 5) == (
        [c.name for c in Child.__facts__.columns],
        Child.__facts__.options["gc_grace_seconds"],
    )


class Hits(Model):
    id: Column[str] = partition_key()
    hits: Column[cql.Counter] = column()


class AbstractOrder(Model, abstract=True):
    id: Column[str] = partition_key()


KEYS = {"shop": ("Column[UUID]", partition_key()), "placed": ("Column[cql.TimeUUID]", clustering_key())}


@pytest.mark.parametrize(
    ("body", "keywords", "expected"),
    [
        (KEYS, {}, ["MD131"]),
        (KEYS, {"of": 3}, ["MD131"]),
        (KEYS, {"of": OrderByStatus}, ["MD131"]),
        (KEYS, {"of": AbstractOrder}, ["MD131"]),
        (KEYS, {"of": Order, "view": "orders"}, ["MD131"]),
        (KEYS, {"of": Order, "view": "v" * 49}, ["MD108"]),
        (KEYS, {"of": Order, "view": "a b"}, ["MD108"]),
        (KEYS, {"of": Order, "view": 3}, ["MD116"]),
        (KEYS, {"of": Order, "options": 3}, ["MD116"]),
        (KEYS, {"of": Order, "options": TableOptions(default_time_to_live=3)}, ["MD117 options"]),
        (KEYS | {"stauts": ("Column[str]", column())}, {"of": Order}, ["MD132 stauts"]),
        (KEYS | {"total": ("Column[str]", column())}, {"of": Order}, ["MD132 total"]),
        (KEYS | {"tags": ("Column[frozenset[str]]", column())}, {"of": Order}, ["MD132 tags"]),
        (KEYS | {"total": ("Column[Decimal]", column(db_name="t"))}, {"of": Order}, ["MD132 total"]),
        ({"shop": KEYS["shop"]}, {"of": Order}, ["MD133 placed"]),
        ({"total": ("Column[Decimal]", column())}, {"of": Order}, ["MD101", "MD133 shop", "MD133 placed"]),
        (
            KEYS | {"total": ("Column[Decimal]", clustering_key()), "status": ("Column[str]", clustering_key())},
            {"of": Order},
            ["MD134 status"],
        ),
        (KEYS | {"long": ("Column[Duration]", clustering_key())}, {"of": Order}, ["MD104 long"]),
        (KEYS | {"tags": ("Column[set[str]]", clustering_key())}, {"of": Order}, ["MD105 tags"]),
        (KEYS | {"shared": ("Column[str]", column())}, {"of": Order}, ["MD135 shared"]),
        ({"id": ("Column[str]", partition_key())}, {"of": Hits}, ["MD135"]),
        (KEYS | {"total": ("Column[Decimal]", column(static=True))}, {"of": Order}, ["MD136 total"]),
        (KEYS | {"total": ("Column[Decimal]", column(index=True))}, {"of": Order}, ["MD136 total"]),
        (KEYS | {"total": ("Column[Decimal]", column(renamed_from="t"))}, {"of": Order}, ["MD136 total"]),
        (KEYS | {"total": ("Column[nowhere]", column())}, {"of": Order}, ["MD111 total"]),
        (KEYS | {"total": (None, column())}, {"of": Order}, ["MD112 total"]),
    ],
    ids=lambda value: repr(value) if isinstance(value, list) else "",
)
def test_mistake_in_a_view(body, keywords, expected):
    """A view that servers refuse is reported with its code."""
    namespace = {"__module__": __name__, "__qualname__": "Made", "__annotations__": {}}
    for name, (annotation, value) in body.items():
        namespace[name] = copy.copy(value)
        if annotation is not None:
            namespace["__annotations__"][name] = annotation
    with pytest.raises(ModelDefinitionError) as exc_info:
        type(MaterializedView)("Made", (MaterializedView,), namespace, **keywords)
    results = [
        f"{each.code} {each.where.rpartition('Made')[2].lstrip('.')}".strip() for each in exc_info.value.problems
    ]

    assert expected == results


def test_unknown_class_keyword_is_refused():
    """A misspelled class keyword is a TypeError that suggests the right one."""
    with pytest.raises(TypeError, match=r"unknown class keyword 'veiw'; did you mean 'view'\?"):

        class Made(MaterializedView, of=Order, veiw="x"):
            shop: Column[UUID] = partition_key()


class Item(Model, table="items"):
    """A table without static columns."""

    id: Column[UUID] = partition_key()
    kind: Column[str | None] = column(default=None, db_name="Kind")
    level: Column[complex] = column(type=cql.Int, load=complex, dump=lambda value: int(value.real))


class ItemByKind(MaterializedView, of=Item, all_columns=True):
    """A view of all columns, by kind."""

    kind: Column[str] = partition_key()
    id: Column[UUID] = clustering_key()


def test_a_view_of_all_columns_has_those_that_it_does_not_list():
    """A view of all columns loads those that it does not list with the name, type and converters of the table."""
    facts = ItemByKind.__facts__

    assert facts.all_columns
    assert ["Kind", "id", "level"] == [column.name for column in facts.columns]
    assert 7 + 0j == ItemByKind.__load__(("x", UUID(int=1), 7)).level


def test_a_view_of_all_columns_needs_a_table_that_has_them_all():
    """A view of all columns is refused for a table with static columns, or without ``of=``."""
    with pytest.raises(ModelDefinitionError, match="would have shared"):

        class All(MaterializedView, of=Order, all_columns=True):
            shop: Column[UUID] = partition_key()
            placed: Column[cql.TimeUUID] = clustering_key()

    with pytest.raises(ModelDefinitionError, match="Write of= in the same class statement"):

        class Nothing(MaterializedView, all_columns=True):
            shop: Column[UUID] = partition_key()
