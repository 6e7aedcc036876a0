"""Reading and writing whole instances: one shape for each thing that is done to them, and the values beside it.

Comes in: a model, a keyspace, instances. Goes out: `Compiled`. Builders write the text, once for each shape; afterwards
an instance costs no more than taking its values.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Generic, NamedTuple, TypeVar, cast

import attrs

from scyllamodel._numbers import check_timestamp, check_ttl
from scyllamodel.errors import UnknownColumn
from scyllamodel.model._codegen import define
from scyllamodel.model.expression import ColumnTarget, Condition
from scyllamodel.model.family import family_of
from scyllamodel.model.names import closest
from scyllamodel.model.state import (
    Change,
    Snapshot,
    Unsettled,
    changes,
    current_values,
    is_loaded,
    lose_track,
    row_of,
    snapshot,
    unknown_names,
)
from scyllamodel.model.static_defaults import DEFAULTS, not_given
from scyllamodel.query.delete import Delete
from scyllamodel.query.differences import differences
from scyllamodel.query.insert import Insert, check_null, null_refused, refuses_null, says_nothing
from scyllamodel.query.kinds import check_kind
from scyllamodel.query.memory import known_access, memory_of
from scyllamodel.query.parts import model_of
from scyllamodel.query.restrictions import Keys, quoted
from scyllamodel.query.select import Select
from scyllamodel.query.statement import UNSET, Compiled, Shape
from scyllamodel.query.tuning import refuse
from scyllamodel.query.update import Update
from scyllamodel.schema.facts import Table
from scyllamodel.types.identity import cell_form, stored_form

M = TypeVar("M")

_COUNTERS: Final = "a table of counters is written by update(…).set(…increment()) alone"


def _ttl(given: int | None) -> int | None:
    return None if given is None else check_ttl(given)


def _timestamp(given: int | None) -> int | None:
    return None if given is None else check_timestamp(given)


@attrs.frozen
class Using:
    """What a write of an instance asks for.

    Attributes:
        ttl: seconds after which it expires; None is what the table says.
        timestamp: microseconds since 1970; None is when it is sent.
    """

    ttl: int | None = attrs.field(default=None, converter=_ttl)
    timestamp: int | None = attrs.field(default=None, converter=_timestamp)

    @staticmethod
    def of(ttl: int | None, timestamp: int | None) -> Using:
        """What a write asks for: nearly always nothing, for which there is one object."""
        return PLAIN if ttl is None and timestamp is None else Using(ttl, timestamp)

    @property
    def values(self) -> tuple[int, ...]:
        """In the order of the text."""
        return tuple(value for value in (self.ttl, self.timestamp) if value is not None)


PLAIN: Final = Using()


class Write(NamedTuple):
    """A statement that writes an instance, and the row that the instance stands for once it is applied."""

    compiled: Compiled[Any]
    row: Snapshot


class Access(Generic[M]):
    """All that is done to instances of one model in one keyspace.

    Attributes:
        key: the names of the attributes of the primary key, in its order.
        partition: those of the partition key.
        values: an instance to its values as a new row has them, what it says nothing of unset.
        has_static: whether the model has static columns.
        writable: whether instances are written one by one: of a table, and not of counters.
    """

    __slots__ = (
        "_has_defaults",
        "_in_family",
        "_insert",
        "_memory",
        "_names",
        "_own",
        "_table",
        "every",
        "get",
        "has_static",
        "key",
        "key_of",
        "keyspace",
        "model",
        "partition",
        "partition_of",
        "values",
        "writable",
    )

    def __init__(self, model: type[M], keyspace: str | None) -> None:
        self.model, self.keyspace = model, keyspace
        keys = Keys.of(model)
        self.key, self.partition = keys.all, keys.partition
        self._names = frozenset(self.key)
        self._own = _own_value(model, self._names)
        self._memory = memory_of(model)
        self._in_family = family_of(model) is not None
        conditions = self._conditions(self.key)
        self.get: Shape[list[M]] = (
            Select[M](model, conditions=conditions, flags=frozenset({"any_kind"})).compile(keyspace).shape
        )
        self.values, self.every, self.key_of, self.partition_of = self._memory.once(
            "takers", lambda: _takers(self._memory.columns, self.key, self.partition)
        )
        self._insert: Shape[None] | None = None
        self._has_defaults = hasattr(model, DEFAULTS)
        self.has_static = any(column.spec.kind == "static" for column in self._memory.columns.values())
        facts: Any = getattr(model, "__facts__", None)
        self.writable = isinstance(facts, Table) and not facts.is_counter
        self._table = (facts.keyspace or keyspace, facts.name)

    def _conditions(self, names: tuple[str, ...]) -> tuple[Condition, ...]:
        return tuple(Condition(ColumnTarget(self.model, name), "=", UNSET) for name in names)

    def key_values(self, given: Mapping[str, Any]) -> tuple[Any, ...]:
        """The values of a key in its order.

        Raises:
            TypeError: it is not the whole primary key.
            UnknownColumn: a name is none of the model's.
        """
        if self._own and self._own.keys().isdisjoint(given):
            given = {**given, **self._own}
        if len(given) == len(self.key) and self._names.issuperset(given):
            return tuple([given[name] for name in self.key])
        where, columns = self.model.__qualname__, memory_of(self.model).columns
        for name in given:
            if name not in columns:
                key = f"its primary key is ({', '.join(self.key)})"
                text = f"{where} has no column {name!r}{closest(name, columns)}; {key}"
                raise UnknownColumn(text, model=where, column=name)
            if name not in self._names:
                raise TypeError(
                    f"{where}.{name} is not in the primary key ({', '.join(self.key)}); rows are found by other "
                    "columns with select(…).where(…)"
                )
        missing = [name for name in self.key if name not in given]
        raise TypeError(
            f"{where} has the primary key ({', '.join(self.key)}), and {quoted(missing)} is missing; some rows of a "
            "partition are read with select(…).where(…)"
        )

    def insert(self, row: M, using: Using = PLAIN, *, absent: bool = False, nulls: bool = False) -> Write:
        """The row of an instance, as a new one."""
        if self._in_family:
            check_kind(row)
        stands = snapshot(row, current_values(row))
        values = self._new_values(row, nulls=nulls)
        if using is PLAIN and not absent:
            shape = self._insert
            if shape is None:
                shape = self._insert = self._insert_shape(using, absent=False)
            return Write(Compiled(shape, values), stands)
        return Write(Compiled(self._insert_shape(using, absent=absent), values + using.values), stands)

    def _new_values(self, row: M, *, nulls: bool) -> tuple[Any, ...]:
        """The values of an instance as a new row has them, with all that an earlier INSERT of it may have set."""
        values: tuple[Any, ...] = (self.every if nulls else self.values)(row)
        if self._has_defaults:
            values = self._given(row, values)
        return self._in_full(row, values) if type(row_of(row)) is Unsettled else values

    def _given(self, row: M, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Values of a new row, without the defaults of static columns, which would overwrite those of the partition."""
        skipped = not_given(row)
        both = zip(self._memory.columns, values, strict=True)
        return tuple([UNSET if name in skipped else value for name, value in both]) if skipped else values

    def _in_full(self, row: M, values: tuple[Any, ...]) -> tuple[Any, ...]:
        """Values of a new row, with the nulls of columns that a write without an answer may have set."""
        unknown, every = unknown_names(row), self.every(row)
        return tuple(
            [
                whole if value is UNSET and name in unknown else value
                for name, value, whole in zip(self._memory.columns, values, every, strict=True)
            ]
        )

    def _insert_shape(self, using: Using, *, absent: bool) -> Shape[None]:
        key = ("insert", absent, using.ttl is None, using.timestamp is None)
        return self._once(
            key,
            lambda: Insert[Any, None](
                self.model,
                dict.fromkeys(memory_of(self.model).columns),
                absent=absent,
                seconds=using.ttl,
                written=using.timestamp,
            ).compile(self.keyspace),
        )

    def update(self, row: M, using: Using = PLAIN, *, exists: bool = False) -> Write | None:
        """What has changed since an instance was loaded; None when nothing has.

        Raises:
            QueryNotSupported: a column of the key has.
            TypeMismatch: one whose type excludes None was set to None.
        """
        if self._in_family:
            check_kind(row)
        now = current_values(row)
        found = changes(row, now) if is_loaded(row) else self._said(row)
        if not found:
            return None
        self._check_key(found)
        for change in found:
            if change.now is None and refuses_null(change.column):
                raise null_refused(change.column)
        static = all(change.column.spec.kind == "static" for change in found)
        names = self.partition if static else self.key
        assignments = [assignment for change in found for assignment in differences(change)]
        if not assignments:  # what has changed is stored as it was: elements of a set that are one to the server
            return None
        changed = tuple([(_place(assignment.target), assignment.operation) for assignment in assignments])
        key = ("update", exists, using.ttl is None, using.timestamp is None, changed)
        shape = self._once(
            key,
            lambda: Update[Any, None](
                cast("Any", self.model),
                conditions=self._conditions(names),
                assignments=tuple(assignments),
                exists=exists,
                seconds=using.ttl,
                written=using.timestamp,
            ).compile(self.keyspace),
        )
        values = (*using.values, *(a.value for a in assignments), *(getattr(row, name) for name in names))
        return Write(Compiled(shape, values), snapshot(row, now))

    def _said(self, row: M) -> list[Change]:
        """What a new instance says of its row, for an update that must not make one."""
        given = zip(memory_of(self.model).columns.values(), self._new_values(row, nulls=False), strict=True)
        found = [Change(column, None, value) for column, value in given if value is not UNSET]
        return [change for change in found if change.column.name not in self._names]

    def lose_track(self, row: M, write: Compiled[Any], stands: Snapshot | None) -> None:
        """Take note that a write of an instance got no answer; parameters as of `lose_write`."""
        columns, verb, exists = self._memory.columns, write.shape.verb, is_loaded(row)
        written = set[str](columns)
        if verb == "insert":
            written = {name for name, value in zip(columns, write.values, strict=False) if value is not UNSET}
        elif stands is not None:
            written = {change.column.name for change in (changes(row, stands) if exists else self._said(row))}
        lose_track(row, written, exists=exists and verb != "delete", conditional=write.shape.conditional)

    def stored_key(self, row: M) -> tuple[Any, ...]:
        """The key of an instance, which of a loaded one is that of its row.

        Raises:
            QueryNotSupported: it was changed, and would be the key of another row.
        """
        if is_loaded(row):
            self._check_key(changes(row, current_values(row)))
        key: tuple[Any, ...] = self.key_of(row)
        return key

    def _check_key(self, found: list[Change]) -> None:
        for change in found:
            if change.column.name in self._names:
                raise refuse(
                    f"{change.column!r} is in the primary key, and was changed on a loaded instance: that would be "
                    "another row.",
                    f"Save a copy, order.replace({change.column.name}=…), and delete this one.",
                )

    def key_identity(self, row: M) -> Hashable:
        """A key that is equal for two instances exactly when they are one row of one table."""
        return self.row_identity(self.key_of(row))

    def row_identity(self, key: Sequence[Any]) -> Hashable:
        """What `key_identity` gives for an instance with these values of the primary key.

        Partitions differ by the bytes of their keys, rows of a partition by the order of its clustering columns, for
        which the decimals 1.0 and 1.00 are one. The values of a partition key alone give the identity of the partition.
        """
        columns, count = self._memory.columns, len(self.partition)
        forms = [
            stored_form(columns[name].identity, value) if at < count else cell_form(columns[name].identity, value)
            for at, (name, value) in enumerate(zip(self.key, key, strict=False))
        ]
        return (*self._table, *forms)

    def delete(self, row: M, *, exists: bool = False, timestamp: int | None = None) -> Compiled[Any]:
        """The row of an instance, to be deleted; errors as of `stored_key`."""
        return self.delete_key(self.stored_key(row), exists=exists, timestamp=timestamp)

    def delete_key(self, key: tuple[Any, ...], *, exists: bool = False, timestamp: int | None = None) -> Compiled[Any]:
        """The row under a key, to be deleted."""
        shape = self._once(
            ("delete", exists, timestamp is None),
            lambda: Delete[Any, None](
                cast("Any", self.model), conditions=self._conditions(self.key), exists=exists, written=timestamp
            ).compile(self.keyspace),
        )
        return Compiled(shape, key if timestamp is None else (check_timestamp(timestamp), *key))

    def _once(self, key: Any, make: Callable[[], Compiled[Any]]) -> Shape[Any]:
        return self._memory.shape((self.keyspace, *key), lambda: make().shape)


