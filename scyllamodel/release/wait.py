"""Waits until a schema is in sync, agreed or built, for containers that start before it is.

*In*: a repo and a timeout. *Out*: a `WaitResult`. Nothing is written. A server that does not respond yet is waited for
too; its error is raised at the timeout.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, Literal, TypeAlias

import attrs

from scyllamodel._backoff import Backoff, poll
from scyllamodel._numbers import check_seconds
from scyllamodel.driver.cluster.schema_agreement import await_agreement
from scyllamodel.driver.outcomes import DRIVER_ERRORS
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ConnectionFailed, IntrospectionError, LedgerError, ScyllaModelError
from scyllamodel.release.engine.build_status import await_built
from scyllamodel.release.engine.cluster_view import ClusterView
from scyllamodel.release.engine.planning import MigrationRequest
from scyllamodel.release.plan_check import check
from scyllamodel.schema.plan import Plan

Aim: TypeAlias = Literal["in-sync", "agreed", "built"]

_BACKOFF: Final = Backoff(0.2, 2.0)
"""Pauses between two polls: a migration takes seconds, so more frequent polls gain nothing."""


@attrs.frozen
class WaitResult:
    """Result of waiting.

    Attributes:
        aim: what was waited for.
        met: whether it was reached; ``built`` is not while something is missing.
        waited_ms: milliseconds of waiting.
        plan: what is missing; None for ``agreed``.
    """

    aim: Aim
    met: bool
    waited_ms: int = 0
    plan: Plan | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON values, by the schema ``wait.schema.json`` of this package."""
        return {
            "format": 1,
            "kind": "wait",
            "for": self.aim,
            "met": self.met,
            "waited_ms": self.waited_ms,
            "plan": None if self.plan is None else self.plan.to_dict(),
        }


def wait(repo: Repo, aim: Aim = "in-sync", *, timeout: float = 300.0) -> WaitResult:
    """Wait until the live schema has all that the models declare, the nodes agree, or indexes and views are built.

    Parameters:
        aim: ``in-sync``; ``agreed``; or ``built``, which first waits for ``in-sync``.
        timeout: seconds; not reaching the aim in time is a result, not an error.

    Raises:
        SchemaDisagreement: with ``agreed``, the nodes did not agree in time.
        BuildTimeout: with ``built``, no further index or view was finished in the rest of the time.
        PermissionDenied: with ``built``, the role may not read which ones are built.
        ConnectionFailed, IntrospectionError: no server responded until the timeout.
        DiscoveryError: models cannot be read.
    """
    started_at = time.monotonic()
    deadline = started_at + check_seconds("timeout", timeout, allow_zero=True)
    result = _wait_agreed(repo, deadline) if aim == "agreed" else _wait_in_sync(repo, deadline)
    if aim == "built":
        result = _wait_built(repo, result, deadline)
    return attrs.evolve(result, waited_ms=round((time.monotonic() - started_at) * 1000))


def _wait_agreed(repo: Repo, deadline: float) -> WaitResult:
    def probe() -> WaitResult:
        coordinator = ClusterView.connect(repo).coordinator
        try:
            await_agreement(coordinator, max(deadline - time.monotonic(), 0.0))
        except DRIVER_ERRORS as error:
            raise ConnectionFailed(f"{coordinator.address} stopped responding: {error}", reasons={}) from error
        return WaitResult("agreed", met=True)

    return _poll_until(probe, deadline)


def _wait_in_sync(repo: Repo, deadline: float) -> WaitResult:
    def probe() -> WaitResult:
        checked = check(repo)
        return WaitResult("in-sync", met=checked.in_sync, plan=checked.plan)

    return _poll_until(probe, deadline)


def _wait_built(repo: Repo, result: WaitResult, deadline: float) -> WaitResult:
    if result.met:
        await_built(
            ClusterView.connect(repo),
            MigrationRequest.from_arguments(repo, None, create_keyspace=False).desired_schema(),
            max(deadline - time.monotonic(), 0.0),
        )
    return attrs.evolve(result, aim="built")


def _poll_until(probe: Callable[[], WaitResult], deadline: float) -> WaitResult:
    """Poll until the aim is met or the time is up; the last poll counts."""

    def attempt() -> WaitResult | ScyllaModelError:
        try:
            return probe()
        except (ConnectionFailed, IntrospectionError, LedgerError) as error:
            return error

    outcome = poll(
        attempt,
        until=lambda outcome: isinstance(outcome, WaitResult) and outcome.met,
        timeout=deadline - time.monotonic(),
        backoff=_BACKOFF,
    )
    if isinstance(outcome, ScyllaModelError):
        raise outcome
    return outcome
