"""NB for hand-written statements: what breaks a server, or silently loses data or settings.

*In*: one statement as text, the facts of the keyspaces, the server. *Out*: diagnostics. NB103 reports a statement that
the parser does not understand. The statements of models are checked in `breaking`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

import attrs

from scyllamodel._identifiers import unquote
from scyllamodel.schema.changes.effects import facts_after
from scyllamodel.schema.changes.kinds import Change
from scyllamodel.schema.ddl.statement_parser import parse_statement
from scyllamodel.schema.ddl.statement_reader import StatementSyntaxError
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts.objects import Index, KeyspaceFacts
from scyllamodel.schema.facts.view_filters import has_unescaped_quote
from scyllamodel.schema.rules.breaking import index_name_too_long, long_ttl, long_view, static_beside_collection
from scyllamodel.schema.rules.handwritten_drops import (
    added_field,
    dropped_columns,
    dropped_table,
    dropped_type,
    renamed_columns,
    renamed_fields,
)
from scyllamodel.schema.rules.handwritten_effects import changes_of
from scyllamodel.schema.rules.handwritten_types import (
    column_type,
    field_type,
    ttl_column_drop,
    ttl_column_type,
    user_type,
)
from scyllamodel.schema.rules.raw_keyspace_statements import (
    durable_writes,
    factor_without_effect,
    initial_tablets,
    no_replicas,
    refused_factors,
    refused_tablets,
    unfit_replication,
)
from scyllamodel.schema.rules.raw_statement import KEYSPACE_ACTIONS, RawStatement, refusal, unknown_table

if TYPE_CHECKING:
    from scyllamodel.schema.rules.context import Racks, Topology
    from scyllamodel.schema.server.profile import ServerProfile


def changes_keyspaces(cql: str) -> bool:
    """Whether a statement creates or alters a keyspace, so that a `RawStatementChecker` needs the nodes."""
    try:
        parsed = parse_statement(cql)
    except StatementSyntaxError:
        return False
    return parsed is not None and parsed.action in KEYSPACE_ACTIONS


def keyspaces_of(cql: str) -> set[str]:
    """The keyspaces that a statement names, whose facts a `RawStatementChecker` needs."""
    try:
        parsed = parse_statement(cql)
    except StatementSyntaxError:
        return set()
    return {parsed.keyspace} if parsed is not None and parsed.keyspace is not None else set()


class RawStatementChecker:
    """Checks hand-written statements in execution order, each against the schema that the earlier ones leave.

    Parameters:
        keyspace: the keyspace of statements that name none.
        keyspaces: the facts of the keyspaces.
        topology: the number of nodes in each data centre, for statements on keyspaces; None if it was not read.
        racks: the racks of each data centre; None if they were not read.
    """

    def __init__(
        self,
        keyspace: str,
        keyspaces: Iterable[KeyspaceFacts],
        server: ServerProfile,
        *,
        topology: Topology | None = None,
        racks: Racks | None = None,
    ) -> None:
        self._keyspace, self._topology, self._racks = keyspace, topology, racks
        self._facts = {part.name: part for part in keyspaces}
        self._server = server

    def check(self, cql: str, *, may_quote: bool = True, runs: bool = True) -> tuple[Diagnostic, ...]:
        """Return all diagnostics for the next statement.

        Parameters:
            may_quote: whether a diagnostic may quote from the statement.
            runs: whether later statements are checked against the schema that it leaves.
        """
        try:
            parsed = parse_statement(cql)
        except StatementSyntaxError as error:
            detail = f": {error}" if may_quote else ""
            text = f"the statement was not checked, since it could not be parsed{detail}"
            return (Diagnostic("NB103", "warn", self._keyspace, text, "Review it: it is sent unchanged."),)
        if parsed is None:
            return ()
        name = parsed.keyspace or self._keyspace
        raw = RawStatement(
            parsed, self._facts.get(name, KeyspaceFacts(name)), self._server, self._topology, self._racks
        )
        diagnostics = tuple(diagnostic for rule in _RULES.get(parsed.action, ()) for diagnostic in rule(raw))
        refuses = any(diagnostic.severity == "error" for diagnostic in diagnostics)
        for change in changes_of(raw) if runs and not refuses else ():
            self.record_change(name, change)
        return diagnostics

    def record_change(self, keyspace: str, change: Change) -> None:
        """Apply a change to the facts."""
        self._facts[keyspace] = facts_after(change, self._facts.get(keyspace, KeyspaceFacts(keyspace)))


def _index(raw: RawStatement) -> Iterator[Diagnostic]:
    statement, server = raw.parsed, raw.server
    if statement.using == "" and server.breaks_drivers:
        text = "the server's answer to an empty index class cannot be decoded, and the driver closes its connection"
        yield refusal("NB101", raw, text, "Write the class, or omit USING.")
    generated_name = re.sub(r"\W", "", f"{statement.table}_{'_'.join(statement.names)}_idx", flags=re.ASCII)
    yield from index_name_too_long(raw.path, statement.name or generated_name, server, is_explicit=bool(statement.name))
    if not server.fails_static_writes:
        return
    if raw.table is None:
        yield from unknown_table(raw)
    elif (column := raw.table.get(statement.names[0] if statement.names else "")) is not None:
        table = attrs.evolve(raw.table, indexes=[Index(statement.name, column.name)])
        yield from static_beside_collection(raw.path, table, server)


def _view(raw: RawStatement) -> Iterator[Diagnostic]:
    if has_unescaped_quote(raw.parsed.where, stored=False):
        text = "a quote in the filter of a view is stored unescaped: every write to the table fails afterwards"
        yield refusal("NB101", raw, text, "Filter when reading the view.")
    yield from long_view(raw.path, raw.parsed.name, raw.server)


def _table_options(raw: RawStatement) -> Iterator[Diagnostic]:
    options = raw.parsed.options
    yield from long_ttl(raw.path, options, raw.server)
    if "id" in options and raw.server.accepts_any_id:
        text = "WITH sets the id of the table: the id of another table breaks the schema of the node"
        yield refusal("NB101", raw, text, "Omit id; servers choose it.")


def _replaced_tags(raw: RawStatement) -> Iterator[Diagnostic]:
    """NB102: options that replace the tag of the TTL column."""
    options = [name for name in ("scylla_tags", "synchronous_updates") if name in raw.parsed.options]
    if not options or not raw.server.has_ttl_columns:
        return
    if raw.table is None:
        yield from unknown_table(raw)
    elif raw.table.ttl_column is not None:
        column = raw.table.ttl_column
        text = f"{options[0]} replaces the tags of the table, so {column} is no longer its TTL column"
        suggested_fix = f"Omit it, or run ALTER TABLE {raw.path} TTL {column} in a later step."
        yield refusal("NB102", raw, text, suggested_fix)


def _added(raw: RawStatement) -> Iterator[Diagnostic]:
    if raw.server.fails_static_writes and any(column.kind == "static" for column in raw.parsed.columns):
        if raw.table is None:
            yield from unknown_table(raw)
        else:
            table = attrs.evolve(raw.table, columns=(*raw.table.columns, *raw.parsed.columns))
            yield from static_beside_collection(raw.path, table, raw.server)


def _dropped_time(raw: RawStatement) -> Iterator[Diagnostic]:
    table_path = (raw.parsed.keyspace, raw.parsed.table)
    read_columns = {"*", "dropped_time"} & {unquote(name) for name in raw.parsed.names}
    if table_path == ("system_schema", "dropped_columns") and read_columns and raw.server.breaks_drivers:
        text = "dropped_time overflows the date type of drivers, which close the connection"
        yield refusal("NB101", raw, text, "Select the other columns by name.")


_Rule = Callable[[RawStatement], Iterator[Diagnostic]]
_RULES: Final[Mapping[str, tuple[_Rule, ...]]] = {
    "CREATE KEYSPACE": (initial_tablets, unfit_replication),
    "ALTER KEYSPACE": (
        durable_writes,
        no_replicas,
        initial_tablets,
        refused_tablets,
        refused_factors,
        factor_without_effect,
        unfit_replication,
    ),
    "CREATE INDEX": (_index,),
    "CREATE MATERIALIZED VIEW": (_view, _table_options),
    "CREATE TABLE": (_table_options,),
    "ALTER TABLE WITH": (_table_options, _replaced_tags),
    "ALTER MATERIALIZED VIEW": (_table_options,),
    "ALTER TABLE ADD": (_added,),
    "ALTER TABLE DROP": (dropped_columns, ttl_column_drop),
    "ALTER TABLE RENAME": (renamed_columns,),
    "DROP TABLE": (dropped_table,),
    "DROP TYPE": (dropped_type,),
    "ALTER TABLE ALTER": (ttl_column_type, column_type),
    "ALTER TYPE ADD": (user_type, added_field),
    "ALTER TYPE RENAME": (user_type, renamed_fields),
    "ALTER TYPE ALTER": (field_type,),
    "SELECT": (_dropped_time,),
}
