"""Canonical options -> CQL text as the server at hand wants it, and what that server does not know.

*In*: canonical options and a `ServerProfile`. *Out*: ``name = value`` pieces for a ``WITH`` clause, or diagnostics
OP104. Text is stable: a map's ``class`` first, then its settings by name.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from scyllamodel._identifiers import string
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.options.canonical import OPTION_NAMES, Retry, retry, text

if TYPE_CHECKING:
    from scyllamodel.schema.server import ServerProfile

CREATE_ONLY: Final = frozenset({"storage_engine"})
"""Options that CQL takes when a table is made and never again."""


def option_cql(name: str, value: Any, server: ServerProfile) -> str:
    """``name = value`` for a ``WITH`` clause.

    >>> from scyllamodel.schema.server import ServerProfile
    >>> option_cql("compression", {"class": "LZ4Compressor"}, ServerProfile("scylla"))
    "compression = {'sstable_compression': 'LZ4Compressor'}"
    """
    return f"{name} = {_value(name, value, server)}"


def map_cql(settings: Mapping[str, Any]) -> str:
    """A map literal, ``class`` first and the rest by name.

    >>> map_cql({"b": "it's", "class": "X"})
    "{'class': 'X', 'b': 'it''s'}"
    """
    ordered = sorted(settings, key=lambda name: (name not in _FIRST, name))
    return "{" + ", ".join(f"{string(name)}: {_setting(settings[name])}" for name in ordered) + "}"


def _setting(value: Any) -> str:
    """A text, number or boolean as text; names of racks as a list."""
    if isinstance(value, tuple):
        return "[" + ", ".join(string(str(item)) for item in cast("tuple[object, ...]", value)) + "]"
    return string(text(value))


_FIRST: Final = ("class", "sstable_compression", "enabled")


def _value(name: str, value: Any, server: ServerProfile) -> str:
    if name in ("speculative_retry", "additional_write_policy"):
        return string(_retry(retry(value), server))
    if name == "compression":
        return map_cql(_compression(value, server))
    if name == "cdc" and not server.has_cdc_log:
        return str(value["enabled"])
    if isinstance(value, Mapping):
        return map_cql(cast("Mapping[str, str]", value))
    return text(value) if isinstance(value, (int, float)) else string(str(value))


def _compression(value: Mapping[str, str], server: ServerProfile) -> dict[str, str]:
    if not value:
        return {**server.no_compression}
    return {server.compression_key if name == "class" else name: setting for name, setting in value.items()}


def _retry(policy: Retry, server: ServerProfile) -> str:
    if not server.spells_retries_out:
        return str(policy)
    if policy.kind == "p":
        return f"{str(policy)[:-1]}PERCENTILE"
    return "NONE" if policy.kind == "NEVER" else str(policy)


def unknown_here(options: Mapping[str, Any], server: ServerProfile, where: str) -> list[Diagnostic]:
    """OP104 for each declared option, class or form that this server would refuse.

    Parameters:
        options: canonical options, as declared.
        where: the raw dotted name of the table or view.
    """
    return [found for name in sorted(options) for found in _remarks(name, options[name], server, where)]


def unalterable(options: Mapping[str, Any], server: ServerProfile, where: str) -> list[Diagnostic]:
    """OP104 for what this server takes when a table is made, but not, or not by itself, in an ``ALTER``.

    Parameters:
        options: those that an ``ALTER`` would change.
        where: the raw dotted name of the table or view.
    """
    found = [
        Diagnostic("OP104", "error", where, f"the option {name} can only be given when the table is made", _KEEP)
        for name in sorted(CREATE_ONLY.intersection(options))
    ]
    if set(options) == {"additional_write_policy"} and not server.alters_write_policy_alone:
        said = f"{server} forgets an ALTER of additional_write_policy alone, and answers that nothing changed"
        found.append(Diagnostic("OP104", "error", where, said, _TOGETHER))
    return found


_KEEP: Final = "Leave it as it is, or make a new table and copy."
_TOGETHER: Final = "Change another option with it, such as the comment; or leave it out on this server."


def _remarks(name: str, value: Any, server: ServerProfile, where: str) -> Iterator[Diagnostic]:
    if name not in server.table_options and not _has_column(name, server):
        yield _unknown(name, server, where)
    for said, fix in _forms(name, value, server):
        yield Diagnostic("OP104", "error", where, f"{said} is unknown to {server}", fix)


def _has_column(name: str, server: ServerProfile) -> bool:
    """Whether an option newer than this release shows in what the server stores."""
    tables = ("tables", "scylla_tables")
    return name not in OPTION_NAMES and any((table, name) in server.schema_columns for table in tables)


def _unknown(name: str, server: ServerProfile, where: str) -> Diagnostic:
    """An error, unless it is an ``extra`` that a server which does not list its options may well know."""
    near = difflib.get_close_matches(name, server.table_options, 1, 0.8)
    said = f"the option {name!r} is unknown to {server}"
    if near:
        return Diagnostic("OP104", "error", where, said, f"Did you mean {near[0]}?")
    if name not in OPTION_NAMES and not server.lists_its_options:
        said = f"nobody here knows whether {server} has the option {name!r}"
        return Diagnostic("OP104", "warn", where, said, "It is sent as it stands, and the server may refuse it.")
    return Diagnostic("OP104", "error", where, said, "Leave it out for this server.")


def _forms(name: str, value: Any, server: ServerProfile) -> Iterator[tuple[str, str]]:
    if name in ("compaction", "compression") and not server.has_class(str(value.get("class", "")).rpartition(".")[2]):
        yield f"the {name} class {value['class']!r}", "Choose a class that this server has."
    if name == "cdc" and not server.has_cdc_log and len(value) > 1:
        yield "a cdc map", "Write cdc=True; a log with settings is Scylla's."
    if name == "speculative_retry" and not server.has_retry_ranges and retry(value).kind in ("MIN", "MAX"):
        yield f"the retry policy {value!r}", "Write one percentile or one time."
