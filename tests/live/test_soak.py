"""Each scenario of the soak test, once: replicas that start together, are killed, paused, and cut off."""

from __future__ import annotations

import pytest

import soak

pytestmark = pytest.mark.live


@pytest.mark.parametrize("scenario", [*soak.ONE_NODE, *soak.LONG], ids=lambda scenario: scenario.__name__)
def test_nothing_is_done_twice_and_nothing_lost(scenario, scylla_cluster):
    """After each scenario no statement ran twice, none is missing, and nothing is left to do."""
    (outcome,) = soak.run_scenarios([scenario], scylla_cluster, 1, 20261126, soak.SHORT)

    assert outcome.is_clean, outcome
