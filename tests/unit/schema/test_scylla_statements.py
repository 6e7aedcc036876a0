"""Statements recorded on real ScyllaDB: stored as declared, or refused with a code."""

from __future__ import annotations

import functools
import re

import attrs
import pytest

from scyllamodel import ModelDefinitionError
from scyllamodel.model.desired_schema import desired_facts
from scyllamodel.schema.ddl.statement_reader import StatementSyntaxError
from scyllamodel.schema.export.models.unsupported import declarable_types
from scyllamodel.schema.facts.objects import FrozenMap, Index, SchemaFacts, Table, TableColumn, UserType, View
from scyllamodel.schema.plan import contract_plan, make_plan
from scyllamodel.schema.reflect import index_target, view_filter
from scyllamodel.types.cql_types import user_type_names
from scyllamodel.types.parser import parse_type
from support.cassandra_observed import expanded
from support.model_classes import CLASSES, declare
from support.scylla_observed import SCYLLAS, defaults, scylla_cases, setups
from support.statement_facts import Inexpressible, after, keyspace

GROUPS = {"c_types": "", "d_indexes": "IXBASE", "e_views": "VB", "f_alter": "TF", "x_sequences": ""}
"""Groups of statements, and the setup of the cases that name none."""

SETUPS = setups()
UNUSUAL_NAME = "my type"
"""A type of some setups that no class can stand for, and that no statement uses."""

DROPS = {"TABLE": "DS102", "COLUMNFAMILY": "DS102", "TYPE": "DS104", "MATERIALIZED": "DS105", "INDEX": "DS106"}


@attrs.frozen
class Case:
    """A statement that was sent after others."""

    group: str
    key: str
    before: tuple
    cql: str
    result: object

    def __str__(self):
        return f"{self.key}: {'; '.join(self.before)[:60]} > {self.cql}"

    @property
    def is_refused(self):
        """Whether the node refused the statement."""
        return is_error(self.result)

    @property
    def is_idle(self):
        """Whether the statement had no effect, since its object existed, or did not."""
        return isinstance(self.result, str) and self.result.startswith("+noop")

    @property
    def server(self):
        """The profile of the node."""
        return SCYLLAS[self.key]

    @property
    def live(self):
        """The facts before the statement."""
        before = earlier(self.before, self.key.endswith("t"))
        stored = {
            kind: [attrs.evolve(i, options=FrozenMap({**defaults(self.server), **i.options})) for i in items]
            for kind, items in (("tables", before.tables), ("views", before.views))
        }
        return attrs.evolve(before, **stored)

    @property
    def declared(self):
        """What models declare that say the same.

        Raises:
            Inexpressible: models do not say such a thing.
            StatementSyntaxError: CQL does not.
            ModelDefinitionError: a class refuses it.
        """
        declared = declared_after(self.before, self.cql)
        if isinstance(declared, Exception):
            raise declared
        return declared

    @property
    def declared_options(self):
        """The options of the view that the statement creates."""
        later = after(earlier(self.before), self.cql)
        return FrozenMap({**defaults(self.server), **later.views[-1].options})

    @property
    def drop(self):
        """The code that allows the drop, or None for other statements."""
        tokens = self.cql.split()
        return None if "DROP" not in tokens else "DS103" if tokens[0] == "ALTER" else DROPS.get(tokens[1])

    def codes(self):
        """The codes with which a class or a plan refuses the statement."""
        try:
            declared = self.declared
        except ModelDefinitionError as error:
            return [problem.code for problem in error.problems]
        if self.drop is not None:
            plan = contract_plan(SchemaFacts([declared]), SchemaFacts([self.live]), self.server, allow={self.drop})
        else:
            plan = make_plan(declared, self.live, self.server, allow={"BC101"})
        return [refusal.code for refusal in plan.refusals]


@functools.cache
def earlier(statements, tablets=False):
    """The keyspace after these statements."""
    return keyspace(*statements, tablets=tablets)


@functools.cache
def declared_after(before, cql):
    """The facts that models declare after another statement, or the error that says why they cannot."""
    try:
        return classes(after(earlier(before), cql))
    except (Inexpressible, StatementSyntaxError, ModelDefinitionError, ValueError) as error:
        return error


