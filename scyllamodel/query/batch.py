"""Writes that are sent together, in one request.

In: instances and statements, collected in a ``with`` block. Out: compiled statements, which a repo sends as one request
when the block ends without an error. Sending empties a batch, so each statement is sent once, and the end of the block
closes it. A logged batch is applied as a whole or not at all, at a cost; an unlogged one is for one partition; counters
have their own kind of batch.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from functools import partial
from typing import Any, Final, Literal, TypeAlias, cast

import attrs
from typing_extensions import Self

from scyllamodel._numbers import check_seconds, check_timestamp
from scyllamodel.errors import ConcurrentWrite, QueryNotSupported
from scyllamodel.model.change_tracking import InstanceWrite, Snapshot, loaded_row, mark_deleted, mark_saved
from scyllamodel.query.checks.arguments import check_row, check_statement
from scyllamodel.query.checks.batch_conflicts import WriteConflicts
from scyllamodel.query.instance_writes import (
    mark_write_uncertain,
    may_be_applied,
    save_statement,
    write_statements_for,
)
from scyllamodel.query.instances import WriteOptions
from scyllamodel.query.not_supported import not_supported
from scyllamodel.query.results import LWTResult
from scyllamodel.query.statement import (
    NO_EXECUTION_OPTIONS,
    CompiledStatement,
    ExecutionOptions,
    Statement,
    StatementTemplate,
)
from scyllamodel.query.targets import model_of

BatchKind: TypeAlias = Literal["logged", "unlogged", "counter"]

MAX_STATEMENTS: Final = 65_535
"""Statements of one batch: the protocol counts them in two bytes."""

BATCH_TYPES: Final = {"logged": "LOGGED", "unlogged": "UNLOGGED", "counter": "COUNTER"}
"""The protocol's name of each kind."""


@attrs.frozen(eq=False)
class _BatchEntry:
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


def _lose_track(parts: Iterable[_BatchEntry]) -> None:
    """Record on the instances that the outcome of their statements is unknown."""
    for part in parts:
        part.mark_unknown()


