"""Runs that died: told from live ones by the lock, and settled by a run that has nothing else to do.

*In*: a version that is ``running``, and the row of the lock. *Out*: whether its run is dead. Every run under the lock
settles what it finds open; this is for those that need no lock, and so would pass it by.
"""

from __future__ import annotations

import logging
from typing import Final

from scyllamodel.driver.cas import LwtClient
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ScyllaModelError
from scyllamodel.release.books import open_ledger
from scyllamodel.release.ledger import Migration
from scyllamodel.release.lock import CqlLockStore, LockRow
from scyllamodel.release.look import ClusterView
from scyllamodel.release.tables import LOCK, MIGRATIONS
from scyllamodel.schema.apply import StatementFailure
from scyllamodel.schema.facts import KeyspaceFacts

CRASH_LEASES: Final = 2.0
"""Leases without a sign of life after which a holder counts as dead; one lease after which others may take over."""

_log = logging.getLogger("scyllamodel")


def has_crashed(version: Migration, row: LockRow | None, silent_seconds: float | None) -> bool:
    """Whether the run of a ``running`` version is dead.

    It is when the lock is free or another run's; and when the holder gave no sign of life for two leases, by the clock
    of the servers.

    Parameters:
        row: the lock of its keyspace; None where there is no lock.
        silent_seconds: seconds since the row was last written; None where nobody can tell.
    """
    if row is None or row.owner is None or row.epoch != version.epoch:
        return True
    return silent_seconds is not None and silent_seconds > CRASH_LEASES * (row.lease_ms or 0) / 1000


def recover_crashed_run(repo: Repo, cluster: ClusterView, internal_facts: KeyspaceFacts) -> bool:
    """End the newest version if its run is dead; whether nothing is left open.

    One read, where the schema was read in full anyway. Whoever may not read or write the ledger passes it by: the next
    run under the lock settles it.

    Parameters:
        internal_facts: the keyspace of the ledger with our own tables.
    """
    if internal_facts.table(MIGRATIONS.name) is None or internal_facts.table(LOCK.name) is None:
        return True
    ledger = open_ledger(repo, cluster.coordinator, internal_facts, cluster.server)
    try:
        newest = ledger.newest()
        if newest is None or newest.status != "running":
            return True
        store = CqlLockStore(LwtClient(cluster.coordinator), internal_facts.name, repo.keyspace)
        row = store.read(serial=True)
        if (row is not None and row.fault is not None) or not has_crashed(newest, row, store.silence()):
            return False
        ledger.recover(lambda name: cluster.introspect([name])[name], cluster.server)
    except (StatementFailure, ScyllaModelError) as error:
        _log.debug("what a dead run of %s left open was not settled: %s", repo.keyspace, error)
        return False
    return True
