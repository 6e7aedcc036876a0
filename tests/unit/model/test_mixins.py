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
    """A table with type variables for its columns."""

    key: Column[K] = partition_key()
    value: Column[T] = column()
    past: Column[list[T]] = column(factory=list)
    next: Column[Optional[T]] = column(default=None)  # noqa: UP045 - another spelling

    def shown(self) -> str:
        """A method that the generic class defines."""
        return f"{self.key}={self.value}"


class Texts(Entry[int, str], table="texts"):
    """Sets both type variables."""


class Half(Entry[str, T], Generic[T], abstract=True):
    """Sets one type variable."""

    extra: Column[dict[str, T]] = column(factory=dict)


class Numbers(Half[Annotated[int, cql.Int]], table="numbers"):
    """Sets the remaining type variable."""


class Later(Texts, table="later"):
    """A table derived from a table."""

    more: Column[str | None] = column(default=None)


def types_of(model):
    """The CQL types of a model's columns."""
    return [column.type.cql for column in model.__facts__]


def test_columns_of_a_generic_base_get_their_types_from_the_subclass():
    """Type variables are resolved through several bases, inside collections, and in nullable columns."""
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
    """A column whose type is a type variable is refused outside abstract bases."""
    with pytest.raises(ModelDefinitionError, match=r"has no type here.*\n.*Base\[str\]"):
        make()


def test_defaults_of_generic_columns_are_checked_with_the_type():
    """The default of a generic column is checked with the type in each subclass."""

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
        """The price, for subclasses to define."""


class Item(Model, Priced, table="items"):
    """A table that implements the abstract method."""

    id: Column[int] = partition_key()
    cents: Column[int] = column(default=0)

    def price(self) -> int:
        """The price of the item."""
        return self.cents


class Unpriced(Model, Priced, table="unpriced"):
    """A table that does not implement it."""

    id: Column[int] = partition_key()


def test_abstract_mixins_are_enforced():
    """Python itself refuses instances with abstract methods, and instances of complete classes keep their slots."""
    item = Item(id=1, cents=3)

    assert (3, True) == (item.price(), isinstance(item, Priced))
    assert Item.__load__((1, 3)) == item
    assert not hasattr(item, "__dict__")
    with pytest.raises(TypeError, match="abstract"):
        Unpriced(id=1)


class Named(Protocol):
    """A protocol with a name."""

    name: str

    def greet(self) -> str:
        """A method of the protocol."""
        return f"Hello, {self.name}"


@runtime_checkable
class Sized(typing_extensions.Protocol):
    """A protocol with a size."""

    size: int


class Person(Named, Model, Sized, table="people"):
    """A table with one protocol before Model and one after it."""

    name: Column[str] = partition_key()
    size: Column[int] = column(default=1)


def test_protocols_are_mixins():
    """A model inherits the methods of protocols, and keeps its own constructor."""
    person = Person(name="Ann")

    assert ("Hello, Ann", True) == (person.greet(), isinstance(person, Sized))
    assert not issubclass(Person, Item)
    assert [("name", "text"), ("size", "bigint")] == [(c.name, c.type.cql) for c in Person.__facts__]
    assert Person == Person  # noqa: PLR0124 - with the equality of classes
    assert Person.name.db_name == "name"


class Ranked(Item, Priced, table="ranked"):
    """A table with a mixin that is inherited twice."""


class ItemView(MaterializedView, Priced, of=Item, view="items_by_cents"):
    """A view with an abstract mixin."""

    cents: Column[int] = partition_key()
    id: Column[int] = clustering_key()

    def price(self) -> int:
        """The price in the view."""
        return self.cents


def test_views_and_subclasses_take_mixins():
    """Views and subclasses accept mixins as models do."""
    assert 3 == ItemView.__load__((3, 1)).price()
    assert 4 == Ranked(id=1, cents=4).price()


class Stamped(UserType, Generic[T], abstract=True):
    """An abstract user type with fields for several types."""

    made: T
    by: str = "unknown"
    KIND: ClassVar[str] = "stamped"

    def signed(self) -> str:
        """A method of the abstract type."""
        return f"by {self.by}"


class Tagged(UserType, abstract=True):
    """An abstract user type with another field."""

    tag: str | None = None


class Stamp(Stamped[int], Tagged, Priced, name="stamp"):
    """A user type with two abstract bases and a mixin."""

    text: str = ""

    def price(self) -> int:
        """The price of the stamp."""
        return 1


def test_user_types_have_abstract_bases():
    """Fields of abstract bases come first, and an abstract base has no CQL type."""
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
    """A private name needs an alias in the constructor, where attrs omits the underscore and type checkers do not."""
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
