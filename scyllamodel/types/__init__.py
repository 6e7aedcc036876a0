"""CQL types, as values and as names for annotations.

::

    from scyllamodel import types as cql

    seats: Column[cql.Int] = column(default=0)
    tags: Column[cql.Frozen[set[str]]] = partition_key()
    place: Column[Annotated[list[float], cql.vector(3)]] = column()

>>> parse_type("map<text, frozen<list<int>>>").cql
'map<text, frozen<list<int>>>'

Modules:
    aliases: names for annotations, where a Python type alone does not determine the CQL type.
    annotations: interpretation of annotations: the CQL type, and the conversion of values to and from the driver.
    codecs: codecs: a CQL type with the converters of its values, and the composition of codecs.
    comparison: comparison and hashing of the values in statements, for values of any class.
    converters: conversion between the values of the driver and the Python values of a model, in both directions.
    cql_types: CQL types as frozen values, in the normal form in which servers store them.
    display: redaction: how a value may appear in reprs, messages, error attributes and logs.
    duration: a CQL ``duration`` as a value: months, days and nanoseconds, which cannot be converted into each other.
    errors: errors of annotations that cannot be columns, each with what to write instead.
    expected_values: check, by class and range, whether a Python value can belong to a column; used for defaults.
    identity: identity of values: two Python values are identical if the server stores the same bytes for them.
    loading: the one rule for loading a stored value: a null becomes None or an empty value, anything else is converted.
    parser: parse the CQL text of a type into a type value; the inverse of ``.cql``.
    unwrap: unwrapping of annotations: the type inside, and whether it is optional, frozen, a CQL type or a vector.
    user_types: values of user types: conversion between the driver's value and an instance of the class.
"""

from scyllamodel.types.aliases import (
    UUID,
    Ascii,
    BigInt,
    Blob,
    Boolean,
    Counter,
    Date,
    Decimal,
    Double,
    Float,
    Frozen,
    Inet,
    Int,
    SmallInt,
    Text,
    Time,
    Timestamp,
    TimeUUID,
    TinyInt,
    VarInt,
    vector,
)
from scyllamodel.types.cql_types import (
    CqlType,
    CustomType,
    ListType,
    MapType,
    Native,
    SetType,
    TupleType,
    UserTypeName,
    VectorType,
)
from scyllamodel.types.duration import Duration
from scyllamodel.types.parser import parse_type

__all__ = [
    "UUID",
    "Ascii",
    "BigInt",
    "Blob",
    "Boolean",
    "Counter",
    "CqlType",
    "CustomType",
    "Date",
    "Decimal",
    "Double",
    "Duration",
    "Float",
    "Frozen",
    "Inet",
    "Int",
    "ListType",
    "MapType",
    "Native",
    "SetType",
    "SmallInt",
    "Text",
    "Time",
    "TimeUUID",
    "Timestamp",
    "TinyInt",
    "TupleType",
    "UserTypeName",
    "VarInt",
    "VectorType",
    "parse_type",
    "vector",
]
