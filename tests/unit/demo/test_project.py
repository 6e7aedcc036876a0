"""The project that the tour edits, and its online shop."""

from __future__ import annotations

import sys
from importlib.resources import files

import pytest

from scyllamodel.demo.output import TourFailed, TourOutput, expect
from scyllamodel.demo.project import HALF_STARS, MODELS, POINTS, Edit, Project
from scyllamodel.discovery import import_packages
from scyllamodel.model.desired_schema import desired_facts
from scyllamodel.model.registry import registry
from scyllamodel.schema.facts.objects import SchemaFacts
from scyllamodel.schema.rules.evaluation import lint
from scyllamodel.types.cql_types import Native

SOURCE = files("scyllamodel.demo").joinpath("shop.py").read_text(encoding="utf-8")


def shop():
    """The facts that the models of the project declare now, without other models of the repo."""
    import_packages([MODELS])
    models = [model for model in registry if model.__module__ == MODELS]
    return desired_facts(models, "shop")["shop"]


@pytest.fixture
def project():
    """The project, importable."""
    with Project() as new_project:
        yield new_project


def test_the_shop_shows_every_kind_of_thing(project):
    """The shop has all kinds of keys and columns, nested types, a counter table, indexes and a view."""
    facts = shop()
    columns = [column for table in facts.tables for column in table]
    indexes = [index for table in facts.tables for index in table.indexes]

    assert 8 == len(facts.tables)
    assert any(len(table.partition_key) > 1 for table in facts.tables)
    assert any(column.descending for column in columns)
    assert any(column.kind == "static" for column in columns)
    assert {"ListType", "SetType", "MapType", "UserTypeName"} <= {type(column.type).__name__ for column in columns}
    assert any(user_type.user_types for user_type in facts.types)
    assert any(table.is_counter for table in facts.tables)
    assert {"values", "keys"} == {index.on for index in indexes}
    assert ["orders_by_status"] == [view.name for view in facts.views]


def test_the_shop_is_an_example_to_follow(project):
    """Lint reports nothing about the models of the shop."""
    assert () == lint(SchemaFacts([shop()]))


def test_an_edit_shows_in_the_models(project):
    """A new column appears after the module is reloaded, and disappears when the edit is undone."""
    before = shop()
    project.edit(POINTS)
    edited = shop()
    project.undo(POINTS)

    assert Native("int") == edited.table("customers")["points"].type
    assert before == shop()


def test_two_edits_follow_each_other(project):
    """The tour adds a column and then changes a type, in one file."""
    shop()
    project.edit(POINTS)
    project.edit(HALF_STARS)

    assert ("int", "double") == (
        shop().table("customers")["points"].type.cql,
        shop().table("reviews")["stars"].type.cql,
    )


@pytest.mark.parametrize("edit", [POINTS, HALF_STARS])
def test_the_edits_fit_the_shop(edit):
    """The text that each edit replaces occurs once, and the edit is a diff of whole lines."""
    assert 1 == SOURCE.count(edit.line)
    assert all(line[:2] in {"+ ", "- "} for line in edit.diff_lines())


@pytest.mark.parametrize("source", ["nothing of it", "a\na\n"])
def test_an_edit_that_does_not_fit_is_refused(source):
    """An edit is refused if the text that it replaces occurs never or twice."""
    with pytest.raises(ValueError, match="times in the models, not once"):
        Edit("a\n", "b\n").apply(source)


def test_the_project_leaves_nothing_behind():
    """The folder, the module and the entry of the search path are removed."""
    with Project() as project:
        shop()
        folder = project.folder

    assert not folder.exists()
    assert MODELS not in sys.modules
    assert str(folder) not in sys.path


def test_acts_are_numbered_and_show_their_code():
    """An act prints its number, a sentence, and the code that a reader would write."""
    messages = []
    stage = TourOutput(messages.append)
    stage.start_step("First.", "begin()")
    stage.text("done\n")
    stage.start_step("Second.")

    assert ["\n1. First.", "   >>> begin()", "   done", "\n2. Second."] == messages


def test_a_claim_that_does_not_hold_ends_the_tour():
    """A claim of the tour that turns out to be false is an error."""
    expect(True, "one and one is two")
    with pytest.raises(TourFailed, match="one and one is three"):
        expect(False, "one and one is three")
