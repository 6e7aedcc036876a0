"""Snapshots of the declared schema, and differences in both directions."""

from __future__ import annotations

import json

import attrs
import pytest
from hypothesis import HealthCheck, given, settings

from scyllamodel.errors import ConfigurationError
from scyllamodel.schema.compare.comparison_report import compare_schemas, normalized_to_declared
from scyllamodel.schema.export.snapshot import facts_from_snapshot, read_snapshot, snapshot_document, snapshot_text
from scyllamodel.schema.facts.objects import SchemaFacts
from scyllamodel.schema.server.profile import ServerProfile
from support.builders import index, schema, table, user_type, view
from support.json_schemas import document_in, faults
from support.shell import run
from support.strategies import keyspaces, later

T = ("a int pk", "v text")
C5 = ServerProfile("cassandra", (5, 0, 6))
many = settings(deadline=None, suppress_health_check=list(HealthCheck))


def bare(facts):
    """The facts without what depends on the environment."""
    return SchemaFacts([attrs.evolve(facts, keyspace=None)])


@many
@given(keyspaces())
def test_a_snapshot_is_read_back_as_it_was(facts):
    """The facts from a snapshot equal the originals, under any name of the keyspace."""
    document = snapshot_document({"default": ("k", bare(facts))})

    assert [] == faults(document)
    assert document == read_snapshot(snapshot_text(document), "x")
    assert bare(facts) == facts_from_snapshot(document, "default", "k")
    assert "other" == facts_from_snapshot(document, "default", "other").keyspaces[0].name


@many
@given(keyspaces())
def test_nothing_is_different_from_itself(facts):
    """Facts do not differ from themselves, also if one side was written to a file."""
    assert () == compare_schemas(bare(facts), bare(facts))


@many
@given(keyspaces().flatmap(lambda first: later(first).map(lambda second: (first, second))))
def test_growth_is_reported_in_both_directions(pair):
    """A difference in one direction is the reverse in the other one, in the same order."""
    old, new = map(bare, pair)
    forward, backward = compare_schemas(old, new), compare_schemas(new, old)
    turned = {"+": "-", "-": "+", "~": "~"}

    assert (old == new) == (not forward)
    assert [(d.what, d.object, d.mark, d.before, d.after) for d in forward] == [
        (d.what, d.object, turned[d.mark], d.after, d.before) for d in backward
    ]


LOCK = """\
{
  "format": 1,
  "kind": "snapshot",
  "repos": [
    {
      "name": "default",
      "keyspaces": [
        {
          "name": null,
          "types": [],
          "tables": [
            {
              "name": "t",
              "columns": [
                {"name": "id", "type": "int", "kind": "partition_key", "descending": false}
              ],
              "indexes": [],
              "options": {"comment": "\\u00e9"}
            }
          ],
          "views": []
        }
      ]
    }
  ]
}
"""


def test_a_column_is_a_line():
    """Each column is a separate line of the file, so that a diff shows it."""
    facts = bare(schema(table("t", options={"comment": "é"})))

    assert LOCK == snapshot_text(snapshot_document({"default": ("k", facts)}))


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("{", "is not a snapshot"),
        ("[]", "is not a snapshot"),
        ('{"kind": "plan", "format": 1}', "contains a plan of format 1"),
        ('{"kind": "snapshot", "format": 2}', "of format 2"),
    ],
)
def test_a_file_that_is_no_snapshot_says_so(text, output):
    """The error has the name of the file and the command that writes one."""
    with pytest.raises(ConfigurationError, match=output) as error:
        read_snapshot(text, "lock.json")

    assert "lock.json" in str(error.value)
    assert "scyllamodel snapshot" in str(error.value)


def test_a_snapshot_that_was_altered_says_so():
    """An invalid type or a missing key is an error with the name of the file."""
    document = json.loads(LOCK.replace('"int"', '"list<"'))

    with pytest.raises(ConfigurationError, match="was altered"):
        facts_from_snapshot(document, "default", "k")
    with pytest.raises(ConfigurationError, match="contains the repos default"):
        facts_from_snapshot(document, "other", "k")


