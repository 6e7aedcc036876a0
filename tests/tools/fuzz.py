"""Damaged and forged input: tokens, plan files, lock files, ledger rows and rows of ``system_schema``.

Each case alters something valid in a few places and reads it as the library does, then shows what was read. The only
outcomes are a value and an error of this package, within seconds and half a gigabyte. ``python tests/tools/fuzz.py``
runs 100,000 cases of each kind and shows its progress; a failure prints the seed and number that reproduce it:

    python tests/tools/fuzz.py --only plans --seed 7 --first 4711 --cases 1
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import resource
import signal
import sys
import time
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path
from uuid import UUID

import support_path  # noqa: F401 - for the next one
from scyllamodel import Column, Model, ScyllaModelError, clustering_key, partition_key, select
from scyllamodel._json import read_json
from scyllamodel.cli.ledger_texts import history_text
from scyllamodel.driver.data.page_tokens import PageKey, make_token, read_token
from scyllamodel.driver.data.scan import _parse_state
from scyllamodel.release.ledger.record_bounds import MAX_STEPS, step_fault, version_fault
from scyllamodel.release.ledger.records import step_from_row, version_from_row
from scyllamodel.schema.changes.as_json import change_to_json
from scyllamodel.schema.compare.comparison_report import compare_schemas
from scyllamodel.schema.ddl import keyspace_script
from scyllamodel.schema.diff.schema_diff import diff
from scyllamodel.schema.export.facts_json import facts_document
from scyllamodel.schema.export.snapshot import facts_from_snapshot, read_snapshot, snapshot_document, snapshot_text
from scyllamodel.schema.facts.fingerprint import fingerprint
from scyllamodel.schema.facts.objects import KeyspaceFacts, SchemaFacts
from scyllamodel.schema.plan import Plan, make_plan
from scyllamodel.schema.plan.plan import _fingerprint
from scyllamodel.schema.plan.step import is_step, make_step
from scyllamodel.schema.reflect import columns_to_read, reflect_keyspace
from scyllamodel.schema.server.profile import ServerProfile
from support.builders import desired, schema, table, user_type, view

SECONDS = 20
"""For one case; a thousandth of it is usual, and machines are busy."""

MEMORY = 512 * 1024 * 1024
"""Bytes more than at the start."""

CASSANDRA, SCYLLA = ServerProfile("cassandra", (5, 0, 6)), ServerProfile("scylla", (2025, 4))
FACTS = schema(
    table("t", "id int pk", "at int ck desc", "a text", "m frozen<map<text,int>>", options={"comment": "it's"}),
    view("v", "t", "a text pk", "id int ck", "at int ck", where="a IS NOT NULL AND id > 5"),
    user_type("point", "x int", "y frozen<list<text>>"),
)
PLAN = make_plan(
    desired(*FACTS.tables, *FACTS.views, *FACTS.types, table("u", "id int pk", "p frozen<point>")), schema(), CASSANDRA
)
CHANGES = [step.change for step in PLAN.steps]


class Visit(Model, table="visits", repo="fuzz"):
    """What the tokens are for."""

    who: Column[str] = partition_key()
    at: Column[int] = clustering_key()


QUERY = select(Visit).where(Visit.who == "x").compile("shop")
KEYS = (PageKey.from_secret(b"a secret of this service"), PageKey.from_secret(b"the secret before it"))

ODD_TEXTS = (
    "", "\0", "\x1b[31m", "\r", "'", '"', "''", "$$", "--", "/*", "(", "{", "[", "<", "list<", ">", ",", ".", "null",
    "NaN", "Infinity", "-1", "1e999999", "9" * 5000, "x" * 70_000, "\ud800", "\u202e", "é", "True", "frozen<" * 300,
    "[" * 300, "{" * 300, "list<int>", "AND", "IS NOT NULL", "sha256:", "99p", "keys(a)", "org.x.Y", "DROP KEYSPACE k",
)  # fmt: skip
ODD_VALUES = (
    None, True, False, 0, -1, 1, 2**31, 2**63 - 1, -(2**63), 2**200, 0.0, -0.0, 1.5, float("nan"), float("inf"), 1e308,
    [], {}, [[]], [None], {"": None}, {"=": "AddTable"}, {"cql": "int"}, {"map": {}}, "AddTable", "int", (), b"",
    b"\xff",
)  # fmt: skip


def odd_text(rng, text):
    """A text with random damage: cut, doubled, shuffled, or with something odd in it."""
    at, end = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)))
    return rng.choice(
        (
            lambda: rng.choice(ODD_TEXTS),
            lambda: text[:at],
            lambda: text[:at] + text[end:],
            lambda: text[:end] + text[at:],
            lambda: text[:at] + rng.choice(ODD_TEXTS) + text[at:],
            lambda: text[:at] + chr(rng.randrange(1, 0x3000)) + text[at + 1 :],
            text.swapcase,
        )
    )()


def odd_value(rng, value):
    """A value in place of this one, of its type or of another."""
    if isinstance(value, str) and rng.random() < 0.7:
        return odd_text(rng, value)
    if isinstance(value, list) and value and rng.random() < 0.5:
        return rng.choice((value[:-1], value * 2, [*value, rng.choice(ODD_VALUES)], value[::-1]))
    return rng.choice((*ODD_VALUES, rng.choice(ODD_TEXTS), nested(rng.choice((3, 70, 3000)))))


def of_its_kind(rng, value, *, in_collection=False):
    """Another value of this column's type: servers keep types, and have no nulls in collections."""
    if not in_collection and (value is None or rng.random() < 0.1):
        return None
    if isinstance(value, str):
        return odd_text(rng, value)
    if isinstance(value, bytes):
        return rng.randbytes(rng.randrange(40)) if rng.random() < 0.5 else value[: rng.randrange(len(value) + 1)]
    if isinstance(value, list):
        elements = [*value, rng.choice(value or ["x"])]
        return [of_its_kind(rng, part, in_collection=True) if rng.random() < 0.5 else part for part in elements]
    if isinstance(value, dict):
        pairs = ((odd_text(rng, key) if rng.random() < 0.2 else key, inner) for key, inner in value.items())
        return {key: of_its_kind(rng, inner, in_collection=True) for key, inner in pairs}
    kinds = {bool: (True, False), float: (float("nan"), float("inf"), -1.0, 0.0, 1e300)}
    return rng.choice(kinds.get(type(value), (0, -1, 1, 2**31 - 1, -(2**31))))