def classes(result):
    """The facts of classes that are generated from these facts, with their former names."""
    if {item.name for item in declarable_types(result).values()} != {
        item.name for item in result.types if item.name != UNUSUAL_NAME
    }:
        raise Inexpressible("a type that is not there, or that holds itself")
    types = [c.type for table in result.tables for c in table.columns]
    if any(set(user_type_names(kind)) - {item.name for item in result.types} or "empty" in kind.cql for kind in types):
        raise Inexpressible("a type that is not there")
    classes_by_name = declare(
        "recorded", attrs.evolve(result, types=[item for item in result.types if item.name != UNUSUAL_NAME])
    )
    facts = desired_facts(classes_by_name, "k", types=CLASSES["recorded"].values())
    stored = facts["k"] if facts.keyspaces else attrs.evolve(result, keyspace=None)
    old = {(table.name, column.name): column.renamed_from for table in result.tables for column in table.columns}
    names = {item.name: item.renamed for item in result.types}
    tables = [
        attrs.evolve(t, columns=[attrs.evolve(c, renamed_from=old[t.name, c.name]) for c in t.columns])
        for t in stored.tables
    ]
    return attrs.evolve(
        stored, tables=tables, types=[attrs.evolve(item, renamed=names[item.name]) for item in stored.types]
    )


def is_error(result):
    """Whether a result is a refusal."""
    return isinstance(result, str) and result.startswith("!")


def steps_before(group, case):
    """The statements of a setup, written in full."""
    setup = case.get("setup", GROUPS[group])
    names = filter(None, setup.split("+") if isinstance(setup, str) else setup)
    return tuple(cql for name in names for cql in SETUPS.get(name.strip("<>"), [name]))


def recorded(group):
    """Each statement of a group, once for each server."""
    for key, case, result in scylla_cases(group):
        if key in {"2025.1.14", "2026.3", *case} and not (isinstance(result, dict) and "na" in result):
            yield Case(group, key, steps_before(group, case), case["cql"], result)
    for key, case, result in scylla_cases(group, "dropped"):
        if key in {"2025.1.14", "2026.3", *case}:
            before = (*SETUPS["TF"], f"ALTER TABLE k.t ADD {case['dropped']}", "ALTER TABLE k.t DROP x")
            yield Case(group, key, before, f"ALTER TABLE k.t ADD {case['add']}", result if is_error(result) else None)


def in_sequence():
    """The schema statements of sequences, each after the accepted ones before it."""
    for key, case, answers in scylla_cases("x_sequences", "steps"):
        if key not in {"2025.1.14", "2026.3", *case}:
            continue
        before = ()
        value = answers["="] if isinstance(answers, dict) else answers
        steps = [cql for step in case["steps"] for cql in SETUPS.get(step.strip("<>"), [step])]
        for cql, answer in zip(steps, value, strict=True):
            if cql.startswith(SCHEMA) and isinstance(answer, str):
                is_accepted = answer == "ok"
                idle = answer.startswith("noop")
                yield Case("x_sequences", key, before, cql, None if is_accepted else "+noop" if idle else f"!{answer}")
                before += (cql,) if is_accepted else ()


SCHEMA = ("CREATE", "ALTER", "DROP")
CASES = [case for group in sorted(GROUPS) for case in (in_sequence() if group == "x_sequences" else recorded(group))]
ACCEPTED = [case for case in CASES if not case.is_refused and not case.is_idle]
REFUSED = [case for case in CASES if case.is_refused]

NOT_EXPRESSIBLE = {
    r"CREATE TYPE .*(\"(int|byte|a b|é)\"|frozen|list|vector|tuple|y{49,}\"?) \(": "a type of this name",
    r"VIEW .* WHERE .*( = |>|<| IN |LIKE| AND w IS NOT NULL)": "a view of a model has no filter",
    r"VIEW .*CLUSTERING ORDER BY \(b DESC, c DESC\)": "an order of its own for the order of columns",
    r"ON k\.t \(v\) WITH (comment|compaction)": "options of the view behind an index",
    r"ALTER MATERIALIZED VIEW k\.i_index": "options of the view behind an index",
    r"ADD \(z int, z ": "a column twice",
    r"RENAME street TO n AND n TO street|RENAME (street TO street|f TO f)": "a field that changes places, or stays",
    r"^DROP KEYSPACE|^TRUNCATE|^CREATE TABLE k\.t \(a int PRIMARY KEY\)$": "models drop no keyspaces and rows",
    r"^DROP INDEX k\.i$|^DROP TABLE k\.t": "an index on a column that is gone, or a change log",
    r"^ALTER TABLE k\.t RENAME": "beside a view with a filter",
}
"""What nodes take and no model says, by the text of the statement, and why."""

