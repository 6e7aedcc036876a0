"""Locates the internal tables of a repo and opens its ledger.

*In*: a repo and the coordinator of its run. *Out*: a `Ledger`. A keyspace without internal tables reads as an empty
history.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from scyllamodel.driver.cluster.coordinator import Coordinator, choose_coordinator
from scyllamodel.driver.cluster.introspection import read_keyspace, uses_tablets
from scyllamodel.driver.cluster.lwt import LwtClient
from scyllamodel.driver.cluster.nodes import server_profile
from scyllamodel.driver.data.api_base import client_of
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ConnectionFailed, IntrospectionError
from scyllamodel.release.engine.cluster_view import ClusterView
from scyllamodel.release.ledger import Ledger, ledger_scope
from scyllamodel.release.ledger.cql_store import CqlLedgerStore
from scyllamodel.release.ledger.tables import MIGRATIONS, STEPS, VERIFIED, missing_tables
from scyllamodel.schema.facts.objects import KeyspaceFacts
from scyllamodel.schema.facts.replication import strategy_name
from scyllamodel.schema.server.profile import ServerProfile

LEDGER_TABLES: Final = (MIGRATIONS, STEPS, VERIFIED)


def internal_keyspace(repo: Repo, coordinator: Coordinator, server: ServerProfile) -> str:
    """Return the keyspace that holds lock and ledger of a repo.

    It is the configured one, else the repo's own. Where that has tablets and these do not support lightweight
    transactions, a companion keyspace without tablets is used, and kept after an upgrade.

    Raises:
        IntrospectionError: the keyspaces could not be read.
    """
    own_keyspace, *companions = repo.settings.internal_keyspaces
    if not companions or not server.has_companion_keyspaces:
        return own_keyspace
    if uses_tablets(coordinator, companions[0]) is not None:
        return companions[0]
    if "lwt" not in server.unsupported_with_tablets:
        return own_keyspace
    tablets = uses_tablets(coordinator, own_keyspace)
    if tablets is None:
        settings = repo.settings
        makes_tablets = server.makes_tablets(strategy_name(settings.replication or {}), tablets=settings.tablets)
        tablets = makes_tablets is not False
    return companions[0] if tablets else own_keyspace


def find_internal_keyspace(repo: Repo) -> tuple[str, str]:
    """Return the keyspace of the internal tables, and the reason why it is a guess if the server could not be asked.

    The server is asked only if there are two candidates.
    """
    own_keyspace, *companions = repo.settings.internal_keyspaces
    if not companions:
        return own_keyspace, ""
    try:
        coordinator = choose_coordinator(client_of(repo).connection())
        return internal_keyspace(repo, coordinator, server_profile(coordinator)), ""
    except (ConnectionFailed, IntrospectionError) as error:
        guess = (
            f"the server could not be asked where the internal tables are: {error}\nAssuming {own_keyspace}. On "
            f"ScyllaDB they may be in {companions[0]}: run this where the server can be reached, or set "
            "ledger_keyspace="
        )
        return own_keyspace, guess


def read_internal_tables(repo: Repo, coordinator: Coordinator, server: ServerProfile) -> KeyspaceFacts:
    """Read the keyspace of the ledger, with the internal tables, which all other reads leave out.

    Raises:
        IntrospectionError: it could not be read.
    """
    return read_keyspace(coordinator, internal_keyspace(repo, coordinator, server), server, include_internal=True)


def open_ledger(repo: Repo, coordinator: Coordinator, internal_facts: KeyspaceFacts, server: ServerProfile) -> Ledger:
    """Open the ledger of a repo.

    Parameters:
        internal_facts: from `read_internal_tables`, after the bootstrap if there is one.

    Raises:
        ConfigurationError: an internal table has a format that this release does not support.
    """
    missing_tables(internal_facts.name, internal_facts, server, LEDGER_TABLES)
    return _ledger(repo, CqlLedgerStore(LwtClient(coordinator), internal_facts.name, known_columns(internal_facts)))


def load_ledger(repo: Repo, cluster: ClusterView) -> Ledger:
    """Read the internal tables and open the ledger.

    Raises:
        IntrospectionError: they could not be read.
        ConfigurationError: one of them has a format that this release does not support.
    """
    return open_ledger(
        repo, cluster.coordinator, read_internal_tables(repo, cluster.coordinator, cluster.server), cluster.server
    )


def candidate_ledgers(repo: Repo, coordinator: Coordinator) -> Iterator[Ledger]:
    """Yield the ledgers that may exist, opened without reading the schema, for `Ledger.is_verified` only."""
    return (_ledger(repo, CqlLedgerStore(LwtClient(coordinator), name)) for name in repo.settings.internal_keyspaces)


def _ledger(repo: Repo, store: CqlLedgerStore) -> Ledger:
    return Ledger(store, repo_scope(repo))


def repo_scope(repo: Repo) -> str:
    """Return the ledger scope of a repo."""
    return ledger_scope(repo.keyspace, repo.name)


def known_columns(internal_facts: KeyspaceFacts) -> Mapping[str, frozenset[str]]:
    """Return the known columns of each existing internal table."""
    live = {table.name: table for table in internal_facts.tables}
    return {
        table.name: frozenset(column.name for column in table if column.name in live[table.name])
        for table in LEDGER_TABLES
        if table.name in live
    }
