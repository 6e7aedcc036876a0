"""Plans a rollback from the rewound history and the live schema; no I/O.

*In*: the target with the steps since then, the schema, what may be lost. *Out*: a `RollbackPlan`. Its statements lead
from the live schema to the target's, so changes back and forth cost nothing and a retry does only what is missing.
Each is checked against the schema after those before it; all refusals are in the plan.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

import attrs

from scyllamodel._text import printable_line
from scyllamodel.errors import IrreversibleStep, LedgerError
from scyllamodel.release.engine.raw_steps import RawStep
from scyllamodel.release.ledger.crash_recovery import is_step_applied
from scyllamodel.release.ledger.records import LedgerStep, Migration
from scyllamodel.release.rollback.raw_undo import raw_undo, undo_step, undone_note
from scyllamodel.release.rollback.rewind import RewindPoint, RewoundHistory, adding_steps, rewind
from scyllamodel.release.rollback.target import RollbackTarget
from scyllamodel.schema.changes.keyspace_state import KeyspaceState
from scyllamodel.schema.changes.kinds import AddColumns, Change, DropColumns, Unmanaged
from scyllamodel.schema.changes.postconditions import keyspace_of
from scyllamodel.schema.changes.undo import inverse_of, no_undo_reason
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts.fingerprint import fingerprint
from scyllamodel.schema.facts.objects import KeyspaceFacts, SchemaFacts
from scyllamodel.schema.plan import RAW_OP, Plan, Step, make_step, transition
from scyllamodel.schema.rules.raw_statements import RawStatementChecker
from scyllamodel.schema.rules.undo import evaluate_change, name_taken, with_recorded_facts, with_unwritten
from scyllamodel.schema.server.profile import ServerProfile


@attrs.frozen
class RollbackPlan:
    """A rollback plan, and the ledger steps that CQL cannot undo."""

    plan: Plan
    irreversible: tuple[LedgerStep, ...] = ()

    def raise_refused(self) -> None:
        """Raise the refusals, if any.

        Raises:
            IrreversibleStep: lists all steps without an inverse.
            DestructiveChangeRefused, ImpossibleChange: as in `Plan.raise_refused`.
        """
        if self.irreversible:
            statements = "\n".join(
                f"  version {step.version}, step {step.seq}: {printable_line(step.cql)}" for step in self.irreversible
            )
            raise IrreversibleStep(
                f"{self.irreversible[0].scope}: CQL cannot undo these steps, and nothing ran:\n"
                f"{statements}\nRoll back to a later version, or change the schema with new models.",
                steps=self.irreversible,
            )
        self.plan.raise_refused()


def rollback_plan(
    target: RollbackTarget,
    live: SchemaFacts,
    server: ServerProfile,
    *,
    allow: Collection[str] = (),
    steps: Iterable[RawStep] = (),
    protected: Collection[str] = (),
    evaluator: RawStatementChecker | None = None,
) -> RollbackPlan:
    """Plan a rollback to a target.

    The plan contains all refusals: data that would be lost without permission, objects that depend on others, changes
    outside of the history, and what CQL cannot do.

    Parameters:
        target: with the steps of its versions.
        live: all keyspaces of the steps, without internal tables.
        allow: codes, or ``code:object``, of what may be lost, such as ``DS103:orders.total``; also for empty tables.
        steps: raw steps of the code, for their undo.
        protected: further keyspaces that no raw undo may drop.
        evaluator: checks raw undos; None for one that knows the keyspaces of ``live`` alone.
    """
    evaluator = evaluator or RawStatementChecker(", ".join(part.name for part in live), live, server)
    return _RollbackPlanner(
        rewind(target, live), live, server, frozenset(allow), tuple(steps), frozenset(protected), evaluator
    ).build()


def remaining_plan(target: RollbackTarget, live: SchemaFacts, server: ServerProfile) -> Plan:
    """Plan what still separates the schema from the target after a rollback ran.

    Parameters:
        target, live: as in `rollback_plan`.
    """
    rewound = rewind(target, live)
    target_point = attrs.evolve(
        rewound, points=rewound.points[-1:], doubtful=(), opaque=(), missing=(), undone=(), faulty=()
    )
    return (
        _RollbackPlanner(target_point, live, server, frozenset(), (), frozenset(), RawStatementChecker("", (), server))
        .build()
        .plan
    )


def schema_at(target: RollbackTarget, live: SchemaFacts) -> SchemaFacts:
    """Return the schema after the target's version, by the stored steps.

    Parameters:
        target, live: as in `rollback_plan`.

    Raises:
        LedgerError: rows of later steps are missing.
    """
    rewound = rewind(target, live)
    for version in rewound.faulty:
        raise LedgerError(
            f"{version.scope}: later changes cannot be read from version {version.version}: {version.fault}. "
            "Check who may write that table, and: scyllamodel history --steps",
            scope=version.scope,
        )
    return rewound.target


class _RollbackPlanner:
    """Plans a rollback, tracking the schema after each step."""

    def __init__(  # noqa: PLR0917 - one caller
        self,
        rewound: RewoundHistory,
        live: SchemaFacts,
        server: ServerProfile,
        allow: frozenset[str],
        raw_steps: tuple[RawStep, ...],
        protected: frozenset[str],
        evaluator: RawStatementChecker,
    ) -> None:
        self.rewound, self.live, self.server, self.allow, self.raw_steps = rewound, live, server, allow, raw_steps
        self.keyspaces = {part.name: KeyspaceState(part) for part in live}
        self.protected, self.evaluator = protected | self.keyspaces.keys(), evaluator
        self.replayed = {part.name: KeyspaceState(part) for part in rewound.replayed}
        self.has_raw_steps = any(stop.raw_step is not None for stop in rewound.points)
        self.steps: list[Step] = []
        self.refusals: list[Diagnostic] = []
        self.irreversible: dict[tuple[int, int], LedgerStep] = {step.key: step for step in rewound.opaque}

    def build(self) -> RollbackPlan:
        for point in self.rewound.points:
            self.plan_to(point)
        self.refusals += [
            diagnostic for change in self.rewound.missing for diagnostic in self.unrestorable_diagnostics(change)
        ]
        self.refusals += [diagnostic for step in self.rewound.rewound for diagnostic in self.check_stored_undo(step)]
        self.refusals += [diagnostic for step in self.rewound.rewound for diagnostic in self.bare(step)]
        self.refusals += [
            diagnostic for version in self.rewound.faulty for diagnostic in self.faulty_version_refusals(version)
        ]
        irreversible_steps = sorted(self.irreversible.values(), key=lambda step: (-step.version, -step.seq))
        plan = Plan(
            keyspace=", ".join(part.name for part in self.live),
            server=str(self.server),
            schema_from=fingerprint(self.live),
            schema_to=fingerprint(self.rewound.target),
            steps=tuple(attrs.evolve(step, seq=seq) for seq, step in enumerate(self.steps, 1)),
            refusals=tuple(dict.fromkeys((*self.refusals, *map(_irreversible_refusal, irreversible_steps)))),
            notes=(
                *(note for step in self.rewound.doubtful for note in self.uncertain_notes(step)),
                *(note for step in self.rewound.undone for note in undone_note(step, self.raw_steps)),
            ),
        )
        return RollbackPlan(plan, tuple(irreversible_steps))

    def plan_to(self, point: RewindPoint) -> None:
        """Add the statements up to a point, and its undo."""
        for target in point.schema:
            for change in transition(self.keyspace_now(target.name).all_facts(), target, self.server):
                self.add(change)
        if point.raw_step is not None:
            self.add_raw_undo(point.raw_step, point)

    def add(self, change: Change) -> None:
        name = keyspace_of(change)
        if isinstance(change, Unmanaged):
            owner, _, field = change.name.rpartition(".")
            self.mark_irreversible(name, owner, [field])
            return
        if isinstance(change, DropColumns) and no_undo_reason(
            AddColumns(name, change.table, change.columns), self.server
        ):
            self.mark_irreversible(name, change.table, [column.name for column in change.columns])
        current = self.keyspace_now(name)
        original = with_recorded_facts(change, self.replayed.get(name, current).facts_for(change))
        diagnostics = (
            tuple(name_taken(change))
            if original is None
            else evaluate_change(original, current.facts_for(change), self.server, self.allow)
        )
        self.refusals += [diagnostic for diagnostic in diagnostics if diagnostic.severity == "error"]
        self.steps.append(make_step(0, with_unwritten(change, current.facts_for(change)), diagnostics, self.server))
        current.record(change)
        if self.has_raw_steps:
            self.evaluator.record_change(name, change)

    def keyspace_now(self, name: str) -> KeyspaceState:
        """Return a keyspace after the steps so far."""
        return self.keyspaces.setdefault(name, KeyspaceState(KeyspaceFacts(name)))

    def mark_irreversible(self, keyspace: str, owner: str, names: Iterable[str]) -> None:
        """Record the steps that added what no statement can remove."""
        for name in names:
            self.irreversible.update(
                {step.key: step for step in adding_steps(self.rewound.rewound, keyspace, owner, name)}
            )

    def add_raw_undo(self, step: LedgerStep, point: RewindPoint) -> None:
        undo = raw_undo(step, point.progress, self.raw_steps, self.protected, self.allow, self.evaluator)
        if undo.is_done:
            return
        if undo.cql is None:
            self.irreversible[step.key] = step
            return
        self.refusals += [diagnostic for diagnostic in undo.diagnostics if diagnostic.severity == "error"]
        self.steps.append(undo_step(step, undo))

    def unrestorable_diagnostics(self, change: Change) -> Iterator[Diagnostic]:
        """Yield changes whose table does not exist any more."""
        inverse: Any = inverse_of(change)
        yield from evaluate_change(inverse, self.keyspaces[keyspace_of(change)].facts_for(inverse), self.server)

    def check_stored_undo(self, step: LedgerStep) -> Iterator[Diagnostic]:
        """Yield RB108 if the stored undo is not the inverse of the stored change."""
        change = step.change
        allow = f"RB108:{step.version}/{step.seq}"
        if change is None or step.undo == make_step(0, change, (), self.server).undo or allow in self.allow:
            return
        text = f"the stored inverse of step {step.seq} of version {step.version} does not undo the stored change"
        suggested_fix = f"The row was altered, or written by another release; it stores: {step.undo}\n"
        suggested_fix += f"What runs is derived from the stored change. If that is correct: allow {allow}"
        yield Diagnostic("RB108", "error", step.object, text, suggested_fix, allow=allow)

    def bare(self, step: LedgerStep) -> Iterator[Diagnostic]:
        """Yield RB111 for an object that would be created without its former comments, triggers or constraints."""
        lost: tuple[str, ...] = getattr(step.change, "unwritten", ())
        allow = f"RB111:{step.version}/{step.seq}"
        if lost and allow not in self.allow:
            text = f"what step {step.seq} of version {step.version} dropped would be created again without the "
            fix = f"Allow {allow}, and restore them manually: COMMENT ON, SECURITY LABEL ON, CHECK, CREATE TRIGGER."
            yield Diagnostic("RB111", "error", step.object, text + ", the ".join(lost), fix, allow=allow)

    def faulty_version_refusals(self, version: Migration) -> Iterator[Diagnostic]:
        """Yield RB110 for a version with missing or altered rows."""
        allow = f"RB110:{version.version}"
        if allow not in self.allow:
            suggested_fix = "Check who may write that table. To undo what the rows contain and leave the rest: allow "
            suggested_fix += (
                f"{allow}. Or roll back to this version or a later one, or change the schema with new models."
            )
            yield Diagnostic(
                "RB110", "error", f"version {version.version}", version.fault or "", suggested_fix, allow=allow
            )

    def uncertain_notes(self, step: LedgerStep) -> Iterator[Diagnostic]:
        """Yield RB105 for steps that failed or were interrupted, which are not undone."""
        is_applied = is_step_applied(step, lambda name: self.keyspace_now(name).all_facts(), self.server)
        if is_applied:
            text = f"step {step.seq} of version {step.version} is {step.state}, but the schema contains it; it is kept"
            yield Diagnostic("RB105", "note", step.object, text, f"To remove it: {step.undo or 'undo it manually'}")
        elif step.op == RAW_OP and step.state == "claimed":
            text = f"step {step.seq} of version {step.version} was interrupted and may have run; it is not undone"
            yield Diagnostic("RB105", "note", step.object, text, f"If it ran: {step.undo or 'undo it manually'}")


def _irreversible_refusal(step: LedgerStep) -> Diagnostic:
    text = f"CQL has no inverse for step {step.seq} of version {step.version}: {step.cql}"
    fix = "Roll back to a later version, or change the schema with new models."
    return Diagnostic("RB101", "error", step.object, text, fix)
