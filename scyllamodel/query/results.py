"""The result of a conditional statement.

In: whether it was applied, and the current row if not. Out: a value with attributes. Builders use it in their types,
and the driver package creates it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Generic, TypeVar

import attrs

M = TypeVar("M")


class PartialRow(Mapping[str, Any]):
    """Some columns of a row, by attribute: ``row["status"]`` or ``row.status``."""

    __slots__ = ("_model", "_values")

    def __init__(self, model: type, values: Mapping[str, Any]) -> None:
        self._model, self._values = model, dict(values)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._values:
            raise AttributeError(
                f"the server returned only {', '.join(self._values) or 'nothing'} of this row, not {name!r}"
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
    """The result of a lightweight transaction.

    Attributes:
        applied: whether the conditions held and the write was applied.
        current: the current row if the write was not applied: an instance if the server returned all of it, as after
            ``if_not_exists()``, else a `PartialRow` of the returned columns. None if the write was applied, if the row
            does not exist, and if the server returned only nulls, which is ScyllaDB's result for a missing row.
    """

    applied: bool
    current: M | Any = None

    def __bool__(self) -> bool:
        return self.applied
