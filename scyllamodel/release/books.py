"""Where a repo's ledger is kept, and how it is opened.

*In*: a repo and the one node of its run. *Out*: a `Ledger`. A keyspace without our tables reads as one without history.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from scyllamodel.driver.books import CqlLedgerStore
from scyllamodel.driver.cas import LwtClient
from scyllamodel.driver.coordinator import Coordinator, choose_coordinator
from scyllamodel.driver.reader import read_keyspace, uses_tablets
from scyllamodel.driver.repo import Repo
from scyllamodel.driver.servers import server_profile
from scyllamodel.errors import ConnectionFailed, IntrospectionError
from scyllamodel.release.ledger import Ledger, scope_of
from scyllamodel.release.look import Look
from scyllamodel.release.tables import MIGRATIONS, STEPS, VERIFIED, missing_tables
from scyllamodel.schema.diff.keyspaces import strategy
from scyllamodel.schema.facts import KeyspaceFacts
from scyllamodel.schema.server import ServerProfile

BOOKS: Final = (MIGRATIONS, STEPS, VERIFIED)


def internal_keyspace(repo: Repo, coordinator: Coordinator, server: ServerProfile) -> str:
    """The keyspace that lock and ledger of a repo are kept in.

    It is the one that the repo names, else its own. Where lightweight transactions do not work in that, since it has
    tablets, a companion keyspace without tablets takes their place, and keeps it when the servers are upgraded.

    Raises:
        IntrospectionError: the keyspaces could not be read.
    """
    own, *companion = repo.settings.internal_keyspaces
    if not companion or not server.has_companion_keyspaces:
        return own
    if uses_tablets(coordinator, companion[0]) is not None:
        return companion[0]
    if "lwt" not in server.without_tablets:
        return own
    tablets = uses_tablets(coordinator, own)
    if tablets is None:
        settings = repo.settings
        made = server.makes_tablets(strategy(settings.replication or {}), tablets=settings.tablets)
        tablets = made is not False
    return companion[0] if tablets else own


def find_internal_keyspace(repo: Repo) -> tuple[str, str]:
    """The keyspace of the internal tables, and, where the server could not be asked, why it is a guess.

    A server is asked only where there are two possibilities.
    """
    own, *companion = repo.settings.internal_keyspaces
    if not companion:
        return own, ""
    try:
        coordinator = choose_coordinator(repo.connection())
        return internal_keyspace(repo, coordinator, server_profile(coordinator)), ""
    except (ConnectionFailed, IntrospectionError) as error:
        guess = (
            f"the server was not asked where the internal tables are: {error}\nThey are taken to be in {own}. On "
            f"ScyllaDB they may be in {companion[0]}: run it where the server can be read, or set ledger_keyspace="
        )
        return own, guess


def read_books(repo: Repo, coordinator: Coordinator, server: ServerProfile) -> KeyspaceFacts:
    """The keyspace of the ledger with our own tables, which every other look leaves out.

    Raises:
        IntrospectionError: it could not be read.
    """
    return read_keyspace(coordinator, internal_keyspace(repo, coordinator, server), server, include_internal=True)


def open_ledger(repo: Repo, coordinator: Coordinator, found: KeyspaceFacts, server: ServerProfile) -> Ledger:
    """The ledger of a repo, for reading and writing.

    Parameters:
        found: by `read_books`, after the bootstrap where there is one.

    Raises:
        ConfigurationError: a table of ours is in a format that this release does not know.
    """
    missing_tables(found.name, found, server, BOOKS)
    return _ledger(repo, CqlLedgerStore(LwtClient(coordinator), found.name, known_columns(found)))


def ledger_of(repo: Repo, look: Look) -> Ledger:
    """The same, after a look at its tables.

    Raises:
        IntrospectionError: they could not be read.
        ConfigurationError: one of them is in a format that this release does not know.
    """
    return open_ledger(repo, look.coordinator, read_books(repo, look.coordinator, look.server), look.server)


def open_stamps(repo: Repo, coordinator: Coordinator) -> Iterator[Ledger]:
    """The ledgers that there may be, without a look at the schema, for `Ledger.is_verified` only: the fast path."""
    return (_ledger(repo, CqlLedgerStore(LwtClient(coordinator), name)) for name in repo.settings.internal_keyspaces)


def _ledger(repo: Repo, books: CqlLedgerStore) -> Ledger:
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
