"""The commands local and demo."""

from __future__ import annotations

import argparse
from typing import Final

from scyllamodel.cli import options
from scyllamodel.cli.console import Console
from scyllamodel.cli.exit_codes import DONE, ERROR, Interrupted, Stopped
from scyllamodel.cli.parser import Command
from scyllamodel.cli.progress import progress_listener
from scyllamodel.config import check_url
from scyllamodel.demo.tour import tour
from scyllamodel.local import background, versions
from scyllamodel.local.background import ClusterStatus
from scyllamodel.local.progress import ignore_progress, show_progress

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
    parser.add_argument("--version", default=versions.DEFAULT, metavar="VERSION", help=text)


def _local(settings: argparse.Namespace, console: Console) -> int:
    if settings.action == "start":
        status = _start(settings, console)
    else:
        status = background.stop() if settings.action == "stop" else background.status(check_health=True)
    console.document({"format": 1, "kind": "local", **status.to_dict()})
    console.result(local_text(settings.action, status))
    return ERROR if settings.action == "status" and not status.is_healthy else DONE


def _start(settings: argparse.Namespace, console: Console) -> ClusterStatus:
    if console.verbosity < 0:
        return background.start(settings.version, settings.nodes, heap_mb=settings.heap, on_progress=ignore_progress)
    console.message(f"Starting Cassandra {versions.exact_version(settings.version)} …")
    with show_progress(console.err) as on_progress:
        return background.start(settings.version, settings.nodes, heap_mb=settings.heap, on_progress=on_progress)


def local_text(action: str, status: ClusterStatus) -> str:
    """Return the status of the local server as text.

    >>> local_text("status", ClusterStatus(is_running=False))
    'No local server is running. Start one with: scyllamodel local start'
    """
    addresses = ", ".join(f"{node.contact_point}{'' if node.is_up else ' (does not respond)'}" for node in status.nodes)
    if action == "stop":
        return (
            f"Stopped Cassandra {status.version} at {addresses}."
            if status.is_running
            else "No local server was running."
        )
    if not status.is_running:
        return "No local server is running. Start one with: scyllamodel local start"
    if not status.is_healthy:
        return _unhealthy_text(status)
    return (
        f"Cassandra {status.version} runs at {addresses}.\n"
        f"Use it with:  --url scylla://{','.join(status.contact_points)}/KEYSPACE?models=PACKAGE\n"
        "Stop it with: scyllamodel local stop"
    )


def _unhealthy_text(status: ClusterStatus) -> str:
    """Return the problem of each node, and what to do."""
    heap = 2 * (status.heap_mb or 512)
    lines = [
        f"  {node.contact_point}: {node.problem or ('healthy' if node.is_up else 'it does not respond')}"
        for node in status.nodes
    ]
    advice = (
        "Stop it with:               scyllamodel local stop",
        f"Start it with more memory:  scyllamodel local start --heap {heap}",
        f"Read its logs, next to:     {status.nodes[0].console or status.log}",
    )
    return "\n".join([f"Cassandra {status.version} is running, but is not healthy:", *lines, *advice])


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


def _demo(settings: argparse.Namespace, console: Console) -> int:
    try:
        with progress_listener(console, indent="   ") as on_event:
            url = settings.url and check_url(settings.url, "--url")
            tour(console.result, version=settings.version, keep=settings.keep, url=url, on_event=on_event)
    except (Interrupted, Stopped):
        outcome = "Its keyspace is dropped." if settings.url else "Its server is stopped and its data deleted."
        raise Interrupted(f"The tour was interrupted. {outcome}") from None
    return DONE


COMMANDS: Final = (
    Command(
        "local",
        "start, stop or check a Cassandra server on this machine",
        _local,
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
        _demo,
        _demo_options,
        "Starts a Cassandra for the tour and stops it afterwards. Every claim is verified: exit code 0 means\n"
        "that all of them hold. Needs the extra `local`, or a running server with --url.\n"
        f"To start ScyllaDB in a container:\n  {CONTAINER}",
        ("scyllamodel demo", "scyllamodel demo --keep", "scyllamodel demo --url scylla://127.0.0.1:9042"),
        imports=False,
    ),
)
