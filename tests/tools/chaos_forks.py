"""Forked children of a chaos run that use what they inherited: each gets a result or an error in bounded time."""

from __future__ import annotations

import asyncio
import faulthandler
import itertools
import json
import os
import select as polling
import time
import warnings
from collections.abc import Callable
from typing import Any, Final

from chaos_actors import Docs
from chaos_calls import Reads
from chaos_tables import FIXED, Doc, Fixed
from chaos_workers import SLACK, Lane, perform, perform_async
from scyllamodel import ConnectionFailed, RequestFailed, select

CHILD: Final = 25.0
"""Seconds that a child may take: it connects, twice for each of the hosts at worst, and sends a request."""


def fork_worker(name: str, lane: Lane, session_repo: Any) -> None:
    """Fork children that use what they inherited: a repo, a lent session, an iterator that their parent began."""
    warnings.filterwarnings("ignore", ".*multi-threaded.*fork", DeprecationWarning)
    reads = Reads(name, lane.rng, lane.model, keyspace=lane.repo.keyspace)
    docs = Docs(name, lane.rng, lane.model)
    kinds = itertools.cycle([own_repo, lent_session, begun_stream, begun_scan])
    while not lane.stop.is_set():
        (slot,) = docs.take()
        docs.change(slot.row)
        write = docs.begin(slot)
        kind = next(kinds)
        answer = answer_of_child(kind(lane, session_repo, slot.row, reads))
        lane.record.forks += 1
        if answer.get("saved"):
            write.acknowledge()
        if answer.get("refused") or kind is not own_repo:
            write.refuse()
        lane.record.report_violation(*answer["wrong"])
        time.sleep(min(20 * lane.pause(), 2.0))


Child = Callable[[], dict[str, Any]]


def own_repo(lane: Lane, session_repo: Any, row: Doc, reads: Reads) -> Child:
    """A child that opens its own connection, and gets a result or an error."""
    del session_repo
    call = reads.raw()

    def child() -> dict[str, Any]:
        violations, results = [], {}
        try:
            lane.repo.save(row)
            results["saved"] = True
            violations += call.check(perform(lane.repo, call))
        except (RequestFailed, ConnectionFailed) as error:
            results["refused"] = not results.get("saved") and not getattr(error, "may_be_applied", False)
        return {**results, "wrong": violations}

    return child


def lent_session(lane: Lane, session_repo: Any, row: Doc, reads: Reads) -> Child:
    """A child that is refused at once, on every way to the session."""
    del row
    fixed, call = FIXED[0], reads.fresh()

    def child() -> dict[str, Any]:
        start, violations = time.monotonic(), []
        for verb, use in {
            "get": lambda: session_repo.get(Fixed, part=fixed.part, number=fixed.number),
            "a new statement": lambda: perform(session_repo, call),
            "aio": lambda: asyncio.run(perform_async(session_repo.aio(), call)),
        }.items():
            violations += fork_problems(f"{verb} by a lent session", use)
        seconds = time.monotonic() - start
        return {"wrong": violations + ([f"fork: it took {seconds:.1f} s to refuse"] if seconds > SLACK else [])}

    return child


def begun_stream(lane: Lane, session_repo: Any, row: Doc, reads: Reads) -> Child:
    """A child that must not continue the parent's stream after its current page."""
    del session_repo, row, reads
    return _begun(lane, lane.repo.stream(select(Fixed).where(Fixed.part == 0), page_size=20), "a stream")


def begun_scan(lane: Lane, session_repo: Any, row: Doc, reads: Reads) -> Child:
    """A child that must not continue the parent's scan."""
    del session_repo, row, reads
    return _begun(lane, iter(lane.repo.scan(Fixed, page_size=20)), "a scan")


def _begun(lane: Lane, rows: Any, what: str) -> Child:
    try:
        next(rows)
    except RequestFailed:
        return lambda: {"wrong": []}
    return lambda: {"wrong": fork_problems(f"{what} that the parent began", lambda: list(rows))}


def fork_problems(what: str, use: Callable[[], Any]) -> list[str]:
    """Return what is wrong, unless the use fails with an error of a connection or a request."""
    try:
        used = use()
    except (ConnectionFailed, RequestFailed):
        return []
    except Exception as error:  # noqa: BLE001 - reported
        return [f"fork: {what} ended with {error!r}"]
    return [f"fork: {what} gave {used!r:.60} in a child"]


def answer_of_child(child: Child) -> dict[str, Any]:
    """Fork, and wait a bounded time for the result; a child that hangs is killed."""
    reads, writes = os.pipe()
    pid = os.fork()
    if pid == 0:
        _report(child, writes)
    os.close(writes)
    try:
        ready, _, _ = polling.select([reads], [], [], CHILD)
        text = os.read(reads, 65536) if ready else b""
    finally:
        os.close(reads)
    if not ready:
        os.kill(pid, 9)
    os.waitpid(pid, 0)
    return json.loads(text) if text else {"wrong": [f"fork: {child.__qualname__} gave no answer"]}


def _report(child: Child, writes: int) -> None:
    """In the child: report the result, and exit without cleaning up; a child that hangs shows its stack."""
    faulthandler.dump_traceback_later(CHILD - 2)
    try:
        try:
            answer = child()
        except BaseException as error:  # noqa: BLE001 - reported
            answer = {"wrong": [f"fork: ended with {error!r}"]}
        os.write(writes, json.dumps(answer).encode())
    finally:
        os._exit(0)
