"""What no server takes as the value of an option, told before anything is sent.

*In*: a declared value. *Out*: what is wrong and what to write, or None. The limits are those that real Cassandra nodes
enforce and Scylla's ``cf_prop_defs.cc`` shares; what depends on the server at hand is in `supported`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from scyllamodel.schema.facts import FrozenMap
from scyllamodel.schema.options.canonical import canonical, setting_text
from scyllamodel.schema.options.sub_options import compaction_fault, compression_fault, number

Fault: TypeAlias = "tuple[str, str] | None"
_Limit: TypeAlias = "Callable[[Any, Mapping[str, Any]], Fault]"

MAX_TTL: Final = 630_720_000
_MAX_INT: Final = 2**31 - 1
_MIN_BLOOM: Final = 6.71e-5
_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")

_NOT_DECLARABLE: Final[Mapping[str, str]] = {
    "id": "The id of a table is the server's.",
    "scylla_tags": "The tags are the server's; setting them can take away the TTL column of the table.",
    "extensions": "CQL cannot set extensions; each has an option of its own, such as cdc or tombstone_gc.",
    "read_repair_chance": "It has no effect any more; leave it out.",
    "dclocal_read_repair_chance": "It has no effect any more; leave it out.",
    "index_interval": "Write min_index_interval and max_index_interval.",
    "replicate_on_write": "It has no effect any more; leave it out.",
    "populate_io_cache_on_flush": "It has no effect any more; leave it out.",
}


def option_fault(name: str, value: object, declared: Mapping[str, Any]) -> Fault:
    """What is wrong with a declared option, and what to do about it.

    Parameters:
        declared: all declared options, for those that limit each other.
    """
    if name in _NOT_DECLARABLE:
        return f"the option {name!r} cannot be declared", _NOT_DECLARABLE[name]
    if not _NAME.fullmatch(name):
        return f"{name!r} is no name of an option", "Names of options are lower case, such as gc_grace_seconds."
    if value is None:
        return f"{name}: None is no value", "Leave the option out; undeclared options are left to the server."
    try:
        canonical_value = canonical(name, value)
    except ValueError as error:
        return f"{name}: {error}", _FORM_ADVICE.get(name, "See TableOptions for what it takes.")
    error_text = _LIMITS.get(name, _no_limit)(canonical_value, declared)
    return error_text and (f"{name}: {error_text[0]}", error_text[1])


def _no_limit(value: Any, declared: Mapping[str, Any]) -> Fault:  # noqa: ARG001 - the signature of a limit
    if isinstance(value, (FrozenMap, str, int, float)):
        return None
    return f"{value!r} is no value of an option", "Write a text, number, boolean or map of these."


def _in_range(low: float, high: float, *, above: bool = False) -> _Limit:
    limits = f"{'above' if above else 'at least'} {low} and at most {high}"

    def check(value: Any, _: Mapping[str, Any]) -> Fault:
        if (low < value if above else low <= value) and value <= high:
            return None
        return f"{value} is out of range", f"Write a number {limits}."

    return check


def _max_index(value: int, declared: Mapping[str, Any]) -> Fault:
    """Checked against what is declared; the default of the other, 128, is the server's affair."""
    minimum = declared.get("min_index_interval", 1)
    if value > _MAX_INT:
        return f"{value} is out of range", f"Write a number of at most {_MAX_INT}."
    if isinstance(minimum, int) and value < minimum:
        return f"{value} is below min_index_interval {minimum}", "Make it at least as large."
    return None


def _allowed_settings(**allowed: tuple[str, ...]) -> _Limit:
    """Only these settings, each with one of these values; no values mean any whole number from zero."""

    def check(settings: FrozenMap, _: Mapping[str, Any]) -> Fault:
        for setting, setting_value in settings.items():
            if setting not in allowed:
                return f"there is no setting {setting!r}", f"Known are {', '.join(allowed)}."
            if not _fits(setting_text(setting_value), allowed[setting]):
                choices = (
                    ", ".join(allowed[setting]).replace("<int>", "or a whole number").replace("<number>", "a number")
                )
                return f"{setting!r} is {setting_value!r}", f"It takes {choices.removeprefix('or ')}."
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
        return "it does not say whether it is on", "Add 'enabled', which servers want in every cdc map."
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
    """Hints on tablets; their numbers are rounded to powers of two, unless ``pow2_count`` is false."""
    if fault := _tablet_counts(value, declared):
        return fault
    minimum, maximum = int(value.get("min_tablet_count", 0)), int(value.get("max_tablet_count", _NO_LIMIT))
    if maximum == 0:
        return "'max_tablet_count' is 0", "Write at least 1, or leave it out."
    if value.get("pow2_count", "true") == "true":
        minimum, maximum = 1 << max(minimum - 1, 0).bit_length(), 1 << (maximum.bit_length() - 1)
    if minimum > maximum:
        return (
            f"at least {minimum} tablets are more than at most {maximum}",
            "Write powers of two, the smaller one first.",
        )
    return None


_NO_LIMIT: Final = 2**62


def _storage_engine(value: str, _: Mapping[str, Any]) -> Fault:
    return None if value == "logstor" else (f"there is no {value!r}", "It takes logstor; leave it out for sstables.")


def _read_repair(value: str, _: Mapping[str, Any]) -> Fault:
    return None if value in ("BLOCKING", "NONE") else (f"there is no {value!r}", "It takes BLOCKING or NONE.")


_FORM_ADVICE: Final[Mapping[str, str]] = {
    "compaction": "Write compaction={'class': 'SizeTieredCompactionStrategy'} with its settings beside the class.",
    "compression": "Write compression={'class': 'LZ4Compressor'}, or {'enabled': False} for none.",
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
