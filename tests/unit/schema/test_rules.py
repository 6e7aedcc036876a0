"""Each code has a case that raises it, and a similar one that does not."""

from __future__ import annotations

import re
import shlex
import sys
import types
from datetime import timedelta

import attrs
import pytest

from scyllamodel.cli.definitions import COMMANDS
from scyllamodel.cli.parser import parse
from scyllamodel.driver.cluster.permissions import Permissions
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ScyllaModelError
from scyllamodel.release.engine.application_role import role_diagnostics
from scyllamodel.release.engine.companion_keyspace import companion_note
from scyllamodel.release.engine.raw_steps import RawStep, role_notes, uncertain_step_refusals, with_raw_steps
from scyllamodel.release.ledger import Migration
from scyllamodel.release.ledger.records import LedgerStep
from scyllamodel.release.ledger.superseded import check_may_sync
from scyllamodel.release.lock.uniqueness import check_lock_is_unique
from scyllamodel.release.plan_check import _with_owner
from scyllamodel.release.rollback import find_target
from scyllamodel.release.sync import sync
from scyllamodel.schema.changes import kinds as c
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.diff.schema_diff import SchemaPair, diff
from scyllamodel.schema.facts.objects import FrozenMap, Keyspace, KeyspaceFacts, SchemaFacts
from scyllamodel.schema.plan import contract_plan, make_plan
from scyllamodel.schema.reflect import reflect_keyspace
from scyllamodel.schema.rules.allow import checked_values
from scyllamodel.schema.rules.catalogue import CATALOGUE, ENTRIES
from scyllamodel.schema.rules.context import is_allowed
from scyllamodel.schema.rules.destructive import dropped_keyspace
from scyllamodel.schema.rules.evaluation import RuleContext, evaluate, lint
from scyllamodel.schema.rules.preflight import Health, Member, preflight
from scyllamodel.schema.rules.raw_statements import RawStatementChecker
from scyllamodel.schema.server.profile import NodeSettings, ServerProfile
from support.builders import NTS, desired, index, schema, table, user_type, view
from support.ledger_store import NOON, MemoryStore, ledger_on
from support.scylla_observed import NEW, OLD, stored_rows
from support.scylla_observed import rows as scylla_rows

C5, C4 = ServerProfile("cassandra", (5, 0, 6)), ServerProfile("cassandra", (4, 1, 10))
SCYLLA, OLD_SCYLLA = ServerProfile("scylla", (2025, 4)), ServerProfile("scylla", (2025, 1))
BY_DEFAULT = ServerProfile("scylla", (2025, 1), node=NodeSettings(tablets_mode="enabled"))
ENFORCED = ServerProfile("scylla", (2026, 3), node=NodeSettings(tablets_mode="enforced", min_replication_factor=3))
SS = {"class": "SimpleStrategy", "replication_factor": "2"}
BY_REPAIR, CDC_ON = {"mode": "repair"}, {"enabled": "true"}
HOURLY = {"class": "TimeWindowCompactionStrategy", "compaction_window_unit": "HOURS", "compaction_window_size": "1"}
GUARDED = ServerProfile("scylla", (2026, 3), node=NodeSettings(
    most_factor=2, refused_strategies=frozenset({"SimpleStrategy"}),
    discouraged_strategies=frozenset({"EverywhereStrategy"}), endless_windows="true", experimental=frozenset({"udf"}),
))  # fmt: skip
LENIENT = ServerProfile("scylla", (2026, 3), node=NodeSettings(
    most_factor=-1, endless_windows="warn", experimental=frozenset({"logstor"}),
))  # fmt: skip
LOGSTOR = {"storage_engine": "logstor"}
WINDOWS = {n: ServerProfile("scylla", (2025, 4), node=NodeSettings(max_time_windows=n)) for n in (0, 10)}
GC, LONG, INTERVALS = (
    {"tombstone_gc": BY_REPAIR}, {"default_time_to_live": 10**6},
    {"min_index_interval": 128, "max_index_interval": 4096},
)  # fmt: skip
USES = table("u", "a int pk", "v frozen<addr>")
NO_VIEWS = attrs.evolve(C5, views_enabled=False)
UNMASKED = attrs.evolve(C5, masks_enabled=False)

T = ("a int pk", "b int ck", "v text")
LCS = {"class": "LeveledCompactionStrategy"}
V = view("x", "t", "v text pk", "a int ck", "b int ck")
EXPIRING = table("t", "a int pk", "ends timestamp", "later bigint", ttl_column="ends")
LATER = attrs.evolve(EXPIRING, ttl_column="later")


def new(*columns, **facts):
    """Models with a new table ``t``."""
    return schema(), desired(table("t", *columns, **facts))


def both(live, declared, *more):
    """A live and declared table, with additional objects on both sides."""
    return schema(table("t", *live), *more), desired(table("t", *declared), *more)


def dropped(what, column):
    """A table that once had a column ``x``, and models that declare one again."""
    return schema(table("t", *T, dropped={"x": what})), desired(table("t", *T, f"x {column}"))


def searched(options, *names, live=False, tablets=True):
    """A live or new table with vector indexes, and models with options."""
    declared = [index("e", name, using="vector_index") for name in names or ("i",)]
    new_table = table("t", "a int pk", "e vector<float,3>", options=options, indexes=declared)
    logged = {"cdc": {"enabled": "true"}}
    live_tables = [attrs.evolve(new_table, options=logged, indexes=declared[:1])] if live else []
    return schema(*live_tables, keyspace=Keyspace("k", NTS, tablets=tablets)), desired(new_table)


def optioned(**options):
    """A new vector index with options."""
    new_index = index("e", "i", using="vector_index", options={name: str(value) for name, value in options.items()})
    tables = desired(table("t", "a int pk", "e vector<float,3>", indexes=[new_index]))
    return schema(keyspace=Keyspace("k", NTS, tablets=True)), tables


def with_static(indexes):
    """A live table with an index, and models that add a static column."""
    live, declared = indexed(indexes, indexes, *T, "m list<int>")
    return live, desired(table("t", *T, "m list<int>", "s int static", indexes=declared.tables[0].indexes))


def facts_of(**facts):
    """Models of a new keyspace."""
    return schema(keyspace=None), attrs.evolve(desired(), keyspace=Keyspace("k", **facts))


def keyspace_with(*parts, **facts):
    """Models of a new keyspace with these objects."""
    return schema(keyspace=None), attrs.evolve(desired(*parts), keyspace=Keyspace("k", **facts))


def with_copies(gc, kind="NetworkTopologyStrategy", **factors):
    """A table with this mode of tombstone_gc, in a keyspace with this replication."""
    replication = {"class": kind, **{dc: str(factor) for dc, factor in factors.items()}}
    return schema(keyspace=Keyspace("k", replication)), desired(table("t", *T, options={"tombstone_gc": gc}))


def altered_on_tablets(options):
    """A table on tablets that is altered to have these options."""
    live = schema(table("t", *T), keyspace=Keyspace("k", NTS, tablets=True))
    return live, desired(table("t", *T, options=options))


def with_tablets(*parts):
    """A keyspace with tablets that does not have these objects."""
    return schema(keyspace=Keyspace("k", NTS, tablets=True)), desired(*parts)


def indexed(live, declared, *columns):
    """A table with live and with declared indexes."""
    columns = columns or T
    return schema(table("t", *columns, indexes=live)), desired(table("t", *columns, indexes=declared))


