"""Vector and full-text indexes of ScyllaDB: filtering columns, options and queries."""

from __future__ import annotations

import json
import re
from typing import Annotated

import attrs
import pytest

from scyllamodel import Column, Index, Model, ModelDefinitionError, QueryNotSupported, column, partition_key, select
from scyllamodel import types as cql
from scyllamodel.schema.changes.kinds import DropIndex
from scyllamodel.schema.ddl import create_index
from scyllamodel.schema.diff.schema_diff import diff
from scyllamodel.schema.export.facts_json import index_dict
from scyllamodel.schema.export.models.module import module_source
from scyllamodel.schema.export.models.unsupported import unsupported_by_models
from scyllamodel.schema.facts.fingerprint import fingerprint
from scyllamodel.schema.facts.objects import FrozenMap, Keyspace, SchemaFacts
from scyllamodel.schema.facts.objects import Index as IndexFacts
from scyllamodel.schema.plan.contract import contract_plan
from scyllamodel.schema.plan.planner import make_plan
from scyllamodel.schema.reflect.targets import index_target, vector_partition
from scyllamodel.schema.rules.search_indexes import viewless_faults
from scyllamodel.schema.rules.undo import evaluate_change
from support.builders import NTS, desired, index, schema, summaries, table
from support.scylla_observed import NEW, observed

T = table("t", "a int pk", "b int ck", "lang text", "c text", "e vector<float,3>")
ABOUT = Keyspace("k", FrozenMap(NTS), tablets=True)


class Doc(Model, table="docs", indexes=[
    Index("at", name="docs_at", using="vector_index", filtering=["lang", "kind"], options={"quantization": "i8"}),
    Index("body", name="docs_body", using="fulltext_index"),
    Index("title", name="docs_title"),
]):  # fmt: skip
    """A model of texts with vectors."""

    id: Column[int] = partition_key()
    at: Column[Annotated[list[float], cql.vector(3)]] = column()
    body: Column[str] = column()
    title: Column[str] = column()
    lang: Column[str] = column()
    kind: Column[str] = column(db_name="Kind")


def indexed(*value):
    """The table with these indexes."""
    return attrs.evolve(T, indexes=value)


def on_server(*parts):
    """A live keyspace with tablets and these objects."""
    return schema(*parts, keyspace=ABOUT)


def test_columns_to_filter_by_are_declared_and_created():
    """Filtering columns are declared as attributes, and written with their CQL names."""
    at, _, _ = Doc.__facts__.indexes

    assert "at, lang, Kind" == at.column
    assert create_index("k", Doc.__facts__, at, NEW) == (
        "CREATE CUSTOM INDEX docs_at ON k.docs (at, lang, \"Kind\") USING 'vector_index' "
        "WITH OPTIONS = {'quantization': 'i8'}"
    )


@pytest.mark.parametrize(
    ("declared", "code"),
    [
        (Index("at", using="vector_index", filtering=["langg"]), "MD121"),
        (Index("body", filtering=["lang"]), "MD125"),
        (Index("at", using="sai", filtering=["lang"]), "MD125"),
    ],
)
def test_what_cannot_be_filtered_by_is_refused_in_the_class(declared, code):
    """An unknown filtering column, and filtering with another class of index, are refused in the class."""
    with pytest.raises(ModelDefinitionError) as exc_info:

        class Bad(Model, table="bad", indexes=[declared]):
            id: Column[int] = partition_key()
            at: Column[Annotated[list[float], cql.vector(3)]] = column()
            body: Column[str] = column()
            lang: Column[str] = column()

    assert [code] == [problem.code for problem in exc_info.value.problems]
    with pytest.raises(TypeError, match="list of attributes"):
        Index("at", using="vector_index", filtering="lang")


def test_the_order_of_columns_to_filter_by_does_not_matter():
    """The order of filtering columns does not matter, and another set of them is another index."""
    live = on_server(indexed(index("e, lang, c", "i", using="vector_index")))
    cases = ["e, c, lang", "e, lang", "lang, e, c"]
    results = [summaries(diff(live, desired(indexed(index(case, "i", using="vector_index"))), NEW)) for case in cases]

    assert [] == results[0]
    assert [True, True] == [item[0].startswith("!") for item in results[1:]]


def test_an_index_within_other_columns_is_another_index():
    """The columns within which a vector index searches are part of what is compared."""
    live, model = (index("e", "i", using="vector_index", local=True, partition=names) for names in (["lang"], []))

    assert ["! IX102 i->i"] == summaries(diff(on_server(indexed(live)), desired(indexed(model)), NEW))
    assert [] == summaries(diff(on_server(indexed(live)), desired(indexed(live)), NEW))


