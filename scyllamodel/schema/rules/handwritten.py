"""NB for hand-written statements: what breaks a server, or loses data or settings without a word.

*In*: one statement as text, what the keyspaces hold, the server. *Out*: remarks. A statement is read as far as the
parser understands it; NB103 says of which it does not. Statements that models ask for are judged by `breaking`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

import attrs

from scyllamodel.schema.changes import AddColumns, AddIndex, AddTable, Change, DropColumns, DropIndex
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.effects import after
from scyllamodel.schema.facts import Index, KeyspaceFacts, Table, TableColumn
from scyllamodel.schema.filters import has_stray_quote
from scyllamodel.schema.rules.breaking import long_index, long_ttl, long_view, static_beside_collection
from scyllamodel.schema.rules.handwritten_keyspaces import (
    durable_writes,
    idle_factor,
    initial_tablets,
    no_replicas,
    refused_factors,
    refused_tablets,
)
from scyllamodel.schema.rules.handwritten_statement import Handwritten, refused
from scyllamodel.schema.rules.handwritten_types import (
    column_type,
    field_type,
    ttl_column_drop,
    ttl_column_type,
    user_type,
)
from scyllamodel.schema.server import is_viewless
from scyllamodel.schema.statement_parser import parse_statement
from scyllamodel.schema.statement_reader import StatementSyntaxError
from scyllamodel.types.values import Native, is_multi_cell

if TYPE_CHECKING:
    from scyllamodel.schema.server import ServerProfile


def keyspaces_of(cql: str) -> set[str]:
    """The keyspaces that a statement names, whose facts a `StatementJudge` wants to have."""
    try:
        parsed = parse_statement(cql)
    except StatementSyntaxError:
        return set()
    return {parsed.keyspace} if parsed is not None and parsed.keyspace is not None else set()


class StatementJudge:
    """Judges hand-written statements in the order in which they run, each by what those before it leave.

    Parameters:
        keyspace: the one that is meant where a statement names none.
        found: what the keyspaces hold.
    """

    def __init__(self, keyspace: str, found: Iterable[KeyspaceFacts], server: ServerProfile) -> None:
        self._keyspace = keyspace
        self._found = {part.name: part for part in found}
        self._server = server

    def judge(self, cql: str, *, quoted: bool = True, runs: bool = True) -> tuple[Diagnostic, ...]:
        """Everything there is to say of the next statement.

        Parameters:
            quoted: whether a remark may quote from it.
            runs: whether those after it are judged by what it leaves.
        """
        try:
            parsed = parse_statement(cql)
        except StatementSyntaxError as error:
            why = f": {error}" if quoted else ""
            text = f"the statement was not checked, since it could not be read{why}"
            return (Diagnostic("NB103", "warn", self._keyspace, text, "Read it again: it is sent as it stands."),)
        if parsed is None:
            return ()
        name = parsed.keyspace or self._keyspace
        written = Handwritten(parsed, self._found.get(name, KeyspaceFacts(name)), self._server)
        said = tuple(found for rule in _RULES.get(parsed.action, ()) for found in rule(written))
        for change in _changes(written) if runs else ():
            self.follow(name, change)
        return said

    def follow(self, keyspace: str, change: Change) -> None:
        """Take note of a change that runs now."""
        self._found[keyspace] = after(change, self._found.get(keyspace, KeyspaceFacts(keyspace)))


def _changes(written: Handwritten) -> Iterator[Change]:
    """What the statement changes of that by which later ones are judged."""
    statement, keyspace = written.statement, written.found.name
    table = written.table or Table(statement.table or statement.name, ())
    if statement.action == "CREATE INDEX":
        index = Index(statement.name, ", ".join(statement.names), using=statement.using)
        yield AddIndex(keyspace, table, index)
    elif statement.action == "DROP INDEX":
        yield DropIndex(keyspace, table, Index(statement.name, ""))
    elif statement.action == "ALTER TABLE ADD":
        yield AddColumns(keyspace, table.name, statement.columns)
    elif statement.action == "ALTER TABLE DROP":
        yield DropColumns(keyspace, table.name, tuple(TableColumn(name, Native("text")) for name in statement.names))
    elif statement.action == "CREATE TABLE":
        ttl = next(iter(statement.names), None)
        yield AddTable(keyspace, Table(statement.name, statement.columns, ttl_column=ttl))
    elif statement.action == "ALTER TABLE TTL" and written.table is not None:
        yield AddTable(keyspace, attrs.evolve(table, ttl_column=next(iter(statement.names), None)))


def _unknown_table(written: Handwritten) -> Iterator[Diagnostic]:
    """What cannot be judged, because the table is not known."""
    text = f"the statement was not checked, since nothing is known of the table {written.statement.table}"
    yield Diagnostic("NB103", "warn", written.path, text, "Make sure that the table exists when it is sent.")


def _index(written: Handwritten) -> Iterator[Diagnostic]:
    statement, server = written.statement, written.server
    if statement.using == "" and server.breaks_drivers:
        text = "the answer to an empty index class cannot be decoded, and the driver closes its connection"
        yield refused("NB101", written, text, "Write the class, or leave USING out.")
    made_up = re.sub(r"\W", "", f"{statement.table}_{'_'.join(statement.names)}_idx", flags=re.ASCII)
    yield from long_index(written.path, statement.name or made_up, server, given=bool(statement.name))
    if not server.fails_static_writes:
        return
    if written.table is None:
        yield from _unknown_table(written)
    elif (column := written.table.get(statement.names[0] if statement.names else "")) is not None:
        table = attrs.evolve(written.table, indexes=[Index(statement.name, column.name)])
        yield from static_beside_collection(written.path, table, server)


def _view(written: Handwritten) -> Iterator[Diagnostic]:
    if has_stray_quote(written.statement.where, stored=False):
        text = "a quote in the filter of a view is stored without its escape: every write to the table fails afterwards"
        yield refused("NB101", written, text, "Filter when reading the view.")
    yield from long_view(written.path, written.statement.name, written.server)


def _table_options(written: Handwritten) -> Iterator[Diagnostic]:
    options = written.statement.options
    yield from long_ttl(written.path, options, written.server)
    if "id" in options and written.server.accepts_any_id:
        text = "an id of somebody's choice in WITH: the id of another table breaks the schema of the node"
        yield refused("NB101", written, text, "Leave id out; servers choose it.")


def _tags(written: Handwritten) -> Iterator[Diagnostic]:
    """NB102: options that replace the tag of the TTL column."""
    options = sorted({"synchronous_updates", "scylla_tags"} & set(written.statement.options))
    if not options or not written.server.has_ttl_columns:
        return
    if written.table is None:
        yield from _unknown_table(written)
    elif written.table.ttl_column is not None:
        column = written.table.ttl_column
        text = f"{options[0]} replaces the tags of the table, and {column} is not its TTL column any more"
        fix = f"Leave it out; or follow it by ALTER TABLE {written.path} TTL {column}, in a step after it."
        yield refused("NB102", written, text, fix)


def _added(written: Handwritten) -> Iterator[Diagnostic]:
    if written.server.fails_static_writes and any(column.kind == "static" for column in written.statement.columns):
        if written.table is None:
            yield from _unknown_table(written)
        else:
            table = attrs.evolve(written.table, columns=(*written.table.columns, *written.statement.columns))
            yield from static_beside_collection(written.path, table, written.server)


def _dropped(written: Handwritten) -> Iterator[Diagnostic]:
    if not written.server.drops_indexed_collections:
        return
    if written.table is None:
        yield from _unknown_table(written)
        return
    for name in written.statement.names:
        for index in written.table.indexes:
            if name in index.names(written.table):
                yield from _under_index(written, written.table, name, index)


def _under_index(written: Handwritten, table: Table, name: str, index: Index) -> Iterator[Diagnostic]:
    column = table.get(name)
    fix = f"First: DROP INDEX {written.found.name}.{index.name}"
    if is_viewless(index.using):
        text = f"the index {index.name} needs {name}, and stays as an index on a column that is not there"
        yield refused("NB102", written, text, fix)
    elif column is not None and is_multi_cell(column.type):
        text = f"the collection {name} is dropped under the index {index.name}: the next write ends every node"
        yield refused("NB101", written, text, fix)


def _dropped_time(written: Handwritten) -> Iterator[Diagnostic]:
    place = (written.statement.keyspace, written.statement.table)
    read = {"*", "dropped_time"} & {name.lower() for name in written.statement.names}
    if place == ("system_schema", "dropped_columns") and read and written.server.breaks_drivers:
        text = "dropped_time overflows the dates of drivers, which close the connection"
        yield refused("NB101", written, text, "Name the other columns.")


_Rule = Callable[[Handwritten], Iterator[Diagnostic]]
_RULES: Final[Mapping[str, tuple[_Rule, ...]]] = {
    "CREATE KEYSPACE": (initial_tablets,),
    "ALTER KEYSPACE": (durable_writes, no_replicas, initial_tablets, refused_tablets, refused_factors, idle_factor),
    "CREATE INDEX": (_index,),
    "CREATE MATERIALIZED VIEW": (_view, _table_options),
    "CREATE TABLE": (_table_options,),
    "ALTER TABLE WITH": (_table_options, _tags),
    "ALTER MATERIALIZED VIEW": (_table_options,),
    "ALTER TABLE ADD": (_added,),
    "ALTER TABLE DROP": (_dropped, ttl_column_drop),
    "ALTER TABLE ALTER": (ttl_column_type, column_type),
    "ALTER TYPE ADD": (user_type,),
    "ALTER TYPE RENAME": (user_type,),
    "ALTER TYPE ALTER": (field_type,),
    "SELECT": (_dropped_time,),
}
