"""Run one case with a blocking and an awaited repo: it calls verbs and need not distinguish the two."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any

WAYS = ("blocking", "awaited")


class Plain:
    """A blocking repo."""

    def __init__(self, repo: Any) -> None:
        self.repo = repo

    def __getattr__(self, name: str) -> Any:
        return getattr(self.repo, name)

    def rows(self, query: Any, most: int | None = None) -> list[Any]:
        """Return the first ``limit`` items of an iterable."""
        rows: list[Any] = []
        for row in query:
            rows.append(row)
            if len(rows) == most:
                break
        return rows

    def send(self, batch: Any) -> Any:
        """Send a batch now."""
        return batch.send()

    def block(self, batch: Any, fill: Callable[[Any], Any]) -> Any:
        """Fill a batch in its block, and send it at the end."""
        with batch:
            fill(batch)
        return batch


class Bridge(Plain):
    """An awaited repo, for a case that runs in a thread beside the loop."""

    def __init__(self, repo: Any, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(repo)
        self.loop = loop

    def __getattr__(self, name: str) -> Any:
        query = getattr(self.repo, name)

        def call(*args: Any, **keywords: Any) -> Any:
            statement = query(*args, **keywords)
            return (
                asyncio.run_coroutine_threadsafe(statement, self.loop).result()
                if inspect.isawaitable(statement)
                else statement
            )

        return call if callable(query) else query

    def send(self, batch: Any) -> Any:
        """Send a batch now, awaited."""
        return asyncio.run_coroutine_threadsafe(batch.send(), self.loop).result()

    def block(self, batch: Any, fill: Callable[[Any], Any]) -> Any:
        """Fill a batch in its block, entered and left with ``async with``."""

        async def send_block() -> Any:
            async with batch:
                await asyncio.to_thread(fill, batch)
            return batch

        return asyncio.run_coroutine_threadsafe(send_block(), self.loop).result()

    def rows(self, query: Any, most: int | None = None) -> list[Any]:
        """Return all items of an async iterable."""

        async def collect() -> list[Any]:
            rows: list[Any] = []
            async for row in query:
                rows.append(row)
                if len(rows) == most:
                    break
            return rows

        return asyncio.run_coroutine_threadsafe(collect(), self.loop).result()


def run_in_mode(mode: str, case: Callable[[Any], Any], repo: Any) -> Any:
    """The result of a case in one of the modes."""
    if mode == "blocking":
        return case(Plain(repo))

    async def main() -> Any:
        return await asyncio.to_thread(case, Bridge(repo.aio(), asyncio.get_running_loop()))

    return asyncio.run(main())
