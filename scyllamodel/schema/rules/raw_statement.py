"""A hand-written statement with the schema before it runs, and the diagnostics common to all its rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import attrs

from scyllamodel.schema.ddl.statement_parser import ParsedStatement
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts.objects import KeyspaceFacts, Table

if TYPE_CHECKING:
    from scyllamodel.schema.rules.context import Racks, Topology
    from scyllamodel.schema.server.profile import ServerProfile

KEYSPACE_ACTIONS: Final = frozenset({"CREATE KEYSPACE", "ALTER KEYSPACE"})
"""The actions of statements on a keyspace."""


@attrs.frozen
class RawStatement:
    """A statement, and the schema on which it runs.

    Attributes:
        parsed: the parsed statement.
        facts: its keyspace before it runs; empty if the keyspace was not read.
        topology: the number of nodes in each data centre; None if it was not read.
        racks: the racks of each data centre; None if they were not read.
    """

    parsed: ParsedStatement
    facts: KeyspaceFacts
    server: ServerProfile
    topology: Topology | None = None
    racks: Racks | None = None

    @property
    def path(self) -> str:
        """The raw dotted name of the object that it changes."""
        if self.parsed.action in KEYSPACE_ACTIONS:
            return self.facts.name
        return f"{self.facts.name}.{self.parsed.name or self.parsed.table}"

    @property
    def table(self) -> Table | None:
        """The table that it changes or indexes, if it is known."""
        return next((table for table in self.facts.tables if table.name == self.parsed.table), None)


def unknown_table(written: RawStatement) -> Iterator[Diagnostic]:
    """NB103: a statement that cannot be checked, because its table is unknown."""
    text = f"the statement was not checked, since the table {written.parsed.table} is unknown"
    yield Diagnostic("NB103", "warn", written.path, text, "Make sure that the table exists when it is sent.")


def refusal(code: str, raw: RawStatement, text: str, suggested_fix: str) -> Diagnostic:
    """A diagnostic that refuses the whole statement."""
    return Diagnostic(code, "error", raw.path, text, suggested_fix)
