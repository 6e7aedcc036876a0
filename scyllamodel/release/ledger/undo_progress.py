"""Tracks the undo statements of raw steps, which the schema does not show.

*In*: versions with their steps. *Out*: the state of the undo of each raw step, by version and number.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal, TypeAlias

from scyllamodel.release.ledger.records import LedgerStep, Migration
from scyllamodel.schema.plan import RAW_OP

UndoProgress: TypeAlias = Literal["open", "done", "unknown"]
"""State of an undo: not run, run, or interrupted with an unknown outcome."""


def undo_progress(versions: Iterable[Migration]) -> dict[tuple[int, int], UndoProgress]:
    """Return the undo state of each raw step that a rollback reached; the last one counts.

    One that ran is done: no rollback runs it again.
    """
    progress: dict[tuple[int, int], UndoProgress] = {}
    for version in sorted(versions, key=lambda version: version.version):
        for step in version.steps:
            if step.undone_step is not None and progress.get(step.undone_step) != "done":
                progress[step.undone_step] = (
                    "done" if step.is_done else "unknown" if step.state == "claimed" else "open"
                )
    return progress


def executed_raw_steps(versions: Iterable[Migration], models: Collection[str] = ()) -> dict[str, LedgerStep]:
    """Return raw steps that were executed and not undone, by recorded statement.

    A step counts only if its version is in the ledger, has room for it, and was made for models of this program: a row
    on its own proves nothing.

    Parameters:
        models: packages of the models; empty accepts every version.
    """
    migrations = list(versions)
    progress = undo_progress(migrations)
    relevant = (
        migration
        for migration in migrations
        if migration.is_in_effect and not (migration.models and models and set(models).isdisjoint(migration.models))
    )
    steps = ((version, step) for version in relevant for step in version.steps)
    return {
        step.cql: step
        for version, step in steps
        if step.op == RAW_OP and step.is_done and step.seq <= version.total and progress.get(step.key) != "done"
    }
