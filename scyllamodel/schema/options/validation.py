"""Option values that no server accepts, found before anything is sent.

*In*: a declared value. *Out*: the problem and the fix, or None. The limits are those that Cassandra nodes enforce and
ScyllaDB's ``cf_prop_defs.cc`` shares; limits of one server are in `scyllamodel.schema.options.server_support`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from scyllamodel.schema.facts.objects import FrozenMap
from scyllamodel.schema.options.canonical import canonical, setting_text
from scyllamodel.schema.options.sub_options import compaction_fault, compression_fault, number

Fault: TypeAlias = "tuple[str, str] | None"
_Limit: TypeAlias = "Callable[[Any, Mapping[str, Any]], Fault]"

MAX_TTL: Final = 630_720_000
_MAX_INT: Final = 2**31 - 1
_MIN_BLOOM: Final = 6.71e-5
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")

_NOT_DECLARABLE: Final[Mapping[str, str]] = {
    "id": "The server chooses the id of a table.",
    "scylla_tags": "The server manages the tags; setting them can remove the TTL column of the table.",
    "extensions": "CQL cannot set extensions; use the option for each, such as cdc or tombstone_gc.",
    "read_repair_chance": "It has no effect any more; omit it.",
    "dclocal_read_repair_chance": "It has no effect any more; omit it.",
    "index_interval": "Use min_index_interval and max_index_interval.",
    "replicate_on_write": "It has no effect any more; omit it.",
    "populate_io_cache_on_flush": "It has no effect any more; omit it.",
}


def option_fault(name: str, value: object, declared: Mapping[str, Any]) -> Fault:
    """Return the problem of a declared option and its fix, or None.

    Parameters:
        declared: all declared options, since some limit each other.
    """
    if name in _NOT_DECLARABLE:
        return f"the option {name!r} cannot be declared", _NOT_DECLARABLE[name]
    if not _NAME.fullmatch(name):
        return f"{name!r} is not an option name", "Option names are lower case, such as gc_grace_seconds."
    if value is None:
        return f"{name}: None is not a value", "Omit the option; undeclared options are left to the server."
    try:
        canonical_value = canonical(name, value)
    except ValueError as error:
        return f"{name}: {error}", _FORM_ADVICE.get(name, "See TableOptions for its values.")
    error_text = _LIMITS.get(name, _no_limit)(canonical_value, declared)
    return error_text and (f"{name}: {error_text[0]}", error_text[1])


def _no_limit(value: Any, declared: Mapping[str, Any]) -> Fault:  # noqa: ARG001 - the signature of a limit
    if isinstance(value, (FrozenMap, str, int, float)):
        return None
    return f"{value!r} is not an option value", "Use a string, number, boolean or a map of these."


def _in_range(low: float, high: float, *, above: bool = False) -> _Limit:
    limits = f"{'above' if above else 'at least'} {low} and at most {high}"

    def check(value: Any, _: Mapping[str, Any]) -> Fault:
        if (low < value if above else low <= value) and value <= high:
            return None
        return f"{value} is out of range", f"Use a number {limits}."

    return check


def _max_index(value: int, declared: Mapping[str, Any]) -> Fault:
    """Check max_index_interval against the declared minimum; the server checks it against the default, 128."""
    minimum = declared.get("min_index_interval", 1)
    if value > _MAX_INT:
        return f"{value} is out of range", f"Use a number of at most {_MAX_INT}."
    if isinstance(minimum, int) and value < minimum:
        return f"{value} is below min_index_interval {minimum}", "Use a value that is at least as large."
    return None


def _allowed_settings(**allowed: tuple[str, ...]) -> _Limit:
    """Allow only these settings, each with one of these values; ``<int>`` means any whole number from zero."""

    def check(settings: FrozenMap, _: Mapping[str, Any]) -> Fault:
        for setting, setting_value in settings.items():
            if setting not in allowed:
                return f"unknown setting {setting!r}", f"Known settings: {', '.join(allowed)}."
            if not _fits(setting_text(setting_value), allowed[setting]):
                choices = (
                    ", ".join(allowed[setting]).replace("<int>", "or a whole number").replace("<number>", "a number")
                )
                return f"{setting!r} is {setting_value!r}", f"Use {choices.removeprefix('or ')}."
        return None

    return check


def _fits(value: str, allowed: tuple[str, ...]) -> bool:
    if "<number>" in allowed and (parsed := number(value)) is not None:
        return parsed >= 0
    return value in allowed or ("<int>" in allowed and value.isdecimal())


_FLAGS: Final = ("true", "false")
_ROW_LIMITS: Final = ("ALL", "NONE", "<int>")
_cdc_settings = _allowed_settings(
    enabled=_FLAGS, preimage=(*_FLAGS, "full"), postimage=_FLAGS, delta=("full", "keys"), ttl=("<int>",)
)


def _cdc(value: FrozenMap, declared: Mapping[str, Any]) -> Fault:
    if "enabled" not in value:
        return "'enabled' is missing", "Add 'enabled', which servers require in every cdc map."
    return _cdc_settings(value, declared)


def _compaction(value: FrozenMap, _: Mapping[str, Any]) -> Fault:
    return compaction_fault(value)


def _compression(value: FrozenMap, _: Mapping[str, Any]) -> Fault:
    return compression_fault(value)


_tablet_counts: Final = _allowed_settings(
    min_tablet_count=("<int>",),
    max_tablet_count=("<int>",),
    min_per_shard_tablet_count=("<number>",),
    expected_data_size_in_gb=("<int>",),
    pow2_count=_FLAGS,
)


def _tablets(value: FrozenMap, declared: Mapping[str, Any]) -> Fault:
    """Check the ``tablets`` option; servers round the numbers to powers of two unless ``pow2_count`` is false."""
    if fault := _tablet_counts(value, declared):
        return fault
    minimum, maximum = int(value.get("min_tablet_count", 0)), int(value.get("max_tablet_count", _NO_LIMIT))
    if maximum == 0:
        return "'max_tablet_count' is 0", "Use at least 1, or omit it."
    if value.get("pow2_count", "true") == "true":
        minimum, maximum = 1 << max(minimum - 1, 0).bit_length(), 1 << (maximum.bit_length() - 1)
    if minimum > maximum:
        return (
            f"the minimum of {minimum} tablets is above the maximum of {maximum}",
            "Use powers of two, the minimum not above the maximum.",
        )
    return None


_NO_LIMIT: Final = 2**62


def _storage_engine(value: str, _: Mapping[str, Any]) -> Fault:
    return None if value == "logstor" else (f"unknown value {value!r}", "Use logstor, or omit it for sstables.")


def _read_repair(value: str, _: Mapping[str, Any]) -> Fault:
    return None if value in ("BLOCKING", "NONE") else (f"unknown value {value!r}", "Use BLOCKING or NONE.")


_FORM_ADVICE: Final[Mapping[str, str]] = {
    "compaction": "Use compaction={'class': 'SizeTieredCompactionStrategy'} with its settings beside the class.",
    "compression": "Use compression={'class': 'LZ4Compressor'}, or {'enabled': False} for none.",
}
_LIMITS: Final[Mapping[str, _Limit]] = {
    "bloom_filter_fp_chance": _in_range(_MIN_BLOOM, 1, above=True),
    "caching": _allowed_settings(keys=("ALL", "NONE"), rows_per_partition=_ROW_LIMITS, enabled=("FALSE",)),
    "cdc": _cdc,
    "compaction": _compaction,
    "compression": _compression,
    "crc_check_chance": _in_range(0, 1),
    "default_time_to_live": _in_range(0, MAX_TTL),
    "gc_grace_seconds": _in_range(0, _MAX_INT),
    "max_index_interval": _max_index,
    "memtable_flush_period_in_ms": _in_range(0, _MAX_INT),
    "min_index_interval": _in_range(1, _MAX_INT),
    "paxos_grace_seconds": _in_range(0, _MAX_INT),
    "per_partition_rate_limit": _allowed_settings(max_reads_per_second=("<int>",), max_writes_per_second=("<int>",)),
    "read_repair": _read_repair,
    "storage_engine": _storage_engine,
    "tablets": _tablets,
    "tombstone_gc": _allowed_settings(
        mode=("timeout", "repair", "disabled", "immediate"), propagation_delay_in_seconds=("<int>",)
    ),
}
