"""One canonical value for each meaning of a table option, whether it was declared in Python or stored by a server.

*In*: the name of an option and any spelling of its value. *Out*: a number, boolean, text, or `FrozenMap` of texts, in
one form that names no server: short class names, ``class`` and ``chunk_length_in_kb`` in compression, ``{}`` for no
compression, ``99p`` for a percentile, ``NEVER`` for none, ``{"enabled": "true"}`` for a boolean ``cdc``. What servers
store differently (defaults, spelling) is the business of `compare` and `emit`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, cast

import attrs

from scyllamodel.schema.facts import FrozenMap

COMPACTION_PACKAGE: Final = "org.apache.cassandra.db.compaction."
COMPRESSION_PACKAGE: Final = "org.apache.cassandra.io.compress."

_TRUE: Final = frozenset({"true", "yes", "1"})
_FALSE: Final = frozenset({"false", "no", "0"})


def canonical(name: str, value: object) -> Any:
    """The canonical value of an option; one of an unknown option keeps its kind.

    >>> canonical("compression", {"sstable_compression": "LZ4Compressor", "chunk_length_kb": 64})
    {'class': 'LZ4Compressor', 'chunk_length_in_kb': '64'}

    Raises:
        ValueError: the value cannot be one of this option.
    """
    return _FORMS.get(name, _any)(value)


def text(value: object) -> str:
    """A setting as servers store it in a map: numbers and booleans as CQL writes them.

    >>> text(True), text(4), text(0.5)
    ('true', '4', '0.5')
    """
    return str(value).lower() if isinstance(value, bool) else str(value)


def same_text(one: str, other: str) -> bool:
    """Whether two settings of a map mean the same: numbers as numbers, anything else in any case.

    >>> same_text("04", "4"), same_text("FALSE", "false"), same_text("0.50", "0.5"), same_text("a", "b")
    (True, True, True, False)
    """
    if one.casefold() == other.casefold():
        return True
    try:
        return Decimal(one) == Decimal(other)
    except InvalidOperation:
        return False


def boolean(value: object) -> bool:
    """A boolean from what CQL takes for one.

    Raises:
        ValueError: CQL would not take it.
    """
    said = text(value).lower()
    if said not in _TRUE | _FALSE:
        raise ValueError(f"{value!r} is neither true nor false")
    return said in _TRUE


def _no(value: object, what: str) -> ValueError:
    return ValueError(f"{value!r} is no {what}")


def _string(value: object) -> str:
    if isinstance(value, Mapping):
        raise _no(cast("object", value), "text")
    return text(value)


def _int(value: object) -> int:
    if isinstance(value, (bool, float)) or not isinstance(value, (int, str)):
        raise _no(value, "whole number")
    return int(value)


def _float(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        raise _no(value, "number")
    found = float(value)
    if not math.isfinite(found):
        raise ValueError(f"{value!r} is not finite")
    return found


def texts(value: object) -> dict[str, str]:
    """A map option with its settings as text, in the order given.

    Raises:
        ValueError: it is no map, or one of its settings is neither text, number nor boolean.
    """
    if not isinstance(value, Mapping):
        raise _no(value, "map")
    found = cast("Mapping[object, object]", value)
    for key, setting in found.items():
        if not isinstance(key, str) or not isinstance(setting, (str, int, float, Decimal)):
            raise _no({key: setting}, "setting: a name with a text, number or boolean is")
    return {str(key): text(setting) for key, setting in found.items()}


def _map(value: object) -> FrozenMap:
    return FrozenMap(texts(value))


def _any(value: object) -> Any:
    return _map(cast("object", value)) if isinstance(value, Mapping) else value


def _without(package: str, class_name: str) -> str:
    return class_name.removeprefix(package)


def _class_first(settings: Mapping[str, str]) -> FrozenMap:
    return FrozenMap({"class": settings["class"], **{name: settings[name] for name in sorted(settings)}})


def _compaction(value: object) -> FrozenMap:
    settings = texts(value)
    if not settings.get("class"):
        raise ValueError("compaction needs a 'class'")
    settings["class"] = _without(COMPACTION_PACKAGE, settings["class"])
    return _class_first({name: _flag(setting) for name, setting in settings.items()})


def _flag(setting: str) -> str:
    """True and false in lower case, as ScyllaDB wants them; another setting as it is."""
    lower = setting.lower()
    return lower if lower in {"true", "false"} else setting


_OLD_KEYS: Final = {"sstable_compression": "class", "chunk_length_kb": "chunk_length_in_kb"}


def _compression(value: object) -> FrozenMap:
    """No compression is ``{}``; ``enabled: true`` and ``min_compress_ratio: 0`` say nothing, and servers drop them."""
    given = texts(value)
    settings = {_OLD_KEYS.get(key, key): setting for key, setting in given.items()}
    if len(settings) != len(given):
        raise ValueError("one setting of compression is given under its old and its new name")
    said, class_name = settings.pop("enabled", None), settings.get("class", "")
    enabled = said is None or boolean(said)
    if not enabled or not class_name:
        settings.pop("class", None)
        if class_name or settings or (enabled and said is not None):
            raise ValueError("compression that is off has no other settings, and one that is on has a 'class'")
        return FrozenMap()
    settings["class"] = _without(COMPRESSION_PACKAGE, class_name)
    if same_text(settings.get("min_compress_ratio", ""), "0"):
        del settings["min_compress_ratio"]
    settings.pop("crc_check_chance", None)
    return _class_first(settings)


def _caching(value: object) -> FrozenMap:
    """Values in upper case, zero rows as NONE; Scylla's ``enabled`` is shown only when it is false."""
    settings = {key.lower(): setting.upper() for key, setting in texts(value).items()}
    rows = settings.get("rows_per_partition", "")
    if rows.isdecimal():
        settings["rows_per_partition"] = str(int(rows)) if int(rows) else "NONE"
    if same_text(settings.get("enabled", ""), "true"):
        del settings["enabled"]
    return FrozenMap({name: settings[name] for name in sorted(settings)})


