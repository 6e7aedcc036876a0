"""The write time of a map or set element, whose key is a literal in the text."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from ipaddress import IPv4Address
from uuid import UUID

import pytest

from scyllamodel import Column, Model, QueryNotSupported, TypeMismatch, column, partition_key, select
from scyllamodel import functions as fn
from scyllamodel import types as cql


class Timed(Model, table="timed"):
    """Maps with keys of many types."""

    id: Column[int] = partition_key()
    texts: Column[dict[str, int]] = column(factory=dict)
    ints: Column[dict[cql.Int, int]] = column(factory=dict)
    ids: Column[dict[UUID, int]] = column(factory=dict)
    days: Column[dict[date, int]] = column(factory=dict)
    prices: Column[dict[Decimal, int]] = column(factory=dict)
    hosts: Column[dict[IPv4Address, int]] = column(factory=dict)
    flags: Column[dict[bool, int]] = column(factory=dict)
    tags: Column[set[bytes]] = column(factory=set)
    notes: Column[list[str]] = column(factory=list)
    frozen: Column[cql.Frozen[dict[str, int]] | None] = column(default=None)
    pairs: Column[dict[tuple[int, int], int]] = column(factory=dict)
    hidden: Column[dict[str, int]] = column(factory=dict, redact=True)


ID = UUID(int=7)
KEYS = [
    (Timed.texts["it's {0} %s"], "texts['it''s {0} %s']"),
    (Timed.ints[-3], "ints[-3]"),
    (Timed.ids[ID], f"ids[{ID}]"),
    (Timed.days[date(2026, 1, 2)], "days['2026-01-02']"),
    (Timed.prices[Decimal("1.50")], "prices[1.50]"),
    (Timed.hosts[IPv4Address("10.0.0.1")], "hosts['10.0.0.1']"),
    (Timed.flags[True], "flags[true]"),
]


@pytest.mark.parametrize(("element", "text"), KEYS, ids=[case[1] for case in KEYS])
def test_keys_are_literals(element, text):
    """A key is written as a literal of its type, and never used as a template."""
    query = select(fn.writetime(element), fn.ttl(element)).where(Timed.id == 1)

    assert f"SELECT writetime({text}), ttl({text}) FROM timed WHERE id = ?" == query.cql
    assert (1,) == query.values


def test_an_element_of_a_set_is_named_beside_it():
    """An element of a set is passed as an argument, since sets have no keys for brackets in Python."""
    assert "ttl(tags[0xff00])" in select(fn.ttl(Timed.tags, element=b"\xff\x00")).where(Timed.id == 1).cql


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: fn.writetime(Timed.notes[0]), QueryNotSupported, "maps and sets"),
        (lambda: fn.ttl(Timed.frozen["a"]), QueryNotSupported, "non-frozen"),
        (lambda: fn.ttl(Timed.pairs[1, 2]), QueryNotSupported, "no literal of"),
        (lambda: fn.ttl(Timed.hidden["a"]), QueryNotSupported, "redacted"),
        (lambda: fn.ttl(Timed.texts[1]), TypeMismatch, "text does not accept int"),
        (lambda: fn.ttl(Timed.ints[True]), TypeMismatch, "int does not accept bool"),
        (lambda: fn.writetime(Timed.id), QueryNotSupported, "primary key"),
    ],
)
def test_what_has_no_time_of_its_own_is_refused(make, error, message):
    """The write time of a value without its own cell is refused before anything is sent."""
    with pytest.raises(error, match=message):
        make()
