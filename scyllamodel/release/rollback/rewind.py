"""Rewinds the schema through the recorded changes, with stops at raw steps to undo.

*In*: the steps since a version, newest first, and live facts. *Out*: a `RewoundHistory`. Changes are read from their
stored form; texts in the ledger are for people. Incomplete rollbacks are rewound like any version, so each attempt has
the same target.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from scyllamodel.release.ledger.records import LedgerStep, Migration
from scyllamodel.release.ledger.undo_progress import UndoProgress, undo_progress
from scyllamodel.release.rollback.target import RollbackTarget
from scyllamodel.schema.changes.effects import facts_after
from scyllamodel.schema.changes.kinds import (
    AddColumns,
    AddField,
    AddTable,
    Change,
    DropColumns,
    DropIndex,
    RenameKeyColumns,
)
from scyllamodel.schema.changes.postconditions import keyspace_of
from scyllamodel.schema.changes.undo import facts_before, target_is_missing
from scyllamodel.schema.facts.objects import KeyspaceFacts, SchemaFacts
from scyllamodel.schema.plan import RAW_OP
from scyllamodel.schema.plan.step import GRANT_OP, UNDO_RAW_OP, is_step

_EXECUTED: Final = ("applied", "skipped")


@attrs.frozen
class RewindPoint:
    """A schema on the way back and the raw step to undo there; None at the target."""

    schema: SchemaFacts
    raw_step: LedgerStep | None = None
    progress: UndoProgress = "open"


@attrs.frozen
class RewoundHistory:
    """The result of rewinding.

    Attributes:
        points: the last one is the target.
        replayed: the schema that the history leads to from the target; other live objects are not from it.
        rewound: steps undone by their changes.
        doubtful: steps that were not applied, by the ledger.
        opaque: steps that cannot be undone because their change is unknown.
        missing: changes to tables that do not exist any more.
        undone: raw steps whose undo already ran.
        faulty: versions whose step rows are incomplete or contradict the end.
    """

    points: tuple[RewindPoint, ...]
    replayed: SchemaFacts
    rewound: tuple[LedgerStep, ...]
    doubtful: tuple[LedgerStep, ...]
    opaque: tuple[LedgerStep, ...]
    missing: tuple[Change, ...]
    undone: tuple[LedgerStep, ...] = ()
    faulty: tuple[Migration, ...] = ()

    @property
    def target(self) -> SchemaFacts:
        """The schema to return to."""
        return self.points[-1].schema


def rewind(target: RollbackTarget, live: SchemaFacts) -> RewoundHistory:
    """Rewind the live schema to a target.

    Parameters:
        target: with the steps of its versions.
        live: all keyspaces of the steps, without internal tables.
    """
    return _Rewinder(target, live).run()


class _Rewinder:
    """State while rewinding."""

    def __init__(self, target: RollbackTarget, live: SchemaFacts) -> None:
        self.target = target
        self.keyspaces = {part.name: part for part in live}
        self.progress = undo_progress((*target.undone, *target.abandoned_rollbacks))
        self.undone_versions = {version.version for version in target.undone}
        self.points: list[RewindPoint] = []
        self.rewound: list[LedgerStep] = []
        self.doubtful: list[LedgerStep] = []
        self.opaque: list[LedgerStep] = []
        self.missing: list[Change] = []
        self.undone: list[LedgerStep] = []

    def run(self) -> RewoundHistory:
        for version in self.target.undone:
            for step in sorted(version.steps, key=lambda step: -step.seq):
                self.rewind_step(step)
        self.points.append(RewindPoint(self.schema))
        replayed = _replay(self.schema, reversed(self.rewound))
        steps = (tuple(self.rewound), tuple(self.doubtful), tuple(self.opaque))
        faulty = tuple(
            migration
            for migration in (*self.target.undone, *self.target.abandoned_rollbacks)
            if migration.fault is not None
        )
        return RewoundHistory(tuple(self.points), replayed, *steps, tuple(self.missing), tuple(self.undone), faulty)

    @property
    def schema(self) -> SchemaFacts:
        return SchemaFacts(self.keyspaces.values())

    def rewind_step(self, step: LedgerStep) -> None:
        change = step.change
        if step.op == GRANT_OP:  # not part of a schema; permissions on a table disappear with it
            return
        if step.state not in _EXECUTED:
            self.doubtful.append(step)
        elif step.state == "skipped":  # another program did it
            return
        elif step.op == UNDO_RAW_OP:
            self.add_raw_undo(step)
        elif step.op == RAW_OP:
            self.add_raw_step(step)
        elif change is None or not is_step(change):
            self.opaque.append(step)
        else:
            self.undo_change(step, change)

    def add_raw_step(self, step: LedgerStep) -> None:
        progress = self.progress.get(step.key, "open")
        if progress == "done":
            self.undone.append(step)
        else:
            self.points.append(RewindPoint(self.schema, step, progress))

    def add_raw_undo(self, step: LedgerStep) -> None:
        """Skip an undo of an earlier rollback, which cancels out with its step, unless the target has that step."""
        if step.undone_step is not None and step.undone_step[0] not in self.undone_versions:
            self.opaque.append(step)

    def undo_change(self, step: LedgerStep, change: Change) -> None:
        name = keyspace_of(change)
        current = self.keyspaces.get(name, KeyspaceFacts(name))
        if target_is_missing(change, current):
            self.missing.append(change)
        if isinstance(change, AddTable):  # the table is dropped anyway, with all that is missing of it
            self.missing = [
                missing_change
                for missing_change in self.missing
                if _changed_table(missing_change) != (name, change.table.name)
            ]
        self.keyspaces[name] = facts_before(change, current)
        self.rewound.append(step)


def _changed_table(change: Change) -> tuple[str, str] | None:
    if isinstance(change, DropIndex):
        return change.keyspace, change.table.name
    return (change.keyspace, change.table) if isinstance(change, (DropColumns, RenameKeyColumns)) else None


def _replay(schema: SchemaFacts, steps: Iterable[LedgerStep]) -> SchemaFacts:
    keyspaces = {part.name: part for part in schema}
    for step in steps:
        if (change := step.change) is not None:
            name = keyspace_of(change)
            keyspaces[name] = facts_after(change, keyspaces.get(name, KeyspaceFacts(name)))
    return SchemaFacts(keyspaces.values())


def adding_steps(rewound: Iterable[LedgerStep], keyspace: str, owner: str, name: str) -> Iterator[LedgerStep]:
    """Yield steps that added a field to a type, or a column to a table."""
    for step in rewound:
        change = step.change
        if isinstance(change, AddField) and (change.keyspace, change.type, change.name) == (keyspace, owner, name):
            yield step
        elif isinstance(change, AddColumns) and (change.keyspace, change.table) == (keyspace, owner):
            yield from [step] * any(column.name == name for column in change.columns)
