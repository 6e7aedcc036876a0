"""What a course is made of, and what its stages have in common."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

import attrs

from scyllamodel._identifiers import qualified, quote
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts import KeyspaceFacts, SchemaFacts, Table, TableColumn, UserType, View
from scyllamodel.schema.plan import Plan, contract_plan, make_plan
from scyllamodel.schema.source import Called, module_source
from scyllamodel.types.values import user_types

if TYPE_CHECKING:
    from scyllamodel.schema.server import ServerProfile


@attrs.frozen
class Refused:
    """A table whose change was refused.

    Attributes:
        found, wanted: its keyspace on both sides.
        stored, table: the table on both sides.
        called: the classes and attributes of the user's own models.
        module: where the user's class is.
        repo: the name of the repo.
        reasons: what was refused of what this course is for; others: what else of this table.
    """

    found: KeyspaceFacts
    wanted: KeyspaceFacts
    server: ServerProfile
    stored: Table
    table: Table
    called: Called
    module: str
    repo: str
    reasons: tuple[Diagnostic, ...]
    others: tuple[Diagnostic, ...] = ()

    @property
    def cls(self) -> str:
        """The user's class."""
        return self.called.classes["table", self.table.name]

    @property
    def variable(self) -> str:
        """A variable that holds an instance of it."""
        return snake(self.cls)

    @property
    def where(self) -> str:
        """The table in CQL."""
        return qualified(self.found.name, self.table.name)

    def attribute(self, column: str) -> str:
        """The user's attribute of a column."""
        known = self.called.attributes.get(self.table.name, {})
        return known.get(column, re.sub(r"\W", "_", column))

    def source(self, tables: Collection[Table], called: Called, about: str, views: Collection[View] = ()) -> str:
        """The module that declares these tables and views, with the types that they hold."""
        types = self.types_of(tables)
        facts = KeyspaceFacts(self.found.name, types=types, tables=tables, views=views)
        return module_source(facts, self.server, repo=self.repo, called=called, about=about)

    def plan(self, table: Table) -> Plan:
        """What a migration would run if this table, and nothing else, was declared."""
        return self.plan_of([table], (), self.found)

    def plan_of(self, tables: Collection[Table], views: Collection[View], live: KeyspaceFacts) -> Plan:
        """What a migration would run if these tables and views were declared and that was live."""
        wanted = KeyspaceFacts(self.wanted.name, self.wanted.keyspace, self.types_of(tables), tables, views)
        return make_plan(wanted, live, self.server)

    def contract(
        self, declared: Collection[Table], live: KeyspaceFacts, allow: Collection[str], views: Collection[View] = ()
    ) -> Plan:
        """What `scyllamodel contract` would run when these tables and views are declared and that is live."""
        wanted = KeyspaceFacts(self.wanted.name, types=self.types_of(declared), tables=declared, views=views)
        return contract_plan(SchemaFacts([wanted]), SchemaFacts([live]), self.server, allow=allow)

    def types_of(self, tables: Iterable[Iterable[TableColumn]]) -> list[UserType]:
        """The types that the columns of these tables hold, as they are wanted where they are."""
        known = {found.name: found for found in (*self.found.types, *self.wanted.types)}
        left = [name for table in tables for column in table for name in user_types(column.type)]
        held: dict[str, UserType] = {}
        while left:
            name = left.pop()
            if name in known and name not in held:
                held[name] = known[name]
                left += [inner for _, field in known[name].fields for inner in user_types(field)]
        return list(held.values())


def read_cql(table: Table, where: str, names: Iterable[str]) -> str:
    """The read of a range of tokens."""
    place = f"token({', '.join(quote(column.name) for column in table.partition_key)})"
    return f"SELECT {', '.join(names)} FROM {where} WHERE {place} > ? AND {place} <= ?"  # noqa: S608 - names of ours


def snake(name: str) -> str:
    """A name for a variable.

    >>> snake("OrderByDay")
    'order_by_day'
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
