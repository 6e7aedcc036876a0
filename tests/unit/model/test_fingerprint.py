"""The fingerprint of the models of a repo."""

from __future__ import annotations

import subprocess
import sys

import pytest

from scyllamodel import (
    Column,
    Index,
    MaterializedView,
    Model,
    TableOptions,
    UserType,
    clustering_key,
    column,
    partition_key,
)
from scyllamodel import types as cql
from scyllamodel.model import fingerprint
from scyllamodel.model.fingerprint import models_fingerprint


class Place(UserType, name="place"):
    city: str


class Order(Model, table="orders", repo="fp", indexes=[Index("status")]):
    id: Column[str] = partition_key()
    at: Column[int] = clustering_key()
    status: Column[str] = column()
    place: Column[cql.Frozen[Place] | None] = column(default=None)


class Other(Model, table="others", repo="fp"):
    id: Column[str] = partition_key()


class ByStatus(MaterializedView, of=Order, view="by_status"):
    status: Column[str] = partition_key()
    id: Column[str] = clustering_key()
    at: Column[int] = clustering_key()


ALL = [Order, Other, ByStatus]


def variants():
    """Classes that differ from `Order` in one respect each."""

    class NewPlace(UserType, name="place"):
        city: str
        code: str | None = None

    class Field(Model, table="orders", repo="fp", indexes=[Index("status")]):
        id: Column[str] = partition_key()
        at: Column[int] = clustering_key()
        status: Column[str] = column()
        place: Column[cql.Frozen[NewPlace] | None] = column(default=None)

    class Unindexed(Model, table="orders", repo="fp"):
        id: Column[str] = partition_key()
        at: Column[int] = clustering_key()
        status: Column[str] = column()
        place: Column[cql.Frozen[Place] | None] = column(default=None)

    class Descending(Model, table="orders", repo="fp", indexes=[Index("status")]):
        id: Column[str] = partition_key()
        at: Column[int] = clustering_key(descending=True)
        status: Column[str] = column()
        place: Column[cql.Frozen[Place] | None] = column(default=None)

    class Options(
        Model, table="orders", repo="fp", indexes=[Index("status")], options=TableOptions(gc_grace_seconds=5)
    ):
        id: Column[str] = partition_key()
        at: Column[int] = clustering_key()
        status: Column[str] = column()
        place: Column[cql.Frozen[Place] | None] = column(default=None)

    return [Field, Unindexed, Descending, Options]


def test_order_and_repetition_do_not_matter():
    """The fingerprint does not depend on the order or repetition of models."""
    assert models_fingerprint(ALL, "k") == models_fingerprint([*reversed(ALL), Order], "k")


@pytest.mark.parametrize("model", variants(), ids=lambda model: model.__name__)
def test_every_difference_shows(model):
    """A difference in a field of a user type, an index, an order or an option changes the fingerprint."""
    assert models_fingerprint([model, Other], "k") != models_fingerprint([Order, Other], "k")


def test_fewer_models_and_another_keyspace_show():
    """A subset of the models, and the same models in another keyspace, have other fingerprints."""
    values = {models_fingerprint(ALL, "k"), models_fingerprint(ALL[:2], "k"), models_fingerprint(ALL, "other")}

    assert 3 == len(values)


def test_a_digest_is_made_once(monkeypatch):
    """The digest is cached, and the facts are not read again."""
    expected = models_fingerprint(ALL, "k")
    monkeypatch.setattr(fingerprint, "fingerprint", None)

    assert expected == models_fingerprint(ALL, "k")


def test_other_processes_agree():
    """Fingerprints are equal in another process, regardless of hash seeds and addresses."""
    text = (
        "from scyllamodel import Column, Model, partition_key\n"
        "from scyllamodel.model.fingerprint import models_fingerprint\n"
        "class A(Model, table='a'):\n    id: Column[str] = partition_key()\n"
        "class B(Model, table='b'):\n    id: Column[str] = partition_key()\n"
        "print(models_fingerprint([A, B], 'k'))\n"
    )
    stdouts = {
        subprocess.run(
            [sys.executable, "-c", text],
            env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert 1 == len(stdouts)
