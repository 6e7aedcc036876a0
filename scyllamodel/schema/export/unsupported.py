"""Objects that a form of output cannot express, with the reason.

*In*: live facts. *Out*: `Unsupported` values, written as comments in CQL, Python and Mermaid, and as a list in JSON.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs

from scyllamodel._text import printable_line
from scyllamodel.schema.facts.compact_storage import unsupported_reason
from scyllamodel.schema.facts.masks import is_writable

if TYPE_CHECKING:
    from scyllamodel.schema.facts.objects import KeyspaceFacts, Table


@attrs.frozen
class Unsupported:
    r"""A live object that is missing from the output; its text is one line of ASCII.

    >>> str(Unsupported("table", "a\nb", "it has a compact layout"))
    "The table 'a\\nb' is left out: it has a compact layout."
    """

    what: str
    name: str
    reason: str

    def __str__(self) -> str:
        reason = printable_line(self.reason).encode("ascii", "backslashreplace").decode()
        return f"The {self.what} {self.name!a} is left out: {reason}."

    def to_dict(self) -> dict[str, str]:
        """Return the object as plain JSON values."""
        return {"what": self.what, "name": self.name, "why": self.reason}


def missing_from_script(facts: KeyspaceFacts) -> Iterator[Unsupported]:
    """Objects that a CQL script leaves out, because CQL has no statement for them or they could not be read."""
    yield from unreadable_facts(facts)
    for table in facts.tables:
        if (fault := unsupported_reason(table)) is not None:
            yield Unsupported("table", table.name, fault)
        else:
            yield from unsupported_masks(table, "the column is masked with DEFAULT instead")


def unreadable_facts(facts: KeyspaceFacts) -> Iterator[Unsupported]:
    """Objects that could not be read, and additions of newer servers."""
    yield from (Unsupported(item.kind, item.name, f"it cannot be read: {item.reason}") for item in facts.unreadable)
    newer = "this release cannot write what a newer server stores"
    yield from (Unsupported(item.what, item.name, f"{newer}: {item.value}") for item in facts.additions)


def unsupported_masks(table: Table, replacement: str) -> Iterator[Unsupported]:
    """Masks without a CQL form.

    Parameters:
        replacement: what the output contains in place of such a mask.
    """
    for column in table:
        if column.mask is not None and not is_writable(column.mask):
            reason = f"CQL has no literal for its argument, in {column.mask}; {replacement}"
            yield Unsupported("mask", f"{table.name}.{column.name}", reason)


def unsupported_functions(facts: KeyspaceFacts, reason: str) -> Iterator[Unsupported]:
    """All functions, aggregates and triggers, with one reason."""
    yield from (Unsupported("function", function.signature, reason) for function in facts.functions)
    yield from (Unsupported("aggregate", aggregate.signature, reason) for aggregate in facts.aggregates)
    yield from (
        Unsupported("trigger", f"{table.name}.{item.name}", reason) for table in facts.tables for item in table.triggers
    )
