"""Column masks have one text, whether declared or stored."""

from __future__ import annotations

import attrs
import pytest

from scyllamodel import Column, MaterializedView, Model, ModelDefinitionError
from scyllamodel.model.fields import clustering_key, column, partition_key
from scyllamodel.schema.changes.kinds import SetMask
from scyllamodel.schema.ddl import change_cql, create_table, keyspace_script, undo_cql
from scyllamodel.schema.diff.schema_diff import diff
from scyllamodel.schema.export.unsupported import missing_from_script
from scyllamodel.schema.facts.fingerprint import fingerprint
from scyllamodel.schema.facts.masks import declared_mask, is_writable, stored_mask
from scyllamodel.schema.facts.objects import SchemaFacts
from scyllamodel.schema.plan import contract_plan, make_plan
from scyllamodel.schema.server.profile import ServerProfile
from scyllamodel.types.parser import parse_type
from support.builders import desired, schema, summaries, table

C5 = ServerProfile("cassandra", (5, 0, 6))
TEXT = parse_type("text")

# what a column of a type is declared with, and how Cassandra 5.0 stores it: function, types, values, nulls
SEEN = [
    ("int", "DEFAULT", ("mask_default", [], [], [])),
    ("int", "mask_null()", ("mask_null", [], [], [])),
    ("text", "mask_inner(1, NULL)", ("mask_inner", ["int", "int"], ["1", ""], [False, True])),
    ("text", "MASK_OUTER(2,3, '#')", ("mask_outer", ["int", "int", "text"], ["2", "3", "#"], [False] * 3)),
    ("text", "mask_inner(-1, 2)", ("mask_inner", ["int", "int"], ["-1", "2"], [False] * 2)),
    ("blob", "mask_hash('SHA-256')", ("mask_hash", ["text"], ["SHA-256"], [False])),
    ("text", "mask_replace('')", ("mask_replace", ["text"], [""], [False])),
    ("text", "system.mask_replace('a, (b)')", ("mask_replace", ["text"], ["a, (b)"], [False])),
    ("double", "mask_replace(5)", ("mask_replace", ["double"], ["5.0"], [False])),
    ("float", "mask_replace(1.10)", ("mask_replace", ["float"], ["1.1"], [False])),
    ("decimal", "mask_replace(1.50)", ("mask_replace", ["decimal"], ["1.50"], [False])),
    ("int", "mask_replace(-5)", ("mask_replace", ["int"], ["-5"], [False])),
    ("boolean", "mask_replace(TRUE)", ("mask_replace", ["boolean"], ["true"], [False])),
    ("blob", "mask_replace(0xFF)", ("mask_replace", ["blob"], ["ff"], [False])),
    ("uuid", "mask_replace(00000000-0000-0000-0000-00000000000A)",
     ("mask_replace", ["uuid"], ["00000000-0000-0000-0000-00000000000a"], [False])),
    ("date", "mask_replace('2020-01-01')", ("mask_replace", ["date"], ["2020-01-01"], [False])),
    ("time", "mask_replace('10:00:00')", ("mask_replace", ["time"], ["10:00:00.000000000"], [False])),
    ("timestamp", "mask_replace('2020-01-01T01:00:00+01:00')",
     ("mask_replace", ["timestamp"], ["2020-01-01T00:00:00.000Z"], [False])),
    ("inet", "mask_replace('::0:1')", ("mask_replace", ["inet"], ["::1"], [False])),
    ("duration", "mask_replace(1d)", ("mask_replace", ["duration"], ["1d"], [False])),
]  # fmt: skip


def row(function, types, values, nulls, keyspace="system"):
    """A row of ``system_schema.column_masks``."""
    return {
        "function_keyspace": keyspace,
        "function_name": function,
        "function_argument_types": types,
        "function_argument_values": values,
        "function_argument_nulls": nulls,
    }


@pytest.mark.parametrize(("cql_type", "declared", "stored"), SEEN, ids=[f"{kind} {mask}" for kind, mask, _ in SEEN])
def test_a_declared_mask_is_the_one_that_servers_store(cql_type, declared, stored):
    """A declared mask equals the stored one, and its text is stable."""
    result = stored_mask(row(*stored), "k")

    assert result == declared_mask(declared, parse_type(cql_type))
    assert result == declared_mask(result, parse_type(cql_type))
    assert is_writable(result)


def test_functions_of_the_keyspace_and_of_others():
    """A function of the table's own keyspace is written without the keyspace."""
    assert "hide()" == stored_mask(row("hide", [], [], [], "k"), "k") == declared_mask("k.hide()", TEXT, "k")
    assert 'other."Hide"(1)' == declared_mask('other."Hide"( 1 )', TEXT, "k")


@pytest.mark.parametrize(
    ("cql_type", "text", "reason"),
    [
        ("text", "mask_inner", "is neither DEFAULT nor a call"),
        ("text", "mask_inner(1,)", "not plain literals"),
        ("list<int>", "mask_replace([1])", "not plain literals"),
        ("text", "mask_replace('it''s')", "cannot store a quote"),
        ("timestamp", "mask_replace('2020-01-01')", "write the time with a UTC offset"),
        ("int", "mask_replace('x')", "not a value of type int"),
        ("inet", "mask_replace('x')", "not a value of type inet"),
        ("float", "mask_replace(x)", "not a value of type float"),
    ],
)
def test_what_is_not_a_mask_is_refused(cql_type, text, reason):
    """A text that is not a mask is refused with the reason."""
    with pytest.raises(ValueError, match=reason):
        declared_mask(text, parse_type(cql_type))