def test_inspect_writes_them_into_models():
    """Inspect writes filtering columns as attributes, and leaves out an index with a missing column."""
    dropped = attrs.evolve(
        T, columns=[c for c in T if c.name != "lang"], indexes=[index("e, lang", "i", using="vector_index")]
    )
    source = module_source(on_server(indexed(index("e, lang", "i", using="vector_index"))), NEW, repo="r")

    assert "Index('e', name='i', filtering=['lang'], using='vector_index')" in source
    assert "filtering" not in module_source(on_server(dropped), NEW, repo="r")


@pytest.mark.parametrize("dropped", ["e", "lang", "c"])
def test_a_column_under_such_an_index_is_not_dropped(dropped):
    """A column under a vector index cannot be dropped by contract, since the server would keep a broken index."""
    live = indexed(index("e, lang", "i", using="VECTOR_INDEX"), index("c", "f", using="fulltext_index"))
    model = attrs.evolve(T, columns=[column for column in T if column.name != dropped])
    plan = contract_plan(
        SchemaFacts([desired(model)]), SchemaFacts([on_server(live)]), NEW, allow={f"DS103:t.{dropped}"}
    )

    assert ([], ["RB103"]) == (plan.cql, [refusal.code for refusal in plan.refusals])


def created():
    """Each recorded CREATE of such an index, with its answer."""
    pattern = re.compile(r"CCI (?:\w+ )?ON k\.t \((.*)\) USING '(\w+)'(?: WITH OPTIONS = \{(.*)\})?$")
    for case in observed("y_2026"):
        if case.get("case") in {"vector index, columns and options", "fulltext index"}:
            for cql_, answer in zip(case["steps"], case["2026.3t"], strict=True):
                match = pattern.match(cql_.replace("CREATE CUSTOM INDEX", "CCI"))
                if match and not match[1].startswith("("):
                    options = dict(re.findall(r"'(\w+)': '?([^',}]+)'?", match[3] or ""))
                    yield (
                        isinstance(answer, dict) or "duplicate" in answer,
                        IndexFacts("i", match[1], using=match[2], options=options),
                        cql_,
                    )


SEARCHED = table(
    "t", "a int pk", "lang text", "name ascii", "c int", "e vector<float,3>", "e2 vector<float,3>", "w vector<int,3>"
)
VECTORS = ("a vector index needs a vector of floats, but", "Index a vector<float, n>.")
TEXTS = ("a full-text index needs a text column, but", "Index a column of type text.")
# the columns, the class, the beginning of the problem and the fix
COLUMNS = [
    ("e", "vector_index", None),
    ("e, lang, name", "vector_index", None),
    ("e, nosuch", "vector_index", None),
    ("nosuch", "vector_index", None),
    ("lang", "vector_index", VECTORS),
    ("w", "vector_index", VECTORS),
    (
        "e, lang, e2",
        "vector_index",
        ("a vector index cannot filter by vectors, such as e2", "Remove them from filtering."),
    ),
    ("lang", "fulltext_index", None),
    ("name", "fulltext_index", None),
    ("nosuch", "fulltext_index", None),
    ("c", "fulltext_index", TEXTS),
    ("lang, name", "fulltext_index", ("a full-text index has exactly one column", "Omit filtering.")),
]


@pytest.mark.parametrize(("names", "using", "expected"), COLUMNS)
def test_the_columns_of_an_index_fit_its_class(names, using, expected):
    """Vectors of floats for one class, a text for the other; each refusal says what to do."""
    faults = list(viewless_faults(IndexFacts("i", names, using=using), using, SEARCHED))

    assert ([] if expected is None else [expected]) == [(text[: len(expected[0])], fix) for text, fix in faults]


def test_what_the_server_refused_is_refused_and_what_it_took_passes():
    """Each recorded statement is refused exactly if the server refused it."""
    cases = [case for case in created() if case[1].using in {"vector_index", "VECTOR_INDEX", "fulltext_index"}]
    mismatches = [cql_ for is_accepted, case, cql_ in cases if is_accepted == any(viewless_faults(case, case.using, T))]

    assert len(cases) > 14
    assert [] == [cql_ for cql_ in mismatches if "(e, e)" not in cql_]


