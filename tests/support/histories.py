"""Random histories of one keyspace on a server in memory, with kills between any two requests.

A `World` is a server, a ledger and the raw statements that ran; each request to any of them can be the last one of its
process. It runs the real code of releases: plans, `execute`, `roll_back`; only the lock is left out.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import attrs

from scyllamodel.errors import DestructiveChangeRefused, ImpossibleChange, IrreversibleStep
from scyllamodel.release.engine.execution import VersionWork, execute_version
from scyllamodel.release.engine.locked_run import Timeouts
from scyllamodel.release.engine.raw_steps import RawStep, with_raw_steps
from scyllamodel.release.engine.results import LockUse
from scyllamodel.release.ledger.records import RESTORABLE_STATUSES
from scyllamodel.release.ledger.undo_progress import executed_raw_steps
from scyllamodel.release.rollback.run import RollbackRequest, rollback_under_lock
from scyllamodel.schema.facts.fingerprint import fingerprint
from scyllamodel.schema.facts.objects import Keyspace, KeyspaceFacts, SchemaFacts
from scyllamodel.schema.plan import contract_plan, make_plan
from support.builders import NTS, index, table, user_type, view
from support.ledger_store import MemoryStore, ledger_on
from support.simulator import Simulator

ALL = ("DS102", "DS103", "DS104", "DS105", "DS106", "BC101")
CHOICES = {
    "type": [None, (), ("y int",), ("y int", "z int")],
    "t": [None, "id int pk", "id int pk", "key int pk from=id"],
    "t.a": [False, True],
    "t.b": [False, True],
    "t.p": [False, True],
    "t.ttl": [None, 10, 20, 30],
    "t.comment": [None, "A", "B"],
    "t.index": [None, "a", "b"],
    "u": [None, "id int pk", "id text pk"],
    "u.c": [False, True],
    "u.index": [False, True],
    "v": [None, "id", "at"],
}
"""What models may say of each part of the keyspace; None and False leave it out."""


def declared(choices: dict[str, Any]) -> KeyspaceFacts:
    """The schema that these choices stand for."""
    types = [] if choices["type"] is None else [user_type("p", "x int", *choices["type"])]
    tables, views = [], []
    if choices["t"] is not None:
        columns = [choices["t"], "at int ck", "n int"]
        columns += [f"{name} text" for name in "ab" if choices[f"t.{name}"]]
        columns += ["p frozen<p>"] * bool(choices["t.p"] and types)
        options = {"default_time_to_live": choices["t.ttl"], "comment": choices["t.comment"]}
        live_table = table("t", *columns, options={name: value for name, value in options.items() if value is not None})
        if choices["t.index"] in ("a", "b") and choices["t.index"] in live_table:
            live_table = attrs.evolve(live_table, indexes=(index(choices["t.index"], "t_idx"),))
        tables.append(live_table)
        if choices["v"] is not None:
            key = live_table.partition_key[0].name
            first, last = ("at", key) if choices["v"] == "at" else ("n", key)
            rest = [] if first == "at" else ["at int ck"]
            views.append(view("v", "t", f"{first} int pk", f"{last} int ck", *rest))
    if choices["u"] is not None:
        new_table = table("u", choices["u"], *(["c int"] * bool(choices["u.c"])))
        if choices["u.c"] and choices["u.index"]:
            new_table = attrs.evolve(new_table, indexes=(index("c", "u_idx"),))
        tables.append(new_table)
    return KeyspaceFacts("k", types=types, tables=tables, views=views)


class Killed(BaseException):
    """The end of a process."""


class World:
    """Everything that outlives a process.

    Attributes:
        executed: numbers of the raw statements that ran and were not undone.
        doubtful: numbers of the raw statements that a killed process may have sent.
        snapshots: the schema and the raw statements at each version that succeeded.
        fuse: the number of moments until the process dies; None if it does not.
    """

    def __init__(self) -> None:
        self.server = Simulator(KeyspaceFacts("k", keyspace=Keyspace("k", NTS)))
        self.store = MemoryStore()
        self.ledger = ledger_on(self.store)
        self.executed: set[int] = set()
        self.doubtful: set[int] = set()
        self.snapshots: dict[int, Any] = {0: self.state}
        self.fuse: int | None = None
        self.epoch = 0
        self.raw: list[RawStep] = []
        self.store.moment = self.moment

    @property
    def state(self) -> Any:
        """The schema without ids and dropped columns, and the raw statements in effect, as a snapshot has them."""
        return fingerprint(self.server.facts), frozenset(self.executed)

    def moment(self) -> None:
        """Count one moment in the life of the process, which may be its last."""
        if self.fuse is not None:
            self.fuse -= 1
            if self.fuse < 0:
                raise Killed

    def execute(self, cql: str, timeout: float) -> tuple[str, ...]:
        """Execute a statement, with a moment before and after it."""
        self.moment()
        if cql.startswith(("RAW ", "UNDO ")):
            self.by_hand(*cql.split())
        else:
            self.server.execute(cql, timeout)
        self.moment()
        return ()

    def by_hand(self, action: str, number: str) -> None:
        """Execute a raw statement: none runs twice, unless a kill left its outcome unknown."""
        at = int(number)
        if action == "RAW":
            assert at not in self.executed or at in self.doubtful, f"{action} {number} ran twice"
            self.executed.add(at)
        else:
            assert at in self.executed, f"{action} {number} ran twice, or without need"
            self.executed.discard(at)
        self.doubtful.discard(at)

    def guard(self) -> Any:
        """The locked run of a new process: first it recovers the runs of dead ones."""
        self.epoch += 1
        executor = SimpleNamespace(
            server=self.server.server,
            introspect=self.server.introspect,
            execute=self.execute,
            returns_row=self.server.returns_row,
            await_agreement=self.server.await_agreement,
            has_moved=False,
        )
        self.settle()
        use = LockUse(0, self.epoch)
        return SimpleNamespace(
            ledger=self.ledger,
            executor=executor,
            fencing_token=self.epoch,
            lock_use=use,
            journal=lambda recorder: recorder,
        )

    def settle(self) -> None:
        """Recover the runs of dead processes; a run that turns out complete is a version to return to."""
        settled = self.ledger.recover(self.server.introspect, self.server.server)
        for version in self.ledger.versions():
            if version.status in RESTORABLE_STATUSES:  # its process may have died before it could take the snapshot
                self.snapshots.setdefault(version.version, self.state)
        for plan in settled:
            claimed = {int(s.cql.split()[1]) for s in plan.steps if s.state == "claimed" and s.cql[:3] == "RAW"}
            self.doubtful |= claimed

    def migrate(self, target: KeyspaceFacts, *, contract: bool = False, raw: bool = False) -> str:
        """Migrate to these models, or drop what they do not declare; ``refused`` if rules forbid it."""
        guard = self.guard()
        if raw:
            number = len(self.raw)
            self.raw.append(RawStep(f"RAW {number}", undo=f"UNDO {number}", before=bool(number % 2)))

        def planned() -> Any:
            if contract:
                plan = contract_plan(SchemaFacts([target]), self.server.schema, self.server.server, allow=ALL)
            else:
                plan = make_plan(target, self.server.facts, self.server.server, allow=("BC101",))
                executed = executed_raw_steps(self.ledger.with_steps(self.ledger.versions()))
                plan = with_raw_steps(plan, [item for item in self.raw if item.cql not in executed], {"k"})
            return self.server.knows(plan)

        plan = planned()
        if plan.refusals:
            return "refused"
        if not plan.steps:
            return "in_sync"
        kind = "migrate"
        repo: Any = SimpleNamespace(models=(), name="default", keyspace="k")
        result = execute_version(guard, VersionWork(repo, kind, plan, fingerprint(target), planned), Timeouts())
        self.snapshots[result.version] = self.state
        return result.status

    def rollback(self, version: int) -> str:
        """Return to a version; ``refused`` if rules forbid it, and then nothing ran."""
        settings = SimpleNamespace(internal_keyspaces=("k",))
        repo: Any = SimpleNamespace(models=(), name="default", keyspace="k", settings=settings)
        guard = self.guard()
        request = RollbackRequest(repo, version, (*ALL, *self.words()), tuple(self.raw))
        target = request.target(guard.ledger, guard.executor.introspect, guard.executor.server)
        self.server.knows(request.plan(target, guard.executor.introspect, guard.executor.server).plan)
        count = len(self.server.sent)
        if not target.undone:
            return "in_sync"
        try:
            result = rollback_under_lock(request, guard, Timeouts())
        except (IrreversibleStep, DestructiveChangeRefused, ImpossibleChange):
            if count != len(self.server.sent):
                raise
            return "refused"
        self.snapshots[result.version] = self.state
        return result.status

    def words(self) -> list[str]:
        """The allowance for each undo that a kill left in doubt, as a user who checked the server would give it."""
        versions = self.ledger.with_steps(self.ledger.versions())
        steps = [step for version in versions for step in version.steps if step.undone_step is not None]
        names = {"/".join(map(str, step.undone_step)): int(step.cql.split()[1]) for step in steps}
        return [f"RB106:{name}" + ("" if number in self.executed else ":done") for name, number in names.items()]
