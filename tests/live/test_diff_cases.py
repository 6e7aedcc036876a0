"""The cases of the diff tests on a real server: it stores the differences that the cases list, and a sync removes them.

Each case has its own names in one keyspace. Cases that a server refuses, by its rules or because it is older, are left
out and counted.
"""

from __future__ import annotations

import re
from collections import Counter
from importlib import import_module
from uuid import uuid4

import attrs
import pytest
from cassandra import DriverException
from cassandra.protocol import ErrorMessage

from scyllamodel import ModelDefinitionError, Repo, inspect, migrate, plan
from scyllamodel.release.engine.cluster_view import ClusterView
from scyllamodel.schema.ddl import keyspace_script
from scyllamodel.schema.diff.schema_diff import diff
from scyllamodel.schema.facts.objects import KeyspaceFacts, Table, UserType, View
from scyllamodel.schema.plan import make_plan
from scyllamodel.types.parser import parse_type
from support.builders import schema, summaries, table, view
from support.model_classes import declare

pytestmark = [pytest.mark.live, pytest.mark.scylla_keep_rows]


def declared_filters():
    """Kind, live and desired objects, and expected reports of every case in a table of cases."""
    kinds = ("columns", "indexes", "tables", "types", "views")
    units = {kind: import_module(f"unit.schema.test_diff_{kind}") for kind in kinds}
    for _, live_side, declared, expected in units["columns"].CASES:
        types = [part for part in (ADDR,) if any("addr" in text for text in (*live_side, *declared))]
        yield "columns", (*types, table("t", *live_side)), (*types, table("t", *declared)), expected
    base = [text for text in units["indexes"].COLUMNS if "vector" not in text]  # which older servers lack
    for _, live_side, declared, expected in units["indexes"].CASES:
        yield "indexes", [table("t", *base, indexes=live_side)], [table("t", *base, indexes=declared)], expected
    for _, live_side, declared, expected in units["tables"].CASES:
        yield "tables", live_side, declared, expected
    for _, live_side, declared, expected in units["tables"].OPTIONS:
        messages = [f"~ options t {', '.join(sorted(expected))}"] if expected else []
        yield "options", [table("t", options=live_side)], [table("t", options=declared)], messages
    for _, live_side, declared, expected in units["types"].CASES:
        yield "types", live_side, declared, expected
    base, key = units["views"].T, units["views"].KEY
    for _, where, fits in units["views"].WHERE:
        messages = [] if fits else ["! view x: filter"]
        yield "filters", [base, view("x", "t", *key, where=where)], [base, view("x", "t", *key)], messages
    for _, live_side, declared, expected in units["views"].CASES:
        yield "views", live_side, declared, expected


ADDR = UserType("addr", (("street", parse_type("text")),))


@attrs.frozen
class Case:
    """One case with its own names.

    Attributes:
        mark: the prefix of its names.
    """

    kind: str
    mark: str
    live: KeyspaceFacts
    declared: KeyspaceFacts
    expected: list

    @classmethod
    def all(cls, keyspace):
        """All cases in a keyspace."""
        for number, (kind, live_side, declared, expected) in enumerate(declared_filters()):
            mark = f"x{number:03}_"
            sides = (marked(schema(*parts), mark) for parts in (live_side, declared))
            yield cls(kind, mark, *(attrs.evolve(s, name=keyspace, keyspace=None) for s in sides), expected)

    @property
    def is_possible(self):
        """Whether CQL can express the case: no compact layout, no internal tables, no unknown class."""
        tables = self.live.tables
        return not any(table.flags - {"compound", "counter"} or "scyllamodel" in table.name for table in tables)

    def summaries(self, changes):
        """The changes in a few words, with the names of the case."""
        return [text.replace(self.mark, "") for text in summaries(changes)]

    def part_of(self, facts):
        """Return the objects of a whole keyspace that belong to this case."""
        parts = {
            kind: [part for part in getattr(facts, kind) if part.name.startswith(self.mark)]
            for kind in ("types", "tables", "views")
        }
        return attrs.evolve(facts, **parts)


def marked(facts, mark):
    """Return equal facts with this prefix on every name."""
    types = "|".join(re.escape(part) for part in ("addr", *(t.name for t in facts.types))) or "addr"

    def typed(cql_type):
        return parse_type(re.sub(rf"\b({types})\b", rf"{mark}\1", cql_type.cql))

    def columns(part):
        return [attrs.evolve(column, type=typed(column.type)) for column in part]

    def renamed(model):
        if isinstance(model, UserType):
            return UserType(mark + model.name, tuple((name, typed(field)) for name, field in model.fields))
        if isinstance(model, View):
            return attrs.evolve(model, name=mark + model.name, base=mark + model.base)
        indexes = [attrs.evolve(index, name=mark + index.name) for index in model.indexes]
        return attrs.evolve(model, name=mark + model.name, columns=columns(model), indexes=indexes)

    parts = [renamed(item) for item in (*facts.types, *facts.tables, *facts.views)]
    return schema(*parts, keyspace=facts.keyspace)


