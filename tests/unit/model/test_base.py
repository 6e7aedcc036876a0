"""A class statement becomes a table, and its instances rows."""

from __future__ import annotations

import copy
import datetime as dt
import enum
import functools
import gc
import pickle
import sys
import textwrap
import types
import typing
import weakref
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Generic, TypeVar
from uuid import UUID, uuid4

import attrs
import cattrs
import pytest

from scyllamodel import types as cql
from scyllamodel.errors import ModelDefinitionError, TypeMismatch
from scyllamodel.model.base import Model, ModelMeta
from scyllamodel.model.column import Column
from scyllamodel.model.fields import clustering_key, column, partition_key
from scyllamodel.model.index import Index
from scyllamodel.model.user_type import UserType
from scyllamodel.schema.facts.objects import Index as IndexFacts
from scyllamodel.schema.facts.objects import Table, TableColumn
from scyllamodel.schema.options import DOCSTRING, TableOptions
from scyllamodel.types import parse_type

T = TypeVar("T")


class Address(UserType):
    street: str


class Order(
    Model,
    table="orders",
    indexes=[Index("status"), Index("tags"), Index("lines", on="keys", name="orders_lines_k")],
    options=TableOptions(default_time_to_live=86400, comment=DOCSTRING),
):
    """Orders of one shop."""

    shop: Column[UUID] = partition_key()
    placed: Column[cql.TimeUUID] = clustering_key(descending=True)
    status: Column[str] = column(default="new")
    total: Column[Decimal] = column()
    seats: Column[cql.Int] = column(default=0, db_name="SEATS", renamed_from="chairs")
    ship_to: Column[cql.Frozen[Address] | None] = column(default=None)
    tags: Column[set[str]] = column(factory=set)
    lines: Column[dict[str, cql.Int]] = column(factory=dict)
    shop_name: Column[str | None] = column(static=True, default=None)


SHOP, PLACED = UUID(int=1), UUID(int=2)


def order(**values):
    return Order(**({"shop": SHOP, "placed": PLACED, "total": Decimal(3)} | values))


def cells(table):
    """The columns of facts as short texts."""
    return [f"{c.kind} {c.name} {c.type.cql}{' desc' if c.descending else ''}" for c in table.columns]


def test_facts_are_what_the_class_says():
    """``__facts__`` describes the table: columns by kind, options, and indexes with names."""
    text = "text"
    expected = Table(
        "orders",
        [
            TableColumn("shop", parse_type("uuid"), "partition_key"),
            TableColumn("placed", parse_type("timeuuid"), "clustering", descending=True),
            TableColumn("shop_name", parse_type(text), "static"),
            TableColumn("status", parse_type(text)),
            TableColumn("total", parse_type("decimal")),
            TableColumn("SEATS", parse_type("int"), renamed_from="chairs"),
            TableColumn("ship_to", parse_type("frozen<address>")),
            TableColumn("tags", parse_type("set<text>")),
            TableColumn("lines", parse_type("map<text, int>")),
        ],
        options={"default_time_to_live": 86400, "comment": "Orders of one shop."},
        indexes=[
            IndexFacts("orders_status_idx", "status"),
            IndexFacts("orders_tags_idx", "tags"),
            IndexFacts("orders_lines_k", "lines", "keys"),
        ],
    )

    assert expected == Order.__facts__


def test_facts_keep_what_is_no_part_of_their_equality():
    """Facts contain former names and whether an index name was declared, which are not part of their equality."""
    is_named = {index.name: index.named for index in Order.__facts__.indexes}

    assert ("chairs", {"orders_status_idx": False, "orders_tags_idx": False, "orders_lines_k": True}) == (
        Order.__facts__["SEATS"].renamed_from,
        is_named,
    )