def test_each_difference_has_a_line():
    """Each difference of columns, keys, indexes, options, types and views has a line."""
    old = bare(schema(
        user_type("p", "x int"), table("t", "a int pk", "b int ck", "v int", options={"comment": "x"}), table("gone"),
    ))  # fmt: skip
    new = bare(schema(
        user_type("p", "x int", "y int"),
        table("t", "a int pk", "b int ck desc", "v text static", "w int", indexes=[index("w", "i")]),
        view("x", "t", "b int pk", "a int ck"),
    ))  # fmt: skip

    assert [
        "~ user type k.p: x int -> x int, y int",
        "- table k.gone: id int",
        "~ column k.t.v: int -> text static",
        "+ column k.t.w: int",
        "~ key k.t: (a), b -> (a), b DESC",
        "+ index k.t.i: w",
        "- option k.t.comment: x",
        "+ view k.x: b int, a int",
    ] == [str(difference) for difference in compare_schemas(old, new)]


def test_what_models_leave_open_is_no_difference():
    """Undeclared options, equivalent spellings of the server, and generated index names do not count as differences."""
    tiers = {"class": "SizeTieredCompactionStrategy"}
    sai = "org.apache.cassandra.index.sai.StorageAttachedIndex"
    stored = {"gc_grace_seconds": 9, "compaction": {**tiers, "min_threshold": "4"}}
    live = schema(table("t", *T, options=stored, indexes=[index("v", "other", using=sai)]))
    declared = schema(table("t", *T, options={"compaction": tiers}, indexes=[index("v", using="sai")]))
    normalized = normalized_to_declared(bare(live), bare(declared), C5)

    assert () == compare_schemas(normalized, bare(declared))


APP = """
from scyllamodel import Column, Model, Repo, column, partition_key

repo = Repo("shop", nodes=["localhost"], keyspace="shop", models=["app"])


class Order(Model, table="orders", repo="shop"):
    id: Column[int] = partition_key()
"""


@pytest.fixture
def app(tmp_path):
    """Run commands in a project with one model and without a server."""
    (tmp_path / "app.py").write_text(APP, encoding="utf-8")
    return lambda *arguments: run(*arguments, "--repo", "app:repo", folder=tmp_path)


def test_check_offline_tells_whether_the_file_is_up_to_date(app, tmp_path):
    """Exit code 78 without a file, 0 after a snapshot, and 2 after a change, without a server."""
    before = app("check", "--offline")
    result = app("snapshot", "--json")
    same = app("check", "--offline", "--json")
    (tmp_path / "app.py").write_text(APP + "    note: Column[str] = column()\n", encoding="utf-8")
    changed = app("check", "--offline")

    assert [78, 0, 0, 2] == [process.returncode for process in (before, result, same, changed)]
    assert document_in(result.stdout) == json.loads((tmp_path / "schema.lock.json").read_text(encoding="utf-8"))
    assert document_in(same.stdout)["empty"]
    assert "+ column shop.orders.note: text" in changed.stdout


def test_diff_compares_any_two_sources(app, tmp_path):
    """`diff` compares the empty schema, models and files, and exits with 2 only if requested."""
    app("snapshot", "-q")
    new = app("diff", "--from", "empty", "--exit-code")
    same = app("diff", "--json")
    invalid = app("diff", "--from", "release:3")

    assert [2, 0, 78] == [result.returncode for result in (new, same, invalid)]
    assert "From empty to models:\n+ table shop.orders: id bigint\n" == new.stdout
    assert [] == document_in(same.stdout)["differences"]
    assert "unknown schema source 'release:3'" in invalid.stderr


def test_a_snapshot_that_cannot_be_written_leaves_nothing(app, tmp_path):
    """A file that cannot be written is a configuration error that names it, and no partial file remains."""
    result = app("snapshot", "--out", "no/such/folder/lock.json")

    assert 78 == result.returncode
    assert "no/such/folder/lock.json cannot be written" in result.stderr
