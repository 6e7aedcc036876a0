"""What the driver makes of a value: its own serialisers and deserialisers, without a server."""

from __future__ import annotations

from cassandra import cqltypes
from cassandra.protocol import ColumnMetadata
from cassandra.query import PreparedStatement

from scyllamodel.types import cql_types as v

PROTOCOL = 4


def driver_type(cql_type, user_types=None):
    """The driver's class for a CQL type; ``user_types`` maps a name to its (field, type) pairs."""
    inside = [driver_type(part, user_types) for part in v.element_types(cql_type)]
    if isinstance(cql_type, v.Native):
        return cqltypes._cqltypes[cql_type.name]
    if isinstance(cql_type, v.UserTypeName):
        fields = (user_types or {})[cql_type.name]
        types = tuple(driver_type(field, user_types) for _, field in fields)
        return cqltypes.UserType.make_udt_class("ks", cql_type.name, tuple(name for name, _ in fields), types)
    if isinstance(cql_type, v.VectorType):
        return cqltypes.VectorType.apply_parameters([inside[0], cql_type.dimension], None)
    made = {v.ListType: "ListType", v.SetType: "SetType", v.MapType: "MapType", v.TupleType: "TupleType"}
    return getattr(cqltypes, made[type(cql_type)]).apply_parameters(inside)


def returned(value, cql_type, user_types=None):
    """What the driver returns for a value that it was given."""
    made = driver_type(cql_type, user_types)
    return made.from_binary(made.to_binary(value, PROTOCOL), PROTOCOL)


def round_trip(hint, value, user_types=None):
    """A value dumped, serialised, deserialised and loaded."""
    dumped = value if hint.dump is None else hint.dump(value)
    result = returned(dumped, hint.type, user_types)
    return result if hint.load is None else hint.load(result)


def prepared(shape, user_types=None):
    """What the driver makes of a statement, by the types of our markers."""
    columns = [
        ColumnMetadata("shop", "orders", f"c{at}", driver_type(marker.type, user_types))
        for at, marker in enumerate(shape.markers)
    ]
    return PreparedStatement(columns, b"id", [0], shape.cql, "shop", PROTOCOL, [], b"")
