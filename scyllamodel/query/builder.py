"""The base class of statement builders: the execution options of one statement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs
from typing_extensions import Self

from scyllamodel._numbers import check_seconds
from scyllamodel.model.expression import Assignment, Condition
from scyllamodel.query.cql_writer import CqlWriter
from scyllamodel.query.statement import NO_EXECUTION_OPTIONS, ExecutionOptions, R_co, Statement

MAX_VALUE_LENGTH: Final = 80
"""The maximum number of characters of a value in a repr."""


@attrs.frozen(repr=False)
class StatementBuilder(Statement[R_co]):
    """A statement with execution options; each method returns a changed copy.

    Attributes:
        options: the execution options.
        server_seconds: the server-side timeout, on ScyllaDB.
    """

    options: ExecutionOptions = attrs.field(default=NO_EXECUTION_OPTIONS, kw_only=True)
    server_seconds: float | None = attrs.field(default=None, kw_only=True)

    def _write_cql(self, keyspace: str | None) -> CqlWriter:
        """Return the text and the values, unchecked."""
        raise NotImplementedError

    def __repr__(self) -> str:
        try:
            writer = self._write_cql(None)
            values = [
                truncate(make_marker().show(value))
                for make_marker, value in zip(writer.markers, writer.values, strict=True)
            ]
        except Exception as error:  # noqa: BLE001 - a repr must also work for an invalid statement
            return f"<{type(self).__name__} (invalid): {error}>"
        options_text = [f"{name}={value!r}" for name, value in attrs.asdict(self.options).items() if value is not None]
        values_text = [f"({', '.join(values)})"] if values else []
        return f"<{' '.join([''.join(writer.fragments), *values_text, *options_text])}>"

    def consistency(self, level: str | int) -> Self:
        """Set the consistency level, such as ``"LOCAL_QUORUM"``."""
        return self._with_options(consistency=level)

    def serial_consistency(self, level: str | int) -> Self:
        """Set the serial consistency level of a conditional write: ``"SERIAL"`` or ``"LOCAL_SERIAL"``."""
        return self._with_options(serial_consistency=level)

    def timeout(self, seconds: float) -> Self:
        """Set how long the client waits for the response."""
        return self._with_options(timeout=check_seconds("timeout", seconds))

    def server_timeout(self, seconds: float) -> Self:
        """Set ``USING TIMEOUT``, the timeout on the server; ScyllaDB only."""
        return attrs.evolve(self, server_seconds=check_seconds("server_timeout", seconds))

    def idempotent(self, value: bool = True) -> Self:  # noqa: FBT001, FBT002 - reads as a switch
        """Set whether the statement may be sent again after a lost response; derived from the statement by default."""
        return self._with_options(idempotent=value)

    def _with_options(self, **options: Any) -> Self:
        return attrs.evolve(self, options=attrs.evolve(self.options, **options))


def truncate(text: str) -> str:
    """Truncate a value for one line."""
    return text if len(text) <= MAX_VALUE_LENGTH else f"{text[:MAX_VALUE_LENGTH]}…"


def check_conditions(
    method: str, conditions: tuple[Any, ...], keywords: Mapping[str, Any], model: type | None
) -> tuple[Condition, ...]:
    """Return the arguments if they are all conditions, or raise an error that explains the mistake.

    Parameters:
        keywords: keyword arguments, as in ``where(shop="a")``, which are an error.
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
    """Return the arguments if they are all assignments, or raise an error that explains the mistake.

    Parameters:
        keywords: keyword arguments, as in ``set(status="paid")``, which are an error.
    """
    for name in keywords:
        raise TypeError(f"set() takes assignments, not {name}=…. Write set({model.__qualname__}.{name}.to(…)).")
    for assignment in assignments:
        if isinstance(assignment, Condition):
            raise TypeError(f"set() was given {assignment!r}, a comparison; write Order.status.to('paid')")
        if not isinstance(assignment, Assignment):
            raise TypeError(f"set() takes assignments such as Order.status.to('paid'), not {assignment!r}")
    return assignments