STRICTER = {
    r"MD108": "names that Cassandra, other releases or annotations do not take",
    r"NB101": "static values, or the next write, would fail on this release",
    r"RB103": "the index goes first, and needs its own allowance",
    r"TY102": "the type of a column is changed in steps, or manually",
    r"UD102": "the type of a field is changed manually",
    r"TY105": "a column comes back as what it was: old cells would be read as another type",
    r"MD141": "a counter in a type is of no use",
    r"MD114": "a type with a collection is used frozen: the next table is refused",
    r"OP104": "the id is the server's, and a view cannot have a change log",
    r"KS104": "before 2025.4 indexes on tablets are an experiment",
}
"""What nodes take and models do not, by code, and why."""

RESPELT = {
    r"CLUSTERING ORDER BY \((d DESC|c)\)": "every clustering column is named with its order",
    r"CREATE TYPE .* \((a|x|y) (addr|list<addr>|other\.addr|map<text, list<int>>|tuple)": "frozen inside a type",
    r"ADD z (list<list<int>>|map<text, list<int>>)": "frozen inside a collection",
    r" (k\._[ax]|k\.select|INDEX select|ADD select)\b": "in quotes",
    r"CUSTOM INDEX (i )?ON k\.t \(v\)$|USING 'legacy_local_table'": "as an ordinary index",
    r"cdc = (true|false)": "as a map",
    r"compression = \{'(class|enabled)'": "by sstable_compression, or as an empty map",
    r"caching = \{'keys': 'all'": "in capitals",
    r"^ALTER TABLE k\.t ADD v int$": "at once after the drop, with a change log: sent again five seconds later",
}
"""What nodes refuse as it was sent, and take as a plan writes it."""


def reason_for(table, text):
    """The reason that a table of reasons gives for a text."""
    return next((reason for pattern, reason in table.items() if re.search(pattern, text)), None)


def name_and_type(item):
    """A result with its names and texts in full."""
    return {expanded(key): name_and_type(value) for key, value in item.items()} if isinstance(item, dict) else item


def by_name(items, name):
    """Parts of a result by table, where those of ``t`` and ``mv`` have no name."""
    return items if all(isinstance(value, dict) for value in items.values()) else {name: items}


def changed(columns, cells):
    """The columns after a result such as ``{"c2": "clustering 0 DESC int", "gone": "c"}``."""
    dropped = [*cells, *cells.get("gone", "").split(" ")]
    remaining = [column for column in columns if column.name not in dropped]
    for name, text in sorted(cells.items(), key=lambda item: item[1]):
        if name != "gone":
            new_column = column_of(name, text)
            others = [column for column in remaining if column.kind != new_column.kind]
            of_kind = [column for column in remaining if column.kind == new_column.kind]
            of_kind.insert(int(text.split(" ")[1]) if new_column.in_key else 0, new_column)
            remaining = [*others, *of_kind]
    return tuple(remaining)


KINDS = {"pk": "partition_key", "ck": "clustering"}


def column_of(name, text):
    """A column from a text such as ``clustering 0 DESC int``, ``pk 0 text`` or ``regular int``."""
    kind, *attributes = text.split(" ")
    kind = KINDS.get(kind, kind)
    attributes = attributes[1:] if kind in KINDS.values() else attributes
    options = [attribute for attribute in attributes if attribute not in ("ASC", "DESC")]
    return TableColumn(name, parse_type(" ".join(options)), kind, "DESC" in attributes)


def indexes_of(table, cells):
    """The indexes of a table from ``{"i": "keys(m)"}`` or ``{"i": ["CUSTOM", "v", {…}]}``."""
    types = {column.name: column.type for column in table.columns}
    result = []
    for name, value in cells.items():
        kind, text, options = ("", value, {}) if isinstance(value, str) else value
        column, repo, local = index_target(text, types)
        using = options.get("class_name") if kind == "CUSTOM" else None
        result.append(Index(name, column, repo, using, {}, local))
    return [*table.indexes, *result]


