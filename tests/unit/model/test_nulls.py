"""How columns load a null, and notes on columns that do not declare it."""

from __future__ import annotations

from typing import Any

import pytest

from scyllamodel import (
    Column,
    MaterializedView,
    Model,
    ModelDefinitionError,
    UserType,
    clustering_key,
    column,
    partition_key,
    select,
)
from scyllamodel import types as cql
from scyllamodel.model.change_tracking import changed_columns, current_values
from scyllamodel.model.desired_schema import desired_facts
from scyllamodel.schema.changes.kinds import AddColumns
from scyllamodel.schema.facts.objects import Keyspace, KeyspaceFacts, SchemaFacts, Table, TableColumn
from scyllamodel.schema.plan import make_plan
from scyllamodel.schema.rules.evaluation import lint
from scyllamodel.schema.server.profile import ServerProfile
from scyllamodel.types.cql_types import Native


class Title(UserType, name="nulls_title"):
    """A user type whose last field was added later."""

    text: str
    lang: str = column(default="en", null_as_default=True)


class Page(Model, table="nulls_pages", repo="nulls"):
    """Columns with every way to load a null."""

    site: Column[str] = partition_key()
    path: Column[str] = clustering_key()
    lang: Column[str] = column(default="en", null_as_default=True)
    words: Column[cql.Frozen[list[str]]] = column(factory=lambda: ["a"], null_as_default=True)
    title: Column[cql.Frozen[Title] | None] = column(default=None)
    tags: Column[set[str]] = column(factory=set)
    rank: Column[int] = column(default=0)
    views: Column[int] = column()


class PageByLang(MaterializedView, of=Page, view="nulls_by_lang"):
    """A view, which inherits how nulls are loaded."""

    path: Column[str] = partition_key()
    site: Column[str] = clustering_key()
    lang: Column[str] = column()


ROW = ("s", "/", None, None, None, None, None, None)


def test_a_null_loads_as_the_default_and_changes_nothing():
    """A null loads as a default, separate for each instance, and does not count as a change."""
    first, other = Page.__load__(ROW), Page.__load__(ROW)
    assert ("en", ["a"], None, set(), None) == (first.lang, first.words, first.title, first.tags, first.rank)
    assert first.words is not other.words
    assert changed_columns(first, current_values(first)) == []
    first.words.append("b")
    first.lang = "cs"
    assert ["lang", "words"] == [change.column.name for change in changed_columns(first, current_values(first))]


def test_a_stored_value_stands():
    """A stored value is never replaced by the default."""
    loaded = Page.__load__(("s", "/", "cs", ["x"], None, None, 1, 2))
    assert ("cs", ["x"], 1) == (loaded.lang, loaded.words, loaded.rank)


def test_views_selections_and_user_types_say_the_same():
    """Views, selections of columns and user types load a null in the same way."""
    assert PageByLang.__load__(("/", "s", None)).lang == "en"
    load: Any = select(Page.lang, Page.rank).where(Page.site == "s").compile("ks").template.load
    assert ("en", None) == load((None, None))
    assert Title.__load__(("x", None)).lang == "en"


@pytest.mark.parametrize(
    ("annotation", "null_value"),
    [
        (Column[str], column(null_as_default=True)),
        (Column[str | None], column(default="en", null_as_default=True)),
        (Column[set[str]], column(factory=lambda: {"a"}, null_as_default=True)),
    ],
)
def test_what_cannot_stand_for_null_is_refused(annotation, null_value):
    """Without a default, with a type that allows None, or for a collection that is not frozen, the flag is refused."""
    body = {
        "__module__": __name__,
        "__qualname__": "Wrong",
        "__annotations__": {"id": Column[int], "x": annotation},
        "id": partition_key(),
        "x": null_value,
    }
    with pytest.raises(ModelDefinitionError) as exc_info:
        type(Model)("Wrong", (Model,), body, table="nulls_wrong")
    assert ["MD126"] == [problem.code for problem in exc_info.value.problems]


def test_a_flag_is_true_or_false():
    """A value that is not a boolean is reported as for other flags."""
    with pytest.raises(ModelDefinitionError, match="MD118"):

        class Wrong(Model, table="nulls_flag"):
            id: Column[int] = partition_key()
            x: Column[str] = column(default="", null_as_default="yes")  # type: ignore[call-overload]


def described():
    """The settings of an existing keyspace."""
    return Keyspace("ks", {"class": "SimpleStrategy", "replication_factor": "1"})


def test_the_plan_notes_an_added_column_whose_nulls_load_as_none():
    """The plan has a note for each added column that does not declare how nulls are loaded, and refuses nothing."""
    columns = [
        TableColumn("site", Native("text"), "partition_key"),
        TableColumn("path", Native("text"), "clustering"),
    ]
    live = SchemaFacts([KeyspaceFacts("ks", described(), tables=[Table("nulls_pages", columns, keyspace="ks")])])
    plan = make_plan(desired_facts([Page], "ks", described()), live, ServerProfile("cassandra", (5, 0, 6)))
    step = next(step for step in plan.steps if isinstance(step.change, AddColumns))

    notes = [note for note in step.lints if note.code == "NU101"]
    assert ["ks.nulls_pages.rank", "ks.nulls_pages.views"] == [note.object for note in notes]
    assert {"note"} == {note.severity for note in notes}
    assert "null_as_default=True" in notes[0].fix
    assert "int | None" in notes[0].fix
    assert not plan.refusals


def test_lint_names_columns_whose_default_is_not_for_existing_rows():
    """Lint has one note for each table with columns whose default does not apply to existing rows."""
    problems = [note for note in lint(desired_facts([Page], "ks")) if note.code == "NU101"]
    assert [("ks.nulls_pages", "note")] == [(note.object, note.severity) for note in problems]
    assert "rank" in problems[0].text
    assert "views" not in problems[0].text
    assert "lang" not in problems[0].text


def test_a_new_table_has_no_rows_from_before():
    """A plan that creates the table has no notes on nulls."""
    live = SchemaFacts([KeyspaceFacts("ks", described())])
    plan = make_plan(desired_facts([Page], "ks", described()), live, ServerProfile("cassandra", (5, 0, 6)))
    assert [] == [note for note in (*plan.lints, *plan.notes) if note.code == "NU101"]
