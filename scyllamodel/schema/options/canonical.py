"""Canonical values of table options, equal for declared and stored options with the same meaning.

*In*: the name of an option and its value in any spelling. *Out*: a number, boolean, text, or `FrozenMap` of texts, in
one form for all servers: short class names, ``class`` and ``chunk_length_in_kb`` in compression, ``{}`` for no
compression, ``99p`` for a percentile, ``NEVER`` for none, ``{"enabled": "true"}`` for a boolean ``cdc``. Differences
between servers (defaults, spelling) are handled in `scyllamodel.schema.compare.options` and
`scyllamodel.schema.options.cql`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, cast

import attrs

from scyllamodel.schema.facts.objects import FrozenMap

COMPACTION_PACKAGE: Final = "org.apache.cassandra.db.compaction."
COMPRESSION_PACKAGE: Final = "org.apache.cassandra.io.compress."

_TRUE: Final = frozenset({"true", "yes", "1"})
_FALSE: Final = frozenset({"false", "no", "0"})


def canonical(name: str, value: object) -> Any:
    """The canonical value of an option; a value of an unknown option keeps its type.

    >>> canonical("compression", {"sstable_compression": "LZ4Compressor", "chunk_length_kb": 64})
    {'class': 'LZ4Compressor', 'chunk_length_in_kb': '64'}

    Raises:
        ValueError: the value is invalid for this option.
    """
    return _CANONICAL_FORMS.get(name, _undeclared_form)(value)


def setting_text(value: object) -> str:
    """A setting as servers store it in a map: numbers and booleans as CQL writes them.

    >>> setting_text(True), setting_text(4), setting_text(0.5)
    ('true', '4', '0.5')
    """
    return str(value).lower() if isinstance(value, bool) else str(value)


def setting_matches(left: str, right: str) -> bool:
    """Whether two settings of a map are equal: numbers as numbers, other texts ignoring case.

    >>> setting_matches("04", "4"), setting_matches("FALSE", "false"), setting_matches("0.50", "0.5")
    (True, True, True)
    >>> setting_matches("a", "b")
    False
    """
    if left.casefold() == right.casefold():
        return True
    try:
        return Decimal(left) == Decimal(right)
    except InvalidOperation:
        return False


def parse_boolean(value: object) -> bool:
    """Parse a boolean that CQL accepts.

    Raises:
        ValueError: CQL does not accept it.
    """
    text_value = setting_text(value).lower()
    if text_value not in _TRUE | _FALSE:
        raise ValueError(f"{value!r} is neither true nor false")
    return text_value in _TRUE


def _not_a(value: object, expected: str) -> ValueError:
    return ValueError(f"{value!r} is not a {expected}")


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        raise _not_a(cast("object", value), "text")
    return setting_text(value)


def _int(value: object) -> int:
    if isinstance(value, (bool, float)) or not isinstance(value, (int, str)):
        raise _not_a(value, "whole number")
    return int(value)


def _float(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        raise _not_a(value, "number")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value!r} is not finite")
    return number


def text_settings(value: object) -> dict[str, str]:
    """A map option with its settings as text, in the order given.

    Raises:
        ValueError: it is not a map, or a setting is not a text, number or boolean.
    """
    if not isinstance(value, Mapping):
        raise _not_a(value, "map")
    mapping = cast("Mapping[object, object]", value)
    for key, setting in mapping.items():
        if not isinstance(key, str) or not isinstance(setting, (str, int, float, Decimal)):
            raise _not_a({key: setting}, "setting with a text, number or boolean")
    return {str(key): setting_text(setting) for key, setting in mapping.items()}


def _map(value: object) -> FrozenMap:
    return FrozenMap(text_settings(value))


def _undeclared_form(value: object) -> Any:
    return _map(cast("object", value)) if isinstance(value, Mapping) else value


def _without_package(package: str, class_name: str) -> str:
    return class_name.removeprefix(package)


def _class_first(settings: Mapping[str, str]) -> FrozenMap:
    return FrozenMap({"class": settings["class"], **{name: settings[name] for name in sorted(settings)}})


def _compaction(value: object) -> FrozenMap:
    settings = text_settings(value)
    if not settings.get("class"):
        raise ValueError("compaction needs a 'class'")
    settings["class"] = _without_package(COMPACTION_PACKAGE, settings["class"])
    return _class_first({name: _flag(setting) for name, setting in settings.items()})


def _flag(setting: str) -> str:
    """True and false in lower case, as ScyllaDB requires; other settings unchanged."""
    lower = setting.lower()
    return lower if lower in {"true", "false"} else setting


_OLD_SETTING_NAMES: Final = {"sstable_compression": "class", "chunk_length_kb": "chunk_length_in_kb"}


def _compression(value: object) -> FrozenMap:
    """Canonical compression: none is ``{}``; servers drop ``enabled: true`` and ``min_compress_ratio: 0``."""
    original = text_settings(value)
    settings = {_OLD_SETTING_NAMES.get(key, key): setting for key, setting in original.items()}
    if len(settings) != len(original):
        raise ValueError("a compression setting is given under both its old and its new name")
    enabled_setting, class_name = settings.pop("enabled", None), settings.get("class", "")
    enabled = enabled_setting is None or parse_boolean(enabled_setting)
    if not enabled or not class_name:
        settings.pop("class", None)
        if class_name or settings or (enabled and enabled_setting is not None):
            raise ValueError("disabled compression has no other settings, and enabled compression needs a 'class'")
        return FrozenMap()
    settings["class"] = _without_package(COMPRESSION_PACKAGE, class_name)
    if setting_matches(settings.get("min_compress_ratio", ""), "0"):
        del settings["min_compress_ratio"]
    settings.pop("crc_check_chance", None)
    return _class_first(settings)


def _caching(value: object) -> FrozenMap:
    """Values in upper case, zero rows as NONE; Scylla's ``enabled`` is shown only when it is false."""
    settings = {key.lower(): setting.upper() for key, setting in text_settings(value).items()}
    rows = settings.get("rows_per_partition", "")
    if rows.isdecimal():
        settings["rows_per_partition"] = str(int(rows)) if int(rows) else "NONE"
    if setting_matches(settings.get("enabled", ""), "true"):
        del settings["enabled"]
    return FrozenMap({name: settings[name] for name in sorted(settings)})


