"""A start that waits for another run: for as long as what is missing gets less, and no longer."""

from __future__ import annotations

from uuid import UUID

import attrs

from scyllamodel._backoff import Clock
from scyllamodel.release.sync import _wait_until_in_sync


@attrs.frozen
class Planned:
    """What `_awaited` asks of a plan."""

    cql: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is missing."""
        return not self.cql


class World:
    """A server whose schema version moves at each look, and a clock that sleeping moves."""

    def __init__(self, *plans: tuple[str, ...]) -> None:
        self.plans, self.now, self.looks = list(plans), 0.0, 0

    def clock(self) -> float:
        """Seconds since the beginning."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    def schema_version(self) -> UUID:
        """Another one each time, as on a ScyllaDB where tables get their first lightweight transaction."""
        self.looks += 1
        return UUID(int=self.looks)

    @property
    def cluster(self) -> World:
        """The server is its own look."""
        return self

    version = UUID(int=0)

    @property
    def plan(self) -> Planned:
        """Return the plan of what is missing now."""
        return Planned(self.plans[0])

    def replan(self, _: World) -> World:
        """The next plan; the last one stays."""
        following = World(*(self.plans[1:] or self.plans))
        following.sleep = self.sleep
        following.schema_version = self.schema_version
        return following


def waited(*plans: tuple[str, ...]) -> tuple[tuple[str, ...], float]:
    """Return what is missing at the end, and after how many seconds."""
    world = World(*plans)
    result = _wait_until_in_sync(world, 10.0, Clock(world.clock, world.sleep))
    return result.plan.cql, world.now


def test_a_version_that_moves_is_no_sign_of_work():
    """Nothing less is missing, so the wait ends in time, although the version moves all the while."""
    missing, seconds = waited(("a", "b"))

    assert ("a", "b") == missing
    assert 10.0 <= seconds < 12.0


def test_what_gets_less_is_waited_for():
    """Each step of another run begins the wait again; the end of it ends the wait."""
    steps = [(name,) * 3 for name in "abcdefghijklmnopqrstuvwxyz"]

    assert () == waited(*steps, ())[0]