def without_grace(indexes):
    """A table with these indexes, and models with no grace period."""
    live = table("t", *T, indexes=indexes, options={"gc_grace_seconds": 9})
    return schema(live), desired(attrs.evolve(live, options={"gc_grace_seconds": 0}))


def options(live, declared, *more):
    """A table with live and declared options, and other live objects."""
    return schema(table("t", *T, options=live), *more), desired(table("t", *T, options=declared))


INDEXED, GRACELESS = table("t", *T, indexes=[index("v", "i")]), table("t", *T, options={"gc_grace_seconds": 0})
ADDR = user_type("addr", "x int")
GROWN = user_type("addr", "x int", "y int")
OPEN = user_type("addr", "x int", "y set<int>")
FROZEN = user_type("addr", "x int", "y frozen<set<int>>")

# code, severity, server, (found, wanted) that raises it, (found, wanted) that does not
CASES = [
    ("PK101", "error", C5, both(T, ("a int pk", "b int pk", "v text")), both(T, (*T, "n int"))),
    ("PK102", "error", C5, both(T, ("a int pk", "b int ck desc", "v text")), both(T, T)),
    ("PK103", "error", C5, both(T, (*T, "n int ck")), both(T, (*T, "n int"))),
    ("PK104", "error", C5, (schema(table("t", flags={"dense"})), desired(table("t"))),
     (schema(table("t", flags={"compound"})), desired(table("t")))),
    ("TY101", "error", C5, both(T, (*T[:2], "v varint")), both(T, (*T[:2], "v varchar"))),
    ("TY101", "error", C5, both(("a int pk", "v int"), ("a int pk", "v varint")), both(T, T)),
    ("TY102", "error", SCYLLA, both(("a int pk", "v int"), ("a int pk", "v varint")),
     both(("a int pk", "v varint"), ("a int pk", "v int"))),
    ("TY102", "error", SCYLLA, both(("a int pk", "v int"), ("a int pk", "v blob")),
     both(("a int pk", "v counter"), ("a int pk", "v blob"))),
    ("TY103", "error", C5, both((*T, "s set<int>"), (*T, "s frozen<set<int>>")), both((*T, "s set<int>"), T)),
    ("TY104", "error", C5, both(T, (*T[:2], "v text static")), both(T, (*T, "s text static"))),
    ("TY105", "error", C5, dropped("regular text", "int"), dropped("regular text", "text")),
    ("TY105", "error", SCYLLA, dropped(" text", "int"), dropped(" text", "text static")),
    ("TY105", "error", C5, dropped("regular text", "text static"), dropped("static text", "text static")),
    ("TY105", "error", C5, dropped("regular frozen<tuple<int>>", "frozen<addr>"),
     dropped("regular frozen<tuple<int>>", "tuple<int>")),
    ("TY106", "error", C5, (schema(table("t", "a int pk", "n counter", dropped={"x": "regular counter"})),
     desired(table("t", "a int pk", "n counter", "x counter"))), dropped("regular text", "text")),
    ("TY107", "error", C5, both(T, (*T, "n counter")), both(("a int pk", "n counter"), ("a int pk", "n counter"))),
    ("TY107", "error", C5, both(("a int pk", "n counter"), ("a int pk", "n counter", "v int")), both(T, (*T, "w int"))),
    ("TY107", "error", C5, both(T, (*T[:2], "v counter")), both(("a int pk",), ("a int pk", "v int"))),
    ("TY108", "error", C4, new("a int pk", "e vector<float,3>"), new("a int pk", "e list<float>")),
    ("TY108", "error", C4, both(T, (*T, "e set<frozen<vector<float,3>>>")), both(T, (*T, "e int"))),
    ("TY108", "error", OLD_SCYLLA, (schema(), desired(user_type("p", "e vector<float,2>"))), (schema(), desired(ADDR))),
    ("TY108", "error", C4, (schema(ADDR), desired(user_type("addr", "x int", "e vector<float,2>"))),
     (schema(ADDR), desired(GROWN))),
    ("TY109", "error", C4, new("a int pk", "v text mask=mask_default()"), new("a int pk", "v text")),
    ("TY109", "error", UNMASKED, both(T, (*T, "w text mask=mask_default()")), both(T, (*T, "w text"))),
    ("TY109", "error", SCYLLA, both(T, (*T[:2], "v text mask=mask_default()")), both(T, T)),
    ("DS107", "error", C5, both((*T, "m text mask=mask_hash()"), (*T, "m text mask=mask_default()")),
     both((*T, "m text mask=mask_hash()"), (*T, "m text"))),
    ("DS108", "error", NEW, (schema(EXPIRING), desired(LATER)), (schema(EXPIRING), desired(EXPIRING))),
    ("TY110", "error", C5, (schema(), desired(EXPIRING)), (schema(), desired(attrs.evolve(EXPIRING, ttl_column=None)))),
    ("BC104", "warn", C5, both(T, (*T[:2], "v text mask=mask_default()")),
     new(*T[:2], "v text mask=mask_default()")),
    ("UD101", "error", C5, (schema(GROWN), desired(user_type("addr", "y int"))), (schema(GROWN), desired(ADDR))),
    ("UD102", "error", C5, (schema(ADDR), desired(user_type("addr", "x text"))), (schema(ADDR), desired(GROWN))),
    (
        "UD104",
        "error",
        C5,
        (schema(ADDR), desired(user_type("addr", "n int", "x int"))),
        (schema(ADDR), desired(GROWN)),
    ),
    ("UD103", "error", C5, (schema(ADDR, table("t", "a frozen<addr> pk")), desired(GROWN)),
     (schema(ADDR, table("t", "a int pk", "b frozen<addr> ck")), desired(GROWN))),
    ("UD103", "error", C5, (schema(ADDR, USES, view("x", "u", "v frozen<addr> pk", "a int ck")), desired(GROWN)),
     (schema(ADDR, attrs.evolve(USES, indexes=[index("v")])), desired(GROWN))),
    ("UD103", "error", SCYLLA, (schema(ADDR, attrs.evolve(USES, indexes=[index("v")])), desired(GROWN)),
     (schema(ADDR, attrs.evolve(USES, indexes=[index("a")])), desired(GROWN))),
    ("UD103", "error", SCYLLA,
     (schema(ADDR, user_type("p", "q frozen<addr>"), table("t", "a frozen<set<frozen<p>>> pk")), desired(GROWN)),
     (schema(ADDR, user_type("p", "q frozen<addr>"), table("t", "a int pk", "v frozen<p>")), desired(GROWN))),
    ("UD103", "error", SCYLLA,
     (schema(ADDR, table("t", "a frozen<addr> pk")), desired(user_type("addr", "y int from=x"))),
     (schema(ADDR), desired(user_type("addr", "y int from=x")))),
    ("BC101", "error", C5, (schema(ADDR), desired(user_type("addr", "y int from=x", "z int"))),
     (schema(ADDR), desired(user_type("addr", "x int from=w", "z int")))),
    ("UD105", "error", C5, (schema(), desired(user_type("a", "z frozen<b>"), user_type("b", "z list<frozen<a>>"))),
     (schema(), desired(user_type("a", "z frozen<b>"), user_type("b", "z int")))),
    ("UD106", "error", C5, (schema(ADDR, table("t", *T, "u addr")), desired(OPEN)),
     (schema(ADDR, table("t", *T, "u frozen<addr>")), desired(OPEN))),
    ("UD106", "error", C5, (schema(), desired(OPEN, table("t", *T, "u addr"))),
     (schema(), desired(FROZEN, table("t", *T, "u addr")))),
    ("IX101", "warn", C5, indexed([], [index("v")]), new(*T, indexes=[index("v")])),
    ("IX102", "error", C5, indexed([index("b", "i")], [index("v", "i")]),
     indexed([index("b", "i")], [index("v", "j")])),
    ("IX102", "error", C5, indexed([index("v", "i")], [index("v", "j")]), indexed([index("v", "i")], [index("v")])),
    ("IX102", "error", SCYLLA, (schema(table("t", *T), table("i_index")), desired(INDEXED)),
     (schema(), desired(INDEXED))),
    ("IX102", "error", C5, (schema(), desired(INDEXED, attrs.evolve(INDEXED, name="u"))),
     (schema(), desired(INDEXED, table("u", *T, indexes=[index("v", "j")])))),
    (
        "IX102",
        "error",
        SCYLLA,
        (schema(), desired(INDEXED, table("i_index"))),
        (schema(), desired(INDEXED, table("j"))),
    ),
    ("IX103", "error", C5, indexed([index("v", "i")], [index("v", "i", using="sai")]),
     indexed([index("v", "i", using="SAI")], [index("v", "i", using="sai")])),
    ("IX104", "error", C4, indexed([], [index("v", using="sai")]), indexed([], [index("v")])),
    ("IX104", "error", SCYLLA, indexed([], [index("v", using="SASI")]), indexed([], [index("v")])),
    ("IX104", "error", ServerProfile("scylla", (2026, 2)), indexed([], [index("v", using="fulltext_index")]),
     indexed([], [index("v", using="legacy_local_table")])),
    ("IX104", "error", C5, indexed([], [index("v", local=True)]), indexed([], [index("v")])),
    ("IX104", "error", ServerProfile("scylla", (2025, 3)),
     indexed([], [index("e", using="sai")], *T, "e vector<float,2>"), indexed([], [index("v")])),
    ("MV101", "warn", C5, (schema(table("t", *T)), desired(table("t", *T), V)), (schema(), desired(table("t", *T), V))),
    ("MV103", "error", C5, (schema(table("t", *T), V), desired(table("t", *T), attrs.evolve(V, base="u"))),
     both(T, T, V)),
    ("MV104", "error", NO_VIEWS, (schema(table("t", *T)), desired(table("t", *T), V)), both(T, T, V)),
    ("OP101", "error", C5, (schema(), desired(GRACELESS, V)), (schema(), desired(GRACELESS))),
    ("OP101", "error", C5, options({"gc_grace_seconds": 9}, {"gc_grace_seconds": 0}, V),
     options({"gc_grace_seconds": 9}, {"gc_grace_seconds": 0})),
    ("OP101", "error", C5, (schema(GRACELESS), desired(table("t", *T), V)),
     (schema(GRACELESS), desired(table("t", *T, options={"gc_grace_seconds": 9}), V))),
    ("OP101", "error", C5, (schema(GRACELESS), desired(V)), (schema(table("t", *T)), desired(V))),
    ("OP101", "error", SCYLLA, without_grace([index("v", "i")]), without_grace([])),
    ("OP102", "warn", C5, options({"compaction": {**LCS, "sstable_size_in_mb": "80"}}, {"compaction": LCS}),
     options({"compaction": {"class": "SizeTieredCompactionStrategy", "min_threshold": "6"}}, {"compaction": LCS})),
    ("OP103", "warn", C5, options({"default_time_to_live": 0}, {"default_time_to_live": 9}),
     new(*T, options={"default_time_to_live": 9})),
    ("OP104", "error", C5, new(*T, options={"tombstone_gc": {"mode": "repair"}}), new(*T, options={"comment": "x"})),
    ("OP104", "error", C4, options({}, {"allow_auto_snapshot": True}), new(*T)),
    ("OP104", "error", C5, new(*T, options={"min_index_interval": 4096}),
     new(*T, options={"min_index_interval": 2048})),
    ("OP104", "error", C5, options(INTERVALS, {"min_index_interval": 5000}),
     options(INTERVALS, {"min_index_interval": 4096})),
    ("OP104", "error", OLD_SCYLLA, with_copies(BY_REPAIR, dc1=1), with_copies(BY_REPAIR, dc1=1, dc2=1)),
    ("OP104", "error", OLD_SCYLLA, with_copies(BY_REPAIR, dc1=1), with_copies({"mode": "timeout"}, dc1=1)),
    ("OP104", "error", OLD_SCYLLA, with_copies(BY_REPAIR, dc1=1, dc2=0), with_copies(BY_REPAIR, dc1=2, dc2=0)),
    ("OP104", "error", OLD_SCYLLA, with_copies(BY_REPAIR, dc1=1), with_copies(BY_REPAIR, replication_factor=1)),
    ("OP104", "error", OLD_SCYLLA, with_copies(BY_REPAIR, kind="LocalStrategy"),
     with_copies(BY_REPAIR, kind="EverywhereStrategy")),
    ("OP104", "error", OLD_SCYLLA, with_copies(BY_REPAIR, kind="SimpleStrategy", replication_factor=1),
     with_copies(BY_REPAIR, kind="SimpleStrategy", replication_factor=2)),
    ("OP104", "error", OLD_SCYLLA, keyspace_with(table("t", *T, options=GC), replication={**NTS, "dc1": "1"}),
     keyspace_with(table("t", *T, options=GC), replication={**NTS, "dc1": "2"})),
    ("OP104", "error", SCYLLA, with_tablets(table("t", *T), view("x", "t", *T[:2], options=GC)),
     with_tablets(table("t", *T), view("x", "t", "b int pk", "a int ck", options=GC))),
    ("OP104", "error", SCYLLA, with_tablets(table("t", *T), view("x", "t", *T[:2], options=GC)),
     with_tablets(table("t", *T, options=GC))),
    ("OP104", "error", SCYLLA, new("a int pk", "n counter", options={"cdc": CDC_ON}), new(*T, options={"cdc": CDC_ON})),
    ("OP104", "error", SCYLLA, (schema(table("t_scylla_cdc_log")), desired(table("t", *T, options={"cdc": CDC_ON}))),
     (schema(table("u_scylla_cdc_log")), desired(table("t", *T, options={"cdc": CDC_ON})))),
    ("OP104", "error", SCYLLA, (schema(), desired(table("t", *T), attrs.evolve(V, options={"cdc": CDC_ON}))),
     new(*T, options={"cdc": CDC_ON})),
    ("OP104", "error", ServerProfile("scylla", (2026, 3)), new(*T, options={"storage_engine": "logstor"}),
     new("a int pk", options={"storage_engine": "logstor"})),
    ("OP105", "error", SCYLLA, new(*T, options={"compaction": HOURLY, "default_time_to_live": 51 * 3600}),
     new(*T, options={"compaction": HOURLY, "default_time_to_live": 50 * 3600})),
    ("OP105", "error", SCYLLA, options({"compaction": HOURLY, "default_time_to_live": 9}, LONG),
     options({"compaction": HOURLY, **LONG}, {"comment": "x"})),
    ("OP105", "error", WINDOWS[10], new(*T, options={"compaction": HOURLY, "default_time_to_live": 11 * 3600}),
     new(*T, options={"compaction": LCS, "default_time_to_live": 11 * 3600})),
    ("OP105", "error", GUARDED, new(*T, options={"compaction": HOURLY}),
     new(*T, options={"compaction": HOURLY, "default_time_to_live": 9})),
    ("OP105", "error", GUARDED, options({"compaction": HOURLY, "default_time_to_live": 9}, {"default_time_to_live": 0}),
     options({"compaction": LCS, "default_time_to_live": 9}, {"default_time_to_live": 0})),
    ("OP105", "error", GUARDED, new(*T, options={"compaction": HOURLY}),
     (schema(), desired(table("t", *T), attrs.evolve(V, options={"compaction": HOURLY})))),
    ("OP105", "warn", LENIENT, new(*T, options={"compaction": HOURLY}), new(*T, options={"compaction": LCS})),
    ("OP104", "error", GUARDED, new("a int pk", options=LOGSTOR), new("a int pk", options={"comment": "x"})),
    ("OP104", "error", LENIENT, new(*T, options=LOGSTOR), new("a int pk", options=LOGSTOR)),
    ("KS102", "error", GUARDED, facts_of(replication={**NTS, "dc1": "3"}), facts_of(replication={**NTS, "dc1": "2"})),
    ("KS102", "error", GUARDED, facts_of(replication={**NTS, "dc1": "3"}), facts_of(replication={**NTS, "dc1": "0"})),
    ("KS106", "error", GUARDED, facts_of(replication=SS, tablets=False), facts_of(replication=NTS)),
    ("KS106", "warn", GUARDED, facts_of(replication={"class": "EverywhereStrategy"}, tablets=False),
     facts_of(replication=NTS)),
    ("KS101", "warn", C5, facts_of(replication={"class": "SimpleStrategy", "replication_factor": "2"}),
     facts_of(replication=NTS)),
    ("KS102", "warn", C5, facts_of(replication={**NTS, "dc1": "1"}), facts_of(replication=NTS)),
    ("KS102", "error", C5, facts_of(replication={**NTS, "dc1": "4"}), facts_of(replication=NTS)),
    ("KS102", "error", C5, facts_of(replication={"class": "NetworkTopologyStrategy", "replication_factor": "3"}),
     facts_of(replication={"class": "NetworkTopologyStrategy", "replication_factor": "2"})),
    ("KS102", "error", C5, facts_of(replication={"class": "SimpleStrategy", "replication_factor": "6"}),
     facts_of(replication={"class": "SimpleStrategy", "replication_factor": "5"})),
    ("KS103", "warn", C5, (schema(), attrs.evolve(desired(), keyspace=Keyspace("k", {**NTS, "dc1": "2"}))),
     (schema(), attrs.evolve(desired(), keyspace=Keyspace("k", {**NTS, "dc1": 3})))),
    ("KS104", "error", C5, facts_of(replication=NTS, tablets=True), facts_of(replication=NTS)),
    ("KS104", "error", BY_DEFAULT, keyspace_with(table("t", "a int pk", "n counter"), replication=NTS),
     keyspace_with(table("t", "a int pk", "n counter"), replication=NTS, tablets=False)),
    ("KS104", "error", BY_DEFAULT, keyspace_with(table("t", *T, indexes=[index("v")]), replication=NTS),
     keyspace_with(table("t", *T, indexes=[index("v")]), replication=SS)),
    ("KS104", "warn", OLD_SCYLLA, keyspace_with(table("t", *T), V, replication=NTS),
     keyspace_with(table("t", *T), replication=NTS)),
    ("KS104", "error", ENFORCED, facts_of(replication=SS), facts_of(replication=NTS)),
    ("KS104", "error", ENFORCED, facts_of(replication=NTS, tablets=False), facts_of(replication=NTS, tablets=True)),
    ("KS102", "error", ENFORCED, facts_of(replication={**NTS, "dc1": "2"}), facts_of(replication={**NTS, "dc1": "3"})),
    ("KS104", "error", SCYLLA, with_tablets(table("t", "a int pk", "n counter")), with_tablets(table("t", *T))),
    ("KS104", "error", OLD_SCYLLA, with_tablets(table("t", *T), V), with_tablets(table("t", *T))),
    ("KS104", "error", OLD_SCYLLA, with_tablets(table("t", *T, indexes=[index("v")])), new(*T, indexes=[index("v")])),
    ("KS104", "error", OLD_SCYLLA, altered_on_tablets({"cdc": CDC_ON}), altered_on_tablets({"comment": "x"})),
    ("KS104", "error", OLD_SCYLLA, with_tablets(table("t", *T, options={"cdc": {"enabled": "true"}})),
     new(*T, options={"cdc": {"enabled": "true"}})),
    ("KS105", "error", C5, facts_of(replication={**NTS, "DC1": "3"}), facts_of(replication={**NTS, "dc2": "2"})),
    ("KS108", "warn", SCYLLA, with_tablets(table("t", *T), V), with_tablets(table("t", *T))),
    ("KS106", "error", C5, facts_of(replication={**NTS, "class": "NetworkTopologyStratgy"}),
     facts_of(replication={**NTS})),
    ("KS100", "error", C5, facts_of(), facts_of(replication=NTS)),
    ("BC101", "error", C5, both(T, ("k int pk from=a", *T[1:])), both(("k int pk", *T[1:]), ("k int pk", *T[1:]))),
    ("BC102", "error", C5, both(T, (*T[:2], "w text from=v")), both(T, T)),
    ("BC102", "error", C5, (schema(table("old")), desired(table("t", renamed_from="old"))), new()),
    ("BC102", "note", C5, both((*T, "w text"), (*T, "w text from=v")), both(T, T)),
    ("BC102", "note", C5, both(T, (*T[:2], "v text from=gone")), both(T, (*T[:2], "v text"))),
    (
        "BC102",
        "note",
        C5,
        (schema(table("t")), desired(table("t", renamed_from="old"))),
        (schema(), desired(table("t"))),
    ),
    ("BC103", "note", C5, both((*T, "x int"), T), both(T, T)),
    ("NB101", "error", C5, (schema(table("u"), V), desired(table("x"))), (schema(table("u"), V), desired(table("y")))),
    ("NB101", "error", C5, (schema(table("x")), desired(V)), (schema(), desired(table("t", *T), V))),
    ("NB101", "error", C5, (schema(), desired(table("t", *T), V, table("x"))), (schema(), desired(table("t", *T), V))),
    ("NB101", "error", C4, (schema(), desired(table("n" * 223))), (schema(), desired(table("n" * 48)))),
    ("NB101", "error", OLD_SCYLLA, (schema(), desired(table("n" * 49))), (schema(), desired(table("n" * 48)))),
    ("NB101", "error", SCYLLA, (schema(), desired(table("n" * 193))), (schema(), desired(table("n" * 192)))),
    ("NB101", "error", C5, (schema(), desired(view("v" * 49, "t", "a int pk"))),
     (schema(), desired(view("v", "t", "a int pk")))),
    ("NB101", "error", C5, (schema(), desired(user_type("a b", "x int"))),
     (schema(), desired(user_type("A_1", "x int")))),
    ("NB101", "error", C5, indexed([], [index("v", "a-b")]), indexed([], [index("v", "a_b")])),
    ("NB101", "error", C5, (schema(), desired(table("t", *T), attrs.evolve(V, where="v = 'it''s'"))), both(T, T, V)),
    ("NB101", "error", C5, new(*T, options={"id": "x"}), new(*T)),
    ("NB101", "error", OLD_SCYLLA, new(*T, "m map<int,int>", "s int static", indexes=[index("m")]),
     new(*T, "m map<int,int>", "s int static", indexes=[index("v")])),
    ("NB101", "error", SCYLLA, indexed([], [index("m")], *T, "m set<int>", "s int static"),
     indexed([], [index("m")], *T, "m set<int> static", "s int static")),
    ("KS104", "error", SCYLLA, searched({}, tablets=False), searched({})),
    ("OP104", "error", SCYLLA, new(*T, options={"synchronous_updates": False}), new(*T)),
    ("OP104", "error", SCYLLA, new(*T, options={"tablets": {"min_tablet_count": "4"}}),
     with_tablets(table("t", *T, options={"tablets": {"min_tablet_count": "4"}}))),
    ("IX105", "error", SCYLLA, searched({"cdc": {"enabled": "false"}}), searched({"cdc": {"enabled": "true"}})),
    ("IX105", "error", SCYLLA, searched({"cdc": {"enabled": "true", "ttl": "86399"}}),
     searched({"cdc": {"enabled": "true", "ttl": "86400"}})),
    ("IX105", "error", SCYLLA, searched({"cdc": {"enabled": "true", "delta": "keys"}}),
     searched({"cdc": {"enabled": "true", "delta": "keys", "postimage": "true"}})),
    ("IX105", "error", SCYLLA, searched({"cdc": {"enabled": "false"}}, live=True), searched({}, live=True)),
    ("IX106", "error", NEW, optioned(nosuch=1), optioned(oversampling=2)),
    ("IX106", "error", NEW, optioned(oversampling=101), optioned(similarity_function="COSINE")),
    ("IX102", "error", SCYLLA, searched({}, "i", "j"), searched({}, "i")),
    ("IX102", "error", SCYLLA, searched({}, "i", "j", live=True), searched({}, "i", live=True)),
    ("NB101", "error", SCYLLA, with_static([index("m")]), with_static([index("v")])),
    ("NB101", "warn", SCYLLA, both(T, T, attrs.evolve(V, where="v = 'it's'")),
     both(T, T, attrs.evolve(V, where="v = 'x'"))),
]  # fmt: skip

