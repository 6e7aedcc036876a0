"""Hostile values of every type, bound or in CQL: refused before sending, or read back as they were stored.

No value may break a connection: other requests are in flight during every read.
"""

from __future__ import annotations

import math
import struct
import uuid
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address
from operator import attrgetter, itemgetter
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from scyllamodel import (
    Column,
    LoadError,
    Model,
    RequestFailed,
    TypeMismatch,
    UserType,
    column,
    migrate,
    partition_key,
)
from scyllamodel import types as cql

pytestmark = [pytest.mark.live, pytest.mark.scylla_keep_rows]
run_settings = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))

UTC = timezone.utc
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST, LAST = -62_135_596_800_000, 253_402_300_799_999
"""The milliseconds of the years 1 to 9999."""

WRAPS = 2**31 * 86_400_000
"""Milliseconds from which on the driver's compiled decoder may give another date, as the guide says."""


class Spot(UserType, name="hostile_spot"):
    """A user type with fields for hostile values."""

    name: str | None = None
    since: datetime | None = None
    where: IPv4Address | IPv6Address | None = None


class Hostile(Model, table="hostile", repo="hostile"):
    """A column of every type; vectors are in `Vectors`."""

    id: Column[cql.UUID] = partition_key()
    ascii: Column[cql.Ascii | None] = column(default=None)
    text: Column[str | None] = column(default=None)
    blob: Column[bytes | None] = column(default=None)
    boolean: Column[bool | None] = column(default=None)
    tinyint: Column[cql.TinyInt | None] = column(default=None)
    smallint: Column[cql.SmallInt | None] = column(default=None)
    int: Column[cql.Int | None] = column(default=None)
    bigint: Column[cql.BigInt | None] = column(default=None)
    varint: Column[cql.VarInt | None] = column(default=None)
    float: Column[cql.Float | None] = column(default=None)
    double: Column[cql.Double | None] = column(default=None)
    decimal: Column[Decimal | None] = column(default=None)
    uuid: Column[cql.UUID | None] = column(default=None)
    timeuuid: Column[cql.TimeUUID | None] = column(default=None)
    timestamp: Column[datetime | None] = column(default=None)
    date: Column[cql.Date | None] = column(default=None)
    time: Column[cql.Time | None] = column(default=None)
    inet: Column[cql.Inet | None] = column(default=None)
    duration: Column[cql.Duration | None] = column(default=None)
    moments: Column[list[datetime]] = column(factory=list)
    words: Column[cql.Frozen[set[str]] | None] = column(default=None)
    ages: Column[dict[str, datetime]] = column(factory=dict)
    pair: Column[tuple[datetime, str] | None] = column(default=None)
    spot: Column[cql.Frozen[Spot] | None] = column(default=None)


class Vectors(Model, table="hostile_vectors", repo="hostile"):
    """Vectors whose elements have a fixed or a variable length."""

    id: Column[cql.UUID] = partition_key()
    floats: Column[Annotated[list[float], cql.vector(2)] | None] = column(default=None)
    moments: Column[Annotated[list[datetime], cql.vector(2)] | None] = column(default=None)
    words: Column[Annotated[list[str], cql.vector(2)] | None] = column(default=None)


class Server:
    """A repo, and concurrent requests to test against."""

    def __init__(self, repo):
        self.repo = repo
        self.connections = self.open()

    def open(self):
        """The connections of the session; a broken one would be replaced by another object."""
        _connections = [pool._connections for pool in self.repo.session._pools.values()]
        return {
            id(item)
            for connections in _connections
            for item in (connections.values() if isinstance(connections, dict) else connections)
        }

    def beside(self, work):
        """The result of a call, while other requests use the same connections."""
        others = [self.repo.session.execute_async("SELECT key FROM system.local") for _ in range(4)]
        try:
            return work()
        finally:
            others += [self.repo.session.execute_async("SELECT key FROM system.local") for _ in range(4)]
            assert ["local"] * 8 == [other.result().one()[0] for other in others]
            assert self.connections == self.open()