@pytest.mark.parametrize(
    ("index", "name"),
    [
        (Index("tags"), "t_tags_idx"),
        (Index("lines", on="keys"), "t_lines_keys_idx"),
        (Index("lines", on="entries"), "t_lines_entries_idx"),
        (Index("parts", on="full"), "t_parts_full_idx"),
        (Index("odd"), "t_Odd_idx"),
        (Index("a_very_long_name_for_a_column_of_a_table"), "t_a_very_long_name_for_a_colu_48f78f1c_idx"),
    ],
)
def test_index_without_a_name_gets_one(index, name):
    """A generated name consists of table, column and part, and leaves room for the view of a Scylla index."""

    class Owner(Model, table="t", indexes=[index]):
        id: Column[str] = partition_key()
        tags: Column[set[str]] = column()
        lines: Column[dict[str, str]] = column()
        parts: Column[frozenset[str]] = column()
        odd: Column[str] = column(db_name="Od d")
        a_very_long_name_for_a_column_of_a_table: Column[str] = column()

    (value,) = Owner.__facts__.indexes

    assert (name, True) == (value.name, len(value.name) <= 42)


def test_index_parameters_reach_the_facts():
    """Class, options and locality of an index are part of the facts, with options as text."""

    class Owner(Model, indexes=[Index("v", using="sai", options={"n": 3, "on": True}), Index("w", local=True)]):
        id: Column[str] = partition_key()
        v: Column[Annotated[list[float], cql.vector(3)]] = column()
        w: Column[str] = column()

    by_name = {index.column: index for index in Owner.__facts__.indexes}

    assert ("sai", {"n": "3", "on": "true"}, False, True) == (
        by_name["v"].using,
        dict(by_name["v"].options),
        by_name["v"].local,
        by_name["w"].local,
    )


def test_column_with_index_is_indexed():
    """``column(index=True)`` declares an index on the column."""

    class Owner(Model):
        id: Column[str] = partition_key()
        name: Column[str] = column(index=True)

    assert ("owner_name_idx",) == tuple(index.name for index in Owner.__facts__.indexes)


@pytest.mark.parametrize(
    ("name", "table"),
    [("Order", "order"), ("OrderLine", "order_line"), ("HTTPLog", "http_log"), ("OrderV2", "order_v2")],
)
def test_table_is_named_after_its_class(name, table):
    """Without ``table=`` the name of the table is that of the class, in snake_case."""
    body = {"__annotations__": {"id": Column[str]}, "id": partition_key(), "__module__": __name__}

    assert table == ModelMeta(name, (Model,), body).__facts__.name


def test_keywords_reach_facts_and_class():
    """Keyspace and former name are part of the facts, and the repo is an attribute of the class."""

    class Owner(Model, keyspace="k", repo="audit", renamed_from="was"):
        id: Column[str] = partition_key()

    assert ("k", "audit", "was", "default") == (
        Owner.__facts__.keyspace,
        Owner.__repo__,
        Owner.__facts__.renamed_from,
        Order.__repo__,
    )


def test_instances_hold_plain_values():
    """An instance is created with keywords, and holds their values and the defaults."""
    ordered = order(tags={"vip"})

    assert ("new", {"vip"}, None, {}) == (ordered.status, ordered.tags, ordered.ship_to, ordered.lines)


def test_factories_make_a_value_for_each_instance():
    """No two instances share a list, set or dict."""
    assert order().lines is not order().lines


@pytest.mark.parametrize(
    ("use", "error"),
    [
        (lambda: order(stauts="x"), TypeError),
        (lambda: Order(shop=SHOP), TypeError),
        (lambda: Order(SHOP, PLACED, total=1), TypeError),
        (lambda: setattr(order(), "stauts", "x"), AttributeError),
        (lambda: order().stauts, AttributeError),
        (lambda: order().replace(stauts="x"), TypeError),
        (lambda: hash(order()), TypeError),
        (lambda: order().__dict__, AttributeError),
        (Model, TypeError),
    ],
)
def test_misuse_of_an_instance_raises(use, error):
    """Misspelled names, missing values, positional values and hashing are refused."""
    with pytest.raises(error):
        use()


def test_instances_are_compared_by_value():
    """Two instances with equal values are equal, whatever their order in memory."""
    assert [True, False, False] == [order() == order(), order() == order(status="x"), order() == Address(street="x")]


