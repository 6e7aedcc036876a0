"""CQL types, as values and as names for annotations.

::

    from scyllamodel import types as cql

    seats: Column[cql.Int] = column(default=0)
    tags: Column[cql.Frozen[set[str]]] = partition_key()
    place: Column[Annotated[list[float], cql.vector(3)]] = column()

>>> parse_type("map<text, frozen<list<int>>>").cql
'map<text, frozen<list<int>>>'
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
