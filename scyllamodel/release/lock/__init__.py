"""The lock of a keyspace, so that one run changes it at a time: acquired, renewed, proved per statement, released."""

from scyllamodel.release.lock.held import Fence, Lease
from scyllamodel.release.lock.lock import Lock
from scyllamodel.release.lock.row import LockRow, LockStore, LockUpdate
from scyllamodel.release.lock.store import CqlLockStore
from scyllamodel.release.lock.wait import LockAcquisition, LockRequest, OnWait, ShouldStop, check_undamaged
from scyllamodel.release.lock.world import Clock

__all__ = [
    "Clock",
    "CqlLockStore",
    "Fence",
    "Lease",
    "Lock",
    "LockAcquisition",
    "LockRequest",
    "LockRow",
    "LockStore",
    "LockUpdate",
    "OnWait",
    "ShouldStop",
    "check_undamaged",
]