@pytest.mark.parametrize("through", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_instances_are_copied_and_pickled(through):
    """Copies and pickles are equal to their original."""
    ordered = order(ship_to=Address(street="Long"), lines={"a": 1})

    assert ordered == through(ordered)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_instances_go_through_every_pickle_protocol(protocol):
    """The old pickle protocols, which do not support slots, keep the values too."""
    ordered = order(ship_to=Address(street="Long"), lines={"a": 1})

    assert ordered == pickle.loads(pickle.dumps(ordered, protocol))


def test_instances_can_be_referred_to_weakly():
    """Instances support weak references, for example in caches."""
    ordered = order()

    assert ordered is weakref.ref(ordered)()


def test_replace_copies():
    """``replace`` returns a copy with other values, and leaves the original unchanged."""
    ordered = order()

    assert ("paid", "new", ordered.total) == (ordered.replace(status="paid").status, ordered.status, Decimal(3))


def test_replace_keeps_columns_outside_the_constructor():
    """In a replaced copy, a column with ``init=False`` keeps its value instead of its default."""

    class Owner(Model):
        id: Column[str] = partition_key()
        version: Column[int] = column(init=False, default=1)

    owner = Owner(id="x")
    owner.version = 7

    assert ("y", 7) == (owner.replace(id="y").id, owner.replace(id="y").version)


def test_repr_names_class_and_values():
    """The repr looks like the call that creates the instance."""

    class Tiny(Model):
        id: Column[str] = partition_key()
        hidden: Column[str] = column(repr=False)
        short: Column[str] = column(repr=len)

    assert "Tiny(id='x', short=3)" == repr(Tiny(id="x", hidden="y", short="abc"))


def test_attrs_sees_plain_types():
    """``attrs.fields`` shows the types without ``Column``, and ``attrs.asdict`` returns plain values."""
    fields = attrs.fields(Order)

    assert (str, set[str], UUID) == (fields.status.type, fields.tags.type, fields.shop.type)
    assert {"street": "Long"} == attrs.asdict(order(ship_to=Address(street="Long")))["ship_to"]


def test_cattrs_structures_models():
    """An instance is converted to plain values and back by cattrs."""
    converter = cattrs.Converter()
    converter.register_unstructure_hook(UUID, str)
    converter.register_structure_hook(UUID, lambda value, _: UUID(value))
    converter.register_unstructure_hook(Decimal, str)
    converter.register_structure_hook(Decimal, lambda value, _: Decimal(value))
    ordered = order(ship_to=Address(street="Long"), tags={"a"}, lines={"b": 1})

    assert ordered == converter.structure(converter.unstructure(ordered), Order)


def test_resolving_types_keeps_them_plain():
    """``attrs.resolve_types``, which is often called before cattrs, leaves the types without ``Column``."""

    class Plain(Model):
        id: Column[str] = partition_key()

    class Place(UserType):
        town: Column[str]

    assert [str, str] == [attrs.fields(attrs.resolve_types(cls))[0].type for cls in (Plain, Place)]


@pytest.mark.parametrize("change", [lambda cls: setattr(cls, "status", "paid"), lambda cls: delattr(cls, "status")])
def test_columns_stay_on_their_class(change):
    """Setting or deleting a column on the class is refused, since it would replace the slot of all instances."""
    with pytest.raises(AttributeError, match=r"Order\.status is a column"):
        change(Order)

    assert "new" == order().status


def test_match_destructures_models():
    """Models work as class patterns with keywords."""
    match order(status="paid"):
        case Order(status="new"):
            value = "new"
        case Order(status=status, seats=0):
            value = status

    assert "paid" == value


def test_type_hints_can_be_read():
    """``typing.get_type_hints`` returns every column, and nothing internal."""
    hints = typing.get_type_hints(Order)

    assert (Column[str], Column[set[str]], 9) == (hints["status"], hints["tags"], len(hints))


def test_rows_load_and_bind():
    """``__load__`` turns a row into an instance, and ``__bind__`` does the reverse, in the order of ``__columns__``."""
    ordered = order(ship_to=Address(street="Long"))
    row = tuple(getattr(ordered, name) for name in Order.__columns__)

    assert ordered == Order.__load__(row)
    assert ("new", ("Long",)) == (ordered.__bind__()[2], ordered.__bind__()[5])


def test_null_loads_as_an_empty_collection():
    """A null loads as an empty collection unless the annotation has ``| None``, since CQL has no empty collections."""
    loaded = Order.__load__((SHOP, PLACED, *[None] * 7))

    assert (set(), {}, None) == (loaded.tags, loaded.lines, loaded.status)


def test_subclass_has_its_own_load_and_bind():
    """A subclass with more columns does not use the generated functions of its base."""

    class Base(Model):
        id: Column[str] = partition_key()

    class Child(Base):
        name: Column[str] = column()

    assert ("a",) == Base(id="a").__bind__()
    assert (Base(id="a"), Child(id="a", name="b")) == (Base.__load__(("a",)), Child.__load__(("a", "b")))
    assert ("a", "b") == Child(id="a", name="b").__bind__()


def test_attrs_features_work_on_columns():
    """Validators, converters, aliases, ``init=False`` and the hook after ``__init__`` are those of attrs."""

    class Owner(Model):
        id: Column[str] = partition_key(converter=str)
        level: Column[int] = column(default=1, validator=attrs.validators.ge(0))
        kind: Column[str] = column(alias="type", default="x")
        note: Column[str] = column(init=False, default="made")
        _private: Column[str] = column(default="p", alias="private")

        def __attrs_post_init__(self):
            self.note += f" for {self.id}"

    owner = Owner(id=3, type="y", private="q")

    assert ("3", "y", "made for 3", "q") == (owner.id, owner.kind, owner.note, owner._private)
    with pytest.raises(ValueError, match="must be >= 0"):
        Owner(id=3, level=-1)


def test_decorators_of_attrs_work_in_the_body():
    """``@name.default`` and ``@name.validator`` work as in attrs."""

    class Owner(Model):
        id: Column[str] = partition_key()
        twice: Column[str] = column()

        @twice.default
        def _(self):
            return self.id * 2

        @id.validator
        def _(self, _, value):
            if not value:
                raise ValueError("empty")

    assert "abab" == Owner(id="ab").twice
    with pytest.raises(ValueError, match="empty"):
        Owner(id="")


def test_loading_runs_no_validator():
    """Loading runs no validator, while assignment does, as in `attrs.define`."""

    class Owner(Model):
        id: Column[str] = partition_key(validator=attrs.validators.max_len(1))

    loaded = Owner.__load__(("long",))

    assert "long" == loaded.id
    with pytest.raises(ValueError, match="Length of 'id'"):
        loaded.id = "longer"


SECRET = "s3cr3t"


class Kind(str, enum.Enum):
    PLAIN = "plain"


class Card(UserType):
    number: str = column(redact=True)
    valid: Kind = column(redact=True, default=Kind.PLAIN)


class Safe(Model):
    id: Column[str] = partition_key()
    word: Column[str] = column(redact=True, default="x", validator=attrs.validators.max_len(3))
    number: Column[int] = column(redact=True, default=1, converter=int)
    quiet: Column[str] = column(redact=True, default=SECRET, repr=False, validator=[attrs.validators.instance_of(str)])
    stamp: Column[datetime] = column(redact=True, default=None)
    kind: Column[Kind] = column(redact=True, default=None)
    card: Column[cql.Frozen[Card] | None] = column(default=None)


@pytest.mark.parametrize(
    "use",
    [
        lambda: Safe(id="x", word=SECRET),
        lambda: Safe(id="x", number=SECRET),
        lambda: Safe(id="x", stamp=SECRET).__bind__(),
        lambda: bool(Safe.word == SECRET),
        lambda: bool(Safe.card.field("number") == SECRET),
        lambda: Safe.__load__(("x", "y", 1, "z", None, SECRET, None)),
        lambda: Card.__load__(("x", SECRET)),
    ],
)
def test_redacted_values_are_in_no_error(use):
    """Errors about refused values of redacted columns name the column, and the value is not even in their context."""
    with pytest.raises((TypeMismatch, TypeError)) as exc_info:
        use()
    chain = [exc_info.value, exc_info.value.__cause__, exc_info.value.__context__]

    assert SECRET not in "".join(f"{error} {vars(error) if error else ''}" for error in chain)


def test_redacted_values_are_in_no_repr():
    """The repr shows that a redacted column has a value, or omits the column with ``repr=False``."""
    assert "Safe(id='x', word=***, number=***, stamp=***, kind=***, card=None)" == repr(Safe(id="x"))
    assert "<Safe.card.field('number') = ***>" == repr(Safe.card.field("number") == SECRET)


def test_custom_python_type():
    """``type``, ``load`` and ``dump`` store any Python class as a CQL type."""

    class Level:
        def __init__(self, number):
            self.number = number

        def __int__(self):
            return self.number

    class Owner(Model):
        id: Column[str] = partition_key()
        level: Column[Level] = column(type=cql.Int, load=Level, dump=int)

    loaded = Owner.__load__(("x", 3))

    assert ("int", 3, ("x", 3)) == (Owner.__facts__["level"].type.cql, loaded.level.number, loaded.__bind__())


class Stamped(
    Model, abstract=True, indexes=[Index("created")], options=TableOptions(crc_check_chance=0.5, gc_grace_seconds=5)
):
    created: Column[int] = column(default=0)


class Tenant(Model, abstract=True, keyspace="t", repo="audit"):
    tenant: Column[str] = partition_key()


class Both(Stamped, Tenant, indexes=[Index("name")], options=TableOptions(gc_grace_seconds=7)):
    id: Column[str] = clustering_key()
    name: Column[str] = column()


def test_bases_hand_down_columns_indexes_and_options():
    """A model inherits the columns, indexes and options of all its abstract bases, and overrides them."""
    facts__ = Both.__facts__

    assert ["partition_key tenant text", "clustering id text", "regular created bigint", "regular name text"] == cells(
        facts__
    )
    assert ("t", "audit", {"crc_check_chance": 0.5, "gc_grace_seconds": 7}) == (
        facts__.keyspace,
        Both.__repo__,
        dict(facts__.options),
    )
    assert ["both_created_idx", "both_name_idx"] == [index.name for index in facts__.indexes]


def test_columns_of_bases_come_first():
    """Columns are ordered from the last base to the first, then those of the class, as in a dataclass."""
    assert ["tenant", "created", "id", "name"] == list(Both.__columns__)


def test_column_declared_again_keeps_its_place():
    """A subclass may declare a column again, which keeps its position in the key."""

    class Base(Model, abstract=True):
        a: Column[str] = partition_key()
        b: Column[str] = partition_key()

    class Child(Base):
        c: Column[str] = partition_key()
        a: Column[int] = partition_key()

    assert ["a bigint", "b text", "c text"] == [f"{c.name} {c.type.cql}" for c in Child.__facts__.partition_key]


def test_bases_are_resolved_as_python_does():
    """In a diamond, an override in one branch takes precedence over the common base."""

    class Base(Model, abstract=True):
        id: Column[str] = partition_key()
        value: Column[str] = column()

    class Left(Base, abstract=True):
        pass

    class Right(Base, abstract=True):
        value: Column[int] = column()

    class Child(Left, Right):
        pass

    assert "bigint" == Child.__facts__["value"].type.cql


def test_plain_mixin_hands_down_columns_and_methods():
    """A mixin that is not a model contributes its annotated columns and its methods."""

    class Mixin:
        __slots__ = ()
        unrelated: int = 3
        created: Column[int] = column(default=0)
        name: Column[str]

        def shout(self):
            return f"{self.name}!"

    class Child(Mixin, Model):
        id: Column[str] = partition_key()

    child = Child(id="x", name="y")

    assert (["created", "name", "id"], 0, "y!", 3) == (
        list(Child.__columns__),
        child.created,
        child.shout(),
        child.unrelated,
    )
    with pytest.raises(AttributeError):
        child.nmae = 3


def test_table_can_be_subclassed():
    """A subclass of a table is a separate table with the inherited columns and its own, and separate facts."""

    class Child(Order):
        extra: Column[str] = column(default="e")

    child = Child(shop=SHOP, placed=PLACED, total=Decimal(1), extra="f")

    assert ("child", "orders", "f", "new", True) == (
        Child.__facts__.name,
        Order.__facts__.name,
        child.extra,
        child.status,
        isinstance(child, Order),
    )
    assert (Child, Order, False) == (Child.status.model, Order.status.model, hasattr(Order, "extra"))
    assert pickle.loads(pickle.dumps(order())) == order()


def test_abstract_model_over_a_table():
    """A table, an abstract subclass of it, and a table derived from that can be combined."""

    class Middle(Order, abstract=True):
        middle: Column[str] = column(default="m")

    class Child(Middle):
        pass

    assert "m" == Child(shop=SHOP, placed=PLACED, total=Decimal(1)).middle


def test_generic_base():
    """An abstract base may be generic."""

    class Base(Model, Generic[T], abstract=True):
        id: Column[str] = partition_key()

        def load(self) -> T: ...

    class Child(Base[int]):
        pass

    assert "x" == Child(id="x").id


def test_authors_methods_work():
    """Methods, properties, class methods, ``super()`` and constants work as in any class."""

    class Base(Model, abstract=True):
        id: Column[str] = partition_key()

        def describe(self):
            return f"base {self.id}"

    class Child(Base):
        LIMIT: ClassVar[int] = 3
        plain = 4

        def describe(self):
            return f"{super().describe()} {__class__.__name__}"

        @property
        def upper(self):
            return self.id.upper()

        @classmethod
        def make(cls, text):
            return cls(id=text)

        @staticmethod
        def twice(value):
            return value * 2

    model = Child.make("x")

    assert ("base x Child", "X", 3, 4, 8) == (model.describe(), model.upper, model.LIMIT, model.plain, Child.twice(4))


def test_authors_special_methods_are_kept():
    """``__repr__``, ``__eq__``, ``__hash__`` and ``__init__`` of the author, here or in a base, are not replaced."""

    class Mixin:
        __slots__ = ()

        def __repr__(self):
            return "mine"

    class Base(Model, abstract=True):
        def __eq__(self, other):
            return self.id == other.id

        def __hash__(self):
            return hash(self.id)

    class Child(Mixin, Base):
        id: Column[str] = partition_key()
        name: Column[str] = column()

        def __init__(self, both):
            self.__attrs_init__(id=both, name=both)

    child = Child("x")

    assert ("mine", "x", True, hash("x")) == (
        repr(child),
        child.name,
        child == Child.__load__(("x", "other")),
        hash(child),
    )


def test_init_subclass_of_an_author_is_called():
    """Class keywords that the package does not know are passed to ``__init_subclass__`` of a base."""
    values = {}

    class Base(Model, abstract=True):
        id: Column[str] = partition_key()

        def __init_subclass__(cls, *, audit=False, **keywords):
            super().__init_subclass__(**keywords)
            values[cls.__name__] = audit

    class Child(Base, audit=True, table="t"):
        pass

    assert ({"Child": True}, "t") == (values, Child.__facts__.name)


@pytest.mark.parametrize("base", [Model, Order])
def test_unknown_class_keyword_is_refused(base):
    """A misspelled class keyword is a TypeError that suggests the right one."""
    with pytest.raises(TypeError, match=r"Child: unknown class keyword 'tabel'; did you mean 'table'\?"):

        class Child(base, tabel="x"):
            id: Column[str] = partition_key()


def test_public_model_may_add_verbs():
    """A model may derive from an abstract subclass of Model that has class methods."""

    class Public(Model, abstract=True):
        @classmethod
        def sync_all(cls, repo):
            return cls, repo

    class Child(Public):
        id: Column[str] = partition_key()

    assert ((Child, 3), True, True) == (Child.sync_all(3), isinstance(Child, ModelMeta), issubclass(Child, Model))


def test_bare_annotations_are_columns():
    """``name: str = column()``, ``name: str`` and ``name: str = "x"`` are columns too, unlike a ``ClassVar``."""

    class Owner(Model):
        id: str = partition_key()
        name: Column[str]
        note: Column[str] = "n"
        plain: str
        given: int = 3
        constant: ClassVar[int] = 4

    owner = Owner(id="a", name="b", plain="c")

    assert (["id", "name", "note", "plain", "given"], "n", 3, 4) == (
        list(Owner.__columns__),
        owner.note,
        owner.given,
        owner.constant,
    )


def test_annotations_see_the_function_around_the_class():
    """Local names of the function around a class statement are resolved, also by `get_type_hints`."""
    moment = dt.datetime

    class Holder:
        Inner = cql.Int

        class Owner(Model):
            Status = enum.Enum("Status", {"A": "a"}, type=str)
            id: Column[moment] = partition_key()
            number: Column[Inner] = column()  # noqa: F821 - a name of the class around
            status: Column[Status] = column()

    value = Holder.Owner

    assert ["partition_key id timestamp", "regular number int", "regular status text"] == cells(value.__facts__)
    assert Column[dt.datetime] == typing.get_type_hints(value)["id"]


def test_column_may_be_called_like_its_type():
    """With annotations as text, ``date: Column[date]`` refers to the type."""

    class Owner(Model):
        id: Column[str] = partition_key()
        date: Column[date] = column()
        datetime: Column[datetime | None] = column(default=None)

    assert ["date", "timestamp"] == [Owner.__facts__[name].type.cql for name in ("date", "datetime")]
    assert Column[dt.date] == typing.get_type_hints(Owner)["date"]


NOT_FUTURE = """
import typing
from typing import ClassVar
from scyllamodel.model.base import Model
from scyllamodel.model.column import Column
from scyllamodel.model.fields import column, partition_key
from scyllamodel.model.user_type import UserType

class Owner(Model):
    LIMIT: ClassVar[int] = 3
    id: Column[str] = partition_key()
    names: "Column[list[str]]" = column(factory=list)
    later: Column["Text"] = column(default="x")

    class Inner(Model):
        id: Column[int] = partition_key()

class Mixin:
    __slots__ = ()
    LIMIT: ClassVar[int] = 3
    other: int = 4
    made: Column[int] = column(default=5)

class Mixed(Mixin, Model):
    id: Column[str] = partition_key()

class Place(UserType):
    LIMIT: ClassVar[int] = 3
    street: str

def local():
    Id = int
    class Local(Model):
        id: Column[Id] = partition_key()
        place: Column[Place | None] = column(default=None)
    return Local
"""


def run(source, name="module_of_a_test", **names):
    """A module created from source, with these names in it."""
    module = types.ModuleType(name)
    vars(module).update(names)
    sys.modules[name] = module
    try:
        exec(compile(textwrap.dedent(source), name, "exec", dont_inherit=True), vars(module))
    finally:
        del sys.modules[name]
    return module


def test_evaluated_annotations():
    """Annotations without the future import work too, as values, as text, and with text inside."""
    result = run(NOT_FUTURE, Text=str)

    assert ["partition_key id text", "regular later text", "regular names list<text>"] == cells(result.Owner.__facts__)
    assert ["partition_key id bigint"] == cells(result.Owner.Inner.__facts__)
    assert ["partition_key id text", "regular made bigint"] == cells(result.Mixed.__facts__)
    assert ["partition_key id bigint", "regular place place"] == cells(result.local().__facts__)
    assert (("street", parse_type("text")),) == result.Place.__facts__.fields
    assert Column[int] == typing.get_type_hints(result.local())["id"]


SHADOWED = """
from datetime import date
from scyllamodel.model.base import Model
from scyllamodel.model.column import Column
from scyllamodel.model.fields import column, partition_key

class Owner(Model):
    id: Column[str] = partition_key()
    date: Column[date] = column()
"""


def test_evaluated_annotation_called_like_its_type():
    """Up to Python 3.13 a column named like its type hides the type, which is an error with advice."""
    if sys.version_info >= (3, 14):
        value = run(SHADOWED).Owner

        assert ("date", Column[date]) == (value.__facts__["date"].type.cql, typing.get_type_hints(value)["date"])
    else:
        with pytest.raises(ModelDefinitionError, match=r"date is the column itself(.|\n)*from __future__ import"):
            run(SHADOWED)


def test_evaluated_annotation_that_is_nothing():
    """An unknown name without the future import is an error of Python or, from 3.14 on, of the model."""
    error = ModelDefinitionError if sys.version_info >= (3, 14) else NameError
    with pytest.raises(error, match="nowhere"):
        run(SHADOWED.replace("Column[date]", "Column[nowhere]"))


def test_class_made_by_a_call():
    """A model can be created with ``types.new_class``, like any class."""
    model = types.new_class(
        "Owner",
        (Model,),
        {"table": "made"},
        lambda body: body.update({"__annotations__": {"id": Column[str]}, "id": partition_key()}),
    )

    assert ("made", "x") == (model.__facts__.name, model(id="x").id)


def test_metaclass_of_an_author():
    """A metaclass derived from ours resolves the local names around the class too."""

    class Meta(ModelMeta):
        def __new__(mcs, name, bases, namespace, **keywords):
            cls = super().__new__(mcs, name, bases, namespace, **keywords)
            cls.marked = True
            return cls

    text = str

    class Owner(Model, metaclass=Meta):
        id: Column[text] = partition_key()

    assert (True, "text") == (Owner.marked, Owner.__facts__["id"].type.cql)


def test_slots_of_an_author_are_kept():
    """A model may have slots in addition to its columns, such as ``__dict__`` for cached properties."""

    class Owner(Model):
        __slots__ = ("__dict__", "extra")
        id: Column[str] = partition_key()

        @functools.cached_property
        def upper(self):
            return self.id.upper()

    owner = Owner(id="x")
    owner.extra = 3

    assert ("X", 3) == (owner.upper, owner.extra)


def test_class_is_made_once():
    """Creating a model leaves no second class among the subclasses of its base."""

    class Owner(Model):
        id: Column[str] = partition_key()

    gc.collect()

    assert 1 == sum(cls.__qualname__ == Owner.__qualname__ for cls in Model.__subclasses__())


def test_abstract_model_makes_no_instances():
    """Calling an abstract model is an error that says so."""
    with pytest.raises(TypeError, match="Tenant is abstract"):
        Tenant(tenant="x")


def test_user_types_of_a_model():
    """``__user_types__`` contains all user types that a table needs, dependencies first."""

    class Point(UserType):
        x: float

    class Place(UserType):
        point: Point

    class Owner(Model):
        id: Column[str] = partition_key()
        places: Column[dict[str, Place] | None] = column()
        home: Column[cql.Frozen[Address] | None] = column()

    assert (Point, Place, Address) == Owner.__user_types__


def test_uuid_factories_differ():
    """A factory creates a different key for each instance."""

    class Owner(Model):
        id: Column[UUID] = partition_key(factory=uuid4)

    assert Owner().id != Owner().id


def test_loaded_times_are_aware():
    """Naive times in UTC, as the driver returns them, are loaded as aware ones."""

    class Owner(Model):
        id: Column[str] = partition_key()
        at: Column[datetime] = column()

    assert datetime(2026, 1, 1, tzinfo=timezone.utc) == Owner.__load__(("x", datetime(2026, 1, 1))).at  # noqa: DTZ001


def test_any_is_no_type():
    """``Any`` in an annotation is refused, and is not treated as text."""
    with pytest.raises(TypeError, match="Any does not determine"):

        class Owner(Model):
            id: Column[Any] = partition_key()
