"""The options of a table or view, read from rows of ``system_schema``.

*In*: a row of ``tables`` or ``views``, and on Scylla the row of ``scylla_tables`` for the same table. *Out*: all stored
options in canonical form, with nulls replaced by the default that they mean. Scylla stores half of its options in
binary extensions (``serializer.hh``); Cassandra stores some defaults as null (``SchemaKeyspace.java``).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

from scyllamodel.schema.facts.objects import FrozenMap
from scyllamodel.schema.options.canonical import OPTION_NAMES, canonical

if TYPE_CHECKING:
    from scyllamodel.schema.server.profile import ServerProfile

NON_OPTION_COLUMNS: Final = frozenset(
    """
    keyspace_name table_name view_name base_table_id base_table_name where_clause include_all_columns id flags
    extensions dclocal_read_repair_chance read_repair_chance version partitioner committed_by_group0 in_memory
    pending_drop transactional_migration_from security_label
    """.split()
)
"""Columns of ``tables``, ``views`` and ``scylla_tables`` that are not options."""

_NULL_MEANINGS: Final[Mapping[str, Any]] = {
    "additional_write_policy": "99p",
    "allow_auto_snapshot": True,
    "incremental_backups": True,
    "memtable": "default",
    "read_repair": "BLOCKING",
}
"""The meaning of null in Cassandra; ``cdc`` is missing because a node with CDC disabled drops the declared value."""

_BINARY_MAPS: Final = ("tombstone_gc", "cdc", "per_partition_rate_limit")


def stored_options(
    row: Mapping[str, Any], server: ServerProfile, scylla_row: Mapping[str, Any] | None = None
) -> FrozenMap:
    """The canonical options of one row of ``tables`` or ``views``.

    Raises:
        ValueError: a stored value cannot be read; the message names the option.
    """
    names = _columns(tuple(row), server.stores_extensions)
    values = tuple([value if type(value) in _HASHABLE else _as_key(value) for value in map(row.__getitem__, names)])
    scylla_values = () if scylla_row is None else tuple((name, _as_key(value)) for name, value in scylla_row.items())
    return _canonical_options(names, values, scylla_values, server.stores_extensions)


@lru_cache(maxsize=64)
def _columns(names: tuple[str, ...], has_extensions: bool) -> tuple[str, ...]:  # noqa: FBT001 - a key of the cache
    """The columns that hold options; Scylla stores further options in ``extensions``."""
    return tuple(name for name in names if name not in NON_OPTION_COLUMNS or (has_extensions and name == "extensions"))


_HASHABLE: Final = frozenset({str, int, float, bool, type(None), FrozenMap})
"""The types of values that are keys as they are; nearly all values have one of them."""


def _as_key(value: Any) -> Any:
    """A value as a cache key."""
    if type(value) in _HASHABLE or isinstance(value, (str, int, float)):
        return value
    return FrozenMap(cast("Mapping[str, Any]", value)) if isinstance(value, Mapping) else _NOT_COMPARABLE


@lru_cache(maxsize=4096)
def _canonical_options(
    names: tuple[str, ...],
    values: tuple[Any, ...],
    scylla_values: tuple[tuple[str, Any], ...],
    has_extensions: bool,  # noqa: FBT001 - a key of the cache
) -> FrozenMap:
    """The canonical options, cached, since most tables of a cluster store the same values."""
    row = {name: _from_key(value) for name, value in zip(names, values, strict=True)}
    options = {name: value for name, value in row.items() if value is not None}
    if has_extensions:
        options.update(_extensions(options.pop("extensions", {})))
        options.update(
            {name: _from_key(v) for name, v in scylla_values if name not in NON_OPTION_COLUMNS and name != "cdc" and v}
        )
    else:
        options.update({name: default for name, default in _NULL_MEANINGS.items() if name in row and row[name] is None})
    return FrozenMap(
        {name: _canonical(name, options[name]) for name in sorted(options) if _is_option(name, options[name])}
    )


_NOT_COMPARABLE: Final = (0,)
"""Represents a value of a newer server that cannot be compared; no map has such a pair."""


def _from_key(value: Any) -> Any:
    if value is _NOT_COMPARABLE:
        return None
    return dict(value) if isinstance(value, FrozenMap) else value


def _is_option(name: str, value: object) -> bool:
    """Whether a column holds an option; newer servers have unknown columns, of which only scalars and maps are used."""
    if name in OPTION_NAMES or isinstance(value, (str, int, float)):
        return True
    return isinstance(value, dict) and all(isinstance(part, str) for part in cast("dict[str, object]", value).values())


def _canonical(name: str, value: object) -> Any:
    try:
        return canonical(name, value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _extensions(blobs: Mapping[str, bytes]) -> dict[str, Any]:
    maps = {name: string_map(blobs[name]) for name in _BINARY_MAPS if name in blobs}
    options: dict[str, Any] = {
        name: settings for name, settings in maps.items() if settings
    }  # an empty map means no setting
    if "paxos_grace_seconds" in blobs:
        options["paxos_grace_seconds"] = int.from_bytes(blobs["paxos_grace_seconds"], "little")
    if "scylla_tags" in blobs:
        tags = string_map(blobs["scylla_tags"])
        if "system:synchronous_view_updates" in tags:
            options["synchronous_updates"] = tags["system:synchronous_view_updates"]
    return options


def ttl_column(row: Mapping[str, Any]) -> str | None:
    """The column by which rows of a table expire; Scylla stores it as a tag.

    Parameters:
        row: a row of ``system_schema.tables``.
    """
    extensions: Mapping[str, bytes] = row.get("extensions") or {}
    blob = extensions.get("scylla_tags")
    return None if blob is None else string_map(blob).get("system:ttl_attribute")


def string_map(blob: bytes) -> dict[str, str]:
    """Read Scylla's binary map: a count, then each key and value with its length (numbers are little-endian uint32).

    >>> string_map(bytes.fromhex("01000000040000006d6f64650600000072657061697200"[:-2]))
    {'mode': 'repair'}

    Raises:
        ValueError: the map is truncated.
    """
    strings: list[str] = []
    offset = 4
    for _ in range(2 * int.from_bytes(blob[:4], "little")):
        end = offset + 4 + int.from_bytes(blob[offset : offset + 4], "little")
        if end > len(blob):
            raise ValueError(f"a map of {len(blob)} bytes is truncated")
        strings.append(blob[offset + 4 : end].decode())
        offset = end
    return dict(zip(strings[::2], strings[1::2], strict=True))
