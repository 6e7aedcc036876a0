"""The internal tables: definitions, and the steps that create them.

*In*: a keyspace and its facts. *Out*: facts and steps. Many processes create them at once, so each has a table id
derived from its name (ids chosen by servers gave each node its own table, and lost rows, in 16 of 16 rounds of 24
starters).

They only gain columns: older releases ignore unknown columns, newer ones read missing columns as null. An incompatible
change gets another ``format`` in the table comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from uuid import UUID, uuid5

import attrs

from scyllamodel._identifiers import qualified
from scyllamodel.driver.data.page_secrets import TABLE
from scyllamodel.errors import ConfigurationError
from scyllamodel.schema.changes.kinds import AddTable
from scyllamodel.schema.ddl import create_table
from scyllamodel.schema.facts.objects import ColumnKind, KeyspaceFacts, Table, TableColumn
from scyllamodel.schema.plan import Step, make_step
from scyllamodel.schema.server.profile import ServerProfile
from scyllamodel.types import parse_type

FORMAT: Final = 1
"""The format that this release reads and writes."""

_ID_NAMESPACE: Final = UUID("6f8c1a5e-3b7d-5c49-9a0e-d2f4b6817c53")
"""Namespace of the table ids; another one would create other tables."""


def internal_table(name: str, columns: str, *, partition: str, clustering: str = "", descending: str = "") -> Table:
    """Define an internal table.

    >>> [column.name for column in internal_table("scyllamodel_x", "a int, b text", partition="b")]
    ['b', 'a']

    Parameters:
        columns: names with their types, as CQL has them.
        partition: names of the partition key columns.
        clustering: names of the clustering columns.
        descending: clustering columns in descending order.
    """
    kinds: dict[str, ColumnKind] = dict.fromkeys(partition.split(), "partition_key")
    kinds |= dict.fromkeys(clustering.split(), "clustering")
    types = dict(column.split(maxsplit=1) for column in columns.split(","))
    columns_by_name = {
        column: TableColumn(column, parse_type(cql), kinds.get(column, "regular"), column in descending.split())
        for column, cql in types.items()
    }
    return Table(
        name,
        [
            *(columns_by_name[key] for key in kinds),
            *(column for column in columns_by_name.values() if not column.in_key),
        ],
        options={"comment": f"scyllamodel, format {FORMAT}"},
    )


LOCK: Final = internal_table(
    "scyllamodel_lock",
    "name text, owner uuid, epoch bigint, beat bigint, lease_ms int, version bigint, step int, coordinator uuid, "
    "host text, pid int, purpose text, acquired_at timestamp",
    partition="name",
)
"""Locks: one row per keyspace, never deleted, changed by conditional updates only."""

MIGRATIONS: Final = internal_table(
    "scyllamodel_migrations",
    "scope text, version bigint, name text, kind text, status text, plan_hash text, models_from text, models_to text, "
    "schema_from text, schema_to text, models list<text>, total int, applied int, error text, error_seq int, "
    "started_at timestamp, finished_at timestamp, host text, actor text, pid int, run_id uuid, epoch bigint, "
    "tool_version text, app_version text, server_version text",
    partition="scope",
    clustering="version",
    descending="version",
)
"""All versions of all scopes, newest first."""

STEPS: Final = internal_table(
    "scyllamodel_steps",
    "scope text, version bigint, seq int, op text, object text, cql text, undo text, change text, state text, "
    "attempts int, epoch bigint, started_at timestamp, duration_ms int, error text",
    partition="scope version",
    clustering="seq",
)
"""Statements of each version; ``change`` is the change as JSON, so that the schema can prove it."""

VERIFIED: Final = internal_table(
    "scyllamodel_verified",
    "scope text, models_fp text, schema_version uuid, checked_at timestamp",
    partition="scope",
    clustering="models_fp",
)
"""Schema version with which models were last seen in sync."""

PAGE_SECRETS: Final = internal_table(TABLE, "name text, secret text, made_at timestamp", partition="name")
"""The signing secret of page tokens, where the settings have none: one row, written once."""

BACKFILLS: Final = internal_table(
    "scyllamodel_backfills",
    "scope text, name text, part int, run_id uuid, parts int, since bigint, convert text, rows_in bigint, "
    "rows_out bigint, skipped bigint, finished_at timestamp, host text, pid int",
    partition="scope name",
    clustering="part",
)
"""Progress of backfills: a row for each copied token range, and one (part -1) for the backfill.

Created by the first backfill, since most keyspaces never have one.
"""

TABLES: Final = (LOCK, MIGRATIONS, STEPS, VERIFIED, PAGE_SECRETS)
"""All internal tables but BACKFILLS, in order of creation."""


def table_id(keyspace: str, name: str) -> UUID:
    """Return the id of an internal table; ids are unique in a cluster, so it depends on the keyspace.

    >>> table_id("shop", "scyllamodel_lock")
    UUID('17816ac9-3dab-5bec-b018-2a46ba42fe58')
    """
    return uuid5(_ID_NAMESPACE, f"{keyspace}.{name}")


def missing_tables(
    keyspace: str, live: KeyspaceFacts, server: ServerProfile, tables: Iterable[Table] = TABLES
) -> tuple[Step, ...]:
    """Return steps that create missing internal tables; all of them if the keyspace does not exist.

    Raises:
        ConfigurationError: a table has a format that this release does not support.
    """
    missing = [table for table in tables if not _exists(table, live)]
    return tuple(_creation_step(seq, keyspace, table, server) for seq, table in enumerate(missing, 1 - len(missing)))


def _creation_step(seq: int, keyspace: str, table: Table, server: ServerProfile) -> Step:
    step = make_step(seq, AddTable(keyspace, table), (), server)
    cql = create_table(keyspace, table, server, table_id=table_id(keyspace, table.name))
    return attrs.evolve(step, cql=cql, undo=None, why_no_undo="the history of all changes is never dropped")


def _exists(table: Table, live: KeyspaceFacts) -> bool:
    live_table = live.table(table.name)
    if live_table is None:
        return False
    format_match = re.search(r"format (\d+)", str(live_table.options.get("comment", "")))
    if format_match and int(format_match[1]) != FORMAT:
        raise ConfigurationError(
            f"{qualified(live.name, table.name)} has format {format_match[1]}, and this release only reads format "
            f"{FORMAT}. Use the release of the other programs on this keyspace.",
            table=f"{live.name}.{table.name}",
            format=int(format_match[1]),
        )
    return True
