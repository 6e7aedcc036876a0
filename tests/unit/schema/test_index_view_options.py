"""Options of the view of an index on ScyllaDB 2026.1: introspection, output, declaration and rollback."""

from __future__ import annotations

import attrs
import pytest
from jsonschema import Draft202012Validator

from scyllamodel import Column, Index, Model, ModelDefinitionError, TableOptions, column, partition_key
from scyllamodel.release.engine.permission_check import CHANGE_PERMISSIONS
from scyllamodel.schema.changes.as_json import change_from_json, change_to_json
from scyllamodel.schema.changes.effects import facts_after
from scyllamodel.schema.changes.kinds import Unmanaged
from scyllamodel.schema.changes.postconditions import is_applied
from scyllamodel.schema.changes.undo import facts_before, inverse_of
from scyllamodel.schema.compare.comparison_report import compare_schemas, normalized_to_declared
from scyllamodel.schema.ddl import change_cql, create_index
from scyllamodel.schema.diff.schema_diff import diff
from scyllamodel.schema.export.facts_json import index_dict
from scyllamodel.schema.export.models.module import module_source
from scyllamodel.schema.export.models.unsupported import unsupported_by_models
from scyllamodel.schema.facts.fingerprint import fingerprint, managed_fingerprint
from scyllamodel.schema.facts.objects import KeyspaceFacts, SchemaFacts
from scyllamodel.schema.plan import contract_plan, make_plan
from scyllamodel.schema.plan.transition import transition
from scyllamodel.schema.reflect import reflect_keyspace
from scyllamodel.schema.server.profile import ServerProfile
from support.builders import desired, schema
from support.json_schemas import SCHEMAS
from support.scylla_observed import NEW, OLD, SCYLLAS
from support.scylla_observed import rows as scylla_rows

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
    """Declared options of a real index are read, and defaults of the server are not."""
    assert CHOSEN == dict(LANG.view_options)
    assert {} == dict(BY_NAME["docs_lang_local"].view_options)


@pytest.mark.parametrize(("release", "keyspace"), [("2026.3", "zoo"), ("2026.3", "zoo_tablets"), ("2025.1.14", "zoo")])
def test_indexes_without_options_have_none(release, keyspace):
    """An index without options has none, whether or not it is local or on tablets."""
    facts = reflect_keyspace(keyspace, scylla_rows(release), SCYLLAS[release])

    assert {"{}"} == {str(dict(index.view_options)) for table in facts.tables for index in table.indexes}


def test_the_index_is_created_with_them():
    """CREATE INDEX has the options on a server that supports them."""
    assert AS_MADE == create_index("new26", DOCS, LANG, NEW)
    assert "CREATE INDEX docs_lang ON new26.docs (lang)" == create_index("new26", DOCS, LANG, OLD)


def test_an_index_that_was_dropped_comes_back_with_them():
    """A dropped index is restored with its options, also from the stored change."""
    models = KeyspaceFacts("new26", tables=[attrs.evolve(DOCS, indexes=[])])
    (step,) = contract_plan(SchemaFacts([models]), SchemaFacts([FACTS]), NEW, allow={"DS106:docs_lang"}).steps
    undo = inverse_of(change_from_json(change_to_json(step.change)))

    assert AS_MADE == change_cql(undo, NEW)


def test_they_are_noted_and_shown():
    """Undeclared options are noted by a strict check, and are part of generated models and JSON."""
    bare = [attrs.evolve(index, view_options={}) for index in DOCS.indexes]
    unmanaged = [
        diff(FACTS, KeyspaceFacts("new26", tables=[attrs.evolve(DOCS, indexes=i)]), NEW) for i in (bare, DOCS.indexes)
    ]
    output = index_dict(LANG)
    messages = "view_options=TableOptions(comment='by language', gc_grace_seconds=100, synchronous_updates=True)"

    assert [["docs_lang"], []] == [
        [change.name for change in item if isinstance(change, Unmanaged) and change.kind == "index view options"]
        for item in unmanaged
    ]
    assert f"Index('lang', name='docs_lang', {messages})" in module_source(FACTS, NEW)
    assert not [item for item in unsupported_by_models(FACTS) if "docs_lang" in str(item)]
    assert CHOSEN == output["view_options"]
    assert "view_options" not in index_dict(BY_NAME["docs_lang_local"])
    Draft202012Validator(SCHEMAS["inspect"]["$defs"]["index"]).validate(output)


class Doc(Model, table="index_view_docs", repo="index_view_options", indexes=[
    Index("lang", name="by_lang", view_options=TableOptions(gc_grace_seconds=100, comment="by language")),
]):  # fmt: skip
    """A model with an index whose view has options."""

    id: Column[int] = partition_key()
    lang: Column[str] = column()


def declared(**options):
    """The declared schema with these options of the view of its index."""
    (index,) = Doc.__facts__.indexes
    if options:
        index = attrs.evolve(index, view_options=TableOptions(**options).declared())
    return desired(attrs.evolve(Doc.__facts__, indexes=[index]))


def live(**options):
    """The live schema, in which the view of the index has these options."""
    return attrs.evolve(declared(**options) if options else without(), keyspace=schema().keyspace)


def without():
    """The schema with an index without options."""
    (index,) = Doc.__facts__.indexes
    return desired(attrs.evolve(Doc.__facts__, indexes=[attrs.evolve(index, view_options={})]))


def planned(desired_facts, value, server=NEW):
    """The plan between the two schemas."""
    return make_plan(SchemaFacts([desired_facts]), SchemaFacts([value]), server)


