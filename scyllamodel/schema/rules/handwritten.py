"""NB for hand-written statements: what breaks a server, or loses data or settings without a word.

*In*: one statement as text, what the keyspaces hold, the server. *Out*: remarks. A statement is read as far as the
parser understands it; NB103 says of which it does not. Statements that models ask for are judged by `breaking`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

import attrs

from scyllamodel.schema.changes import Change
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.effects import after
from scyllamodel.schema.facts import Index, KeyspaceFacts
from scyllamodel.schema.filters import has_stray_quote
from scyllamodel.schema.rules.breaking import long_index, long_ttl, long_view, static_beside_collection
from scyllamodel.schema.rules.handwritten_drops import (
    added_field,
    dropped_columns,
    dropped_table,
    dropped_type,
    renamed_columns,
    renamed_fields,
)
from scyllamodel.schema.rules.handwritten_effects import changes_of
from scyllamodel.schema.rules.handwritten_keyspaces import (
    durable_writes,
    idle_factor,
    initial_tablets,
    no_replicas,
    refused_factors,
    refused_tablets,
    unfit_replication,
)
from scyllamodel.schema.rules.handwritten_statement import Handwritten, refused, unknown_table
from scyllamodel.schema.rules.handwritten_types import (
    column_type,
    field_type,
    ttl_column_drop,
    ttl_column_type,
    user_type,
)
from scyllamodel.schema.statement_parser import parse_statement
from scyllamodel.schema.statement_reader import StatementSyntaxError

if TYPE_CHECKING:
    from scyllamodel.schema.rules.case import Racks, Topology
    from scyllamodel.schema.server import ServerProfile


def changes_keyspaces(cql: str) -> bool:
    """Whether a statement creates or alters a keyspace, so that a `StatementJudge` wants to know the nodes."""
    try:
        parsed = parse_statement(cql)
    except StatementSyntaxError:
        return False
    return parsed is not None and parsed.action in {"CREATE KEYSPACE", "ALTER KEYSPACE"}


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
        topology: how many nodes each data centre has, for statements on keyspaces; None where nobody read it.
        racks: of each data centre; None where nobody read them.
    """

    def __init__(
        self,
        keyspace: str,
        found: Iterable[KeyspaceFacts],
        server: ServerProfile,
        *,
        topology: Topology | None = None,
        racks: Racks | None = None,
    ) -> None:
        self._keyspace, self._topology, self._racks = keyspace, topology, racks
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
        written = Handwritten(
            parsed, self._found.get(name, KeyspaceFacts(name)), self._server, self._topology, self._racks
        )
        said = tuple(found for rule in _RULES.get(parsed.action, ()) for found in rule(written))
        refuses = any(found.severity == "error" for found in said)
        for change in changes_of(written) if runs and not refuses else ():
            self.follow(name, change)
        return said

    def follow(self, keyspace: str, change: Change) -> None:
        """Take note of a change that runs now."""
        self._found[keyspace] = after(change, self._found.get(keyspace, KeyspaceFacts(keyspace)))


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
        yield from unknown_table(written)
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
        yield from unknown_table(written)
    elif written.table.ttl_column is not None:
        column = written.table.ttl_column
        text = f"{options[0]} replaces the tags of the table, and {column} is not its TTL column any more"
        fix = f"Leave it out; or follow it by ALTER TABLE {written.path} TTL {column}, in a step after it."
        yield refused("NB102", written, text, fix)


def _added(written: Handwritten) -> Iterator[Diagnostic]:
    if written.server.fails_static_writes and any(column.kind == "static" for column in written.statement.columns):
        if written.table is None:
            yield from unknown_table(written)
        else:
            table = attrs.evolve(written.table, columns=(*written.table.columns, *written.statement.columns))
            yield from static_beside_collection(written.path, table, written.server)


def _dropped_time(written: Handwritten) -> Iterator[Diagnostic]:
    place = (written.statement.keyspace, written.statement.table)
    read = {"*", "dropped_time"} & {name.lower() for name in written.statement.names}
    if place == ("system_schema", "dropped_columns") and read and written.server.breaks_drivers:
        text = "dropped_time overflows the dates of drivers, which close the connection"
        yield refused("NB101", written, text, "Name the other columns.")


_Rule = Callable[[Handwritten], Iterator[Diagnostic]]
_RULES: Final[Mapping[str, tuple[_Rule, ...]]] = {
    "CREATE KEYSPACE": (initial_tablets, unfit_replication),
    "ALTER KEYSPACE": (
        durable_writes,
        no_replicas,
        initial_tablets,
        refused_tablets,
        refused_factors,
        idle_factor,
        unfit_replication,
    ),
    "CREATE INDEX": (_index,),
    "CREATE MATERIALIZED VIEW": (_view, _table_options),
    "CREATE TABLE": (_table_options,),
    "ALTER TABLE WITH": (_table_options, _tags),
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
