"""Objects that CQL, models and diagrams leave out, and how compact tables are written."""

from __future__ import annotations

import attrs

from scyllamodel.schema.ddl import keyspace_script
from scyllamodel.schema.diff.schema_diff import diff
from scyllamodel.schema.export.mermaid import mermaid
from scyllamodel.schema.export.models.module import module_source
from scyllamodel.schema.export.models.unsupported import unsupported_by_models
from scyllamodel.schema.export.unsupported import missing_from_script
from scyllamodel.schema.facts.objects import Aggregate, Function, Trigger
from scyllamodel.schema.reflect import reflect_keyspace
from scyllamodel.schema.server.profile import ServerProfile
from scyllamodel.types.parser import parse_type
from support.builders import desired, schema, summaries, table

C5 = ServerProfile("cassandra", (5, 0, 6))
INT, PAIR = parse_type("int"), parse_type("frozen<tuple<int, text>>")
TRIGGERED = table("t", "a int pk", triggers=[Trigger("audit", "org.example.Audit")])
CODE = attrs.evolve(
    schema(TRIGGERED),
    functions=[
        Function("plus", (("a", INT), ("b", INT)), INT, "java", "return a + b;"),
        Function("Odd", (("p", PAIR),), PAIR, "java", "return 'x';", null_input=True),
    ],
    aggregates=[Aggregate("total", (INT,), "plus", INT, "0", "Odd", "joined")],
)


def flagged(name, flags, *columns):
    """A table with flags of Thrift."""
    return table(name, *columns, flags=frozenset(flags.split()))


STATIC = ("k int pk", "column1 text ck", "v int static", "value blob")
COUNTERS = ("k int pk", "column1 text ck", "n counter static", "value counter")


def test_compact_tables_are_written_as_they_were_created():
    """Compact tables are written as they were created, without columns that the server adds."""
    empty = "value 'org.apache.cassandra.db.marshal.EmptyType'"
    facts = schema(
        flagged("dense", "dense", "k int pk", "c int ck desc", "v int"),
        flagged("keys_only", "dense", "k int pk", "c int ck", empty),
        flagged("static", "compact", *STATIC),
        flagged("counters", "compact", *COUNTERS),
    )
    counters, dense, keys_only, static = keyspace_script(facts, C5)[1:]

    assert ["    k int,", "    c int,", "    v int,", "    PRIMARY KEY ((k), c)"] == dense.splitlines()[1:5]
    assert dense.endswith("WITH COMPACT STORAGE\n    AND CLUSTERING ORDER BY (c DESC)")
    assert ["    k int,", "    c int,", "    PRIMARY KEY ((k), c)"] == keys_only.splitlines()[1:4]
    assert ["    k int,", "    v int,", "    PRIMARY KEY ((k))", ") WITH COMPACT STORAGE"] == static.splitlines()[1:]
    assert "    n counter," in counters
    assert [] == list(missing_from_script(facts))


def test_what_only_thrift_could_create_is_left_out_of_cql():
    """Tables that only Thrift could create are left out of CQL with the reason."""
    facts = schema(
        flagged("sup", "super", "k int pk", "c int ck", "v int"),
        flagged("odd", "compact", "k int pk", "column1 timeuuid ck", "v int static", "value blob"),
        flagged("none", "compact", "k int pk", "column1 text ck", "value blob"),
    )

    assert [
        "The table 'none' is left out: it was created through Thrift with columns that CQL cannot declare.",
        "The table 'odd' is left out: it was created through Thrift with columns that CQL cannot declare.",
        "The table 'sup' is left out: it is a super column family, which only Thrift could create.",
    ] == [str(item) for item in missing_from_script(facts)]
    assert 1 == len(keyspace_script(facts, C5))


def test_functions_aggregates_and_triggers_are_written():
    """Functions come before aggregates that use them, and before tables whose masks call them."""
    first_line, plus, *others = keyspace_script(CODE, C5)[1:]

    assert 'CREATE FUNCTION k."Odd" (p tuple<int, text>) CALLED ON NULL INPUT RETURNS tuple<int, text> ' in first_line
    assert first_line.endswith("LANGUAGE java AS 'return ''x'';'")
    assert plus.startswith("CREATE FUNCTION k.plus (a int, b int) RETURNS NULL ON NULL INPUT RETURNS int LANGUAGE java")
    assert [
        'CREATE AGGREGATE k.total (int) SFUNC plus STYPE int REDUCEFUNC joined FINALFUNC "Odd" INITCOND 0',
        "CREATE TABLE k.t (\n    a int,\n    PRIMARY KEY ((a))\n)",
        "CREATE TRIGGER audit ON k.t USING 'org.example.Audit'",
    ] == others


def test_functions_aggregates_and_triggers_are_listed_and_noted():
    """Models, JSON and diagrams list functions, aggregates and triggers, and a check notes each of them."""
    names = ["function 'Odd(frozen<tuple<int, text>>)'", "function 'plus(int, int)'", "aggregate 'total(int)'"]
    names.append("trigger 't.audit'")
    listed = [str(item) for item in unsupported_by_models(CODE)]

    assert [f"The {name} is left out: models cannot declare functions or triggers." for name in names] == listed
    assert all(f"# {line}\n" in module_source(CODE, C5) for line in listed)
    assert all(f"    %% The {name} is left out: " in mermaid(CODE) for name in names)
    assert [
        ". trigger t.audit",
        ". function Odd(frozen<tuple<int, text>>)",
        ". function plus(int, int)",
        ". aggregate total(int)",
    ] == summaries(diff(CODE, desired(TRIGGERED), C5))


def column(name, text, kind="regular"):
    """A row of ``system_schema.columns``."""
    cells = {"keyspace_name": "k", "table_name": "t", "column_name": name, "type": text, "kind": kind}
    return {**cells, "position": 0, "clustering_order": "none"}


def read(*columns, **more):
    """The facts of a table with these columns."""
    tables = [{"keyspace_name": "k", "table_name": "t", "flags": {"compound"}}]
    rows = {"tables": tables, "columns": [column("a", "int", "partition_key"), *columns], **more}
    return reflect_keyspace("k", rows, C5)


def test_a_type_without_a_name_in_cql_is_read_as_its_class():
    """The type ``empty``, which no server accepts, is read as its class, unless the word is in quotes."""
    live_table = read(column("v", "empty"), column("l", "list<empty>"), column("u", 'frozen<"x empty">')).table("t")

    assert "'org.apache.cassandra.db.marshal.EmptyType'" == live_table["v"].type.cql
    assert "list<'org.apache.cassandra.db.marshal.EmptyType'>" == live_table["l"].type.cql
    assert 'frozen<"x empty">' == live_table["u"].type.cql


def test_a_user_type_may_be_called_empty():
    """A user type with the name ``empty`` is read as such."""
    types = [{"keyspace_name": "k", "type_name": "empty", "field_names": ["x"], "field_types": ["int"]}]

    assert "empty" == read(column("v", "empty"), types=types).table("t")["v"].type.cql


def test_masks_of_columns_that_are_gone_do_not_count():
    """Masks of dropped and renamed columns, which Cassandra keeps, are ignored."""
    mask = {
        "keyspace_name": "k", "table_name": "t", "function_keyspace": "system", "function_name": "mask_null",
        "function_argument_types": [], "function_argument_values": [], "function_argument_nulls": [],
    }  # fmt: skip
    rows = [{**mask, "column_name": name} for name in ("v", "gone")]
    live_table = read(column("v", "text"), column_masks=rows).table("t")

    assert {"a": None, "v": "mask_null()"} == {c.name: c.mask for c in live_table}
