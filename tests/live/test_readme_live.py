"""Sessions of README and of the guide that need a server."""

from __future__ import annotations

import pytest
import readme

pytestmark = pytest.mark.live


@pytest.mark.parametrize("page", [page for page in readme.PAGES if readme.has_live(page)], ids=lambda page: page.stem)
def test_sessions_with_a_server(scylla_cluster, page):
    """Every session of README and of the guide prints what the page prints, on a real server."""
    keyspace = f"{page.stem.lower().replace('-', '_')}_sessions"
    name = "readme" if page is readme.README else "guide"
    with scylla_cluster.repo(keyspace, name=name, create_keyspace=False) as repo:
        repo.session.execute(f"DROP KEYSPACE IF EXISTS {keyspace}", timeout=120)
        report = readme.run(readme.sessions(page, live=True), repo=repo)
        repo.session.execute(f"DROP KEYSPACE IF EXISTS {keyspace}", timeout=120)

    assert not report, report