def nested(levels):
    """Lists in lists."""
    results = []
    for _ in range(levels):
        results = [results]
    return results


def altered(rng, value):
    """A copy of plain values that differs in one place."""
    places = list(_places(value))
    if not places or rng.random() < 0.02:
        return odd_value(rng, value)
    path = rng.choice(places)
    return _with(rng, value, path)


def _places(value, path=()):
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items if len(path) < 20 else ():
        yield (*path, key)
        yield from _places(inner, (*path, key))


def _with(rng, value, path):
    copied = dict(value) if isinstance(value, dict) else list(value)
    key, *rest = path
    if rest:
        copied[key] = _with(rng, copied[key], rest)
        return copied
    choice = rng.random()
    if choice < 0.1:
        del copied[key]
    elif choice < 0.2 and isinstance(copied, dict):
        copied[odd_text(rng, str(key))] = copied[key]
    else:
        copied[key] = odd_value(rng, copied[key])
    return copied


def times(rng, change, value):
    """A value after one to four changes, mostly one."""
    for _ in range(1 + min(3, int(rng.expovariate(1.5)))):
        value = change(rng, value)
    return value


def serialize(rng, value):
    """JSON text of a value, itself damaged now and then."""
    with contextlib.suppress(RecursionError, TypeError):
        text = json.dumps(value)
        return odd_text(rng, text) if rng.random() < 0.1 else text
    return "[" * 100_000


