"""Ledger steps x the live schema -> the schemas on the way back, and the hand-written statements between them.

*In*: the steps since a version, the newest first, and facts. *Out*: a `Rewound`. What a step did is read from its
stored change alone: texts in the ledger are for people. Rollbacks that stopped part-way are rewound like any other
version, so the same target comes out at each attempt.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from scyllamodel.release.ledger.undone import Progress, progress_of
from scyllamodel.release.ledger.values import LedgerStep, Migration
from scyllamodel.release.rollback.target import Target
from scyllamodel.schema.changes import AddColumns, AddField, AddTable, Change, DropColumns, DropIndex, RenameKeyColumns
from scyllamodel.schema.effects import after
from scyllamodel.schema.facts import KeyspaceFacts, SchemaFacts
from scyllamodel.schema.plan import BY_HAND
from scyllamodel.schema.plan.step import GRANT, UNDO_BY_HAND, is_step
from scyllamodel.schema.postcondition import keyspace_of
from scyllamodel.schema.rewind import before, target_is_missing

_RAN: Final = ("applied", "skipped")


@attrs.frozen
class Stop:
    """A schema on the way back, and the hand-written step to undo there; None at the target."""

    schema: SchemaFacts
    raw: LedgerStep | None = None
    progress: Progress = "open"


@attrs.frozen
class Rewound:
    """A history rewound.

    Attributes:
        stops: the way, the target last.
        made: the schema that the history leads to from the target; what is live otherwise, somebody else did.
        rewound: the steps that are taken back by their changes.
        doubtful: steps that were not applied, as far as the ledger knows.
        opaque: steps that nobody can take back, since what they did is unknown.
        missing: changes whose table is gone, so that what they took away cannot be restored.
        undone: hand-written steps whose undo ran before, as the ledger says.
        faulty: versions whose rows are not all there, or more than there were.
    """

    stops: tuple[Stop, ...]
    made: SchemaFacts
    rewound: tuple[LedgerStep, ...]
    doubtful: tuple[LedgerStep, ...]
    opaque: tuple[LedgerStep, ...]
    missing: tuple[Change, ...]
    undone: tuple[LedgerStep, ...] = ()
    faulty: tuple[Migration, ...] = ()

    @property
    def target(self) -> SchemaFacts:
        """The schema to return to."""
        return self.stops[-1].schema


def rewind(target: Target, found: SchemaFacts) -> Rewound:
    """The way back to this target.

    Parameters:
        target: its versions with their steps.
        found: all keyspaces that the steps speak of, without our own tables.
    """
    return _Rewinding(target, found).all()


class _Rewinding:
    """The state on the way."""

    def __init__(self, target: Target, found: SchemaFacts) -> None:
        self.target = target
        self.parts = {part.name: part for part in found}
        self.progress = progress_of((*target.undone, *target.witnesses))
        self.undone_versions = {version.version for version in target.undone}
        self.stops: list[Stop] = []
        self.rewound: list[LedgerStep] = []
        self.doubtful: list[LedgerStep] = []
        self.opaque: list[LedgerStep] = []
        self.missing: list[Change] = []
        self.undone: list[LedgerStep] = []

    def all(self) -> Rewound:
        for version in self.target.undone:
            for step in sorted(version.steps, key=lambda step: -step.seq):
                self.one(step)
        self.stops.append(Stop(self.schema))
        made = _replayed(self.schema, reversed(self.rewound))
        steps = (tuple(self.rewound), tuple(self.doubtful), tuple(self.opaque))
        faulty = tuple(found for found in (*self.target.undone, *self.target.witnesses) if found.fault is not None)
        return Rewound(tuple(self.stops), made, *steps, tuple(self.missing), tuple(self.undone), faulty)

    @property
    def schema(self) -> SchemaFacts:
        return SchemaFacts(self.parts.values())

    def one(self, step: LedgerStep) -> None:
        change = step.change
        if step.op == GRANT:  # no part of a schema; those on a table go with it
            return
        if step.state not in _RAN:
            self.doubtful.append(step)
        elif step.state == "skipped":  # another hand did it
            return
        elif step.op == UNDO_BY_HAND:
            self.undo_by_hand(step)
        elif step.op == BY_HAND:
            self.by_hand(step)
        elif change is None or not is_step(change):
            self.opaque.append(step)
        else:
            self.take_back(step, change)

    def by_hand(self, step: LedgerStep) -> None:
        progress = self.progress.get(step.key, "open")
        if progress == "done":
            self.undone.append(step)
        else:
            self.stops.append(Stop(self.schema, step, progress))

    def undo_by_hand(self, step: LedgerStep) -> None:
        """An undo that an earlier rollback ran: settled with its step, unless that step is at the target, and stays."""
        if step.undoes is not None and step.undoes[0] not in self.undone_versions:
            self.opaque.append(step)

    def take_back(self, step: LedgerStep, change: Change) -> None:
        name = keyspace_of(change)
        now = self.parts.get(name, KeyspaceFacts(name))
        if target_is_missing(change, now):
            self.missing.append(change)
        if isinstance(change, AddTable):  # it was to go in the end, with all that is missing of it
            self.missing = [lost for lost in self.missing if _table_of(lost) != (name, change.table.name)]
        self.parts[name] = before(change, now)
        self.rewound.append(step)


def _table_of(change: Change) -> tuple[str, str]:
    if isinstance(change, DropIndex):
        return change.keyspace, change.table.name
    return (change.keyspace, change.table) if isinstance(change, (DropColumns, RenameKeyColumns)) else ("", "")


def _replayed(schema: SchemaFacts, steps: Iterable[LedgerStep]) -> SchemaFacts:
    parts = {part.name: part for part in schema}
    for step in steps:
        if (change := step.change) is not None:
            name = keyspace_of(change)
            parts[name] = after(change, parts.get(name, KeyspaceFacts(name)))
    return SchemaFacts(parts.values())


def makers(rewound: Iterable[LedgerStep], keyspace: str, owner: str, name: str) -> Iterator[LedgerStep]:
    """The steps that added a field to a type, or a column to a table."""
    for step in rewound:
        change = step.change
        if isinstance(change, AddField) and (change.keyspace, change.type, change.name) == (keyspace, owner, name):
            yield step
        elif isinstance(change, AddColumns) and (change.keyspace, change.table) == (keyspace, owner):
            yield from [step] * any(column.name == name for column in change.columns)
