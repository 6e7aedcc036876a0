"""The tables of diff cases once more, on a real server: what it stored is what the cases say, and a sync ends it.

Each case has names of its own in one keyspace. What a server refuses, by its own rules or because it is older, is left
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
    """One case under names of its own.

    Attributes:
        mark: what its names begin with.
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
        """Whether CQL has such things at all: no compact layout, no internal tables, no unknown class."""
        tables = self.live.tables
        return not any(table.flags - {"compound", "counter"} or "scyllamodel" in table.name for table in tables)

    def summaries(self, changes):
        """The changes in a few words, by the names that the case has."""
        return [text.replace(self.mark, "") for text in summaries(changes)]

    def part_of(self, facts):
        """Return the objects of a whole keyspace that belong to this case."""
        parts = {
            kind: [part for part in getattr(facts, kind) if part.name.startswith(self.mark)]
            for kind in ("types", "tables", "views")
        }
        return attrs.evolve(facts, **parts)


def marked(facts, mark):
    """Return equal facts with this mark before every name."""
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
    """What this server can do."""
    return ClusterView.connect(scylla_repo).server


@pytest.fixture(scope="module")
def live(scylla_repo, server):
    """The cases whose first side the server took, each made by plain CQL; and how many there were of each kind."""
    cases = list(Case.all(scylla_repo.keyspace))
    accepted = [case for case in cases if case.is_possible and is_accepted(scylla_repo, case, server)]
    return accepted, Counter(case.kind for case in cases)


def is_accepted(repo, case, server):
    """Whether the server takes the statements of the side that is found."""
    try:
        for cql in keyspace_script(case.live, server):
            repo.session.execute(cql, timeout=60)
    except (DriverException, ErrorMessage):
        return False
    return True


def test_what_a_server_stored_differs_as_the_cases_say(scylla_repo, server, live):
    """Read back, no difference is lost and none is invented."""
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
    """All cases that are not refused, in one release; the second plan is empty."""
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
    """In an empty keyspace, whatever was there before."""
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
    """Whether classes can say it; some cases leave out what a differ does not care about, or models refuse."""
    for item in side.views:
        base = side.table(item.base)
        if base is None or not all(column.name in base for column in item):
            return False
    try:
        return bool(side.tables and declare(f"probe_{uuid4().hex}", side))
    except ModelDefinitionError:
        return False


def without_renames(side):
    """Names that come from nowhere need no old ones."""
    tables = [attrs.evolve(t, columns=[attrs.evolve(c, renamed_from=None) for c in t]) for t in side.tables]
    return attrs.evolve(side, tables=tables)


def names(side):
    """Of tables and views."""
    return [table.name for table in (*side.tables, *side.views)]


def bookkeeping(side):
    """Return the internal tables."""
    return {table.name for table in side.tables if isinstance(table, Table) and table.name.startswith("scyllamodel_")}
