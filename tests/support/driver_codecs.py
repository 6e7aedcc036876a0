"""The driver's own serialisers and deserialisers, without a server."""

from __future__ import annotations

from cassandra import cqltypes
from cassandra.protocol import ColumnMetadata
from cassandra.query import PreparedStatement

from scyllamodel.types import cql_types as v

PROTOCOL = 4


def driver_type(cql_type, user_types=None):
    """The driver's class for a CQL type; ``user_types`` maps a name to its (field, type) pairs."""
    elements = [driver_type(part, user_types) for part in v.element_types(cql_type)]
    if isinstance(cql_type, v.Native):
        return cqltypes._cqltypes[cql_type.name]
    if isinstance(cql_type, v.UserTypeName):
        fields = (user_types or {})[cql_type.name]
        types = tuple(driver_type(field, user_types) for _, field in fields)
        return cqltypes.UserType.make_udt_class("ks", cql_type.name, tuple(name for name, _ in fields), types)
    if isinstance(cql_type, v.VectorType):
        return cqltypes.VectorType.apply_parameters([elements[0], cql_type.dimension], None)
    class_names = {v.ListType: "ListType", v.SetType: "SetType", v.MapType: "MapType", v.TupleType: "TupleType"}
    return getattr(cqltypes, class_names[type(cql_type)]).apply_parameters(elements)


def returned(value, cql_type, user_types=None):
    """The value that the driver returns after it was given this one."""
    result_type = driver_type(cql_type, user_types)
    return result_type.from_binary(result_type.to_binary(value, PROTOCOL), PROTOCOL)


def round_trip(annotation, value, user_types=None):
    """A value dumped, serialised, deserialised and loaded."""
    dumped = value if annotation.dump is None else annotation.dump(value)
    result = returned(dumped, annotation.type, user_types)
    return result if annotation.load is None else annotation.load(result)


def prepared(shape, user_types=None):
    """The driver's types for the markers of a statement."""
    columns = [
        ColumnMetadata("shop", "orders", f"c{index}", driver_type(marker.type, user_types))
        for index, marker in enumerate(shape.markers)
    ]
    return PreparedStatement(columns, b"id", [0], shape.cql, "shop", PROTOCOL, [], b"")
