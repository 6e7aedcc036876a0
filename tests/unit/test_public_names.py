"""What completion shows on repos and model classes is what an application may call."""

from __future__ import annotations

import pytest

from scyllamodel import AsyncRepo, Column, MaterializedView, Model, Repo, UserType, column, partition_key

READS = "all count execute exists first get get_many one one_or_none page raw refresh scalar scan stream".split()
WRITES = "batch delete delete_many insert save save_many truncate".split()
SETTINGS = "from_url in_keyspace keyspace models name session settings statements".split()
COMMON = {*READS, *WRITES, *SETTINGS, "close"}


class Shown(Model, table="shown", repo="public_names"):
    """A table of two columns."""

    id: Column[int] = partition_key()
    text: Column[str] = column(default="")


class ShownByText(MaterializedView, of=Shown, view="shown_by_text"):
    """A view of it."""

    text: Column[str] = partition_key()
    id: Column[int] = partition_key()


class Place(UserType, name="shown_place"):
    """A user type."""

    street: str


EXPECTED = {
    Repo: {*COMMON, "aio", "from_settings"},
    AsyncRepo: {*COMMON, "sync", "from_repo"},
    Shown: {"id", "text", "replace", "sync_all", "sync_all_async"},
    ShownByText: {"id", "text"},
    Place: {"street"},
    type(Shown): {"mro", "register"},  # of `type` and `abc.ABCMeta`
}
"""The public names of each class. A name that is added here has to be documented."""


def public(of):
    """The names that completion shows without a leading underscore."""
    return {name for name in dir(of) if not name.startswith("_")}


@pytest.mark.parametrize("cls", EXPECTED, ids=lambda cls: cls.__name__)
def test_a_class_shows_what_may_be_called(cls):
    """No part of the machinery has a public name."""
    assert EXPECTED[cls] == public(cls)


@pytest.mark.parametrize("cls", [Repo, AsyncRepo])
def test_an_instance_shows_what_its_class_shows(cls):
    """The attributes of a repo are private."""
    assert public(cls) == public(cls(nodes=["10.0.0.1"], keyspace="shop"))


def test_a_row_shows_its_columns():
    """An instance has its columns and the methods of its class."""
    assert public(Shown) == public(Shown(id=1))
    assert {"street"} == public(Place(street="a"))


BATCH = set("consistency counter delete execute insert result save send timeout timestamp unlogged".split())


@pytest.mark.parametrize("cls", [Repo, AsyncRepo])
def test_a_batch_shows_its_verbs(cls):
    """What a batch collects is private; both batches show the same names."""
    assert BATCH == public(cls(nodes=["10.0.0.1"], keyspace="shop").batch())
