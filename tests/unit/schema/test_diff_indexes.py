"""Indexes are identified by target, class and options, and by name if a model declares one."""

from __future__ import annotations

import pytest

from scyllamodel.schema.compare.indexes import index_matches
from scyllamodel.schema.diff.schema_diff import diff
from scyllamodel.schema.server.profile import ServerProfile
from support.builders import desired, index, schema, summaries, table, view

CASSANDRA, SCYLLA = ServerProfile(), ServerProfile("scylla", (2025, 4))
COLUMNS = ("id int pk", "a text", "m map<text,int>", "e vector<float,3>")
SAI, FULL = "StorageAttachedIndex", "org.apache.cassandra.index.sai.StorageAttachedIndex"
SASI = "org.apache.cassandra.index.sasi.SASIIndex"


def stored(column, name, **facts):
    """An index as a server returns it."""
    return index(column, name, **facts)


CASES = [
    ("equal", [stored("a", "t_a_idx")], [index("a")], []),
    ("new", [], [index("a")], ["+ index t_a_idx populated"]),
    ("live", [stored("a", "i")], [], [". index i"]),
    ("unnamed fits any name", [stored("a", "i")], [index("a")], []),
    ("the name that was asked for", [stored("a", "i")], [index("a", "i")], []),
    ("the same under another name", [stored("a", "i")], [index("a", "j")], ["! IX102 i->j"]),
    ("parts of a map", [stored("m", "i", on="keys")], [index("m", on="entries"), index("m", "v")],
     ["+ index t_m_idx populated", "+ index v populated", ". index i"]),
    ("any class", [stored("a", "i", using="sai")], [index("a")], []),
    ("a class by another name", [stored("a", "i", using=FULL)], [index("a", using="sai")], []),
    ("a class in another case", [stored("a", "i", using="SAI")], [index("a", using=SAI)], []),
    ("short sasi", [stored("a", "i", using=SASI)], [index("a", using="SASI")], []),
    ("an ordinary one by name", [stored("a", "i")], [index("a", using="legacy_local_table")], []),
    ("another class beside", [stored("a", "i")], [index("a", "j", using="sai")], ["+ index j populated", ". index i"]),
    ("another class, same name", [stored("a", "t_a_idx")], [index("a", using="sai")], ["! IX103 t_a_idx->t_a_idx"]),
    ("both classes", [stored("a", "i"), stored("a", "j", using="sai")], [index("a"), index("a", "j", using="sai")], []),
    ("both classes, one missing", [stored("a", "j", using="sai")], [index("a", "x"), index("a", using="sai")],
     ["+ index x populated"]),
    ("named ones choose first", [stored("a", "u"), stored("a", "z", using="sai")], [index("a"), index("a", "u")], []),
    ("those of a class choose before any", [stored("a", "i", using="sai"), stored("a", "j")],
     [index("a"), index("a", using="sai")], []),
    ("options in another case", [stored("a", "i", using="sai", options={"case_sensitive": "FALSE"})],
     [index("a", using="sai", options={"case_sensitive": "false"})], []),
    ("options equal", [stored("a", "i", using="sai", options={"case_sensitive": "false"})],
     [index("a", using="sai", options={"case_sensitive": "FALSE"})], []),
    ("options not declared", [stored("a", "i", using="sai", options={"ascii": "true"})], [index("a", using="sai")], []),
    ("options differ", [stored("a", "i", using="sai")], [index("a", using="sai", options={"ascii": "true"})],
     ["! IX103 i->t_a_idx"]),
    ("options differ, same name", [stored("a", "t_a_idx", using="sai", options={"ascii": "false"})],
     [index("a", using="sai", options={"ascii": "true"})], ["! IX103 t_a_idx->t_a_idx"]),
    ("the name is another target's", [stored("m", "i")], [index("a", "i")], ["! IX102 i->i"]),
    ("local is another target", [stored("a", "t_a_idx", local=True)], [index("a")],
     ["+ index t_a_adc2f4c0_idx populated", ". index t_a_idx"]),
    ("several columns", [stored("a, id", "i", using="x.Own")], [], [". index i"]),
]  # fmt: skip