@pytest.mark.parametrize(("mask", "reason"), [("mask_inner", "nor a call"), (1, "masked_with=1 is not valid")])
def test_a_wrong_mask_is_reported_when_the_class_is_made(mask, reason):
    """A wrong mask is reported in the class, before a server is used."""
    with pytest.raises(ModelDefinitionError, match=reason):

        class Wrong(Model, table="wrong"):
            a: Column[int] = partition_key()
            v: Column[int] = column(masked_with=mask)


def test_a_stored_argument_without_a_literal_is_known_by_its_bytes():
    """A mask whose argument has no literal, such as a collection, is compared by bytes and written as DEFAULT."""
    mask = stored_mask(row("mask_replace", ["list<int>"], ["0000000200000004"], [False]), "k")
    unreadable = schema(table("t", "a int pk", f"v list<int> mask={mask}"))

    assert is_writable(stored_mask(row("mask_replace", ["text"], ["(?"], [False]), "k"))
    assert not is_writable(mask)
    assert [f"The mask 't.v' is left out: CQL has no literal for its argument, in {mask}"] == [
        str(item).partition(";")[0] for item in missing_from_script(unreadable)
    ]
    assert "v list<int> MASKED WITH mask_default()" in keyspace_script(unreadable, C5)[1]


class User(Model, table="users"):
    """A model with masks of several kinds of columns."""

    id: Column[int] = partition_key(masked_with="DEFAULT")
    at: Column[int] = clustering_key(masked_with="mask_null()")
    email: Column[str] = column(masked_with="mask_inner(1, null)", db_name="Email")
    level: Column[str | None] = column(default=None, static=True, masked_with="mask_replace('-')")


class UserByEmail(MaterializedView, of=User):
    """A view, which has the masks of its table."""

    email: Column[str] = partition_key()
    id: Column[int] = clustering_key()
    at: Column[int] = clustering_key()


def test_a_table_is_created_with_its_masks():
    """A table is created with masks, of keys and static columns too, and a view without them."""
    statements = create_table("k", User.__facts__, C5)

    assert "id bigint MASKED WITH mask_default()" in statements
    assert '"Email" text MASKED WITH mask_inner(1, null)' in statements
    assert "level text STATIC MASKED WITH mask_replace('-')" in statements
    assert {None} == {column.mask for column in UserByEmail.__facts__.columns}


def test_a_view_does_not_declare_masks():
    """A mask in a view is refused, since the view has that of its table."""
    with pytest.raises(ModelDefinitionError, match="masked_with and row_ttl do not apply to views"):

        class Masked(MaterializedView, of=User):
            id: Column[int] = partition_key()
            at: Column[int] = clustering_key(masked_with="DEFAULT")


PLAIN, MASKED = table("t", "a int pk", "v text"), table("t", "a int pk", "v text mask=mask_default()")
HASHED = table("t", "a int pk", "v text mask=mask_hash()")


def test_a_mask_is_added_and_never_dropped_or_replaced():
    """A plan adds a mask, notes an undeclared one, and refuses to replace one without permission."""
    add, drop, replace = (
        make_plan(desired(two), schema(first), C5)
        for first, two in ((PLAIN, MASKED), (MASKED, PLAIN), (HASHED, MASKED))
    )
    allowed = make_plan(desired(MASKED), schema(HASHED), C5, allow={"DS107:t.v"})

    assert ["ALTER TABLE k.t ALTER v MASKED WITH mask_default()"] == add.cql
    assert ([], (), ["k.t.v"]) == (drop.cql, drop.refusals, [note.object for note in drop.notes])
    assert ["DS107"] == [refusal.code for refusal in replace.refusals]
    assert ["ALTER TABLE k.t ALTER v MASKED WITH mask_default()"] == allowed.cql


def test_contract_drops_a_mask_under_its_code():
    """Contract drops a mask if its code is allowed."""
    sides = SchemaFacts([desired(PLAIN)]), SchemaFacts([schema(MASKED)])

    assert ["ALTER TABLE k.t ALTER v DROP MASKED"] == contract_plan(*sides, C5, allow={"DS107:t.v"}).cql
    other = contract_plan(*sides, C5, allow={"DS103:t.v"})
    assert [] == other.cql
    assert other.notes[0].fix.endswith("The mask is dropped by DS107:t.v.")


def test_the_undo_of_a_mask():
    """The undo of a dropped mask restores it, and the change itself drops it."""
    dropped = SetMask("k", "t", "v", None, "mask_hash()")

    assert "ALTER TABLE k.t ALTER v MASKED WITH mask_hash()" == undo_cql(dropped, C5)
    assert "ALTER TABLE k.t ALTER v DROP MASKED" == change_cql(dropped, C5)


def test_a_mask_makes_another_fingerprint_and_none_leaves_it_as_it_was():
    """A mask changes the fingerprint, and facts without masks have that of earlier releases."""
    assert 3 == len({fingerprint(value) for value in (PLAIN, MASKED, HASHED)})
    assert fingerprint(PLAIN) == fingerprint(attrs.evolve(MASKED, columns=PLAIN.columns))
    assert [] == summaries(diff(schema(MASKED), desired(MASKED), C5))