class Batch:
    """A collection of writes, whose results are not known before the batch is sent.

    Sending empties a batch, whatever the outcome, so that nothing is sent twice; inside its block it can be filled
    again. Once the block has ended, a batch accepts no further writes.

    Attributes:
        result: of a batch with conditions, after it was sent.
    """

    def __init__(self, keyspace: str) -> None:
        self.keyspace = keyspace
        self.kind: BatchKind = "logged"
        self.options: ExecutionOptions = NO_EXECUTION_OPTIONS
        self.write_timestamp: int | None = None
        self.result: LWTResult[Any] | None = None
        self._entries: dict[Hashable, _BatchEntry] = {}
        self._conflicts = WriteConflicts()
        self._locked_rows: dict[int, InstanceWrite] = {}
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def compiled_statements(self) -> list[CompiledStatement[Any]]:
        """The collected statements."""
        return [entry.compiled for entry in self._entries.values()]

    def unlogged(self) -> Self:
        """Leave the batch log out: cheaper, and atomic only within one partition."""
        return self._set_kind("unlogged")

    def counter(self) -> Self:
        """Make it a batch of counter updates, which cannot be mixed with other writes."""
        return self._set_kind("counter")

    def timestamp(self, microseconds: int) -> Self:
        """Set the time of the following writes that name none, in microseconds since 1970."""
        self.write_timestamp = check_timestamp(microseconds)
        return self

    def consistency(self, level: str | int) -> Self:
        """Set the consistency level of the batch, such as ``"LOCAL_QUORUM"``."""
        self.options = attrs.evolve(self.options, consistency=level)
        return self

    def timeout(self, seconds: float) -> Self:
        """Set how long this program waits for the answer."""
        self.options = attrs.evolve(self.options, timeout=check_seconds("timeout", seconds))
        return self

    def drain(self) -> Batch:
        """Move the collected writes into a batch of their own, for one request; this one is empty afterwards."""
        drained = Batch(self.keyspace)
        drained.kind, drained.options = self.kind, self.options
        drained._entries, self._entries = self._entries, {}
        self._conflicts = WriteConflicts()
        return drained

    def close(self) -> None:
        """Discard what was not sent, and accept no further writes."""
        self._entries, self._is_closed = {}, True

    def check_open(self) -> None:
        """Refuse a batch whose block has ended.

        Raises:
            QueryNotSupported: the block has ended.
        """
        if self._is_closed:
            raise not_supported(
                "The block of this batch has ended, and nothing more is sent.", "Make another one with repo.batch()."
            )

    def _set_kind(self, kind: BatchKind) -> Self:
        self.kind = kind
        return self

    def save(self, row: Any, *, ttl: int | None = None, nulls: bool = False) -> None:
        """Add the statement that `Repo.save` would send.

        An unchanged instance adds nothing; of an instance saved twice the last state is sent.
        """
        check_row("save", row)
        self.check_open()
        write = save_statement(
            row, self.keyspace, WriteOptions.of(ttl, self.write_timestamp), if_exists=False, nulls=nulls
        )
        key = self._entry_key("save", row)
        if write is None:
            self._entries.pop(key, None)
            self._conflicts.remove(key)
        else:
            self._add_checked(key, _BatchEntry(write.compiled, "save", row, write.snapshot, loaded_row(row)))

    def insert(self, row: Any, *, ttl: int | None = None, if_not_exists: bool = False, nulls: bool = False) -> None:
        """Add the INSERT that `Repo.insert` would send."""
        check_row("insert", row)
        self.check_open()
        statements = write_statements_for(model_of(row), self.keyspace)
        compiled, new_snapshot = statements.insert(
            row, WriteOptions.of(ttl, self.write_timestamp), only_if_absent=if_not_exists, nulls=nulls
        )
        verb = "insert if not exists" if if_not_exists else "insert"
        self._add_checked(self._entry_key(verb, row), _BatchEntry(compiled, verb, row, new_snapshot, loaded_row(row)))

    def delete(self, row: Any) -> None:
        """Add the DELETE that `Repo.delete` would send."""
        check_row("delete", row)
        self.check_open()
        compiled = write_statements_for(model_of(row), self.keyspace).delete(row, timestamp=self.write_timestamp)
        self._add_checked(
            self._entry_key("delete", row), _BatchEntry(compiled, "delete", row, snapshot_before=loaded_row(row))
        )

    def _entry_key(self, verb: str, row: Any) -> Hashable:
        """Return the key of the one entry for an instance at this timestamp.

        All statements of a batch share one timestamp unless they name another. Of two values with one timestamp the
        larger wins, not the later, and a delete wins over both.
        """
        key = (id(row), self.write_timestamp)
        existing = self._entries.get(key)
        if existing is not None and existing.verb != verb:
            raise not_supported(
                f"This {model_of(row).__qualname__} is in this batch already, by {existing.verb}: a {verb} would have "
                "the same timestamp, and not be the later one.",
                "Send them one after the other, or set a later time: batch.timestamp(…).",
            )
        return key

    def execute(self, statement: Statement[Any]) -> None:
        """Add an insert, update or delete.

        Raises:
            QueryNotSupported: it is a select, or a statement that a batch cannot hold.
        """
        check_statement(statement, "batch.execute")
        self.check_open()
        if self.write_timestamp is not None and getattr(statement, "write_timestamp", 0) is None:
            statement = attrs.evolve(cast("Any", statement), write_timestamp=self.write_timestamp)
        compiled = statement.compile(self.keyspace)
        if compiled.template.verb not in ("insert", "update", "delete"):
            raise QueryNotSupported(f"A batch cannot hold a {compiled.template.verb}.", needs=(), helps=())
        self._add_checked(object(), _BatchEntry(compiled), getattr(statement, "write_timestamp", None))

    def _add_checked(self, key: Hashable, entry: _BatchEntry, *timestamps: int | None) -> None:
        """Add an entry that does not conflict with another write of this batch."""
        self._check(entry.compiled)
        self._conflicts.add(key, entry.compiled, *(timestamps or (self.write_timestamp,)))
        self._add(key, entry)

    def add_compiled(self, compiled: CompiledStatement[Any]) -> None:
        """Add a compiled statement, without comparing it with the others."""
        self._add(object(), _BatchEntry(compiled))

    def _add(self, key: Hashable, entry: _BatchEntry) -> None:
        self._check(entry.compiled)
        self._entries[key] = entry

    def _check(self, compiled: CompiledStatement[Any]) -> None:
        if compiled.template.counter != (self.kind == "counter"):
            helps = (
                "use repo.batch().counter()" if compiled.template.counter else "send it separately from the counters"
            )
            text = f"A {self.kind} batch cannot hold {compiled.template.cql!r}: {helps}."
            raise QueryNotSupported(text, needs=(), helps=(helps,))
        if len(self._entries) >= MAX_STATEMENTS:
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
        parts: dict[int, list[_BatchEntry]] = {}
        for entry in self._entries.values():
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

    def finish(self, result: LWTResult[Any] | None) -> None:
        """Record the result on the batch and its instances."""
        self.result = result
        if result is None or result.applied:
            for entry in self._entries.values():
                entry.mark_applied()
