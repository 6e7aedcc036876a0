"""A server in memory: it holds facts, runs the statements of a plan on them, and can simulate faults.

It knows a statement by the change that a plan made it from, refuses what a server would refuse (a thing that is there
already, a table that is not), and shows what a server would show: whole options, flags, dropped columns. Faults are
given by the number of the request, so that every one of a run can be hit.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import attrs

from scyllamodel.errors import IntrospectionError, SchemaDisagreement
from scyllamodel.schema.apply import (
    CoordinatorChanged,
    StatementConflict,
    StatementMissing,
    StatementOutcomeUnknown,
    StatementRefused,
    StatementTransient,
)
from scyllamodel.schema.changes import kinds as c
from scyllamodel.schema.facts.objects import FrozenMap, KeyspaceFacts, SchemaFacts
from scyllamodel.schema.server.profile import ServerProfile

DEFAULTS = {"comment": "", "default_time_to_live": 0, "gc_grace_seconds": 864000, "speculative_retry": "99p"}


def _named(facts, name):
    return next((item for item in facts if item.name == name), None)


def _replaced(facts, new):
    return [new if item.name == new.name else item for item in facts]


def _without(facts, name):
    return [item for item in facts if item.name != name]


def _in_table(change: Callable[[Any, Any], Any]):
    """Wrap a change of one table as a change of its keyspace."""

    def of_keyspace(facts, step):
        name = step.table if isinstance(step.table, str) else step.table.name
        table = _named(facts.tables, name)
        if table is None:
            raise StatementConflict(f"Table '{facts.name}.{name}' doesn't exist")
        return attrs.evolve(facts, tables=_replaced(facts.tables, change(table, step)))

    return of_keyspace


def _add_type(facts, step):
    if _named(facts.types, step.type.name):
        raise StatementConflict(f"A user type with name '{step.type.name}' already exists")
    if missing := [name for name in step.type.user_types if _named(facts.types, name) is None]:
        raise StatementRefused(f"Unknown type {facts.name}.{missing[0]}")
    return attrs.evolve(facts, types=[*facts.types, attrs.evolve(step.type, keyspace=facts.name)])


def _add_field(facts, step):
    live = _named(facts.types, step.type)
    if live is None:
        raise StatementConflict(f"Type {facts.name}.{step.type} doesn't exist")
    if step.name in dict(live.fields):
        raise StatementConflict(f"a field with name {step.name} already exists")
    longer = attrs.evolve(live, fields=(*live.fields, (step.name, step.field_type)))
    return attrs.evolve(facts, types=_replaced(facts.types, longer))


def _add_table(facts, step):
    if _named((*facts.tables, *facts.views), step.table.name):
        raise StatementConflict(f'Cannot add already existing table "{step.table.name}" to keyspace "{facts.name}"')
    if missing := [name for name in step.table.user_types if _named(facts.types, name) is None]:
        raise StatementRefused(f"Unknown type {facts.name}.{missing[0]}")
    table = attrs.evolve(
        step.table,
        keyspace=facts.name,
        indexes=(),
        dropped={},
        options={**DEFAULTS, **step.table.options},
        flags={"compound", *(["counter"] if step.table.is_counter else [])},
        renamed_from=None,
    )
    return attrs.evolve(facts, tables=[*facts.tables, table])


def _add_columns(table, step):
    if existing := [column.name for column in step.columns if column.name in table]:
        raise StatementConflict(f"Column with name '{existing[0]}' already exists")
    return attrs.evolve(table, columns=(*table.columns, *step.columns))


def _drop_columns(table, step):
    names = {column.name for column in step.columns}
    if values := [index.name for index in table.indexes if index.column in names]:
        raise StatementRefused(f"Cannot drop column because it has dependent secondary indexes ({', '.join(values)})")
    if missing := [column.name for column in step.columns if column.name not in table]:
        raise StatementConflict(f"Column {missing[0]} was not found in table")
    dropped = {column.name: f"{column.kind} {column.type.cql}" for column in step.columns}
    columns = [column for column in table.columns if column.name not in dropped]
    return attrs.evolve(table, columns=columns, dropped={**table.dropped, **dropped})


def _where_renamed(where, names):
    for old, new in names.items():
        where = where.replace(f'"{old}" IS', f'"{new}" IS')
    return where


def _rename(facts, step):
    names = dict(step.names)

    def renamed(fact):
        columns = [attrs.evolve(column, name=names.get(column.name, column.name)) for column in fact.columns]
        return attrs.evolve(fact, columns=columns)

    table = _named(facts.tables, step.table)
    if table is None or not all(old in table for old in names):
        raise StatementConflict(f"Undefined column name in table {facts.name}.{step.table}")
    views = [
        attrs.evolve(renamed(view), where=_where_renamed(view.where, names)) if view.base == step.table else view
        for view in facts.views
    ]
    return attrs.evolve(facts, tables=_replaced(facts.tables, renamed(table)), views=views)


def _set_options(facts, step):
    kind = "views" if step.view else "tables"
    live = _named(getattr(facts, kind), step.name)
    if live is None:
        raise StatementConflict(f"'{facts.name}.{step.name}' doesn't exist")
    changed = attrs.evolve(live, options={**live.options, **step.options})
    return attrs.evolve(facts, **{kind: _replaced(getattr(facts, kind), changed)})


def _add_index(facts, step):
    if any(index.name == step.index.name for table in facts.tables for index in table.indexes):
        raise StatementConflict(f"Index '{step.index.name}' already exists")
    return _in_table(lambda table, _: attrs.evolve(table, indexes=(*table.indexes, step.index)))(facts, step)


def _drop_index(facts, step):
    if not any(index.name == step.index.name for table in facts.tables for index in table.indexes):
        raise StatementConflict(f"Index '{facts.name}.{step.index.name}' doesn't exist")
    return _in_table(lambda table, _: attrs.evolve(table, indexes=_without(table.indexes, step.index.name)))(
        facts, step
    )


def _add_view(facts, step):
    if _named((*facts.tables, *facts.views), step.view.name):
        raise StatementConflict(f'Cannot add already existing table "{step.view.name}" to keyspace "{facts.name}"')
    if _named(facts.tables, step.view.base) is None:
        raise StatementConflict(f"Base table '{step.view.base}' doesn't exist")
    keys = [column.name for column in step.view.columns if column.in_key]
    where = " AND ".join(f'"{name}"'.replace('""', '"') + " IS NOT NULL" for name in keys if '"' not in name)
    view = attrs.evolve(
        step.view,
        keyspace=facts.name,
        where=where if not any('"' in name for name in keys) else "",
        options={**DEFAULTS, **step.view.options},
    )
    return attrs.evolve(facts, views=[*facts.views, view])


def _drop_table(facts, step):
    if _named(facts.tables, step.table.name) is None:
        raise StatementConflict(f"Table '{facts.name}.{step.table.name}' doesn't exist")
    if names := [view.name for view in facts.views if view.base == step.table.name]:
        raise StatementRefused(f"Cannot drop a table when materialized views still depend on it ({', '.join(names)})")
    return attrs.evolve(facts, tables=_without(facts.tables, step.table.name))


def _drop_type(facts, step):
    name = step.type.name
    if _named(facts.types, name) is None:
        raise StatementConflict(f"Type '{facts.name}.{name}' doesn't exist")
    if names := [fact.name for fact in (*facts.tables, *facts.types) if name in fact.user_types]:
        raise StatementRefused(f"Cannot drop user type as it is still used by {', '.join(names)}")
    return attrs.evolve(facts, types=_without(facts.types, name))


def _drop_view(facts, step):
    if _named(facts.views, step.view.name) is None:
        raise StatementConflict(f"Materialized view '{facts.name}.{step.view.name}' doesn't exist")
    return attrs.evolve(facts, views=_without(facts.views, step.view.name))


_RUN = {
    c.CreateKeyspace: lambda facts, step: attrs.evolve(facts, keyspace=step.keyspace),
    c.AddType: _add_type,
    c.DropType: _drop_type,
    c.AddField: _add_field,
    c.AddTable: _add_table,
    c.DropTable: _drop_table,
    c.AddColumns: _in_table(_add_columns),
    c.DropColumns: _in_table(_drop_columns),
    c.RenameKeyColumns: _rename,
    c.SetOptions: _set_options,
    c.AddIndex: _add_index,
    c.DropIndex: _drop_index,
    c.AddView: _add_view,
    c.DropView: _drop_view,
}


def applied(keyspace_facts: KeyspaceFacts, change: c.Change) -> KeyspaceFacts:
    """The facts after this change.

    Raises:
        StatementConflict, StatementRefused: a server would not take it.
    """
    return _RUN[type(change)](keyspace_facts, change)


@attrs.frozen
class Loss:
    """The node that coordinates is lost while it has a statement, and the next one takes over.

    Attributes:
        executed: whether the lost node ran the statement.
        forgets: how many of the last statements that ran the next node does not know.
        returns: the look at which the lost node is back, with all that it ran; None if it never is.
        sent: False when the statement is known not to have reached it.
    """

    executed: bool = True
    forgets: int = 0
    returns: int | None = None
    sent: bool = True


@attrs.define
class Faults:
    """The faults, by the number of the ``execute`` (from 1) unless specified differently.

    Attributes:
        lost: applied, and the answer is lost.
        unsent: not applied, but reported as unknown.
        late: applied only when so many looks have passed, the answer is lost.
        busy: not applied, and said so.
        refused: not applied, for good.
        missing: not applied, since the node does not know yet what the statement needs.
        crash: an unexpected error, before it is applied.
        interrupt: Ctrl-C while the response is awaited; applied.
        warnings: the warnings in the response.
        blind: looks, by their number, that fail.
        blind_until: looks fail until so many statements were sent.
        foreign: the change that another client makes just before, as a function of the facts.
        disagree: numbers of the waits for agreement that fail.
        deaf: numbers of the waits for agreement in which no node answers.
        watch_interrupt: looks, by their number, that Ctrl-C hits.
        losses: nodes that are lost.
        lost_at_wait: waits for agreement, by their number, in which the node is lost; with how much the next forgets.
    """

    lost: frozenset[int] = frozenset()
    unsent: frozenset[int] = frozenset()
    late: dict[int, int] = attrs.field(factory=dict)
    busy: frozenset[int] = frozenset()
    refused: frozenset[int] = frozenset()
    missing: frozenset[int] = frozenset()
    crash: frozenset[int] = frozenset()
    interrupt: frozenset[int] = frozenset()
    warnings: dict[int, tuple[str, ...]] = attrs.field(factory=dict)
    blind: frozenset[int] = frozenset()
    blind_until: int = 0
    foreign: dict[int, Callable[[KeyspaceFacts], KeyspaceFacts]] = attrs.field(factory=dict)
    disagree: frozenset[int] = frozenset()
    deaf: frozenset[int] = frozenset()
    watch_interrupt: frozenset[int] = frozenset()
    losses: dict[int, Loss] = attrs.field(factory=dict)
    lost_at_wait: dict[int, int] = attrs.field(factory=dict)


class Simulator:
    """Nodes that coordinate one after another: an executor whose time passes only while a caller sleeps.

    A statement that is sent through a node that took over before all nodes agreed fails the test.
    """

    def __init__(
        self, keyspace_facts: KeyspaceFacts, server: ServerProfile | None = None, faults: Faults | None = None
    ) -> None:
        self.facts, self.server, self.faults = keyspace_facts, server or ServerProfile(), faults or Faults()
        self.changes: dict[str, c.Change] = {}
        self.sent: list[str] = []
        self.executed: list[str] = []
        self.looks = self.waits = 0
        self.pending: list[tuple[int, str]] = []
        self.known = [keyspace_facts]
        """The facts after each statement that ran, as the node that coordinates knows them."""
        self.away: list[tuple[int, list[str]]] = []
        self.has_moved = self.agreed = False
        self.now = 0.0

    def knows(self, plan):
        """Learn the statements of a plan."""
        self.changes.update({step.cql: step.change for step in (*plan.bootstrap, *plan.steps)})
        return plan

    @property
    def schema(self) -> SchemaFacts:
        """The whole schema."""
        return SchemaFacts([self.facts])

    def clock(self) -> float:
        """Seconds since the start."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def execute(self, cql: str, timeout: float) -> tuple[str, ...]:
        """Run one statement, with the fault that its number has."""
        if self.has_moved:
            raise CoordinatorChanged("another node took over")
        self.sent.append(cql)
        number, faults = len(self.sent), self.faults
        if number in faults.foreign:
            self.facts = faults.foreign[number](self.facts)
        if number in faults.crash:
            raise RuntimeError("an unexpected error")
        if number in faults.busy:
            raise StatementTransient("Failed to apply group 0 change due to concurrent modification")
        if number in faults.refused:
            raise StatementRefused("User alice has no ALTER permission on <table k.t> or any of its parents")
        if number in faults.missing:
            raise StatementMissing("unconfigured table t")
        if number in faults.unsent:
            self.now += timeout
            raise StatementOutcomeUnknown("client request timeout")
        self._arrive(number, cql)
        if number in faults.lost:
            raise StatementOutcomeUnknown("connection closed")
        if number in faults.interrupt:
            raise KeyboardInterrupt
        return faults.warnings.get(number, ())

    def _arrive(self, number: int, cql: str) -> None:
        """Deliver the statement to the node, which runs it now or later, or is lost with it."""
        if number in self.faults.losses:
            self._lose(cql, self.faults.losses[number])
        if number in self.faults.late:
            self.pending.append((self.looks + self.faults.late[number], cql))
            raise StatementOutcomeUnknown("client request timeout")
        self._run(cql)

    def _run(self, cql: str) -> None:
        self.facts = applied(self.facts, self.changes[cql])
        self.executed.append(cql)
        self.known.append(self.facts)

    def _lose(self, cql: str, loss: Loss) -> None:
        """Lose the node with the statements that it alone knew."""
        if loss.executed:
            self._run(cql)
        forgotten = self.executed[len(self.executed) - loss.forgets :]
        self._forget(loss.forgets)
        if loss.returns is not None:
            self.away.append((self.looks + loss.returns, forgotten))
        raise (StatementOutcomeUnknown if loss.sent else StatementTransient)("the node is lost")

    def _forget(self, count: int) -> None:
        del self.known[len(self.known) - count :]
        self.facts, self.has_moved, self.agreed = self.known[-1], True, False

    def take_over(self) -> None:
        """Make the node that took over the coordinator."""
        assert self.agreed, "a node takes over before all agreed"
        self.has_moved = False

    def introspect(self, keyspace: str) -> KeyspaceFacts:
        """Return the facts, unless this introspection fails."""
        assert keyspace == self.facts.name
        self.looks += 1
        for due in [due for due in self.away if due[0] <= self.looks]:
            self.away.remove(due)
            self._merge(due[1])
        for due in [due for due in self.pending if due[0] <= self.looks]:
            self.pending.remove(due)
            self._run(due[1])
        if self.looks in self.faults.blind or len(self.sent) < self.faults.blind_until:
            raise IntrospectionError("no answer")
        if self.looks in self.faults.watch_interrupt:
            raise KeyboardInterrupt
        return self.facts

    def _merge(self, forgotten: list[str]) -> None:
        """Bring a lost node back, so that all nodes learn its statements."""
        for cql in forgotten:
            with contextlib.suppress(StatementConflict):
                self.facts = applied(self.facts, self.changes[cql])

    def returns_row(self, cql: str) -> bool:  # noqa: ARG002
        """Whether a query returns a row; the simulator has none."""
        return False

    def await_agreement(self, timeout: float) -> None:
        """Make all nodes agree, unless this wait fails."""
        self.waits += 1
        if self.waits in self.faults.deaf:
            raise IntrospectionError("no answer")
        if self.waits in self.faults.disagree:
            self.now += timeout
            raise SchemaDisagreement("The nodes hold 2 schemas.", versions=FrozenMap({"v1": "n1", "v2": "n2"}))
        if self.waits in self.faults.lost_at_wait:
            self._forget(self.faults.lost_at_wait[self.waits])
        self.agreed = True
