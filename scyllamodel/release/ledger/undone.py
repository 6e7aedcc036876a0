"""What rollbacks did of the undo of hand-written steps, of which the schema tells nothing.

*In*: versions with their steps. *Out*: for each hand-written step, by its version and number, what became of its undo.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal, TypeAlias

from scyllamodel.release.ledger.values import LedgerStep, Migration
from scyllamodel.schema.plan import RAW_OP

UndoProgress: TypeAlias = Literal["open", "done", "unknown"]
"""What became of an undo so far: not run, run, or a run was cut short in it and nothing tells."""


def undo_progress(versions: Iterable[Migration]) -> dict[tuple[int, int], UndoProgress]:
    """For each hand-written step that a rollback came to, what became of its undo; the last word counts.

    One that ran is done for good: no rollback runs it again.
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
    """The hand-written steps that ran and were not taken back, by their statement as the ledger has it.

    A step counts only within a version that the ledger knows, that has room for it, and that was made for models of
    this program: rows are data, and one that stands alone proves nothing.

    Parameters:
        models: the packages that the models come from; none counts every version.
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