@pytest.fixture(scope="module")
def server(scylla_cluster, scylla_repo, profile):
    """A repo with the tables of this module."""
    with scylla_cluster.repo(scylla_repo.keyspace, name="hostile") as repo:
        migrate(repo, resources=[Hostile, Vectors] if profile.has_vectors else [Hostile])
        own_server = Server(repo)
        own_server.vectors = profile.has_vectors
        yield own_server


def as_stored(value):
    """A value in stored form: in milliseconds, in UTC, by bits, by digits."""
    if isinstance(value, datetime):
        return (value - EPOCH) // timedelta(milliseconds=1)
    if isinstance(value, float):
        return struct.pack(">d", value)
    if isinstance(value, Decimal):
        return value.as_tuple()
    if isinstance(value, (list, tuple, dict, Spot)):
        return parts_as_stored(value)
    return bytes(value) if isinstance(value, (bytearray, memoryview)) else value


def parts_as_stored(value):
    """Return the elements of a value in stored form."""
    if isinstance(value, dict):
        return {key: as_stored(item) for key, item in value.items()}
    if isinstance(value, Spot):
        return [as_stored(item) for item in (value.name, value.since, value.where and as_address(value.where))]
    return [as_stored(value) for value in value]


def as_address(value):
    """The address that is read for an address or text; one that maps an IPv4 address is stored as that."""
    address = ip_address(value)
    return getattr(address, "ipv4_mapped", None) or address


def as_float(value):
    """A number rounded to 32 bits."""
    return struct.unpack(">f", struct.pack(">f", value))[0]


NEW_YORK = ZoneInfo("America/New_York")
ZONES = st.sampled_from([UTC, NEW_YORK, timezone(timedelta(hours=14)), timezone(-timedelta(hours=12, seconds=1))])
LIMITS = [2**bits + off for bits in (0, 7, 8, 15, 16, 31, 32, 63, 64, 200) for off in (-1, 0)]
INTS = st.sampled_from([*LIMITS, *(-limit for limit in LIMITS), *(-limit - 1 for limit in LIMITS), True, 1.0, "1"])
TEXTS = st.sampled_from(["", "\0", "\x7f", "\x80", "\ud800", "\U0010ffff", "é" * 400, b"bytes", 1]) | st.text()
FLOATS = st.sampled_from(
    [0.0, -0.0, 5e-324, 1.7e308, 1e39, 3.5e38, float("inf"), float("-inf"), float("nan"), 0.1, True, 2**53 + 1, "1"]
)
DECIMALS = st.sampled_from(
    [Decimal(text) for text in "NaN sNaN Infinity -Infinity -0 0E+5 1.10 1E+2147483647 1E-2147483647".split()]
    + [Decimal("1E+2147483648"), Decimal("1E-2147483648"), Decimal("9" * 4000), Decimal("9" * 5000), 0.1, 10**30, True]
) | st.decimals(allow_nan=False, allow_infinity=False)
UUIDS = st.sampled_from([uuid.UUID(int=0), uuid.UUID(int=2**128 - 1), uuid.uuid4(), uuid.uuid1(), str(uuid.uuid4())])
MOMENTS = (
    st.sampled_from([EPOCH + timedelta(milliseconds=item) for item in (FIRST, FIRST + 1, LAST - 999, LAST)])
    | st.datetimes()
).flatmap(lambda item: (ZONES | st.none()).map(lambda zone: item.replace(tzinfo=zone)))
DATES = st.sampled_from([date.min, date.max, EPOCH, "2026-01-01", 0]) | st.dates()
TIMES = st.sampled_from([time.min, time.max, time(1, tzinfo=UTC), 0, "10:00"]) | st.times()
ADDRESSES = st.sampled_from(
    [
        *map(ip_address, ("0.0.0.0", "255.255.255.255", "::", "fe80::1", "::ffff:1.2.3.4", "ff" + ":ff" * 7)),
        *map(IPv6Address, ("fe80::1%eth0", "::1%25")),
        *("10.0.0.1", "::1", "10.1", "", "fe80::1%eth0", 1, b"\0\0\0\0"),
    ]
)
PARTS = st.sampled_from([0, 1, 2**31 - 1, 2**63 - 1])
SMALL = st.sampled_from([0, 1, 2**31 - 1])
DURATIONS = st.builds(cql.Duration, SMALL, SMALL, PARTS) | st.builds(
    lambda months, days, rest: cql.Duration(-months, -days, -rest), SMALL, SMALL, PARTS
)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "ascii": TEXTS,
    "text": TEXTS,
    "blob": st.sampled_from([b"", bytearray(b"x"), memoryview(b"y"), "text", 3]) | st.binary(),
    "boolean": st.sampled_from([True, False, 0, 1, 2, "no"]),
    **dict.fromkeys(("tinyint", "smallint", "int", "bigint", "varint"), INTS),
    **dict.fromkeys(("float", "double"), FLOATS),
    "decimal": DECIMALS,
    **dict.fromkeys(("uuid", "timeuuid"), UUIDS),
    "timestamp": MOMENTS,
    "date": DATES,
    "time": TIMES,
    "inet": ADDRESSES,
    "duration": DURATIONS,
    "moments": st.lists(MOMENTS, max_size=3),
    "words": st.sets(TEXTS.filter(lambda text: isinstance(text, str)), max_size=3),
    "ages": st.dictionaries(st.text(), MOMENTS, max_size=3),
    "pair": st.tuples(MOMENTS, TEXTS),
    "spot": st.builds(Spot, name=TEXTS, since=MOMENTS, where=ADDRESSES),
}


