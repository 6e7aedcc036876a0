"""Keyspaces are created on request, and compared by meaning."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scyllamodel.schema.compare.replication import replication_matches
from scyllamodel.schema.diff.schema_diff import SchemaPair, diff, diff_pair
from scyllamodel.schema.facts.objects import Keyspace
from scyllamodel.schema.server.profile import ServerProfile
from support.builders import NTS, desired, schema, summaries

SERVER = ServerProfile()
LOCATOR = "org.apache.cassandra.locator."

REPLICATION = [
    (NTS, NTS, True),
    (NTS, {"class": f"{LOCATOR}NetworkTopologyStrategy", "dc1": 3}, True),
    ({**NTS, "dc1": "03"}, NTS, True),
    (NTS, {**NTS, "dc2": "0"}, True),
    (NTS, {**NTS, "dc1": "2"}, False),
    (NTS, {**NTS, "dc2": "3"}, False),
    ({**NTS, "dc2": "3"}, NTS, False),
    (NTS, {"class": "NetworkTopologyStrategy", "replication_factor": 3}, True),
    ({**NTS, "dc2": "3"}, {"class": "NetworkTopologyStrategy", "replication_factor": "3"}, True),
    ({**NTS, "dc2": "1"}, {"class": "NetworkTopologyStrategy", "replication_factor": "3"}, False),
    ({**NTS, "dc2": "1"}, {"class": "NetworkTopologyStrategy", "replication_factor": "3", "dc2": "1"}, True),
    ({**NTS, "dc2": "2"}, {"class": "NetworkTopologyStrategy", "replication_factor": "3", "dc2": "1"}, False),
    ({"class": "NetworkTopologyStrategy"}, {"class": "NetworkTopologyStrategy", "replication_factor": "3"}, False),
    (
        {"class": "SimpleStrategy", "replication_factor": "1"},
        {"class": "SimpleStrategy", "replication_factor": 1},
        True,
    ),
    (
        {"class": "SimpleStrategy", "replication_factor": "1"},
        {"class": "SimpleStrategy", "replication_factor": 2},
        False,
    ),
    ({"class": "SimpleStrategy", "replication_factor": "3"}, NTS, False),
    ({**NTS, "dc1": "3/1"}, {**NTS, "dc1": "3/1"}, True),
    ({**NTS, "dc1": " 3"}, NTS, True),
    (
        {"class": "NetworkTopologyStrategy", "replication_factor": "3", "dc2": "1"},
        {"class": "NetworkTopologyStrategy", "replication_factor": 3, "dc2": 1},
        True,
    ),
]


@pytest.mark.parametrize(("live", "declared", "same"), REPLICATION)
def test_replication_is_compared_by_meaning(live, declared, same):
    """Class packages, leading zeros, omitted zeros and expanded factors do not count as differences."""
    assert same == replication_matches(live, declared)


@given(st.dictionaries(st.sampled_from(["dc1", "dc2", "DC3"]), st.integers(0, 5)))
def test_replication_is_like_itself(factors):
    """A declared replication equals its stored form without zeros."""
    declared = {"class": "NetworkTopologyStrategy", **factors}
    stored = {"class": f"{LOCATOR}NetworkTopologyStrategy", **{dc: str(n) for dc, n in factors.items() if n}}

    assert replication_matches(stored, declared)


ABOUT = Keyspace("k", NTS)
CASES = [
    (ABOUT, None, []),
    (ABOUT, ABOUT, []),
    (ABOUT, Keyspace("k"), []),
    (ABOUT, Keyspace("k", durable_writes=False), ["! keyspace k"]),
    (ABOUT, Keyspace("k", {**NTS, "dc1": "1"}), ["! keyspace k"]),
    (attrs.evolve(ABOUT, tablets=False), Keyspace("k", tablets=True), ["! keyspace k"]),
    (attrs.evolve(ABOUT, tablets=True), Keyspace("k", NTS), []),
]


@pytest.mark.parametrize(("live", "declared", "expected"), CASES)
def test_an_existing_keyspace_is_compared(live, declared, expected):
    """Settings of a keyspace are compared only if they are declared."""
    assert expected == summaries(diff(schema(keyspace=live), attrs.evolve(desired(), keyspace=declared), SERVER))


def test_a_missing_keyspace_is_made_when_asked_for():
    """A missing keyspace is created only on request; without one, a rule reports it."""
    nothing = schema(keyspace=None)

    assert ["+ keyspace k"] == summaries(diff(nothing, desired(), SERVER, create_keyspace=True))
    assert [] == summaries(diff(nothing, desired(), SERVER))
    assert [] == summaries(diff_pair(SchemaPair.of(nothing, desired(), SERVER)))
    assert [] == summaries(diff(schema(), desired(), SERVER, create_keyspace=True))
