"""Several classes in one table, distinguished by a discriminator column."""

from __future__ import annotations

import enum
import re

import pytest

from scyllamodel import (
    Column,
    Index,
    Model,
    ModelDefinitionError,
    QueryNotSupported,
    clustering_key,
    column,
    delete,
    insert,
    partition_key,
    select,
    update,
)
from scyllamodel import types as cql
from scyllamodel.driver.data.bulk_api import BulkOperations
from scyllamodel.driver.data.raw import truncate
from scyllamodel.model.registry import registry
from scyllamodel.query.instances import statements_for
from scyllamodel.query.model_cache import cache_for
from scyllamodel.query.select import count_query


class Pet(Model, table="pets", repo="family", discriminator="kind", indexes=[Index("kind")]):
    """The root class, with the columns that all classes share."""

    owner: Column[int] = partition_key()
    id: Column[int] = clustering_key()
    kind: Column[str] = column(default="pet")
    name: Column[str] = column(default="")


class Cat(Pet, discriminator_value="cat"):
    """A subclass with a column."""

    lives: Column[int] = column(default=9)


class Dog(Pet, discriminator_value="dog"):
    """A subclass with an indexed column."""

    tricks: Column[set[str]] = column(factory=set, index=True)


class Puppy(Dog, discriminator_value="puppy"):
    """A subclass of a subclass."""


def test_the_table_has_the_columns_of_all():
    """The table has the columns and indexes of all its classes."""
    names = {column.name for column in Pet.__facts__}

    assert {"owner", "id", "kind", "name", "lives", "tricks"} == names
    assert {"pets_kind_idx", "pets_tricks_idx"} == {index.name for index in Pet.__facts__.indexes}


def test_the_head_alone_stands_for_the_table():
    """Only the root is in the registry, and so in discovery."""
    assert [Pet] == [cls for cls in registry if issubclass(cls, Pet)]


def test_a_class_has_a_default_discriminator_value():
    """The discriminator defaults to the value of the class, and another value is refused."""
    assert "cat" == Cat(owner=1, id=2).kind
    with pytest.raises(ValueError, match="kind"):
        Cat(owner=1, id=2, kind="dog")


def row(model, **values):
    """A row of the model's selection, as the driver returns it."""
    names = cache_for(model).selection.split(", ")
    return tuple(values.get(name) for name in names)


@pytest.mark.parametrize(("kind", "cls"), [("cat", Cat), ("dog", Dog), ("puppy", Puppy), ("fish", Pet)])
def test_rows_are_instances_of_their_class(kind, cls):
    """A row is loaded as the class of its value, and as the root if no class has the value."""
    loaded = cache_for(Pet).load(row(Pet, owner=1, id=2, kind=kind, name="Tom", lives=7))

    assert cls is type(loaded)
    assert "Tom" == loaded.name


def test_a_column_of_its_own_is_loaded():
    """The column of a subclass is loaded from any position in the row."""
    assert 7 == cache_for(Pet).load(row(Pet, owner=1, id=2, kind="cat", name="Tom", lives=7)).lives


def test_rows_of_another_class_are_none():
    """Loading the row of another class returns None."""
    assert cache_for(Cat).load(row(Cat, owner=1, id=2, kind="dog", name="Rex")) is None


def test_reading_a_class_asks_for_its_value():
    """A SELECT from a subclass adds the discriminator to the conditions on the key."""
    query = select(Cat).where(Cat.owner == 1, Cat.id == 2)

    assert query.cql.endswith("WHERE owner = ? AND id = ? AND kind = ?")
    assert (1, 2, "cat") == query.values


def test_reading_a_class_with_subclasses_asks_for_all_their_values():
    """A class with subclasses selects all their values with IN, which needs `allow_filtering`."""
    query = select(Dog).where(Dog.owner == 1)
    with pytest.raises(QueryNotSupported):
        query.cql  # noqa: B018 - it is worked out here

    assert (1, ["dog", "puppy"]) == query.allow_filtering().values


def test_reading_the_head_asks_for_no_value():
    """A SELECT from the root has no condition on the discriminator."""
    assert "kind = ?" not in select(Pet).where(Pet.owner == 1).cql


