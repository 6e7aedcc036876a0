"""Wait until a schema is as it should be, for containers that start before it is: nothing is written.

*In*: a repo and seconds. *Out*: a `WaitResult`. A server that does not answer yet is what one waits for, too; only when
the time is up is its error raised.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, Literal, TypeAlias

import attrs

from scyllamodel._numbers import check_seconds
from scyllamodel.driver.agreement import await_agreement
from scyllamodel.driver.failures import DRIVER_ERRORS
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ConnectionFailed, IntrospectionError, LedgerError
from scyllamodel.release.built import await_built
from scyllamodel.release.draft import Wish
from scyllamodel.release.look import Look
from scyllamodel.release.questions import check
from scyllamodel.schema.plan import Plan

Aim: TypeAlias = Literal["in-sync", "agreed", "built"]
AIMS: Final[tuple[Aim, ...]] = ("in-sync", "agreed", "built")

_PAUSES: Final = (0.2, 0.5, 1.0, 2.0)
"""Seconds between two looks: a migration nearby takes seconds, so nobody gains by asking more often."""


@attrs.frozen
class WaitResult:
    """What came of waiting.

    Attributes:
        aim: what was waited for.
        met: whether it came to be; ``built`` is not met as long as something is missing.
        waited_ms: how long it took.
        plan: what is missing still; None where that is not what was waited for.
    """

    aim: Aim
    met: bool
    waited_ms: int = 0
    plan: Plan | None = None

    def to_dict(self) -> dict[str, Any]:
        """The result as plain JSON values, by the schema ``wait.schema.json`` of this package."""
        return {
            "format": 1,
            "kind": "wait",
            "for": self.aim,
            "met": self.met,
            "waited_ms": self.waited_ms,
            "plan": None if self.plan is None else self.plan.to_dict(),
        }


def wait(repo: Repo, aim: Aim = "in-sync", *, timeout: float = 300.0) -> WaitResult:
    """Wait until the live schema has all that the models want, the nodes agree, or indexes and views are filled.

    Parameters:
        aim: ``in-sync``; ``agreed``; or ``built``, which first waits for ``in-sync``.
        timeout: seconds; what is not so by then is an answer, not an error.

    Raises:
        SchemaDisagreement: with ``agreed``, the nodes did not agree in time.
        BuildTimeout: with ``built``, indexes or views are not filled yet, and none was in what was left of the time.
        ConnectionFailed, IntrospectionError: no server answered, up to the end.
        DiscoveryError: models cannot be read.
    """
    begun = time.monotonic()
    deadline = begun + check_seconds("timeout", timeout, allow_zero=True)
    found = _agreed(repo, deadline) if aim == "agreed" else _in_sync(repo, deadline)
    if aim == "built":
        found = _built(repo, found, deadline)
    return attrs.evolve(found, waited_ms=round((time.monotonic() - begun) * 1000))


def _agreed(repo: Repo, deadline: float) -> WaitResult:
    def look() -> WaitResult:
        coordinator = Look.at(repo).coordinator
        try:
            await_agreement(coordinator, max(deadline - time.monotonic(), 0.0))
        except DRIVER_ERRORS as error:
            raise ConnectionFailed(f"{coordinator.address} stopped answering: {error}", reasons={}) from error
        return WaitResult("agreed", met=True)

    return _until(look, deadline)


def _in_sync(repo: Repo, deadline: float) -> WaitResult:
    def look() -> WaitResult:
        found = check(repo)
        return WaitResult("in-sync", met=found.in_sync, plan=found.plan)

    return _until(look, deadline)


def _built(repo: Repo, found: WaitResult, deadline: float) -> WaitResult:
    if found.met:
        await_built(
            Look.at(repo), Wish.of(repo, None, create_keyspace=False).facts(), max(deadline - time.monotonic(), 0.0)
        )
    return attrs.evolve(found, aim="built")


def _until(look: Callable[[], WaitResult], deadline: float) -> WaitResult:
    """Look again and again until it is met or the time is up; the last look counts."""
    looks = 0
    while True:
        try:
            found = look()
            if found.met or time.monotonic() >= deadline:
                return found
        except (ConnectionFailed, IntrospectionError, LedgerError):
            if time.monotonic() >= deadline:
                raise
        pause = _PAUSES[min(looks, len(_PAUSES) - 1)]
        time.sleep(min(pause, max(deadline - time.monotonic(), 0.0)))
        looks += 1
