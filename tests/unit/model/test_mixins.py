"""Bases besides models: generic ones, ``abc.ABC``, protocols, and abstract user types."""

from __future__ import annotations

import abc
import pickle
from typing import Annotated, ClassVar, Generic, Optional, Protocol, TypeVar, runtime_checkable

import pytest
import typing_extensions

from scyllamodel import Column, MaterializedView, Model, UserType, clustering_key, column, partition_key
from scyllamodel import types as cql
from scyllamodel.errors import ModelDefinitionError

T = TypeVar("T")
K = TypeVar("K")


class Entry(Model, Generic[K, T], abstract=True):
    """A table of whatever, by whatever."""

    key: Column[K] = partition_key()
    value: Column[T] = column()
    past: Column[list[T]] = column(factory=list)
    next: Column[Optional[T]] = column(default=None)  # noqa: UP045 - another spelling

    def shown(self) -> str:
        """A method of a generic class."""
        return f"{self.key}={self.value}"


class Texts(Entry[int, str], table="texts"):
    """Both are given."""


class Half(Entry[str, T], Generic[T], abstract=True):
    """One is given."""

    extra: Column[dict[str, T]] = column(factory=dict)


class Numbers(Half[Annotated[int, cql.Int]], table="numbers"):
    """And now the other."""


class Later(Texts, table="later"):
    """A table of its own, with the columns of a table."""

    more: Column[str | None] = column(default=None)


def types_of(model):
    """The CQL types of a model's columns."""
    return [column.type.cql for column in model.__facts__]


def test_columns_of_a_generic_base_get_their_types_from_the_subclass():
    """Through several bases, inside of collections, with marks."""
    assert ["bigint", "text", "list<text>", "text"] == types_of(Texts)
    assert ["text", "map<text, int>", "int", "list<int>", "int"] == types_of(Numbers)
    assert ["bigint", "text", "text", "list<text>", "text"] == types_of(Later)
    assert "1=a" == Texts(key=1, value="a").shown()
    assert Texts(key=1, value="a") == pickle.loads(pickle.dumps(Texts(key=1, value="a")))
    assert Texts.__columns__["next"].type_mapping.nullable


@pytest.mark.parametrize(
    "make",
    [
        lambda: type(Model)("Bare", (Entry,), {"__module__": __name__}),
        lambda: type(Model)(
            "Own",
            (Model, Generic),
            {
                "__module__": __name__,
                "__orig_bases__": (Model, Generic[T]),
                "__annotations__": {"id": Column[T]},
                "id": partition_key(),
            },
        ),
    ],
)
def test_a_table_of_no_type_is_refused(make):
    """A type variable is a type in an abstract base alone."""
    with pytest.raises(ModelDefinitionError, match=r"has no type here.*\n.*Base\[str\]"):
        make()


def test_defaults_of_generic_columns_are_checked_with_the_type():
    """Defaults of generic columns are checked with the type: they fit in one subclass and not in the other."""

    class Base(Model, Generic[T], abstract=True):
        id: Column[int] = partition_key()
        value: Column[T] = column(default="x")

    class Fine(Base[str]):
        pass

    assert "x" == Fine(id=1).value
    with pytest.raises(ModelDefinitionError, match="the default 'x' does not fit bigint"):

        class Wrong(Base[int]):
            pass


class Priced(abc.ABC):
    """A mixin with an abstract method."""

    __slots__ = ()

    @abc.abstractmethod
    def price(self) -> int:
        """What it costs."""


class Item(Model, Priced, table="items"):
    """Keeps the promise."""

    id: Column[int] = partition_key()
    cents: Column[int] = column(default=0)

    def price(self) -> int:
        """What it costs."""
        return self.cents


class Unpriced(Model, Priced, table="unpriced"):
    """Does not."""

    id: Column[int] = partition_key()


