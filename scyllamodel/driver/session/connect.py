"""Connect a driver session from settings, or fail with one error that names the host, the cause and the remedy.

In: `RepoSettings`. Out: a connected session that scyllamodel owns. All connection problems are reported within seconds:
without this module the driver tries hosts one after another, waits twice for a silent one, and does not mention a
missing data centre.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import weakref
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from scyllamodel.config import RepoSettings
from scyllamodel.config.settings import PORT, node_address
from scyllamodel.driver._cassandra import (
    AVAILABLE_COMPRESSIONS,
    EXEC_PROFILE_DEFAULT,
    ConsistencyLevel,
    DCAwareRoundRobinPolicy,
    ExecutionProfile,
    HostDistance,
    NoHostAvailable,
    PlainTextAuthProvider,
    ProtocolException,
    ProtocolVersionUnsupported,
    RetryPolicy,
    TokenAwarePolicy,
)
from scyllamodel.driver.outcomes import REQUEST_ERRORS
from scyllamodel.driver.session import fork_safety
from scyllamodel.driver.session.connect_errors import connection_failed
from scyllamodel.driver.session.decoding import tolerant_handler
from scyllamodel.driver.session.direct_connection import direct_connection
from scyllamodel.driver.session.load_balancing import LowestHostIdPolicy
from scyllamodel.driver.session.segments import table_codec
from scyllamodel.driver.session.tls import new_cluster, tls_context
from scyllamodel.errors import ConfigurationError
from scyllamodel.types.display import without_frames

CONNECT_TIMEOUT: Final = 2.0
"""Seconds for one attempt at one host while the first connection is made; the driver makes two attempts."""

RELEASE_PROFILE: Final = "scyllamodel"
"""An execution profile that sends nothing: its policy keeps the common coordinator connected."""

RECONNECT_TIMEOUT: Final = 5.0
"""Seconds for one attempt after the first connection; the driver's default."""


def connect(settings: RepoSettings) -> Any:
    """Open a session of a new driver cluster, without a keyspace: every internal statement names its own.

    Raises:
        ConnectionFailed: no server answered properly; nothing of the attempt is left running.
        ConfigurationError: the driver rejects the settings.
    """
    cluster: Any = None
    connections: weakref.WeakSet[Any] = weakref.WeakSet()
    fork_safety.discard_inherited_loop()
    with _silenced_driver_log():
        try:
            cluster = new_cluster(**_cluster_settings(settings))
            if settings.fast_path and not settings.uses_tls:
                cluster.connection_class = direct_connection(cluster.connection_class)
            _track_connections(cluster, connections)
            _exclude_unreachable_hosts(cluster)
            session = cluster.connect()
            _check_policy(cluster)
        except BaseException as error:  # including Ctrl-C
            hosts = _known_hosts(cluster)
            if cluster is not None:
                _close_connections(cluster, connections)
            if isinstance(error, REQUEST_ERRORS):
                raise connection_failed(settings, error, hosts) from error
            raise
    cluster.connect_timeout = RECONNECT_TIMEOUT
    session.client_protocol_handler = tolerant_handler(session.client_protocol_handler)
    return session


def _track_connections(cluster: Any, connections: weakref.WeakSet[Any]) -> None:
    """Track each connection of a cluster, also while it is being made.

    The same class reads segments with `table_codec`, and lets a connection that broke be freed.
    """
    base: Any = cluster.connection_class

    class TrackedConnection(base):  # type: ignore[misc]
        _segment_codec: Any

        def __init__(self, *args: Any, **keywords: Any) -> None:
            connections.add(self)
            base.__init__(self, *args, **keywords)

        def _enable_checksumming(self) -> None:  # called by the driver for protocol version 5
            base._enable_checksumming(self)  # noqa: SLF001
            self._segment_codec = table_codec(self._segment_codec)

        def defunct(self, exc: Any) -> Any:
            try:
                return base.defunct(self, exc)
            finally:
                # The connection keeps the error. A frame of ``handle_read`` refers to a watcher of libev, and this to
                # the connection, unseen by the garbage collector: one that broke would never be freed.
                without_frames(exc)

    cluster.connection_class = TrackedConnection