def tokens(rng):
    """Page tokens, and positions of scans with a valid tag."""
    if rng.random() < 0.5:
        token = make_token(QUERY, rng.randbytes(rng.randrange(200)), rng.choice((KEYS, KEYS[1:])))
        return read_token(QUERY, times(rng, odd_text, token), KEYS)
    state = [3, [[-(2**63), 0, "0000"], [0, 2**63 - 1, None]]]
    return _parse_state(serialize(rng, times(rng, altered, state)).encode(errors="surrogatepass"))


def plans(rng):
    """Plan files, most of them with the correct hash."""
    result = times(rng, altered, PLAN.to_dict())
    with contextlib.suppress(Exception):  # whatever the damage does to the hash, the reader says
        result["hash"] = _fingerprint(result)
    plan = Plan.from_dict(_document(serialize(rng, result)))
    return plan.render(), plan.to_dict(), plan.fingerprint, repr(plan)


def _document(text):
    """The document of a file as `Plan.load` reads it."""
    try:
        document = read_json(text)
    except ValueError as error:
        raise Refused("it is not JSON") from error
    if not isinstance(document, dict):
        raise Refused("it is not an object")
    return document


class Refused(ScyllaModelError):
    """Represents the `ValueError` of `Plan.load`."""


def locks(rng):
    """Lock files, compared with the declared schema."""
    document = times(rng, altered, snapshot_document({"default": ("k", SchemaFacts([FACTS]))}))
    snapshot = read_snapshot(serialize(rng, document), "schema.lock.json")
    facts = facts_from_snapshot(snapshot, "default", "k")
    return (
        snapshot_text(snapshot),
        [str(item) for item in compare_schemas(facts, SchemaFacts([FACTS]))],
        fingerprint(facts),
    )


NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
STEP = {
    "scope": "k/default", "version": 20260101000000, "seq": 1, "op": "add_table", "object": "k.t", "cql": "CREATE",
    "undo": "DROP TABLE", "state": "applied", "attempts": 1, "epoch": 3, "started_at": NOW, "duration_ms": 7,
    "error": None, "change": "",
}  # fmt: skip
VERSION = {
    "scope": "k/default", "version": 20260101000000, "name": "x", "kind": "migrate", "status": "applied",
    "plan_hash": "sha256:", "models": ["shop.models"], "total": 1, "applied": 1, "error": None, "error_seq": None,
    "started_at": NOW, "finished_at": NOW, "host": "h", "actor": "a", "pid": 7, "run_id": UUID(int=1), "epoch": 3,
}  # fmt: skip


def ledger(rng):
    """Rows of versions and steps, with the change that a rollback would undo."""
    change = json.loads(change_to_json(rng.choice(CHANGES)))
    text = serialize(rng, times(rng, altered, change)) if rng.random() < 0.8 else rng.choice(ODD_TEXTS)
    rows = {**STEP, "change": text}, VERSION
    step, version = (altered(rng, row) if rng.random() < 0.3 else row for row in rows)
    if not isinstance(step, dict) or not isinstance(version, dict) or step_fault(step) or version_fault(version):
        raise Refused("a bound of the ledger")
    seq = rng.choice((1, 2, MAX_STEPS))
    item = step_from_row({**STEP, **step, "scope": "k/default", "version": 1, "seq": seq})
    migration = version_from_row({**version, "scope": "k/default", "version": 1, "steps": (item,)})
    output = (
        history_text([migration]),
        migration.to_dict(),
        item.to_dict(),
        migration.rollback_target,
        migration.fault,
        item.undone_step,
    )
    value = item.change
    for server in (CASSANDRA, SCYLLA) if value is not None and is_step(value) else ():
        make_step(1, value, (), server)
        if hasattr(value, "inverse"):
            make_step(1, value.inverse(), (), server)
    return output


def _scylla_rows():
    path = Path(__file__).parents[1] / "data" / "scylla-system-schema.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    for row in [*rows["tables"], *rows["views"]]:
        row["extensions"] = {name: bytes.fromhex(value[2:]) for name, value in row["extensions"].items()}
    read = columns_to_read(SCYLLA)
    return {
        name: [{c: row.get(c) for c in read[name]} for row in value] for name, value in rows.items() if name in read
    }


