"""The CQL lexer agrees with the server."""

from __future__ import annotations

import pytest

from scyllamodel import RequestRefused
from scyllamodel._cql import code_tokens
from scyllamodel.schema.rules.destructive import dropped_keyspace

pytestmark = pytest.mark.live
WHERE_LOCAL = ["SELECT", "key", "FROM", "system", ".", "local", "WHERE", "key", "="]


@pytest.mark.parametrize(
    ("cql", "literal"),
    [
        ("SELECT key FROM system.local WHERE key = 'local'", "'local'"),
        ("SELECT key FROM system.local WHERE key = $$local$$", "$$local$$"),
        ("--x\rSELECT key FROM system.local//' /*\nWHERE--\rkey = 'local' --\n", "'local'"),
        ("/*'*/SELECT/**/key/*--*/FROM system.local WHERE key='local'/* $$ \n */", "'local'"),
        ("SELECT key FROM system.local WHERE key = 'local--\n'", "'local--\n'"),
        ("SELECT key FROM system.local WHERE key = 'local''/*'", "'local''/*'"),
        ("SELECT key FROM system.local WHERE key = $$local'--/*$$", "$$local'--/*$$"),
    ],
)
def test_comments_and_strings_end_where_the_server_ends_them(scylla_repo, cql, literal):
    """The server compares with the literal that the lexer finds in the statement."""
    rows = scylla_repo.raw(cql)

    assert [*WHERE_LOCAL, literal] == [token.text for token in code_tokens(cql)]
    assert (literal.strip("'$") == "local") is bool(rows)


@pytest.mark.parametrize("end", ["/* a", "WHERE key = 'local", "-- a"])
def test_what_is_not_closed_is_no_statement(scylla_repo, end):
    """The server refuses a statement with a string or comment that is not closed."""
    with pytest.raises(RequestRefused):
        scylla_repo.raw(f"SELECT key FROM system.local {end}")


def test_a_keyspace_is_dropped_by_what_is_judged_to_drop_it(scylla_repo):
    """A statement that the lexer recognises as DROP KEYSPACE drops it; a carriage return ends a comment."""
    name = f"{scylla_repo.keyspace[:30]}_lexed"
    scylla_repo.raw(
        f"CREATE KEYSPACE {name} WITH replication = {{'class': 'NetworkTopologyStrategy', 'replication_factor': 1}}"
    )
    cql = f"--x\rDROP//\n KEYSPACE/**/IF EXISTS {name};"
    scylla_repo.raw(cql)

    assert name == dropped_keyspace(cql, ()).object
    query = f"SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = '{name}'"
    assert [] == scylla_repo.raw(query)