def _close_connections(cluster: Any, connections: weakref.WeakSet[Any]) -> None:
    """Close all connections; one that was being opened when Ctrl-C came is in no pool of the driver."""
    try:
        cluster.shutdown()
    finally:
        for connection in list(connections):
            if getattr(connection, "_socket", None) is not None:  # it got as far as having one
                connection.close()


def _check_policy(cluster: Any) -> None:
    """Refuse a policy that ignores every node; the internal profile would hide that."""
    policy = cluster.profile_manager.default.load_balancing_policy
    hosts = _known_hosts(cluster)
    if all(policy.distance(host) == HostDistance.IGNORED for host in hosts):
        raise NoHostAvailable("Unable to connect to any servers", [str(host.endpoint) for host in hosts])


def _known_hosts(cluster: Any) -> list[Any]:
    return [] if cluster is None else list(cluster.metadata.all_hosts())


def _cluster_settings(settings: RepoSettings) -> dict[str, Any]:
    """Return the keywords of `cassandra.cluster.Cluster`.

    Release work needs neither the driver's schema metadata (a third of the time of a first connection to a large
    schema) nor its wait and refresh after each DDL (most of the time of a migration). Both start disabled;
    `Connection.application_session` enables them for users of ``repo.session``, because token-aware routing reads the
    replication of keyspaces there. Token metadata, one row per node, is always read.
    """
    nodes = [node_address(node) for node in settings.nodes]
    keywords: dict[str, Any] = {
        "contact_points": nodes,
        "port": nodes[0][1] if nodes else PORT,
        "execution_profiles": _profiles(settings),
        "connect_timeout": CONNECT_TIMEOUT,
        "schema_metadata_enabled": False,
        "max_schema_agreement_wait": 0,
        # With the driver's defaults, a connection whose answers are lost is detected after 60 seconds.
        "idle_heartbeat_interval": 10,
        "idle_heartbeat_timeout": 10,
    }
    if settings.username is not None and settings.password is not None:
        keywords["auth_provider"] = PlainTextAuthProvider(settings.username, settings.password.reveal())
    if settings.compression is not None:
        keywords["compression"] = _compression(settings)
    context = tls_context(settings)
    if context is not None:
        keywords["ssl_context"] = context
    return keywords


def _compression(settings: RepoSettings) -> bool | str | None:
    """Return the setting for the driver.

    Raises:
        ConfigurationError: the driver has no such algorithm here.
    """
    algorithm = settings.compression
    if isinstance(algorithm, str) and algorithm not in AVAILABLE_COMPRESSIONS:
        package = {"snappy": "python-snappy"}.get(algorithm, algorithm)
        raise ConfigurationError(
            f"repo {settings.name!r}: compression={algorithm!r} needs a package that is not installed. Run "
            f"pip install {package}, or remove the setting.",
            setting="compression",
            repo=settings.name,
        )
    return algorithm


def _profiles(settings: RepoSettings) -> dict[Any, Any]:
    """Make the execution profiles: the application's, a default one unless it brings its own, and the internal one."""
    profiles: dict[Any, Any] = {
        RELEASE_PROFILE: ExecutionProfile(load_balancing_policy=LowestHostIdPolicy()),
        **(settings.execution_profiles or {}),
    }
    if EXEC_PROFILE_DEFAULT not in profiles:
        profiles[EXEC_PROFILE_DEFAULT] = ExecutionProfile(**_default_profile(settings))
        return profiles
    for setting in ("local_dc", "consistency", "serial_consistency", "request_timeout", "load_balancing_policy",
                    "retry_policy", "speculative_execution_policy"):  # fmt: skip
        if getattr(settings, setting) is not None:
            raise ConfigurationError(
                f"repo {settings.name!r}: {setting}= and a default profile in execution_profiles= are both set. "
                "Move it into the profile.",
                setting=setting,
                repo=settings.name,
            )
    return profiles


