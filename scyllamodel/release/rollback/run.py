"""Roll a keyspace back: read the ledger, plan, and under the lock plan again and execute.

*In*: a repo and the version to go back to. *Out*: a result. A rollback is a version of its own in the ledger, executed
as any other; one that stopped part-way is finished by the next one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TypeAlias

import attrs

from scyllamodel.driver.repo import Repo
from scyllamodel.release.books import ledger_of
from scyllamodel.release.execute import Work, execute
from scyllamodel.release.guard import Guard, Patience, locked
from scyllamodel.release.ledger import Ledger, Migration
from scyllamodel.release.ledger.settle import settled
from scyllamodel.release.ledger.values import back_to
from scyllamodel.release.look import Look
from scyllamodel.release.raw import RawStep
from scyllamodel.release.results import MigrationResult
from scyllamodel.release.rollback.byhand import undo_text
from scyllamodel.release.rollback.plan import RollbackPlan, remaining_plan, rollback_plan, schema_at
from scyllamodel.release.rollback.target import Target, target_of
from scyllamodel.release.telemetry import observed
from scyllamodel.schema.apply import Event, OnEvent
from scyllamodel.schema.facts import KeyspaceFacts, SchemaFacts
from scyllamodel.schema.plan import BY_HAND, Plan
from scyllamodel.schema.postcondition import keyspace_of
from scyllamodel.schema.rules.allow import checked
from scyllamodel.schema.rules.handwritten import StatementJudge, changes_keyspaces, keyspaces_of
from scyllamodel.schema.server import ServerProfile

_See: TypeAlias = Callable[[str], KeyspaceFacts]


@attrs.frozen
class Wish:
    """What a caller wants of a repo."""

    repo: Repo
    version: int | str
    allow: tuple[str, ...] = ()
    steps: tuple[RawStep, ...] = ()

    def target(self, ledger: Ledger, see: _See, server: ServerProfile) -> Target:
        """Where it leads, with all steps."""
        target = target_of(ledger.versions(), self.version, self.repo.models)
        return target.map(lambda found: _whole(found, ledger, see, server))

    def plan(self, target: Target, see: _See, server: ServerProfile) -> RollbackPlan:
        """What leads there from the schema of now."""
        found = SchemaFacts(see(name) for name in _keyspaces(self.repo, target))
        kept = {self.repo.keyspace, *self.repo.settings.internal_keyspaces}
        texts = _undo_texts(target, self.steps)
        others = {name for cql in texts for name in keyspaces_of(cql)} - {part.name for part in found}
        every = SchemaFacts((*found, *map(see, sorted(others))))
        placed = any(map(changes_keyspaces, texts))
        topology, racks = Look.at(self.repo).places(every) if placed else (None, None)
        judge = StatementJudge(self.repo.keyspace, every, server, topology=topology, racks=racks)
        return rollback_plan(target, found, server, allow=self.allow, steps=self.steps, kept=kept, judge=judge)


def _whole(found: Migration, ledger: Ledger, see: _See, server: ServerProfile) -> Migration:
    """The version with its steps; what a dead run left open is settled, but not written."""
    (whole,) = ledger.with_steps([found])
    return settled(whole, see, server).migration if whole.status == "running" else whole


def _keyspaces(repo: Repo, target: Target) -> list[str]:
    changes = [step.change for found in target.undone for step in found.steps]
    return sorted({repo.keyspace, *(keyspace_of(change) for change in changes if change is not None)})


def _undo_texts(target: Target, code: Sequence[RawStep]) -> list[str]:
    """The undo of each hand-written step, as far as there is one."""
    raw = (step for found in target.undone for step in found.steps if step.op == BY_HAND)
    return [cql for step in raw if (cql := undo_text(step, code)) is not None]


def schema_of(repo: Repo, version: int | str) -> tuple[SchemaFacts, ServerProfile]:
    """The repo's keyspace as it was after a version: what is live, less what later versions did.

    Raises:
        UnknownVersion: there is no such version to go back to.
        ConnectionFailed, IntrospectionError, LedgerError: the server cannot be read.
    """
    look = Look.at(repo)
    ledger = ledger_of(repo, look)
    target = target_of(ledger.versions(), version)
    target = target.map(lambda found: _whole(found, ledger, lambda name: look.found([name])[name], look.server))
    facts = schema_at(target, look.found(_keyspaces(repo, target)))
    return SchemaFacts([facts[repo.keyspace]]), look.server


def rollback(
    repo: Repo,
    version: int | str,
    *,
    dry_run: bool = False,
    allow: Collection[str] = (),
    steps: Iterable[RawStep] = (),
    lock_timeout: float = 60.0,
    agreement_timeout: float = 120.0,
    step_timeout: float = 120.0,
    on_event: OnEvent | None = None,
) -> MigrationResult:
    """Take the schema back to what it was after a version, by what the ledger says was changed since.

    The models are ahead of the schema afterwards: `check` says so, and start-up syncs of those models are refused until
    somebody runs `migrate`. A rollback that stopped part-way is resumed by the same call.

    Parameters:
        version: such as 20261123050100, as a number or its text; 0 is before the first one.
        dry_run: stop before the first statement; the result's plan is the one that would have run, byte for byte, with
            everything that stands in its way in ``plan.refusals``.
        allow: codes, or ``code:object``, of what may be lost, such as ``DS103:orders.total``.
        steps: the hand-written steps of the code, as they were given to `migrate`; their undo is taken from here. For
            one that the code does not have any more ``allow`` has to name the step and the digest of its undo.
        lock_timeout: seconds without any progress of another run after which waiting for it ends.
        agreement_timeout: seconds that the nodes may take to agree.
        step_timeout: seconds that one statement may take to be seen applied.
        on_event: called with each `Event`.

    Raises:
        UnknownVersion: one cannot go back to that version.
        ForeignVersion: a version to undo is another application's.
        IrreversibleStep: CQL has no inverse for a step; nothing ran.
        DestructiveChangeRefused, ImpossibleChange: all refusals at once; nothing ran.
        LockTimeout, LockLost, StepFailed, SchemaDisagreement, LedgerError: as of `migrate`; run it again to go on.
        ConnectionFailed, IntrospectionError: the server cannot be read.
    """
    begun, patience = time.monotonic(), Patience(lock_timeout, agreement_timeout, step_timeout)
    allowed = checked(allow)
    with observed("rollback", repo.name, repo.keyspace, on_event) as told:
        look = Look.at(repo)
        look.existing(repo.keyspace)
        wish = Wish(repo, version, allowed, tuple(steps))
        see: _See = lambda name: look.found([name])[name]  # noqa: E731 - one line
        target = wish.target(ledger_of(repo, look), see, look.server)
        planned = wish.plan(target, see, look.server)
        live = SchemaFacts(see(name) for name in _keyspaces(repo, target))
        planned = attrs.evolve(planned, plan=look.checked(planned.plan, live))
        told(Event("plan_ready", planned.plan))
        if dry_run or not target.undone:
            result = MigrationResult("planned" if target.undone else "in_sync", planned.plan, repo=repo.name)
        else:
            planned.raise_refused()
            with locked(repo, look, "rollback", _keyspaces(repo, target), patience, planned.plan.steps) as guard:
                result = roll_back(wish, guard, patience, told)
        result = attrs.evolve(result, duration_ms=round((time.monotonic() - begun) * 1000))
        told(Event("finished", planned.plan, result=result))
    return result


def roll_back(wish: Wish, guard: Guard, patience: Patience, on_event: OnEvent | None = None) -> MigrationResult:
    """The part of `rollback` that is done under the lock, on what the schema and the ledger are by then."""
    see, server = guard.executor.look, guard.executor.server
    target = wish.target(guard.ledger, see, server)
    planned = wish.plan(target, see, server)
    planned.raise_refused()
    if not target.undone:  # another run did it while this one waited for the lock
        return MigrationResult("in_sync", planned.plan, repo=wish.repo.name, lock=guard.use)

    def left() -> Plan:
        found = SchemaFacts(see(name) for name in _keyspaces(wish.repo, target))
        return attrs.evolve(remaining_plan(target, found, server), refusals=())

    work = Work(
        wish.repo,
        "rollback",
        planned.plan,
        target.models_fp,
        left,
        name=back_to(target.version),
        status="rolled_back",
    )
    return execute(guard, work, patience, on_event)
