"""Writes that are sent together, in one request.

In: instances and statements, collected in a ``with`` block. Out: `BatchWrites`, which a repo sends as one request when
the block ends without an error. Sending empties a batch, so each statement is sent once, and the end of the block
closes it. A logged batch is applied as a whole or not at all, at a cost; an unlogged one is for one partition; counters
have their own kind of batch.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, cast

import attrs
from typing_extensions import Self

from scyllamodel._numbers import check_seconds, check_timestamp
from scyllamodel.errors import QueryNotSupported
from scyllamodel.model.change_tracking import loaded_row
from scyllamodel.query.batch_writes import BatchEntry, BatchWrites
from scyllamodel.query.checks.arguments import check_row, check_statement
from scyllamodel.query.instance_writes import save_statement, write_statements_for
from scyllamodel.query.instances import WriteOptions
from scyllamodel.query.not_supported import not_supported
from scyllamodel.query.results import LWTResult
from scyllamodel.query.statement import Statement
from scyllamodel.query.targets import model_of


class Batch:
    """A collection of writes, whose results are not known before the batch is sent.

    Sending empties a batch, whatever the outcome, so that nothing is sent twice; inside its block it can be filled
    again. Once the block has ended, a batch accepts no further writes.

    Attributes:
        result: of a batch with conditions, after it was sent.
    """

    def __init__(self, keyspace: str) -> None:
        self.result: LWTResult[Any] | None = None
        self._writes = BatchWrites(keyspace)
        self._timestamp: int | None = None
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._writes)

    def unlogged(self) -> Self:
        """Leave the batch log out: cheaper, and atomic only within one partition."""
        self._writes.kind = "unlogged"
        return self

    def counter(self) -> Self:
        """Make it a batch of counter updates, which cannot be mixed with other writes."""
        self._writes.kind = "counter"
        return self

    def timestamp(self, microseconds: int) -> Self:
        """Set the time of the following writes that name none, in microseconds since 1970."""
        self._timestamp = check_timestamp(microseconds)
        return self

    def consistency(self, level: str | int) -> Self:
        """Set the consistency level of the batch, such as ``"LOCAL_QUORUM"``."""
        self._set_options(consistency=level)
        return self

    def timeout(self, seconds: float) -> Self:
        """Set how long this program waits for the answer."""
        self._set_options(timeout=check_seconds("timeout", seconds))
        return self

    def _set_options(self, **options: Any) -> None:
        self._writes.options = attrs.evolve(self._writes.options, **options)

    def _take_writes(self) -> BatchWrites:
        """Return the collected writes, for one request; the batch is empty afterwards.

        Raises:
            QueryNotSupported: the block has ended.
        """
        self._check_open()
        writes, self._writes = self._writes, BatchWrites(self._writes.keyspace, self._writes.kind, self._writes.options)
        return writes

    def _close(self) -> None:
        """Discard what was not sent, and accept no further writes."""
        self._writes.entries, self._is_closed = {}, True

    def _check_open(self) -> None:
        """Refuse a batch whose block has ended.

        Raises:
            QueryNotSupported: the block has ended.
        """
        if self._is_closed:
            raise not_supported(
                "The block of this batch has ended, and nothing more is sent.", "Make another one with repo.batch()."
            )

    def save(self, row: Any, *, ttl: int | None = None, nulls: bool = False) -> None:
        """Add the statement that `Repo.save` would send.

        An unchanged instance adds nothing; of an instance saved twice the last state is sent.
        """
        check_row("save", row)
        self._check_open()
        write = save_statement(
            row, self._writes.keyspace, WriteOptions.of(ttl, self._timestamp), if_exists=False, nulls=nulls
        )
        key = self._entry_key("save", row)
        if write is None:
            self._writes.remove(key)
        else:
            entry = BatchEntry(write.compiled, "save", row, write.snapshot, loaded_row(row))
            self._writes.add(key, entry, self._timestamp)

    def insert(self, row: Any, *, ttl: int | None = None, if_not_exists: bool = False, nulls: bool = False) -> None:
        """Add the INSERT that `Repo.insert` would send."""
        check_row("insert", row)
        self._check_open()
        statements = write_statements_for(model_of(row), self._writes.keyspace)
        compiled, new_snapshot = statements.insert(
            row, WriteOptions.of(ttl, self._timestamp), only_if_absent=if_not_exists, nulls=nulls
        )
        verb = "insert if not exists" if if_not_exists else "insert"
        entry = BatchEntry(compiled, verb, row, new_snapshot, loaded_row(row))
        self._writes.add(self._entry_key(verb, row), entry, self._timestamp)

    def delete(self, row: Any) -> None:
        """Add the DELETE that `Repo.delete` would send."""
        check_row("delete", row)
        self._check_open()
        compiled = write_statements_for(model_of(row), self._writes.keyspace).delete(row, timestamp=self._timestamp)
        entry = BatchEntry(compiled, "delete", row, snapshot_before=loaded_row(row))
        self._writes.add(self._entry_key("delete", row), entry, self._timestamp)

    def _entry_key(self, verb: str, row: Any) -> Hashable:
        """Return the key of the one entry for an instance at this timestamp.

        All statements of a batch share one timestamp unless they name another. Of two values with one timestamp the
        larger wins, not the later, and a delete wins over both.
        """
        key = (id(row), self._timestamp)
        existing = self._writes.entries.get(key)
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
        self._check_open()
        if self._timestamp is not None and getattr(statement, "write_timestamp", 0) is None:
            statement = attrs.evolve(cast("Any", statement), write_timestamp=self._timestamp)
        compiled = statement.compile(self._writes.keyspace)
        if compiled.template.verb not in ("insert", "update", "delete"):
            raise QueryNotSupported(f"A batch cannot hold a {compiled.template.verb}.", needs=(), helps=())
        self._writes.add(object(), BatchEntry(compiled), getattr(statement, "write_timestamp", None))