def test_a_value_in_the_key_need_not_be_named():
    """The class supplies the discriminator if that is part of the key."""

    class Shape(Model, repo="family", discriminator="kind"):
        kind: Column[str] = partition_key(default="shape")
        id: Column[int] = clustering_key()

    class Circle(Shape, discriminator_value="circle"):
        radius: Column[int] = column(default=1)

    assert ("circle", 3) == select(Circle).where(Circle.id == 3).allow_filtering().values[::-1]
    assert "circle" == Circle(id=3).kind


def problems_of(**keywords):
    """The problems of a subclass that cannot belong to the table."""
    return lambda: type(Pet)("Wrong", (Pet,), {"__module__": __name__}, **keywords)


def test_a_value_twice_is_refused():
    """Two classes with the same value are refused."""
    with pytest.raises(ModelDefinitionError, match="also that of Cat"):
        problems_of(discriminator_value="cat")()


def test_a_table_of_its_own_is_refused():
    """A subclass that names a table is refused."""
    with pytest.raises(ModelDefinitionError, match="only on the class with discriminator="):
        problems_of(discriminator_value="x", table="others")()


def test_a_family_needs_a_head():
    """A value without a root that has a discriminator is refused."""
    with pytest.raises(ModelDefinitionError, match="discriminator="):

        class Lost(Model, repo="family", discriminator_value="x"):
            id: Column[int] = partition_key()


def test_the_discriminator_is_a_column():
    """A discriminator that is not a column of the root is refused."""
    with pytest.raises(ModelDefinitionError, match="is not a column"):

        class Headless(Model, repo="family", discriminator="kind"):
            id: Column[int] = partition_key()


def test_classes_of_one_table_agree_on_its_columns():
    """Two classes that declare a column with different types are refused."""
    with pytest.raises(ModelDefinitionError, match="is int here, and bigint elsewhere"):

        class Fish(Pet, discriminator_value="fish"):
            lives: Column[cql.Int] = column(default=1)


def test_a_subclass_without_a_value_is_refused():
    """A subclass without a value is refused, since its rows could not be identified."""
    with pytest.raises(ModelDefinitionError, match=r"(?s)MD119.*discriminator_value="):

        class Bird(Pet):
            """A subclass without a value."""

    class Winged(Pet, abstract=True):
        """An abstract class in between, which has no rows."""

    assert Winged not in list(registry)


CAT = (Cat.owner == 1, Cat.id == 2)
NAMED = Cat.name.to("Tom")


class Shape(Model, table="shapes", repo="family", discriminator="kind"):
    """A root whose discriminator is part of the key."""

    owner: Column[int] = partition_key()
    kind: Column[str] = clustering_key(default="shape")
    id: Column[int] = clustering_key(default=0)
    size: Column[int] = column(default=0)


class Circle(Shape, discriminator_value="circle"):
    """A subclass with its own rows."""


BLIND = {
    "update": update(Cat).where(*CAT).set(NAMED),
    "delete of a row": delete(Cat).where(*CAT),
    "delete of a partition": delete(Cat).where(Cat.owner == 1).whole_partition(),
    "delete of a range": delete(Cat).where(Cat.owner == 1, Cat.id > 2),
    "delete of a column": delete(Cat.name).where(*CAT),
    "update of a class with subclasses": update(Dog).where(Dog.owner == 1, Dog.id == 2).set(Dog.name.to("Rex")),
}


@pytest.mark.parametrize("query", BLIND.values(), ids=BLIND)
def test_a_write_that_does_not_see_the_class_is_refused(query):
    """A write that could affect rows of other classes is refused with advice."""
    with pytest.raises(QueryNotSupported, match=r"table of Pet is shared.*if_exists.*\(Pet\) for rows of any class"):
        query.compile("shop")


SEEING = {
    "if_exists": (update(Cat).where(*CAT).set(NAMED).if_exists(), "IF kind = ?", "cat"),
    "if_": (update(Cat).where(*CAT).set(NAMED).if_(Cat.lives > 1), "IF lives > ? AND kind = ?", "cat"),
    "delete if_exists": (delete(Cat).where(*CAT).if_exists(), "IF kind = ?", "cat"),
    "several values": (delete(Dog).where(Dog.owner == 1, Dog.id == 2).if_exists(), "IF kind IN ?", ["dog", "puppy"]),
    "key": (
        update(Circle).where(Circle.owner == 1, Circle.id == 2).set(Circle.size.to(3)),
        "WHERE owner = ? AND id = ? AND kind = ?",
        "circle",
    ),
    "key of a delete": (delete(Circle).where(Circle.owner == 1), "WHERE owner = ? AND kind = ?", "circle"),
}


