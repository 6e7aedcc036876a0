"""Functions of the application that are called with what happens: `on_query`, `on_progress`.

In: the function, or what it returned. Out: an error where it is async and nothing can await it.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any


def is_async(function: Any) -> bool:
    """Whether a function, a method, a partial of one, or an object with ``__call__`` is to be awaited."""
    while isinstance(function, functools.partial):
        function = function.func
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004


def async_callback_message(name: str) -> str:
    """The message about an async function that is given to a `Repo`."""
    return (
        f"{name}= is an async function, and a Repo cannot await it. Give a plain function, or use an AsyncRepo, which "
        "awaits it."
    )


async def await_if_needed(returned: Any) -> None:
    """Await what a function of the application returned, if it is an async one."""
    if inspect.isawaitable(returned):
        await returned


def check_not_async(name: str, function: Any) -> None:
    """Refuse an async function where nothing awaits it.

    Raises:
        TypeError: it is one.
    """
    if function is not None and is_async(function):
        raise TypeError(async_callback_message(name))
