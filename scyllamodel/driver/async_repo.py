"""A repo with awaited methods, on the connection of a blocking one."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from typing_extensions import Self

from scyllamodel.driver.data.api_base import client_of
from scyllamodel.driver.data.async_api import AsyncApi
from scyllamodel.driver.data.asyncio_bridge import run_in_own_thread
from scyllamodel.driver.data.instrumentation import OnQuery
from scyllamodel.driver.repo import Repo


class AsyncRepo(AsyncApi):
    """A `Repo` with awaited methods; the parameters are those of `Repo`.

    It may be used from several event loops. A cancelled task stops waiting; its request may still be applied.
    """

    def __init__(self, *args: Any, on_query: OnQuery | None = None, **keywords: Any) -> None:
        repo = Repo(*args, **keywords)
        # Repo's own parameter refuses async functions, which this class awaits.
        repo._set_on_query(on_query)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        self._adopt(repo)

    def _adopt(self, repo: Repo) -> None:
        self._repo, self._settings, self._client = repo, repo.settings, client_of(repo)

    @classmethod
    def from_url(cls, url: str) -> Self:
        """See `Repo.from_url`."""
        return cls.from_repo(Repo.from_url(url))

    @classmethod
    def from_repo(cls, repo: Repo) -> Self:
        """Return the awaited twin of a repo."""
        async_repo = cls.__new__(cls)
        async_repo._adopt(repo)  # noqa: SLF001 - another constructor
        return async_repo

    def sync(self) -> Repo:
        """Return the repo with blocking methods, over the same connection."""
        return self._repo

    def __repr__(self) -> str:
        return f"Async{self._repo!r}"

    def in_keyspace(self, keyspace: str) -> Self:
        """See `Repo.in_keyspace`."""
        return type(self).from_repo(self._repo.in_keyspace(keyspace))

    async def close(self) -> None:
        """See `Repo.close`."""
        await run_in_own_thread(self._repo.close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()