def expected(name, value):
    """The value that is read after an accepted value was written."""
    if name == "float" and value is not None:
        return as_float(value)
    if name == "double":
        return float(value)
    if name == "decimal":
        return Decimal(value) or Decimal(value).copy_abs()  # CQL has no negative zero
    if name == "inet":
        return value and as_address(value)
    return value


@pytest.mark.parametrize("name", VALUES)
@run_settings
@given(data=st.data())
def test_what_is_written_is_refused_or_read_again(server, name, data):
    """Each value raises `TypeMismatch` before it is sent, or is read back as it is stored."""
    value = data.draw(VALUES[name])
    repo, key = server.repo, uuid.uuid4()
    try:
        row = Hostile(**{"id": key, name: value})
        server.beside(partial(repo.save, row))
    except TypeMismatch:
        assert server.beside(lambda: repo.get(Hostile, id=key)) is None
        return
    neighbour = server.beside(lambda: repo.get(Hostile, id=key))
    assert neighbour is not None
    assert as_stored(expected(name, value)) == as_stored(getattr(neighbour, name))


@run_settings
@given(data=st.data())
def test_vectors_are_refused_or_read_again(server, data):
    """Vector elements are accepted and refused like other values; servers before 5.0 have no vectors."""
    name, values = data.draw(
        st.sampled_from([("floats", FLOATS), ("moments", MOMENTS), ("words", st.sampled_from(["", "x", "é" * 300]))])
    )
    value = data.draw(st.lists(values, min_size=1, max_size=3))
    repo, key = server.repo, uuid.uuid4()
    if not server.vectors:
        return
    try:
        server.beside(partial(repo.save, Vectors(**{"id": key, name: value})))
    except TypeMismatch:
        return
    neighbour = server.beside(lambda: repo.get(Vectors, id=key))
    assert neighbour is not None
    stored = [as_float(value) for value in value] if name == "floats" else value
    assert as_stored(stored) == as_stored(getattr(neighbour, name))


WIDTHS = {"boolean": 1, "tinyint": 1, "smallint": 2, "int": 4, "float": 4, "date": 4, "bigint": 8, "double": 8,
          "timestamp": 8, "time": 8, "uuid": 16, "timeuuid": 16, "inet": 16}  # fmt: skip
