"""What a node is started with: pure functions from a `NodeConfig` to cassandra.yaml, logback.xml and a command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

import attrs

from scyllamodel.local.versions import line

DATA_CENTER: Final = "datacenter1"
"""The data centre of every node, which SimpleSnitch gives."""

_EXPORTS: Final = """
    java.base/jdk.internal.misc java.base/jdk.internal.ref java.base/sun.nio.ch java.base/java.lang.ref
    java.management.rmi/com.sun.jmx.remote.internal.rmi java.rmi/sun.rmi.registry java.rmi/sun.rmi.server
    java.sql/java.sql jdk.unsupported/sun.misc
""".split()

_OPENS: Final = [
    *(
        f"java.base/{package}"
        for package in """
        java.lang java.lang.module java.lang.reflect java.io java.nio java.math java.net java.util java.util.concurrent
        java.util.concurrent.atomic sun.nio.ch jdk.internal.loader jdk.internal.ref jdk.internal.reflect
        jdk.internal.math jdk.internal.module jdk.internal.util.jar
        """.split()
    ),
    "jdk.management/com.sun.management.internal",
]

_LOGBACK: Final = """<configuration>
  <appender name="FILE" class="ch.qos.logback.core.FileAppender">
    <file>{log}</file>
    <encoder><pattern>%-5level [%thread] %date{{ISO8601}} %logger{{0}} - %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="FILE"/></root>
</configuration>
"""


@attrs.frozen
class NodeConfig:
    """All that one node is started with.

    Attributes:
        number: 1 for the seed.
        nodes: how many nodes the cluster has.
        version: exact, such as ``5.0.9``.
        folder: holds its configuration, logs and data.
        address: the loopback address that it listens on.
        seed: address of node 1.
        native_port: for CQL, the same on every node, since drivers expect that.
        storage_port: between nodes, the same on every node.
        settings: more keys of cassandra.yaml; they win over ours.
        heap_mb: size of the Java heap in megabytes.
        benchmark: let Java compile as far as it can, for measurements; the boot takes longer then.
        durable: keep the schema also when the node is killed.
    """

    number: int
    nodes: int
    version: str
    folder: Path
    address: str
    seed: str
    native_port: int
    storage_port: int
    settings: dict[str, Any] = attrs.field(factory=dict[str, Any])
    heap_mb: int = 400
    benchmark: bool = False
    durable: bool = True

    @property
    def log(self) -> Path:
        """The node's own log."""
        return self.folder / "system.log"

    @property
    def console(self) -> Path:
        """What Java wrote to its output: errors from before logging works."""
        return self.folder / "console.log"


def initial_token(number: int, nodes: int) -> int:
    """The token of one node, so that all nodes own equal parts of the ring."""
    return 2**64 // nodes * (number - 1) - 2**63


def yaml_settings(node: NodeConfig) -> dict[str, Any]:
    """The settings of cassandra.yaml as plain values."""
    old = line(node.version) == "4.0"
    features = ("materialized_views", "user_defined_functions", "sasi_indexes")
    data = node.folder / "data"
    seeds = {"seeds": f"{node.seed}:{node.storage_port}"}
    return {
        "cluster_name": "scyllamodel",
        "num_tokens": 1,
        "initial_token": str(initial_token(node.number, node.nodes)),
        "partitioner": "org.apache.cassandra.dht.Murmur3Partitioner",
        "commitlog_sync": "periodic",
        **({"commitlog_sync_period_in_ms": 10000} if old else {"commitlog_sync_period": "10s"}),
        "data_file_directories": [str(data / "data")],
        "commitlog_directory": str(data / "commitlog"),
        "hints_directory": str(data / "hints"),
        "saved_caches_directory": str(data / "saved_caches"),
        "cdc_raw_directory": str(data / "cdc_raw"),
        "listen_address": node.address,
        "rpc_address": node.address,
        "native_transport_port": node.native_port,
        "storage_port": node.storage_port,
        "endpoint_snitch": "SimpleSnitch",
        "auto_snapshot": False,  # a snapshot before each DROP and TRUNCATE serves nobody here, and costs time
        **{f"enable_{name}" if old else f"{name}_enabled": True for name in features},
        "seed_provider": [{"class_name": "org.apache.cassandra.locator.SimpleSeedProvider", "parameters": [seeds]}],
        **node.settings,
    }


def cassandra_yaml(node: NodeConfig) -> str:
    """The text of cassandra.yaml; JSON is YAML too, and needs no other package to write."""
    return json.dumps(yaml_settings(node), indent=2) + "\n"


def logback_xml(node: NodeConfig) -> str:
    """The text of logback.xml: all to one file, so that a log tail shows the whole story."""
    return _LOGBACK.format(log=escape(str(node.log)))


def command(node: NodeConfig, java: Path, jars: list[Path]) -> list[str]:
    """The command line of one node."""
    properties = {
        "cassandra.config": (node.folder / "cassandra.yaml").as_uri(),
        "cassandra.storagedir": node.folder / "data",
        "cassandra.logdir": node.folder,
        "cassandra-foreground": "yes",
        "cassandra.skip_wait_for_gossip_to_settle": 0,
        "cassandra.ring_delay_ms": 2000,
        "cassandra.consistent.rangemovement": "false",
        # A node that slept through a change asks the others for it after a minute by default, and again after another.
        "cassandra.migration_delay_ms": 1000,
        "cassandra.schema_pull_interval_ms": 3000,
        "cassandra.superuser_setup_delay_ms": 0,
        # A node measures at its start what a row costs in memory; a hundredth of the steps gives the same 180 bytes and
        # saves 2 of its 7 seconds.
        "cassandra.memtable_row_overhead_computation_step": 1000,
        "cassandra.shutdown_announce_in_ms": 200,  # how long a clean stop waits for its peers to hear of it
        "logback.configurationFile": node.folder / "logback.xml",
        "java.io.tmpdir": node.folder / "tmp",  # JNA unpacks itself there: nothing stays behind in /tmp
        "java.net.preferIPv4Stack": "true",
    }
    if not node.durable:
        # Seven times as fast a CREATE TABLE (22 against 157 ms): the schema is not flushed after each change. A node
        # reads its schema before it replays its commit log, so one that was killed comes back without it.
        properties["cassandra.test.flush_local_schema_changes"] = "false"
    return [
        str(java),
        *_memory_flags(node),
        *(f"-D{name}={value}" for name, value in properties.items()),
        *(part for package in _EXPORTS for part in ("--add-exports", f"{package}=ALL-UNNAMED")),
        *(part for package in _OPENS for part in ("--add-opens", f"{package}=ALL-UNNAMED")),
        "-classpath",
        ":".join(str(jar) for jar in jars),
        "org.apache.cassandra.service.CassandraDaemon",
    ]


def _memory_flags(node: NodeConfig) -> list[str]:
    flags = [f"-Xms{node.heap_mb}m", f"-Xmx{node.heap_mb}m", "-Xss512k", "-XX:+UseSerialGC", "-XX:-UsePerfData"]
    # A node whose heap was full once goes on half dead: it answers reads, and its schema changes hang.
    flags.append("-XX:+ExitOnOutOfMemoryError")
    return flags if node.benchmark else [*flags, "-XX:TieredStopAtLevel=1"]
