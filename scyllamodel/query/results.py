"""What a conditional statement answers.

Comes in: whether it was applied, and the row that stood in its way. Goes out: a value that is read by name. It is
separate because builders name it in their types and the driver's room makes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

import attrs

M = TypeVar("M")


class PartialRow(Mapping[str, Any]):
    """Some columns of a row, by the names of their attributes: ``row["status"]`` or ``row.status``."""

    __slots__ = ("_model", "_values")

    def __init__(self, model: type, values: Mapping[str, Any]) -> None:
        self._model, self._values = model, dict(values)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._values:
            raise AttributeError(
                f"the server told only {', '.join(self._values) or 'nothing'} of this row, not {name!r}"
            )
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        columns: Mapping[str, Any] = getattr(self._model, "__columns__", {})
        texts = (
            f"{name}={columns[name].show(value) if name in columns else repr(value)}"
            for name, value in self._values.items()
        )
        return f"<{self._model.__qualname__} {' '.join(texts)}>"


@attrs.frozen
class LWTResult(Generic[M]):
    """The answer to a lightweight transaction.

    Attributes:
        applied: whether its conditions held, so that it was done.
        current: the row as it is when the write was not applied: an instance when the server sent all of it, as after
            ``if_not_exists()``, else a `PartialRow` of the columns that it sent. None when the write was applied, when
            there is no row, and when all that the server sent is nulls, which is ScyllaDB's answer for a missing row.
    """

    applied: bool
    current: M | Any = None

    def __bool__(self) -> bool:
        return self.applied