def test_abstract_mixins_are_enforced():
    """By Python itself, with its own words; an instance that keeps the promise stays slotted."""
    item = Item(id=1, cents=3)

    assert (3, True) == (item.price(), isinstance(item, Priced))
    assert Item.__load__((1, 3)) == item
    assert not hasattr(item, "__dict__")
    with pytest.raises(TypeError, match="abstract"):
        Unpriced(id=1)


class Named(Protocol):
    """What has a name."""

    name: str

    def greet(self) -> str:
        """A method that comes with the protocol."""
        return f"Hello, {self.name}"


@runtime_checkable
class Sized(typing_extensions.Protocol):
    """Of the other module."""

    size: int


class Person(Named, Model, Sized, table="people"):
    """Two protocols, on both sides of Model."""

    name: Column[str] = partition_key()
    size: Column[int] = column(default=1)


def test_protocols_are_mixins():
    """Protocols are mixins: their methods come along, the constructor stays that of the model."""
    person = Person(name="Ann")

    assert ("Hello, Ann", True) == (person.greet(), isinstance(person, Sized))
    assert not issubclass(Person, Item)
    assert [("name", "text"), ("size", "bigint")] == [(c.name, c.type.cql) for c in Person.__facts__]
    assert Person == Person  # noqa: PLR0124 - with the equality of classes
    assert Person.name.db_name == "name"


class Ranked(Item, Priced, table="ranked"):
    """A mixin twice."""


class ItemView(MaterializedView, Priced, of=Item, view="items_by_cents"):
    """A view with an abstract mixin."""

    cents: Column[int] = partition_key()
    id: Column[int] = clustering_key()

    def price(self) -> int:
        """What it costs."""
        return self.cents


def test_views_and_subclasses_take_mixins():
    """Views and subclasses take mixins, as models do."""
    assert 3 == ItemView.__load__((3, 1)).price()
    assert 4 == Ranked(id=1, cents=4).price()


class Stamped(UserType, Generic[T], abstract=True):
    """Fields for several types."""

    made: T
    by: str = "unknown"
    KIND: ClassVar[str] = "stamped"

    def signed(self) -> str:
        """A method."""
        return f"by {self.by}"


class Tagged(UserType, abstract=True):
    """Another base."""

    tag: str | None = None


class Stamp(Stamped[int], Tagged, Priced, name="stamp"):
    """Of two abstract bases and a mixin."""

    text: str = ""

    def price(self) -> int:
        """What it costs."""
        return 1


def test_user_types_have_abstract_bases():
    """Whose fields come first; the base has no CQL type."""
    stamp = Stamp(made=3, text="x")

    assert [("tag", "text"), ("made", "bigint"), ("by", "text"), ("text", "text")] == [
        (name, cql_type.cql) for name, cql_type in Stamp.__facts__.fields
    ]
    assert ("by unknown", 1) == (stamp.signed(), stamp.price())
    assert stamp == pickle.loads(pickle.dumps(stamp)) == Stamp.__load__(stamp.__bind__())
    assert not hasattr(Stamped, "__facts__")
    with pytest.raises(TypeError, match="Tagged is abstract"):
        Tagged()
    with pytest.raises(ModelDefinitionError, match="Tagged has no CQL type"):

        class Holder(Model):
            id: Column[int] = partition_key()
            tag: Column[Tagged] = column()


def test_private_names_need_an_alias():
    """For the constructor of attrs leaves the underscore out, and checkers do not know that."""
    with pytest.raises(ModelDefinitionError, match=r'alias="size"'):

        class Hidden(Model):
            id: Column[int] = partition_key()
            _size: Column[int] = column(default=1)

    class Box(Model):
        id: Column[int] = partition_key()
        _size: Column[int] = column(default=1, alias="size")
        _made: Column[int] = column(default=1, init=False)

    class Part(UserType):
        _x: int = column(alias="_x")

    assert (3, 4) == (Box(id=1, size=3)._size, Part(_x=4)._x)