UNUSUAL = st.sampled_from(
    [b"", b"\0", b"\xff" * 8, b"\x7f" + b"\xff" * 7, b"\x80" + b"\0" * 7, b"\xc0\x80", b"\xed\xa0\x80"]
)
NATIVE = [name for name in VALUES if name not in ("moments", "words", "ages", "pair", "spot")]


@pytest.mark.parametrize("name", NATIVE)
@run_settings
@given(data=st.data())
def test_bytes_that_another_program_stored_are_a_value_or_a_named_error(server, name, data):
    """Any bytes that the server accepts for a type are read as a value or as an error that names the column."""
    width = WIDTHS.get(name)
    stored = data.draw(
        UNUSUAL | st.binary(max_size=20) | (st.binary(min_size=width, max_size=width) if width else UNUSUAL)
    )
    repo, key = server.repo, uuid.uuid4()
    literal = f"0x{stored.hex()}" if name == "blob" else f"blobAs{name.capitalize()}(0x{stored.hex()})"
    try:
        repo.raw(f"INSERT INTO {repo.keyspace}.hostile (id, {name}) VALUES ({key}, {literal})")
    except RequestFailed:  # refused, or an error of the server itself
        return
    value = read(server, name, key)
    if not isinstance(value, LoadError):
        check_same(name, stored, getattr(value, name))


def read(server, name, key):
    """The row of a key, or the error that it raises, which names column and key."""
    try:
        neighbour = server.beside(lambda: server.repo.get(Hostile, id=key))
    except LoadError as error:
        neighbour = error
    where = (neighbour.column, neighbour.key["id"]) if isinstance(neighbour, LoadError) else (name, neighbour.id)
    assert where == (name, key)
    return neighbour


def check_same(name, stored, value):
    """Check a number or a moment against its bytes where these give the value directly."""
    number = int.from_bytes(stored, "big", signed=True)
    if not stored and name not in ("ascii", "text", "blob"):
        assert value is None
    elif name in ("tinyint", "smallint", "int", "bigint", "varint"):
        assert value == number
    elif name == "timestamp" and abs(number) < WRAPS:
        assert as_stored(value) == number
    elif name in ("ascii", "text"):
        assert value.encode() == stored
    elif name in ("float", "double"):
        packed = struct.pack(">f" if name == "float" else ">d", value)
        assert packed == stored or math.isnan(value)


INSIDE = {
    "timestamp": lambda value: value,
    "moments": itemgetter(0),
    "ages": itemgetter("x"),
    "pair": itemgetter(0),
    "spot": attrgetter("since"),
}
"""What takes the moment out of each kind of place."""


@run_settings
@given(number=st.integers(-(2**63), 2**63 - 1) | st.integers(FIRST - 5, FIRST + 5) | st.integers(LAST - 5, LAST + 5))
@example(FIRST)
@example(LAST)
@example(LAST + 1)
@example(FIRST - 1)
@example(2**63 - 1)
def test_a_moment_in_every_kind_of_place_is_read_exactly_or_named(server, number):
    """A timestamp in a column or nested in another value is read exactly, or is an error that names the column."""
    repo, keyspace = server.repo, server.repo.keyspace
    places = {
        "timestamp": f"{number}",
        "moments": f"[{number}]",
        "ages": f"{{'x': {number}}}",
        "pair": f"({number}, 'x')",
        "spot": f"{{since: {number}}}",
    }
    for name, literal in places.items():
        key = uuid.uuid4()
        repo.raw(f"INSERT INTO {keyspace}.hostile (id, {name}) VALUES ({key}, {literal})")
        value = read(server, name, key)
        if isinstance(value, LoadError):
            assert not FIRST <= number <= LAST
        else:
            assert as_stored(INSIDE[name](getattr(value, name))) == number or abs(number) >= WRAPS