TOPOLOGY = {"dc1": 3, "dc2": 2}


def diagnostics_of(live, declared, server, **settings):
    """The diagnostics of a comparison, which creates a missing keyspace."""
    sides = SchemaPair.of(live, declared, server)
    changes = diff(live, declared, server, create_keyspace=live.keyspace is None)
    return [finding.diagnostic for finding in evaluate(RuleContext(sides, changes, TOPOLOGY, **settings))]


@pytest.mark.parametrize(
    ("code", "severity", "server", "raises", "harmless"), CASES, ids=[f"{n}-{case[0]}" for n, case in enumerate(CASES)]
)
def test_each_code_is_raised_and_is_not(code, severity, server, raises, harmless):
    """One case raises the code with its severity, and the other does not raise it."""
    raised = [
        finding for finding in diagnostics_of(*raises, server) if (finding.code, finding.severity) == (code, severity)
    ]

    assert raised
    assert (code, severity) not in {(finding.code, finding.severity) for finding in diagnostics_of(*harmless, server)}
    assert all(finding.object.startswith("k") and finding.text for finding in raised)
    assert severity == "note" or all(item.fix for item in raised)


DROPS = [
    (c.DropTable("k", table("t")), "DS102", "k.t"),
    (c.DropColumns("k", "t", (table("t", *T)["v"],)), "DS103", "k.t.v"),
    (c.DropType("k", ADDR), "DS104", "k.addr"),
    (c.DropView("k", V), "DS105", "k.x"),
    (c.SetMask("k", "t", "v", None, "mask_hash()"), "DS107", "k.t.v"),
    (c.SetTtlColumn("k", "t", None, "v"), "DS108", "k.t.v"),
]


