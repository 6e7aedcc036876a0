"""Versions of the ledger x the live schema -> the plan that takes them back.

*In*: where to go, with the stored steps of what came after; the schema; what may be lost. *Out*: a `Plan` like any
other, whose statements are the stored inverses, the newest first. No I/O: each statement is judged here against what
those before it leave, so that all that stands in the way is told before the first one runs. What is undone already is
left out, so that a rollback that was cut short goes on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

import attrs

from scyllamodel.errors import IrreversibleStep
from scyllamodel.release.ledger.settle import shows
from scyllamodel.release.ledger.values import LedgerStep
from scyllamodel.release.rollback.target import Target
from scyllamodel.schema.changes import AddColumns, AddField, Change
from scyllamodel.schema.ddl import statement
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.effects import after
from scyllamodel.schema.facts import KeyspaceFacts, SchemaFacts
from scyllamodel.schema.fingerprint import fingerprint
from scyllamodel.schema.inverse import container_is_gone, inverse_of, judged, narrowed
from scyllamodel.schema.plan import Plan, Step, make_step
from scyllamodel.schema.postcondition import holds, keyspace_of
from scyllamodel.schema.rules.destructive import dropped_keyspace
from scyllamodel.schema.server import ServerProfile


def rollback_plan(target: Target, found: SchemaFacts, server: ServerProfile, *, allow: Collection[str] = ()) -> Plan:
    """The plan that takes the schema back to this target.

    Refusals stand in it, as in every plan: what would be lost and is not allowed, what depends on what would go, and
    what is no longer what the version left.

    Parameters:
        target: its ``undone`` versions with their steps.
        found: all keyspaces that the steps speak of, without the tables of our own bookkeeping.
        allow: codes, or ``code:object``, of what may be lost, such as ``DS103:orders.total``; also of empty tables.

    Raises:
        IrreversibleStep: CQL has no inverse for some of the steps; names all of them.
    """
    draft = _undone(target, found, server, allow)
    draft.raise_irreversible()
    return Plan(
        keyspace=", ".join(part.name for part in found),
        server=str(server),
        schema_from=fingerprint(found),
        schema_to=fingerprint(draft.left),
        steps=tuple(draft.steps),
        refusals=tuple(draft.refusals),
        notes=tuple(draft.notes),
    )


def schema_at(target: Target, found: SchemaFacts, server: ServerProfile) -> SchemaFacts:
    """The schema as it was after the target's version, as far as the stored steps tell: what CQL cannot undo stays.

    Parameters:
        target, found: as of `rollback_plan`.
    """
    return _undone(target, found, server, ()).left


def _undone(target: Target, found: SchemaFacts, server: ServerProfile, allow: Collection[str]) -> _Draft:
    draft = _Draft(found, server, frozenset(allow))
    for migration in target.undone:
        for step in sorted(migration.steps, key=lambda step: -step.seq):
            draft.undo(step)
    return draft


class _Draft:
    """The plan on its way, and the schema as it will be by then."""

    def __init__(self, found: SchemaFacts, server: ServerProfile, allow: frozenset[str]) -> None:
        self.server, self.allow = server, allow
        self.parts = {part.name: part for part in found}
        self.steps: list[Step] = []
        self.refusals: list[Diagnostic] = []
        self.notes: list[Diagnostic] = []
        self.stuck: list[LedgerStep] = []

    @property
    def left(self) -> SchemaFacts:
        """The schema after all steps."""
        return SchemaFacts(self.parts.values())

    def part(self, change: Change) -> KeyspaceFacts:
        name = keyspace_of(change)
        return self.parts.get(name, KeyspaceFacts(name))

    def undo(self, step: LedgerStep) -> None:
        """Take back what was ours; speak of what nobody can tell."""
        change = step.change
        inverse = None if change is None or step.undo is None else inverse_of(change)
        if step.state != "applied":
            self.doubt(step)
        elif change is None:
            self.by_hand(step)
        elif inverse is None:
            self.stuck.append(step)
        else:
            self.take_back(step, inverse)

    def take_back(self, step: LedgerStep, inverse: Change) -> None:
        now = self.part(inverse)
        if holds(inverse, now, self.server) or container_is_gone(inverse, now):
            return
        smaller = narrowed(inverse, now)
        remarks = judged(smaller, now, self.server, self.allow)
        refused = [remark for remark in remarks if remark.severity == "error"]
        self.refusals += refused
        if not refused:
            lints = [remark for remark in remarks if remark.severity != "error"]
            cql = step.undo if smaller == inverse and step.undo else statement(smaller, self.server)
            self.steps.append(self.made(step, smaller, cql, lints))
        self.parts[now.name] = after(smaller, now)

    def made(self, step: LedgerStep, inverse: Change, cql: str, lints: Iterable[Diagnostic]) -> Step:
        """Its own undo is what was done first; a rollback is never rolled back, so that is for readers only."""
        made = make_step(len(self.steps) + 1, inverse, lints, self.server)
        return attrs.evolve(made, cql=cql, undo=step.cql, why_no_undo="")

    def by_hand(self, step: LedgerStep) -> None:
        """A statement that the application gave, with its inverse; the schema cannot tell whether it is undone."""
        if step.undo is None:
            self.stuck.append(step)
            return
        said = dropped_keyspace(step.undo, self.parts, self.allow)
        if said is not None and said.severity == "error":
            self.refusals.append(said)
            return
        seq, lints = len(self.steps) + 1, () if said is None else (said,)
        undone = Step(seq, f"undo_{step.op}", step.object, step.undo, step.cql, f"Undo {step.object}.", lints=lints)
        self.steps.append(attrs.evolve(undone, data_loss=said is not None))

    def doubt(self, step: LedgerStep) -> None:
        """A step that failed, or that another hand did, is not ours to take back."""
        if step.state != "skipped" and shows(step, lambda name: self.parts.get(name, KeyspaceFacts(name)), self.server):
            text = f"step {step.seq} of version {step.version} is {step.state}, yet the schema holds it; it is left"
            self.notes.append(
                Diagnostic("RB105", "note", step.object, text, f"If it is to go: {step.undo or 'by hand'}")
            )

    def raise_irreversible(self) -> None:
        """A step without inverse does no harm if what it changed goes as a whole."""
        stuck = [step for step in self.stuck if not self.went_with_its_table(step.change)]
        if not stuck:
            return
        listed = "\n".join(f"  version {step.version}, step {step.seq}: {step.cql}" for step in stuck)
        raise IrreversibleStep(
            f"{stuck[0].scope}: CQL has no inverse for what was done to get here, and nothing ran:\n{listed}\n"
            "Go back to a version after these, or bring the schema forward by new models instead.",
            steps=tuple(stuck),
        )

    def went_with_its_table(self, change: Change | None) -> bool:
        if isinstance(change, AddField):
            return self.part(change).type(change.type) is None
        return isinstance(change, AddColumns) and self.part(change).table(change.table) is None
