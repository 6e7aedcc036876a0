"""Suggested fixes are valid: declarations in a class body, and commands in a shell."""

from __future__ import annotations

import re
import shlex
import sys
import types

import pytest

from scyllamodel.schema.diff.schema_diff import SchemaPair, diff_pair
from scyllamodel.schema.facts.objects import Table, TableColumn
from scyllamodel.schema.rules import suggested_fixes
from scyllamodel.schema.rules.allow import checked_values
from scyllamodel.schema.rules.evaluation import RuleContext, evaluate
from scyllamodel.schema.server.profile import ServerProfile
from scyllamodel.types.parser import parse_type
from support.builders import column, desired, schema, user_type

C5 = ServerProfile("cassandra", (5, 0, 6))
HEAD = """from __future__ import annotations
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID
from scyllamodel import Column, Model, UserType, clustering_key, column, partition_key
from scyllamodel import types as cql

def as_is(value):
    return value

class Address(UserType):
    street: str | None = None

class T(Model, table="recipes"):
    key: Column[str] = partition_key()
    order: Column[str] = clustering_key()
"""
TYPES = (
    "int", "text", "inet", "set<frozen<list<int>>>", "vector<int, 3>", "vector<float, 2>", "tuple<int, text>",
    "frozen<set<text>>", "set<text>", "map<text, frozen<list<int>>>", "frozen<address>", "address",
    "list<frozen<address>>",
    "map<frozen<list<int>>, text>", "duration", "'org.apache.cassandra.db.marshal.EmptyType'",
)  # fmt: skip


@pytest.mark.parametrize("cql_type", TYPES)
@pytest.mark.parametrize("name", ["v", "Total €", "class", "1st", "replace"])
def test_a_declaration_of_a_recipe_means_its_column(cql_type, name):
    """The suggested declaration of a column declares it, whatever its type and name."""
    wanted_column = TableColumn(name, parse_type(cql_type))
    module = types.ModuleType(f"recipe_{abs(hash((cql_type, name)))}")
    sys.modules[module.__name__] = module
    try:
        exec(f"{HEAD}    {suggested_fixes.column_declaration(wanted_column)}\n", module.__dict__)
        assert module.T.__facts__[name] == wanted_column
    finally:
        del sys.modules[module.__name__]


def test_static_and_key_columns_keep_what_they_are():
    """The suggested declaration of a static, key or masked column keeps those properties."""
    assert "s: Column[str | None] = column(default=None, static=True)" == suggested_fixes.column_declaration(
        column("s text static")
    )
    assert "c: Column[cql.Int] = clustering_key(descending=True)" == suggested_fixes.column_declaration(
        column("c int ck desc")
    )
    assert (
        "m: Column[str | None] = column(default=None, masked_with='mask_null()')"
        == suggested_fixes.column_declaration(column("m text mask=mask_null()"))
    )


UNUSUAL_NAME = "Total €'s; rm *"
INT = parse_type("int")
KEY = (TableColumn("a", INT, "partition_key"),)


def unusual_table(*columns, name="Odd"):
    """A table with these columns in addition to its key."""
    return Table(name, (*KEY, *columns))


SIDES = [
    (
        schema(unusual_table(TableColumn(UNUSUAL_NAME, INT))),
        desired(unusual_table(TableColumn(UNUSUAL_NAME, parse_type("text")))),
    ),
    (
        schema(unusual_table(TableColumn(UNUSUAL_NAME, INT))),
        desired(unusual_table(TableColumn("b", INT, renamed_from=UNUSUAL_NAME))),
    ),
    (schema(unusual_table(TableColumn(UNUSUAL_NAME, INT, "clustering"))), desired(unusual_table())),
    (schema(user_type("Kind", "x int")), desired(user_type("Kind", "y int from=x"))),
]


@pytest.mark.parametrize(("live", "declared"), SIDES)
def test_a_command_of_a_recipe_is_what_a_shell_takes_for_it(live, declared):
    """Names with spaces and quotes in a suggested command are one word, and its `--allow` is valid."""
    sides = SchemaPair.of(live, declared, C5)
    fixes = "\n".join(finding.diagnostic.fix for finding in evaluate(RuleContext(sides, diff_pair(sides))))
    commands = re.findall(r"(?:scyllamodel (?:contract|backfill|plan)|--allow) .*", fixes)

    assert commands
    for line in commands:
        arguments = shlex.split(line.rstrip("."))
        assert (
            checked_values(arguments[arguments.index("--allow") + 1]) if "--allow" in arguments else len(arguments) > 2
        )
        assert not {"rm", "*"} & set(arguments)