@pytest.mark.parametrize(("change", "code", "path"), DROPS, ids=[case[1] for case in DROPS])
def test_drops_need_a_word(change, code, path):
    """A change that deletes data is refused, and allowed by its code, alone or with its object."""
    case = RuleContext(SchemaPair.of(schema(table("t", *T)), desired(), C5), (change,))
    (refusal,) = [finding.diagnostic for finding in evaluate(case)]

    assert (code, "error", path, f"{code}:{path}") == (refusal.code, refusal.severity, refusal.object, refusal.allow)
    for allow in (code, f"{code}:{path}", f"{code}:{path.removeprefix('k.')}"):
        (weighed,) = [finding.diagnostic for finding in evaluate(attrs.evolve(case, allow=frozenset({allow})))]
        assert "warn" == weighed.severity
    for allow in ("DS101", f"{code}:other", "TY101"):
        assert not is_allowed(refusal, frozenset({allow}))


def test_each_permission_that_a_finding_names_can_be_given():
    """A refusal that says what allows it is not final: ``allow=`` accepts that value."""
    findings = [finding for case in CASES for finding in diagnostics_of(*case[3], case[2])]
    findings += [dropped_keyspace("DROP KEYSPACE old", {"k"})]
    findings += uncertain_step_refusals([RawStep("UPDATE x")], [Migration("k/r", 1, applied=1)])
    permissions = {finding.allow for finding in findings if finding.allow} | {
        f"{code}:{path}" for _, code, path in DROPS
    }

    assert {"BC101", *(f"DS10{number}" for number in (1, 2, 3, 4, 5, 7, 8)), "LG107", "OP105"} == {
        permission.partition(":")[0] for permission in permissions
    }
    assert {*checked_values(permissions)} == permissions


