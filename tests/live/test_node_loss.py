"""The node that all runs use is lost: reads go on at once, and of many that start together one does the work.

A short form of ``python tests/node_loss.py``, which loses the node at every step of each verb.
"""

from __future__ import annotations

import threading

import pytest
from node_loss import FAULTS, GatedCluster, play
from replica import models

from scyllamodel import Model, check, create_keyspace, history, migrate, plan, status, wait
from scyllamodel.driver.coordinator import choose
from scyllamodel.testing.keyspaces import fresh_name

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def three(pytestconfig):
    """Three nodes of our own, each of which can be killed, paused, and cut off."""
    with GatedCluster(pytestconfig.getoption("--cassandra-version")) as cluster:
        yield cluster


@pytest.mark.parametrize("fault", ["pause", "cut off"])
def test_questions_are_answered_by_the_next_node(three, fault):
    """A node that takes connections and answers nothing keeps nobody waiting who only reads, or has nothing to do."""
    chosen, kept = three.chosen(), models(1, 1)
    with three.repo(fresh_name("loss"), name="soak") as repo:
        create_keyspace(repo)
        migrate(repo, resources=kept)
        node = choose(repo.connection()).host_id
        FAULTS[fault](three, chosen)
        try:
            answers = (
                plan(repo, resources=kept).is_empty,
                Model.sync_all(repo).status,
                len(history(repo)),
                status(repo).version == history(repo)[0].version,
                check(repo).in_sync,
                wait(repo, timeout=30).met,
            )
            other = choose(repo.connection()).host_id
        finally:
            three.heal(chosen)

    assert (True, "in_sync", 1, True, True, True) == answers
    assert node != other


@pytest.mark.parametrize(
    ("verb", "fault", "at"),
    [
        ("sync", "kill", "step_done 3"),
        ("rollback", "pause", "step_started 4"),
        ("wait", "cut off", "step_done 2"),
    ],
)
def test_all_starters_outlive_the_node(three, verb, fault, at):
    """All end well within the time of the lock, one did it, nothing is left, and the node brings nothing back."""
    threads = threading.active_count()
    found = play(three, verb, fault, at, starters=4)

    assert [] == found.odd
    assert threads == threading.active_count()
