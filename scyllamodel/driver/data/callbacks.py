"""Callbacks of the application: ``on_query`` and ``on_progress``.

In: the callback, or its return value. Out: an error for an async callback that nothing can await.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any


def is_async(function: Any) -> bool:
    """Whether a callable must be awaited: an async function, method or ``__call__``, or a partial of one."""
    while isinstance(function, functools.partial):
        function = function.func
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


def async_callback_message(name: str) -> str:
    """Return the message for an async callback given to a `Repo`."""
    return (
        f"{name}= is an async function, and a Repo cannot await it. Give a plain function, or use an AsyncRepo, which "
        "awaits it."
    )


async def await_if_needed(returned: Any) -> None:
    """Await the return value of a callback if it is awaitable."""
    if inspect.isawaitable(returned):
        await returned


def check_not_async(name: str, function: Any) -> None:
    """Refuse an async callback where nothing awaits it.

    Raises:
        TypeError: the callback is async.
    """
    if function is not None and is_async(function):
        raise TypeError(async_callback_message(name))
