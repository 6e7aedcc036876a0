"""Migrate: from a repo to a schema that holds what its models want, under the lock and in the ledger.

*In*: a repo. *Out*: a `MigrationResult`. Nothing to do costs a look, and neither lock nor statement; else the plan is
made again under the lock, and that one runs.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from typing import Any, Final

import attrs

from scyllamodel.driver.executor import DdlExecutor
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import SchemaDisagreement, StalePlan, StepFailed
from scyllamodel.release.built import await_built
from scyllamodel.release.dead import settle_dead
from scyllamodel.release.draft import Draft, Resources, Wish
from scyllamodel.release.execute import Work, execute
from scyllamodel.release.guard import Guard, Patience, guarded
from scyllamodel.release.ledger.superseded import may_sync
from scyllamodel.release.ledger.values import Kind
from scyllamodel.release.lock import LockRow
from scyllamodel.release.look import Look
from scyllamodel.release.page_secret import complete_page_secret
from scyllamodel.release.raw import RawStep
from scyllamodel.release.results import MigrationResult
from scyllamodel.release.rights import Need, check_rights, internal_needs, needs_of
from scyllamodel.release.stamps import stamp
from scyllamodel.release.telemetry import observed
from scyllamodel.schema.apply import Event, OnEvent, Outcome, apply, tell
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.plan import Plan


def migrate(
    repo: Repo,
    *,
    resources: Resources = None,
    dry_run: bool = False,
    create_keyspace: bool | None = None,
    plan: Plan | None = None,
    allow: str | Collection[str] = (),
    steps: Iterable[RawStep] = (),
    lock_timeout: float = 60.0,
    agreement_timeout: float = 120.0,
    step_timeout: float = 120.0,
    wait_built: bool = False,
    on_event: OnEvent | None = None,
) -> MigrationResult:
    """Bring the live schema up to the models, by adding; a second call does nothing.

    Any number of processes may call it at once: one changes the schema, the others wait, look, and find it done.

    Parameters:
        resources: classes or names to limit it to, with the types, views and indexes that they need.
        dry_run: stop before the first statement; the result's plan is the one that would have run, byte for byte.
        create_keyspace: whether to make a missing keyspace; None means what the repo says.
        plan: a plan that was made before; if it is no longer what would be planned, nothing runs.
        allow: codes, or ``code:object``, of what is refused by default and may be done.
        steps: statements written by hand, which come before and after those that the models ask for.
        lock_timeout: seconds for which another run that holds the lock may make no progress.
        agreement_timeout: seconds that the nodes may take to agree on the schema, before the first and after the last
            statement; with ``wait_built`` also those in which no further index or view is finished.
        step_timeout: seconds that one statement may take to be seen applied.
        wait_built: whether to wait until new indexes and views hold the rows that were there before them.
        on_event: called with each `Event`.

    Raises:
        ImpossibleChange, DestructiveChangeRefused: all refusals at once; nothing ran.
        KeyspaceError: the keyspace does not exist and was not asked for, or cannot be made.
        StalePlan: ``plan`` does not fit any more; nothing ran.
        LockTimeout: another run holds the lock and makes no progress; nothing ran.
        LockLost: this run was paused for so long that another one took over; it sent nothing more.
        SchemaDisagreement: the nodes did not agree in time.
        StepFailed: a statement failed; ``applied`` of them went through, ``result`` tells all. Running it again goes
            on from there.
        BuildTimeout: all is made, and an index or view is not filled yet.
        DiscoveryError, ConnectionFailed, IntrospectionError, LedgerError: models or server cannot be read.
    """
    wish = Wish.of(repo, resources, create_keyspace=create_keyspace, allow=allow, steps=steps)
    how = Run(Patience(lock_timeout, agreement_timeout, step_timeout), on_event, given=plan, wait_built=wait_built)
    return how.go(Draft.of(wish), dry_run=dry_run)


@attrs.frozen
class Run:
    """How a draft is carried out.

    Attributes:
        given: the plan that was made before, which the draft has to match.
        kind: for the ledger; a ``sync`` brings no superseded models back.
        begun: when it was asked for, on a clock that never goes back.
    """

    patience: Patience = attrs.field(factory=Patience)
    on_event: OnEvent | None = None
    given: Plan | None = None
    wait_built: bool = False
    kind: Kind = "migrate"
    begun: float = attrs.field(factory=time.monotonic)

    def go(self, draft: Draft, *, dry_run: bool = False) -> MigrationResult:
        """Do it, unless there is nothing to do."""
        repo = draft.wish.repo
        with observed(self.kind, repo.name, repo.keyspace, self.on_event) as told:
            return attrs.evolve(self, on_event=told).observed(draft, dry_run=dry_run)

    def observed(self, draft: Draft, *, dry_run: bool) -> MigrationResult:
        """The same, logged and traced."""
        self.check_given(draft)
        self.tell(Event("plan_ready", draft.plan))
        draft.plan.raise_refused()
        if draft.plan.is_empty:
            result = self.in_sync(draft, write=not dry_run)
        elif dry_run:
            result = self.result("planned", draft.plan, draft.wish.repo)
        else:
            result = self.apply(draft)
        if self.wait_built and not dry_run:
            await_built(draft.look, draft.wanted, self.patience.agreement, self.on_event)
        return self.answer(result)

    def answer(self, result: MigrationResult) -> MigrationResult:
        """The last event."""
        self.tell(Event("finished", result.plan, result=result))
        return result

    def tell(self, event: Event) -> None:
        """Tell whoever listens."""
        tell(self.on_event, event)

    def check_given(self, draft: Draft) -> None:
        """A plan that was made before still has to be what would be planned."""
        if self.given is not None:
            _still_fits(self.given, draft.plan)

    def in_sync(self, draft: Draft, *, write: bool = True, **more: Any) -> MigrationResult:
        """The answer where nothing is missing, which is noted for the next start once no run is left open."""
        if write:
            complete_page_secret(draft.look, draft.books)
            if settle_dead(draft.wish.repo, draft.look, draft.books):
                stamp(draft)
        return self.result("in_sync", draft.plan, draft.wish.repo, **more)

    def apply(self, draft: Draft) -> MigrationResult:
        """Make the keyspace, take the lock, and do what is to be done by then."""
        look = draft.look
        steps = (*draft.plan.bootstrap, *draft.plan.steps)
        check_rights(look.coordinator, draft.wish.repo, (*_internal(draft), *needs_of(steps)))
        with DdlExecutor(look.coordinator, look.server) as executor:
            first = self.make_keyspaces(draft, executor)
            waiting = _Waiting(draft, executor, self)
            names = draft.keyspaces
            locked = guarded(
                draft.wish.repo,
                executor,
                self.kind,
                names,
                self.patience,
                needless=waiting.is_over,
                on_wait=waiting.tell,
            )
            with locked as guard:
                if guard is None:
                    return self.waited(waiting.draft, executor, outcome=first)
                self.tell(Event("lock_taken", draft.plan, result=guard.held.epoch))
                now = draft.again(Look.through(executor))
                return self.under_lock(now.after(draft.plan.bootstrap), guard, first)

    def make_keyspaces(self, draft: Draft, executor: DdlExecutor) -> Outcome:
        """The keyspaces of the plan, before the lock, which lives in one of them."""
        made = tuple(step for step in draft.plan.bootstrap if step.op == "create_keyspace")
        alone = attrs.evolve(draft.plan, bootstrap=made, steps=())
        try:
            return apply(alone, executor, on_event=self.on_event, **self.patience.of_steps)
        except (StepFailed, SchemaDisagreement) as error:
            error.result = self.result("partial", draft.plan, draft.wish.repo, outcome=error.result)
            if isinstance(error, StepFailed):
                error.args = (f"{error}\n{_BY_ANOTHER}", *error.args[1:])
            raise

    def waited(self, draft: Draft, executor: DdlExecutor, **more: Any) -> MigrationResult:
        """Another run did it; all nodes have to know before anybody relies on it."""
        executor.await_agreement(self.patience.agreement)
        stamp(draft)
        return self.result("waited", draft.plan, draft.wish.repo, **more)

    def under_lock(self, draft: Draft, guard: Guard, first: Outcome) -> MigrationResult:
        """Plan by what is there now, and run that."""
        if not (draft.plan.steps or draft.plan.refusals):
            return self.waited(draft, guard.ddl, outcome=first, lock=guard.use)
        self.check_given(draft)
        draft.plan.raise_refused()
        note = self.superseded(draft, guard)
        if note is not None:
            return self.in_sync(_with_note(draft, note), write=False, lock=guard.use)
        return self.run(draft, guard, first)

    def superseded(self, draft: Draft, guard: Guard) -> Diagnostic | None:
        """Whether a start-up sync may go on; None means yes."""
        if self.kind != "sync":
            return None
        return may_sync(guard.ledger.versions(), draft.wish.models_fp, draft.plan)

    def run(self, draft: Draft, guard: Guard, first: Outcome) -> MigrationResult:
        """One version of the ledger."""
        now: list[Draft] = []

        def left() -> Plan:
            now.append(draft.again(Look.through(guard.ddl)))
            return attrs.evolve(now[0].plan, bootstrap=())

        repo, models_fp = draft.wish.repo, draft.wish.models_fp
        work = Work(repo, self.kind, draft.plan, models_fp, left, earlier=first, begun=self.begun)
        result = execute(guard, work, self.patience, self.on_event)
        stamp(now[0])
        return result

    def result(
        self, status: Any, plan: Plan, repo: Repo, *, outcome: Outcome | None = None, **more: Any
    ) -> MigrationResult:
        """The answer, as of now."""
        return MigrationResult(
            status=status,
            plan=plan,
            steps=() if outcome is None else outcome.steps,
            duration_ms=round((time.monotonic() - self.begun) * 1000),
            repo=repo.name,
            **more,
        )


class _Waiting:
    """A look at the schema at each wake-up, as soon as it has moved."""

    def __init__(self, draft: Draft, executor: DdlExecutor, run: Run) -> None:
        self.draft, self._executor, self._run = draft, executor, run

    def is_over(self) -> bool:
        """Whether the schema fits by now; a plan that was given, or refusals, are for whoever holds the lock."""
        look = Look.through(self._executor)
        if look.schema_version() == self.draft.version:
            return False
        self.draft = self.draft.again(look)
        return self.draft.plan.is_empty

    def tell(self, row: LockRow, seconds: float) -> None:
        """Pass it on, unless there is nobody to wait for."""
        if row.owner is not None:
            self._run.tell(Event("lock_waiting", self.draft.plan, result={"holder": row, "seconds": seconds}))


_BY_ANOTHER: Final = (
    "If this role may not create keyspaces, hand the statement to an administrator, and run this again afterwards."
)


def _with_note(draft: Draft, note: Diagnostic) -> Draft:
    """The draft of models that are left behind on purpose: nothing to do, and why."""
    plan = attrs.evolve(draft.plan, steps=(), bootstrap=(), notes=(*draft.plan.notes, note))
    return attrs.evolve(draft, plan=plan)


def _internal(draft: Draft) -> Iterable[Need]:
    """What the internal tables need; who makes their keyspace owns it."""
    return () if draft.books.keyspace is None else internal_needs(draft.books)


def _still_fits(given: Plan, now: Plan) -> None:
    if given.fingerprint == now.fingerprint:
        return
    before, after = [*given.cql], [*now.cql]
    gone = [f"- {cql}" for cql in before if cql not in after]
    new = [f"+ {cql}" for cql in after if cql not in before]
    moved = "\n".join([*gone, *new]) or "the live schema or the models changed otherwise"
    raise StalePlan(
        f"The plan for {given.keyspace} was made for another state of schema and models. Nothing ran. "
        f"What moved:\n{moved}\nMake the plan again and look at it.",
        moved=(*gone, *new),
    )
