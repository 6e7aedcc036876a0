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
from scyllamodel.release.ledger.settle import shows
from scyllamodel.release.ledger.values import LedgerStep, Migration
from scyllamodel.release.raw import RawStep
from scyllamodel.release.rollback.byhand import note_on_undone, raw_undo, undo_step
from scyllamodel.release.rollback.history import Rewound, Stop, makers, rewind
from scyllamodel.release.rollback.target import Target
from scyllamodel.schema.changes import AddColumns, Change, DropColumns, LiveOnly
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts import KeyspaceFacts, SchemaFacts
from scyllamodel.schema.fingerprint import fingerprint
from scyllamodel.schema.inverse import as_made, inverse_of, judged, taken, with_unwritten
from scyllamodel.schema.plan import BY_HAND, Plan, Step, make_step, transition
from scyllamodel.schema.plan.step import why_no_undo
from scyllamodel.schema.postcondition import keyspace_of
from scyllamodel.schema.rules.handwritten import StatementJudge
from scyllamodel.schema.server import ServerProfile
from scyllamodel.schema.vicinity import Vicinity


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
            listed = "\n".join(
                f"  version {s.version}, step {s.seq}: {printable_line(s.cql)}" for s in self.irreversible
            )
            raise IrreversibleStep(
                f"{self.irreversible[0].scope}: CQL has no inverse for what was done to get here, and nothing ran:\n"
                f"{listed}\nGo back to a version after these, or bring the schema forward by new models instead.",
                steps=self.irreversible,
            )
        self.plan.raise_refused()


def rollback_plan(
    target: Target,
    found: SchemaFacts,
    server: ServerProfile,
    *,
    allow: Collection[str] = (),
    steps: Iterable[RawStep] = (),
    kept: Collection[str] = (),
    judge: StatementJudge | None = None,
) -> RollbackPlan:
    """The plan that takes the schema back to this target.

    Refusals stand in it, as in every plan: what would be lost and is not allowed, what depends on what would go, what
    is no longer what the versions left, and what CQL cannot do. The steps that they refuse stand there too.

    Parameters:
        target: its versions with their steps.
        found: all keyspaces that the steps speak of, without our own tables.
        allow: codes, or ``code:object``, of what may be lost, such as ``DS103:orders.total``; also of empty tables.
        steps: the hand-written steps that the code has; their undo is taken from here.
        kept: further keyspaces that no hand-written undo may drop.
        judge: what judges hand-written undos; None for one that knows the keyspaces of ``found`` alone.
    """
    judge = judge or StatementJudge(", ".join(part.name for part in found), found, server)
    return _Draft(rewind(target, found), found, server, frozenset(allow), tuple(steps), frozenset(kept), judge).all()


def remaining_plan(target: Target, found: SchemaFacts, server: ServerProfile) -> Plan:
    """What still separates the schema from that of the target, once all steps of a rollback ran.

    Parameters:
        target, found: as of `rollback_plan`.
    """
    rewound = rewind(target, found)
    last = attrs.evolve(rewound, stops=rewound.stops[-1:], doubtful=(), opaque=(), missing=(), undone=(), faulty=())
    return _Draft(last, found, server, frozenset(), (), frozenset(), StatementJudge("", (), server)).all().plan


def schema_at(target: Target, found: SchemaFacts) -> SchemaFacts:
    """The schema as it was after the target's version, as far as the stored steps tell.

    Parameters:
        target, found: as of `rollback_plan`.

    Raises:
        LedgerError: rows of the steps since then are missing.
    """
    rewound = rewind(target, found)
    for version in rewound.faulty:
        raise LedgerError(
            f"{version.scope}: what was done since cannot be read off version {version.version}: {version.fault}. "
            "Look who may write that table, and at: scyllamodel history --steps",
            scope=version.scope,
        )
    return rewound.target