@pytest.mark.parametrize(
    ("earlier", "codes"),
    [
        ([], ["DS103", "DS108"]),
        ([c.SetTtlColumn("k", "t", None, "ends")], ["DS103"]),
        ([c.SetTtlColumn("k", "u", None, "ends")], ["DS103", "DS108"]),
    ],
)
def test_a_drop_of_the_ttl_column_needs_a_permission_of_its_own(earlier, codes):
    """Unless an earlier step of the plan unsets the TTL column of that very table."""
    drop = c.DropColumns("k", "t", (EXPIRING["ends"],))
    pair = SchemaPair.of(schema(EXPIRING, attrs.evolve(EXPIRING, name="u")), desired(), NEW)

    findings = evaluate(RuleContext(pair, (*earlier, drop)))

    assert codes == [finding.diagnostic.code for finding in findings if finding.change is drop]


class Locks:
    """A coordinator in memory with tables of locks, and the keyspaces that each lists."""

    def __init__(self, **known):
        self.known = known

    def rows(self, cql):
        """The rows of either query."""
        if "system_schema" in cql:
            return [{"keyspace_name": home} for home in self.known]
        columns = [name for home, names in self.known.items() for name in names if f"FROM {home}." in cql]
        return [{"name": name} for name in columns if f"name = '{name}'" in cql]


def versions(*models, status="applied"):
    """Versions for these models, the newest first."""
    return [
        Migration("k/r", 9 - position, status=status, models_to=fp, models=(fp,)) for position, fp in enumerate(models)
    ]


def head(at):
    """A version of this time."""
    return Migration("k/r", int(f"{at:%Y%m%d%H%M%S}"))


