"""What every builder offers besides its clauses: how this one statement is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs
from typing_extensions import Self

from scyllamodel._numbers import check_seconds
from scyllamodel.errors import QueryNotSupported
from scyllamodel.model.expression import Assignment, Condition
from scyllamodel.query.statement import NO_OPTIONS, Options, R_co, Statement

if TYPE_CHECKING:
    from scyllamodel.query.writer import Writer

LONGEST: Final = 80
"""Characters of one value in a repr."""


@attrs.frozen(repr=False)
class Tuned(Statement[R_co]):
    """A statement with options; each method returns a changed copy.

    Attributes:
        options: what was asked for.
        server_seconds: how long a ScyllaDB server may work on it.
    """

    options: Options = attrs.field(default=NO_OPTIONS, kw_only=True)
    server_seconds: float | None = attrs.field(default=None, kw_only=True)

    def _written(self, keyspace: str | None) -> Writer:
        """The text with its values, unchecked."""
        raise NotImplementedError

    def __repr__(self) -> str:
        try:
            writer = self._written(None)
            values = [shown(make().show(value)) for make, value in zip(writer.markers, writer.values, strict=True)]
        except Exception as error:  # noqa: BLE001 - a repr is needed most where a statement is wrong
            return f"<{type(self).__name__} that is refused: {error}>"
        said = [f"{name}={value!r}" for name, value in attrs.asdict(self.options).items() if value is not None]
        bound = [f"({', '.join(values)})"] if values else []
        return f"<{' '.join([''.join(writer.parts), *bound, *said])}>"

    def consistency(self, level: str | int) -> Self:
        """How many replicas answer, such as ``"LOCAL_QUORUM"``."""
        return self._tuned(consistency=level)

    def serial_consistency(self, level: str | int) -> Self:
        """``"SERIAL"`` or ``"LOCAL_SERIAL"``, for the conditions of a write."""
        return self._tuned(serial_consistency=level)

    def timeout(self, seconds: float) -> Self:
        """How long this program waits for the answer."""
        return self._tuned(timeout=check_seconds("timeout", seconds))

    def server_timeout(self, seconds: float) -> Self:
        """``USING TIMEOUT``: how long the server works on it; ScyllaDB only."""
        return attrs.evolve(self, server_seconds=check_seconds("server_timeout", seconds))

    def idempotent(self, value: bool = True) -> Self:  # noqa: FBT001, FBT002 - reads as a switch
        """Whether it may be sent again when its answer was lost; worked out from what it does unless said here."""
        return self._tuned(idempotent=value)

    def _tuned(self, **options: Any) -> Self:
        return attrs.evolve(self, options=attrs.evolve(self.options, **options))


def shown(text: str) -> str:
    """As much of a value as a line has room for."""
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def check_conditions(
    method: str, given: tuple[Any, ...], named: Mapping[str, Any], model: type | None
) -> tuple[Condition, ...]:
    """Conditions, or an error that says why they are none.

    Parameters:
        named: what was given by name, as in ``where(shop="a")``, which is an error.
    """
    for name in named:
        owner = "Order" if model is None else model.__qualname__
        raise TypeError(f"{method}() takes conditions, not {name}=…. Write {method}({owner}.{name} == …).")
    for one in given:
        if isinstance(one, bool):
            raise TypeError(
                f"{method}() was given {one}: two plain values were compared, or a column was used on an instance. "
                "Write Order.status == …, with the class on the left."
            )
        if not isinstance(one, Condition):
            raise TypeError(f"{method}() takes conditions such as Order.status == 'new', not {one!r}")
    return given


def check_assignments(given: tuple[Any, ...], named: Mapping[str, Any], model: type) -> tuple[Assignment, ...]:
    """Assignments, or an error that says why they are none.

    Parameters:
        named: what was given by name, as in ``set(status="paid")``, which is an error.
    """
    for name in named:
        raise TypeError(f"set() takes assignments, not {name}=…. Write set({model.__qualname__}.{name}.to(…)).")
    for one in given:
        if isinstance(one, Condition):
            raise TypeError(f"set() was given {one!r}, a comparison; write Order.status.to('paid')")
        if not isinstance(one, Assignment):
            raise TypeError(f"set() takes assignments such as Order.status.to('paid'), not {one!r}")
    return given


def refuse(why: str, *helps: str, needs: tuple[str, ...] = ()) -> QueryNotSupported:
    """The error for a statement that no server takes."""
    return QueryNotSupported(f"{why} {' '.join(helps)}".rstrip(), needs=needs, helps=helps)
