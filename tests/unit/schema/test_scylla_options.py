"""Options that real ScyllaDB nodes were sent: stored as declared, or refused with a code."""

from __future__ import annotations

import re

import attrs
import pytest

from scyllamodel.schema.ddl.statement_parser import parse_statement
from scyllamodel.schema.facts.objects import FrozenMap, Keyspace, Table, TableColumn
from scyllamodel.schema.options import OPTION_NAMES, TableOptions, canonical
from scyllamodel.schema.plan import make_plan
from support.builders import desired, schema, table
from support.scylla_observed import SCYLLAS, defaults, observed, scylla_cases

SET = re.compile(r"ALTER TABLE k\.t WITH (.+)", re.DOTALL)
CREATED = re.compile(r"CREATE TABLE k\.t \((.*?)\)( WITH (.+))?", re.DOTALL)
PLAIN = table("t", "a int pk", "b int ck", "v text").columns

STRICTER = {
    r"comment = null": "None is not a text",
    r"min_threshold': 8, 'max_threshold': 4": "Cassandra refuses it, and it compacts nothing",
    r"compaction = \{\}": "a class is declared; leave compaction out for the default",
    r"rows_per_partition': -1": "not a number of rows",
    r"default_time_to_live = (630720001|700000000)": "rows could not be read any more",
    r"= 1\.5": "a whole number that is truncated would always differ",
    r"gc_grace_seconds = -1": "not a time",
    r"crc_check_chance = (2|-1|NaN)": "not a probability",
    r"^id = ": "the id of a table is the server's",
    r"cdc = (\{\}|\{'preimage': true\})|'enabled': 1\}": "cdc has to say whether it is on, by true or false",
    r"max_reads_per_second': (-1|1\.5)": "stored as another number",
    r"synchronous_updates = false": "an option of views, which takes away a TTL column",
    r"min_tablet_count': 'x'|pow2_count': 'yes'|_guardrails_enabled = 'x'": "not a number, or not true or false",
    r"scylla_tags": "the tags are the server's",
    r"= '(101|100|0)PERCENTILE'|'-1ms'": "Cassandra refuses it",
    r"""caching = '\{"keys""": "a map is declared",
    r"read_repair_chance = |^index_interval = |replicate_on_write = |populate_io_cache_on_flush = ": "without effect",
}
"""What nodes take and models do not, by the text of the options, and why."""

NOT_EXPRESSIBLE = {
    r"comment = 'x',|comment = 'x' gc_grace": "not CQL",
    r"^COMPACT STORAGE|^CLUSTERING ORDER": "not options: part of the key, or of a layout that no model has",
    r"(\w+) = .+ AND \1 = ": "a keyword of Python is given once",
    r"'class': '\w+', 'class': ": "a dict has a key once",
    r"speculative_retry = NONE": "written without quotes, which are always written",
    r"comment = 1\.50": "a number of Python does not keep its zeros",
    r"^scylla_encryption_options": "known to builds with encryption, which this one is not",
}
"""What no model can say, and why."""

RESPELT = {
    r"'class': 'ZstdCompressor'": "by sstable_compression, as the case with compression_level 5 was taken",
    r"speculative_retry = '99.123456789p'": "by PERCENTILE, as 99.123456PERCENTILE was taken",
}
"""What nodes refuse as it was sent, and take as a plan writes it, where no other case shows that."""


def reason_for(table_, text):
    """The reason that a table of reasons gives for a text."""
    return next((reason for pattern, reason in table_.items() if re.search(pattern, text)), None)


def parsed(text):
    """Options as Python values, in their order."""
    if not text:
        return {}
    return {**parse_statement(f"ALTER TABLE k.t WITH {text}").options}


def declared(text):
    """Options as a model declares them, and the codes of their problems."""
    options = parsed(text)
    known = {name: value for name, value in options.items() if name in OPTION_NAMES}
    extra = {name: value for name, value in options.items() if name not in OPTION_NAMES}
    own_tableoptions = TableOptions(**known, extra=extra)
    problems = own_tableoptions.problems("m.T")
    return (FrozenMap() if problems else own_tableoptions.declared()), [problem.code for problem in problems]


def created(statement):
    """The columns of a CREATE TABLE, and the text of its options."""
    match = CREATED.fullmatch(statement)
    columns = parse_statement(statement).columns
    pairs = "PRIMARY KEY (a, b)" in statement
    kinds = {"a": "partition_key", "b": "clustering"} if pairs else {"a": "partition_key"}
    return tuple(TableColumn(c.name, c.type, kinds.get(c.name, "regular")) for c in columns), match[3] or ""


