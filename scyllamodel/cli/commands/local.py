"""The commands local and demo."""

from __future__ import annotations

import argparse

from scyllamodel.cli.console import Console
from scyllamodel.cli.errors import Interrupted, Stopped
from scyllamodel.cli.exit_codes import DONE, ERROR
from scyllamodel.cli.progress import progress_listener
from scyllamodel.config import check_url
from scyllamodel.demo.tour import tour
from scyllamodel.local import background, versions
from scyllamodel.local.background import ClusterStatus
from scyllamodel.local.progress import ignore_progress, show_progress


def run_local(settings: argparse.Namespace, console: Console) -> int:
    """Run the command local."""
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


def run_demo(settings: argparse.Namespace, console: Console) -> int:
    """Run the command demo."""
    try:
        with progress_listener(console, indent="   ") as on_event:
            url = settings.url and check_url(settings.url, "--url")
            tour(console.result, version=settings.version, keep=settings.keep, url=url, on_event=on_event)
    except (Interrupted, Stopped):
        outcome = "Its keyspace is dropped." if settings.url else "Its server is stopped and its data deleted."
        raise Interrupted(f"The tour was interrupted. {outcome}") from None
    return DONE
