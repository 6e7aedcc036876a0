"""Hypothesis strategies that several tests draw from."""

from __future__ import annotations

import enum
import uuid
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Any, NamedTuple
from zoneinfo import ZoneInfo

import attrs
from hypothesis import strategies as st

from scyllamodel import types as cql
from scyllamodel.schema.facts.objects import (
    FrozenMap,
    Index,
    Keyspace,
    KeyspaceFacts,
    Table,
    TableColumn,
    UserType,
    View,
)
from scyllamodel.schema.options import TableOptions
from scyllamodel.types.annotations import map_annotation
from scyllamodel.types.cql_types import (
    NATIVE_NAMES,
    ListType,
    MapType,
    Native,
    SetType,
    TupleType,
    UserTypeName,
    VectorType,
    freeze,
    is_multi_cell,
)
from scyllamodel.types.identity import cell_form, identity_of


class Status(str, enum.Enum):
    """An enum with text values."""

    NEW = "new"
    PAID = "paid"


class Level(enum.IntEnum):
    """An enum with number values."""

    LOW = 1
    HIGH = 7


def _nested(inner):
    return st.one_of(
        inner.map(ListType),
        inner.map(SetType),
        st.builds(MapType, inner, inner),
        st.lists(inner, min_size=1, max_size=3).map(lambda element_types: TupleType(tuple(element_types))),
        st.builds(VectorType, inner, st.integers(1, 3)),
        inner.map(freeze),
    )


natives = st.sampled_from(sorted(NATIVE_NAMES)).map(Native)
user_type_names = st.builds(UserTypeName, st.sampled_from(["address", "Mixed", "date", "select", 'qu"ote', "a b"]))
cql_types = st.recursive(natives | user_type_names, _nested, max_leaves=6)
"""Any CQL type in normal form."""


class Shape(NamedTuple):
    """An annotation, a strategy of its values, and whether these are hashable and ordered on servers."""

    hint: Any
    values: st.SearchStrategy
    key: bool = True


def _milliseconds(moment):
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


moments = st.datetimes(timezones=st.just(timezone.utc)).map(_milliseconds)
int32 = st.integers(-(2**31), 2**31 - 1)
durations = st.builds(
    lambda sign, m, d, n: cql.Duration(sign * m, sign * d, sign * n),
    st.sampled_from([1, -1]),
    st.integers(0, 2**31 - 1),
    st.integers(0, 2**31 - 1),
    st.integers(0, 2**63 - 1),
)
floats = st.floats(allow_nan=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
ipv4, ipv6 = st.ip_addresses(v=4), st.ip_addresses(v=6)

SCALARS = [
    Shape(str, texts),
    Shape(int, st.integers(-(2**63), 2**63 - 1)),
    Shape(float, floats),
    Shape(bool, st.booleans()),
    Shape(bytes, st.binary(max_size=8)),
    Shape(Decimal, st.decimals(allow_nan=False, allow_infinity=False)),
    Shape(uuid.UUID, st.uuids()),
    Shape(datetime, moments),
    Shape(date, st.dates()),
    Shape(time, st.times()),
    Shape(IPv4Address, ipv4),
    Shape(IPv6Address, ipv6),
    Shape(IPv4Address | IPv6Address, ipv4 | ipv6.filter(lambda address: address.ipv4_mapped is None)),
    Shape(Status, st.sampled_from(Status)),
    Shape(Level, st.sampled_from(Level)),
    Shape(cql.Int, int32),
    Shape(cql.SmallInt, st.integers(-(2**15), 2**15 - 1)),
    Shape(cql.TinyInt, st.integers(-(2**7), 2**7 - 1)),
    Shape(cql.VarInt, st.integers()),
    Shape(cql.Float, st.floats(allow_nan=False, width=32)),
    Shape(cql.Ascii, st.text(st.characters(max_codepoint=127), max_size=8)),
    Shape(cql.TimeUUID, st.builds(uuid.uuid1, st.integers(0, 2**48 - 1), st.integers(0, 2**14 - 1))),
    Shape(cql.Duration, durations, key=False),
]
"""Every annotation of a scalar."""


UTC, LONDON = timezone.utc, ZoneInfo("Europe/London")
NOON = datetime(2026, 1, 1, 12, 0, 0, 123_000, UTC)
NAN, OTHER_NAN = float("nan"), float("inf") - float("inf")
AMBIGUOUS = [datetime(2026, 10, 25, 1, 30, tzinfo=LONDON, fold=fold) for fold in (0, 1)]

CLOSE = {
    datetime: [
        NOON,
        NOON + timedelta(microseconds=999),
        NOON.astimezone(LONDON),
        NOON.astimezone(timezone(timedelta(hours=5))),
        NOON + timedelta(milliseconds=1),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC),
        datetime(1970, 1, 1, tzinfo=UTC),
        *AMBIGUOUS,
    ],
    float: [0.0, -0.0, NAN, OTHER_NAN, 0.1, 0.10000000149011612, 1, 1.0],
    cql.Float: [0.0, -0.0, NAN, OTHER_NAN, 0.1, 0.10000000149011612, 1, 1.0],
    Decimal: [Decimal(text) for text in ("0", "-0", "0.0", "9.9", "9.90", "-9.90", "-8.80", "1E+2", "100")] + [100],
    cql.Inet: [
        *(IPv4Address("10.0.0.1"), "10.0.0.1", IPv6Address("::ffff:10.0.0.1"), "0:0:0:0:0:FFFF:a00:1"),
        *(IPv6Address("::1"), "::1", "0:0:0:0:0:0:0:1"),
    ],
    IPv6Address: [IPv6Address("::ffff:10.0.0.1"), IPv6Address("::1"), IPv6Address("::")],
    date: [date(2026, 1, 1), date(2026, 1, 2)],
    time: [time(1), time(1, 0, 0, 1)],
    cql.Duration: [
        cql.Duration(),
        *(cql.Duration(**{unit: 1}) for unit in ("months", "days", "nanoseconds")),
        cql.Duration(0, 1),
    ],
    str: ["", "a"],
    bytes: [b"", b"a", bytearray(b"a")],
    bool: [True, False],
    int: [0, 1],
    uuid.UUID: [uuid.UUID(int=1), uuid.UUID(int=2)],
}
NEAR = [
    Shape(annotation, st.sampled_from(values), key=annotation not in (cql.Duration, bytes))
    for annotation, values in CLOSE.items()
]
"""Scalars with few values, many of which are the same for Python or for the server, but not for both."""


