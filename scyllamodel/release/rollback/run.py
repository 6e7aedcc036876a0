"""Roll a keyspace back: read the ledger, plan, and under the lock plan again and apply.

*In*: a repo and the version to go back to. *Out*: a result. A rollback is a version of its own in the ledger. It first
takes the schema back, then marks what it took back; one that dies between the two is finished by the next one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any, TypeAlias

import attrs

from scyllamodel.driver.repo import Repo
from scyllamodel.errors import SchemaDisagreement, StepFailed
from scyllamodel.release.books import ledger_of
from scyllamodel.release.guard import Guard, Patience, locked
from scyllamodel.release.ledger import Ledger, Migration, Who
from scyllamodel.release.ledger.settle import settled
from scyllamodel.release.look import Look
from scyllamodel.release.results import MigrationResult
from scyllamodel.release.rollback.plan import rollback_plan, schema_at
from scyllamodel.release.rollback.target import Target, target_of
from scyllamodel.release.telemetry import observed
from scyllamodel.schema.apply import Event, OnEvent, Outcome, apply
from scyllamodel.schema.facts import KeyspaceFacts, SchemaFacts
from scyllamodel.schema.plan import Plan
from scyllamodel.schema.postcondition import keyspace_of
from scyllamodel.schema.server import ServerProfile

_See: TypeAlias = Callable[[str], KeyspaceFacts]


@attrs.frozen
class _Draft:
    """A rollback as it would be now."""

    target: Target
    plan: Plan

    @classmethod
    def of(
        cls, repo: Repo, ledger: Ledger, see: _See, server: ServerProfile, *, to: int | str, allow: Collection[str]
    ) -> _Draft:
        target = target_of(ledger.versions(), to, repo.models)
        undone = tuple(_as_settled(found, see, server) for found in ledger.with_steps(target.undone))
        target = attrs.evolve(target, undone=undone)
        found = SchemaFacts(see(name) for name in _keyspaces(repo, undone))
        return cls(target, rollback_plan(target, found, server, allow=allow))


def _as_settled(found: Migration, see: _See, server: ServerProfile) -> Migration:
    """What a dead run left open, as the next run will settle it; a dry run writes nothing."""
    return settled(found, see, server).migration if found.status == "running" else found


def _keyspaces(repo: Repo, undone: Collection[Migration]) -> list[str]:
    changes = [step.change for found in undone for step in found.steps]
    return sorted({repo.keyspace, *(keyspace_of(change) for change in changes if change is not None)})


def schema_of(repo: Repo, version: int | str) -> tuple[SchemaFacts, ServerProfile]:
    """The repo's keyspace as it was after a version: what is live, less what later versions did.

    Raises:
        UnknownVersion: there is no such version to go back to.
        ConnectionFailed, IntrospectionError, LedgerError: the server cannot be read.
    """
    look = Look.at(repo)
    ledger = ledger_of(repo, look)
    target = target_of(ledger.versions(), version)
    target = attrs.evolve(target, undone=tuple(ledger.with_steps(target.undone)))
    return schema_at(target, look.found([repo.keyspace]), look.server), look.server


def rollback(
    repo: Repo,
    version: int | str,
    *,
    dry_run: bool = False,
    allow: Collection[str] = (),
    lock_timeout: float = 60.0,
    agreement_timeout: float = 120.0,
    step_timeout: float = 120.0,
    on_event: OnEvent | None = None,
) -> MigrationResult:
    """Take the schema back to what it was after a version, by the inverses that were stored when it was left.

    The models are ahead of the schema afterwards: `check` says so, and start-up syncs of those models are refused until
    somebody runs `migrate`.

    Parameters:
        version: such as 20261123050100, as a number or its text; 0 is before the first one.
        dry_run: stop before the first statement; the result's plan is the one that would have run, byte for byte.
        allow: codes, or ``code:object``, of what may be lost, such as ``DS103:orders.total``.
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
    begun = time.monotonic()
    patience = Patience(lock_timeout, agreement_timeout, step_timeout)
    with observed("rollback", repo.name, repo.keyspace, on_event) as told:
        look = Look.at(repo)
        look.existing(repo.keyspace)
        ledger = ledger_of(repo, look)
        draft = _Draft.of(repo, ledger, lambda name: look.found([name])[name], look.server, to=version, allow=allow)
        told(Event("plan_ready", draft.plan))
        draft.plan.raise_refused()
        if dry_run or not draft.target.undone:
            result = MigrationResult("planned" if draft.target.undone else "in_sync", draft.plan, repo=repo.name)
        else:
            with locked(repo, look, "rollback", _keyspaces(repo, draft.target.undone), patience) as guard:
                result = roll_back(repo, guard, version, allow, on_event=told, **patience.of_steps)
        result = attrs.evolve(result, duration_ms=round((time.monotonic() - begun) * 1000))
        told(Event("finished", draft.plan, result=result))
    return result


def roll_back(repo: Repo, guard: Guard, version: int | str, allow: Collection[str] = (), **how: Any) -> MigrationResult:
    """The part of `rollback` that is done under the lock, on what the schema and the ledger are by then."""
    ledger, server = guard.ledger, guard.executor.server
    draft = _Draft.of(repo, ledger, guard.executor.look, server, to=version, allow=allow)
    draft.plan.raise_refused()
    target, plan = draft.target, draft.plan
    if not target.undone:  # another run did it while this one waited for the lock
        return _result("in_sync", plan, repo, None, lock=guard.use)
    opened = ledger.begin(
        "rollback",
        plan,
        models_to=target.models_fp,
        epoch=guard.epoch,
        models=repo.models,
        name=f"back to {target.version}",
        who=Who.here(repo.models),
    )
    more: dict[str, Any] = {"version": opened.version, "lock": guard.use}
    with opened:
        try:
            done = apply(plan, guard.executor, journal=guard.journal(opened), **how)
        except (StepFailed, SchemaDisagreement) as error:
            error.result = _result("partial", plan, repo, error.result, **more)
            raise
        left = _Draft.of(repo, ledger, guard.executor.look, server, to=version, allow=allow).plan
        _reached(left, _result("partial", plan, repo, done, **more))
        for undone in target.undone:
            ledger.mark(undone, "rolled_back")
        opened.finish()
    return _result("rolled_back", plan, repo, done, **more)


def _result(status: Any, plan: Plan, repo: Repo, outcome: Outcome | None, **more: Any) -> MigrationResult:
    steps = () if outcome is None else outcome.steps
    return MigrationResult(status, plan, steps, repo=repo.name, **more)


def _reached(left: Plan, result: MigrationResult) -> None:
    """The last look: nothing is left to undo, but for statements written by hand, of which the schema tells nothing."""
    if any(not step.is_by_hand for step in left.steps):
        raise StepFailed(
            f"All {len(result.steps)} statements went through, and still {left.keyspace} is not back. Something else "
            f"changed it meanwhile. What is left:\n{left.render()}",
            step=None,
            applied=len(result.steps),
            result=result,
        )
