"""CQL types as values and as text, and the names for annotations."""

from __future__ import annotations

import pickle
import typing
from datetime import date, datetime, time
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from uuid import UUID

import pytest
from hypothesis import given

from scyllamodel import types as cql
from scyllamodel.types import cql_types, parse_type
from scyllamodel.types.aliases import VectorMark
from scyllamodel.types.cql_types import ListType, MapType, Native, SetType, TupleType, UserTypeName, VectorType
from support.strategies import cql_types as any_type

INT = Native("int")


@given(any_type)
def test_parse_is_the_inverse_of_cql(cql_type):
    """The text of a type is parsed as that type."""
    assert cql_type == parse_type(cql_type.cql)


@given(any_type)
def test_types_survive_pickle_and_hash(cql_type):
    """Types can be pickled, and can be dict keys."""
    assert {cql_type} == {pickle.loads(pickle.dumps(cql_type))}


@given(any_type)
def test_what_is_inside_is_frozen(cql_type):
    """Nested types are frozen."""
    assert not any(
        cql_types.is_multi_cell(part) for outer in cql_types.walk(cql_type) for part in cql_types.element_types(outer)
    )


@pytest.mark.parametrize(
    ("text", "cql_type"),
    [
        ("varchar", Native("text")),
        ("INT", INT),
        ("list<int>", ListType(INT)),
        ("frozen<list<int>>", ListType(INT, frozen=True)),
        ("set<list<int>>", SetType(ListType(INT, frozen=True))),
        ("map<text,int>", MapType(Native("text"), INT)),
        ("tuple<int, frozen<tuple<int>>>", TupleType((INT, TupleType((INT,))))),
        ("vector<float, 3>", VectorType(Native("float"), 3)),
        ("frozen<vector<float , 3>>", VectorType(Native("float"), 3)),
        ("address", UserTypeName("address")),
        ("shop.address", UserTypeName("address")),
        ('frozen<"Address">', UserTypeName("Address", frozen=True)),
        ('"date"', UserTypeName("date")),
        ("'org.apache.Foo'", cql_types.CustomType("org.apache.Foo")),
    ],
)
def test_text_is_read(text, cql_type):
    """All spellings of a type that servers and people use are parsed."""
    assert cql_type == parse_type(text)


@pytest.mark.parametrize("text", ["", "list<", "list<>", "list<int, int>", "map<int>", "int>", "vector<int, x>", "a;b"])
def test_other_text_is_refused(text):
    """Text that is not a type is refused, and quoted."""
    with pytest.raises(ValueError, match="is not a CQL type"):
        parse_type(text)


NAMES = [
    ("Ascii", str, "ascii"),
    ("Text", str, "text"),
    ("Blob", bytes, "blob"),
    ("Boolean", bool, "boolean"),
    ("TinyInt", int, "tinyint"),
    ("SmallInt", int, "smallint"),
    ("Int", int, "int"),
    ("BigInt", int, "bigint"),
    ("VarInt", int, "varint"),
    ("Float", float, "float"),
    ("Double", float, "double"),
    ("Decimal", Decimal, "decimal"),
    ("UUID", UUID, "uuid"),
    ("TimeUUID", UUID, "timeuuid"),
    ("Timestamp", datetime, "timestamp"),
    ("Date", date, "date"),
    ("Time", time, "time"),
]


@pytest.mark.parametrize(("name", "python", "native"), NAMES)
def test_a_name_is_a_python_type_that_says_which_cql_type(name, python, native):
    """An annotation contains the Python type, for type checkers, and the CQL type."""
    value = getattr(cql, name)

    assert (python, Native(native)) == typing.get_args(value)


def test_the_other_names():
    """Frozen has a parameter, Inet is either kind of address, and Counter is a subclass of int."""
    assert list[str] is not cql.Frozen[list[str]]
    assert list[str] == typing.get_args(cql.Frozen[list[str]])[0]
    assert {IPv4Address, IPv6Address} == set(typing.get_args(cql.Inet))
    assert 3 == cql.Counter(3)


def test_every_native_type_has_a_name():
    """Every native type has a name in the module, except ``empty``, which columns cannot have."""
    natives = {native for _, _, native in NAMES} | {"inet", "counter", "duration"}

    assert cql_types.NATIVE_NAMES - {"empty"} == natives


def test_names_are_sorted_and_there():
    """All public names of the module are sorted and can be imported."""
    assert all(hasattr(cql, name) for name in cql.__all__)


def test_a_vector_mark():
    """A vector has its dimension and, if it is not ``float``, its element type."""
    assert VectorMark(3, cql.Double) == cql.vector(3, of=cql.Double)
    with pytest.raises(ValueError, match="must be at least 1"):
        cql.vector(0)


@pytest.mark.parametrize("dimension", [1.5, "3", True, None])
def test_a_vector_has_a_whole_dimension(dimension):
    """A dimension that is not an integer is refused when the annotation is evaluated."""
    with pytest.raises(TypeError, match="must be an int"):
        cql.vector(dimension)
