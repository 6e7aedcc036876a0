"""The writes of a batch: collected, checked against each other, and locked while they are sent.

In: compiled statements, with the instances that they write. Out: the statements for one request, and the new state of
the instances.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from functools import partial
from typing import Any, Final, Literal, TypeAlias

import attrs

from scyllamodel.errors import ConcurrentWrite, QueryNotSupported
from scyllamodel.model.change_tracking import InstanceWrite, Snapshot, loaded_row, mark_deleted, mark_saved
from scyllamodel.query.checks.batch_conflicts import WriteConflicts
from scyllamodel.query.instance_writes import mark_write_uncertain, may_be_applied
from scyllamodel.query.statement import (
    NO_EXECUTION_OPTIONS,
    CompiledStatement,
    ExecutionOptions,
    StatementTemplate,
)
from scyllamodel.query.targets import model_of

BatchKind: TypeAlias = Literal["logged", "unlogged", "counter"]

MAX_STATEMENTS: Final = 65_535
"""Statements of one batch: the protocol counts them in two bytes."""

BATCH_TYPES: Final = {"logged": "LOGGED", "unlogged": "UNLOGGED", "counter": "COUNTER"}
"""The protocol's name of each kind."""


@attrs.frozen(eq=False)
class BatchEntry:
    """One statement of a batch.

    Attributes:
        verb: the operation on an instance; empty for any other statement.
        row: the instance, if there is one.
        snapshot_after: the stored row of the instance once the batch is applied; None if there is none.
        snapshot_before: its stored row when the statement was made.
    """

    compiled: CompiledStatement[Any]
    verb: str = ""
    row: Any = None
    snapshot_after: Snapshot | None = None
    snapshot_before: Any = attrs.field(default=None, repr=False)  # has values, which only the model can redact

    def mark_applied(self) -> None:
        """Record on the instance that the batch was applied."""
        if self.snapshot_after is not None:
            mark_saved(self.row, self.snapshot_after)
        elif self.row is not None:
            mark_deleted(self.row)

    def mark_unknown(self) -> None:
        """Record on the instance that the outcome of the batch is unknown."""
        if self.row is not None:
            mark_write_uncertain(self.row, self.compiled, self.snapshot_after)


def _lose_track(parts: Iterable[BatchEntry]) -> None:
    """Record on the instances that the outcome of their statements is unknown."""
    for part in parts:
        part.mark_unknown()


@attrs.define(eq=False)
class BatchWrites:
    """The writes that are sent in one request.

    Attributes:
        keyspace: of the repo.
        entries: the writes by key; a write of an instance replaces the one with the same key.
    """

    keyspace: str
    kind: BatchKind = "logged"
    options: ExecutionOptions = NO_EXECUTION_OPTIONS
    entries: dict[Hashable, BatchEntry] = attrs.field(factory=dict[Hashable, BatchEntry], init=False)
    _conflicts: WriteConflicts = attrs.field(factory=WriteConflicts, init=False)
    _locked_rows: dict[int, InstanceWrite] = attrs.field(factory=dict[int, InstanceWrite], init=False)

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def compiled_statements(self) -> list[CompiledStatement[Any]]:
        """The collected statements."""
        return [entry.compiled for entry in self.entries.values()]

    def add(self, key: Hashable, entry: BatchEntry, timestamp: int | None) -> None:
        """Add a write that does not conflict with another one.

        Raises:
            QueryNotSupported: it conflicts, does not fit the kind of batch, or is one too many.
        """
        self._check(entry.compiled)
        self._conflicts.add(key, entry.compiled, timestamp)
        self.entries[key] = entry

    def remove(self, key: Hashable) -> None:
        """Remove the write with this key, if there is one."""
        self.entries.pop(key, None)
        self._conflicts.remove(key)

    def add_compiled(self, compiled: CompiledStatement[Any]) -> None:
        """Add a compiled statement, without comparing it with the others."""
        self._check(compiled)
        self.entries[object()] = BatchEntry(compiled)

    def _check(self, compiled: CompiledStatement[Any]) -> None:
        if compiled.template.counter != (self.kind == "counter"):
            helps = (
                "use repo.batch().counter()" if compiled.template.counter else "send it separately from the counters"
            )
            text = f"A {self.kind} batch cannot hold {compiled.template.cql!r}: {helps}."
            raise QueryNotSupported(text, needs=(), helps=(helps,))
        if len(self.entries) >= MAX_STATEMENTS:
            raise QueryNotSupported(f"A batch has at most {MAX_STATEMENTS:,} statements: split it.", needs=(), helps=())

    @property
    def conditional(self) -> bool:
        """Whether it is a lightweight transaction."""
        return any(compiled.template.conditional for compiled in self.compiled_statements)

    def as_compiled(self) -> CompiledStatement[Any]:
        """Return the batch as one compiled statement, for errors and events."""
        templates = [compiled.template for compiled in self.compiled_statements]
        first_template = templates[0]
        text = "; ".join(dict.fromkeys(template.cql for template in templates))
        models = {template.model for template in templates}
        template: StatementTemplate[Any] = StatementTemplate(
            f"BEGIN {BATCH_TYPES[self.kind]} BATCH {text}; APPLY BATCH",
            (),
            "batch",
            first_template.model if len(models) == 1 else None,
            self.keyspace,
            conditional=self.conditional,
            counter=self.kind == "counter",
            idempotent=all(template.idempotent for template in templates),
            writes_list=any(shape.writes_list for shape in templates),
        )
        return CompiledStatement(template, (), self.options)

    def lock_rows(self) -> None:
        """Lock the instances against other writes, until `unlock_rows`.

        Raises:
            ConcurrentWrite: one is being written by another call, or was written after it was collected.
        """
        parts: dict[int, list[BatchEntry]] = {}
        for entry in self.entries.values():
            if entry.row is not None:
                parts.setdefault(id(entry.row), []).append(entry)
        for number, (first, *more) in parts.items():
            self._locked_rows[number] = one = InstanceWrite(first.row)
            if loaded_row(first.row) is not first.snapshot_before:
                raise ConcurrentWrite(
                    f"This {model_of(first.row).__qualname__} was written after the batch collected it, so that its "
                    "changes would be sent twice. Nothing of the batch was sent: collect them again."
                )
            one.may_be_sent(partial(_lose_track, (first, *more)))

    def mark_unknown(self, error: BaseException) -> None:
        """Record the error that ended the batch; if the write may be applied, the stored rows are unknown."""
        if may_be_applied(error):
            for one in self._locked_rows.values():
                one.lose()

    def unlock_rows(self) -> None:
        """Unlock the instances."""
        for one in self._locked_rows.values():
            one.end()
        self._locked_rows = {}

    def mark_applied(self) -> None:
        """Record on the instances that the batch was applied."""
        for entry in self.entries.values():
            entry.mark_applied()