def _cdc(value: object) -> FrozenMap:
    """A boolean (Cassandra) is a map with ``enabled`` alone; settings of Scylla's map are lower case."""
    if isinstance(value, Mapping):
        found = {key.lower(): setting.lower() for key, setting in texts(cast("Mapping[str, Any]", value)).items()}
        return FrozenMap({name: found[name] for name in sorted(found)})
    return FrozenMap({"enabled": text(boolean(value))})


def _upper(value: object) -> str:
    return _string(value).upper()


@attrs.frozen
class Retry:
    """A policy of ``speculative_retry`` or ``additional_write_policy``.

    Attributes:
        kind: ``ALWAYS``, ``NEVER``, ``p`` (a percentile), ``ms``, or ``MIN``, ``MAX`` of a percentile and a time.
        numbers: what the kind counts; percentile first.
    """

    kind: str
    numbers: tuple[Decimal, ...] = ()

    def __str__(self) -> str:
        if self.kind in ("MIN", "MAX"):
            percentile, time = self.numbers
            return f"{self.kind}({_plain(percentile)}p,{_plain(time)}ms)"
        return f"{_plain(self.numbers[0])}{self.kind}" if self.numbers else self.kind


def _plain(number: Decimal) -> str:
    """The number without trailing zeros and without an exponent."""
    shown = f"{number:f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


_PART: Final = r"(\d+(?:\.\d+)?)(p|percentile|ms)"
_ONE: Final = re.compile(_PART, re.IGNORECASE)
_TWO: Final = re.compile(rf"(min|max)\({_PART},\s*{_PART}\)", re.IGNORECASE)


def retry(value: object) -> Retry:
    """The policy that a text means; spelled as either server does.

    >>> str(retry("99.0PERCENTILE")), str(retry("none")), str(retry("max(50.0ms, 99p)"))
    ('99p', 'NEVER', 'MAX(99p,50ms)')

    Raises:
        ValueError: no server takes it.
    """
    said = _string(value)
    if said.upper() in ("ALWAYS", "NEVER", "NONE"):
        return Retry({"NONE": "NEVER"}.get(said.upper(), said.upper()))
    if one := _ONE.fullmatch(said):
        unit, number = _part(one.group(1), one.group(2))
        return Retry(unit, (number,))
    if two := _TWO.fullmatch(said):
        parts = dict(_part(two.group(at), two.group(at + 1)) for at in (2, 4))
        if len(parts) == 2:
            return Retry(two.group(1).upper(), (parts["p"], parts["ms"]))
    raise ValueError(f"{said!r} is no retry policy: 99p, 50ms, ALWAYS, NEVER and MIN(99p,50ms) are")


def _part(number: str, unit: str) -> tuple[str, Decimal]:
    kind, found = unit[0].lower().replace("m", "ms"), Decimal(number)
    if kind == "p" and not 0 < found < 100:
        raise ValueError(f"a percentile is between 0 and 100, and {number} is not")
    return kind, found


_FORMS: Final[Mapping[str, Callable[[object], Any]]] = {
    "additional_write_policy": lambda value: str(retry(value)),
    "allow_auto_snapshot": boolean,
    "bloom_filter_fp_chance": _float,
    "caching": _caching,
    "cdc": _cdc,
    "comment": _string,
    "compaction": _compaction,
    "compression": _compression,
    "crc_check_chance": _float,
    "default_time_to_live": _int,
    "gc_grace_seconds": _int,
    "incremental_backups": boolean,
    "large_data_guardrails_enabled": boolean,
    "max_index_interval": _int,
    "memtable": _string,
    "memtable_flush_period_in_ms": _int,
    "min_index_interval": _int,
    "paxos_grace_seconds": _int,
    "per_partition_rate_limit": _map,
    "read_repair": _upper,
    "speculative_retry": lambda value: str(retry(value)),
    "storage_engine": _string,
    "synchronous_updates": boolean,
    "tablets": _map,
    "tombstone_gc": _map,
}
OPTION_NAMES: Final = frozenset(_FORMS)
"""Every table and view option of the servers that this release knows."""