def view_of(case, name, cells):
    """The created view, from its result."""
    base = case.live.table("t") or case.live.tables[0]
    usual = {"v": "pk 0 text", "a": "ck 0 ASC int", "b": "ck 1 ASC int", "c": "ck 2 ASC int"}
    result = name_and_type(case.result)
    key = result["key"]
    key = usual if key == "usual" else key.get(name, key)
    regular = result.get("regular", "")
    regular = regular.get(name, "") if isinstance(regular, dict) else regular
    columns = [*changed((), key), *(attrs.evolve(base[n], kind="regular") for n in regular.split())]
    where = "" if cells["where_clause"] == "usual" else view_filter(cells["where_clause"], list(key))
    return View(name, columns, base.name, all_columns=cells["all_cols"], where=where, options=case.declared_options)


def stored(case):
    """The keyspace that the node stored."""
    result, live = name_and_type(case.result), case.live
    tables = {table.name: table for table in live.tables}
    views = {view.name: view for view in live.views}
    types = {item.name: item for item in live.types}
    for name, cells in by_name(result.get("cols", {}), "t").items():
        owner = views if name in views else tables
        columns = owner[name].columns if name in owner else ()
        owner[name] = attrs.evolve(owner.get(name, Table(name, ())), columns=changed(columns, cells))
    for name, cells in by_name(result.get("idx", {}), "t").items():
        tables[name] = attrs.evolve(tables[name], indexes=indexes_of(tables[name], cells))
    if case.cql.startswith("CREATE MATERIALIZED"):
        view = result["view"]
        for name, cells in ({"mv": view} if "all_cols" in view else view).items():
            views[name] = view_of(case, name, cells)
    elif "key" in result:
        views["mv"] = attrs.evolve(views["mv"], columns=changed(views["mv"].columns, result["key"]))
    for name, fields in result.get("types", {}).items():
        known = dict(types[name].fields) if name in types and "RENAME" not in case.cql else {}
        all_fields = {**known, **{field: parse_type(text) for field, text in fields.items()}}
        types[name] = UserType(name, tuple(all_fields.items()))
    return attrs.evolve(live, tables=tables.values(), views=views.values(), types=types.values())


def verdict(case):
    """The codes of a case, or None with an error if it cannot be declared."""
    try:
        return case.codes(), None
    except (Inexpressible, StatementSyntaxError, ValueError) as error:
        return None, error


def unexpected(case):
    """The problem of a case that should be accepted, or None."""
    codes, error = verdict(case)
    if codes is None:
        return None if reason_for(NOT_EXPRESSIBLE, case.cql) else f"{case}: {error!r}"
    return None if all(reason_for(STRICTER, code) for code in codes) else f"{case}: {codes}"


def grouped(cases):
    """The cases by group."""
    return [(group, [case for case in cases if case.group == group]) for group in GROUPS]


@pytest.mark.parametrize(("group", "cases"), grouped(ACCEPTED), ids=list(GROUPS))
def test_what_was_taken_can_be_declared(group, cases):
    """A statement that a node accepted can be declared without a refusal, or has a reason."""
    assert [] == [value for value in map(unexpected, cases) if value]


@pytest.mark.parametrize(("group", "cases"), grouped(REFUSED), ids=list(GROUPS))
def test_refused_statements_are_refused_here_or_not_expressible(group, cases):
    """A statement that a node refused is refused, cannot be declared, or is sent in another form."""
    assert [] == [str(case) for case in cases if verdict(case)[0] == [] and not reason_for(RESPELT, case.cql)]


CREATED = [
    case for case in ACCEPTED
    if isinstance(case.result, dict) and case.drop is None and {"cols", "idx", "view", "types"} & set(case.result)
]  # fmt: skip


@pytest.mark.parametrize(("group", "cases"), grouped(CREATED), ids=list(GROUPS))
def test_what_was_stored_is_what_was_declared(group, cases):
    """A second plan after the stored result is empty, and refuses only what the first one did."""
    for case in cases:
        declared = declared_after(case.before, case.cql)
        if isinstance(declared, Exception):
            continue
        plan, codes = make_plan(declared, stored(case), case.server), case.codes()
        assert [] == plan.cql, str(case)
        assert {refusal.code for refusal in plan.refusals} <= set(codes), str(case)


def test_the_cases_are_many():
    """Each group has accepted and refused cases, and there are many in total."""
    assert all(len(cases) > 400 for cases in (ACCEPTED, REFUSED, CREATED))
    assert [] == [group for cases in (ACCEPTED, REFUSED) for group, value in grouped(cases) if not value]