def test_a_plan_refuses_a_wrong_option_before_anything_runs():
    """A wrong option is refused in the plan, with the code and the valid options."""
    bad = indexed(IndexFacts("f", "c", using="fulltext_index", options={"analyzer": "klingon"}))
    good = indexed(IndexFacts("f", "c", using="fulltext_index", options={"analyzer": "English"}))
    plans = [make_plan(desired(item), on_server(), NEW) for item in (bad, good)]

    assert ["IX106"] == [refusal.code for refusal in plans[0].refusals]
    assert "standard, english" in plans[0].refusals[0].fix
    assert () == plans[1].refusals


def test_searches_by_words_and_by_nearness():
    """BM25 is in WHERE and ORDER BY as the server requires, and filtering columns need no ALLOW FILTERING."""
    query = select(Doc.id).order_by(Doc.body.bm25("red shoes")).limit(3)
    filtered = select(Doc.id).where(Doc.lang == "en", Doc.kind == "x").order_by(Doc.at.ann_of([1.0, 0.0, 0.0])).limit(3)

    assert "SELECT id FROM docs WHERE BM25(body, ?) > 0 ORDER BY BM25(body, ?) LIMIT ?" == query.cql
    assert ("red shoes", "red shoes", 3) == query.values
    assert 'SELECT id FROM docs WHERE lang = ? AND "Kind" = ? ORDER BY at ANN OF ? LIMIT ?' == filtered.cql
    assert "BM25 'red shoes'" in repr(query.orderings[0])


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (lambda: select(Doc.id).order_by(Doc.title.bm25("x")).limit(1), "fulltext_index"),
        (lambda: select(Doc.id).order_by(Doc.body.bm25("x")), "limit"),
        (lambda: select(Doc.id).order_by(Doc.body.bm25("x"), Doc.at.ann_of([1.0])).limit(1), "cannot be combined"),
        (lambda: select(Doc.id).where(Doc.kind == "x").limit(1), "allow_filtering"),
        (
            lambda: select(Doc.id).where(Doc.title == "x", Doc.lang == "en").order_by(Doc.body.bm25("x")).limit(1),
            "lang",
        ),
    ],
)
def test_searches_that_no_server_answers_are_refused(query, message):
    """Searches with another index, without a limit, with two searches, or with another filter are refused."""
    with pytest.raises(QueryNotSupported, match=message):
        query().cql  # noqa: B018 - it is compiled


def test_words_are_text():
    """Search words must be a string, not a list."""
    with pytest.raises(TypeError, match="words to search for"):
        Doc.body.bm25(["x"])


def test_targets_are_read_as_the_server_stores_them():
    """Stored targets are read with their column, filtering columns and partition."""
    assert ("e", "values", False) == index_target("e", {})
    assert ("e, lang", "values", False) == index_target('{"tc":"e","fc":["lang"]}', {})
    assert ("e, lang", "values", True) == index_target('{"tc":"e","pk":["a"],"fc":["lang"]}', {})


def test_the_drop_of_such_an_index_needs_no_more_than_another():
    """Dropping such an index needs the usual permission, since it can be created again."""
    live = indexed(index("e, lang", "i", using="vector_index"))

    assert ["DS106"] == [
        diagnostic.code for diagnostic in evaluate_change(DropIndex("k", live, live.indexes[0]), on_server(live), NEW)
    ]


def test_a_local_index_within_other_columns_than_the_partition_key():
    """A local index on other columns than the partition key is read and written, and differs from the usual one."""
    target = '{"tc":"e","pk":["lang"],"fc":["c"]}'
    names = index_target(target, {}), vector_partition(target, ["a"])
    facts = IndexFacts("i", "e, c", using="vector_index", local=True, partition=names[1])
    local = attrs.evolve(facts, name="j", partition=())
    live = on_server(indexed(facts))

    assert (("e, c", "values", True), ("lang",)) == names
    assert () == vector_partition('{"pk":["old_name"],"ck":["e"]}', ["a"]) == vector_partition("e", ["a"])
    assert "CREATE CUSTOM INDEX i ON k.t ((lang), e, c) USING 'vector_index'" == create_index("k", T, facts, NEW)
    assert ["+ index j populated", ". index i"] == summaries(diff(live, desired(indexed(local)), NEW))
    assert ["The index 'i' is left out: it searches within lang, which is not the partition key."] == [
        str(item) for item in unsupported_by_models(live)
    ]
    assert fingerprint(live) != fingerprint(on_server(indexed(attrs.evolve(local, name="i"))))
    assert facts == snapshot_index(facts)


def snapshot_index(value):
    """The index after a round trip through a snapshot."""
    return IndexFacts(**json.loads(json.dumps({**index_dict(value), "named": value.named})))
