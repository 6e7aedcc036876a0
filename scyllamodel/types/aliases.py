"""The names that annotations use where a Python type alone does not say which CQL type is meant.

To a type checker each is its Python type, since what stands behind ``Annotated`` is for us alone: ``cql.Int`` is
``int``, ``cql.Frozen[list[str]]`` is ``list[str]``. `scyllamodel.types.hints` reads the rest.
"""

from __future__ import annotations

import enum
import uuid
from datetime import date, datetime, time
from decimal import Decimal as PythonDecimal
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any, Final, NewType, TypeAlias, TypeVar, Union

import attrs

from scyllamodel.types.values import Native

T = TypeVar("T")


class TypeMark(enum.Enum):
    """What an annotation says about a type besides its name."""

    FROZEN = "frozen"


FROZEN: Final = TypeMark.FROZEN


@attrs.frozen
class VectorMark:
    """``list[…]`` is a vector of this dimension; ``of`` is the annotation of its elements, None for CQL's ``float``."""

    dimension: int
    of: Any = None


def vector(dimension: int, *, of: Any = None) -> VectorMark:
    """The mark that makes a list a ``vector``: ``Annotated[list[float], cql.vector(3)]`` is ``vector<float, 3>``.

    Parameters:
        dimension: how many elements every value has.
        of: the annotation of an element, such as ``cql.Double``; plain ``float`` elements are CQL's 32-bit ``float``.

    Raises:
        TypeError: the dimension is not an int.
        ValueError: the dimension is not positive.

    >>> vector(3)
    VectorMark(dimension=3, of=None)
    """
    if not isinstance(dimension, int) or isinstance(dimension, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"cql.vector({dimension!r}): the dimension is a whole number, such as cql.vector(3)")
    if dimension < 1:
        raise ValueError(f"cql.vector({dimension}): a vector has at least one dimension")
    return VectorMark(dimension, of)


Ascii: TypeAlias = Annotated[str, Native("ascii")]
Text: TypeAlias = Annotated[str, Native("text")]
Blob: TypeAlias = Annotated[bytes, Native("blob")]
Boolean: TypeAlias = Annotated[bool, Native("boolean")]
TinyInt: TypeAlias = Annotated[int, Native("tinyint")]
SmallInt: TypeAlias = Annotated[int, Native("smallint")]
Int: TypeAlias = Annotated[int, Native("int")]
BigInt: TypeAlias = Annotated[int, Native("bigint")]
VarInt: TypeAlias = Annotated[int, Native("varint")]
Float: TypeAlias = Annotated[float, Native("float")]
Double: TypeAlias = Annotated[float, Native("double")]
Decimal: TypeAlias = Annotated[PythonDecimal, Native("decimal")]
UUID: TypeAlias = Annotated[uuid.UUID, Native("uuid")]
TimeUUID: TypeAlias = Annotated[uuid.UUID, Native("timeuuid")]
Timestamp: TypeAlias = Annotated[datetime, Native("timestamp")]
Date: TypeAlias = Annotated[date, Native("date")]
Time: TypeAlias = Annotated[time, Native("time")]
Inet: TypeAlias = Union[IPv4Address, IPv6Address]
Frozen: TypeAlias = Annotated[T, FROZEN]

Counter = NewType("Counter", int)
"""A ``counter``: an ``int`` of its own type, so that only counters can be incremented."""
