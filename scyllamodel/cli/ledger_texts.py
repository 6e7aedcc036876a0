"""Formats the status and the history of a keyspace for people.

*In*: results of `scyllamodel.release`. *Out*: lines.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from scyllamodel._cql import one_line
from scyllamodel._text import counted, printable_line
from scyllamodel.cli.formatting import diagnostic_lines
from scyllamodel.release.ledger import LedgerStep, Migration
from scyllamodel.release.status import LockHolder, Status

_SILENCE_THRESHOLD: Final = 30.0
"""Seconds without a heartbeat after which the silence is reported: the length of a lease."""


def holder_text(holder: LockHolder) -> str:
    """Return a description of the lock's holder: its process, how long it has held the lock, and its current step."""
    duration = "" if holder.age is None else f", for {holder.age:.0f} s"
    silent_seconds = holder.silent or 0.0
    duration += f", silent for {silent_seconds:.0f} s" if silent_seconds > _SILENCE_THRESHOLD else ""
    position = "" if holder.step is None else f", at step {holder.step} of version {holder.version}"
    return printable_line(f"process {holder.pid} on {holder.host} ({holder.purpose}{duration}{position})")


def status_text(status: Status) -> str:
    """Return the status of a keyspace, one line for each fact."""
    version = "no history" if status.version is None else f"version {status.version}, {status.state}"
    unbuilt = "not permitted to read" if status.unbuilt is None else ", ".join(status.unbuilt) or "nothing"
    lines = [
        f"{status.scope}: {version}",
        *([f"  failure: {status.failure}"] if status.failure else []),
        f"  lock: {'free' if status.lock is None else holder_text(status.lock)}",
        f"  being built: {unbuilt}",
    ]
    return "\n".join([*map(printable_line, lines), *diagnostic_lines(status.notes)])


def history_text(versions: Iterable[Migration]) -> str:
    """Return a line for each version, and one for each of its statements if they were read."""
    lines = [line for version in versions for line in _version_lines(version)]
    return "\n".join(lines) or "No history: scyllamodel has not migrated this keyspace."


def _version_lines(version: Migration) -> list[str]:
    author = f"{version.actor}@{version.host}" if version.host else "unknown"
    steps = f"{version.applied} of {counted(version.total, 'step')}" if version.total else "no steps"
    duration = "" if version.duration_ms is None else f" in {version.duration_ms} ms"
    summary = (
        f"{version.version}  {version.kind:<8}  {version.status:<11}  {steps}{duration}, by {author}: {version.name}"
    )
    error = [f"    {version.error}"] if version.error else []
    return [printable_line(line) for line in (summary, *error, *map(_step_line, version.steps))]


def _step_line(step: LedgerStep) -> str:
    cql = one_line(step.cql)
    return f"    {step.seq:>2}. {step.state:<11}  {step.duration_ms:>5} ms  {cql}"
