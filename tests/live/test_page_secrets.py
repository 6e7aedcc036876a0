"""Page tokens without any setting: all replicas share one secret, which the first migration creates."""

from __future__ import annotations

import asyncio
import base64
import threading

import pytest

from scyllamodel import (
    Column,
    ConfigurationError,
    InvalidPageToken,
    Model,
    clustering_key,
    migrate,
    partition_key,
    select,
)
from scyllamodel.testing import keyspaces

pytestmark = pytest.mark.live

CARD = "card 4929-1234-5678"


class Payment(Model, table="payments", repo="page_secrets"):
    """Rows with private keys."""

    shop: Column[int] = partition_key()
    card: Column[str] = clustering_key(redact=True)


QUERY = select(Payment).where(Payment.shop == 1)


@pytest.fixture(scope="module")
def keyspace(scylla_cluster):
    """A keyspace with nine rows, migrated by four simultaneous runs."""
    with scylla_cluster.repo(keyspaces.unique_name("page_secrets"), name="page_secrets") as repo:
        keyspaces.create(repo)
        starters = [threading.Thread(target=migrate, args=(repo,), kwargs={"resources": [Payment]}) for _ in range(4)]
        for starter in starters:
            starter.start()
        for starter in starters:
            starter.join()
        repo.save_many(Payment(shop=1, card=f"{CARD}-{number}") for number in range(9))
        yield repo.keyspace
        keyspaces.drop(repo)


@pytest.fixture
def replica(scylla_cluster, keyspace):
    """Makes independent repos, like two replicas of an application."""
    open_repos = []

    def make(**settings):
        open_repos.append(scylla_cluster.repo(keyspace, name="page_secrets", **settings))
        return open_repos[-1]

    yield make
    for repo in open_repos:
        repo.close()


def changed(token):
    """The token with one changed bit."""
    result = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    result[-1] ^= 1
    return base64.urlsafe_b64encode(result).rstrip(b"=").decode()


def test_replicas_take_the_tokens_of_one_another(replica):
    """Replicas accept one another's tokens without a setting, since all runs agreed on one secret."""
    token, results = None, []
    while True:
        page = replica().page(QUERY, size=2, token=token)
        results += page.items
        token = page.token
        if token is None:
            break

    assert 9 == len({row.card for row in results})


def test_a_token_that_does_not_verify_is_not_sent(replica):
    """An invalid token is not sent to the server, which might close the connection."""
    events = []
    repo = replica(on_query=events.append)
    token = repo.page(QUERY, size=2).token
    request_count = len(events)
    foreign = replica(page_secret="quite-another-secret").page(QUERY, size=2).token
    for invalid_token in (changed(token), token[:-4], "nonsense", foreign):
        for _ in range(50):
            with pytest.raises(InvalidPageToken):
                repo.page(QUERY, size=2, token=invalid_token)

    assert request_count == len(events)
    assert 2 == len(repo.page(QUERY, size=2, token=token).items)


def test_a_redacted_key_is_not_readable_in_a_token(replica):
    """Page tokens and scan positions contain the last key, but not in readable form."""
    repo = replica()
    scan = repo.scan(Payment, page_size=2, parallelism=1)
    next(iter(scan))
    for text in (repo.page(QUERY, size=2).token, scan.position):
        assert b"4929" not in base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_secrets_of_the_settings_rotate(replica, monkeypatch):
    """Tokens of the old secret are valid while both are set; the environment variable can replace the setting."""
    old, new = "the-secret-of-february", "the-secret-of-march-2026"
    token = replica(page_secret=old).page(QUERY, size=2).token
    assert 2 == len(replica(page_secret=[new, old]).page(QUERY, size=2, token=token).items)
    monkeypatch.setenv("SCYLLAMODEL_PAGE_SECRET", f"{new},{old}")
    following = replica().page(QUERY, size=2, token=token).token
    monkeypatch.setenv("SCYLLAMODEL_PAGE_SECRET", new)

    assert 2 == len(replica().page(QUERY, size=2, token=following).items)
    with pytest.raises(InvalidPageToken, match="not signed with the secret"):
        replica().page(QUERY, size=2, token=token)


def test_positions_of_scans_are_signed(replica):
    """Another replica resumes from a position; either kind of repo refuses an altered one before the first row."""
    scan = replica().scan(Payment, page_size=2)
    rows = [next(iter(scan))]
    position = scan.position
    rows += replica().scan(Payment, position=position)
    assert 9 == len({row.card for row in rows})
    with pytest.raises(InvalidPageToken):
        replica().scan(Payment, position=changed(position))


async def rows_of(scan):
    """All rows of an awaited scan."""
    return [row async for row in scan]


def test_an_awaited_scan_verifies_when_it_starts(replica):
    """An awaited scan verifies its position at the first row, or at once if the secret is already known."""

    async def case():
        repo = replica().aio()
        unread = repo.scan(Payment, page_size=2)
        with pytest.raises(ConfigurationError, match="after the first row"):
            _ = unread.position
        rows = await rows_of(unread)
        position, other = unread.position, replica().aio()
        stream = other.scan(Payment, position=changed(position))
        assert stream.position == changed(position)
        with pytest.raises(InvalidPageToken):
            await rows_of(stream)
        with pytest.raises(InvalidPageToken):
            repo.scan(Payment, position=changed(position))
        return len(rows), await rows_of(other.scan(Payment, position=position))

    assert (9, []) == asyncio.run(case())


def test_without_a_secret_there_are_no_tokens(replica, keyspace):
    """Without the table of secrets and without a secret in the settings, pages are refused but scans work."""
    maker = replica()
    maker.raw(f"DROP TABLE {keyspace}.scyllamodel_page_secrets")
    try:
        repo = replica()
        with pytest.raises(ConfigurationError, match="that table is missing: run scyllamodel migrate") as exc_info:
            repo.page(QUERY, size=2)
        assert "SCYLLAMODEL_PAGE_SECRET" in str(exc_info.value)
        assert 9 == len(list(repo.scan(Payment)))
        assert 2 == len(replica(page_secret="a-secret-of-the-settings").page(QUERY, size=2).items)
    finally:
        migrate(maker, resources=[Payment])


def test_a_migration_with_nothing_to_do_makes_a_missing_secret(replica, keyspace):
    """A migration with nothing else to do creates a missing secret, whether its row or its table was removed."""
    repo = replica()
    for remove in ("TRUNCATE", "DROP TABLE"):
        before = replica().page(QUERY, size=2).token
        repo.raw(f"{remove} {keyspace}.scyllamodel_page_secrets")
        assert "in_sync" == migrate(repo, resources=[Payment]).status
        with pytest.raises(InvalidPageToken, match="not signed"):
            replica().page(QUERY, size=2, token=before)
        assert replica().page(QUERY, size=2).token is not None
