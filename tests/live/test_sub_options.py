"""Compaction and compression options: this package refuses what the server refuses, and accepts what it accepts."""

from __future__ import annotations

import pytest
from cassandra import InvalidRequest
from cassandra.protocol import ConfigurationException

from scyllamodel._identifiers import qualified
from scyllamodel.release.engine.cluster_view import ClusterView
from scyllamodel.schema.options import TableOptions, option_cql, unsupported_options

pytestmark = pytest.mark.live

STCS, LCS, TWCS = (f"{name}CompactionStrategy" for name in ("SizeTiered", "Leveled", "TimeWindow"))
REFUSED = [
    {"class": STCS, "min_threshold": "1"},
    {"class": STCS, "nonsense": "1"},
    {"class": LCS, "sstable_size_in_mb": "0"},
    {"class": TWCS, "compaction_window_unit": "days"},
    {"class": TWCS, "compaction_window_size": "0"},
    {"class": "leveledcompactionstrategy"},
    {"class": "LeveledCompactonStrategy"},
]
ACCEPTED = [
    {"class": STCS, "min_threshold": "2", "max_threshold": "32", "bucket_low": "0.5", "bucket_high": "1.5"},
    {"class": STCS, "tombstone_threshold": "0.2", "unchecked_tombstone_compaction": "true", "enabled": "true"},
    {"class": LCS, "sstable_size_in_mb": "160"},
    {"class": TWCS, "compaction_window_unit": "HOURS", "compaction_window_size": "6"},
    {"class": TWCS, "expired_sstable_check_frequency_seconds": "600"},
]


@pytest.fixture(scope="module")
def server(scylla_repo):
    """The profile of the server, which has one table."""
    scylla_repo.session.execute(f"CREATE TABLE {qualified(scylla_repo.keyspace, 't')} (a int PRIMARY KEY)", timeout=60)
    return ClusterView.connect(scylla_repo).server


def alter(repo, server, settings):
    """Send the option unchanged, without the checks of this package."""
    cql = option_cql("compaction", settings, server)
    repo.session.execute(f"ALTER TABLE {qualified(repo.keyspace, 't')} WITH {cql}", timeout=60)


@pytest.mark.parametrize("settings", REFUSED, ids=str)
def test_what_is_refused_here_is_refused_there(scylla_repo, server, settings):
    """The server refuses each option that a plan refuses before anything runs."""
    assert TableOptions(compaction=settings).problems("Order")
    with pytest.raises((ConfigurationException, InvalidRequest)):
        alter(scylla_repo, server, settings)


@pytest.mark.parametrize("settings", ACCEPTED, ids=str)
def test_what_is_taken_here_is_taken_there(scylla_repo, server, settings):
    """The server accepts each option that a plan accepts."""
    assert not TableOptions(compaction=settings).problems("Order")
    assert not unsupported_options({"compaction": settings}, server, "t")

    alter(scylla_repo, server, settings)
