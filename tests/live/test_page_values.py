"""A page token belongs to the stored form of its query's values, whatever Python classes represent them."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from scyllamodel import (
    Column,
    InvalidPageToken,
    Model,
    UserType,
    clustering_key,
    column,
    migrate,
    partition_key,
    select,
)
from scyllamodel import types as cql
from scyllamodel.testing import keyspaces

pytestmark = pytest.mark.live
NOW = datetime(2026, 1, 1, 12, 0, 0, 123_456, tzinfo=timezone.utc)


class SecretText:
    """A text that ``repr`` hides and that does not define equality."""

    def __init__(self, text):
        self.text = text

    def __repr__(self):
        return "SecretText('**********')"


class Plain:
    """A class whose ``repr`` contains its address."""

    def __init__(self, text):
        self.text = text


class Label(UserType, name="label"):
    """A frozen type with a set, whose order differs from process to process."""

    words: frozenset[str]
    at: datetime | None = None


class Note(Model, table="notes", repo="page_values"):
    """Rows of one partition, whose key is a secret."""

    owner: Column[SecretText] = partition_key(type=str, load=SecretText, dump=lambda value: value.text)
    id: Column[int] = clustering_key()


class Thing(Model, table="things", repo="page_values"):
    """Rows of one partition, whose key is a class of an application."""

    owner: Column[Plain] = partition_key(type=str, load=Plain, dump=lambda value: value.text)
    id: Column[int] = clustering_key()


class Labelled(Model, table="labelled", repo="page_values"):
    """Rows of one partition, whose key is a user type and an instant."""

    label: Column[cql.Frozen[Label]] = partition_key()
    at: Column[datetime] = partition_key()
    price: Column[Decimal] = partition_key()
    id: Column[int] = clustering_key()
    status: Column[str] = column(default="new")


LABEL_WORDS = frozenset(["one", "two", "three", "four", "five", "six"])


def labelled(at=NOW, words=LABEL_WORDS, price=Decimal("1.0")):
    """A query for the rows of a label."""
    conditions = (Labelled.label == Label(words=words, at=at), Labelled.at == at, Labelled.price == price)
    return select(Labelled).where(*conditions)


WORKER = """
import sys
from scyllamodel import Repo
sys.path.insert(0, sys.argv[3])
import test_page_values as first
with Repo("page_values", nodes=[sys.argv[1]], keyspace=sys.argv[2]) as repo:
    page = repo.page(first.labelled(), size=2, token=sys.argv[4])
    print([row.id for row in page.items])
"""
"""What another process runs: the second page of a token, by the numbers of its rows."""


@pytest.fixture(scope="module")
def repo(scylla_cluster):
    """A repo with five rows in each partition."""
    with scylla_cluster.repo(keyspaces.unique_name("page_values"), name="page_values") as new_repo:
        migrate(new_repo, resources=[Note, Thing, Labelled], create_keyspace=True)
        for id in range(5):
            new_repo.save(Note(owner=SecretText("a"), id=id))
            new_repo.save(Note(owner=SecretText("b"), id=id))
            new_repo.save(Thing(owner=Plain("a"), id=id))
            new_repo.save(Labelled(label=Label(words=LABEL_WORDS, at=NOW), at=NOW, price=Decimal("1.0"), id=id))
        yield new_repo
        keyspaces.drop(new_repo)


def test_a_token_of_another_secret_is_refused(repo):
    """A page token is refused for another key, although both keys have the same ``repr``."""
    first = repo.page(select(Note).where(Note.owner == SecretText("a")), size=2)

    with pytest.raises(InvalidPageToken, match="another query"):
        repo.page(select(Note).where(Note.owner == SecretText("b")), size=2, token=first.token)
    second = repo.page(select(Note).where(Note.owner == SecretText("a")), size=2, token=first.token)
    assert [2, 3] == [row.id for row in second.items]


def test_a_token_is_taken_for_another_object_of_the_same_value(repo):
    """A page token is valid for an equal value whose ``repr`` differs."""
    plain = Plain("a")
    first = repo.page(select(Thing).where(Thing.owner == plain), size=2)
    second = repo.page(select(Thing).where(Thing.owner == Plain("a")), size=2, token=first.token)

    assert [2, 3] == [row.id for row in second.items]
    with pytest.raises(InvalidPageToken, match="another query"):
        repo.page(select(Thing).where(Thing.owner == Plain("b")), size=2, token=first.token)


def test_a_token_is_taken_for_the_same_instant(repo):
    """A page token is valid for an instant in another time zone or within the millisecond, not for another instant."""
    token = repo.page(labelled(), size=2).token
    for same in (NOW.astimezone(ZoneInfo("Asia/Tokyo")), NOW + timedelta(microseconds=3)):
        assert [2, 3] == [row.id for row in repo.page(labelled(same), size=2, token=token).items]
    for other in (labelled(NOW + timedelta(milliseconds=1)), labelled(price=Decimal("1.00"))):
        with pytest.raises(InvalidPageToken, match="another query"):
            repo.page(other, size=2, token=token)


def test_the_order_of_values_after_in_means_nothing(repo):
    """A page token is valid for IN values in another order, which sets have in another process."""

    def query(*ids):
        return labelled().where(Labelled.id.in_(ids))

    token = repo.page(query(0, 1, 2), size=2).token

    assert [2] == [row.id for row in repo.page(query(2, 0, 1), size=2, token=token).items]
    with pytest.raises(InvalidPageToken, match="another query"):
        repo.page(query(0, 1, 3), size=2, token=token)


@pytest.mark.parametrize("seed", ["0", "1", "2"])
def test_a_token_works_in_another_process(repo, scylla_cluster, seed):
    """A page token is valid in another process, whatever order its sets have there."""
    token = repo.page(labelled(), size=2).token
    host = scylla_cluster.contact_points[0]
    command = [sys.executable, "-c", WORKER, host, repo.keyspace, str(Path(__file__).parent), token]
    result = subprocess.run(
        command, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=False
    )

    assert "[2, 3]" == result.stdout.strip(), result.stderr
