"""Rows of ``system_schema`` -> the canonical options of a table or view.

*In*: a row of ``tables`` or ``views``, and on Scylla the one of ``scylla_tables`` beside it. *Out*: everything that the
server stores, with nulls that stand for a known default filled in. Kept apart because Scylla hides half of its options
in binary extensions (``serializer.hh``), and Cassandra others behind nulls (``SchemaKeyspace.java``).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, cast

from scyllamodel.schema.facts import FrozenMap
from scyllamodel.schema.options.canonical import OPTION_NAMES, canonical

if TYPE_CHECKING:
    from scyllamodel.schema.server import ServerProfile

NO_OPTIONS: Final = frozenset(
    """
    keyspace_name table_name view_name base_table_id base_table_name where_clause include_all_columns id flags
    extensions dclocal_read_repair_chance read_repair_chance version partitioner committed_by_group0 in_memory
    pending_drop transactional_migration_from security_label
    """.split()
)
"""Columns of ``tables``, ``views`` and ``scylla_tables`` that are no option anybody declares."""

_NULLS: Final[Mapping[str, Any]] = {
    "additional_write_policy": "99p",
    "allow_auto_snapshot": True,
    "incremental_backups": True,
    "memtable": "default",
    "read_repair": "BLOCKING",
}
"""What Cassandra means by null; ``cdc`` is not here, for a node that has it switched off forgets what was declared."""

_MAPS: Final = ("tombstone_gc", "cdc", "per_partition_rate_limit")


def stored_options(
    row: Mapping[str, Any], server: ServerProfile, scylla_row: Mapping[str, Any] | None = None
) -> FrozenMap:
    """The canonical options of one row of ``tables`` or ``views``.

    Raises:
        ValueError: a stored value cannot be understood; names the option.
    """
    names = _columns(tuple(row), server.stores_extensions)
    values = tuple([_hashable(row[name]) for name in names])
    beside = () if scylla_row is None else tuple((name, _hashable(value)) for name, value in scylla_row.items())
    return _understood(names, values, beside, server.stores_extensions)


@lru_cache(maxsize=64)
def _columns(names: tuple[str, ...], extended: bool) -> tuple[str, ...]:  # noqa: FBT001 - a key of the cache
    """The columns that hold options; some servers keep more of them in ``extensions``."""
    return tuple(name for name in names if name not in NO_OPTIONS or (extended and name == "extensions"))


def _hashable(value: Any) -> Any:
    """A value as a key; of the driver's maps the list of pairs, since their ``items`` serialises every key again."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, Mapping):
        found = cast("Mapping[str, Any]", value)
        pairs: Any = getattr(found, "_items", None)
        return tuple(found.items()) if pairs is None or isinstance(pairs, Mapping) else tuple(pairs)
    return _STRANGE


@lru_cache(maxsize=4096)
def _understood(
    names: tuple[str, ...],
    values: tuple[Any, ...],
    beside: tuple[tuple[str, Any], ...],
    extended: bool,  # noqa: FBT001 - a key of the cache
) -> FrozenMap:
    """The canonical options, worked out once: most tables of a cluster store the same."""
    row = {name: _restored(value) for name, value in zip(names, values, strict=True)}
    found = {name: value for name, value in row.items() if value is not None}
    if extended:
        found.update(_extensions(found.pop("extensions", {})))
        found.update({name: _restored(v) for name, v in beside if name not in NO_OPTIONS and name != "cdc" and v})
    else:
        found.update({name: null for name, null in _NULLS.items() if name in row and row[name] is None})
    return FrozenMap({name: _canonical(name, found[name]) for name in sorted(found) if _is_option(name, found[name])})


_STRANGE: Final = (0,)
"""Stands for a value of a newer server that nobody here can compare; no map has such a pair."""


def _restored(value: Any) -> Any:
    if value is _STRANGE:
        return None
    return dict(cast("tuple[tuple[str, Any], ...]", value)) if isinstance(value, tuple) else value


def _is_option(name: str, value: object) -> bool:
    """A newer server has columns that nobody here has heard of; only what can be declared is taken for an option."""
    if name in OPTION_NAMES or isinstance(value, (str, int, float)):
        return True
    return isinstance(value, dict) and all(isinstance(part, str) for part in cast("dict[str, object]", value).values())


def _canonical(name: str, value: object) -> Any:
    try:
        return canonical(name, value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def _extensions(blobs: Mapping[str, bytes]) -> dict[str, Any]:
    maps = {name: string_map(blobs[name]) for name in _MAPS if name in blobs}
    found: dict[str, Any] = {name: settings for name, settings in maps.items() if settings}  # an empty one means none
    if "paxos_grace_seconds" in blobs:
        found["paxos_grace_seconds"] = int.from_bytes(blobs["paxos_grace_seconds"], "little")
    if "scylla_tags" in blobs:
        tags = string_map(blobs["scylla_tags"])
        if "system:synchronous_view_updates" in tags:
            found["synchronous_updates"] = tags["system:synchronous_view_updates"]
    return found


def ttl_column(row: Mapping[str, Any]) -> str | None:
    """The column that says when each row of a table expires; Scylla keeps it as a tag.

    Parameters:
        row: of ``system_schema.tables``.
    """
    extensions: Mapping[str, bytes] = row.get("extensions") or {}
    blob = extensions.get("scylla_tags")
    return None if blob is None else string_map(blob).get("system:ttl_attribute")


def string_map(blob: bytes) -> dict[str, str]:
    """Scylla's binary map of strings: a count, then each key and value with its length, all little-endian uint32.

    >>> string_map(bytes.fromhex("01000000040000006d6f64650600000072657061697200"[:-2]))
    {'mode': 'repair'}

    Raises:
        ValueError: the bytes are cut short.
    """
    pieces: list[str] = []
    at = 4
    for _ in range(2 * int.from_bytes(blob[:4], "little")):
        end = at + 4 + int.from_bytes(blob[at : at + 4], "little")
        if end > len(blob):
            raise ValueError(f"a map of {len(blob)} bytes is cut short")
        pieces.append(blob[at + 4 : end].decode())
        at = end
    return dict(zip(pieces[::2], pieces[1::2], strict=True))
