"""Detects crashed runs by the lock, and recovers them where the current run needs no lock.

*In*: a ``running`` version and the lock row. *Out*: whether its run crashed. Every run under the lock recovers what it
finds open; this is for runs that find nothing to do.
"""

from __future__ import annotations

import logging
from typing import Final

from scyllamodel.driver.cluster.lwt import LwtClient
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ScyllaModelError
from scyllamodel.release.engine.cluster_view import ClusterView
from scyllamodel.release.engine.ledger_access import open_ledger
from scyllamodel.release.ledger import Migration
from scyllamodel.release.ledger.tables import LOCK, MIGRATIONS
from scyllamodel.release.lock import CqlLockStore, LockRow
from scyllamodel.schema.apply import StatementFailure
from scyllamodel.schema.facts.objects import KeyspaceFacts

CRASH_LEASES: Final = 2.0
"""Leases without a heartbeat after which a holder counts as crashed; other runs may take over after one."""

_log = logging.getLogger("scyllamodel")


def has_crashed(version: Migration, row: LockRow | None, silent_seconds: float | None) -> bool:
    """Whether the run of a ``running`` version crashed.

    True if the lock is free or held by another run, or if its holder sent no heartbeat for two leases, by the servers'
    clock.

    Parameters:
        row: the lock of its keyspace; None without one.
        silent_seconds: since the last heartbeat; None if unknown.
    """
    if row is None or row.owner is None or row.epoch != version.epoch:
        return True
    return silent_seconds is not None and silent_seconds > CRASH_LEASES * (row.lease_ms or 0) / 1000


def recover_crashed_run(repo: Repo, cluster: ClusterView, internal_facts: KeyspaceFacts) -> bool:
    """Recover the newest version if its run crashed; return whether no version is left open.

    One read, where the whole schema was read anyway. A role without access to the ledger skips it; the next run under
    the lock does it.

    Parameters:
        internal_facts: the keyspace of the ledger with the internal tables.
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
        _log.debug("a crashed run of %s was not recovered: %s", repo.keyspace, error)
        return False
    return True