@pytest.mark.parametrize(("query", "text", "value"), SEEING.values(), ids=SEEING)
def test_a_write_asks_for_its_class_where_it_can(query, text, value):
    """A write has its class as a condition in IF, or in WHERE if the discriminator is part of the key."""
    assert query.cql.endswith(text)
    assert value == query.values[-1]


OPEN = {
    "head": update(Pet).where(Pet.owner == 1, Pet.id == 2).set(Pet.name.to("x")),
    "delete through the head": delete(Pet).where(Pet.owner == 1).whole_partition(),
    "discriminator set": update(Cat).where(*CAT).set(NAMED, Cat.kind.to("cat")),
    "instance": delete(Cat(owner=1, id=2)),
}


@pytest.mark.parametrize("query", OPEN.values(), ids=OPEN)
def test_other_writes_are_as_they_were(query):
    """Writes through the root, writes of instances, and writes that set the class are unchanged."""
    assert " IF " not in query.cql
    assert "kind = ?" not in query.cql.partition("WHERE")[2]


def test_an_instance_with_the_value_of_another_class_is_not_written():
    """An instance with the value of another class is refused, since its row would be loaded as that class."""
    access = statements_for(Pet, "shop")
    for row in (Pet(owner=1, id=2, kind="cat"), Pet(owner=1, id=2, kind="puppy")):
        with pytest.raises(QueryNotSupported, match=r"is the value of (Cat|Puppy)"):
            access.insert(row)
        with pytest.raises(QueryNotSupported, match="is the value of"):
            insert(row)

    assert access.insert(Pet(owner=1, id=2, kind="fish")).compiled.values[2] == "fish"


def test_a_table_is_not_emptied_through_one_of_its_classes():
    """Truncating the table through one of its classes is refused."""
    with pytest.raises(QueryNotSupported, match=r"truncate\(Cat\) would delete.*truncate\(Pet\)"):
        next(truncate(Cat, "shop"))


def test_rows_are_not_deleted_by_key_through_one_of_its_classes():
    """Deleting rows by key through a subclass is refused, since a key does not determine the class of its row."""
    with pytest.raises(QueryNotSupported, match="the table of Pet is shared"):
        BulkOperations(None, "shop").delete(Cat, [(1, 2)], None)


@pytest.mark.parametrize("text", ['{"owner": 1, "id": 2}', '{"owner": 1, "id": 2, "kind": "dog"}', '{"KIND": null}'])
def test_json_names_the_class(text):
    """Writing JSON without the discriminator is refused."""
    with pytest.raises(QueryNotSupported, match=r"has no 'kind' of Cat.*'cat'"):
        insert(Cat).json(text).compile("shop")


def test_json_with_the_class_is_taken():
    """JSON may contain the discriminator in any case that CQL accepts."""
    assert insert(Cat).json('{"owner": 1, "id": 2, "Kind": "cat"}').compile("shop").values
    assert insert(Pet).json('{"owner": 1, "id": 2}').compile("shop").values


def test_a_discriminator_is_named_once():
    """A query that names the discriminator does not get it twice, also if the column of the root is used."""
    query = select(Cat).where(Cat.owner == 1, Cat.id == 2, Pet.kind == "cat")

    assert 1 == query.cql.count("kind = ?")


