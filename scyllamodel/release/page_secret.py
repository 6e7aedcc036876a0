"""The secret that page tokens are signed with, made once and kept with the internal tables.

*In*: a coordinator, the keyspace of the internal tables. *Out*: a row. It is written by a conditional insert, so that
all who start at the same moment get the same secret, and it is never changed.
"""

from __future__ import annotations

import logging
import secrets
from datetime import datetime, timezone
from typing import Final

from scyllamodel._identifiers import qualified
from scyllamodel.driver.cas import LwtClient, literal
from scyllamodel.driver.coordinator import Coordinator
from scyllamodel.driver.executor import DdlExecutor
from scyllamodel.driver.page_secrets import ROW_NAME
from scyllamodel.errors import ScyllaModelError
from scyllamodel.release.bootstrap import bootstrap
from scyllamodel.release.ledger.persist import Persistence
from scyllamodel.release.look import Look
from scyllamodel.release.tables import MIGRATIONS, PAGE_SECRETS
from scyllamodel.schema.apply import StatementFailure
from scyllamodel.schema.facts import KeyspaceFacts

_BYTES: Final = 32

_log = logging.getLogger("scyllamodel")


def make_page_secret(coordinator: Coordinator, keyspace: str) -> None:
    """Make the secret unless there is one; its table exists.

    Raises:
        LedgerError: the server refuses it, or does not answer.
    """
    rows, again = LwtClient(coordinator), Persistence(keyspace)
    table, name = qualified(keyspace, PAGE_SECRETS.name), literal(ROW_NAME)
    read = f"SELECT name FROM {table} WHERE name = {name}"  # noqa: S608 - `literal`
    if again.until_done("reading the page secret", lambda: rows.read(read)):
        return
    values = ", ".join((name, literal(secrets.token_urlsafe(_BYTES)), literal(datetime.now(timezone.utc))))
    insert = f"INSERT INTO {table} (name, secret, made_at) VALUES ({values}) IF NOT EXISTS"  # noqa: S608 - `literal`
    again.until_done("writing the page secret", lambda: rows.compare_and_set(insert))


def complete_page_secret(look: Look, internal: KeyspaceFacts) -> None:
    """Make the secret in a keyspace whose internal tables are of a release that had none, if the role may do it.

    Parameters:
        internal: the keyspace of the internal tables, with them.
    """
    if internal.table(MIGRATIONS.name) is None:
        return
    try:
        if internal.table(PAGE_SECRETS.name) is None:
            with DdlExecutor(look.coordinator, look.server) as executor:
                bootstrap(executor, internal.name, tables=[PAGE_SECRETS])
        make_page_secret(look.coordinator, internal.name)
    except (StatementFailure, ScyllaModelError) as error:
        _log.debug("the page secret of %s was not made: %s", internal.name, error)
