"""README's sessions that need a server."""

from __future__ import annotations

import pytest
import readme

pytestmark = pytest.mark.live


def test_sessions_with_a_server(scylla_cluster):
    """Every session prints what README prints, on a real server."""
    with scylla_cluster.repo("readme_sessions", name="readme", create_keyspace=False) as repo:
        report = readme.run(readme.sessions(live=True), repo=repo)
        repo.session.execute("DROP KEYSPACE IF EXISTS readme_sessions", timeout=120)

    assert not report, report
