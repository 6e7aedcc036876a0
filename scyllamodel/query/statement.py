"""Statements in two parts: a template, which is prepared once, and the values of one call.

In: the text and markers from builders or instances. Out: a compiled statement, which the driver package sends. The
driver does not depend on the code that creates statements.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Final, Generic, Literal, TypeAlias, TypeVar

import attrs

from scyllamodel.types.cql_types import CqlType
from scyllamodel.types.display import Show

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

Verb: TypeAlias = Literal["select", "insert", "update", "delete", "truncate", "batch"]


class Unset(Enum):
    """The type of `UNSET`."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET
"""A value that a statement leaves unchanged in the database: neither a value nor a null is written."""


@attrs.frozen
class Marker:
    """One bind marker ``?``.

    Attributes:
        name: the name for errors and telemetry: ``Order.total``, ``[ttl]``, ``[limit]``.
        type: the CQL type; None: the type in the prepared statement.
        dump: converts the Python value to the driver's value; None: no conversion.
        show: how values appear in errors and reprs.
        required: whether the column is in the primary key, which has no nulls.
        not_empty: whether the column is a whole partition key, which cannot be empty.
        holds_nulls: whether the value is a list that may contain nulls.
    """

    name: str
    type: CqlType | None = None
    dump: Callable[[Any], Any] | None = None
    show: Show = repr
    required: bool = False
    not_empty: bool = False
    holds_nulls: bool = False

    def provide(self) -> Marker:
        """Return this marker."""
        return self


@attrs.frozen
class CellWrite:
    """What a write does to one column.

    Attributes:
        column: the attribute.
        operation: the operation of an assignment, or ``delete``.
        value_index: the index of the value in the statement; None if a server function computes the value.
        element_index: the index of the key of the element, for a write of one element.
        field: the field of a user type, for a write of one field.
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
        model: the model class.
        conditional: whether the statement is a lightweight transaction.
        counter: whether the statement changes counters.
        idempotent: whether two calls have the same effect as one.
        writes_list: whether the statement writes a whole list. Two writes with the same timestamp store each element
            twice, since the server adds elements at new positions and deletes only older ones (Cassandra's
            `Lists.Setter`, ScyllaDB's ``lists.cc``).
        load: converts a row to an instance or a tuple of typed values; None without rows.
        key: the indexes of the primary key values, in order: the whole key or a prefix with at least the partition key;
            empty if the partition key has no ``=``.
        writes: the changes of a write, by column.
        selection: the expressions of a row; empty if a row has the columns of the model.
        prepared: the prepared statements, by an object for each session; freed with the template and its class.
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
        """Whether the driver may send the same message twice, with the same timestamp."""
        return self.idempotent and not self.writes_list


@attrs.frozen
class ExecutionOptions:
    """The execution options of one call; None: the default of the repo."""

    consistency: str | int | None = None
    serial_consistency: str | int | None = None
    timeout: float | None = None
    page_size: int | None = None
    idempotent: bool | None = None


NO_EXECUTION_OPTIONS = ExecutionOptions()


@attrs.frozen(repr=False)
class CompiledStatement(Generic[R]):
    """A template with the Python values of one call, in the order of the markers."""

    template: StatementTemplate[R]
    values: tuple[Any, ...]
    options: ExecutionOptions = NO_EXECUTION_OPTIONS

    def __repr__(self) -> str:
        values_text = [marker.show(value) for marker, value in zip(self.template.markers, self.values, strict=False)]
        return f"<{self.template.cql} ({', '.join(values_text)})>"


class Statement(Generic[R_co]):
    """An immutable statement that can be executed; ``R`` is the type of its result.

    The result of a `select` is a list of rows, that of a conditional write an `LWTResult`, and that of other writes
    None.
    """

    def compile(self, keyspace: str | None) -> CompiledStatement[R_co]:
        """Return the template and the values of this statement.

        Parameters:
            keyspace: the keyspace of models without one of their own; None omits it from the text.

        Raises:
            QueryNotSupported: the keys and indexes of the table do not serve the statement.
            TypeMismatch: a value does not fit its column.
        """
        raise NotImplementedError

    @property
    def cql(self) -> str:
        """The CQL text; a repo adds its keyspace to the name of the table."""
        return self.compile(None).template.cql

    @property
    def values(self) -> tuple[Any, ...]:
        """The bound values, in the order of the text."""
        return self.compile(None).values
