"""Check, by class and range, whether a Python value can belong to a column; used for defaults.

In: the type of a column, and a value. Out: a description of the expected value. The driver checks more when a value is
bound.
"""

from __future__ import annotations

import enum
import typing
from datetime import date, datetime, time
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final, Literal
from uuid import UUID

from scyllamodel.types.annotations import TypeMapping, unwrapped_type
from scyllamodel.types.cql_types import ListType, MapType, Native, SetType, TupleType, VectorType
from scyllamodel.types.duration import Duration
from scyllamodel.types.user_types import is_user_type

_INTEGER_BITS: Final = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64, "counter": 64}
_NATIVE_CLASSES: Final[dict[str, tuple[type, ...]]] = {
    "boolean": (bool,),
    "varint": (int,),
    **dict.fromkeys(_INTEGER_BITS, (int,)),
    **dict.fromkeys(("float", "double"), (float, int)),
    **dict.fromkeys(("text", "ascii"), (str,)),
    "decimal": (Decimal, int),
    "blob": (bytes, bytearray, memoryview),
    "uuid": (UUID,),
    "timeuuid": (UUID,),
    "timestamp": (datetime,),
    "date": (date,),
    "time": (time,),
    "inet": (IPv4Address, IPv6Address, str),
    "duration": (Duration,),
}
_CONTAINER_CLASSES: Final[dict[type, tuple[type, ...]]] = {
    ListType: (list, tuple),
    VectorType: (list, tuple),
    SetType: (set, frozenset),
    MapType: (dict,),
    TupleType: (tuple,),
}


def expected_instead(type_mapping: TypeMapping, value: Any) -> str:
    """Return a description of the value that a column of this type expects; empty if the value may fit."""
    core = unwrapped_type(type_mapping.python)
    if typing.get_origin(core) is Literal:
        is_allowed = any(value == literal and type(value) is type(literal) for literal in typing.get_args(core))
        return "" if is_allowed else f"one of {', '.join(map(repr, typing.get_args(core)))}"
    if is_user_type(core) or (isinstance(core, type) and issubclass(core, enum.Enum)):
        return "" if isinstance(value, core) else f"a member of {core.__qualname__}"
    if not isinstance(type_mapping.type, Native):
        classes = _CONTAINER_CLASSES.get(type(type_mapping.type), (object,))
        return "" if isinstance(value, classes) else f"a {classes[0].__name__}"
    return _expected_native(type_mapping.type.name, value)


def _expected_native(name: str, value: Any) -> str:
    classes = _NATIVE_CLASSES.get(name, (object,))
    if not isinstance(value, classes) or (isinstance(value, bool) and bool not in classes and object not in classes):
        return f"a value of class {classes[0].__name__}"
    if name == "date" and isinstance(value, datetime):
        return "a date without a time"
    limit = 2 ** (_INTEGER_BITS.get(name, 0) - 1)
    return f"a number from {-limit} to {limit - 1}" if name in _INTEGER_BITS and not -limit <= value < limit else ""
