"""Keyspaces for tests: made, emptied between tests, dropped."""

from __future__ import annotations

import re
import secrets
from typing import Final

from scyllamodel._identifiers import is_internal_table, qualified, quote
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import LoadError

_TIMEOUT: Final = 60.0
"""Seconds for one statement: a first CREATE or a DROP on a busy machine takes longer than the driver's 10."""


def fresh_name(module: str) -> str:
    """A name for a keyspace that no other test run has: part of the module's name, and 8 random letters."""
    word = re.sub(r"\W+", "_", module.removeprefix("test_"), flags=re.ASCII).lower()[:30]
    return f"test_{word}_{secrets.token_hex(4)}"


def create(repo: Repo) -> None:
    """Create the repo's keyspace with one copy of the data in the data centre of the node it is connected to."""
    (row,) = repo.session.execute("SELECT data_center FROM system.local")
    replication = f"{{'class': 'NetworkTopologyStrategy', '{row[0]}': 1}}"
    cql = f"CREATE KEYSPACE {quote(repo.keyspace)} WITH replication = {replication}"
    if repo.settings.tablets is not None:
        cql += f" AND tablets = {{'enabled': {str(repo.settings.tablets).lower()}}}"
    repo.session.execute(cql, timeout=_TIMEOUT)


def drop(repo: Repo) -> None:
    """Drop the repo's keyspace, if it is still there."""
    repo.session.execute(f"DROP KEYSPACE IF EXISTS {quote(repo.keyspace)}", timeout=_TIMEOUT)


def empty(repo: Repo) -> list[str]:
    """Truncate every table of the repo's keyspace that holds a row, and return their names."""
    names = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s"
    tables = [row[0] for row in repo.session.execute(names, (repo.keyspace,))]
    full = [name for name in tables if not is_internal_table(name) and _holds_rows(repo, name)]
    for name in full:
        repo.session.execute(f"TRUNCATE {qualified(repo.keyspace, name)}", timeout=_TIMEOUT)
    return full


def _holds_rows(repo: Repo, table: str) -> bool:
    try:
        return bool(repo.raw(f"SELECT * FROM {qualified(repo.keyspace, table)} LIMIT 1"))  # noqa: S608
    except LoadError:  # a row that a test wrote to see how it is read
        return True
