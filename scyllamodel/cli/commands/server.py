"""The commands that need nothing but this machine: a local server, and the tour."""

from __future__ import annotations

import argparse
from typing import Final

from scyllamodel.cli import options
from scyllamodel.cli.console import Console
from scyllamodel.cli.events import following
from scyllamodel.cli.exits import DONE, ERROR, Interrupted, Stopped
from scyllamodel.cli.parser import Command
from scyllamodel.config import url_text
from scyllamodel.demo.tour import tour
from scyllamodel.local import background, versions
from scyllamodel.local.background import Status
from scyllamodel.local.progress import shown, silent

CONTAINER: Final = "docker run -d --name scylla -p 9042:9042 scylladb/scylla --smp 1 --memory 1G --developer-mode 1"
"""How a ScyllaDB is started on a machine with Docker; Podman takes the same line."""


def _local_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["start", "stop", "status"], help="what to do with the server")
    _version(parser, "of Cassandra, for start: 5.0, 4.1 or 4.0 (default: 5.0)")
    parser.add_argument("--nodes", type=int, choices=[1, 3], default=1, help="how many, for start (default: 1)")
    parser.add_argument(
        "--heap", type=int, metavar="MB", help="Java heap of each node, for start (default: 1024, or 400 with 3 nodes)"
    )
    options.output(parser)


def _version(parser: argparse.ArgumentParser, text: str) -> None:
    parser.add_argument("--version", default=versions.DEFAULT, metavar="VERSION", help=text)


def _local(settings: argparse.Namespace, console: Console) -> int:
    if settings.action == "start":
        found = _start(settings, console)
    else:
        found = background.stop() if settings.action == "stop" else background.status(check_health=True)
    console.document({"format": 1, "kind": "local", **found.to_dict()})
    console.result(local_text(settings.action, found))
    return ERROR if settings.action == "status" and not found.is_well else DONE


def _start(settings: argparse.Namespace, console: Console) -> Status:
    if console.verbosity < 0:
        return background.start(settings.version, settings.nodes, heap_mb=settings.heap, on_progress=silent)
    console.say(f"Starting Cassandra {versions.exact(settings.version)} …")
    with shown(console.err) as show:
        return background.start(settings.version, settings.nodes, heap_mb=settings.heap, on_progress=show)


def local_text(action: str, found: Status) -> str:
    """What became of the local server, for people.

    >>> local_text("status", Status(is_running=False))
    'No local server runs. Start one with: scyllamodel local start'
    """
    where = ", ".join(f"{node.contact_point}{'' if node.is_up else ' (does not answer)'}" for node in found.nodes)
    if action == "stop":
        return f"Stopped Cassandra {found.version} at {where}." if found.is_running else "No local server was running."
    if not found.is_running:
        return "No local server runs. Start one with: scyllamodel local start"
    if not found.is_well:
        return _unwell(found)
    return (
        f"Cassandra {found.version} runs at {where}.\n"
        f"Use it with:  --url scylla://{','.join(found.contact_points)}/KEYSPACE?models=PACKAGE\n"
        "Stop it with: scyllamodel local stop"
    )


def _unwell(found: Status) -> str:
    """What is wrong with which node, and what to do."""
    heap = 2 * (found.heap_mb or 512)
    lines = [
        f"  {node.contact_point}: {node.problem or ('well' if node.is_up else 'it does not answer')}"
        for node in found.nodes
    ]
    advice = (
        "Stop it with:               scyllamodel local stop",
        f"Start it with more memory:  scyllamodel local start --heap {heap}",
        f"Its log is beside:          {found.nodes[0].console or found.log}",
    )
    return "\n".join([f"Cassandra {found.version} runs, and is not well:", *lines, *advice])


def _demo_options(parser: argparse.ArgumentParser) -> None:
    _version(parser, "of Cassandra: 5.0, 4.1 or 4.0 (default: 5.0)")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--keep", action="store_true", help="let the server run on, until Ctrl-C")
    where.add_argument(
        "--url",
        metavar="URL",
        help="of a server that runs, such as scylla://127.0.0.1:9042: the tour makes a keyspace there, and drops it",
    )
    parser.set_defaults(verbosity=0)


def _demo(settings: argparse.Namespace, console: Console) -> int:
    try:
        with following(console, indent="   ") as on_event:
            url = settings.url and url_text(settings.url, "--url")
            tour(console.result, version=settings.version, keep=settings.keep, url=url, on_event=on_event)
    except (Interrupted, Stopped):
        what = "Its keyspace is dropped." if settings.url else "Its server is stopped, and the data is gone."
        raise Interrupted(f"The tour was interrupted. {what}") from None
    return DONE


COMMANDS: Final = (
    Command(
        "local",
        "start, stop or look at a real Cassandra on this machine",
        _local,
        _local_options,
        "The server, and the Java that it needs, are downloaded once into your cache folder. It runs\n"
        "in the background until you stop it, and its data goes with it. `status` asks each node for a\n"
        "read and for a schema change that changes nothing, and ends with 1 if one of them is not well.\n"
        f"Needs the extra `local`. It is always Cassandra; a ScyllaDB runs in a container:\n  {CONTAINER}",
        ("scyllamodel local start", "scyllamodel local start --version 4.1 --heap 2048", "scyllamodel local status"),
        imports=False,
    ),
    Command(
        "demo",
        "take a tour: an online shop, from its classes to a refused change",
        _demo,
        _demo_options,
        "Starts a real Cassandra for the tour and stops it afterwards. Every claim is put to the test:\n"
        "exit code 0 means that all of it happened as told. Needs the extra `local`, or with --url a server\n"
        f"of your own. A ScyllaDB in a container:\n  {CONTAINER}",
        ("scyllamodel demo", "scyllamodel demo --keep", "scyllamodel demo --url scylla://127.0.0.1:9042"),
        imports=False,
    ),
)
