"""What a form of output leaves out, and why, in the same words everywhere.

*In*: facts as they were read. *Out*: `LeftOut` values: a comment in CQL, Python and Mermaid, a list in JSON.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs

from scyllamodel._text import printable_line
from scyllamodel.schema.ddl.compact import compact_fault
from scyllamodel.schema.masks import is_writable

if TYPE_CHECKING:
    from scyllamodel.schema.facts import KeyspaceFacts, Table


@attrs.frozen
class LeftOut:
    r"""One thing that is live and is not in the output; its text is one line of ASCII, whatever the names hold.

    >>> str(LeftOut("table", "a\nb", "it has a compact layout"))
    "The table 'a\\nb' is left out: it has a compact layout."
    """

    what: str
    name: str
    why: str

    def __str__(self) -> str:
        why = printable_line(self.why).encode("ascii", "backslashreplace").decode()
        return f"The {self.what} {self.name!a} is left out: {why}."

    def to_dict(self) -> dict[str, str]:
        """The same as plain JSON values."""
        return attrs.asdict(self)


def unwritten(facts: KeyspaceFacts) -> Iterator[LeftOut]:
    """What the script of a keyspace leaves out, since CQL has no statement for it, or it was not understood."""
    yield from unreadable(facts)
    for table in facts.tables:
        if (fault := compact_fault(table)) is not None:
            yield LeftOut("table", table.name, fault)
        else:
            yield from masks(table, "the column is masked with DEFAULT instead")


def unreadable(facts: KeyspaceFacts) -> Iterator[LeftOut]:
    """What was not understood when it was read, or is of a newer server and only kept."""
    yield from (LeftOut(item.what, item.name, f"it cannot be read: {item.why}") for item in facts.unreadable)
    newer = "this release does not write what a newer server stores"
    yield from (LeftOut(item.what, item.name, f"{newer}: {item.value}") for item in facts.additions)


def masks(table: Table, otherwise: str) -> Iterator[LeftOut]:
    """Masks for which there are no words.

    Parameters:
        otherwise: what is in the output in place of such a mask.
    """
    for column in table:
        if column.mask is not None and not is_writable(column.mask):
            why = f"CQL has no literal for its argument, in {column.mask}; {otherwise}"
            yield LeftOut("mask", f"{table.name}.{column.name}", why)


def functions(facts: KeyspaceFacts, why: str) -> Iterator[LeftOut]:
    """All functions, aggregates and triggers, for the same reason."""
    yield from (LeftOut("function", found.signature, why) for found in facts.functions)
    yield from (LeftOut("aggregate", found.signature, why) for found in facts.aggregates)
    yield from (
        LeftOut("trigger", f"{table.name}.{item.name}", why) for table in facts.tables for item in table.triggers
    )
