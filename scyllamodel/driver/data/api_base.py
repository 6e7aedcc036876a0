"""The base of a repo and its awaited twin: their settings, and the client that sends their requests."""

from __future__ import annotations

from typing import Any

from scyllamodel.config import RepoSettings
from scyllamodel.driver.data.client import Client
from scyllamodel.driver.data.prepared import CacheInfo


class ApiBase:
    """What `Repo` and `AsyncRepo` have in common."""

    _settings: RepoSettings
    _client: Client

    @property
    def settings(self) -> RepoSettings:
        """The settings of the repo; frozen."""
        return self._settings

    @property
    def name(self) -> str:
        """The name that models are bound to."""
        return self._settings.name

    @property
    def keyspace(self) -> str:
        """The keyspace of all models that name no other."""
        return self._settings.keyspace

    @property
    def models(self) -> tuple[str, ...]:
        """The packages that contain the models."""
        return self._settings.models

    @property
    def session(self) -> Any:
        """The driver session (`cassandra.cluster.Session`), connected on first use, which blocks.

        It has no current keyspace unless a borrowed one has.

        Raises:
            ConnectionFailed: no server answered properly, or the session was borrowed before this process was forked.
        """
        return self._client.connection().application_session()

    @property
    def statements(self) -> CacheInfo:
        """The counters of the prepared statement cache."""
        return self._client.requests().prepared_statements.info


def client_of(repo: ApiBase) -> Client:
    """Return the client of a repo, for release work and for the repo's own operations."""
    # What users see on a repo is what they may call.
    return repo._client  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
