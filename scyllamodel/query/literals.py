"""CQL literals of map keys and set elements, where servers accept no bound value: ``WRITETIME(m['k'])``.

*In*: a column and a key. *Out*: CQL text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final
from uuid import UUID

from scyllamodel._identifiers import string_literal
from scyllamodel.errors import TypeMismatch
from scyllamodel.model.column import Column
from scyllamodel.query.not_supported import not_supported
from scyllamodel.query.targets import element_types_of
from scyllamodel.types.cql_types import MapType, Native, SetType, is_multi_cell
from scyllamodel.types.display import show_nothing


def _text(value: Any) -> str:
    return string_literal(str(value))


_LITERALS: Final[Mapping[str, tuple[tuple[type, ...], Callable[[Any], str]]]] = {
    **dict.fromkeys(("text", "ascii"), ((str,), _text)),
    **dict.fromkeys(("tinyint", "smallint", "int", "bigint", "varint"), ((int,), str)),
    **dict.fromkeys(("uuid", "timeuuid"), ((UUID,), str)),
    "decimal": ((Decimal, int), str),
    "blob": ((bytes,), lambda value: f"0x{value.hex()}"),
    "boolean": ((bool,), lambda value: str(value).lower()),
    "date": ((date,), _text),
    "inet": ((str, IPv4Address, IPv6Address), _text),
}
"""By CQL type: the Python classes of its values, and the function that writes a literal."""


def key_literal(column: Column[Any], key: object) -> str:
    """Return the literal of a map key or of a set element.

    Raises:
        QueryNotSupported: the column has no such elements, or literals of their type are not supported.
        TypeMismatch: the key does not fit its type.
    """
    cql_type = column.type_mapping.type
    if not isinstance(cql_type, (MapType, SetType)) or not is_multi_cell(cql_type):
        raise not_supported(
            f"{column} is {cql_type.cql}: only elements of non-frozen maps and sets have a write time and a TTL."
        )
    if column.show is show_nothing:
        raise not_supported(f"{column}: the column is redacted, and the key would appear in the text of the statement.")
    element_type = cql_type.key if isinstance(cql_type, MapType) else cql_type.element
    classes, write_literal = _LITERALS.get(element_type.name if isinstance(element_type, Native) else "", ((), str))
    if not classes:
        raise not_supported(
            f"{column}: servers accept no bound key here, and there is no literal of the type {element_type.cql}."
        )
    element_types = element_types_of(column)
    type_mapping = element_types.key if isinstance(cql_type, MapType) else element_types.element
    value = key if type_mapping is None or type_mapping.dump is None else type_mapping.dump(key)
    if not isinstance(value, classes) or (isinstance(value, bool) and bool not in classes):
        raise TypeMismatch(f"{column}: {element_type.cql} does not accept {type(key).__name__}", column=str(column))
    return write_literal(value)