def maps_of(key, value, max_size=4):
    """Maps in which no two keys have the same stored form."""
    cell = identity_of(map_annotation(key.hint))
    pairs = st.tuples(key.values, value.values)
    return st.lists(pairs, max_size=max_size, unique_by=lambda pair: cell_form(cell, pair[0])).map(dict)


@st.composite
def _containers(draw, inner):
    first, other = draw(inner), draw(inner)
    # A bare float in a vector is CQL's 32-bit one.
    element = Shape(cql.Double, floats) if first.hint is float else first
    size = draw(st.integers(1, 3))
    lists, sets = st.lists(first.values, max_size=3), st.sets(first.values, max_size=3) if first.key else None
    values = [
        Shape(list[first.hint], lists, key=False),
        Shape(cql.Frozen[list[first.hint]], lists, key=False),
        Shape(
            Annotated[list[element.hint], cql.vector(size)],
            st.lists(element.values, min_size=size, max_size=size),
            key=False,
        ),
        Shape(
            tuple[first.hint, other.hint | None],
            st.tuples(first.values, st.none() | other.values),
            key=first.key and other.key,
        ),
    ]
    if first.key:
        values += [
            Shape(set[first.hint], sets, key=False),
            Shape(frozenset[first.hint], sets.map(frozenset)),
            Shape(dict[first.hint, other.hint], maps_of(first, other, max_size=3), key=False),
        ]
    return draw(st.sampled_from(values))


def shapes_of(scalars):
    """Any annotation made of these scalars, with a strategy of its values."""
    return st.recursive(st.sampled_from(scalars), _containers, max_leaves=5)


shapes = shapes_of(SCALARS)
"""Any annotation of a column, with a strategy of its values."""


@st.composite
def hints_with_values(draw):
    """An annotation and a value of it."""
    shape = draw(shapes)
    return shape.hint, draw(shape.values)


_LETTERS = "abcXYZ019_"
names = st.text(_LETTERS, min_size=1, max_size=20)
"""Names that servers take for tables, views, types, indexes and keyspaces; half of them need quotes."""

HOSTILE = [
    "select", "Mixed", "a b", 'qu"ote', "it's", "1st", "é☃", "values(x)", "a, b", "x); DROP TABLE t; --", "\n",
    "%%{init: {'theme': 'dark'}}%%", "\x1b[2J", "\u202eevil", "a\nerror SM999: forged", "*/ $$ --", '"""', "${x}`id`",
]  # fmt: skip
texts = st.sampled_from([*HOSTILE, "", 'style:x"', "'", "\\", "\x00"]) | st.text(st.characters(codec="utf-8"))
"""Texts that a server may hold, among them those that steer some language."""