def _own_value(model: type, key: Collection[str]) -> dict[str, Any]:
    """The value that tells the rows of a class apart, where it is part of the key, so that nobody has to name it."""
    own = memory_of(model).own
    if own is None or own.operator != "=" or not isinstance(own.target, ColumnTarget) or own.target.column not in key:
        return {}
    return {own.target.column: own.value}


def access_to(model: type[M], keyspace: str | None) -> Access[M]:
    """The access to a model in a keyspace, made once.

    Raises:
        TypeError: it is no model.
    """
    found: Access[M] | None = known_access(model, keyspace)
    if found is not None:
        return found
    if not getattr(model, "__columns__", None):
        raise TypeError(f"a model or an instance of one is needed, not {model!r}")
    return memory_of(model).reach(keyspace, Access(model, keyspace))


def lose_write(row: Any, write: Compiled[Any], stands: Snapshot | None) -> None:
    """Take note that a write of an instance got no answer.

    Parameters:
        stands: the row that the instance would stand for if the write was applied; None after a DELETE.
    """
    access_to(model_of(row), write.shape.keyspace).lose_track(row, write, stands)


def writing_to(model: type[M], keyspace: str | None) -> Access[M]:
    """The access to a model whose instances are written one by one.

    Raises:
        TypeError: it is a view, or no model at all.
        QueryNotSupported: it is a table of counters.
    """
    access = access_to(model, keyspace)
    if not access.writable:
        _refuse_write(model)
    return access


