"""What every builder offers besides its clauses: how this one statement is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs
from typing_extensions import Self

from scyllamodel._numbers import check_seconds
from scyllamodel.errors import QueryNotSupported
from scyllamodel.model.expression import Assignment, Condition
from scyllamodel.query.statement import NO_EXECUTION_OPTIONS, ExecutionOptions, R_co, Statement

if TYPE_CHECKING:
    from scyllamodel.query.writer import CqlWriter

MAX_VALUE_LENGTH: Final = 80
"""Characters of one value in a repr."""


@attrs.frozen(repr=False)
class StatementBuilder(Statement[R_co]):
    """A statement with options; each method returns a changed copy.

    Attributes:
        options: what was asked for.
        server_seconds: how long a ScyllaDB server may work on it.
    """

    options: ExecutionOptions = attrs.field(default=NO_EXECUTION_OPTIONS, kw_only=True)
    server_seconds: float | None = attrs.field(default=None, kw_only=True)

    def _write_cql(self, keyspace: str | None) -> CqlWriter:
        """The text with its values, unchecked."""
        raise NotImplementedError

    def __repr__(self) -> str:
        try:
            writer = self._write_cql(None)
            values = [
                truncate(make_marker().show(value))
                for make_marker, value in zip(writer.markers, writer.values, strict=True)
            ]
        except Exception as error:  # noqa: BLE001 - a repr is needed most where a statement is wrong
            return f"<{type(self).__name__} that is refused: {error}>"
        options_text = [f"{name}={value!r}" for name, value in attrs.asdict(self.options).items() if value is not None]
        values_text = [f"({', '.join(values)})"] if values else []
        return f"<{' '.join([''.join(writer.fragments), *values_text, *options_text])}>"

    def consistency(self, level: str | int) -> Self:
        """How many replicas answer, such as ``"LOCAL_QUORUM"``."""
        return self._with_options(consistency=level)

    def serial_consistency(self, level: str | int) -> Self:
        """``"SERIAL"`` or ``"LOCAL_SERIAL"``, for the conditions of a write."""
        return self._with_options(serial_consistency=level)

    def timeout(self, seconds: float) -> Self:
        """How long this program waits for the answer."""
        return self._with_options(timeout=check_seconds("timeout", seconds))

    def server_timeout(self, seconds: float) -> Self:
        """``USING TIMEOUT``: how long the server works on it; ScyllaDB only."""
        return attrs.evolve(self, server_seconds=check_seconds("server_timeout", seconds))

    def idempotent(self, value: bool = True) -> Self:  # noqa: FBT001, FBT002 - reads as a switch
        """Whether it may be sent again when its answer was lost; worked out from what it does unless said here."""
        return self._with_options(idempotent=value)

    def _with_options(self, **options: Any) -> Self:
        return attrs.evolve(self, options=attrs.evolve(self.options, **options))


def truncate(text: str) -> str:
    """As much of a value as a line has room for."""
    return text if len(text) <= MAX_VALUE_LENGTH else f"{text[:MAX_VALUE_LENGTH]}…"


def check_conditions(
    method: str, conditions: tuple[Any, ...], keywords: Mapping[str, Any], model: type | None
) -> tuple[Condition, ...]:
    """Conditions, or an error that says why they are none.

    Parameters:
        keywords: what was given by name, as in ``where(shop="a")``, which is an error.
    """
    for name in keywords:
        model_name = "Order" if model is None else model.__qualname__
        raise TypeError(f"{method}() takes conditions, not {name}=…. Write {method}({model_name}.{name} == …).")
    for condition in conditions:
        if isinstance(condition, bool):
            raise TypeError(
                f"{method}() was given {condition}: two plain values were compared, or a column was used on an "
                "instance. "
                "Write Order.status == …, with the class on the left."
            )
        if not isinstance(condition, Condition):
            raise TypeError(f"{method}() takes conditions such as Order.status == 'new', not {condition!r}")
    return conditions


def check_assignments(assignments: tuple[Any, ...], keywords: Mapping[str, Any], model: type) -> tuple[Assignment, ...]:
    """Assignments, or an error that says why they are none.

    Parameters:
        keywords: what was given by name, as in ``set(status="paid")``, which is an error.
    """
    for name in keywords:
        raise TypeError(f"set() takes assignments, not {name}=…. Write set({model.__qualname__}.{name}.to(…)).")
    for assignment in assignments:
        if isinstance(assignment, Condition):
            raise TypeError(f"set() was given {assignment!r}, a comparison; write Order.status.to('paid')")
        if not isinstance(assignment, Assignment):
            raise TypeError(f"set() takes assignments such as Order.status.to('paid'), not {assignment!r}")
    return assignments


def not_supported(reason: str, *suggestions: str, needs: tuple[str, ...] = ()) -> QueryNotSupported:
    """The error for a statement that no server takes."""
    return QueryNotSupported(f"{reason} {' '.join(suggestions)}".rstrip(), needs=needs, helps=suggestions)
