"""Several classes in one table, told apart by one column."""

from __future__ import annotations

import pytest

from scyllamodel import (
    Column,
    Index,
    Model,
    ModelDefinitionError,
    QueryNotSupported,
    clustering_key,
    column,
    partition_key,
    select,
)
from scyllamodel import types as cql
from scyllamodel.model.registry import registry
from scyllamodel.query.memory import memory_of


class Pet(Model, table="pets", repo="family", discriminator="kind", indexes=[Index("kind")]):
    """The head: what all have."""

    owner: Column[int] = partition_key()
    id: Column[int] = clustering_key()
    kind: Column[str] = column(default="pet")
    name: Column[str] = column(default="")


class Cat(Pet, discriminator_value="cat"):
    """A column of its own."""

    lives: Column[int] = column(default=9)


class Dog(Pet, discriminator_value="dog"):
    """Another, with an index."""

    tricks: Column[set[str]] = column(factory=set, index=True)


class Puppy(Dog, discriminator_value="puppy"):
    """A subclass of a subclass."""


def test_the_table_has_the_columns_of_all():
    """And their indexes."""
    names = {column.name for column in Pet.__facts__}

    assert {"owner", "id", "kind", "name", "lives", "tricks"} == names
    assert {"pets_kind_idx", "pets_tricks_idx"} == {index.name for index in Pet.__facts__.indexes}


def test_the_head_alone_stands_for_the_table():
    """In the registry, and so for discovery."""
    assert [Pet] == [cls for cls in registry if issubclass(cls, Pet)]


def test_a_class_has_its_value_without_being_told():
    """And no other."""
    assert "cat" == Cat(owner=1, id=2).kind
    with pytest.raises(ValueError, match="kind"):
        Cat(owner=1, id=2, kind="dog")


def row(model, **values):
    """A row of the model's selection, as the driver would give it."""
    names = memory_of(model).selection.split(", ")
    return tuple(values.get(name) for name in names)


@pytest.mark.parametrize(("kind", "cls"), [("cat", Cat), ("dog", Dog), ("puppy", Puppy), ("fish", Pet)])
def test_rows_are_instances_of_their_class(kind, cls):
    """A value that no class has is an instance of the head."""
    found = memory_of(Pet).load(row(Pet, owner=1, id=2, kind=kind, name="Tom", lives=7))

    assert cls is type(found)
    assert "Tom" == found.name


def test_a_column_of_its_own_is_loaded():
    """From wherever it stands in the row."""
    assert 7 == memory_of(Pet).load(row(Pet, owner=1, id=2, kind="cat", name="Tom", lives=7)).lives


def test_rows_of_another_class_are_none():
    """Reading a cat under the key of a dog finds nothing."""
    assert memory_of(Cat).load(row(Cat, owner=1, id=2, kind="dog", name="Rex")) is None


def test_reading_a_class_asks_for_its_value():
    """Beside the key."""
    query = select(Cat).where(Cat.owner == 1, Cat.id == 2)

    assert query.cql.endswith("WHERE owner = ? AND id = ? AND kind = ?")
    assert (1, 2, "cat") == query.values


def test_reading_a_class_with_subclasses_asks_for_all_their_values():
    """Which an index does not serve, so that a word is needed."""
    query = select(Dog).where(Dog.owner == 1)
    with pytest.raises(QueryNotSupported):
        query.cql  # noqa: B018 - it is worked out here

    assert (1, ["dog", "puppy"]) == query.allow_filtering().values


def test_reading_the_head_asks_for_no_value():
    """It has all rows."""
    assert "kind = ?" not in select(Pet).where(Pet.owner == 1).cql


def test_a_value_in_the_key_need_not_be_named():
    """The class knows it."""

    class Shape(Model, repo="family", discriminator="kind"):
        kind: Column[str] = partition_key(default="shape")
        id: Column[int] = clustering_key()

    class Circle(Shape, discriminator_value="circle"):
        radius: Column[int] = column(default=1)

    assert ("circle", 3) == select(Circle).where(Circle.id == 3).allow_filtering().values[::-1]
    assert "circle" == Circle(id=3).kind


def wrong(**keywords):
    """A subclass that cannot be in the family."""
    return lambda: type(Pet)("Wrong", (Pet,), {"__module__": __name__}, **keywords)


def test_a_value_twice_is_refused():
    """Rows would be of two classes."""
    with pytest.raises(ModelDefinitionError, match="that of Cat too"):
        wrong(discriminator_value="cat")()


def test_a_table_of_its_own_is_refused():
    """The family has one."""
    with pytest.raises(ModelDefinitionError, match="head of the family"):
        wrong(discriminator_value="x", table="others")()


def test_a_family_needs_a_head():
    """A value alone says nothing."""
    with pytest.raises(ModelDefinitionError, match="discriminator="):

        class Lost(Model, repo="family", discriminator_value="x"):
            id: Column[int] = partition_key()


def test_the_discriminator_is_a_column():
    """Of the head."""
    with pytest.raises(ModelDefinitionError, match="no column"):

        class Headless(Model, repo="family", discriminator="kind"):
            id: Column[int] = partition_key()


def test_classes_of_one_table_agree_on_its_columns():
    """One name has one type."""
    with pytest.raises(ModelDefinitionError, match="is int here, and bigint elsewhere"):

        class Fish(Pet, discriminator_value="fish"):
            lives: Column[cql.Int] = column(default=1)


def test_a_subclass_without_a_value_is_refused():
    """Its rows could not be told apart from those of the other classes, and it would be a table of its own."""
    with pytest.raises(ModelDefinitionError, match=r"(?s)MD119.*discriminator_value="):

        class Bird(Pet):
            """No value."""

    class Winged(Pet, abstract=True):
        """A base in between, which has no rows."""

    assert Winged not in list(registry)
