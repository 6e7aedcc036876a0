"""Names for annotations, where a Python type alone does not determine the CQL type.

Type checkers see the Python type: the metadata in ``Annotated`` is only for this library. ``cql.Int`` is ``int``, and
``cql.Frozen[list[str]]`` is ``list[str]``. The module of annotations reads the metadata.
"""

from __future__ import annotations

import enum
import uuid
from datetime import date, datetime, time
from decimal import Decimal as PythonDecimal
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any, Final, NewType, TypeAlias, TypeVar, Union

import attrs

from scyllamodel.types.cql_types import native

T = TypeVar("T")


class TypeMark(enum.Enum):
    """A property of a type that an annotation adds to its name."""

    FROZEN = "frozen"


FROZEN: Final = TypeMark.FROZEN


@attrs.frozen
class VectorMark:
    """Metadata that makes ``list[…]`` a vector; ``of`` is the annotation of its elements, None for CQL's ``float``."""

    dimension: int
    of: Any = None


def vector(dimension: int, *, of: Any = None) -> VectorMark:
    """Return the metadata for a ``vector``: ``Annotated[list[float], cql.vector(3)]`` is ``vector<float, 3>``.

    Parameters:
        dimension: the number of elements of each value.
        of: the annotation of an element, such as ``cql.Double``; plain ``float`` elements are CQL's 32-bit ``float``.

    Raises:
        TypeError: the dimension is not an int.
        ValueError: the dimension is not positive.

    >>> vector(3)
    VectorMark(dimension=3, of=None)
    """
    if not isinstance(dimension, int) or isinstance(dimension, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"cql.vector({dimension!r}): the dimension must be an int, such as cql.vector(3)")
    if dimension < 1:
        raise ValueError(f"cql.vector({dimension}): the dimension must be at least 1")
    return VectorMark(dimension, of)


Ascii: TypeAlias = Annotated[str, native("ascii")]
Text: TypeAlias = Annotated[str, native("text")]
Blob: TypeAlias = Annotated[bytes, native("blob")]
Boolean: TypeAlias = Annotated[bool, native("boolean")]
TinyInt: TypeAlias = Annotated[int, native("tinyint")]
SmallInt: TypeAlias = Annotated[int, native("smallint")]
Int: TypeAlias = Annotated[int, native("int")]
BigInt: TypeAlias = Annotated[int, native("bigint")]
VarInt: TypeAlias = Annotated[int, native("varint")]
Float: TypeAlias = Annotated[float, native("float")]
Double: TypeAlias = Annotated[float, native("double")]
Decimal: TypeAlias = Annotated[PythonDecimal, native("decimal")]
UUID: TypeAlias = Annotated[uuid.UUID, native("uuid")]
TimeUUID: TypeAlias = Annotated[uuid.UUID, native("timeuuid")]
Timestamp: TypeAlias = Annotated[datetime, native("timestamp")]
Date: TypeAlias = Annotated[date, native("date")]
Time: TypeAlias = Annotated[time, native("time")]
Inet: TypeAlias = Union[IPv4Address, IPv6Address]
Frozen: TypeAlias = Annotated[T, FROZEN]

Counter = NewType("Counter", int)
"""A ``counter``: a distinct type based on ``int``, so that only counters can be incremented."""
