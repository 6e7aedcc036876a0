"""Formats results for people.

*In*: results of `scyllamodel.release`. *Out*: lines, some of which begin with a mark that selects their colour on a
terminal. The internal tables of a first run are shown in one line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from scyllamodel._text import counted
from scyllamodel.release.engine.results import CheckResult, KeyspaceResult, MigrationResult
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.plan import Plan
from scyllamodel.schema.plan.rendering import creates_internal_table


def diagnostic_lines(diagnostics: Iterable[Diagnostic]) -> list[str]:
    """Return diagnostics with their marks: ``!`` error, ``~`` warning, ``.`` note."""
    marks = {"error": "!", "warn": "~", "note": "."}
    return [f"{marks[item.severity]} {item}" for item in diagnostics]


def plan_text(plan: Plan, *, verbose: bool) -> str:
    """Return a plan as text, with the internal tables in one line unless ``verbose`` is true."""
    internal = sum(map(creates_internal_table, plan.bootstrap))
    line = f"  +     Create {counted(internal, 'internal table')} for the lock and the history (shown by -v)."
    return plan.render(internal_tables="" if verbose else line)


def result_text(result: MigrationResult, *, verbose: bool) -> str:
    """Return the summary of a migration: the plan after a dry run, and notes if nothing was missing."""
    if result.status == "planned":
        return f"{plan_text(result.plan, verbose=verbose)}\n\nDry run: nothing was changed."
    if result.status == "in_sync":
        return "\n".join([f"{result.plan.keyspace}: in sync, nothing to do.", *diagnostic_lines(result.plan.notes)])
    if result.status == "waited":
        return f"{result.plan.keyspace}: another run did it; in sync after {result.duration_ms} ms."
    states = [step.state for step in result.steps]
    skipped = f", {states.count('skipped')} already done" if "skipped" in states else ""
    applied = counted(len(states) - states.count("skipped"), "step")
    action = "rolled back with" if result.status == "rolled_back" else "applied"
    version = f" as version {result.version}" if result.version else ""
    return f"{result.plan.keyspace}: {action} {applied}{skipped} in {result.duration_ms} ms{version}."


def check_text(result: CheckResult, *, verbose: bool) -> str:
    """Return the result of a check, with the plan if the schema is not in sync."""
    if result.in_sync:
        return "\n".join([f"{result.plan.keyspace}: in sync.", *diagnostic_lines(result.notes)])
    return f"{plan_text(result.plan, verbose=verbose)}\n\n{result.plan.keyspace}: not in sync."


def keyspace_text(result: KeyspaceResult) -> str:
    """Return the result of `create_keyspace`: whether the keyspace is new, and its replication."""
    state = "created" if result.created else "already exists"
    settings = ", ".join(f"{name} {replication_factor_text(value)}" for name, value in result.replication.items())
    return "\n".join([f"{result.keyspace}: {state} ({settings}).", *diagnostic_lines(result.notes)])


def replication_factor_text(factor: object) -> str:
    """Return a replication factor as text: a number, or the names of racks."""
    return "+".join(map(str, cast("tuple[object, ...]", factor))) if isinstance(factor, tuple) else str(factor)


def lint_text(models: Sequence[str], diagnostics: Sequence[Diagnostic]) -> str:
    """Return the diagnostics of lint, and the number of models."""
    return "\n".join(
        [*diagnostic_lines(diagnostics), f"{counted(len(models), 'model')}, {counted(len(diagnostics), 'diagnostic')}."]
    )
