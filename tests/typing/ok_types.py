# ruff: noqa: PLR0917 - one function, many parameters
"""Annotations of `scyllamodel.types` are plain Python types to a checker."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address
from typing import Annotated
from uuid import UUID

from typing_extensions import assert_type

from scyllamodel import types as cql


def read(
    number: cql.Int,
    key: cql.TimeUUID,
    text: cql.Ascii,
    frozen: cql.Frozen[list[str]],
    maybe: cql.Frozen[set[cql.Int]] | None,
    place: Annotated[list[float], cql.vector(3)],
    wide: Annotated[list[float], cql.vector(3, of=cql.Double)],
    address: cql.Inet,
    address_or_none: cql.Inet | None,
    hits: cql.Counter,
    span: cql.Duration,
) -> None:
    """Each value has the Python type that code expects."""
    assert_type(number, int)
    assert_type(key, UUID)
    assert_type(text, str)
    assert_type(frozen, list[str])
    assert_type(maybe, set[int] | None)
    assert_type(place, list[float])
    assert_type(wide, list[float])
    assert_type(address, IPv4Address | IPv6Address)
    assert_type(address_or_none, IPv4Address | IPv6Address | None)
    assert_type(hits + 1, int)
    assert_type(span.months, int)
    assert_type(cql.parse_type("int").cql, str)


read(
    1,
    UUID(int=1),
    "a",
    ["a"],
    None,
    [0.5],
    [0.5],
    IPv4Address("10.0.0.1"),
    None,
    cql.Counter(1),
    cql.Duration(months=1, days=2, nanoseconds=3),
)