ROWS = _scylla_rows()
KEYS_OF_ROWS = frozenset(
    "keyspace_name table_name view_name type_name function_name aggregate_name index_name column_name argument_types "
    "trigger_name".split()
)
COUNTED = (
    "tables",
    "columns",
    "views",
    "types",
    "indexes",
    "functions",
    "aggregates",
    "scylla_tables",
    "dropped_columns",
)


def rows(rng):
    """Rows of ``system_schema``: the keyspace is read, compared and shown, whatever a column holds."""
    values = dict(ROWS)
    for _ in range(1 + int(rng.expovariate(1))):
        source = rng.choice([name for name in COUNTED if values.get(name)])
        at = rng.randrange(len(values[source]))
        row = dict(values[source][at])
        column = rng.choice([name for name in row if name not in KEYS_OF_ROWS])
        row[column] = of_its_kind(rng, row[column])
        values[source] = [*values[source][:at], row, *values[source][at + 1 :]]
    facts = reflect_keyspace("shop", values, rng.choice((CASSANDRA, SCYLLA)))
    notes = diff(facts, KeyspaceFacts("shop"), SCYLLA)
    return notes, keyspace_script(facts, SCYLLA), facts_document(SchemaFacts([facts])), fingerprint(facts)


KINDS = {value.__name__: value for value in (tokens, plans, locks, ledger, rows)}


class TooLong(BaseException):
    """A case exceeded its time limit."""


def _ring(*_):
    raise TooLong


def run_cases(kind, seed, first, cases, progress=None):
    """Run so many cases of a kind; returns how many gave a value, and the errors of the others.

    Parameters:
        progress: called with the number of each case after it has run.

    Raises:
        AssertionError: a case ended in another way; the message says how to reproduce it.
    """
    outcomes, slowest = Counter(), 0.0
    before = signal.signal(signal.SIGALRM, _ring)
    try:
        for number in range(first, first + cases):
            start = time.perf_counter()
            signal.setitimer(signal.ITIMER_REAL, SECONDS)
            try:
                KINDS[kind](random.Random(f"{seed} {kind} {number}"))
                outcomes["value"] += 1
            except ScyllaModelError as error:
                outcomes[type(error).__name__] += 1
            except BaseException as error:
                replay_command = f"python tests/tools/fuzz.py --only {kind} --seed {seed} --first {number} --cases 1"
                raise AssertionError(f"{type(error).__name__}; play it again with: {replay_command}") from error
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            slowest = max(slowest, time.perf_counter() - start)
            if progress is not None:
                progress(number)
    finally:
        signal.signal(signal.SIGALRM, before)
    return outcomes, slowest


def reporter(kind, options, out=sys.stderr):
    """Return a function that prints a line after each tenth of the cases."""
    part, start = max(1, options.cases // 10), time.monotonic()

    def report(number):
        count = number - options.first + 1
        if count % part == 0 and count < options.cases:
            out.write(f"{kind:<7} {count} of {options.cases} cases, {time.monotonic() - start:.0f} s\n")
            out.flush()

    return report


def main():
    """Run all cases, with a line for each kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--only", action="append", default=[], choices=KINDS)
    options = parser.parse_args()
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    resource.setrlimit(resource.RLIMIT_AS, (_mapped() + MEMORY, resource.RLIM_INFINITY))
    for kind in options.only or KINDS:
        start = time.monotonic()
        outcomes, slowest = run_cases(kind, options.seed, options.first, options.cases, reporter(kind, options))
        listed = ", ".join(f"{name} {count}" for name, count in outcomes.most_common())
        seconds = f"{time.monotonic() - start:.0f} s, slowest case {slowest * 1000:.0f} ms"
        sys.stdout.write(f"{kind:<7} {options.cases} cases: {listed}; {seconds}\n")
        sys.stdout.flush()
    growth = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used) // 1024
    sys.stdout.write(f"memory grew by {growth} MiB; seed {options.seed}\n")


def _mapped():
    """The address space of this process in bytes."""
    with contextlib.suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    return 1 << 32


if __name__ == "__main__":
    main()
