"""A rewound history x the live schema -> the plan that returns to the target.

*In*: where to go, with the steps since then; the schema; what may be lost. *Out*: a `RollbackPlan`. The statements are
those between the live schema and the target's, so that what was changed back and forth costs nothing, and a retry does
only what is missing. Each is judged against what those before it leave; all refusals stand in the plan, beside the
steps that they refuse. No I/O.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

import attrs

from scyllamodel._text import printable_line
from scyllamodel.errors import IrreversibleStep, LedgerError
from scyllamodel.release.ledger.settle import is_step_applied
from scyllamodel.release.ledger.values import LedgerStep, Migration
from scyllamodel.release.raw import RawStep
from scyllamodel.release.rollback.byhand import raw_undo, undo_step, undone_note
from scyllamodel.release.rollback.history import RewindPoint, RewoundHistory, adding_steps, rewind
from scyllamodel.release.rollback.target import RollbackTarget
from scyllamodel.schema.changes import AddColumns, Change, DropColumns, Unmanaged
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts import KeyspaceFacts, SchemaFacts
from scyllamodel.schema.fingerprint import fingerprint
from scyllamodel.schema.inverse import evaluate_change, inverse_of, name_taken, with_recorded_facts, with_unwritten
from scyllamodel.schema.plan import RAW_OP, Plan, Step, make_step, transition
from scyllamodel.schema.plan.step import no_undo_reason
from scyllamodel.schema.postcondition import keyspace_of
from scyllamodel.schema.rules.handwritten import RawStatementChecker
from scyllamodel.schema.server import ServerProfile
from scyllamodel.schema.vicinity import KeyspaceState


@attrs.frozen
class RollbackPlan:
    """A plan, and the steps of the ledger that CQL cannot take back."""

    plan: Plan
    irreversible: tuple[LedgerStep, ...] = ()

    def raise_refused(self) -> None:
        """Raise what stands in the way, if anything does.

        Raises:
            IrreversibleStep: CQL has no inverse for some of the steps; names all of them.
            DestructiveChangeRefused, ImpossibleChange: as of `Plan.raise_refused`.
        """
        if self.irreversible:
            statements = "\n".join(
                f"  version {step.version}, step {step.seq}: {printable_line(step.cql)}" for step in self.irreversible
            )
            raise IrreversibleStep(
                f"{self.irreversible[0].scope}: CQL has no inverse for what was done to get here, and nothing ran:\n"
                f"{statements}\nGo back to a version after these, or bring the schema forward by new models instead.",
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
    """The plan that takes the schema back to this target.

    Refusals stand in it, as in every plan: what would be lost and is not allowed, what depends on what would go, what
    is no longer what the versions left, and what CQL cannot do. The steps that they refuse stand there too.

    Parameters:
        target: its versions with their steps.
        live: all keyspaces that the steps speak of, without our own tables.
        allow: codes, or ``code:object``, of what may be lost, such as ``DS103:orders.total``; also of empty tables.
        steps: the hand-written steps that the code has; their undo is taken from here.
        protected: further keyspaces that no hand-written undo may drop.
        evaluator: what judges hand-written undos; None for one that knows the keyspaces of ``live`` alone.
    """
    evaluator = evaluator or RawStatementChecker(", ".join(part.name for part in live), live, server)
    return _RollbackPlanner(
        rewind(target, live), live, server, frozenset(allow), tuple(steps), frozenset(protected), evaluator
    ).build()


def remaining_plan(target: RollbackTarget, live: SchemaFacts, server: ServerProfile) -> Plan:
    """What still separates the schema from that of the target, once all steps of a rollback ran.

    Parameters:
        target, found: as of `rollback_plan`.
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
    """The schema as it was after the target's version, as far as the stored steps tell.

    Parameters:
        target, found: as of `rollback_plan`.

    Raises:
        LedgerError: rows of the steps since then are missing.
    """
    rewound = rewind(target, live)
    for version in rewound.faulty:
        raise LedgerError(
            f"{version.scope}: what was done since cannot be read off version {version.version}: {version.fault}. "
            "Look who may write that table, and at: scyllamodel history --steps",
            scope=version.scope,
        )
    return rewound.target


