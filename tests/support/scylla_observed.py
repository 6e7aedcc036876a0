"""The recorded responses of real ScyllaDB nodes: the files ``data/scylla-*.json`` as rows and cases."""

from __future__ import annotations

import copy
import functools
import json
from pathlib import Path

from scyllamodel.schema.facts.objects import FrozenMap
from scyllamodel.schema.reflect import columns_to_read
from scyllamodel.schema.server.profile import ServerProfile
from support.cassandra_observed import expanded

OLD, NEW = ServerProfile("scylla", (2025, 1, 14)), ServerProfile("scylla", (2026, 3, 0))
SCYLLAS = {"2025.1.14": OLD, "2025.1.14t": OLD, "2026.3": NEW, "2026.3t": NEW}
_INSTEAD = {"2025.1.14t": ["2025.1.14"], "2026.3": ["2025.1.14"], "2026.3t": ["2026.3", "2025.1.14"]}
_KEYS = {
    "columns": ("table_name", "column_name"),
    "dropped_columns": ("table_name", "column_name"),
    "scylla_tables": ("table_name",),
    "tables": ("table_name",),
    "views": ("view_name",),
}


@functools.cache
def _data(name):
    return json.loads((Path(__file__).parents[1] / "data" / f"scylla-{name}.json").read_text(encoding="utf-8"))


def stored_rows(release):
    """All rows of ``2025.1.14`` or ``2026.3`` as the files contain them, by table."""
    result, newer = _data("system-schema"), _data("system-schema-2026")
    rows = {}
    for part in (result["rows"], result["more"]["rows"]):
        for table, table_rows in part.items():
            rows.setdefault(table, []).extend(copy.deepcopy(table_rows))
    if release == "2026.3":
        parts = (part for name, part in newer["differs"].items() if name.startswith("rows of"))
        for table, table_rows in (item for part in parts for item in part.items() if item[0] != "gone"):
            _overlay(rows.setdefault(table, []), table, table_rows)
        for name in ("functions", "aggregates", "scylla_aggregates"):
            rows[name] = []
        for table, table_rows in newer["new"]["rows"].items():
            rows.setdefault(table, []).extend(copy.deepcopy(table_rows))
    return rows


def _overlay(rows, table, differences):
    """Replace the rows of the older release where the newer one differs."""
    names = ("keyspace_name", *_KEYS[table])
    by_key = {tuple(map(row.get, names)): row for row in rows}
    for difference in differences:
        if "new" in difference:
            rows.append(copy.deepcopy(difference["new"]))
        else:
            by_key[tuple(map(difference.get, names))].update(copy.deepcopy(difference))


def rows(release="2025.1.14"):
    """The rows of one release as a driver returns them: only the columns that are read, blobs as bytes."""
    result = stored_rows(release)
    for row in [*result["tables"], *result["views"]]:
        row["extensions"] = {name: bytes.fromhex(value[2:]) for name, value in row["extensions"].items()}
    expected = columns_to_read(SCYLLAS[release])
    return {
        table: [{c: row.get(c) for c in expected[table]} for row in table_rows]
        for table, table_rows in result.items()
        if table in expected
    }


def scylla_cases(group, form="cql"):
    """Each case of a group that holds ``form``, as ``(key, case, result)`` for every server it was sent to."""
    for case in map(expanded, _data("observed")[group]):
        for key in SCYLLAS if form in case else ():
            answers = [name for name in (key, *_INSTEAD.get(key, ())) if name in case]
            if answers:
                yield key, case, case[answers[0]]


def observed(group):
    """A group of cases as the file contains it, with abbreviations expanded."""
    return expanded(_data("observed")[group])


DEFAULTS = FrozenMap({
    "caching": {"keys": "ALL", "rows_per_partition": "ALL"},
    "comment": "",
    "compaction": {"class": "IncrementalCompactionStrategy"},
    "default_time_to_live": 0,
    "gc_grace_seconds": 864000,
    "max_index_interval": 2048,
    "memtable_flush_period_in_ms": 0,
    "min_index_interval": 128,
    "speculative_retry": "99p",
})  # fmt: skip
"""What a node stores of a table without options, as far as the cases alter it."""


def defaults(server):
    """The options that this server stores for a table without options."""
    compressor, gc = server.default_compressor, server.default_tombstone_gc
    return {**DEFAULTS, "compression": {"class": compressor}, "tombstone_gc": {"mode": gc}}


def setups():
    """The setup statements by name."""
    value = _data("observed")["about"]["setups"]
    return {name: [expanded(cql) for cql in text.split("; ")] for name, text in value.items()}
