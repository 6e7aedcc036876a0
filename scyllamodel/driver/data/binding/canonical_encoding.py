"""A byte encoding of statement values that is equal in every process.

The driver serializes a set in Python's iteration order, which differs between processes. Page tokens and scan positions
compare these bytes instead, without a server.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from scyllamodel.driver._cassandra import cqltypes, subtypes_of, type_kind, uvint_unpack
from scyllamodel.query.statement import CompiledStatement, Marker
from scyllamodel.types.converters import NAIVE_UTC
from scyllamodel.types.cql_types import (
    CqlType,
    ListType,
    MapType,
    Native,
    SetType,
    TupleType,
    UserTypeName,
    VectorType,
    element_types,
    is_frozen,
)

_PROTOCOL_VERSION: Final = 4
_PARAMETERIZED: Final[dict[type[Any], str]] = {
    ListType: "ListType",
    SetType: "SetType",
    MapType: "MapType",
    TupleType: "TupleType",
}


def canonical_values(compiled: CompiledStatement[Any]) -> bytes:
    """Encode the values of a statement, each with a length prefix: equal exactly when equal values are sent.

    A value that cannot be serialized, and is refused when bound, equals nothing, not even the same value.
    """
    user_types = {
        cls.__cql_name__: cls.__facts__.fields for cls in getattr(compiled.template.model, "__user_types__", ())
    }
    token = NAIVE_UTC.set(True)  # whether naive datetimes are allowed is decided when binding
    try:
        encoded = [_encode(*pair, user_types) for pair in zip(compiled.template.markers, compiled.values, strict=True)]
    except Exception:  # noqa: BLE001 - serializers raise whatever their value raises
        encoded = [secrets.token_bytes(16)]
    finally:
        NAIVE_UTC.reset(token)
    return _join(encoded)


def _encode(marker: Marker, value: Any, user_types: Mapping[str, Any]) -> bytes | None:
    if value is None:
        return None
    converted, cql_type = value if marker.dump is None else marker.dump(value), marker.type
    if cql_type is None:
        return repr(converted).encode()
    if isinstance(cql_type, ListType) and not is_frozen(cql_type):
        cql_type = SetType(cql_type.element)  # the values of IN, whose order is irrelevant
    type_class = driver_type_for(cql_type, user_types)
    return canonicalize(type_class, type_class.to_binary(converted, _PROTOCOL_VERSION))


def driver_type_for(cql_type: CqlType, user_types: Mapping[str, Any]) -> Any:
    """Return the driver's class for a CQL type.

    Parameters:
        user_types: the names and types of the fields, by the name of the user type.
    """
    if isinstance(cql_type, Native):
        return getattr(cqltypes, "_cqltypes")[cql_type.name]  # noqa: B009 - by the names of CQL
    if isinstance(cql_type, UserTypeName):
        names, types = zip(*user_types[cql_type.name], strict=True)
        field_types = tuple([driver_type_for(field, user_types) for field in types])
        return cqltypes.UserType.make_udt_class("", cql_type.name, names, field_types)
    subtypes = [driver_type_for(element_type, user_types) for element_type in element_types(cql_type)]
    if isinstance(cql_type, VectorType):
        return cqltypes.VectorType.apply_parameters([*subtypes, cql_type.dimension], None)
    return getattr(cqltypes, _PARAMETERIZED[type(cql_type)]).apply_parameters(subtypes)


def canonicalize(driver_type: Any, data: bytes | None) -> bytes | None:
    """Encode a serialized value canonically: sets and maps in a fixed order, without duplicates.

    Parameters:
        driver_type: the driver's class of the type.
        data: the value as serialized by that class; None is a null.
    """
    kind, subtypes = type_kind(driver_type), subtypes_of(driver_type)
    if data is None or not subtypes:
        return data
    if kind == "frozen":
        return canonicalize(subtypes[0], data)
    if kind in ("list", "set"):
        items = [canonicalize(subtypes[0], item) for item in _split_items(data, 4)]
        return _join(items if kind == "list" else _sorted_unique(items))
    if kind == "map":
        cells = list(_split_items(data, 4))
        pairs = zip(cells[::2], cells[1::2], strict=True)
        return _join(
            _sorted_unique(_join([canonicalize(subtypes[0], k), canonicalize(subtypes[1], v)]) for k, v in pairs)
        )
    if kind == "vector":
        return _canonicalize_vector(subtypes[0], data)
    return _join([canonicalize(subtype, item) for subtype, item in zip(subtypes, _split_items(data, 0), strict=False)])


def _split_items(data: bytes, start: int) -> Iterator[bytes | None]:
    """Yield the length-prefixed items up to the end; a negative length is a null."""
    while start < len(data):
        length = int.from_bytes(data[start : start + 4], "big", signed=True)
        start += 4
        yield None if length < 0 else data[start : start + length]
        start += max(length, 0)


def _canonicalize_vector(element: Any, data: bytes) -> bytes:
    """Encode a vector canonically: items of fixed size without prefixes, others with length prefixes."""
    if element.serial_size() is not None:
        return data
    items, start = list[bytes | None](), 0
    while start < len(data):
        length, size = uvint_unpack(data[start:])
        start += size + length
        items.append(canonicalize(element, data[start - length : start]))
    return _join(items)


def _join(items: Iterable[bytes | None]) -> bytes:
    return b"".join([b"\xff\xff\xff\xff" if item is None else len(item).to_bytes(4, "big") + item for item in items])


def _sorted_unique(items: Iterable[bytes | None]) -> list[bytes | None]:
    return sorted(set(items), key=lambda item: item or b"")
