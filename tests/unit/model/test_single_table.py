"""Several classes in one table, distinguished by one column."""

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
    """The table has the columns of all, and their indexes."""
    names = {column.name for column in Pet.__facts__}

    assert {"owner", "id", "kind", "name", "lives", "tricks"} == names
    assert {"pets_kind_idx", "pets_tricks_idx"} == {index.name for index in Pet.__facts__.indexes}


def test_the_head_alone_stands_for_the_table():
    """The head alone stands for the table, in the registry, and so for discovery."""
    assert [Pet] == [cls for cls in registry if issubclass(cls, Pet)]


def test_a_class_has_a_default_discriminator_value():
    """And no other."""
    assert "cat" == Cat(owner=1, id=2).kind
    with pytest.raises(ValueError, match="kind"):
        Cat(owner=1, id=2, kind="dog")


def row(model, **values):
    """A row of the model's selection, as the driver would give it."""
    names = cache_for(model).selection.split(", ")
    return tuple(values.get(name) for name in names)


@pytest.mark.parametrize(("kind", "cls"), [("cat", Cat), ("dog", Dog), ("puppy", Puppy), ("fish", Pet)])
def test_rows_are_instances_of_their_class(kind, cls):
    """A value that no class has is an instance of the head."""
    loaded = cache_for(Pet).load(row(Pet, owner=1, id=2, kind=kind, name="Tom", lives=7))

    assert cls is type(loaded)
    assert "Tom" == loaded.name


def test_a_column_of_its_own_is_loaded():
    """From wherever it stands in the row."""
    assert 7 == cache_for(Pet).load(row(Pet, owner=1, id=2, kind="cat", name="Tom", lives=7)).lives


def test_rows_of_another_class_are_none():
    """Reading a cat under the key of a dog finds nothing."""
    assert cache_for(Cat).load(row(Cat, owner=1, id=2, kind="dog", name="Rex")) is None


def test_reading_a_class_asks_for_its_value():
    """Reading a class asks for its value: beside the key."""
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
    """Reading the head asks for no value: it has all rows."""
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


def problems_of(**keywords):
    """A subclass that cannot be in the family."""
    return lambda: type(Pet)("Wrong", (Pet,), {"__module__": __name__}, **keywords)


def test_a_value_twice_is_refused():
    """Rows would be of two classes."""
    with pytest.raises(ModelDefinitionError, match="also that of Cat"):
        problems_of(discriminator_value="cat")()


def test_a_table_of_its_own_is_refused():
    """The family has one."""
    with pytest.raises(ModelDefinitionError, match="only on the class with discriminator="):
        problems_of(discriminator_value="x", table="others")()


def test_a_family_needs_a_head():
    """A value alone says nothing."""
    with pytest.raises(ModelDefinitionError, match="discriminator="):

        class Lost(Model, repo="family", discriminator_value="x"):
            id: Column[int] = partition_key()


def test_the_discriminator_is_a_column():
    """Of the head."""
    with pytest.raises(ModelDefinitionError, match="is not a column"):

        class Headless(Model, repo="family", discriminator="kind"):
            id: Column[int] = partition_key()


def test_classes_of_one_table_agree_on_its_columns():
    """One name has one type."""
    with pytest.raises(ModelDefinitionError, match="is int here, and bigint elsewhere"):

        class Fish(Pet, discriminator_value="fish"):
            lives: Column[cql.Int] = column(default=1)


def test_a_subclass_without_a_value_is_refused():
    """A subclass without a value is refused: its rows could not be distinguished from those of the other classes."""
    with pytest.raises(ModelDefinitionError, match=r"(?s)MD119.*discriminator_value="):

        class Bird(Pet):
            """No value."""

    class Winged(Pet, abstract=True):
        """A base in between, which has no rows."""

    assert Winged not in list(registry)


CAT = (Cat.owner == 1, Cat.id == 2)
NAMED = Cat.name.to("Tom")


class Shape(Model, table="shapes", repo="family", discriminator="kind"):
    """The discriminator is part of the key."""

    owner: Column[int] = partition_key()
    kind: Column[str] = clustering_key(default="shape")
    id: Column[int] = clustering_key(default=0)
    size: Column[int] = column(default=0)