ELSEWHERE = {
    "equal": (select(Cat).where(Cat.owner == 1, Cat.id == 2, Cat.kind == "dog"), "rows of Cat have 'cat'"),
    "by the column of the head": (select(Cat).where(Pet.kind == "dog"), "rows of Cat have 'cat'"),
    "in": (select(Cat).where(Cat.owner == 1, Cat.kind.in_(["cat", "dog"])), "rows of Cat have 'cat'"),
    "of a class with subclasses": (select(Dog).where(Dog.owner == 1, Dog.kind == "cat"), "have 'dog' or 'puppy'"),
    "range": (select(Circle).where(Circle.owner == 1, Circle.kind > "a"), "rows of Circle have 'circle'"),
    "count": (count_query(select(Cat).where(Cat.kind == "dog")), "rows of Cat have 'cat'"),
    "delete": (delete(Circle).where(Circle.owner == 1, Circle.kind == "square"), "rows of Circle have 'circle'"),
    "update": (
        update(Circle).where(Circle.owner == 1, Circle.id == 2, Circle.kind == "square").set(Circle.size.to(3)),
        "rows of Circle have 'circle'",
    ),
    "if_": (update(Cat).where(*CAT).set(NAMED).if_(Cat.kind == "dog"), "rows of Cat have 'cat'"),
    "set": (update(Cat).where(*CAT).set(NAMED, Cat.kind.to("dog")), "would change the class of the row"),
    "set to null": (update(Cat).where(*CAT).set(Cat.kind.to(None)).if_exists(), "would change the class of the row"),
}


@pytest.mark.parametrize(("query", "message"), ELSEWHERE.values(), ids=ELSEWHERE)
def test_a_class_is_not_asked_for_rows_of_another(query, message):
    """A query for rows of another class is refused with the advice to use the root."""
    with pytest.raises(QueryNotSupported, match=rf"{message}.*or use (Pet|Shape) for rows of any class"):
        query.compile("shop")


WITHIN = {
    "subclass": (select(Dog).where(Dog.owner == 1, Dog.kind == "puppy").allow_filtering(), "owner = ? AND kind = ?"),
    "in": (select(Dog).where(Dog.owner == 1, Dog.kind.in_(["dog"])).allow_filtering(), "owner = ? AND kind IN ?"),
    "own": (delete(Circle).where(Circle.owner == 1, Circle.kind == "circle"), "owner = ? AND kind = ?"),
    "if_": (update(Cat).where(*CAT).set(NAMED).if_(Cat.kind == "cat"), "IF kind = ?"),
    "head": (select(Pet).where(Pet.owner == 1, Pet.kind == "dog").allow_filtering(), "owner = ? AND kind = ?"),
}


@pytest.mark.parametrize(("query", "text"), WITHIN.values(), ids=WITHIN)
def test_a_class_is_asked_for_its_own_rows(query, text):
    """The class condition appears once, and a narrower one of the query is used for a class with subclasses."""
    assert text in query.cql
    assert 1 == len(re.findall(r"\bkind (=|IN) \?", query.cql))


def test_an_update_through_the_head_says_what_it_may_make():
    """An update that may create a row without a class is refused unless it uses `if_exists`."""
    with pytest.raises(
        QueryNotSupported, match=r"update\(Pet\).*creates one without a class, unless it uses .if_exists"
    ):
        update(Cat).where(*CAT).set(NAMED).compile("shop")


class Kind(str, enum.Enum):
    """The values of an enum column."""

    CAR = "car"
    VAN = "van"


class Vehicle(Model, table="vehicles", repo="family", discriminator="kind"):
    """A root whose discriminator is an enum."""

    id: Column[int] = partition_key()
    kind: Column[Kind | None] = column(default=None)


def test_a_plain_value_of_an_enum_is_its_member():
    """Instances have the enum member as their discriminator, and rows are loaded by it."""

    class Car(Vehicle, discriminator_value="car"):
        doors: Column[int] = column(default=4)

    assert Kind.CAR is Car(id=1).kind
    assert Car is type(cache_for(Vehicle).load((1, "car", 4)))


@pytest.mark.parametrize(("value", "reason"), [("bus", "not a Kind, which has 'car', 'van'"), (3, "not a Kind")])
def test_a_value_that_the_column_cannot_hold_is_refused(value, reason):
    """A value that the discriminator column cannot store is refused when the class is created."""
    with pytest.raises(ModelDefinitionError, match=reason):
        type(Vehicle)("Wrong", (Vehicle,), {"__module__": __name__}, discriminator_value=value)


def test_a_value_of_another_type_is_refused():
    """A value that is not a string is refused for a text column."""
    with pytest.raises(ModelDefinitionError, match="3 is not of type str"):
        problems_of(discriminator_value=3)()
