"""Creates the secret that signs page tokens, stored with the internal tables.

*In*: a coordinator and the keyspace of the internal tables. *Out*: a row, written by a conditional insert so that
concurrent starts agree, and never changed.
"""

from __future__ import annotations

import logging
import secrets
from datetime import datetime, timezone
from typing import Final

from scyllamodel._identifiers import qualified
from scyllamodel.driver.cluster.coordinator import Coordinator
from scyllamodel.driver.cluster.ddl_executor import DdlExecutor
from scyllamodel.driver.cluster.lwt import LwtClient, literal
from scyllamodel.driver.data.page_secrets import ROW_NAME
from scyllamodel.errors import ScyllaModelError
from scyllamodel.release.engine.cluster_view import ClusterView
from scyllamodel.release.ledger.bootstrap import bootstrap
from scyllamodel.release.ledger.retry import RetryingStore
from scyllamodel.release.ledger.tables import MIGRATIONS, PAGE_SECRETS
from scyllamodel.schema.apply import StatementFailure
from scyllamodel.schema.facts.objects import KeyspaceFacts

_SECRET_BYTES: Final = 32

_log = logging.getLogger("scyllamodel")


def create_page_secret(coordinator: Coordinator, keyspace: str) -> None:
    """Create the secret unless it exists; the table must exist.

    Raises:
        LedgerError: the server refuses or does not respond.
    """
    client, retrying = LwtClient(coordinator), RetryingStore(keyspace)
    table, name = qualified(keyspace, PAGE_SECRETS.name), literal(ROW_NAME)
    select = f"SELECT name FROM {table} WHERE name = {name}"  # noqa: S608 - `literal`
    if retrying.retry("reading the page secret", lambda: client.read(select)):
        return
    values = ", ".join((name, literal(secrets.token_urlsafe(_SECRET_BYTES)), literal(datetime.now(timezone.utc))))
    insert = f"INSERT INTO {table} (name, secret, made_at) VALUES ({values}) IF NOT EXISTS"  # noqa: S608 - `literal`
    retrying.retry("writing the page secret", lambda: client.compare_and_set(insert))


def ensure_page_secret(cluster: ClusterView, internal_facts: KeyspaceFacts) -> None:
    """Create the secret in a keyspace of an older release without one, if the role may.

    Parameters:
        internal_facts: the keyspace of the internal tables, with these.
    """
    if internal_facts.table(MIGRATIONS.name) is None:
        return
    try:
        if internal_facts.table(PAGE_SECRETS.name) is None:
            with DdlExecutor(cluster.coordinator, cluster.server) as executor:
                bootstrap(executor, internal_facts.name, tables=[PAGE_SECRETS])
        create_page_secret(cluster.coordinator, internal_facts.name)
    except (StatementFailure, ScyllaModelError) as error:
        _log.debug("the page secret of %s was not created: %s", internal_facts.name, error)
