"""A keyspace for the tour on the user's server, which is dropped afterwards.

*In*: a URL. *Out*: a repo on a new keyspace, and the replication of that keyspace.
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
from scyllamodel.driver.data.api_base import client_of
from scyllamodel.release.create_keyspace import create_keyspace
from scyllamodel.release.engine.cluster_view import ClusterView
from scyllamodel.release.engine.results import KeyspaceResult

_MAX_REPLICAS = 3


@contextmanager
def temporary_repo(url: str, models: str, on_query: Any) -> Generator[Repo]:
    """Provide a repo on a temporary keyspace; the keyspace in the URL is not used.

    Raises:
        ConfigurationError: the URL is not valid.
    """
    location, question_mark, query = url.partition("?")
    scheme, separator, authority = location.partition("://")
    name = f"scyllamodel_demo_{secrets.token_hex(4)}"
    settings = settings_from_url(f"{scheme}{separator}{authority.partition('/')[0]}/{name}{question_mark}{query}")
    with Repo.from_settings(attrs.evolve(settings, models=(models,), on_query=on_query)) as repo:
        client_of(repo).connection()
        try:
            yield repo
        finally:
            for keyspace in (name, companion_keyspace(name)):
                repo.session.execute(f"DROP KEYSPACE IF EXISTS {quote(keyspace)}", timeout=120)


def create_demo_keyspace(repo: Repo) -> KeyspaceResult:
    """Create the keyspace: up to three replicas in one data centre, without tablets if they lack needed features."""
    cluster = ClusterView.connect(repo)
    nodes = cluster.topology()
    dc = repo.settings.local_dc or min(nodes)
    replication = {"class": "NetworkTopologyStrategy", dc: min(_MAX_REPLICAS, nodes[dc])}
    return create_keyspace(
        repo, replication=replication, tablets=False if cluster.server.unsupported_with_tablets else None
    )