DROP_INDEX, DROP_TABLE = c.DropIndex("k", table("t", *T), index("v")), c.DropTable("k", table("t", *T))
NEW_INDEX = c.AddIndex("k", table("t", *T), index("v"))
EMPTY = make_plan(schema(table("t")), schema(table("t")), C5)


def remarks(change, *live):
    """The findings on one change."""
    return [
        finding.diagnostic for finding in evaluate(RuleContext(SchemaPair.of(schema(*live), desired(), C5), (change,)))
    ]


LEFT = Diagnostic("BC103", "note", "k.old", "no model declares this table; it is not changed")


# code, what raises it, what does not
def with_default(*, loads_none):
    """A table with a column that has a default."""
    column = attrs.evolve(table("t", *T)["v"], loads_none=loads_none, has_default=True)
    return SchemaFacts([desired(attrs.evolve(table("t", *T), columns=[*table("t", *T).columns[:2], column]))])


FACTORS = "ALTER KEYSPACE k WITH replication = {'class': 'NetworkTopologyStrategy',"
EXECUTED = {"GRANT a TO b": LedgerStep("k/default", 1, 1, cql="GRANT a TO b")}
ELSEWHERE = [
    ("BC105", lambda: _with_owner(LEFT, {"old": "the repo 'audit'"}), lambda: _with_owner(LEFT, {})),
    ("SY101", lambda: off_notes("off"), list),
    ("AL101", lambda: contracted("DS103:t.legcy"), lambda: contracted("DS103:t.legacy")),
    ("DS101", lambda: dropped_keyspace("DROP KEYSPACE old", {"k"}), lambda: dropped_keyspace("DROP TABLE k.t", {"k"})),
    ("NB102", lambda: manual_findings("ALTER KEYSPACE k WITH replication = {'class': 'x'}"),
     lambda: manual_findings("ALTER KEYSPACE k WITH durable_writes = false")),
    ("CL104", lambda: changing(True), lambda: changing(False)),
    ("CL105", lambda: migrating("k"), lambda: migrating("other")),
    ("NB103", lambda: manual_findings("ALTER TABLE k.t NOW"), lambda: manual_findings("GRANT a TO b")),
    ("NB104", lambda: manual_findings(f"{FACTORS} 'dc1': 5}} AND durable_writes = false", tablets=True),
     lambda: manual_findings(f"{FACTORS} 'dc1': 4}} AND durable_writes = false", tablets=True)),
    ("DS106", lambda: remarks(DROP_INDEX, table("t", *T)), lambda: remarks(NEW_INDEX, table("t", *T))),
    ("MV102", lambda: remarks(DROP_TABLE, table("t", *T), V), lambda: remarks(DROP_TABLE, table("t", *T))),
    ("KS107", lambda: [companion_note("k", "k_scyllamodel")], list),
    ("LG101", lambda: check_may_sync(versions("b", "a"), "a", EMPTY),
     lambda: check_may_sync(versions("a", "b"), "a", EMPTY)),
    ("LG102", lambda: check_lock_is_unique(Locks(k=[], ops=["k"]), "k", "k"),
     lambda: check_lock_is_unique(Locks(k=["k"], ops=["shop"]), "k", "k")),
    ("LG103", lambda: find_target(versions("audit", "shop"), 0, ["shop"]),
     lambda: find_target(versions("shop"), 0, ["shop"])),
    ("LG104", lambda: ledger_on(MemoryStore(refused={1})).versions(), lambda: ledger_on(MemoryStore()).versions()),
    ("LG105", lambda: ledger_on(MemoryStore()).clock_note(head(NOON + timedelta(hours=25))),
     lambda: ledger_on(MemoryStore()).clock_note(head(NOON + timedelta(hours=23)))),
    ("RO101", lambda: [*role_diagnostics("app", Permissions("app", unknown_reason="not authorized"), "k")],
     lambda: [*role_diagnostics("app", Permissions("app"), "k")]),
    ("RO102", lambda: [*role_diagnostics("app", Permissions("app", frozenset({("MODIFY", "<keyspace k>")})), "k")],
     lambda: [*role_diagnostics("app", Permissions("app", frozenset({("MODIFY", "<table k.t>")})), "k")]),
    ("LG106", lambda: [*role_notes([RawStep("GRANT a TO b")], EXECUTED)],
     lambda: [*role_notes([RawStep("GRANT a TO b", post_condition="LIST ROLES OF b")], EXECUTED)]),
    ("LG107", lambda: [*uncertain_step_refusals([RawStep("UPDATE x")], [Migration("k/r", 1, applied=1)])],
     lambda: [*uncertain_step_refusals([RawStep("UPDATE x")], [Migration("k/r", 1)])]),
    ("NU101", lambda: [*lint(with_default(loads_none=True))],
     lambda: [*lint(with_default(loads_none=False))]),
]  # fmt: skip


def off_notes(mode):
    """The notes of a sync in this mode."""
    return list(sync(Repo(keyspace="k", nodes=["127.0.0.1"]), mode=mode).plan.notes)


def codes(ask):
    """The codes of these findings, or the code or class of an error."""
    try:
        result = ask()
    except ScyllaModelError as error:
        return {error.code, str(error).partition(" ")[0]}
    return {
        finding.code
        for finding in (result if isinstance(result, list) else [result])
        if isinstance(finding, Diagnostic)
    }


def changing(changing):
    """The findings on a keyspace whose replication is being changed, or is not."""
    return list(preflight(SchemaFacts([schema(keyspace=Keyspace("k", NTS, changing=changing))]), THREE, SCYLLA))


def migrating(keyspace):
    """The findings on a keyspace with vnodes, while the tables of another have tablets."""
    definition = Keyspace("k", NTS, tablets=False)
    health = attrs.evolve(THREE, with_tablets=frozenset({keyspace}))
    return list(preflight(SchemaFacts([schema(keyspace=definition)]), health, NEW))


def manual_findings(cql, *, tablets=None):
    """The findings on a hand-written statement in a keyspace without a commit log."""
    definition = Keyspace("k", NTS, durable_writes=False, tablets=tablets)
    return list(RawStatementChecker("k", [schema(keyspace=definition)], SCYLLA).check(cql))


def contracted(*allow):
    """The diagnostics of a contract of table ``t``, whose column ``legacy`` is undeclared."""
    live, declared = both((*T, "legacy int"), T)
    plan = contract_plan(SchemaFacts([declared]), SchemaFacts([live]), C5, allow=allow)
    return [*plan.refusals, *plan.notes, *plan.lints]


@pytest.mark.parametrize(("code", "raises", "harmless"), ELSEWHERE, ids=[case[0] for case in ELSEWHERE])
def test_what_is_no_rule_of_models_is_raised_and_is_not(code, raises, harmless):
    """Codes of drops, locks and the ledger are raised in their case, and not in the similar one."""
    assert [True, False] == [code in codes(raises), code in codes(harmless)]


def test_dropping_an_index_is_a_warning():
    """Dropping an index is only a warning, since it has no data of its own."""
    assert [("DS106", "warn")] == [(finding.code, finding.severity) for finding in remarks(DROP_INDEX)]


KEYSPACE_DROPS = [
    ("DROP KEYSPACE old", "old"),
    ("drop keyspace if exists OLD;", "old"),
    ('DROP KEYSPACE "Old"', "Old"),
    ("-- gone\n/* for\n good */ DROP KEYSPACE/**/old", "old"),
    ("DROP TABLE old.keyspaces", None),
    ("INSERT INTO notes (a) VALUES ('DROP KEYSPACE old')", None),
]


