"""Async versions of the release functions, which run in a thread.

*In*: a function of a repo. *Out*: a coroutine function. Release work is a few dozen requests with waits, so a thread
is cheap, and lock and ledger need one implementation.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, TypeVar

from typing_extensions import ParamSpec

from scyllamodel.driver.async_repo import AsyncRepo
from scyllamodel.driver.data.asyncio_bridge import run_in_thread
from scyllamodel.driver.repo import Repo
from scyllamodel.release.backfill import backfill
from scyllamodel.release.contract import contract
from scyllamodel.release.create_keyspace import create_keyspace
from scyllamodel.release.expand import expand
from scyllamodel.release.migrate import migrate, migrate_all
from scyllamodel.release.plan_check import check, inspect, plan
from scyllamodel.release.recovery import baseline, resolve, unlock
from scyllamodel.release.rollback import rollback
from scyllamodel.release.schema_diff import diff, snapshot
from scyllamodel.release.status import history, status
from scyllamodel.release.wait import wait

P = ParamSpec("P")
R = TypeVar("R")


def to_async_function(function: Callable[P, R]) -> Callable[P, Coroutine[Any, Any, R]]:
    """Return an async version of a function; if the caller is cancelled, the thread finishes its work."""

    @wraps(function)
    async def wrapper(*args: P.args, **keywords: P.kwargs) -> R:
        untyped: Any = function
        return await run_in_thread(untyped, *map(_to_sync, args), **keywords)

    wrapper.__name__ = wrapper.__qualname__ = f"{function.__name__}_async"
    wrapper.__doc__ = f"Async version of `{function.__name__}`; it runs in a thread."
    return wrapper


def to_async(
    function: Callable[Concatenate[Repo, P], R],
) -> Callable[Concatenate[Repo | AsyncRepo, P], Coroutine[Any, Any, R]]:
    """Return an async version of a function of one repo, which accepts a `Repo` or an `AsyncRepo`."""
    wrapper: Any = to_async_function(function)
    return wrapper  # type: ignore[no-any-return]


def _to_sync(argument: Any) -> Any:
    """Replace an `AsyncRepo`, or several in a list, by its `Repo`; other arguments are returned as they are."""
    if isinstance(argument, AsyncRepo):
        return argument.sync()
    if argument.__class__ in (list, tuple):
        return [_to_sync(item) for item in argument]
    return argument


backfill_async = to_async(backfill)
baseline_async = to_async(baseline)
check_async = to_async(check)
contract_async = to_async(contract)
create_keyspace_async = to_async(create_keyspace)
diff_async = to_async(diff)
expand_async = to_async(expand)
history_async = to_async(history)
inspect_async = to_async(inspect)
migrate_all_async = to_async_function(migrate_all)
migrate_async = to_async(migrate)
plan_async = to_async(plan)
resolve_async = to_async(resolve)
rollback_async = to_async(rollback)
snapshot_async = to_async_function(snapshot)
status_async = to_async(status)
unlock_async = to_async(unlock)
wait_async = to_async(wait)
