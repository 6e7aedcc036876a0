"""Options of the view behind an index of ScyllaDB 2026.1: read, shown, and given back."""

from __future__ import annotations

import attrs
import pytest
from documents import SCHEMAS
from jsonschema import Draft202012Validator
from scylla_rows import NEW, OLD, SCYLLAS
from scylla_rows import rows as scylla_rows

from scyllamodel.schema.change_json import change_from, change_text
from scyllamodel.schema.changes import LiveOnly
from scyllamodel.schema.ddl import create_index, statement
from scyllamodel.schema.diff import diff
from scyllamodel.schema.facts import KeyspaceFacts, SchemaFacts
from scyllamodel.schema.facts_json import index_dict
from scyllamodel.schema.inverse import inverse_of
from scyllamodel.schema.plan import contract_plan
from scyllamodel.schema.reflect import reflect_keyspace
from scyllamodel.schema.source.left_out import undeclared

FACTS = reflect_keyspace("new26", scylla_rows("2026.3"), NEW)
DOCS = FACTS.table("docs")
BY_NAME = {index.name: index for index in DOCS.indexes}
LANG = BY_NAME["docs_lang"]
CHOSEN = {"comment": "by language", "gc_grace_seconds": 100, "synchronous_updates": True}
AS_MADE = (
    "CREATE INDEX docs_lang ON new26.docs (lang) "
    "WITH comment = 'by language' AND gc_grace_seconds = 100 AND synchronous_updates = true"
)


def test_what_was_chosen_is_read_and_what_a_server_chooses_is_not():
    """Of real rows: an index that was made with three options, and a local one that was made with none."""
    assert CHOSEN == dict(LANG.view_options)
    assert {} == dict(BY_NAME["docs_lang_local"].view_options)


@pytest.mark.parametrize(("release", "keyspace"), [("2026.3", "zoo"), ("2026.3", "zoo_tablets"), ("2025.1.14", "zoo")])
def test_indexes_without_options_have_none(release, keyspace):
    """Whatever their columns, local or not, with tablets or without."""
    found = reflect_keyspace(keyspace, scylla_rows(release), SCYLLAS[release])

    assert {"{}"} == {str(dict(index.view_options)) for table in found.tables for index in table.indexes}


def test_the_index_is_created_with_them():
    """Where the server takes them in CREATE INDEX."""
    assert AS_MADE == create_index("new26", DOCS, LANG, NEW)
    assert "CREATE INDEX docs_lang ON new26.docs (lang)" == create_index("new26", DOCS, LANG, OLD)


def test_an_index_that_was_dropped_comes_back_with_them():
    """The undo of a drop, read again from the text that the ledger keeps."""
    models = KeyspaceFacts("new26", tables=[attrs.evolve(DOCS, indexes=[])])
    (step,) = contract_plan(SchemaFacts([models]), SchemaFacts([FACTS]), NEW, allow={"DS106:docs_lang"}).steps
    undo = inverse_of(change_from(change_text(step.change)))

    assert AS_MADE == statement(undo, NEW)


def test_they_are_noted_and_shown():
    """In a strict check, in generated models as a comment, and in JSON."""
    models = KeyspaceFacts("new26", tables=[DOCS])
    noted = [change for change in diff(FACTS, models, NEW) if isinstance(change, LiveOnly)]
    shown = index_dict(LANG)

    assert ["docs_lang"] == [change.name for change in noted if change.what == "index view options"]
    assert any(
        "behind an index: comment, gc_grace_seconds, synchronous_updates" in str(item) for item in undeclared(FACTS)
    )
    assert CHOSEN == shown["view_options"]
    assert "view_options" not in index_dict(BY_NAME["docs_lang_local"])
    Draft202012Validator(SCHEMAS["inspect"]["$defs"]["index"]).validate(shown)