@pytest.fixture(scope="module")
def server(scylla_repo):
    """The capabilities of this server."""
    return ClusterView.connect(scylla_repo).server


@pytest.fixture(scope="module")
def live(scylla_repo, server):
    """The cases whose live side the server accepted, created by plain CQL; and how many there were of each kind."""
    cases = list(Case.all(scylla_repo.keyspace))
    accepted = [case for case in cases if case.is_possible and is_accepted(scylla_repo, case, server)]
    return accepted, Counter(case.kind for case in cases)


def is_accepted(repo, case, server):
    """Whether the server accepts the statements of the live side."""
    try:
        for cql in keyspace_script(case.live, server):
            repo.session.execute(cql, timeout=60)
    except (DriverException, ErrorMessage):
        return False
    return True


def test_what_a_server_stored_differs_as_the_cases_say(scylla_repo, server, live):
    """The stored schema differs from the declared one in exactly the ways that the case lists."""
    accepted, cases = live
    facts = inspect(scylla_repo)[scylla_repo.keyspace]
    mismatches = [
        (case.mark, case.kind, case.expected, differences)
        for case in accepted
        if (differences := case.summaries(diff(case.part_of(facts), case.declared, server))) != case.expected
    ]

    assert [] == mismatches
    assert {"columns": 43, "indexes": 26, "tables": 16, "options": 7, "types": 19, "filters": 13, "views": 18} == cases
    assert len(accepted) > 90


def test_a_sync_leaves_nothing_to_do(scylla_repo, server, live):
    """After one release with all cases that are not refused, the second plan is empty."""
    accepted, _ = live
    facts = inspect(scylla_repo)[scylla_repo.keyspace]
    possible = [
        case
        for case in accepted
        if not make_plan(case.declared, case.part_of(facts), server).refusals and can_be_declared(case.declared)
    ]
    repo = Repo(f"cases_{uuid4().hex}", session=scylla_repo.session, keyspace=scylla_repo.keyspace)
    models = declare(repo.name, *(case.declared for case in possible if case.declared.tables or case.declared.views))
    result = migrate(repo, allow={"BC101"})
    remaining = plan(repo)

    assert [] == remaining.cql
    assert () == remaining.refusals
    assert result.plan.cql
    assert len(models) > 50


def test_every_declared_side_is_made_from_nothing(scylla_repo, server, live):
    """Every declared schema is created in an empty keyspace."""
    keyspace = f"cases_{uuid4().hex[:12]}"
    definition = inspect(scylla_repo)[scylla_repo.keyspace].keyspace
    empty = KeyspaceFacts(keyspace, attrs.evolve(definition, name=keyspace))
    sides = [without_renames(case.declared) for case in Case.all(keyspace) if can_be_declared(case.declared)]
    creatable = [side for side in sides if side.tables and not make_plan(side, empty, server).refusals]
    settings = dict(empty.keyspace.replication)
    repo = Repo(f"cases_{uuid4().hex}", session=scylla_repo.session, keyspace=keyspace, replication=settings)
    models = declare(repo.name, *creatable)
    try:
        migrate(repo, create_keyspace=True)
        remaining = plan(repo)
        part = inspect(repo)[keyspace]
    finally:
        scylla_repo.session.execute(f"DROP KEYSPACE IF EXISTS {keyspace}", timeout=60)

    assert ([], ()) == (remaining.cql, remaining.refusals)
    assert {name for side in creatable for name in names(side)} == set(names(part)) - bookkeeping(part)
    assert len(models) > 90


def can_be_declared(side):
    """Whether models can declare it; some cases omit parts that a differ ignores, or that models refuse."""
    for item in side.views:
        base = side.table(item.base)
        if base is None or not all(column.name in base for column in item):
            return False
    try:
        return bool(side.tables and declare(f"probe_{uuid4().hex}", side))
    except ModelDefinitionError:
        return False


def without_renames(side):
    """The objects without old names, since nothing exists under these."""
    tables = [attrs.evolve(t, columns=[attrs.evolve(c, renamed_from=None) for c in t]) for t in side.tables]
    return attrs.evolve(side, tables=tables)


def names(side):
    """The names of tables and views."""
    return [table.name for table in (*side.tables, *side.views)]


def bookkeeping(side):
    """Return the internal tables."""
    return {table.name for table in side.tables if isinstance(table, Table) and table.name.startswith("scyllamodel_")}
