"""A server of the reader's own for the tour: a keyspace that is made for it and dropped afterwards.

*In*: a URL. *Out*: settings of a repo on a keyspace that nobody has, and how it is to be replicated there.
"""

from __future__ import annotations

import secrets
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import attrs

from scyllamodel import Repo
from scyllamodel._identifiers import companion_keyspace, quote
from scyllamodel.config import settings_from_url
from scyllamodel.release import create_keyspace
from scyllamodel.release.look import ClusterView
from scyllamodel.release.results import KeyspaceResult

_MAX_REPLICAS = 3


@contextmanager
def temporary_repo(url: str, models: str, on_query: Any) -> Generator[Repo]:
    """A repo on a keyspace of the tour's own; the keyspace that the URL names is left alone.

    Raises:
        ConfigurationError: the URL cannot be used.
    """
    location, question_mark, query = url.partition("?")
    scheme, separator, authority = location.partition("://")
    name = f"scyllamodel_demo_{secrets.token_hex(4)}"
    settings = settings_from_url(f"{scheme}{separator}{authority.partition('/')[0]}/{name}{question_mark}{query}")
    with Repo.from_settings(attrs.evolve(settings, models=(models,), on_query=on_query)) as repo:
        repo.connection()
        try:
            yield repo
        finally:
            for keyspace in (name, companion_keyspace(name)):
                repo.session.execute(f"DROP KEYSPACE IF EXISTS {quote(keyspace)}", timeout=120)


def create_demo_keyspace(repo: Repo) -> KeyspaceResult:
    """Make the keyspace: three copies at most, in one data centre, without tablets where these lack what is shown."""
    cluster = ClusterView.connect(repo)
    nodes = cluster.topology()
    dc = repo.settings.local_dc or min(nodes)
    replication = {"class": "NetworkTopologyStrategy", dc: min(_MAX_REPLICAS, nodes[dc])}
    return create_keyspace(
        repo, replication=replication, tablets=False if cluster.server.unsupported_with_tablets else None
    )
