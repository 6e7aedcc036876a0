"""Writes that go out together, in one request.

*In*: instances and statements, collected in a ``with`` block. *Out*: one batch of the driver, sent when the block ends
without an error. Each statement is sent once: sending empties a batch, and the end of its block closes it. Logged
batches are applied wholly or not at all, which costs; unlogged ones are for one partition; counters have a kind of
their own.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast

import attrs
from typing_extensions import Self

from scyllamodel._numbers import check_seconds, check_timestamp
from scyllamodel.driver.names import BatchStatement, BatchType, tuple_factory
from scyllamodel.driver.requests import Deadline, Requests, check_size, tune
from scyllamodel.driver.statements import Paxos, SentOnce
from scyllamodel.errors import ConcurrentWrite, QueryNotSupported
from scyllamodel.model.state import InstanceWrite, Snapshot, forget, is_loaded, remember, row_of
from scyllamodel.query.batch_conflicts import WriteConflicts
from scyllamodel.query.misuse import check_row, check_statement
from scyllamodel.query.objects import Using, Write, lose_write, writing_to
from scyllamodel.query.parts import model_of
from scyllamodel.query.statement import NO_OPTIONS, Compiled, Options, Shape, Statement
from scyllamodel.query.tuning import refuse

if TYPE_CHECKING:
    from scyllamodel.query.results import LWTResult

Kind: TypeAlias = Literal["logged", "unlogged", "counter"]

MOST: Final = 65_535
"""Statements of one batch: the protocol counts them in two bytes."""

_TYPES: Final = {"logged": "LOGGED", "unlogged": "UNLOGGED", "counter": "COUNTER"}


def saving(row: Any, keyspace: str, using: Using, *, exists: bool, nulls: bool) -> Write | None:
    """The statement that saves an instance; None when there is nothing to save."""
    access = writing_to(model_of(row), keyspace)
    if is_loaded(row) or exists:
        return access.update(row, using, exists=exists)
    return access.insert(row, using, nulls=nulls)


def may_be_applied(error: BaseException) -> bool:
    """Whether a write that ended so may have been applied, or may be yet.

    What is no `Exception` broke off the wait: Ctrl-C, or the cancellation of a task.
    """
    return getattr(error, "may_be_applied", False) if isinstance(error, Exception) else True


@attrs.frozen(eq=False)
class _Part:
    """One statement of a batch.

    Attributes:
        verb: what was said of an instance; empty for any other statement.
        row: the instance, if it is of one.
        stands: the row that the instance stands for once the batch is applied; None is none.
        stood: the row that it stood for when the statement was made.
    """

    compiled: Compiled[Any]
    verb: str = ""
    row: Any = None
    stands: Snapshot | None = None
    stood: Any = attrs.field(default=None, repr=False)  # values, of which the model knows what is shown

    def settle(self) -> None:
        """The batch was applied."""
        if self.stands is not None:
            remember(self.row, self.stands)
        elif self.row is not None:
            forget(self.row)

    def lose_track(self) -> None:
        """Nobody knows whether the batch was applied."""
        if self.row is not None:
            lose_write(self.row, self.compiled, self.stands)


def _lose_track(parts: Iterable[_Part]) -> None:
    """Nobody knows whether the statements of an instance were applied."""
    for part in parts:
        part.lose_track()


def _check_one_partition(bound: Iterable[Any]) -> None:
    """Refuse conditions over several partitions, on which no server agrees at once."""
    if len({(one.keyspace, one.table, one.routing_key) for one in bound}) > 1:
        raise refuse(
            "A batch with conditions is of one partition of one table, and this one of several.",
            "Send a batch for each partition, or leave the conditions out.",
        )


class Batch:
    """Collects writes; what they return is not known before the batch is sent.

    Sending empties a batch, whatever comes of the request, so that nothing is sent twice; inside its block it can be
    filled again. Once the block has ended, a batch takes no more writes.

    Attributes:
        result: of a batch with conditions, after it was sent.
    """

    def __init__(self, keyspace: str) -> None:
        self.keyspace = keyspace
        self.kind: Kind = "logged"
        self.options: Options = NO_OPTIONS
        self.written: int | None = None
        self.result: LWTResult[Any] | None = None
        self._parts: dict[Hashable, _Part] = {}
        self._conflicts = WriteConflicts()
        self._begun: dict[int, InstanceWrite] = {}
        self._closed = False

    def __len__(self) -> int:
        return len(self._parts)

    @property
    def statements(self) -> list[Compiled[Any]]:
        """What was collected."""
        return [part.compiled for part in self._parts.values()]

    def unlogged(self) -> Self:
        """Without the batch log: cheaper, and wholly applied only within one partition."""
        return self._of_kind("unlogged")

    def counter(self) -> Self:
        """Of counter updates, which go with no others."""
        return self._of_kind("counter")

    def timestamp(self, microseconds: int) -> Self:
        """The time of the writes that follow and name none, in microseconds since 1970."""
        self.written = check_timestamp(microseconds)
        return self

    def consistency(self, level: str | int) -> Self:
        """How many replicas take it, such as ``"LOCAL_QUORUM"``."""
        self.options = attrs.evolve(self.options, consistency=level)
        return self

    def timeout(self, seconds: float) -> Self:
        """How long this program waits for the answer."""
        self.options = attrs.evolve(self.options, timeout=check_seconds("timeout", seconds))
        return self

    def taken(self) -> Batch:
        """The writes collected so far as a batch of their own, for one request; this one is empty afterwards."""
        made = Batch(self.keyspace)
        made.kind, made.options = self.kind, self.options
        made._parts, self._parts = self._parts, {}
        self._conflicts = WriteConflicts()
        return made

    def close(self) -> None:
        """Drop what was not sent, and take no more writes."""
        self._parts, self._closed = {}, True

    def check_open(self) -> None:
        """Refuse a batch whose block has ended.

        Raises:
            QueryNotSupported: it has.
        """
        if self._closed:
            raise refuse(
                "The block of this batch has ended, and nothing more is sent.", "Make another one with repo.batch()."
            )

    def _of_kind(self, kind: Kind) -> Self:
        self.kind = kind
        return self

    def save(self, row: Any, *, ttl: int | None = None, nulls: bool = False) -> None:
        """As of a repo; an unchanged instance adds nothing, and of one that is saved again the last state is sent."""
        check_row("save", row)
        self.check_open()
        found = saving(row, self.keyspace, Using.of(ttl, self.written), exists=False, nulls=nulls)
        place = self._place("save", row)
        if found is None:
            self._parts.pop(place, None)
            self._conflicts.discard(place)
        else:
            self._guarded(place, _Part(found.compiled, "save", row, found.row, row_of(row)))

    def insert(self, row: Any, *, ttl: int | None = None, if_not_exists: bool = False, nulls: bool = False) -> None:
        """As of a repo."""
        check_row("insert", row)
        self.check_open()
        access = writing_to(model_of(row), self.keyspace)
        compiled, stands = access.insert(row, Using.of(ttl, self.written), absent=if_not_exists, nulls=nulls)
        verb = "insert if not exists" if if_not_exists else "insert"
        self._guarded(self._place(verb, row), _Part(compiled, verb, row, stands, row_of(row)))

    def delete(self, row: Any) -> None:
        """As of a repo."""
        check_row("delete", row)
        self.check_open()
        compiled = writing_to(model_of(row), self.keyspace).delete(row, timestamp=self.written)
        self._guarded(self._place("delete", row), _Part(compiled, "delete", row, stood=row_of(row)))

    def _place(self, verb: str, row: Any) -> Hashable:
        """Where the word about an instance at this time stands, of which there is one.

        All statements of a batch have one time unless they name another. Of two values of that time the larger one
        wins and not the later, and a delete wins over both.
        """
        place = (id(row), self.written)
        earlier = self._parts.get(place)
        if earlier is not None and earlier.verb != verb:
            raise refuse(
                f"This {model_of(row).__qualname__} is in this batch already, by {earlier.verb}: a {verb} would have "
                "the same time, and not be the later one.",
                "Send them one after the other, or say which is later: batch.timestamp(…).",
            )
        return place

    def execute(self, statement: Statement[Any]) -> None:
        """An insert, update or delete.

        Raises:
            QueryNotSupported: it is a select, or a batch takes no such statement.
        """
        check_statement(statement, "batch.execute")
        self.check_open()
        if self.written is not None and getattr(statement, "written", 0) is None:
            statement = attrs.evolve(cast("Any", statement), written=self.written)
        compiled = statement.compile(self.keyspace)
        if compiled.shape.verb not in ("insert", "update", "delete"):
            raise QueryNotSupported(f"A batch takes no {compiled.shape.verb}.", needs=(), helps=())
        self._guarded(object(), _Part(compiled), getattr(statement, "written", None))

    def _guarded(self, place: Hashable, part: _Part, *written: int | None) -> None:
        """Add what would neither be lost by another write of this batch nor lose one."""
        self._check(part.compiled)
        self._conflicts.put(place, part.compiled, *(written or (self.written,)))
        self._add(place, part)

    def add(self, compiled: Compiled[Any]) -> None:
        """A statement that is compiled already, and is not compared with the others."""
        self._add(object(), _Part(compiled))

    def _add(self, place: Hashable, part: _Part) -> None:
        self._check(part.compiled)
        self._parts[place] = part

    def _check(self, compiled: Compiled[Any]) -> None:
        if compiled.shape.counter != (self.kind == "counter"):
            helps = "say repo.batch().counter()" if compiled.shape.counter else "send it apart from the counters"
            text = f"A {self.kind} batch does not take {compiled.shape.cql!r}: {helps}."
            raise QueryNotSupported(text, needs=(), helps=(helps,))
        if len(self._parts) >= MOST:
            raise QueryNotSupported(f"A batch has {MOST:,} statements at most: write in parts.", needs=(), helps=())

    @property
    def conditional(self) -> bool:
        """Whether it is a lightweight transaction."""
        return any(compiled.shape.conditional for compiled in self.statements)

    def compiled(self) -> Compiled[Any]:
        """The batch as one statement, for errors and events."""
        shapes = [compiled.shape for compiled in self.statements]
        first = shapes[0]
        text = "; ".join(dict.fromkeys(shape.cql for shape in shapes))
        models = {shape.model for shape in shapes}
        shape: Shape[Any] = Shape(
            f"BEGIN {_TYPES[self.kind]} BATCH {text}; APPLY BATCH",
            (),
            "batch",
            first.model if len(models) == 1 else None,
            self.keyspace,
            conditional=self.conditional,
            counter=self.kind == "counter",
            idempotent=all(shape.idempotent for shape in shapes),
            writes_list=any(shape.writes_list for shape in shapes),
        )
        return Compiled(shape, (), self.options)

    def statement(self, requests: Requests, deadline: Deadline | None = None) -> Any:
        """The driver's batch; this may wait for statements to be prepared.

        Parameters:
            deadline: of the request; None is that of a request which begins now.

        Raises:
            QueryNotSupported: it has more bytes than a request may have.
        """
        deadline = deadline or requests.deadline(self.options)
        return self.joined([requests.bound(compiled, deadline) for compiled in self.statements])

    async def statement_async(self, requests: Requests, deadline: Deadline | None = None) -> Any:
        """The driver's batch, as `statement` gives it, and the loop goes on meanwhile."""
        deadline = deadline or requests.deadline(self.options)
        return self.joined([await requests.bound_async(compiled, deadline) for compiled in self.statements])

    def ready(self, requests: Requests) -> Any:
        """The driver's batch; None where the server has to be asked first, see `statement`."""
        bound = [requests.ready(compiled) for compiled in self.statements]
        return None if None in bound else self.joined(bound)

    def joined(self, bound: list[Any]) -> Any:
        """The driver's batch of statements with their values."""
        check_size(bound)
        if self.conditional:
            _check_one_partition(bound)
        made = BatchStatement(getattr(BatchType, _TYPES[self.kind]))
        for one in bound:
            made.add(one)
        made.our_rows = tuple_factory
        whole = self.compiled()
        made.is_idempotent = whole.shape.may_be_retried
        if not whole.shape.may_be_retried:
            made.retry_policy = Paxos() if whole.shape.conditional else SentOnce()
        tune(made, self.options, whole.shape)
        return made

    def begin(self) -> None:
        """Take the instances for this request, until `end`.

        Raises:
            ConcurrentWrite: one is being written by another call, or was written since it was collected.
        """
        parts: dict[int, list[_Part]] = {}
        for part in self._parts.values():
            if part.row is not None:
                parts.setdefault(id(part.row), []).append(part)
        for number, (first, *more) in parts.items():
            self._begun[number] = one = InstanceWrite(first.row)
            if row_of(first.row) is not first.stood:
                raise ConcurrentWrite(
                    f"This {model_of(first.row).__qualname__} was written since the batch collected it, so that its "
                    "changes would be sent twice. Nothing of the batch was sent: collect them again."
                )
            one.may_be_sent(partial(_lose_track, (first, *more)))

    def lose_track(self, error: BaseException) -> None:
        """Take note of the error that the batch ended with; after a write that may be applied, no row is known."""
        if may_be_applied(error):
            for one in self._begun.values():
                one.lose()

    def end(self) -> None:
        """Give back the instances."""
        for one in self._begun.values():
            one.end()
        self._begun = {}

    def done(self, result: LWTResult[Any] | None) -> None:
        """Take notice of what was written."""
        self.result = result
        if result is None or result.applied:
            for part in self._parts.values():
                part.settle()
