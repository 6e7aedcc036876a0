"""A statement in two parts: its `StatementTemplate`, which is prepared once, and the values of one call.

Comes in: the text and markers that builders or objects make. Goes out: a `CompiledStatement`, which the driver's room
sends. It is separate because whoever sends a statement need not know who made it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar

import attrs

from scyllamodel.types.display import Show
from scyllamodel.types.values import CqlType

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

Verb: TypeAlias = Literal["select", "insert", "update", "delete", "truncate", "batch"]


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET
"""Stands for a value that a statement leaves as it is in the database: neither a value nor a null is written."""


@attrs.frozen
class Marker:
    """One bind marker ``?``.

    Attributes:
        name: for errors and telemetry: ``Order.total``, ``[ttl]``, ``[limit]``.
        type: None is whatever the prepared statement says.
        dump: from the Python value to what the driver serialises; None when there is nothing to do.
        show: how its values appear in errors and reprs.
        required: whether it is of a primary key, which has no nulls.
        not_empty: whether it is a whole partition key, which is not empty either.
        holds_nulls: whether it is a list that may hold nulls.
    """

    name: str
    type: CqlType | None = None
    dump: Callable[[Any], Any] | None = None
    show: Show = repr
    required: bool = False
    not_empty: bool = False
    holds_nulls: bool = False

    def provide(self) -> Marker:
        """This marker."""
        return self


@attrs.frozen
class CellWrite:
    """What a write does to one column.

    Attributes:
        column: the name of the attribute.
        operation: as of an assignment, or ``delete``.
        value_index: which of the statement's values it is about; None where a function of the server makes the value.
        element_index: which value is the key of the one element that is meant.
        field: the one field of a user type that is meant.
    """

    column: str
    operation: str
    value_index: int | None = None
    element_index: int | None = None
    field: str | None = None


@attrs.frozen(eq=False)
class StatementTemplate(Generic[R]):
    """All of a statement that does not change with its values; made once for each text, so identity is a cache key.

    Attributes:
        cql: with the keyspace in it, and values as ``?``.
        markers: one for each ``?``, in order.
        model: the class it speaks of.
        conditional: a lightweight transaction.
        counter: it changes counters.
        idempotent: it may be sent twice without a difference, by two calls.
        writes_list: it writes a list whole. Two writes of one timestamp leave each element twice, since the server
            gives elements new places each time and deletes what is older (Cassandra's `Lists.Setter`, ScyllaDB's
            ``lists.cc``).
        load: one row, a tuple, to an instance or a tuple of typed values; None without rows.
        key: which values are those of the primary key, in its order: of all of it, or of its beginning, at least of the
            partition key; nothing where that is not named by ``=``.
        writes: what a write does, column by column.
        selection: the expressions that a row holds; none where it holds the columns of the model.
        prepared: what sessions made of it, each under an object of its own; it goes with the shape, and with its class.
    """

    cql: str
    markers: tuple[Marker, ...]
    verb: Verb
    model: type | None
    keyspace: str
    conditional: bool = False
    counter: bool = False
    idempotent: bool = True
    writes_list: bool = False
    load: Callable[[Sequence[Any]], Any] | None = None
    key: tuple[int, ...] = ()
    writes: tuple[CellWrite, ...] = ()
    selection: tuple[Any, ...] = ()
    prepared: dict[object, Any] = attrs.field(factory=dict[object, Any], init=False, repr=False)

    @property
    def may_be_retried(self) -> bool:
        """Whether the driver may send the same message twice, with the timestamp that it has."""
        return self.idempotent and not self.writes_list


@attrs.frozen
class ExecutionOptions:
    """What one call asks for beside its values; None is what the repo says."""

    consistency: str | int | None = None
    serial_consistency: str | int | None = None
    timeout: float | None = None
    page_size: int | None = None
    idempotent: bool | None = None


NO_EXECUTION_OPTIONS = ExecutionOptions()


@attrs.frozen(repr=False)
class CompiledStatement(Generic[R]):
    """A shape with the values of one call, as Python has them, in the order of the markers."""

    template: StatementTemplate[R]
    values: tuple[Any, ...]
    options: ExecutionOptions = NO_EXECUTION_OPTIONS

    def __repr__(self) -> str:
        values_text = [marker.show(value) for marker, value in zip(self.template.markers, self.values, strict=False)]
        return f"<{self.template.cql} ({', '.join(values_text)})>"


class Statement(Generic[R_co]):
    """What can be sent, as an immutable value; ``R`` is what executing it returns.

    For a `select` that is a list of rows; for a conditional write an `LWTResult`; for any other write None.
    """

    def compile(self, keyspace: str | None) -> CompiledStatement[R_co]:
        """Shape and values of this statement.

        Parameters:
            keyspace: where tables are whose models name none; None leaves it out of the text.

        Raises:
            QueryNotSupported: the keys and indexes of the table do not serve it.
            TypeMismatch: a value cannot be meant for its column.
        """
        raise NotImplementedError

    @property
    def cql(self) -> str:
        """The text that is sent; a repo puts its keyspace before the name of the table."""
        return self.compile(None).template.cql

    @property
    def values(self) -> tuple[Any, ...]:
        """The values that are bound, in the order of the text."""
        return self.compile(None).values
