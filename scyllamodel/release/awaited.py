"""Release functions to await: the same functions, in a thread, while the loop goes on.

*In*: a function of a repo. *Out*: its twin. Release work is a few dozen requests with waits between them, so a thread
costs nothing that counts, and lock and ledger exist once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, TypeVar

from typing_extensions import ParamSpec

from scyllamodel.release.byhand import baseline, resolve, unlock
from scyllamodel.release.contract import contract
from scyllamodel.release.every import migrate_all
from scyllamodel.release.keyspaces import create_keyspace
from scyllamodel.release.migrate import migrate
from scyllamodel.release.questions import check, inspect, plan
from scyllamodel.release.rollback import rollback
from scyllamodel.release.sources import diff, snapshot
from scyllamodel.release.status import history, status
from scyllamodel.release.waiting import wait

P = ParamSpec("P")
R = TypeVar("R")


def awaited(function: Callable[P, R]) -> Callable[P, Coroutine[Any, Any, R]]:
    """The same function to await; when the wait is cancelled, the thread still finishes its work."""

    @wraps(function)
    async def twin(*args: P.args, **keywords: P.kwargs) -> R:
        return await asyncio.to_thread(function, *args, **keywords)

    twin.__name__ = twin.__qualname__ = f"{function.__name__}_async"
    twin.__doc__ = f"`{function.__name__}`, awaited: it runs in a thread, and the loop goes on."
    return twin


baseline_async = awaited(baseline)
check_async = awaited(check)
contract_async = awaited(contract)
create_keyspace_async = awaited(create_keyspace)
diff_async = awaited(diff)
history_async = awaited(history)
inspect_async = awaited(inspect)
migrate_all_async = awaited(migrate_all)
migrate_async = awaited(migrate)
plan_async = awaited(plan)
resolve_async = awaited(resolve)
rollback_async = awaited(rollback)
snapshot_async = awaited(snapshot)
status_async = awaited(status)
unlock_async = awaited(unlock)
wait_async = awaited(wait)
