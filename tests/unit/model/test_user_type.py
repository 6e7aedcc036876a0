"""A class statement becomes a user type: a frozen value."""

from __future__ import annotations

import copy
import pickle
import types
import typing
import weakref
from typing import Annotated, ClassVar

import attrs
import cattrs
import pytest

from scyllamodel import types as cql
from scyllamodel.errors import ModelDefinitionError, TypeMismatch
from scyllamodel.model.base import Model
from scyllamodel.model.column import Column
from scyllamodel.model.fields import clustering_key, column, partition_key
from scyllamodel.model.user_type import UserType
from scyllamodel.schema.facts.objects import UserType as UserTypeFacts
from scyllamodel.types import parse_type
from scyllamodel.types.annotations import AnnotationError, map_annotation
from support.driver_codecs import PROTOCOL, driver_type


class Point(UserType, name="geo_point", keyspace="maps"):
    """A place."""

    latitude: float
    longitude: float = 0.0


class Address(UserType):
    """A postal address."""

    COUNTRY: ClassVar[str] = "DE"

    street: str
    zip_code: str | None = None
    at: Point | None = None
    phones: list[cql.Int] = attrs.field(factory=list)

    @property
    def line(self):
        return f"{self.zip_code} {self.street}"


DOUBLE = parse_type("double")
ADDRESS = Address(street="Long", at=Point(latitude=1.5))


def test_facts_are_the_fields_in_order():
    """``__facts__`` has the name and the fields in order, with nested types frozen, as CQL requires."""
    expected = UserTypeFacts(
        "address",
        (
            ("street", parse_type("text")),
            ("zip_code", parse_type("text")),
            ("at", parse_type("frozen<geo_point>")),
            ("phones", parse_type("list<int>")),
        ),
    )

    assert expected == Address.__facts__


def test_name_keyspace_and_needed_types():
    """The class has its CQL name, keyspace, fields by CQL name, and the types that it needs."""
    assert ("geo_point", "maps", "address", ("latitude", "longitude"), (Point,)) == (
        Point.__cql_name__,
        Point.__facts__.keyspace,
        Address.__cql_name__,
        Point.__fields_by_cql__,
        Address.__user_types__,
    )


def test_instances_are_values():
    """Equal values have equal hashes, so they can be set elements and dict keys."""
    assert {Point(latitude=1.0), Point(latitude=1.0, longitude=0.0)} == {Point(latitude=1.0)}
    assert Point(latitude=1.0) != Point(latitude=2.0)


@pytest.mark.parametrize(
    ("use", "error"),
    [
        (lambda: setattr(ADDRESS, "street", "Short"), AttributeError),
        (lambda: setattr(ADDRESS, "steet", "Short"), AttributeError),
        (lambda: Address(), TypeError),  # noqa: PLW0108 - all are functions
        (lambda: Address("Long"), TypeError),
        (lambda: Address(street="Long", steet="x"), TypeError),
        (lambda: ADDRESS.__dict__, AttributeError),
    ],
)
def test_misuse_of_an_instance_raises(use, error):
    """Assignment and unknown names are refused."""
    with pytest.raises(error):
        use()