def _refuse_write(model: type) -> None:
    facts = getattr(model, "__facts__", None)
    if not isinstance(facts, Table):
        table = getattr(model, "__of__", None)
        where = f"; write instances of {table.__qualname__}" if isinstance(table, type) else ""
        raise TypeError(f"{model.__qualname__} is a view, which the server fills{where}")
    raise refuse(f"{model.__qualname__}: {_COUNTERS}.")


def _place(target: Any) -> str:
    """What is changed, for the memory of shapes."""
    return target.column if type(target) is ColumnTarget else str(target)


def _takers(columns: Mapping[str, Any], key: Collection[str], partition: Collection[str]) -> tuple[Any, ...]:
    """What takes the values of a new row, all values, the key and the partition key of an instance."""
    keyed = ({name: columns[name] for name in names} for names in (key, partition))
    return (_taker(columns, key), _taker(columns, key, nulls=True), *(_taker(one, key) for one in keyed))


def _taker(
    columns: Mapping[str, Any], key: Collection[str], *, nulls: bool = False
) -> Callable[[Any], tuple[Any, ...]]:
    """A function that takes the values of an instance.

    Parameters:
        key: columns whose values are taken as they are.
        nulls: whether None and empty collections of others are taken too; they are unset without.
    """
    lines = [
        f"        {_taken(at, column, as_it_is=nulls or name in key)},"
        for at, (name, column) in enumerate(columns.items())
    ]
    unset = None if nulls else UNSET
    scope: dict[str, Any] = {f"null{at}": partial(_null, column, unset) for at, column in enumerate(columns.values())}
    scope["U"] = UNSET
    return define(["def values(row):", "    return (", *lines, "    )"], "values", "values of an instance", scope)


def _taken(at: int, column: Any, *, as_it_is: bool) -> str:
    """The expression that takes a value; the test for None is the same whatever it leads to."""
    if refuses_null(column):
        return f"(null{at}(row) if (v := row.{column.name}) is None else v)"
    if as_it_is:
        return f"row.{column.name}"
    if says_nothing(column.hint.type, ()):
        return f"(v if (v := row.{column.name}) else U)"
    return f"(U if (v := row.{column.name}) is None else v)"


def _null(column: Any, unset: Any, row: Any) -> Any:
    """What a None in a column whose type excludes it comes to; errors as of `check_null`."""
    check_null(row, column)
    return unset