def test_a_model_declares_them():
    """CREATE INDEX has the declared options, and a second plan is empty, even for a default value."""
    empty = schema(attrs.evolve(Doc.__facts__, indexes=[]))
    (step,) = planned(declared(), empty).steps
    default = declared(
        gc_grace_seconds=864000, comment="by language", compaction={"class": "IncrementalCompactionStrategy"}
    )

    assert step.cql == (
        "CREATE INDEX by_lang ON k.index_view_docs (lang) WITH comment = 'by language' AND gc_grace_seconds = 100"
    )
    assert planned(declared(), live(gc_grace_seconds=100, comment="by language")).is_empty
    assert planned(default, live(comment="by language")).is_empty


def test_what_differs_is_set_on_the_view():
    """Different options are set with ALTER MATERIALIZED VIEW, and the undo restores the stored ones or the defaults."""
    result = live(comment="old")
    (step,) = planned(declared(), result).steps
    after_it = facts_after(step.change, result)

    assert "ALTER MATERIALIZED VIEW k.by_lang_index WITH comment = 'by language' AND gc_grace_seconds = 100" == step.cql
    assert "ALTER MATERIALIZED VIEW k.by_lang_index WITH comment = 'old' AND gc_grace_seconds = 864000" == step.undo
    assert step.change == change_from_json(change_to_json(step.change))
    assert [False, True] == [is_applied(step.change, part, NEW) for part in (result, after_it)]
    assert planned(declared(), after_it).is_empty
    earlier = facts_before(step.change, after_it)
    right, place = CHANGE_PERMISSIONS[type(step.change)]
    assert {"comment": "old", "gc_grace_seconds": 864000} == dict(earlier.tables[0].indexes[0].view_options)
    assert [step.undo] == [change_cql(change, NEW) for change in transition(after_it, earlier, NEW)]
    assert ("ALTER", ("k", "index_view_docs")) == (right, place(step.change))


def test_a_comparison_shows_declared_options_that_are_stored_differently():
    """The comparison has declared options that differ, and not undeclared ones."""
    desired_facts, same, other = declared(comment="a"), live(comment="a", gc_grace_seconds=5), live(comment="b")
    output = [
        [
            *compare_schemas(
                normalized_to_declared(SchemaFacts([value]), SchemaFacts([desired_facts]), NEW),
                SchemaFacts([desired_facts]),
            )
        ]
        for value in (same, other)
    ]

    assert [] == output[0]
    assert [("index", "lang view options {'comment': 'b'}", "lang view options {'comment': 'a'}")] == [
        (item.what, item.before, item.after) for item in output[1]
    ]


@pytest.mark.parametrize("server", [OLD, ServerProfile()])
@pytest.mark.parametrize("live_facts", [True, False])
def test_a_server_without_them_refuses_the_plan(server, live_facts):
    """IX104 is reported for new and for existing indexes, and undeclared options do not count as differences."""
    result = live() if live_facts else schema(attrs.evolve(Doc.__facts__, indexes=[]))
    plan = planned(declared(), result, server)

    assert ["IX104"] == [refusal.code for refusal in plan.refusals]
    assert "view_options" in plan.refusals[0].fix
    assert planned(without(), live(), server).is_empty


def test_options_that_the_server_does_not_take_are_refused():
    """OP104 is reported for options of Cassandra, and for tablet hints without tablets."""
    facts = schema(attrs.evolve(Doc.__facts__, indexes=[]))

    assert ["OP104"] == [refusal.code for refusal in planned(declared(read_repair="NONE"), facts).refusals]
    assert ["OP104"] == [refusal.code for refusal in planned(declared(tablets={"min_tablet_count": 4}), facts).refusals]
    assert ["OP101"] == [refusal.code for refusal in planned(declared(gc_grace_seconds=0), live(comment="x")).refusals]


def test_a_plan_goes_stale_when_a_declared_option_moves_and_by_no_other():
    """Only declared options are part of the fingerprint that a plan is compared with."""
    desired_facts = SchemaFacts([declared(comment="a")])
    prints = [
        managed_fingerprint(SchemaFacts([value]), desired_facts)
        for value in (live(comment="a"), live(comment="a", gc_grace_seconds=5), live(comment="b"))
    ]

    assert prints[0] == prints[1] != prints[2]
    assert fingerprint(declared(comment="a")) != fingerprint(declared(comment="b"))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"using": "vector_index", "view_options": TableOptions(comment="x")}, "MD125"),
        ({"view_options": TableOptions(default_time_to_live=5)}, "MD125"),
        ({"view_options": TableOptions(tombstone_gc={"mode": "repair"})}, "MD125"),
        ({"view_options": TableOptions(gc_grace_seconds=-1)}, "OP104"),
    ],
)
def test_what_no_server_takes_is_a_mistake_in_the_class(arguments, code):
    """An option that is only valid for tables, or an index without a view, is a mistake of the class."""
    with pytest.raises(ModelDefinitionError) as exc_info:

        class Made(Model, table="made", indexes=[Index("a", **arguments)]):
            id: Column[int] = partition_key()
            a: Column[str] = column()

    assert code in [problem.code for problem in exc_info.value.problems]


def test_a_mapping_in_place_of_options_is_refused():
    """A mapping instead of `TableOptions` is refused."""
    with pytest.raises(TypeError, match="TableOptions"):
        Index("a", view_options={"comment": "x"})