column_names = st.sampled_from(HOSTILE) | st.text("abcdef", min_size=1, max_size=6)
"""Names that servers take for columns and fields: anything."""

_SCALARS = ["duration", *sorted(NATIVE_NAMES - {"counter", "duration", "empty"})]
key_natives = st.sampled_from(_SCALARS[1:]).map(Native)
key_types = key_natives | st.one_of(
    key_natives.map(ListType).map(freeze),
    key_natives.map(SetType).map(freeze),
    key_natives.map(lambda element_type: TupleType((element_type,))),
)
"""Types that can stand in a primary key."""


@st.composite
def storable(draw, user_types=(), *, durations=True, depth=2):
    """A type that a column can have on every server, given these user types; no counters, no vectors.

    Parameters:
        durations: whether it may contain durations, which servers refuse in ordered values.
        depth: the maximum nesting of collections.
    """
    shape = draw(st.sampled_from(["scalar", "scalar", "user", "list", "set", "map", "tuple"])) if depth else "scalar"

    def element(*, ordered=False):
        return draw(storable(user_types, durations=durations and not ordered, depth=depth - 1))

    if shape == "list":
        result = ListType(element())
    elif shape == "set":
        result = SetType(element(ordered=True))
    elif shape == "map":
        result = MapType(element(ordered=True), element())
    elif shape == "tuple":
        result = TupleType((element(), element()))
    elif shape == "user" and user_types:
        user_type = draw(st.sampled_from(user_types))
        # One that is not frozen must hold no collection that is not (a rule of both servers).
        result = UserTypeName(user_type.name, frozen=any(is_multi_cell(field) for _, field in user_type.fields))
    else:
        return Native(draw(st.sampled_from(_SCALARS if durations else _SCALARS[1:])))
    return freeze(result) if draw(st.booleans()) else result


def _freeze_user_type(cql_type):
    """Freeze the type of a field if it is a user type, as it must be; collections need not be frozen."""
    return freeze(cql_type) if isinstance(cql_type, UserTypeName) else cql_type


@st.composite
def user_type_sets(draw, reserved=()):
    """User types of one keyspace, each of which may contain earlier ones, with names that are not in use."""
    results = []
    for name in draw(st.lists(names, max_size=3, unique=True)):
        if name in reserved:
            continue
        fields = [
            (field, _freeze_user_type(draw(storable(results, durations=False))))
            for field in draw(st.lists(column_names, min_size=1, max_size=3, unique=True))
        ]
        results.append(UserType(name, tuple(fields), "k"))
    return tuple(results)


OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "bloom_filter_fp_chance": st.sampled_from([0.01, 0.1, 1.0]),
        "caching": st.sampled_from([{"keys": "ALL"}, {"keys": "NONE", "rows_per_partition": 10}]),
        "comment": texts,
        "compaction": st.sampled_from(
            [
                {"class": "SizeTieredCompactionStrategy", "min_threshold": 6},
                {"class": "LeveledCompactionStrategy"},
            ]
        ),
        "compression": st.sampled_from(
            [
                {"class": "LZ4Compressor", "chunk_length_in_kb": 64},
                {"class": "ZstdCompressor"},
                {"enabled": False},
            ]
        ),
        "gc_grace_seconds": st.integers(1, 10**6),
        "speculative_retry": st.sampled_from(["99p", "99.9PERCENTILE", "50ms", "ALWAYS", "NEVER"]),
    },
)
"""Keywords of `TableOptions` that tables and views of every server take."""


@st.composite
def tables(draw, name="t", user_types=()):
    """A table of keyspace ``k`` with hostile columns, declared options, and indexes named after it."""
    column_list = draw(st.lists(column_names, min_size=1, max_size=9, unique=True))
    partition = draw(st.integers(1, min(2, len(column_list))))
    clustering = draw(st.integers(0, min(2, len(column_list) - partition)))
    keys = [TableColumn(column, draw(key_types), "partition_key") for column in column_list[:partition]]
    keys += [
        TableColumn(column, draw(key_types), "clustering", draw(st.booleans()))
        for column in column_list[partition : partition + clustering]
    ]
    if not column_list[partition + clustering :] or draw(st.integers(0, 5)):
        kinds = st.sampled_from(["regular", "regular", "static"] if clustering else ["regular"])
        rest = [TableColumn(c, draw(storable(user_types)), draw(kinds)) for c in column_list[partition + clustering :]]
    else:
        rest = [TableColumn(c, Native("counter")) for c in column_list[partition + clustering :]]
    counter = any(column.type == Native("counter") for column in rest)
    options = TableOptions(**draw(OPTIONS)).declared()
    indexed = [c for c in rest if c.type in map(Native, NATIVE_NAMES - {"duration"}) and not counter]
    targets = draw(st.lists(st.sampled_from(indexed), unique=True, max_size=2)) if indexed else []
    indexes = tuple(Index(f"{name}_{number}", column.name) for number, column in enumerate(targets))
    return Table(name=name, columns=(*keys, *rest), keyspace="k", options=options, indexes=indexes)


