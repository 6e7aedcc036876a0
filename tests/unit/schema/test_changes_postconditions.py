"""The state of the schema in which a step counts as done."""

from __future__ import annotations

import attrs
import pytest

from scyllamodel.schema.changes import kinds as c
from scyllamodel.schema.changes.postconditions import is_applied, keyspace_of
from scyllamodel.schema.facts.objects import FrozenMap, Keyspace
from scyllamodel.schema.server.profile import ServerProfile
from support.builders import desired, index, schema, table, user_type, view

SERVER = ServerProfile()
T = ("id int pk", "at int ck", "a text")
TABLE = table("t", *T, options={"comment": "x"})
VIEW = view("v", "t", "a text pk", "id int ck", "at int ck")
NEW = table("t", *T, "n int", "s int static")
ADD = c.AddColumns("k", "t", (NEW["n"], NEW["s"]))
PRINTED = schema(TABLE, view("v", "t", "a text pk", "id int ck", "at int ck", where="a IS NOT null AND id IS NOT null"))
INDEX = c.AddIndex("k", TABLE, index("a", "i", using="sai"))
SET = c.SetOptions("k", "t", FrozenMap({"comment": "x"}), FrozenMap())
POINT = c.AddType("k", user_type("point", "x int"))
RENAME = c.RenameKeyColumns("k", "t", (("id", "key"),))

RENAMES = c.RenameKeyColumns("k", "t", (("id", "key"), ("at", "time")))

FIELDS = c.RenameFields("k", "point", (("a", "b"), ("c", "d")))
EXPIRING = table("t", "id int pk", "e int", "f int", ttl_column="e")
SHORT, USUAL = (c.SetOptions("k", "t", FrozenMap({"gc_grace_seconds": n}), FrozenMap(), index="i") for n in (9, 864000))


def indexed(**options):
    """A keyspace with an index whose view has these options; servers show only those that are not the default."""
    return schema(table("t", *T, indexes=[index("a", "i", view_options=options)]))