class _Draft:
    """The plan on its way, and the schema as it will be by then."""

    def __init__(  # noqa: PLR0917 - one caller
        self,
        rewound: Rewound,
        found: SchemaFacts,
        server: ServerProfile,
        allow: frozenset[str],
        code: tuple[RawStep, ...],
        kept: frozenset[str],
        judge: StatementJudge,
    ) -> None:
        self.rewound, self.found, self.server, self.allow, self.code = rewound, found, server, allow, code
        self.parts = {part.name: Vicinity(part) for part in found}
        self.kept, self.judge = kept | self.parts.keys(), judge
        self.made = {part.name: Vicinity(part) for part in rewound.made}
        self.has_raw = any(stop.raw is not None for stop in rewound.stops)
        self.steps: list[Step] = []
        self.refusals: list[Diagnostic] = []
        self.stuck: dict[tuple[int, int], LedgerStep] = {step.key: step for step in rewound.opaque}

    def all(self) -> RollbackPlan:
        for stop in self.rewound.stops:
            self.reach(stop)
        self.refusals += [remark for change in self.rewound.missing for remark in self.unrestorable(change)]
        self.refusals += [remark for step in self.rewound.rewound for remark in self.compared(step)]
        self.refusals += [remark for step in self.rewound.rewound for remark in self.bare(step)]
        self.refusals += [remark for version in self.rewound.faulty for remark in self.faulty(version)]
        irreversible = sorted(self.stuck.values(), key=lambda step: (-step.version, -step.seq))
        plan = Plan(
            keyspace=", ".join(part.name for part in self.found),
            server=str(self.server),
            schema_from=fingerprint(self.found),
            schema_to=fingerprint(self.rewound.target),
            steps=tuple(attrs.evolve(step, seq=seq) for seq, step in enumerate(self.steps, 1)),
            refusals=tuple(dict.fromkeys((*self.refusals, *map(_irreversible, irreversible)))),
            notes=(
                *(note for step in self.rewound.doubtful for note in self.doubt(step)),
                *(note for step in self.rewound.undone for note in note_on_undone(step, self.code)),
            ),
        )
        return RollbackPlan(plan, tuple(irreversible))

    def reach(self, stop: Stop) -> None:
        """The statements to this schema, and the undo that comes there."""
        for goal in stop.schema:
            for change in transition(self.now(goal.name).whole(), goal, self.server):
                self.add(change)
        if stop.raw is not None:
            self.by_hand(stop.raw, stop)

    def add(self, change: Change) -> None:
        name = keyspace_of(change)
        if isinstance(change, LiveOnly):
            owner, _, field = change.name.rpartition(".")
            self.irreversible(name, owner, [field])
            return
        if isinstance(change, DropColumns) and why_no_undo(AddColumns(name, change.table, change.columns), self.server):
            self.irreversible(name, change.table, [column.name for column in change.columns])
        now = self.now(name)
        made = as_made(change, self.made.get(name, now).of(change))
        remarks = tuple(taken(change)) if made is None else judged(made, now.of(change), self.server, self.allow)
        self.refusals += [remark for remark in remarks if remark.severity == "error"]
        self.steps.append(make_step(0, with_unwritten(change, now.of(change)), remarks, self.server))
        now.run(change)
        if self.has_raw:
            self.judge.follow(name, change)

    def now(self, name: str) -> Vicinity:
        """A keyspace as it will be by then."""
        return self.parts.setdefault(name, Vicinity(KeyspaceFacts(name)))

    def irreversible(self, keyspace: str, owner: str, names: Iterable[str]) -> None:
        """Remember the steps that added what no statement takes away."""
        for name in names:
            self.stuck.update({step.key: step for step in makers(self.rewound.rewound, keyspace, owner, name)})

    def by_hand(self, step: LedgerStep, stop: Stop) -> None:
        undo = raw_undo(step, stop.progress, self.code, self.kept, self.allow, self.judge)
        if undo.is_done:
            return
        if undo.cql is None:
            self.stuck[step.key] = step
            return
        self.refusals += [remark for remark in undo.remarks if remark.severity == "error"]
        self.steps.append(undo_step(step, undo))

    def unrestorable(self, change: Change) -> Iterator[Diagnostic]:
        """What was dropped from a table that is gone itself."""
        back: Any = inverse_of(change)
        yield from judged(back, self.parts[keyspace_of(change)].of(back), self.server)

    def compared(self, step: LedgerStep) -> Iterator[Diagnostic]:
        """A stored inverse that is not the one of the stored change: one of the two was altered."""
        change = step.change
        allow = f"RB108:{step.version}/{step.seq}"
        if change is None or step.undo == make_step(0, change, (), self.server).undo or allow in self.allow:
            return
        text = f"the stored inverse of step {step.seq} of version {step.version} is not that of the stored change"
        fix = f"Somebody altered the row, or another release wrote it; it stores: {step.undo}\n"
        fix += f"What runs is made from the stored change. If that is right: allow {allow}"
        yield Diagnostic("RB108", "error", step.object, text, fix, allow=allow)

    def bare(self, step: LedgerStep) -> Iterator[Diagnostic]:
        """Something that would come back without what stood beside it, such as a trigger or a constraint."""
        lost: tuple[str, ...] = getattr(step.change, "unwritten", ())
        allow = f"RB111:{step.version}/{step.seq}"
        if lost and allow not in self.allow:
            text = f"what step {step.seq} of version {step.version} dropped would come back without the "
            fix = f"Allow {allow}, and write them by hand: COMMENT ON, SECURITY LABEL ON, CHECK, CREATE TRIGGER."
            yield Diagnostic("RB111", "error", step.object, text + ", the ".join(lost), fix, allow=allow)

    def faulty(self, version: Migration) -> Iterator[Diagnostic]:
        """A version that cannot be taken back as a whole, since its rows were deleted or altered."""
        allow = f"RB110:{version.version}"
        if allow not in self.allow:
            fix = "Look who may write that table. To take back what the rows say, and leave the rest as it is: allow "
            fix += f"{allow}. Or go back to this version or a later one, or bring the schema forward by new models."
            yield Diagnostic("RB110", "error", f"version {version.version}", version.fault or "", fix, allow=allow)

    def doubt(self, step: LedgerStep) -> Iterator[Diagnostic]:
        """A step that failed, or that was cut short, is not ours to take back."""
        shown = shows(step, lambda name: self.now(name).whole(), self.server)
        if shown:
            text = f"step {step.seq} of version {step.version} is {step.state}, yet the schema holds it; it is left"
            yield Diagnostic("RB105", "note", step.object, text, f"If it is to go: {step.undo or 'by hand'}")
        elif step.op == BY_HAND and step.state == "claimed":
            text = f"step {step.seq} of version {step.version} was cut short, and may have run; it is not taken back"
            yield Diagnostic("RB105", "note", step.object, text, f"If it ran: {step.undo or 'take it back by hand'}")


def _irreversible(step: LedgerStep) -> Diagnostic:
    text = f"CQL has no inverse for step {step.seq} of version {step.version}: {step.cql}"
    return Diagnostic("RB101", "error", step.object, text, "Go back to a later version, or forward by new models.")
