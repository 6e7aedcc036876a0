"""Defines the commands local and demo."""

from __future__ import annotations

import argparse
from typing import Final

from scyllamodel.cli import options
from scyllamodel.cli.parser import Command

CONTAINER: Final = "docker run -d --name scylla -p 9042:9042 scylladb/scylla --smp 1 --memory 1G --developer-mode 1"
"""The command that starts ScyllaDB with Docker; Podman accepts it too."""


def _local_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["start", "stop", "status"], help="action on the server")
    _add_version(parser, "version of Cassandra, for start: 5.0, 4.1 or 4.0 (default: 5.0)")
    parser.add_argument("--nodes", type=int, choices=[1, 3], default=1, help="number of nodes, for start (default: 1)")
    parser.add_argument(
        "--heap", type=int, metavar="MB", help="Java heap of each node, for start (default: 1024, or 400 with 3 nodes)"
    )
    options.add_output(parser)


def _add_version(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--version", default=options.SERVER_VERSION, metavar="VERSION", help=text)


def _demo_options(parser: argparse.ArgumentParser) -> None:
    _add_version(parser, "version of Cassandra: 5.0, 4.1 or 4.0 (default: 5.0)")
    server_options = parser.add_mutually_exclusive_group()
    server_options.add_argument("--keep", action="store_true", help="keep the server running until Ctrl-C")
    server_options.add_argument(
        "--url",
        metavar="URL",
        help="a running server, such as scylla://127.0.0.1:9042: the tour creates a keyspace there and drops it",
    )
    parser.set_defaults(verbosity=0)


COMMANDS: Final = (
    Command(
        "local",
        "start, stop or check a Cassandra server on this machine",
        "scyllamodel.cli.commands.local:run_local",
        _local_options,
        "The server and the Java that it needs are downloaded once into the cache folder. It runs in the\n"
        "background until you stop it, and its data is then deleted. `status` sends a read and a schema\n"
        "change without effect to each node, and exits with 1 if one of them is not healthy. Needs the\n"
        f"extra `local`. The server is always Cassandra; ScyllaDB runs in a container:\n  {CONTAINER}",
        ("scyllamodel local start", "scyllamodel local start --version 4.1 --heap 2048", "scyllamodel local status"),
        imports=False,
    ),
    Command(
        "demo",
        "take a tour: an online shop, from its classes to a refused change",
        "scyllamodel.cli.commands.local:run_demo",
        _demo_options,
        "Starts a Cassandra for the tour and stops it afterwards. Every claim is verified: exit code 0 means\n"
        "that all of them hold. Needs the extra `local`, or a running server with --url.\n"
        f"To start ScyllaDB in a container:\n  {CONTAINER}",
        ("scyllamodel demo", "scyllamodel demo --keep", "scyllamodel demo --url scylla://127.0.0.1:9042"),
        imports=False,
    ),
)
