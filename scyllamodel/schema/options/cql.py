"""CQL for canonical options, in the spelling of the connected server.

*In*: canonical options and a `ServerProfile`. *Out*: ``name = value`` pieces for a ``WITH`` clause. The text is stable:
a map has its ``class`` first, then its settings by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from scyllamodel._identifiers import string_literal
from scyllamodel.schema.options.canonical import RetryPolicy, parse_retry_policy, setting_text

if TYPE_CHECKING:
    from scyllamodel.schema.server.profile import ServerProfile


def option_cql(name: str, value: Any, server: ServerProfile) -> str:
    """``name = value`` for a ``WITH`` clause.

    >>> from scyllamodel.schema.server.profile import ServerProfile
    >>> option_cql("compression", {"class": "LZ4Compressor"}, ServerProfile("scylla"))
    "compression = {'sstable_compression': 'LZ4Compressor'}"
    """
    return f"{name} = {_value(name, value, server)}"


def map_cql(settings: Mapping[str, Any]) -> str:
    """A map literal, with ``class`` first and the other settings by name.

    >>> map_cql({"b": "it's", "class": "X"})
    "{'class': 'X', 'b': 'it''s'}"
    """
    ordered = sorted(settings, key=lambda name: (name not in _LEADING_SETTINGS, name))
    return "{" + ", ".join(f"{string_literal(name)}: {_setting(settings[name])}" for name in ordered) + "}"


def _setting(value: Any) -> str:
    """A text, number or boolean as a string literal; rack names as a list."""
    if isinstance(value, tuple):
        return "[" + ", ".join(string_literal(str(item)) for item in cast("tuple[object, ...]", value)) + "]"
    return string_literal(setting_text(value))


_LEADING_SETTINGS: Final = ("class", "sstable_compression", "enabled")


def _value(name: str, value: Any, server: ServerProfile) -> str:
    if name in ("speculative_retry", "additional_write_policy"):
        return string_literal(_retry(parse_retry_policy(value), server))
    if name == "compression":
        return map_cql(_compression(value, server))
    if name == "cdc" and not server.has_cdc_log:
        return str(value["enabled"])
    if isinstance(value, Mapping):
        return map_cql(cast("Mapping[str, str]", value))
    return setting_text(value) if isinstance(value, (int, float)) else string_literal(str(value))


def _compression(value: Mapping[str, str], server: ServerProfile) -> dict[str, str]:
    if not value:
        return {**server.disabled_compression}
    return {server.compression_key if name == "class" else name: setting for name, setting in value.items()}


def _retry(policy: RetryPolicy, server: ServerProfile) -> str:
    if not server.uses_long_retry_names:
        return str(policy)
    if policy.kind == "p":
        return f"{str(policy)[:-1]}PERCENTILE"
    return "NONE" if policy.kind == "NEVER" else str(policy)
