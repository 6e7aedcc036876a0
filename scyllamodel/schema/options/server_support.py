"""Declared options that this server refuses, found before anything is sent.

*In*: canonical options and a `ServerProfile`. *Out*: diagnostics OP104 for unknown options, classes and sub-options,
and for values that only other servers accept. Limits that depend on the keyspace or on several options are in
`scyllamodel.schema.rules.option_limits`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from scyllamodel._text import closest
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.options.canonical import OPTION_NAMES, parse_retry_policy
from scyllamodel.schema.options.sub_options import number

if TYPE_CHECKING:
    from scyllamodel.schema.server.profile import ServerProfile

_Fault: TypeAlias = "tuple[str, str]"
"""The problem, without the server, and the fix."""

CREATE_ONLY: Final = frozenset({"storage_engine"})
"""Options that CQL accepts only when a table is created."""


def unsupported_options(options: Mapping[str, Any], server: ServerProfile, path: str) -> list[Diagnostic]:
    """OP104 for each declared option, class or form that this server would refuse.

    Parameters:
        options: canonical options, as declared.
        path: the raw dotted name of the table or view.
    """
    return [
        diagnostic for name in sorted(options) for diagnostic in _option_diagnostics(name, options[name], server, path)
    ]


def unalterable_options(options: Mapping[str, Any], server: ServerProfile, path: str) -> list[Diagnostic]:
    """OP104 for options that this server accepts in ``CREATE``, but not, or not alone, in ``ALTER``.

    Parameters:
        options: the options that an ``ALTER`` would change.
        path: the raw dotted name of the table or view.
    """
    diagnostics = [
        Diagnostic("OP104", "error", path, f"the option {name} can only be set in CREATE TABLE", _KEEP_OR_COPY)
        for name in options
        if name in CREATE_ONLY
    ]
    if set(options) == {"additional_write_policy"} and not server.alters_write_policy_alone:
        message = f"{server} ignores an ALTER that sets only additional_write_policy"
        diagnostics.append(Diagnostic("OP104", "error", path, message, _CHANGE_TOGETHER))
    return diagnostics


_KEEP_OR_COPY: Final = "Keep the stored value, or create a new table and copy the rows."
_CHANGE_TOGETHER: Final = "Change another option with it, such as the comment, or omit it on this server."


def _option_diagnostics(name: str, value: Any, server: ServerProfile, path: str) -> Iterator[Diagnostic]:
    if name not in server.table_options and not _has_stored_column(name, server):
        yield _unknown_option(name, server, path)
    for problem, suggested_fix in _unsupported_values(name, value, server):
        yield Diagnostic("OP104", "error", path, f"{problem} on {server}", suggested_fix)


def _has_stored_column(name: str, server: ServerProfile) -> bool:
    """Whether the server has a column for an option newer than this release."""
    tables = ("tables", "scylla_tables")
    return name not in OPTION_NAMES and any((table, name) in server.schema_columns for table in tables)


def _unknown_option(name: str, server: ServerProfile, path: str) -> Diagnostic:
    """OP104 for an unknown option: a warning for an ``extra`` that this server may know, else an error."""
    nearest = closest(name, server.table_options, cutoff=0.8)
    message = f"the option {name!r} is unknown to {server}"
    if nearest is not None:
        return Diagnostic("OP104", "error", path, message, f"Did you mean {nearest}?")
    if name not in OPTION_NAMES and server.may_have_option(name):
        message = f"whether {server} has the option {name!r} is unknown"
        return Diagnostic("OP104", "warn", path, message, "It is sent unchanged, and the server may refuse it.")
    return Diagnostic("OP104", "error", path, message, "Leave it out for this server.")


def _unsupported_values(name: str, value: Any, server: ServerProfile) -> Iterator[_Fault]:
    limit = _LIMITS.get(name)
    if limit is not None:
        yield from limit(value, server)


def _compaction(value: Mapping[str, str], server: ServerProfile) -> Iterator[_Fault]:
    if not server.has_class(value["class"]):
        yield f"the compaction class {value['class']!r} is unknown", "Choose a class that this server has."
        return
    yield from _sub_options("compaction", value, server)
    resolution = value.get("timestamp_resolution", "MICROSECONDS")
    if resolution not in server.timestamp_resolutions:
        yield f"'timestamp_resolution' {resolution!r} is unknown", _allowed_text(server.timestamp_resolutions)
    if server.bounds_buckets:
        yield from _bucket_faults(value)


def _bucket_faults(value: Mapping[str, str]) -> Iterator[_Fault]:
    low, high = number(value.get("bucket_low", "0.5")), number(value.get("bucket_high", "1.5"))
    if low is not None and not 0 < low < 1:
        yield f"'bucket_low' {low:g} is out of range", "Write a number between 0 and 1."
    if high is not None and high <= 1:
        yield f"'bucket_high' {high:g} is out of range", "Write a number above 1."


def _compression(value: Mapping[str, str], server: ServerProfile) -> Iterator[_Fault]:
    if "class" in value and not server.has_class(value["class"]):
        yield f"the compression class {value['class']!r} is unknown", "Choose a class that this server has."
        return
    yield from _sub_options("compression", value, server)
    max_chunk_length, chunk_length = server.max_chunk_length, value.get("chunk_length_in_kb", "")
    if max_chunk_length is not None and chunk_length.isdecimal() and int(chunk_length) > max_chunk_length:
        yield f"'chunk_length_in_kb' {chunk_length} is out of range", f"Write a power of two up to {max_chunk_length}."


def _sub_options(option: str, value: Mapping[str, str], server: ServerProfile) -> Iterator[_Fault]:
    for name in value:
        if not server.has_sub_option(option, name):
            yield f"the sub-option {name!r} of {option} is unknown", "Leave it out for this server."


def _cdc(value: Mapping[str, str], server: ServerProfile) -> Iterator[_Fault]:
    if not server.has_cdc_log and len(value) > 1:
        yield "a cdc map is unknown", "Write cdc=True; only Scylla has settings for the log."


def _speculative_retry(value: str, server: ServerProfile) -> Iterator[_Fault]:
    if not server.has_retry_ranges and parse_retry_policy(value).kind in ("MIN", "MAX"):
        yield f"the retry policy {value!r} is unknown", "Write one percentile or one time."


def _flush_period(value: int, server: ServerProfile) -> Iterator[_Fault]:
    minimum = server.min_flush_period
    if 0 < value < minimum:
        yield f"memtable_flush_period_in_ms {value} is out of range", f"Write 0 for never, or at least {minimum}."


def _allowed_text(names: frozenset[str]) -> str:
    return f"Use {' or '.join(sorted(names))}."


_LIMITS: Final[Mapping[str, Callable[[Any, ServerProfile], Iterator[_Fault]]]] = {
    "cdc": _cdc,
    "compaction": _compaction,
    "compression": _compression,
    "memtable_flush_period_in_ms": _flush_period,
    "speculative_retry": _speculative_retry,
}