@pytest.mark.parametrize(("cql", "name"), KEYSPACE_DROPS)
def test_a_raw_keyspace_drop_needs_permission(cql, name):
    """A statement that drops a keyspace is refused, can be allowed, and never drops that of the ledger."""
    refusal = dropped_keyspace(cql, {"k"})
    if name is None:
        assert refusal is None
        return

    assert ("error", name, f"DS101:{name}") == (refusal.severity, refusal.object, refusal.allow)
    assert ["warn", "warn"] == [dropped_keyspace(cql, {"k"}, {code}).severity for code in ("DS101", refusal.allow)]
    assert ("error", "") == attrs.astuple(dropped_keyspace(cql, {name}, {"DS101"}))[1::4]


def test_statements_that_drop_a_keyspace_are_refused_in_a_plan():
    """A refused drop is not a step, and an allowed one is a step with data loss and a finding."""
    drop, grant = RawStep("DROP KEYSPACE old"), RawStep("GRANT a TO b", before=True)
    refused_plan, runs = (
        with_raw_steps(EMPTY, [drop, grant], {"k"}),
        with_raw_steps(EMPTY, [drop, grant], {"k"}, {"DS101:old"}),
    )

    assert (["GRANT a TO b"], ["DS101"]) == (refused_plan.cql, [refusal.code for refusal in refused_plan.refusals])
    assert [("GRANT a TO b", 1, False, []), ("DROP KEYSPACE old", 2, True, ["DS101"])] == [
        (step.cql, step.seq, step.data_loss, [lint.code for lint in step.lints]) for step in runs.steps
    ]


BLOCKED = [
    (c.DropTable("k", table("t", *T)), C5, True),
    (c.DropTable("k", table("t", *T)), SCYLLA, True),
    (c.DropTable("k", table("u")), C5, False),
    (c.DropColumns("k", "t", (table("t", "id int pk", "other int")["other"],)), C5, True),
    (c.DropColumns("k", "t", (table("t", "id int pk", "other int")["other"],)), SCYLLA, False),
    (c.DropColumns("k", "t", (table("t", *T)["v"],)), SCYLLA, True),
]


@pytest.mark.parametrize(("change", "server", "blocked"), BLOCKED)
def test_a_view_stands_in_the_way(change, server, blocked):
    """MV102 refuses to drop a column while a view has it, or on Cassandra while the table has any view."""
    sides = SchemaPair.of(schema(table("t", *T, "other int"), table("u"), V), desired(), server)
    codes = {finding.diagnostic.code for finding in evaluate(RuleContext(sides, (change,)))}
    after = {finding.diagnostic.code for finding in evaluate(RuleContext(sides, (c.DropView("k", V), change)))}

    assert blocked == ("MV102" in codes)
    assert isinstance(change, c.DropColumns) or "MV102" not in after


def test_a_rename_under_an_index_cannot_be_allowed():
    """A rename under an index is refused, and cannot be allowed."""
    facts = schema(table("t", "a int pk", "b int ck", indexes=[index("b", "i")]))
    declared = desired(table("t", "a int pk", "bb int ck from=b", indexes=[index("bb", "i")]))
    (refusal,) = diagnostics_of(facts, declared, C5, allow=frozenset({"BC101"}))

    assert ("BC101", "error", "") == (refusal.code, refusal.severity, refusal.allow)


def test_a_missing_keyspace_that_was_not_requested():
    """KS100 is reported for a keyspace that is not requested."""
    sides = SchemaPair.of(schema(keyspace=None), desired(), C5)

    assert ["KS100"] == [finding.diagnostic.code for finding in evaluate(RuleContext(sides, ()))]


def test_lint_needs_no_cluster():
    """Lint reports names, cycles and clashes without a cluster, and checks options only if a server is given."""
    models = SchemaFacts([
        attrs.evolve(
            desired(user_type("a", "z frozen<a>"), table("n" * 60, options={"tombstone_gc": {"mode": "repair"}})),
            keyspace=Keyspace("k", {"class": "SimpleStrategy", "replication_factor": "3"}),
        ),
        KeyspaceFacts("fine", tables=[table("t")]),
    ])  # fmt: skip

    assert ["NB101", "KS101", "UD105"] == [problem.code for problem in lint(models)]
    assert ["NB101", "KS101", "UD105", "OP104"] == [problem.code for problem in lint(models, C5)]
    assert ["KS101", "UD105"] == [problem.code for problem in lint(models, SCYLLA)]


def cluster(*members):
    """Nodes from short texts: ``DC [down] [v=VERSION] [STATE]``."""
    nodes = []
    for number, text in enumerate(members):
        dc, *attributes = text.split()
        version = next((attribute[2:] for attribute in attributes if attribute.startswith("v=")), "1")
        moving = next((attribute for attribute in attributes if attribute.isupper()), "")
        nodes.append(Member(f"n{number}", dc, version, is_up="down" not in attributes, moving=moving))
    return Health(nodes)


THREE = cluster("dc1", "dc1", "dc1")
SIMPLE = {"class": "SimpleStrategy", "replication_factor": "4"}
# code, (replication, nodes) that raise it, (replication, nodes) that do not
FLIGHTS = [
    ("CL101", (NTS, cluster("dc1", "dc1 down", "dc1")), (NTS, THREE)),
    ("CL102", (NTS, cluster("dc1", "dc1 v=2", "dc1")), (NTS, cluster("dc1", "dc1 down v=2", "dc1"))),
    ("CL103", (NTS, cluster("dc1", "dc1 BOOT", "dc1")), (NTS, THREE)),
    ("KS102", (NTS, cluster("dc1", "dc1")), (NTS, THREE)),
    ("KS102", (SIMPLE, THREE), (SIMPLE, cluster("dc1", "dc1", "dc2", "dc2"))),
    ("KS105", ({**NTS, "dc2": "2"}, THREE), ({**NTS, "dc2": "0"}, THREE)),
]


@pytest.mark.parametrize(
    ("code", "raises", "harmless"), FLIGHTS, ids=[f"{n}-{case[0]}" for n, case in enumerate(FLIGHTS)]
)
def test_an_ailing_cluster_is_noted(code, raises, harmless):
    """An unhealthy cluster has a warning with advice, and a healthy one has none."""

    def flight(replication, health):
        return preflight(SchemaFacts([schema(keyspace=Keyspace("k", replication))]), health, SCYLLA)

    (finding,) = flight(*raises)

    assert (code, "warn", "k") == (finding.code, finding.severity, finding.object)
    assert finding.fix
    assert code not in {diagnostic.code for diagnostic in flight(*harmless)}


@pytest.mark.parametrize(
    ("server", "allow", "is_refused"),
    [
        (SCYLLA, (), True),
        (SCYLLA, {"OP105:k.t"}, False),
        (WINDOWS[10], {"OP105:k.t"}, True),
        (WINDOWS[0], (), False),
        (C5, (), False),
    ],
)
def test_a_limit_of_windows_that_is_not_known_can_be_allowed(server, allow, is_refused):
    """The refusal of too many time windows can be allowed if the node's limit is unknown."""
    options = FrozenMap({"compaction": FrozenMap(HOURLY), "default_time_to_live": 51 * 3600})
    plan = make_plan(desired(table("t", *T, options=options)), schema(), server, allow=allow)

    assert (["OP105"] if is_refused else []) == [refusal.code for refusal in plan.refusals]


