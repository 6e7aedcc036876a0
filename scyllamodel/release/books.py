"""Where a repo's ledger is kept, and how it is opened.

*In*: a repo and the one node of its run. *Out*: a `Ledger`. A keyspace without our tables reads as one without history.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from scyllamodel.driver.books import Books
from scyllamodel.driver.cas import Rows
from scyllamodel.driver.coordinator import Coordinator
from scyllamodel.driver.reader import read_keyspace
from scyllamodel.driver.repo import Repo
from scyllamodel.release.ledger import Ledger, scope_of
from scyllamodel.release.look import Look
from scyllamodel.release.tables import MIGRATIONS, STEPS, VERIFIED, missing_tables
from scyllamodel.schema.facts import KeyspaceFacts
from scyllamodel.schema.server import ServerProfile

BOOKS: Final = (MIGRATIONS, STEPS, VERIFIED)


def ledger_keyspace(repo: Repo) -> str:
    """The keyspace that lock and ledger of a repo are kept in."""
    return repo.settings.ledger_keyspace or repo.keyspace


def read_books(repo: Repo, coordinator: Coordinator, server: ServerProfile) -> KeyspaceFacts:
    """The keyspace of the ledger with our own tables, which every other look leaves out.

    Raises:
        IntrospectionError: it could not be read.
    """
    return read_keyspace(coordinator, ledger_keyspace(repo), server, books=True)


def open_ledger(repo: Repo, coordinator: Coordinator, found: KeyspaceFacts, server: ServerProfile) -> Ledger:
    """The ledger of a repo, for reading and writing.

    Parameters:
        found: by `read_books`, after the bootstrap where there is one.

    Raises:
        ConfigurationError: a table of ours is in a format that this release does not know.
    """
    missing_tables(found.name, found, server, BOOKS)
    return _ledger(repo, Books(Rows(coordinator), found.name, known_columns(found)))


def ledger_of(repo: Repo, look: Look) -> Ledger:
    """The same, after a look at its tables.

    Raises:
        IntrospectionError: they could not be read.
        ConfigurationError: one of them is in a format that this release does not know.
    """
    return open_ledger(repo, look.coordinator, read_books(repo, look.coordinator, look.server), look.server)


def open_stamps(repo: Repo, coordinator: Coordinator) -> Ledger:
    """The same without a look at the schema, good for `Ledger.is_verified` only: the fast path."""
    return _ledger(repo, Books(Rows(coordinator), ledger_keyspace(repo)))


def _ledger(repo: Repo, books: Books) -> Ledger:
    return Ledger(books, scope(repo))


def scope(repo: Repo) -> str:
    """The scope of a repo: whose history it writes."""
    return scope_of(repo.keyspace, repo.name)


def known_columns(found: KeyspaceFacts) -> Mapping[str, frozenset[str]]:
    """For each of our tables that is there, its columns that this release knows."""
    live = {table.name: table for table in found.tables}
    return {
        table.name: frozenset(column.name for column in table if column.name in live[table.name])
        for table in BOOKS
        if table.name in live
    }
