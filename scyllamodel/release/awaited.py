"""Release functions to await: the same functions, in a thread, while the loop goes on.

*In*: a function of a repo. *Out*: its twin. Release work is a few dozen requests with waits between them, so a thread
costs nothing that counts, and lock and ledger exist once.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, TypeVar

from typing_extensions import ParamSpec

from scyllamodel.driver.async_repo import AsyncRepo
from scyllamodel.driver.loops import run_in_thread
from scyllamodel.driver.repo import Repo
from scyllamodel.release.backfill import backfill
from scyllamodel.release.byhand import baseline, resolve, unlock
from scyllamodel.release.contract import contract
from scyllamodel.release.every import migrate_all
from scyllamodel.release.expand import expand
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
        plain: Any = function
        return await run_in_thread(plain, *map(_blocking, args), **keywords)

    twin.__name__ = twin.__qualname__ = f"{function.__name__}_async"
    twin.__doc__ = f"`{function.__name__}`, awaited: it runs in a thread, and the loop goes on."
    return twin


def of_repo(
    function: Callable[Concatenate[Repo, P], R],
) -> Callable[Concatenate[Repo | AsyncRepo, P], Coroutine[Any, Any, R]]:
    """The same for a function of one repo, which may be of either kind here."""
    twin: Any = awaited(function)
    return twin  # type: ignore[no-any-return]


def _blocking(argument: Any) -> Any:
    """A repo as release functions know it; several, if there are several; anything else as it is."""
    if isinstance(argument, AsyncRepo):
        return argument.sync()
    if argument.__class__ in (list, tuple):
        return [_blocking(one) for one in argument]
    return argument


backfill_async = of_repo(backfill)
baseline_async = of_repo(baseline)
check_async = of_repo(check)
contract_async = of_repo(contract)
create_keyspace_async = of_repo(create_keyspace)
diff_async = of_repo(diff)
expand_async = of_repo(expand)
history_async = of_repo(history)
inspect_async = of_repo(inspect)
migrate_all_async = awaited(migrate_all)
migrate_async = of_repo(migrate)
plan_async = of_repo(plan)
resolve_async = of_repo(resolve)
rollback_async = of_repo(rollback)
snapshot_async = awaited(snapshot)
status_async = of_repo(status)
unlock_async = of_repo(unlock)
wait_async = of_repo(wait)