def test_every_code_is_explained():
    """Every code has an explanation with advice, and a case above."""
    raised = {case[0] for case in (*CASES, *FLIGHTS, *ELSEWHERE)} | {case[1] for case in DROPS}

    rollbacks = {"RB101", "RB103", "RB104", "RB105", "RB106", "RB107", "RB108", "RB109", "RB110", "RB111"}
    assert set(CATALOGUE) == raised | rollbacks, "those of a rollback have their cases there"
    assert len(CATALOGUE) == len(ENTRIES), "a code stands for one thing"
    assert all(e.title and e.cause and e.example and e.recipe and str(e).startswith(e.code) for e in CATALOGUE.values())


RECIPES = [
    (
        both(T, (*T[:2], "v int")),
        [
            "v: Column[str | None] = column(default=None)",
            "v_2: Column[cql.Int | None] = column(default=None)",
            "ALTER TABLE k.t ADD v_2 int",
            "scyllamodel backfill t.v --into v_2 --convert",
            "scyllamodel contract --allow DS103:t.v",
            "scyllamodel plan --expand t.v",
        ],
    ),
    (
        both((*T, "l_x list<int>"), (*T, "l_x frozen<list<int>>")),
        ["l_x: Column[list[cql.Int]] = column(factory=list)", "l_x_2: Column[cql.Frozen[list[cql.Int]] | None]"],
    ),
    (
        both(T, (*T[:2], "v text static")),
        ["v_2: Column[str | None] = column(default=None, static=True)", "text STATIC"],
    ),
    (
        both(T, ("b int pk", "a int ck desc", "v text")),
        [
            "class T2(Model, table='t_2'):",
            "b: Column[cql.Int] = partition_key()",
            "a: Column[cql.Int] = clustering_key(descending=True)",
            "scyllamodel backfill t --into t_2",
            "scyllamodel contract --allow DS102:t",
            "scyllamodel plan --expand t",
        ],
    ),
    (
        both(T, (*T[:2], "w text from=v")),
        ['column(db_name="v")', "ADD w text", "--allow DS103:t.v", "plan --expand t.w"],
    ),
    (
        (schema(ADDR), desired(user_type("addr", "x text"))),
        ["class Addr2(UserType, name='addr_2')", "--allow DS104:addr"],
    ),
    ((schema(GROWN), desired(user_type("addr", "y int"))), ["x: cql.Int | None", "y: cql.Int | None"]),
    (
        (schema(table("t", *T), V), desired(table("t", *T), view("x", "t", "b int pk", "a int ck"))),
        ["class X2(MaterializedView, of=T, view='x_2')", "scyllamodel contract --allow DS105:x"],
    ),
    (
        indexed([index("v", "i")], [index("v", "i", using="sai")]),
        ['Index("v", using="sai", name="i_2")', "scyllamodel contract --allow DS106:i"],
    ),
    (dropped("regular text", "int"), ['x: Column[cql.Int] = column(db_name="x_2"']),
]


@pytest.mark.parametrize(("sides", "pieces"), RECIPES)
def test_a_refusal_comes_with_its_recipe(sides, pieces):
    """The advice of a refusal contains the names and types of the case."""
    fixes = "\n".join(finding.fix for finding in diagnostics_of(*sides, C5))

    assert [] == [piece for piece in pieces if piece not in fixes]


COMMAND = re.compile(r"scyllamodel (?:contract|backfill|plan|wait|migrate)(?: (?:--[a-z-]+|'[^']*'|[\w:.€-]+))+")
HEAD = """
from __future__ import annotations
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID
from scyllamodel import Column, Model, UserType, clustering_key, column, partition_key
from scyllamodel import types as cql

class Addr(UserType):
    x: cql.Int | None = None

class Base(Model, abstract=True):
"""
DECLARED = re.compile(r"\w+: Column\[.+\] = (?:column|partition_key|clustering_key)\(.*\)")


def test_what_the_recipes_say_can_be_typed():
    """Each command in the advice is valid for the parser, and each column for Python."""
    fixes = "\n".join(finding.fix for case in CASES for finding in diagnostics_of(*case[3], case[2]))
    commands = [match.rstrip(".").split(" ", 1)[1] for match in COMMAND.findall(fixes)]
    declared = [match for match in DECLARED.findall(fixes) if "…" not in match]
    for command in commands:
        settings = parse(COMMANDS, shlex.split(command))
        checked_values(getattr(settings, "allow", ()))
    for number, line in enumerate(declared):
        module = types.ModuleType(f"typed_{number}")
        sys.modules[module.__name__] = module
        exec(f"{HEAD}    {line}\n", module.__dict__)
        del sys.modules[module.__name__]

    assert len(commands) > 20
    assert len(declared) > 10


def test_views_and_indexes_that_keep_every_column_are_those_of_real_rows():
    """The virtual columns that rules compute are those that ScyllaDB stored."""
    facts = reflect_keyspace("zoo", scylla_rows(), OLD)
    stored = {row["table_name"] for row in stored_rows("2025.1.14")["view_virtual_columns"]}
    known = set()
    for base in facts.tables:
        bare = attrs.evolve(base, indexes=[], columns=(*base.columns, table("t", "id int pk", "new int")["new"]))
        drop = c.DropColumns("k", base.name, (bare["new"],))
        parts = [(item.name, (bare, item)) for item in facts.views if item.base == base.name]
        parts += [(f"{item.name}_index", (attrs.evolve(bare, indexes=[item]),)) for item in base.indexes]
        known |= {name for name, live in parts if "MV102" in [finding.code for finding in remarks_on(drop, *live)]}

    assert stored == known


A_VIEW_OF_KEYS, A_VIEW_WITH_MORE = view("x", "t", "b int pk", "a int ck"), view("x", "t", "v text pk", "a int ck")
BASE = table("t", "a int pk", "b int ck", "v text", "w int", "s int static")


@pytest.mark.parametrize(
    ("dropped_column", "live", "lease"),
    [
        ("w", (BASE, A_VIEW_OF_KEYS), True),
        ("w", (attrs.evolve(BASE, indexes=[index("b", "i")]),), True),
        ("w", (BASE, A_VIEW_WITH_MORE), False),
        ("w", (attrs.evolve(BASE, indexes=[index("v", "i")]),), False),
        ("s", (attrs.evolve(BASE, indexes=[index("b", "i")]), A_VIEW_OF_KEYS), False),
    ],
)
def test_a_column_that_only_virtual_columns_hold_cannot_be_dropped(dropped_column, live, lease):
    """A view without another key column, and an index on a key column, prevent drops of other columns."""
    findings = remarks_on(c.DropColumns("k", "t", (BASE[dropped_column],)), *live)

    assert lease is ("MV102" in [finding.code for finding in findings])


def remarks_on(change, *live):
    """The findings on one change on ScyllaDB."""
    return [
        finding.diagnostic
        for finding in evaluate(RuleContext(SchemaPair.of(schema(*live), desired(), SCYLLA), (change,)))
    ]


def test_long_names_are_a_warning_while_no_server_is_known():
    """A name that only ScyllaDB 2025.2 accepts is a warning while the server is unknown."""
    severities = [
        [problem.severity for problem in lint(SchemaFacts([desired(table("n" * length))])) if problem.code == "NB101"]
        for length in (48, 49, 192, 193)
    ]

    assert [[], ["warn"], ["warn"], ["error"]] == severities
