"""Arguments of releases: classes become desired facts, ``resources`` selects among them, and a repo is a `Repo`."""

from __future__ import annotations

import pytest

from scyllamodel import (
    Column,
    ConfigurationError,
    DuplicateTable,
    Index,
    MaterializedView,
    Model,
    Repo,
    UserType,
    check,
    create_keyspace,
    inspect,
    migrate,
    plan,
)
from scyllamodel.model.desired_schema import desired_facts, select_models
from scyllamodel.model.fields import clustering_key, column, partition_key
from scyllamodel.schema.diff.schema_diff import diff
from scyllamodel.schema.server.profile import ServerProfile
from support.builders import schema, summaries


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
    """Two classes for one table are refused if one names the keyspace that the other gets from the repo."""
    with pytest.raises(DuplicateTable, match=r"Two classes describe shop\.wanted_"):
        desired_facts(models, "shop")


def test_one_name_in_two_keyspaces():
    """Two classes for equal tables are accepted if their keyspaces differ."""
    assert ["shop", "store"] == sorted(part.name for part in desired_facts([Plain, Twin], "store"))


def test_user_type_of_another_keyspace():
    """A column whose user type belongs to another keyspace is refused."""
    with pytest.raises(
        ConfigurationError, match=r"uses the type elsewhere\.away, and CQL only knows types of the same keyspace"
    ):
        desired_facts([Visitor], "shop")

    assert "elsewhere" == desired_facts([Visitor], "elsewhere")["elsewhere"].types[0].keyspace


@pytest.mark.parametrize("keyspace", ["system", "system_auth", "System_Schema"])
def test_keyspaces_of_the_server(keyspace):
    """Models in system keyspaces are refused."""
    with pytest.raises(ConfigurationError, match="system keyspace"):
        desired_facts([Plain], keyspace)


@pytest.mark.parametrize(
    ("resources", "value"),
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
def test_resources_choose_models(resources, value):
    """A class or a name selects a table with its views, and a view selects its table."""
    assert value == select_models([Plain, ByName, Visitor], resources)


@pytest.mark.parametrize("resources", [[], (), [3], [None], ["Unknown"], [Away]], ids=repr)
def test_resources_that_choose_nothing(resources):
    """A selection that matches no model is an error."""
    with pytest.raises(ConfigurationError):
        select_models([Plain, ByName, Visitor], resources)


@pytest.mark.parametrize("verb", [plan, check, migrate, inspect, create_keyspace])
@pytest.mark.parametrize("repo", ["scylla://127.0.0.1/shop", None, object()], ids=["url", "none", "other"])
def test_verbs_take_a_repo(verb, repo):
    """An argument that is not a repo is refused before anything is imported or connected."""
    with pytest.raises(TypeError, match=r"expected a Repo, got .* Repo\.from_url"):
        verb(repo)


class Bill(Based, table="bill"):
    item_status: Column[str] = column(index=True)


class BillItem(Based, table="bill_item", indexes=[Index("name", name="chosen")]):
    status: Column[str] = column(index=True)


def test_made_up_names_of_indexes_never_clash():
    """Generated index names never clash, in any order of the classes, and declared names are kept."""
    both = [desired_facts(models, "shop")["shop"].tables for models in ([Bill, BillItem], [BillItem, Bill])]
    alone = [desired_facts([model], "shop")["shop"].tables[0] for model in (Bill, BillItem)]

    assert both[0] == both[1]
    assert {"bill_item_status_64a2e123_idx", "bill_item_status_d9c4935c_idx", "chosen"} == {
        index.name for table in both[0] for index in table.indexes
    }
    assert [["bill_item_status_idx"], ["bill_item_status_idx", "chosen"]] == [
        [index.name for index in table.indexes] for table in alone
    ]


def test_a_live_index_keeps_its_plain_name():
    """A live index keeps its name, and the index of another class gets a name with a digest."""
    live = schema(*desired_facts([BillItem], "k")["k"].tables)
    changes = summaries(diff(live, desired_facts([Bill, BillItem], "k")["k"], ServerProfile()))
    alone = summaries(diff(live, desired_facts([Bill], "k")["k"], ServerProfile()))

    assert ["+ table bill", "+ index bill_item_status_64a2e123_idx"] == changes
    assert "+ index bill_item_status_64a2e123_idx" in alone


class Audited(Model, table="audited", repo="audit"):
    """A model of another repo."""

    id: Column[int] = partition_key()


def test_a_model_of_another_repo_is_named_with_its_repo():
    """The error says which repo a model is bound to and how to bind it here, without importing packages."""
    repo = Repo("main", nodes=["127.0.0.1"], keyspace="shop")

    with pytest.raises(ConfigurationError, match=r"bound to the repo 'audit', and this repo is 'main'.*repo='main'"):
        plan(repo, resources=[Audited])


def test_an_unknown_name_lists_the_nearest_models():
    """The error lists the ten models with the nearest names, not all."""
    models = [type(Model)(f"Model{number}", (Model,), {"__module__": __name__, "__annotations__": {"id": "Column[int]"},
                                                   "id": partition_key()}) for number in range(40)]  # fmt: skip

    with pytest.raises(ConfigurationError, match="It has 40 models; the most similar names are: Model3") as exc_info:
        select_models(models, ["Modle3"])

    assert 10 == str(exc_info.value).count("Model")
