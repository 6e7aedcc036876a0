"""The schema lock: a row that one process holds, renews, and proves before each statement.

Modules:
    acquire: acquires a lock: takes a free one, takes over an expired one, waits for a held one.
    clock: clocks of the lock.
    cql_store: lock rows in the table ``scyllamodel_lock``.
    lease: a held lock: renewed, proved before each statement, and released.
    lock: the lock as a context manager, renewed by a thread while the block runs.
    row: the row of a lock, as values.
    store: the storage that a lock needs.
    uniqueness: checks that each keyspace has one lock, in one table.
"""

from scyllamodel.release.lock.acquire import LockAcquisition, LockRequest, OnWait, ShouldStop, check_undamaged
from scyllamodel.release.lock.clock import LockClock
from scyllamodel.release.lock.cql_store import CqlLockStore
from scyllamodel.release.lock.lease import Fence, Lease
from scyllamodel.release.lock.lock import Lock
from scyllamodel.release.lock.row import LockRow, LockUpdate
from scyllamodel.release.lock.store import LockStore

__all__ = [
    "CqlLockStore",
    "Fence",
    "Lease",
    "Lock",
    "LockAcquisition",
    "LockClock",
    "LockRequest",
    "LockRow",
    "LockStore",
    "LockUpdate",
    "OnWait",
    "ShouldStop",
    "check_undamaged",
]