class _RollbackPlanner:
    """The plan on its way, and the schema as it will be by then."""

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
        self.refusals += [remark for version in self.rewound.faulty for remark in self.faulty_version_refusals(version)]
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
        """The statements to this schema, and the undo that comes there."""
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
        """A keyspace as it will be by then."""
        return self.keyspaces.setdefault(name, KeyspaceState(KeyspaceFacts(name)))

    def mark_irreversible(self, keyspace: str, owner: str, names: Iterable[str]) -> None:
        """Remember the steps that added what no statement takes away."""
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
        """What was dropped from a table that is gone itself."""
        inverse: Any = inverse_of(change)
        yield from evaluate_change(inverse, self.keyspaces[keyspace_of(change)].facts_for(inverse), self.server)

    def check_stored_undo(self, step: LedgerStep) -> Iterator[Diagnostic]:
        """A stored inverse that is not the one of the stored change: one of the two was altered."""
        change = step.change
        allow = f"RB108:{step.version}/{step.seq}"
        if change is None or step.undo == make_step(0, change, (), self.server).undo or allow in self.allow:
            return
        text = f"the stored inverse of step {step.seq} of version {step.version} is not that of the stored change"
        suggested_fix = f"Somebody altered the row, or another release wrote it; it stores: {step.undo}\n"
        suggested_fix += f"What runs is made from the stored change. If that is right: allow {allow}"
        yield Diagnostic("RB108", "error", step.object, text, suggested_fix, allow=allow)

    def bare(self, step: LedgerStep) -> Iterator[Diagnostic]:
        """Something that would come back without what stood beside it, such as a trigger or a constraint."""
        lost: tuple[str, ...] = getattr(step.change, "unwritten", ())
        allow = f"RB111:{step.version}/{step.seq}"
        if lost and allow not in self.allow:
            text = f"what step {step.seq} of version {step.version} dropped would come back without the "
            fix = f"Allow {allow}, and write them by hand: COMMENT ON, SECURITY LABEL ON, CHECK, CREATE TRIGGER."
            yield Diagnostic("RB111", "error", step.object, text + ", the ".join(lost), fix, allow=allow)

    def faulty_version_refusals(self, version: Migration) -> Iterator[Diagnostic]:
        """A version that cannot be taken back as a whole, since its rows were deleted or altered."""
        allow = f"RB110:{version.version}"
        if allow not in self.allow:
            suggested_fix = (
                "Look who may write that table. To take back what the rows say, and leave the rest as it is: allow "
            )
            suggested_fix += (
                f"{allow}. Or go back to this version or a later one, or bring the schema forward by new models."
            )
            yield Diagnostic(
                "RB110", "error", f"version {version.version}", version.fault or "", suggested_fix, allow=allow
            )

    def uncertain_notes(self, step: LedgerStep) -> Iterator[Diagnostic]:
        """A step that failed, or that was cut short, is not ours to take back."""
        is_applied = is_step_applied(step, lambda name: self.keyspace_now(name).all_facts(), self.server)
        if is_applied:
            text = f"step {step.seq} of version {step.version} is {step.state}, yet the schema holds it; it is left"
            yield Diagnostic("RB105", "note", step.object, text, f"If it is to go: {step.undo or 'by hand'}")
        elif step.op == RAW_OP and step.state == "claimed":
            text = f"step {step.seq} of version {step.version} was cut short, and may have run; it is not taken back"
            yield Diagnostic("RB105", "note", step.object, text, f"If it ran: {step.undo or 'take it back by hand'}")


def _irreversible_refusal(step: LedgerStep) -> Diagnostic:
    text = f"CQL has no inverse for step {step.seq} of version {step.version}: {step.cql}"
    return Diagnostic("RB101", "error", step.object, text, "Go back to a later version, or forward by new models.")
