"""Configuration of a node: pure functions from a `NodeConfig` to cassandra.yaml, logback.xml and a command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

import attrs

from scyllamodel.local.versions import release_line

DATA_CENTER: Final = "datacenter1"
"""The data centre of every node, as set by SimpleSnitch."""

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
    """The configuration of one node.

    Attributes:
        number: 1 for the seed.
        nodes: number of nodes in the cluster.
        version: exact, such as ``5.0.9``.
        folder: folder of its configuration, logs and data.
        address: loopback address that it listens on.
        seed: address of node 1.
        native_port: port for CQL, equal on all nodes, since drivers expect that.
        storage_port: port between nodes, equal on all nodes.
        settings: more keys of cassandra.yaml, which override the defaults.
        heap_mb: size of the Java heap in megabytes.
        benchmark: let Java optimise fully, for measurements; the start takes longer.
        durable: keep the schema even if the node is killed.
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
        """The log file of the node."""
        return self.folder / "system.log"

    @property
    def console(self) -> Path:
        """The file with the output of Java: errors that occur before logging starts."""
        return self.folder / "console.log"


def initial_token(number: int, nodes: int) -> int:
    """Return the initial token of one node, such that all nodes own equal ranges."""
    return 2**64 // nodes * (number - 1) - 2**63


def yaml_settings(node: NodeConfig) -> dict[str, Any]:
    """Return the settings of cassandra.yaml as plain values."""
    is_4_0 = release_line(node.version) == "4.0"
    features = ("materialized_views", "user_defined_functions", "sasi_indexes")
    data = node.folder / "data"
    seeds = {"seeds": f"{node.seed}:{node.storage_port}"}
    return {
        "cluster_name": "scyllamodel",
        "num_tokens": 1,
        "initial_token": str(initial_token(node.number, node.nodes)),
        "partitioner": "org.apache.cassandra.dht.Murmur3Partitioner",
        "commitlog_sync": "periodic",
        **({"commitlog_sync_period_in_ms": 10000} if is_4_0 else {"commitlog_sync_period": "10s"}),
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
        "auto_snapshot": False,  # snapshots before DROP and TRUNCATE are useless here and take time
        **{f"enable_{name}" if is_4_0 else f"{name}_enabled": True for name in features},
        "seed_provider": [{"class_name": "org.apache.cassandra.locator.SimpleSeedProvider", "parameters": [seeds]}],
        **node.settings,
    }


def cassandra_yaml(node: NodeConfig) -> str:
    """Return the text of cassandra.yaml, as JSON, which is valid YAML and needs no further package."""
    return json.dumps(yaml_settings(node), indent=2) + "\n"


def logback_xml(node: NodeConfig) -> str:
    """Return the text of logback.xml, with one log file, so that its last lines are complete."""
    return _LOGBACK.format(log=escape(str(node.log)))


def command(node: NodeConfig, java: Path, jars: list[Path]) -> list[str]:
    """Return the command line of one node."""
    properties = {
        "cassandra.config": (node.folder / "cassandra.yaml").as_uri(),
        "cassandra.storagedir": node.folder / "data",
        "cassandra.logdir": node.folder,
        "cassandra-foreground": "yes",
        "cassandra.skip_wait_for_gossip_to_settle": 0,
        "cassandra.ring_delay_ms": 2000,
        "cassandra.consistent.rangemovement": "false",
        # A node that missed a schema change asks the others for it after a minute by default, then every minute.
        "cassandra.migration_delay_ms": 1000,
        "cassandra.schema_pull_interval_ms": 3000,
        "cassandra.superuser_setup_delay_ms": 0,
        # At its start a node measures the memory of a row; a hundredth of the steps gives the same 180 bytes and saves
        # 2 of 7 seconds.
        "cassandra.memtable_row_overhead_computation_step": 1000,
        "cassandra.shutdown_announce_in_ms": 200,  # how long a clean stop waits until its peers know
        "logback.configurationFile": node.folder / "logback.xml",
        "java.io.tmpdir": node.folder / "tmp",  # JNA unpacks its library there, so nothing remains in /tmp
        "java.net.preferIPv4Stack": "true",
    }
    if not node.durable:
        # CREATE TABLE is seven times faster (22 instead of 157 ms), since the schema is not flushed after each change.
        # A node reads its schema before it replays its commit log, so one that was killed restarts without it.
        properties["cassandra.test.flush_local_schema_changes"] = "false"
    return [
        str(java),
        *_memory_flags(node),
        *(f"-D{name}={value}" for name, value in properties.items()),
        *(flag for package in _EXPORTS for flag in ("--add-exports", f"{package}=ALL-UNNAMED")),
        *(flag for package in _OPENS for flag in ("--add-opens", f"{package}=ALL-UNNAMED")),
        "-classpath",
        ":".join(str(jar) for jar in jars),
        "org.apache.cassandra.service.CassandraDaemon",
    ]


def _memory_flags(node: NodeConfig) -> list[str]:
    flags = [f"-Xms{node.heap_mb}m", f"-Xmx{node.heap_mb}m", "-Xss512k", "-XX:+UseSerialGC", "-XX:-UsePerfData"]
    # After an OutOfMemoryError a node would answer reads while its schema changes hang.
    flags.append("-XX:+ExitOnOutOfMemoryError")
    return flags if node.benchmark else [*flags, "-XX:TieredStopAtLevel=1"]
