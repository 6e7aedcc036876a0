"""A process that acquires a lock and keeps checking it, for tests that pause or kill the process.

``lock_holder.py NODE KEYSPACE NAME LEASE ROUNDS``: prints ``taken EPOCH SECONDS``, ``fenced SECONDS`` each time, and at
the end ``released SECONDS`` or ``lost SECONDS``, on the clock that all processes of a machine share.
"""

from __future__ import annotations

import sys
import time

from scyllamodel import LockLost, Repo
from scyllamodel.driver.cluster.coordinator import choose_coordinator
from scyllamodel.driver.cluster.lwt import LwtClient
from scyllamodel.driver.data.api_base import client_of
from scyllamodel.release.lock import CqlLockStore, Lock, LockRequest


def say(*fields):
    """Print one line and flush it."""
    sys.stdout.write(" ".join(map(str, (*fields, time.monotonic()))) + "\n")
    sys.stdout.flush()


def main(node, keyspace, name, lease, rounds):
    """Acquire the lock, fence so many times, release it."""
    with Repo(nodes=[node], keyspace=keyspace) as repo:
        store = CqlLockStore(LwtClient(choose_coordinator(client_of(repo).connection())), keyspace, name)
        say("ready")
        try:
            with Lock(store, LockRequest("a test", lease_seconds=float(lease))).acquire() as own_lease:
                say("taken", own_lease.fencing_token)
                for step in range(int(rounds)):
                    own_lease.fence(1, step)
                    say("fenced")
                    time.sleep(0.1)
                say("done")
        except LockLost:
            say("lost")


main(*sys.argv[1:])
