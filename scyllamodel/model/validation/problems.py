"""Problems of a class body: their codes, and the list that collects them.

A class is checked completely, so that its author sees all problems at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from scyllamodel.errors import ModelDefinitionError, Problem

CODES: Final = {
    "MD101": "the table has no partition key",
    "MD102": "a static column without a clustering key",
    "MD103": "counters mixed with other columns",
    "MD104": "a type that cannot be in a primary key",
    "MD105": "a collection or user type in a primary key without frozen",
    "MD106": "a key column that may be None",
    "MD107": "two columns with the same CQL name or constructor parameter",
    "MD108": "a name that is not valid in CQL or Python",
    "MD109": "a name that hides a method, or a method that hides a column",
    "MD110": "a type that is unknown or cannot be the type of a column",
    "MD111": "an annotation that cannot be resolved",
    "MD112": "a column without an annotation",
    "MD113": "a default that is not valid or would be shared, or a column with neither parameter nor default",
    "MD114": "a user type that contains collections and is not frozen",
    "MD115": "base classes that cannot be combined",
    "MD116": "a class keyword with a value of the wrong type",
    "MD117": "an option that does not fit the table",
    "MD118": "a parameter of a column with a value of the wrong type",
    "MD119": "classes that cannot share a table",
    "MD120": "a setting of another library in the class body",
    "MD121": "an index on an unknown column",
    "MD122": "an index on a column that cannot be indexed",
    "MD123": "an index on keys, values or entries that its column does not have",
    "MD124": "two indexes with the same definition or name",
    "MD125": "an index with incompatible parameters",
    "MD126": "null_as_default on a column without a default that can replace a null",
    "MD127": "a TTL column that no server supports",
    "MD131": "a view without a table, or of a class that is not a table",
    "MD132": "a view column that its table lacks or declares differently",
    "MD133": "a view key that lacks a key column of the table",
    "MD134": "a view key with more than one column from outside the table's key",
    "MD135": "a view of counters or static columns",
    "MD136": "a parameter that has no effect on a view",
    "MD141": "a user type without fields, or with a field of an unsupported type",
}
"""The meaning of each code. Codes are never reused."""


class Problems:
    """The problems of one class, with its dotted name."""

    def __init__(self, class_name: str) -> None:
        self.class_name = class_name
        self.items: list[Problem] = []

    def add(self, code: str, text: str, advice: str, *, attribute: str = "") -> None:
        """Add a problem of the class, or of one of its attributes with ``at``."""
        assert code in CODES  # noqa: S101 - every code must be documented
        self.items.append(
            Problem(code, f"{self.class_name}.{attribute}" if attribute else self.class_name, text, advice)
        )

    def extend(self, problems: Iterable[Problem]) -> None:
        """Add problems that were found elsewhere."""
        self.items.extend(problems)

    def raise_any(self) -> None:
        """Raise an error if there are problems.

        Raises:
            ModelDefinitionError: with all problems in the order of detection, each once.
        """
        if self.items:
            raise ModelDefinitionError(self.class_name, dict.fromkeys(self.items))
