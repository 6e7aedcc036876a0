"""Whether a Python value can be meant for a column, as far as its class tells: what defaults are checked by.

In: what an annotation comes to, and a value. Out: what is needed instead. The driver checks more when a value is bound.
"""

from __future__ import annotations

import enum
import typing
from datetime import date, datetime, time
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final, Literal
from uuid import UUID

from scyllamodel.types.duration import Duration
from scyllamodel.types.hints import Hint, core_of
from scyllamodel.types.user_values import is_user_type
from scyllamodel.types.values import ListType, MapType, Native, SetType, TupleType, VectorType

_BITS: Final = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64, "counter": 64}
_NATIVE: Final[dict[str, tuple[type, ...]]] = {
    "boolean": (bool,),
    "varint": (int,),
    **dict.fromkeys(_BITS, (int,)),
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
_CONTAINERS: Final[dict[type, tuple[type, ...]]] = {
    ListType: (list, tuple),
    VectorType: (list, tuple),
    SetType: (set, frozenset),
    MapType: (dict,),
    TupleType: (tuple,),
}


def needed_instead(hint: Hint, value: Any) -> str:
    """What a column of this type needs instead of the value; nothing where the value may fit."""
    core = core_of(hint.python)
    if typing.get_origin(core) is Literal:
        known = any(value == one and type(value) is type(one) for one in typing.get_args(core))
        return "" if known else f"one of {', '.join(map(repr, typing.get_args(core)))}"
    if is_user_type(core) or (isinstance(core, type) and issubclass(core, enum.Enum)):
        return "" if isinstance(value, core) else f"a member of {core.__qualname__}"
    if not isinstance(hint.type, Native):
        classes = _CONTAINERS.get(type(hint.type), (object,))
        return "" if isinstance(value, classes) else f"a {classes[0].__name__}"
    return _native(hint.type.name, value)


def _native(name: str, value: Any) -> str:
    classes = _NATIVE.get(name, (object,))
    if not isinstance(value, classes) or (isinstance(value, bool) and bool not in classes and object not in classes):
        return f"a value of the class {classes[0].__name__}"
    if name == "date" and isinstance(value, datetime):
        return "a date, which has no time"
    most = 2 ** (_BITS.get(name, 0) - 1)
    return f"a number from {-most} to {most - 1}" if name in _BITS and not -most <= value < most else ""