def _default_profile(settings: RepoSettings) -> dict[str, Any]:
    levels = ConsistencyLevel.name_to_value
    keywords: dict[str, Any] = {
        "load_balancing_policy": settings.load_balancing_policy
        or TokenAwarePolicy(DCAwareRoundRobinPolicy(settings.local_dc or "")),
        "retry_policy": settings.retry_policy or RetryPolicy(),
        "speculative_execution_policy": settings.speculative_execution_policy,
        "consistency_level": levels.get(settings.consistency),
        "serial_consistency_level": levels.get(settings.serial_consistency),
        "request_timeout": settings.request_timeout,
    }
    return {name: value for name, value in keywords.items() if value is not None}


def _exclude_unreachable_hosts(cluster: Any) -> None:
    """Probe all hosts at once and let the driver try only those that answer; it would try them one after another."""
    endpoints = list(cluster.endpoints_resolved)
    if len(endpoints) < 2:
        return
    cluster.connection_class.initialize_reactor()
    errors: dict[str, Exception] = {}
    with ThreadPoolExecutor(min(len(endpoints), 32)) as pool:
        for endpoint, error in zip(endpoints, pool.map(partial(_probe_host, cluster), endpoints), strict=True):
            if error is not None:
                errors[str(endpoint)] = error
    if len(errors) == len({str(endpoint) for endpoint in endpoints}):
        raise NoHostAvailable("Unable to connect to any servers", errors)
    cluster.endpoints_resolved = [endpoint for endpoint in endpoints if str(endpoint) not in errors]
    # A node may not announce its port; the driver then takes this one.
    cluster.port = cluster.endpoint_factory.port = cluster.endpoints_resolved[0].port


def _probe_host(cluster: Any, endpoint: Any) -> Exception | None:
    """Try to connect to a host; return the error, or None when it answers."""
    try:
        cluster.connection_factory(endpoint).close()
    except (ProtocolVersionUnsupported, ProtocolException):
        return None  # it answers; the driver negotiates an older version
    except Exception as error:  # noqa: BLE001 - the driver raises what its sockets raise
        return error
    return None


class _LogSilencer:
    """The number of attempts in progress, and the level of the driver's logger before the first."""

    lock = threading.Lock()
    depth = 0
    level = logging.NOTSET


def _reset_in_child() -> None:
    """Reset in a forked child: the attempts were the parent's, and so was the thread that may hold the lock."""
    if _LogSilencer.depth:
        logging.getLogger("cassandra").setLevel(_LogSilencer.level)
    _LogSilencer.lock, _LogSilencer.depth = threading.Lock(), 0


fork_safety.call_in_child(_reset_in_child)


@contextlib.contextmanager
def _silenced_driver_log() -> Generator[None]:
    """Suppress the driver's tracebacks for errors that are reported as one sentence."""
    logger = logging.getLogger("cassandra")
    with _LogSilencer.lock:
        if not _LogSilencer.depth:
            _LogSilencer.level = logger.level
            logger.setLevel(logging.CRITICAL + 1)
        _LogSilencer.depth += 1
    try:
        yield
    finally:
        with _LogSilencer.lock:
            _LogSilencer.depth -= 1
            if not _LogSilencer.depth:
                logger.setLevel(_LogSilencer.level)


def stop_event_loop() -> None:
    """Stop the thread of the driver's event loop, which otherwise delays the exit of half of all programs by 5 seconds.

    Only for the end of the command line, after every repo was closed: the loop serves all clusters of the process.
    Event loops other than libev end on their own. A pending connection attempt keeps the loop alive; its thread is a
    daemon, and the driver need not wait for it.
    """
    module: Any = sys.modules.get("cassandra.io.libevreactor")
    loop: Any = getattr(module, "_global_loop", None)
    if loop is None or loop._pid != os.getpid():  # noqa: SLF001 - that of a parent process is left to `forks`
        return
    thread = loop._thread  # noqa: SLF001
    if thread is not None and thread.is_alive():
        loop._shutdown = True  # noqa: SLF001 - the driver has no public API for it (seen on scylla-driver 3.29.12)
        loop.notify()
        thread.join(0.5)
    module._global_loop = None  # noqa: SLF001 - also a loop whose thread never started, which cannot be joined


def loop_is_idle() -> bool:
    """Whether no connection of any cluster is open, so that the driver's event loop can stop."""
    loop: Any = getattr(sys.modules.get("cassandra.io.libevreactor"), "_global_loop", None)
    return not getattr(loop, "_live_conns", None)
