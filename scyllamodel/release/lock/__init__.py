"""One changer of a keyspace at a time: a row that is taken, renewed, proved before each statement, given back."""

from scyllamodel.release.lock.held import Fence, Held
from scyllamodel.release.lock.lock import Lock
from scyllamodel.release.lock.row import Answer, LockRow, LockStore
from scyllamodel.release.lock.store import LockTable
from scyllamodel.release.lock.wait import Look, OnWait, Wait, Wanted, check_sound
from scyllamodel.release.lock.world import World

__all__ = [
    "Answer",
    "Fence",
    "Held",
    "Lock",
    "LockRow",
    "LockStore",
    "LockTable",
    "Look",
    "OnWait",
    "Wait",
    "Wanted",
    "World",
    "check_sound",
]
