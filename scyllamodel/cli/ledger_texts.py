"""Formats the status and the history of a keyspace for people.

*In*: results of `scyllamodel.release`. *Out*: lines.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from scyllamodel._cql import one_line
from scyllamodel._text import printable_line
from scyllamodel.cli.texts import counted, diagnostic_lines
from scyllamodel.release import LedgerStep, LockHolder, Migration, Status

_QUIET: Final = 30.0
"""Seconds without a heartbeat after which the silence is reported: the length of a lease."""


def holder_text(holder: LockHolder) -> str:
    """Return a description of the lock's holder: its process, how long it has held the lock, and its current step."""
    since = "" if holder.age is None else f", for {holder.age:.0f} s"
    silent = holder.silent or 0.0
    since += f", silent for {silent:.0f} s" if silent > _QUIET else ""
    at = "" if holder.step is None else f", at step {holder.step} of version {holder.version}"
    return printable_line(f"process {holder.pid} on {holder.host} ({holder.purpose}{since}{at})")


def status_text(found: Status) -> str:
    """Return the status of a keyspace, one line for each fact."""
    version = "no history" if found.version is None else f"version {found.version}, {found.state}"
    built = "not permitted to read" if found.unbuilt is None else ", ".join(found.unbuilt) or "nothing"
    lines = [
        f"{found.scope}: {version}",
        *([f"  failure: {found.failure}"] if found.failure else []),
        f"  lock: {'free' if found.lock is None else holder_text(found.lock)}",
        f"  being built: {built}",
    ]
    return "\n".join([*map(printable_line, lines), *diagnostic_lines(found.notes)])


def history_text(found: Iterable[Migration]) -> str:
    """Return a line for each version, and one for each of its statements if they were read."""
    lines = [line for one in found for line in _version_lines(one)]
    return "\n".join(lines) or "No history: scyllamodel has not migrated this keyspace."


def _version_lines(found: Migration) -> list[str]:
    who = f"{found.actor}@{found.host}" if found.host else "unknown"
    steps = f"{found.applied} of {counted(found.total, 'step')}" if found.total else "no steps"
    took = "" if found.duration_ms is None else f" in {found.duration_ms} ms"
    first = f"{found.version}  {found.kind:<8}  {found.status:<11}  {steps}{took}, by {who}: {found.name}"
    error = [f"    {found.error}"] if found.error else []
    return [printable_line(line) for line in (first, *error, *map(_step_line, found.steps))]


def _step_line(step: LedgerStep) -> str:
    cql = one_line(step.cql)
    return f"    {step.seq:>2}. {step.state:<11}  {step.duration_ms:>5} ms  {cql}"
