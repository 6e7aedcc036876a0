"""A start-up sync waits for another run as long as the number of missing steps decreases."""

from __future__ import annotations

from uuid import UUID

import attrs

from scyllamodel._backoff import Clock
from scyllamodel.release.sync import _wait_until_in_sync


@attrs.frozen
class Planned:
    """A plan as `_awaited` needs it."""

    cql: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether no step is missing."""
        return not self.cql


class World:
    """A server whose schema version changes at each read, and a clock that advances while sleeping."""

    def __init__(self, *plans: tuple[str, ...]) -> None:
        self.plans, self.now, self.looks = list(plans), 0.0, 0

    def clock(self) -> float:
        """Return the seconds since the beginning."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Advance the clock."""
        self.now += seconds

    def schema_version(self) -> UUID:
        """Return another version each time, as ScyllaDB does while tables get their first lightweight transaction."""
        self.looks += 1
        return UUID(int=self.looks)

    @property
    def cluster(self) -> World:
        """Return the server as its own view."""
        return self

    version = UUID(int=0)

    @property
    def plan(self) -> Planned:
        """Return the plan of the missing steps."""
        return Planned(self.plans[0])

    def replan(self, _: World) -> World:
        """Return the next plan, or the last one again."""
        following = World(*(self.plans[1:] or self.plans))
        following.sleep = self.sleep
        following.schema_version = self.schema_version
        return following


def waited(*plans: tuple[str, ...]) -> tuple[tuple[str, ...], float]:
    """Return the missing steps at the end, and the seconds that passed."""
    world = World(*plans)
    result = _wait_until_in_sync(world, 10.0, Clock(world.clock, world.sleep))
    return result.plan.cql, world.now


def test_a_version_that_moves_is_no_sign_of_work():
    """A changed schema version does not extend the wait if the missing steps are the same."""
    missing, seconds = waited(("a", "b"))

    assert ("a", "b") == missing
    assert 10.0 <= seconds < 12.0


def test_what_gets_less_is_waited_for():
    """Each step of another run restarts the timeout, and an empty plan ends the wait."""
    steps = [(name,) * 3 for name in "abcdefghijklmnopqrstuvwxyz"]

    assert () == waited(*steps, ())[0]
