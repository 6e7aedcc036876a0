"""A refused change, and what the stages of its expand/contract plan share."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING

import attrs

from scyllamodel._identifiers import qualified, quote
from scyllamodel._text import snake_case
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.export.models.module import NameMap, module_source
from scyllamodel.schema.facts.objects import KeyspaceFacts, SchemaFacts, Table, TableColumn, UserType, View
from scyllamodel.schema.plan import Plan, contract_plan, make_plan
from scyllamodel.types.cql_types import user_type_names

if TYPE_CHECKING:
    from scyllamodel.schema.server.profile import ServerProfile


@attrs.frozen
class RefusedChange:
    """A table whose change was refused.

    Attributes:
        live, desired: the keyspace of the table.
        live_table, desired_table: the table.
        names: the names of the application's classes and attributes.
        module: the module of the application's class.
        repo: the name of the repo.
        reasons: the refusals that the plan resolves.
        other_refusals: the other refusals of this table.
    """

    live: KeyspaceFacts
    desired: KeyspaceFacts
    server: ServerProfile
    live_table: Table
    desired_table: Table
    names: NameMap
    module: str
    repo: str
    reasons: tuple[Diagnostic, ...]
    other_refusals: tuple[Diagnostic, ...] = ()

    @property
    def class_name(self) -> str:
        """The name of the application's class."""
        return self.names.classes["table", self.desired_table.name]

    @property
    def variable(self) -> str:
        """The name of a variable for an instance of the class."""
        return snake_case(self.class_name)

    @property
    def qualified_table(self) -> str:
        """The table with its keyspace, quoted for CQL."""
        return qualified(self.live.name, self.desired_table.name)

    def attribute(self, column: str) -> str:
        """The application's attribute for a column."""
        attributes = self.names.attributes.get(self.desired_table.name, {})
        return attributes.get(column, re.sub(r"\W", "_", column))

    def module_source(
        self, tables: Collection[Table], names: NameMap, docstring: str, views: Collection[View] = ()
    ) -> str:
        """The source of a module that declares these tables and views, with the user types in them."""
        types = self.user_types_of(tables)
        facts = KeyspaceFacts(self.live.name, types=types, tables=tables, views=views)
        return module_source(facts, self.server, repo=self.repo, names_given=names, docstring=docstring)

    def plan(self, table: Table) -> Plan:
        """The migration plan if only this table were declared."""
        return self.plan_for([table], (), self.live)

    def plan_for(self, tables: Collection[Table], views: Collection[View], live: KeyspaceFacts) -> Plan:
        """The migration plan for these tables and views against the given live keyspace."""
        desired = KeyspaceFacts(self.desired.name, self.desired.keyspace, self.user_types_of(tables), tables, views)
        return make_plan(desired, live, self.server)

    def contract_plan_for(
        self, declared: Collection[Table], live: KeyspaceFacts, allow: Collection[str], views: Collection[View] = ()
    ) -> Plan:
        """The plan of `scyllamodel contract` for these tables and views against the given live keyspace."""
        desired = KeyspaceFacts(self.desired.name, types=self.user_types_of(declared), tables=declared, views=views)
        return contract_plan(SchemaFacts([desired]), SchemaFacts([live]), self.server, allow=allow)

    def user_types_of(self, tables: Iterable[Iterable[TableColumn]]) -> list[UserType]:
        """The user types that these columns use, in their desired definition where there is one."""
        known = {user_type.name: user_type for user_type in (*self.live.types, *self.desired.types)}
        pending = [name for table in tables for column in table for name in user_type_names(column.type)]
        needed: dict[str, UserType] = {}
        while pending:
            name = pending.pop()
            if name in known and name not in needed:
                needed[name] = known[name]
                pending += [inner for _, field in known[name].fields for inner in user_type_names(field)]
        return list(needed.values())


def token_range_select(table: Table, table_cql: str, names: Iterable[str]) -> str:
    """A SELECT over one token range."""
    token_cql = f"token({', '.join(quote(column.name) for column in table.partition_key)})"
    return f"SELECT {', '.join(names)} FROM {table_cql} WHERE {token_cql} > ? AND {token_cql} <= ?"  # noqa: S608 - quoted names
