"""A hand-written statement, the schema before it runs, and how a rule refuses it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import attrs

from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts import KeyspaceFacts, Table
from scyllamodel.schema.statement_parser import ParsedStatement

if TYPE_CHECKING:
    from scyllamodel.schema.rules.case import Racks, Topology
    from scyllamodel.schema.server import ServerProfile


@attrs.frozen
class RawStatement:
    """A statement and where it runs.

    Attributes:
        parsed: what it says.
        facts: its keyspace before it runs; empty facts where nobody read it.
        topology: how many nodes each data centre has; None where nobody read it.
        racks: of each data centre; None where nobody read them.
    """

    parsed: ParsedStatement
    facts: KeyspaceFacts
    server: ServerProfile
    topology: Topology | None = None
    racks: Racks | None = None

    @property
    def path(self) -> str:
        """The raw dotted name of what it changes."""
        name = self.parsed.name or self.parsed.table
        return name if name == self.facts.name else f"{self.facts.name}.{name}"

    @property
    def table(self) -> Table | None:
        """The table that it changes or indexes, if it is known."""
        return next((table for table in self.facts.tables if table.name == self.parsed.table), None)


def unknown_table(written: RawStatement) -> Iterator[Diagnostic]:
    """NB103: what cannot be judged, because the table is not known."""
    text = f"the statement was not checked, since nothing is known of the table {written.parsed.table}"
    yield Diagnostic("NB103", "warn", written.path, text, "Make sure that the table exists when it is sent.")


def refusal(code: str, raw: RawStatement, text: str, suggested_fix: str) -> Diagnostic:
    """A refusal of the whole statement."""
    return Diagnostic(code, "error", raw.path, text, suggested_fix)