@pytest.mark.parametrize(("live_side", "declared", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_indexes(live_side, declared, expected):
    """Each declared index exists, is added, or conflicts with an existing one."""
    live, models = schema(table("t", *COLUMNS, indexes=live_side)), desired(table("t", *COLUMNS, indexes=declared))

    assert expected == summaries(diff(live, models, CASSANDRA))


def test_an_index_on_vectors_is_none_on_texts():
    """On ScyllaDB, an SAI index on a vector equals its vector index, and one on text does not."""
    of_text, of_vector = (table("t", "id int pk", f"a {cql}") for cql in ("text", "vector<float,3>"))
    live, meant = stored("a", "i", using="vector_index"), index("a", using="sai")

    assert (False, True) == tuple(index_matches(live, meant, of, SCYLLA) for of in (of_text, of_vector))


def test_indexes_of_a_new_table_are_not_populated():
    """An index that is created with its table has no rows to build from."""
    models = desired(table("t", *COLUMNS, indexes=[index("a")]))

    assert ["+ table t", "+ index t_a_idx"] == summaries(diff(schema(), models, CASSANDRA))


def test_names_are_unique_in_the_keyspace():
    """The name of an index of another table cannot be used, even for new tables."""
    live = schema(table("u", "id int pk", "a int", indexes=[index("a", "i")]))
    models = desired(live.tables[0], table("t", *COLUMNS, indexes=[index("a", "i")]))

    assert ["+ table t", "! IX102 i->i"] == summaries(diff(live, models, CASSANDRA))


@pytest.mark.parametrize(
    "other", [table("i_index"), view("i_index", "t", "a text pk", "id int ck")], ids=["table", "view"]
)
def test_scylla_keeps_an_index_in_a_view(other):
    """Scylla also needs the name ``<index>_index``, unlike Cassandra."""
    live = schema(table("t", *COLUMNS), other)
    models = desired(table("t", *COLUMNS, indexes=[index("a", "i")]), other)
    kind = type(other).__name__.lower()

    assert [f"! index i_index is a {kind}"] == summaries(diff(live, models, SCYLLA))
    assert ["+ index i populated"] == summaries(diff(live, models, CASSANDRA))


def test_sai_on_a_vector_is_scyllas_vector_index():
    """A declared SAI index on a vector is the vector index that ScyllaDB creates for it."""
    live = schema(
        table("t", *COLUMNS, indexes=[stored("e", "i", using="vector_index", options={"index_version": "x"})])
    )
    models = desired(table("t", *COLUMNS, indexes=[index("e", using="sai")]))

    assert [] == summaries(diff(live, models, SCYLLA))


def test_an_index_follows_a_renamed_key():
    """An index on a renamed key column is renamed with it, and does not differ."""
    live = schema(table("t", "a int pk", "b int ck", indexes=[index("b", "i")]))
    models = desired(table("t", "a int pk", "bb int ck from=b", indexes=[index("bb", "i")]))

    assert ["~ rename t b->bb"] == summaries(diff(live, models, CASSANDRA))


NEWER = ServerProfile("scylla", (2026, 2))


@pytest.mark.parametrize(
    ("server", "name", "expected"),
    [
        (NEWER, "e_v2", ["+ index e_v2 populated", ". index e_v1"]),
        (NEWER, "e_v1", ["! IX103 e_v1->e_v1"]),
        (NEWER, None, ["! IX103 e_v1->t_e_idx"]),
        (SCYLLA, "e_v2", ["! IX103 e_v1->e_v2"]),
    ],
)
def test_a_second_vector_index_on_a_column_where_the_server_takes_it(server, name, expected):
    """A named vector index with other options can be added to an existing one, so that a search can migrate."""
    live = table("t", *COLUMNS, indexes=[stored("e", "e_v1", using="VECTOR_INDEX")])
    new = index("e", name, using="vector_index", options={"quantization": "i8"})

    assert expected == summaries(diff(schema(live), desired(table("t", *COLUMNS, indexes=[new])), server))
