"""A repo: one keyspace on one cluster, its models, and a connection made on first use.

In: settings. Out: the driver session, and methods that read and write rows. Threads share it; a forked child makes its
own connection, or fails if the session was borrowed.
"""

from __future__ import annotations

import copy
import weakref
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, Final

import attrs
from typing_extensions import Self

from scyllamodel.config import RepoSettings, Secret, settings_from_url
from scyllamodel.driver.data.callbacks import async_callback_message, is_async
from scyllamodel.driver.data.client import Client
from scyllamodel.driver.data.instrumentation import OnQuery, check_instrumentation
from scyllamodel.driver.data.read_api import ReadApi
from scyllamodel.driver.data.write_api import WriteApi
from scyllamodel.errors import ConfigurationError

if TYPE_CHECKING:
    from scyllamodel.driver.async_repo import AsyncRepo


_repos: Final[weakref.WeakSet[Repo]] = weakref.WeakSet()


def live_repos() -> list[Repo]:
    """Return the repos of this process that are still referenced, in no order."""
    return list(_repos)


class Repo(ReadApi, WriteApi):
    """One keyspace on a ScyllaDB or Cassandra cluster, with its models.

    Nothing connects before the first use. A repo is safe to share between threads, and is a context manager that closes
    its connection; used again after that, it connects again. One that is dropped without being closed emits a
    `ResourceWarning`, as files do; open repos are closed at exit.

    Parameters:
        name: the name that models are bound to, by ``class Order(Model, repo="audit")``.
        nodes: the first contact points, as ``"host"`` or ``"host:port"``; one that answers is enough.
        keyspace: of all models that name no other; by default that of a borrowed session.
        models: the packages that contain the models, as dotted names or imported modules.
        replication: for `create_keyspace`, such as ``{"class": "NetworkTopologyStrategy", "dc1": 3}``.
        local_dc: the data centre to send data requests to; None is that of the first node.
        username: with ``password``, for servers with authentication.
        password: never shown: not in ``repr``, logs, errors or pickles.
        ssl_context: an `ssl.SSLContext` for TLS.
        tls_ca: instead of a context, the path of a PEM file with the certificates of trusted authorities; with it or
            ``tls_cert`` the repo uses TLS. The certificate of a node is checked against its name in ``nodes``.
        tls_cert: the path of a PEM file with the certificate for servers that require one.
        tls_key: the path of a PEM file with its key, not encrypted; None if ``tls_cert`` contains it.
        tablets: for `create_keyspace` on ScyllaDB; None leaves it to the server.
        durable_writes: for `create_keyspace`; False skips the commit log.
        consistency: the level of data requests, such as ``"LOCAL_QUORUM"``; None is the driver's default.
        serial_consistency: ``"SERIAL"`` or ``"LOCAL_SERIAL"``, for conditional data requests.
        execution_profiles: the driver's, by name, in place of the settings for data requests here.
        request_timeout: seconds for a data request.
        create_keyspace: whether a sync creates a missing keyspace by default.
        ledger_keyspace: where lock and ledger are stored; None is the repo's own keyspace, or
            ``<keyspace>_scyllamodel`` where lightweight transactions do not work in that. All processes that change one
            keyspace must use the same value.
        application_role: the role that the application logs in with, if another one migrates: a migration grants it the
            tables of the models and what a start reads. None is SCYLLAMODEL_APPLICATION_ROLE, or no grants if that is
            unset.
        load_balancing_policy: the driver's; None is token-aware over ``local_dc``.
        retry_policy: the driver's, for data requests.
        speculative_execution_policy: the driver's, for data requests.
        naive_datetimes: ``"utc"`` treats datetimes without a time zone as UTC; None refuses them.
        page_secret: signs and encrypts the tokens of `page` and the positions of `scan`: a text of 16 characters or
            more, or several, of which the first signs and all verify. None is SCYLLAMODEL_PAGE_SECRET, or if that is
            unset the secret that the first migration stored in the internal tables. Hidden like a password.
        on_query: called with a `QueryEvent` after each data request, without values. An `AsyncRepo` awaits an async
            function before the method returns.
        slow_query: seconds after which a request is logged to ``scyllamodel.query`` as a warning.
        trace_queries: make each request an OpenTelemetry span, with the extra ``otel``.
        session: a driver session that the application owns, instead of nodes; neither changed nor closed.
        fast_path: False sends each request by the driver's ``Session.execute_async``. By default prepared statements
            are sent by this package, over the driver's connections, which costs less; errors, retries, further pages
            and whatever else the driver decides are left to it, and so is all sending with False.
        compression: of messages: ``"lz4"``, ``"snappy"``, False for none, True for what both sides have. None is the
            driver's default, which is True.

    Raises:
        ConfigurationError: a setting is missing or wrong.

    >>> repo = Repo(nodes=["10.0.0.1"], keyspace="shop", models=["shop.models"])
    >>> repo
    Repo('default', nodes=['10.0.0.1:9042'], keyspace='shop')
    """

    def __init__(
        self,
        name: str = "default",
        *,
        nodes: str | Iterable[str] = (),
        keyspace: str | None = None,
        models: str | ModuleType | Iterable[str | ModuleType] = (),
        replication: Mapping[str, Any] | None = None,
        local_dc: str | None = None,
        username: str | None = None,
        password: str | Secret | None = None,
        ssl_context: Any = None,
        tls_ca: str | PathLike[str] | None = None,
        tls_cert: str | PathLike[str] | None = None,
        tls_key: str | PathLike[str] | None = None,
        tablets: bool | None = None,
        durable_writes: bool = True,
        consistency: str | int | None = None,
        serial_consistency: str | int | None = None,
        execution_profiles: Mapping[Any, Any] | None = None,
        request_timeout: float | None = None,
        create_keyspace: bool = False,
        ledger_keyspace: str | None = None,
        application_role: str | None = None,
        load_balancing_policy: Any = None,
        retry_policy: Any = None,
        speculative_execution_policy: Any = None,
        naive_datetimes: str | None = None,
        page_secret: str | Secret | Sequence[str | Secret] | None = None,
        on_query: OnQuery | None = None,
        slow_query: float | None = None,
        trace_queries: bool = False,
        session: Any = None,
        fast_path: bool = True,
        compression: bool | str | None = None,
    ) -> None:
        settings = RepoSettings(
            name=name,
            nodes=nodes,
            keyspace=keyspace or getattr(session, "keyspace", None) or "",
            models=models,
            replication=replication,
            local_dc=local_dc,
            username=username,
            password=password,
            ssl_context=ssl_context,
            tls_ca=tls_ca,
            tls_cert=tls_cert,
            tls_key=tls_key,
            tablets=tablets,
            durable_writes=durable_writes,
            consistency=consistency,
            serial_consistency=serial_consistency,
            execution_profiles=execution_profiles,
            request_timeout=request_timeout,
            create_keyspace=create_keyspace,
            ledger_keyspace=ledger_keyspace,
            application_role=application_role,
            load_balancing_policy=load_balancing_policy,
            retry_policy=retry_policy,
            speculative_execution_policy=speculative_execution_policy,
            naive_datetimes=naive_datetimes,
            page_secret=page_secret,
            on_query=on_query,
            slow_query=slow_query,
            trace_queries=trace_queries,
            fast_path=fast_path,
            compression=compression,
            borrowed=session is not None,
        )
        if is_async(on_query):
            text = f"repo {name!r}: {async_callback_message('on_query')}"
            raise ConfigurationError(text, setting="on_query", repo=name)
        self._set_up(settings, session)

    def _set_up(self, settings: RepoSettings, session: Any = None) -> None:
        check_instrumentation(settings)
        self._settings = settings
        self._client = Client(settings, session)
        _repos.add(self)

    def _set_on_query(self, on_query: OnQuery | None) -> None:
        """Set another ``on_query``, which an `AsyncRepo` may await."""
        self._settings = attrs.evolve(self._settings, on_query=on_query)
        check_instrumentation(self._settings)
        self._client.settings = self._settings

    @classmethod
    def from_settings(cls, settings: RepoSettings) -> Self:
        """Make a repo of existing settings."""
        repo = cls.__new__(cls)
        repo._set_up(settings)  # noqa: SLF001 - another constructor of the same class
        return repo

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Make a repo of a URL such as ``scylla://user:pw@h1,h2:9042/shop?local_dc=dc1&models=shop.models&tls=1``.

        >>> Repo.from_url("scylla://user:pw@h1,h2:9043/shop?name=audit")
        Repo('audit', nodes=['h1:9043', 'h2:9043'], keyspace='shop')

        Raises:
            ConfigurationError: the URL cannot be used; the message contains no password.
        """
        return cls.from_settings(settings_from_url(url))

    def __repr__(self) -> str:
        where = "session=…" if self.settings.borrowed else f"nodes={list(self.settings.nodes)!r}"
        return f"Repo({self.name!r}, {where}, keyspace={self.keyspace!r})"

    def in_keyspace(self, keyspace: str) -> Self:
        """Return this repo on another keyspace, such as a tenant's, over the same connection and without ``USE``.

        It costs nothing to create. Closing either closes the shared connection, until one is used again.

        Raises:
            ConfigurationError: not a keyspace name.
        """
        repo = copy.copy(self)
        repo._settings = attrs.evolve(self._settings, keyspace=keyspace)  # noqa: SLF001 - of the same class
        return repo

    def aio(self) -> AsyncRepo:
        """Return this repo with awaited methods, over the same connection."""
        from scyllamodel.driver.async_repo import AsyncRepo  # noqa: PLC0415 - a class and its twin know each other

        return AsyncRepo.from_repo(self)

    def close(self) -> None:
        """Close an owned connection; closing twice does nothing."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
