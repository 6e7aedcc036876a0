"""What the verbs are given: classes become wanted facts, ``resources`` choose among them, a repo is a `Repo`."""

from __future__ import annotations

import pytest

from scyllamodel import (
    Column,
    ConfigurationError,
    DuplicateTable,
    MaterializedView,
    Model,
    UserType,
    check,
    create_keyspace,
    inspect,
    migrate,
    plan,
)
from scyllamodel.model.declare import clustering_key, column, partition_key
from scyllamodel.release.wanted import chosen, wanted_facts


class Based(Model, abstract=True, repo="wanted"):
    id: Column[int] = partition_key()
    name: Column[str] = column(default="")


class Plain(Based, table="wanted_plain"):
    pass


class Twin(Based, table="wanted_plain", keyspace="shop"):
    pass


class ByName(MaterializedView, of=Plain, view="wanted_by_name"):
    name: Column[str] = partition_key()
    id: Column[int] = clustering_key()


class ViewTwin(Based, table="wanted_by_name", keyspace="shop"):
    pass


class Away(UserType, keyspace="elsewhere"):
    town: str


class Visitor(Based):
    place: Column[Away | None] = column(default=None)


@pytest.mark.parametrize("models", [[Plain, Twin], [Plain, ByName, ViewTwin]])
def test_one_table_under_a_keyspace_and_without(models):
    """A class that names the repo's keyspace and one that names none cannot be one table, or table and view."""
    with pytest.raises(DuplicateTable, match=r"Two classes describe shop\.wanted_"):
        wanted_facts(models, "shop")


def test_one_name_in_two_keyspaces():
    """The same classes are two tables when the repo's keyspace is another."""
    assert ["shop", "store"] == sorted(part.name for part in wanted_facts([Plain, Twin], "store"))


def test_user_type_of_another_keyspace():
    """A type that belongs elsewhere is neither moved nor taken for one that is here."""
    with pytest.raises(
        ConfigurationError, match=r"uses the type elsewhere\.away, and CQL knows types of the same keyspace only"
    ):
        wanted_facts([Visitor], "shop")

    assert "elsewhere" == wanted_facts([Visitor], "elsewhere")["elsewhere"].types[0].keyspace


@pytest.mark.parametrize("keyspace", ["system", "system_auth", "System_Schema"])
def test_keyspaces_of_the_server(keyspace):
    """Nobody's tables go where the server keeps its own."""
    with pytest.raises(ConfigurationError, match="the server's own"):
        wanted_facts([Plain], keyspace)


@pytest.mark.parametrize(
    ("resources", "found"),
    [
        (None, [Plain, ByName, Visitor]),
        ([Plain], [Plain, ByName]),
        (Plain, [Plain, ByName]),
        ("Visitor", [Visitor]),
        (["wanted_by_name"], [Plain, ByName]),
        ([Based], [Plain, ByName, Visitor]),
        ((Visitor, "Visitor"), [Visitor]),
    ],
    ids=repr,
)
def test_resources_choose_models(resources, found):
    """A class or name, alone or among others, brings its views along, and a view its table."""
    assert found == chosen([Plain, ByName, Visitor], resources)


@pytest.mark.parametrize("resources", [[], (), [3], [None], ["Nobody"], [Away]], ids=repr)
def test_resources_that_choose_nothing(resources):
    """A limit that no model fits is an error, never a run that does nothing."""
    with pytest.raises(ConfigurationError):
        chosen([Plain, ByName, Visitor], resources)


@pytest.mark.parametrize("verb", [plan, check, migrate, inspect, create_keyspace])
@pytest.mark.parametrize("repo", ["scylla://127.0.0.1/shop", None, object()], ids=["url", "none", "other"])
def test_verbs_take_a_repo(verb, repo):
    """What is no repo is told as such, before anything is imported or connected."""
    with pytest.raises(TypeError, match=r"a Repo is needed .* Repo\.from_url"):
        verb(repo)