@pytest.mark.parametrize("through", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_instances_are_copied_and_pickled(through):
    """Copies and pickles are equal to their original."""
    assert ADDRESS == through(ADDRESS)


def test_it_is_an_attrs_class():
    """A user type works with attrs and cattrs like any frozen attrs class."""
    assert {"latitude": 1.5, "longitude": 0.0} == attrs.asdict(ADDRESS)["at"]
    assert "Short" == attrs.evolve(ADDRESS, street="Short").street
    assert (str, list[int]) == (attrs.fields(Address).street.type, typing.get_type_hints(Address)["phones"])
    assert ADDRESS == cattrs.structure(cattrs.unstructure(ADDRESS), Address)


def test_instances_can_be_referred_to_weakly():
    """Values support weak references, for example in caches."""
    assert ADDRESS is weakref.ref(ADDRESS)()


def test_match_destructures_it():
    """A user type works as a class pattern with keywords."""
    match ADDRESS:
        case Address(street=street, at=Point(latitude=1.5)):
            value = street

    assert "Long" == value


def test_values_load_and_bind():
    """Values load from nested tuples without ``__init__``, and bind to them."""
    loaded = Address.__load__(("Long", None, (1.5, 0.0), None))

    assert (ADDRESS, ("Long", None, (1.5, 0.0), [])) == (loaded, loaded.__bind__())


def test_model_holds_user_types():
    """Columns load and bind user types, on their own and inside collections."""

    class Owner(Model):
        id: Column[str] = partition_key()
        home: Column[cql.Frozen[Address] | None] = column(default=None)
        all: Column[dict[str, Address]] = column(factory=dict)
        points: Column[set[Point]] = column(factory=set)

    row = ("x", None, {"a": ("Long", None, (1.5, 0.0), None)}, {(1.0, 2.0)})
    loaded = Owner.__load__(row)

    assert (ADDRESS, {Point(latitude=1.0, longitude=2.0)}) == (loaded.all["a"], loaded.points)
    assert "map<text, frozen<address>>" == Owner.__facts__["all"].type.cql


def test_fields_take_parameters():
    """A field may have validators and another CQL name, and may be redacted."""

    class Card(UserType):
        number: str = column(db_name="No", redact=True, validator=attrs.validators.max_len(4))
        level: int = attrs.field(default=1, validator=attrs.validators.ge(0))
        size: Annotated[int, "of any kind"] = column(type=cql.Int, default=3)

    with pytest.raises(TypeMismatch) as exc_info:
        Card(number="12345")

    assert ("Card(number=***, level=1, size=3)", ("No", "level", "size"), "int", False) == (
        repr(Card(number="1234")),
        Card.__fields_by_cql__,
        Card.__facts__.fields[2][1].cql,
        "12345" in str(exc_info.value),
    )


def test_subclass_is_a_type_of_its_own():
    """A subclass has the fields of its base first, and its own name."""

    class Place(Point):
        name: str

    place = Place(latitude=1.0, name="x")

    assert ("place", ("latitude", "longitude", "name"), (1.0, 0.0, "x"), "maps") == (
        Place.__cql_name__,
        Place.__fields_by_cql__,
        place.__bind__(),
        Place.__facts__.keyspace,
    )


def test_authors_methods_work():
    """Properties and constants work as in any class."""
    assert ("None Long", "DE") == (ADDRESS.line, Address.COUNTRY)


class Visit(UserType):
    """A user type without a hash, because of its list."""

    pages: list[str]


class Visited(UserType):
    """A user type with a field that has no hash."""

    last: Visit | None = None


class Tagged(UserType):
    """A hashable user type whose list is not part of the hash."""

    name: str
    tags: list[str] = attrs.field(factory=list, eq=False)


class Numbered(UserType):
    """A user type with its own hash."""

    tags: list[str]

    def __hash__(self):
        return len(self.tags)


@pytest.mark.parametrize("annotation", [set[Visit], dict[Visit, int], set[Visited], frozenset[tuple[str, Visit]]])
def test_a_set_of_values_that_cannot_be_hashed_is_refused(annotation):
    """A set, or a dict key, of values without a hash is refused, since stored values could not be loaded."""
    with pytest.raises(AnnotationError, match="not hashable") as exc_info:
        map_annotation(annotation)

    assert "frozenset" in exc_info.value.advice


@pytest.mark.parametrize("annotation", [set[Point], set[Tagged], set[Numbered], list[Visit], dict[str, Visit]])
def test_other_collections_of_user_types_are_fine(annotation):
    """Hashable user types in sets and maps, and lists of any user type, are accepted."""
    assert map_annotation(annotation).load is not None


def test_maps_keyed_by_a_type_that_gained_a_field_are_read():
    """Map keys that were written before the type got another field are found."""
    annotation = map_annotation(dict[Point, int])
    fields = [("latitude", DOUBLE), ("longitude", DOUBLE)]
    before, now = (
        driver_type(annotation.type, {"geo_point": known}) for known in (fields, [*fields, ("height", DOUBLE)])
    )
    decoded = now.from_binary(before.to_binary({(1.5, 2.5): 7}, PROTOCOL), PROTOCOL)

    assert {Point(latitude=1.5, longitude=2.5): 7} == annotation.load(decoded)


def test_unknown_class_keyword_is_refused():
    """A misspelled class keyword is a TypeError that suggests the right one."""
    with pytest.raises(TypeError, match=r"unknown class keyword 'nam'; did you mean 'name'\?"):

        class Made(UserType, nam="x"):
            street: str


def new_type(body, **keywords):
    """The codes of the problems of a user type with these fields."""
    namespace = {"__module__": __name__, "__qualname__": "Made", "__annotations__": {}}
    for name, (annotation, *value) in body.items():
        namespace["__annotations__"][name] = annotation
        namespace |= {name: value[0]} if value else {}
    with pytest.raises(ModelDefinitionError) as exc_info:
        type(UserType)("Made", (UserType,), namespace, **keywords)
    return [f"{each.code} {each.where.rpartition('Made')[2].lstrip('.')}".strip() for each in exc_info.value.problems]


STREET = {"street": ("str",)}


@pytest.mark.parametrize(
    ("body", "keywords", "expected"),
    [
        ({}, {}, ["MD141"]),
        (STREET, {"name": "date"}, ["MD108"]),
        (STREET, {"name": "varchar"}, ["MD108"]),
        (STREET, {"name": "a b"}, ["MD108"]),
        (STREET, {"name": "n" * 49}, ["MD108"]),
        (STREET, {"keyspace": "a b"}, ["MD108"]),
        (STREET, {"name": 3}, ["MD116"]),
        ({"x": ("object",)}, {}, ["MD110 x"]),
        ({"x": ("nowhere",)}, {}, ["MD111 x"]),
        ({"x": ("list[str]", [])}, {}, ["MD113 x"]),
        ({"x": ("cql.Counter",)}, {}, ["MD141 x"]),
        ({"x": ("str", partition_key())}, {}, ["MD141 x"]),
        ({"x": ("str", clustering_key())}, {}, ["MD141 x"]),
        ({"x": ("str", column(index=True))}, {}, ["MD141 x"]),
        ({"x": ("str", column(static=True))}, {}, ["MD141 x"]),
        ({"x": ("str", column(masked_with="DEFAULT"))}, {}, ["MD141 x"]),
        ({"x": ("str",), "y": ("str", column(db_name="x"))}, {}, ["MD107 y"]),
        ({"x": ("object",), "y": ("nowhere",)}, {"name": "date"}, ["MD111 y", "MD110 x", "MD108"]),
    ],
)
def test_mistake_in_a_user_type(body, keywords, expected):
    """Mistakes are reported together, each with its code."""
    assert expected == new_type(body, **keywords)


def test_a_type_can_be_made_without_a_class_statement():
    """A type from `types.new_class`, which sets no qualified name, has one."""
    cls = types.new_class(
        "Spot", (UserType,), {"name": "spot"}, lambda body: body.update(__annotations__={"x": int}, __module__=__name__)
    )

    assert ("spot", "Spot") == (cls.__facts__.name, cls.__qualname__)