def _cdc(value: object) -> FrozenMap:
    """A boolean (Cassandra) is a map with ``enabled`` alone; settings of Scylla's map are lower case."""
    if isinstance(value, Mapping):
        settings = {
            key.lower(): setting.lower() for key, setting in text_settings(cast("Mapping[str, Any]", value)).items()
        }
        return FrozenMap({name: settings[name] for name in sorted(settings)})
    return FrozenMap({"enabled": setting_text(parse_boolean(value))})


def _upper_text(value: object) -> str:
    return _text(value).upper()


@attrs.frozen
class RetryPolicy:
    """A policy of ``speculative_retry`` or ``additional_write_policy``.

    Attributes:
        kind: ``ALWAYS``, ``NEVER``, ``p`` (a percentile), ``ms``, or ``MIN``, ``MAX`` of a percentile and a time.
        numbers: the percentile, the milliseconds, or both in this order.
    """

    kind: str
    numbers: tuple[Decimal, ...] = ()

    def __str__(self) -> str:
        if self.kind in ("MIN", "MAX"):
            percentile, time = self.numbers
            return f"{self.kind}({_without_trailing_zeros(percentile)}p,{_without_trailing_zeros(time)}ms)"
        return f"{_without_trailing_zeros(self.numbers[0])}{self.kind}" if self.numbers else self.kind


def _without_trailing_zeros(number: Decimal) -> str:
    """The number without trailing zeros and without an exponent."""
    digits = f"{number:f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


_AMOUNT: Final = r"(\d+(?:\.\d+)?)(p|percentile|ms)"
_SINGLE_AMOUNT: Final = re.compile(_AMOUNT, re.IGNORECASE)
_AMOUNT_RANGE: Final = re.compile(rf"(min|max)\({_AMOUNT},\s*{_AMOUNT}\)", re.IGNORECASE)


def parse_retry_policy(value: object) -> RetryPolicy:
    """Parse a retry policy in the spelling of either server.

    >>> str(parse_retry_policy("99.0PERCENTILE")), str(parse_retry_policy("none"))
    ('99p', 'NEVER')
    >>> str(parse_retry_policy("max(50.0ms, 99p)"))
    'MAX(99p,50ms)'

    Raises:
        ValueError: no server accepts it.
    """
    policy_text = _text(value)
    if policy_text.upper() in ("ALWAYS", "NEVER", "NONE"):
        return RetryPolicy({"NONE": "NEVER"}.get(policy_text.upper(), policy_text.upper()))
    if single := _SINGLE_AMOUNT.fullmatch(policy_text):
        unit, number = _amount(single.group(1), single.group(2))
        return RetryPolicy(unit, (number,))
    if bounds := _AMOUNT_RANGE.fullmatch(policy_text):
        parts = dict(_amount(bounds.group(group), bounds.group(group + 1)) for group in (2, 4))
        if len(parts) == 2:
            return RetryPolicy(bounds.group(1).upper(), (parts["p"], parts["ms"]))
    raise ValueError(f"{policy_text!r} is not a retry policy; use 99p, 50ms, ALWAYS, NEVER or MIN(99p,50ms)")


def _amount(number: str, unit: str) -> tuple[str, Decimal]:
    unit_kind, amount = unit[0].lower().replace("m", "ms"), Decimal(number)
    if unit_kind == "p" and not 0 < amount < 100:
        raise ValueError(f"a percentile is between 0 and 100, not {number}")
    return unit_kind, amount


_CANONICAL_FORMS: Final[Mapping[str, Callable[[object], Any]]] = {
    "additional_write_policy": lambda value: str(parse_retry_policy(value)),
    "allow_auto_snapshot": parse_boolean,
    "bloom_filter_fp_chance": _float,
    "caching": _caching,
    "cdc": _cdc,
    "comment": _text,
    "compaction": _compaction,
    "compression": _compression,
    "crc_check_chance": _float,
    "default_time_to_live": _int,
    "gc_grace_seconds": _int,
    "incremental_backups": parse_boolean,
    "large_data_guardrails_enabled": parse_boolean,
    "max_index_interval": _int,
    "memtable": _text,
    "memtable_flush_period_in_ms": _int,
    "min_index_interval": _int,
    "paxos_grace_seconds": _int,
    "per_partition_rate_limit": _map,
    "read_repair": _upper_text,
    "speculative_retry": lambda value: str(parse_retry_policy(value)),
    "storage_engine": _text,
    "synchronous_updates": parse_boolean,
    "tablets": _map,
    "tombstone_gc": _map,
}
OPTION_NAMES: Final = frozenset(_CANONICAL_FORMS)
"""The table and view options that this release knows."""