@st.composite
def views(draw, table, name="v"):
    """A view of a table: all keys of the table in any order, led by at most one other column."""
    keys = [attrs.evolve(column, descending=False) for column in draw(st.permutations([c for c in table if c.in_key]))]
    scalars = [
        c for c in table if c.kind == "regular" and c.type in map(Native, NATIVE_NAMES - {"duration", "counter"})
    ]
    keys = [*draw(st.lists(st.sampled_from(scalars), max_size=1) if scalars else st.just([])), *keys]
    rest = [c for c in table if c.kind == "regular" and c not in keys and draw(st.booleans())]
    result = [
        *(attrs.evolve(column, kind="clustering" if index else "partition_key") for index, column in enumerate(keys)),
        *rest,
    ]
    return View(name=name, columns=tuple(result), base=table.name, keyspace="k")


@st.composite
def keyspaces(draw):
    """A whole keyspace ``k``: user types, tables with indexes, and views."""
    types = draw(user_type_sets())
    table_names = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    new_tables = [draw(tables(name, types)) for name in table_names]
    bases = [table for table in new_tables if not table.is_counter]
    table_views = [
        draw(views(table, f"v_{number}_{table.name}")) for number, table in enumerate(bases) if draw(st.booleans())
    ]
    keyspace = Keyspace("k", FrozenMap({"class": "NetworkTopologyStrategy", "datacenter1": "1"}))
    return KeyspaceFacts("k", keyspace, types, tuple(new_tables), tuple(table_views))


@st.composite
def later(draw, old):
    """A later release of a keyspace: the earlier one with added fields, columns, options, indexes and more."""
    later_types = [draw(_with_fields(item)) for item in old.types]
    used_names = {item.name for item in (*old.types, *old.tables, *old.views)}
    types = (*later_types, *draw(user_type_sets(used_names)))
    later_tables = [draw(_with_more(table, types)) for table in old.tables]
    more = draw(st.lists(names, max_size=2, unique=True))
    new = [draw(tables(name, types)) for name in more if name not in used_names]
    bases = [table for table in later_tables if not table.is_counter]
    table_views = [
        draw(views(table, f"w_{number}_{table.name}")) for number, table in enumerate(bases) if draw(st.booleans())
    ]
    return attrs.evolve(old, types=types, tables=(*later_tables, *new), views=(*old.views, *table_views))


@st.composite
def _with_fields(draw, user_type):
    known = {name for name, _ in user_type.fields}
    more = [name for name in draw(st.lists(column_names, max_size=2, unique=True)) if name not in known]
    # A type that columns hold not frozen must not gain a collection that is not (a rule of Cassandra).
    fields = [(name, freeze(draw(storable(durations=False)))) for name in more]
    return attrs.evolve(user_type, fields=(*user_type.fields, *fields))


@st.composite
def _with_more(draw, table, user_types):
    """The table with added columns and indexes, and with some options that were not set."""
    kinds = ["regular", "static"] if table.clustering_key and not table.is_counter else ["regular"]
    more = [name for name in draw(st.lists(column_names, max_size=3, unique=True)) if name not in table]
    columns = [
        TableColumn(
            name,
            Native("counter") if table.is_counter else draw(storable(user_types)),
            draw(st.sampled_from(kinds)),
        )
        for name in more
    ]
    options = {**TableOptions(**draw(OPTIONS)).declared(), **table.options}
    indexed = {index.column for index in table.indexes}
    free = [c for c in (*table, *columns) if not c.in_key and c.name not in indexed and _is_indexable(c.type)]
    targets = draw(st.lists(st.sampled_from(free), unique=True, max_size=2)) if free else []
    indexes = [Index(f"{table.name}_late_{number}", column.name) for number, column in enumerate(targets)]
    return attrs.evolve(table, columns=(*table, *columns), options=options, indexes=(*table.indexes, *indexes))


def _is_indexable(cql_type):
    return cql_type in map(Native, NATIVE_NAMES - {"duration", "counter"})