class Circle(Shape, discriminator_value="circle"):
    """Rows of its own."""


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
    """It would change or delete rows of other classes; the message says what to write."""
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
    """A write asks for its class where it can, in IF, or in WHERE when the discriminator is part of the key."""
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
    """Through the head, of an instance, and where the class is written too."""
    assert " IF " not in query.cql
    assert "kind = ?" not in query.cql.partition("WHERE")[2]


def test_an_instance_with_the_value_of_another_class_is_not_written():
    """An instance with the value of another class is not written: its row would be loaded as the other class."""
    access = statements_for(Pet, "shop")
    for row in (Pet(owner=1, id=2, kind="cat"), Pet(owner=1, id=2, kind="puppy")):
        with pytest.raises(QueryNotSupported, match=r"is the value of (Cat|Puppy)"):
            access.insert(row)
        with pytest.raises(QueryNotSupported, match="is the value of"):
            insert(row)

    assert access.insert(Pet(owner=1, id=2, kind="fish")).compiled.values[2] == "fish"


def test_a_table_is_not_emptied_through_one_of_its_classes():
    """All others would lose their rows."""
    with pytest.raises(QueryNotSupported, match=r"truncate\(Cat\) would delete.*truncate\(Pet\)"):
        next(truncate(Cat, "shop"))


def test_rows_are_not_deleted_by_key_through_one_of_its_classes():
    """A key does not tell of which class its row is."""
    with pytest.raises(QueryNotSupported, match="the table of Pet is shared"):
        BulkOperations(None, "shop").delete(Cat, [(1, 2)], None)


@pytest.mark.parametrize("text", ['{"owner": 1, "id": 2}', '{"owner": 1, "id": 2, "kind": "dog"}', '{"KIND": null}'])
def test_json_names_the_class(text):
    """A row without it would be of another class."""
    with pytest.raises(QueryNotSupported, match=r"has no 'kind' of Cat.*'cat'"):
        insert(Cat).json(text).compile("shop")


def test_json_with_the_class_is_taken():
    """By its name in any case, as CQL has it."""
    assert insert(Cat).json('{"owner": 1, "id": 2, "Kind": "cat"}').compile("shop").values
    assert insert(Pet).json('{"owner": 1, "id": 2}').compile("shop").values


def test_a_discriminator_is_named_once():
    """A discriminator is named once, also by the column of the base."""
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
    """A class is not asked for rows of another: they would be loaded as None, or written as rows of another class."""
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
    """Once, and narrowed where it has subclasses."""
    assert text in query.cql
    assert 1 == len(re.findall(r"\bkind (=|IN) \?", query.cql))


def test_an_update_through_the_head_says_what_it_may_make():
    """An update of a missing row creates one, which would have no class; this must be declared."""
    with pytest.raises(
        QueryNotSupported, match=r"update\(Pet\).*creates one without a class, unless it uses .if_exists"
    ):
        update(Cat).where(*CAT).set(NAMED).compile("shop")


class Kind(str, enum.Enum):
    """What a column of an enum holds."""

    CAR = "car"
    VAN = "van"


class Vehicle(Model, table="vehicles", repo="family", discriminator="kind"):
    """Classes that are distinguished by an enum."""

    id: Column[int] = partition_key()
    kind: Column[Kind | None] = column(default=None)


def test_a_plain_value_of_an_enum_is_its_member():
    """Instances have the member, and rows are loaded by it."""

    class Car(Vehicle, discriminator_value="car"):
        doors: Column[int] = column(default=4)

    assert Kind.CAR is Car(id=1).kind
    assert Car is type(cache_for(Vehicle).load((1, "car", 4)))


@pytest.mark.parametrize(("value", "reason"), [("bus", "not a Kind, which has 'car', 'van'"), (3, "not a Kind")])
def test_a_value_that_the_column_cannot_hold_is_refused(value, reason):
    """A value that the column cannot hold is refused: when the class is made."""
    with pytest.raises(ModelDefinitionError, match=reason):
        type(Vehicle)("Wrong", (Vehicle,), {"__module__": __name__}, discriminator_value=value)


def test_a_value_of_another_type_is_refused():
    """A text column holds texts."""
    with pytest.raises(ModelDefinitionError, match="3 is not of type str"):
        problems_of(discriminator_value=3)()
