"""A local Cassandra cluster that is downloaded if it is missing and stops with this process.

*In*: a version, a number of nodes, settings. *Out*: a `LocalCluster`, which owns the folder and the ports. A `Node` is
one process; this module handles what concerns several nodes.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scyllamodel._backoff import Backoff, poll
from scyllamodel.errors import ConfigurationError
from scyllamodel.local import config, versions
from scyllamodel.local.config import NodeConfig
from scyllamodel.local.data_folder import ClusterData, check_cluster_data
from scyllamodel.local.errors import LocalServerError
from scyllamodel.local.folders import try_lock
from scyllamodel.local.jars import jars
from scyllamodel.local.java import java
from scyllamodel.local.node import Node
from scyllamodel.local.ports import Ports, free_ports, is_free
from scyllamodel.local.process import remove_on_exit
from scyllamodel.local.progress import OnProgress, show_progress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

    from typing_extensions import Self

    from scyllamodel.driver.repo import Repo

_RESERVED_SETTINGS: Final = frozenset(
    {"native_transport_port", "storage_port", "listen_address", "rpc_address", "seed_provider"}
)
_MAX_START_ATTEMPTS: Final = 3
_SMALLEST_HEAP_MB: Final = 256
"""A smaller heap is full before a node has started."""
_DEFAULT_LOGIN: Final = ("cassandra", "cassandra")


class LocalCluster:
    """One or three Cassandra nodes on this machine, as a context manager or with `start` and `stop`.

    The first use of a version downloads it (some 70 MB, and Java if it is missing) into the user's cache folder. All
    server processes exit with this process, even if it is killed.

    Parameters:
        nodes: 1, or 3 on 127.0.0.1 to 127.0.0.3 in one data centre, ``datacenter1``.
        version: ``"5.0"``, ``"4.1"``, ``"4.0"``, or an exact version of one of these lines.
        keep: a folder for the data, which a later cluster can reuse; without it the data is temporary. A folder that
            is created here, and the folder of each node in it, is private.
        settings: keys of cassandra.yaml, such as ``{"cdc_enabled": True, "authenticator": "PasswordAuthenticator"}``.
        benchmark: let Java optimise fully: realistic measurements, but a slower start.
        durable: False makes schema changes seven times faster, but a node that is killed loses them; for tests that
            create many tables.
        startup_timeout: seconds until each node must respond.
        heap_mb: size of each node's Java heap in megabytes.
        on_progress: receives the progress of downloads; by default it is shown on stderr.

    Raises:
        ConfigurationError: another number of nodes, an unknown version, a heap that is too small, or a setting that
            the cluster sets.
    """

    def __init__(
        self,
        nodes: int = 1,
        version: str = versions.DEFAULT,
        keep: str | Path | None = None,
        *,
        settings: Mapping[str, Any] | None = None,
        benchmark: bool = False,
        durable: bool = True,
        startup_timeout: float = 180.0,
        heap_mb: int = 400,
        on_progress: OnProgress | None = None,
    ) -> None:
        if nodes not in {1, 3}:
            raise ConfigurationError(f"A local cluster has 1 or 3 nodes, not {nodes!r}.", nodes=nodes)
        if heap_mb < _SMALLEST_HEAP_MB:
            raise ConfigurationError(f"A node needs a heap of at least {_SMALLEST_HEAP_MB} MB, not {heap_mb}.")
        reserved = sorted(_RESERVED_SETTINGS & set(settings or ()))
        if reserved:
            raise ConfigurationError(f"The cluster sets {', '.join(reserved)}: remove that from settings.")
        self.version = versions.exact_version(version)
        self._keep = None if keep is None else Path(keep).expanduser().absolute()
        self._settings = dict(settings or {})
        self._addresses = [f"127.0.0.{number}" for number in range(1, nodes + 1)]
        self._benchmark, self._durable = benchmark, durable
        self._startup_timeout, self._heap_mb = startup_timeout, heap_mb
        self._on_progress = on_progress
        self._nodes: list[Node] = []
        self._stack = ExitStack()

    def __repr__(self) -> str:
        addresses = ", ".join(self.contact_points) or "not started"
        return f"<LocalCluster of Cassandra {self.version}: {addresses}>"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def contact_points(self) -> list[str]:
        """CQL addresses of the nodes, as ``ip:port``; empty before `start`."""
        return [node.contact_point for node in self._nodes]

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes, the seed first; empty before `start`."""
        return tuple(self._nodes)

    def node(self, number: int) -> Node:
        """Return the node with this number, counted from 1.

        Raises:
            LocalServerError: the node does not exist, or the cluster is not started.
        """
        if not 1 <= number <= len(self._nodes):
            available = f"nodes 1 to {len(self._nodes)}" if self._nodes else "no nodes: it is not started"
            raise LocalServerError(f"There is no node {number!r}: this cluster has {available}.")
        return self._nodes[number - 1]

    def log_tail(self, lines: int = 40) -> str:
        """Return the last lines of each node's log."""
        return "\n".join(f"node {node.config.number}:\n{node.log_tail(lines)}" for node in self._nodes)

    def repo(self, keyspace: str, models: Sequence[str] = (), **options: Any) -> Repo:
        """Return a `Repo` on this cluster, which `stop` closes; `options` override the defaults.

        A sync creates the keyspace, with a replica on every node.
        """
        from scyllamodel.driver.repo import Repo  # noqa: PLC0415 - starting a server needs no driver

        factor = len(self._nodes) or 1
        defaults: dict[str, Any] = {
            "nodes": self.contact_points,
            "keyspace": keyspace,
            "models": list(models),
            "create_keyspace": True,
            "local_dc": config.DATA_CENTER,
            "replication": {"class": "NetworkTopologyStrategy", config.DATA_CENTER: factor},
        }
        if self.login is not None:
            defaults["username"], defaults["password"] = self.login
        repo = Repo(**{**defaults, **options})
        self._stack.callback(repo.close)
        return repo

    def start(self) -> None:
        """Download what is missing, start every node, and wait until each responds and sees the others.

        Raises:
            LocalServerError: a download failed, or a node did not start; the message contains the end of its log.
        """
        if self._nodes:
            return
        try:
            self._start_with_retries()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop every node: cleanly if the data is kept, otherwise at once and with deletion of the data."""
        for node in reversed(self._nodes):
            if self._keep is None:
                node.kill()
            else:
                node.stop()
        self._nodes = []
        self._stack.close()

    @property
    def login(self) -> tuple[str, str] | None:
        """User name and password, if the settings require a login; otherwise None."""
        authenticator = str(self._settings.get("authenticator", "")).rpartition(".")[2]
        return _DEFAULT_LOGIN if authenticator == "PasswordAuthenticator" else None

    def _start_with_retries(self) -> None:
        class_path, program = prepare(self.version, self._on_progress)

        def command(node: NodeConfig) -> list[str]:
            return config.command(node, program, class_path)

        folder = self._data_folder()
        for attempts_left in reversed(range(_MAX_START_ATTEMPTS)):
            self._nodes = [
                Node(node, self.login, self._startup_timeout, command)
                for node in self._node_configs(folder, self._choose_ports())
            ]
            try:
                return self._start_nodes()
            except LocalServerError as error:
                if not attempts_left or self._keep is not None or not _is_transient(error):
                    raise
                for node in self._nodes:
                    node.kill()
        return None

    def _start_nodes(self) -> None:
        for number, node in enumerate(self._nodes):
            node.start()
            wait_for_peers(self._nodes[: number + 1], self._startup_timeout)
        if self._keep is not None:
            first_config = self._nodes[0].config
            ClusterData(self.version, len(self._nodes), first_config.native_port, first_config.storage_port).write(
                self._keep
            )

    def _data_folder(self) -> Path:
        if self._keep is None:
            folder = Path(tempfile.mkdtemp(prefix="scyllamodel-cassandra-"))
            self._stack.callback(remove_on_exit(folder).end)
            return folder
        try:
            self._stack.enter_context(try_lock(self._keep / "lock"))
        except BlockingIOError:
            message = f"{self._keep} is in use by another local cluster.\nStop that one, or use another folder."
            raise LocalServerError(message) from None
        check_cluster_data(self._keep, self.version, len(self._addresses))
        return self._keep

    def _choose_ports(self) -> Ports:
        """Return the ports of the kept cluster, which its nodes use to find one another, or free ones."""
        cluster_data = None if self._keep is None else ClusterData.read(self._keep)
        if cluster_data is not None:
            if all(is_free(self._addresses, port) for port in (cluster_data.native_port, cluster_data.storage_port)):
                return Ports(cluster_data.native_port, cluster_data.storage_port)
            if len(self._addresses) > 1:
                ports = f"{cluster_data.native_port} or {cluster_data.storage_port}"
                raise LocalServerError(f"Port {ports} of the cluster in {self._keep} is in use.")
        return free_ports(self._addresses)

    def _node_configs(self, folder: Path, ports: Ports) -> list[NodeConfig]:
        return [
            NodeConfig(
                number=number,
                nodes=len(self._addresses),
                version=self.version,
                folder=folder / f"node{number}",
                address=address,
                seed=self._addresses[0],
                native_port=ports.native,
                storage_port=ports.storage,
                settings=self._settings,
                heap_mb=self._heap_mb,
                benchmark=self._benchmark,
                durable=self._durable,
            )
            for number, address in enumerate(self._addresses, start=1)
        ]


def prepare(version: str, on_progress: OnProgress | None = None) -> tuple[list[Path], Path]:
    """Return the jars and the program ``java`` for an exact version, downloaded into the cache if they are missing.

    Raises:
        LocalServerError: a download failed.
    """
    if on_progress is None:
        with show_progress() as show:
            return prepare(version, show)
    return jars(version, on_progress), java(versions.java_major(version), on_progress)


def wait_for_peers(nodes: Sequence[Node], timeout: float) -> None:
    """Wait until each of these nodes knows the tokens of all the others.

    Raises:
        LocalServerError: one does not within `timeout` seconds.
    """

    def first_without_peers() -> Node | None:
        return next((node for node in nodes if _known_peers(node) < len(nodes) - 1), None)

    node = poll(
        first_without_peers,
        until=lambda node: node is None or not node.is_running,
        timeout=timeout,
        backoff=Backoff(0.1, 0.1),
    )
    if node is not None:
        message = f"{node!r} does not see all other nodes after {timeout:g} s:\n{node.log_tail()}"
        raise LocalServerError(message, log_tail=node.log_tail())


def _known_peers(node: Node) -> int:
    try:
        rows = node.query("SELECT tokens, release_version, schema_version FROM system.peers")
    except OSError:
        return 0
    return sum(all(cells) for cells in rows)


def _is_transient(error: LocalServerError) -> bool:
    """Return whether another attempt with new ports may succeed.

    Another process may have taken a port before the server bound it. On a busy machine a node may not reach the first
    one within its ring delay, which is short here.
    """
    log = getattr(error, "log_tail", "")
    return "in use" in log or "Unable to contact any seeds" in log
