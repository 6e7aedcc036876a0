"""Hypothesis strategies that several tests draw from."""

from __future__ import annotations

import enum
import uuid
from datetime import date, datetime, time, timezone
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any, NamedTuple

from hypothesis import strategies as st

from scyllamodel import types as cql
from scyllamodel.types.values import (
    NATIVE_NAMES,
    ListType,
    MapType,
    Native,
    SetType,
    TupleType,
    UserTypeName,
    VectorType,
    freeze,
)


class Status(str, enum.Enum):
    """An enum of texts."""

    NEW = "new"
    PAID = "paid"


class Level(enum.IntEnum):
    """An enum of numbers."""

    LOW = 1
    HIGH = 7


def _nested(inside):
    return st.one_of(
        inside.map(ListType),
        inside.map(SetType),
        st.builds(MapType, inside, inside),
        st.lists(inside, min_size=1, max_size=3).map(lambda found: TupleType(tuple(found))),
        st.builds(VectorType, inside, st.integers(1, 3)),
        inside.map(freeze),
    )


natives = st.sampled_from(sorted(NATIVE_NAMES)).map(Native)
user_type_names = st.builds(UserTypeName, st.sampled_from(["address", "Mixed", "date", "select", 'qu"ote', "a b"]))
cql_types = st.recursive(natives | user_type_names, _nested, max_leaves=6)
"""Any CQL type in normal form."""


class Shape(NamedTuple):
    """An annotation, a strategy of its values, and whether they can be hashed and have an order on servers."""

    hint: Any
    values: st.SearchStrategy
    key: bool = True


def _milliseconds(moment):
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


moments = st.datetimes(timezones=st.just(timezone.utc)).map(_milliseconds)
int32 = st.integers(-(2**31), 2**31 - 1)
durations = st.builds(
    lambda sign, m, d, n: cql.Duration(sign * m, sign * d, sign * n),
    st.sampled_from([1, -1]),
    st.integers(0, 2**31 - 1),
    st.integers(0, 2**31 - 1),
    st.integers(0, 2**63 - 1),
)
floats = st.floats(allow_nan=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
ipv4, ipv6 = st.ip_addresses(v=4), st.ip_addresses(v=6)

SCALARS = [
    Shape(str, texts),
    Shape(int, st.integers(-(2**63), 2**63 - 1)),
    Shape(float, floats),
    Shape(bool, st.booleans()),
    Shape(bytes, st.binary(max_size=8)),
    Shape(Decimal, st.decimals(allow_nan=False, allow_infinity=False)),
    Shape(uuid.UUID, st.uuids()),
    Shape(datetime, moments),
    Shape(date, st.dates()),
    Shape(time, st.times()),
    Shape(IPv4Address, ipv4),
    Shape(IPv6Address, ipv6),
    Shape(IPv4Address | IPv6Address, ipv4 | ipv6),
    Shape(Status, st.sampled_from(Status)),
    Shape(Level, st.sampled_from(Level)),
    Shape(cql.Int, int32),
    Shape(cql.SmallInt, st.integers(-(2**15), 2**15 - 1)),
    Shape(cql.TinyInt, st.integers(-(2**7), 2**7 - 1)),
    Shape(cql.VarInt, st.integers()),
    Shape(cql.Float, st.floats(allow_nan=False, width=32)),
    Shape(cql.Ascii, st.text(st.characters(max_codepoint=127), max_size=8)),
    Shape(cql.TimeUUID, st.builds(uuid.uuid1, st.integers(0, 2**48 - 1), st.integers(0, 2**14 - 1))),
    Shape(cql.Duration, durations, key=False),
]
"""Every annotation of a scalar."""


@st.composite
def _containers(draw, inside):
    one, other = draw(inside), draw(inside)
    # A bare float in a vector is CQL's 32-bit one.
    element = Shape(cql.Double, floats) if one.hint is float else one
    size = draw(st.integers(1, 3))
    lists, sets = st.lists(one.values, max_size=3), st.sets(one.values, max_size=3) if one.key else None
    found = [
        Shape(list[one.hint], lists, key=False),
        Shape(cql.Frozen[list[one.hint]], lists, key=False),
        Shape(
            Annotated[list[element.hint], cql.vector(size)],
            st.lists(element.values, min_size=size, max_size=size),
            key=False,
        ),
        Shape(
            tuple[one.hint, other.hint | None],
            st.tuples(one.values, st.none() | other.values),
            key=one.key and other.key,
        ),
    ]
    if one.key:
        found += [
            Shape(set[one.hint], sets, key=False),
            Shape(frozenset[one.hint], sets.map(frozenset)),
            Shape(dict[one.hint, other.hint], st.dictionaries(one.values, other.values, max_size=3), key=False),
        ]
    return draw(st.sampled_from(found))


shapes = st.recursive(st.sampled_from(SCALARS), _containers, max_leaves=5)
"""Any annotation of a column, with a strategy of its values."""


@st.composite
def hints_with_values(draw):
    """An annotation and a value of it."""
    shape = draw(shapes)
    return shape.hint, draw(shape.values)