@attrs.frozen
class Case:
    """A recorded statement on the options of a table."""

    key: str
    text: str
    result: object
    columns: tuple
    before: str = ""
    alters: bool = False
    log_is_taken: bool = False

    @classmethod
    def of(cls, key, case, result):
        """A case that creates a table, or alters the one from its setup."""
        if "with" in case:
            return cls(key, case["with"], result, PLAIN)
        last = [s for s in case.get("setup", []) if isinstance(case["setup"], list) and CREATED.fullmatch(s)]
        columns, before = created(last[-1]) if last else (PLAIN, "")
        if match := SET.fullmatch(case["cql"]):
            return cls(key, match[1], result, columns, before, alters=True)
        columns, text = created(case["cql"])
        return cls(key, text, result, columns, log_is_taken="_scylla_cdc_log (" in str(case.get("setup")))

    def __str__(self):
        return f"{self.key}: {self.before} > {self.text}"

    @property
    def server(self):
        """The profile of the node."""
        return SCYLLAS[self.key]

    @property
    def is_refused(self):
        """Whether the node refused the statement."""
        return isinstance(self.result, str) and self.result.startswith("!")

    @property
    def is_of_counters(self):
        """Whether the table has counters."""
        return any(column.type.cql == "counter" for column in self.columns)

    def table(self, options):
        """The table with these options."""
        return Table("t", self.columns, options=FrozenMap(options))

    def plan(self, options, live):
        """The plan for a model with these options, for a live or a new table."""
        definition = Keyspace("k", {"class": "NetworkTopologyStrategy", "dc1": "1"}, True, self.key.endswith("t"))
        parts = [] if live is None else [self.table(live)]
        parts += [table("t_scylla_cdc_log")] if self.log_is_taken else []
        return make_plan(desired(self.table(options)), schema(*parts, keyspace=definition), self.server)

    @property
    def start(self):
        """The options before the statement, or None if it creates the table."""
        return {**defaults(self.server), **declared(self.before)[0]} if self.alters else None

    @property
    def stored(self):
        """All options that the node stored."""
        result = self.result
        if isinstance(result, dict):
            result = result["opts"] if "opts" in result else result.get("=", result)
        names = list(parsed(self.text))
        if len(names) == 1 and not (isinstance(result, dict) and (names[0] in result or "opts" in self.result)):
            result = {names[0]: result}
        by_name = {name: (result or {}).get(name) for name in names}
        before = self.start or defaults(self.server)
        of_default = isinstance(self.result, dict) and "opts" in self.result
        remaining = {name: value for name, value in before.items() if name not in names or (of_default and not result)}
        empty = [name for name, value in by_name.items() if value is None or (value == {} and name in EXTENSIONS)]
        return {**remaining, **{name: canonical(name, by_name[name]) for name in names if name not in empty}}


EXTENSIONS = ("cdc", "per_partition_rate_limit", "tablets")


def is_about_options(case):
    """Whether a recorded case sets options of a table, and not of a log or its columns."""
    setup = case.get("setup", [])
    known = setup == "T" or all(CREATED.fullmatch(s) or "_cdc_log (" in s for s in setup)
    return "with" in case or bool(known and (SET.fullmatch(case["cql"]) or CREATED.fullmatch(case["cql"])))


def recorded():
    """Each case that sets options, once for each server."""
    for form in ("with", "cql"):
        for key, case, result in scylla_cases("a_table_options", form):
            was_set_up = not (isinstance(result, dict) and "na" in result)
            if key in {"2025.1.14", "2026.3", *case} and is_about_options(case) and was_set_up:
                yield Case.of(key, case, result)
    for key, case, results in scylla_cases("y_2026", "steps"):
        if key in case and len(results) == 1 and CREATED.fullmatch(case["steps"][0]):
            yield Case.of(key, {"cql": case["steps"][0]}, _new_form(results[0]))


def _new_form(result):
    """An answer of 2026 in the form of the other group: options that differ from the defaults, or an error."""
    return f"!{result}" if isinstance(result, str) else {"opts": {}, **result}


CASES = list(recorded())
EXPRESSIBLE = [case for case in CASES if reason_for(NOT_EXPRESSIBLE, case.text) is None]
ACCEPTED = [case for case in EXPRESSIBLE if not case.is_refused]
REFUSED = [case for case in EXPRESSIBLE if case.is_refused]
REQUESTED = {(case.key, str(declared(case.text)[0])) for case in ACCEPTED}


def refusals(case):
    """The codes with which a class or a plan refuses the case."""
    options, codes = declared(case.text)
    if case.is_of_counters and "default_time_to_live" in options:
        return ["MD117"]  # by the class, see model/test_validation
    return codes or [refusal.code for refusal in case.plan(options, case.start).refusals]


def test_the_recorded_cases_are_read():
    """Most recorded cases set options, and the others are known statements."""
    others = {case["cql"] for case in observed("a_table_options") if not is_about_options(case)}

    assert len(ACCEPTED) > 300
    assert len(REFUSED) > 400
    assert {cql for cql in others if not re.search("scylla_cdc_log|ADD|DROP|RENAME", cql)} == {
        "ALTER TABLE k.t", "ALTER TABLE k.t WITH",
    }  # fmt: skip


@pytest.mark.parametrize("case", ACCEPTED, ids=str)
def test_what_a_node_stored_is_in_sync(case):
    """After the declared options are stored a second plan is empty, except where models are stricter than nodes."""
    codes = refusals(case)
    options, _ = declared(case.text)

    assert bool(codes) is (reason_for(STRICTER, case.text) is not None)
    if not codes:
        second = case.plan(options, case.stored)
        assert ([], []) == ([step.cql for step in second.steps], [str(refusal) for refusal in second.refusals])


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_what_a_node_refused_is_refused_before_anything_runs(case):
    """An option that a node refused is refused with a code, or written in a form that the node accepted."""
    codes = refusals(case)
    is_respelt = (case.key, str(declared(case.text)[0])) in REQUESTED or reason_for(RESPELT, case.text) is not None

    assert {"OP104", "OP105", "KS104", "MD117"} >= set(codes)
    assert codes or is_respelt


def test_each_reason_is_needed():
    """Each exception in the tables has a case."""
    texts = {case.text for case in CASES}

    for reasons in (STRICTER, NOT_EXPRESSIBLE, RESPELT):
        assert [] == [pattern for pattern in reasons if not any(re.search(pattern, text) for text in texts)]
