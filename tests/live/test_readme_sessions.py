"""Sessions of README and of the guide that need a server."""

from __future__ import annotations

import sys

import pytest

from scyllamodel.release.backfill import run as backfilling
from support import readme

pytestmark = pytest.mark.live
KEYSPACE = "guide_sessions"


def drop(repo):
    """Drop the keyspace of a repo."""
    repo.session.execute(f"DROP KEYSPACE IF EXISTS {repo.keyspace}", timeout=120)


@pytest.fixture(scope="module")
def guide_repo(scylla_cluster):
    """One repo for all pages, since creating the internal tables takes longer than most pages."""
    with scylla_cluster.repo(KEYSPACE, name="guide", create_keyspace=True) as repo:
        drop(repo)
        yield repo
        drop(repo)


@pytest.mark.parametrize("page", [page for page in readme.GUIDE if readme.has_live(page)], ids=lambda page: page.stem)
def test_sessions_with_a_server(guide_repo, page, monkeypatch):
    """Every session of the guide prints what the page shows, on a real server; a backfill reads few ranges."""
    monkeypatch.setattr(backfilling, "RANGES", 8)
    report = readme.run(readme.sessions(page, live=True), repo=guide_repo)

    assert not report, report


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """README's module of models as a package, bound to a repo that no other test has."""
    (tmp_path / "shop").mkdir()
    text = readme.blocks(readme.README, "python")[0].replace('table="orders"', 'table="orders", repo="readme"')
    (tmp_path / "shop" / "models.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in ("shop", "shop.models"):
        sys.modules.pop(name, None)


def test_the_session_of_readme(scylla_cluster, shop):
    """The session of README prints what README shows, on a real server."""
    models = ["shop.models"]
    with scylla_cluster.repo("readme_sessions", models, name="readme", create_keyspace=False) as repo:
        drop(repo)
        report = readme.run(readme.sessions(readme.README, live=True), repo=repo)
        drop(repo)

    assert not report, report