# the change, what is there, whether that proves the change done
CASES = [
    ("keyspace", c.CreateKeyspace(Keyspace("k")), schema(), True),
    ("no keyspace", c.CreateKeyspace(Keyspace("k")), schema(keyspace=None), False),
    ("type", POINT, schema(user_type("point", "x int")), True),
    ("type that grew since", POINT, schema(user_type("point", "x int", "y int")), True),
    ("no type", POINT, schema(), False),
    ("other type", POINT, schema(user_type("point", "x text")), False),
    ("field", c.AddField("k", "point", "x", user_type("p", "x int").fields[0][1]), schema(POINT.type), True),
    ("other field", c.AddField("k", "point", "x", user_type("p", "x text").fields[0][1]), schema(POINT.type), False),
    ("both fields renamed", FIELDS, schema(user_type("point", "b int", "d int")), True),
    ("one of two fields renamed", FIELDS, schema(user_type("point", "b int", "c int")), False),
    ("renamed, and one old field still there", FIELDS, schema(user_type("point", "a int", "b int", "d int")), False),
    ("no type with the renamed fields", FIELDS, schema(), False),
    ("no type for the field", c.AddField("k", "p", "x", POINT.type.fields[0][1]), schema(), False),
    ("table", c.AddTable("k", TABLE), schema(TABLE), True),
    ("table with more", c.AddTable("k", TABLE), schema(table("t", *T, "n int", options={"comment": "x"})), True),
    ("table with less", c.AddTable("k", TABLE), schema(table("t", *T[:2], options={"comment": "x"})), False),
    ("table with another key", c.AddTable("k", TABLE),
     schema(table("t", "id int pk", "at int", "a text", options={"comment": "x"})), False),
    ("table with another order", c.AddTable("k", TABLE),
     schema(table("t", "id int pk", "at int ck desc", "a text", options={"comment": "x"})), False),
    ("table with a longer key", c.AddTable("k", TABLE),
     schema(table("t", *T, "b int ck", options={"comment": "x"})), False),
    ("table with another type", c.AddTable("k", TABLE),
     schema(table("t", *T[:2], "a int", options={"comment": "x"})), False),
    ("table with other options", c.AddTable("k", TABLE), schema(table("t", *T, options={"comment": "y"})), False),
    ("table that got a TTL column since", c.AddTable("k", TABLE),
     schema(table("t", *T, "e int", ttl_column="e", options={"comment": "x"})), True),
    ("table without its TTL column", c.AddTable("k", EXPIRING), schema(attrs.evolve(EXPIRING, ttl_column=None)), False),
    ("table with another TTL column", c.AddTable("k", EXPIRING), schema(attrs.evolve(EXPIRING, ttl_column="f")), False),
    ("a view of that name", c.AddTable("k", table("v", *T)), schema(TABLE, VIEW), False),
    ("columns", ADD, schema(NEW), True),
    ("both renamed", RENAMES, schema(table("t", "key int pk", "time int ck", "a text")), True),
    ("one of two renamed", RENAMES, schema(table("t", "key int pk", "at int ck", "a text")), False),
    ("renamed, and the old one still there", RENAME, schema(table("t", "key int pk", "id int ck", "a text")), False),
    ("one of two columns", ADD, schema(table("t", *T, "n int")), False),
    ("a column of another type", ADD, schema(table("t", *T, "n text", "s int static")), False),
    ("a column of another kind", ADD, schema(table("t", *T, "n int", "s int")), False),
    ("no table for the columns", ADD, schema(), False),
    ("rename", RENAME, schema(table("t", "key int pk")), True),
    ("no rename", RENAME, schema(TABLE), False),
    ("options", SET, schema(TABLE), True),
    ("other options", SET, schema(table("t", *T, options={"comment": "y"})), False),
    ("options of a view", c.SetOptions("k", "v", FrozenMap({"comment": "x"}), FrozenMap(), view=True),
     schema(TABLE, view("v", "t", "a text pk", options={"comment": "x"})), True),
    ("options of a view, not of its table", c.SetOptions("k", "v", FrozenMap({"comment": "x"}), FrozenMap(), view=True),
     schema(table("v", "id int pk", options={"comment": "x"})), False),
    ("option of an index", SHORT, indexed(gc_grace_seconds=9), True),
    ("another option of an index", SHORT, indexed(gc_grace_seconds=8), False),
    ("option of an index that still has the default", SHORT, indexed(), False),
    ("default of an index that nothing stores", USUAL, indexed(), True),
    ("default of an index that stores another value", USUAL, indexed(gc_grace_seconds=9), False),
    ("no index for the option", USUAL, schema(TABLE), False),
    ("index", INDEX, schema(table("t", *T, indexes=[index("a", "i", using="StorageAttachedIndex")])), True),
    ("index of another class", INDEX, schema(table("t", *T, indexes=[index("a", "i")])), False),
    ("index of another name", INDEX, schema(table("t", *T, indexes=[index("a", "j", using="sai")])), False),
    ("index on another column", INDEX, schema(table("t", *T, indexes=[index("at", "i", using="sai")])), False),
    ("index on another table", INDEX, schema(TABLE, table("u", *T, indexes=[index("a", "i", using="sai")])), False),
    ("view", c.AddView("k", VIEW), schema(TABLE, VIEW), True),
    ("view as servers print it", c.AddView("k", VIEW), PRINTED, True),
    ("view with a filter", c.AddView("k", VIEW),
     schema(TABLE, view("v", "t", "a text pk", "id int ck", "at int ck", where="a IS NOT NULL AND id = 1")), False),
    ("view of another table", c.AddView("k", VIEW),
     schema(TABLE, view("v", "u", "a text pk", "id int ck", "at int ck")), False),
    ("no view", c.AddView("k", VIEW), schema(TABLE), False),
    ("dropped type", c.DropType("k", POINT.type), schema(), True),
    ("undropped type", c.DropType("k", POINT.type), schema(POINT.type), False),
    ("dropped table", c.DropTable("k", TABLE), schema(), True),
    ("undropped table", c.DropTable("k", TABLE), schema(TABLE), False),
    ("dropped columns", c.DropColumns("k", "t", ADD.columns), schema(TABLE), True),
    ("one dropped column of two", c.DropColumns("k", "t", ADD.columns), schema(table("t", *T, "n int")), False),
    ("dropped columns of no table", c.DropColumns("k", "t", ADD.columns), schema(), False),
    ("dropped index", c.DropIndex("k", TABLE, INDEX.index), schema(TABLE), True),
    ("undropped index", c.DropIndex("k", TABLE, INDEX.index), schema(table("t", *T, indexes=[index("a", "i")])), False),
    ("dropped view", c.DropView("k", VIEW), schema(TABLE), True),
    ("undropped view", c.DropView("k", VIEW), schema(TABLE, VIEW), False),
]  # fmt: skip


@pytest.mark.parametrize(("change", "value", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_step_is_proved_by_the_schema(change, value, expected):
    """A step is done exactly if its objects exist, no matter who created them."""
    assert expected == is_applied(change, value, SERVER)
    assert "k" == keyspace_of(change)


@pytest.mark.parametrize(
    "change",
    [c.Unmanaged("k", "table", "t"), c.NameTaken("k", "t", "table", "view"), c.AlterView("k", VIEW, VIEW, "key")],
)
def test_what_never_runs_is_never_proved(change):
    """Requesting the post-condition of a note or a refusal is a programming error."""
    with pytest.raises(TypeError, match="has no statement"):
        is_applied(change, desired(), SERVER)
