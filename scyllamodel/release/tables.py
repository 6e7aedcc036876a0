"""The tables of our own bookkeeping: what they look like, and the statements that make them.

*In*: a keyspace and what it holds. *Out*: facts and steps, as for any other table. They are made by many starters at
once, so each has an id that all derive alike (an id of the server's own choosing gave every node its own table, and
lost rows, in 16 of 16 rounds of 24 starters).

They grow by added columns only: an older release leaves out what it does not know, a newer one takes a missing column
for null. What an older release could not read gets another number in ``format`` of the table's comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from uuid import UUID, uuid5

import attrs

from scyllamodel._identifiers import qualified
from scyllamodel.driver.page_secrets import TABLE
from scyllamodel.errors import ConfigurationError
from scyllamodel.schema.changes import AddTable
from scyllamodel.schema.ddl import create_table
from scyllamodel.schema.facts import ColumnKind, KeyspaceFacts, Table, TableColumn
from scyllamodel.schema.plan import Step, make_step
from scyllamodel.schema.server import ServerProfile
from scyllamodel.types import parse_type

PREFIX: Final = "scyllamodel_"
"""What the name of every table of ours starts with."""

FORMAT: Final = 1
"""The one format that this release reads and writes."""

_ID_NAMESPACE: Final = UUID("6f8c1a5e-3b7d-5c49-9a0e-d2f4b6817c53")
"""Names the ids of our tables; another one would make other tables of them."""


def internal_table(name: str, columns: str, *, partition: str, clustering: str = "", descending: str = "") -> Table:
    """A table of ours.

    >>> [column.name for column in internal_table("scyllamodel_x", "a int, b text", partition="b")]
    ['b', 'a']

    Parameters:
        columns: names with their types, as CQL has them.
        partition: the names of the partition key; ``clustering`` those of the clustering key.
        descending: the clustering columns in descending order.
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
"""Who may change a keyspace: one row for each, which is never deleted and changed by conditional updates alone."""

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
"""Every version of every scope, the newest first."""

STEPS: Final = internal_table(
    "scyllamodel_steps",
    "scope text, version bigint, seq int, op text, object text, cql text, undo text, change text, state text, "
    "attempts int, epoch bigint, started_at timestamp, duration_ms int, error text",
    partition="scope version",
    clustering="seq",
)
"""The statements of each version; ``change`` is what a statement does, as JSON, so that the schema can prove it."""

VERIFIED: Final = internal_table(
    "scyllamodel_verified",
    "scope text, models_fp text, schema_version uuid, checked_at timestamp",
    partition="scope",
    clustering="models_fp",
)
"""Which models were seen to be in sync with which version of the cluster's schema."""

PAGE_SECRETS: Final = internal_table(TABLE, "name text, secret text, made_at timestamp", partition="name")
"""What page tokens are signed with, where the settings say nothing: one row, written once and read by applications."""

BACKFILLS: Final = internal_table(
    "scyllamodel_backfills",
    "scope text, name text, part int, run_id uuid, parts int, since bigint, convert text, rows_in bigint, "
    "rows_out bigint, skipped bigint, finished_at timestamp, host text, pid int",
    partition="scope name",
    clustering="part",
)
"""How far each backfill is: a row for each range of tokens that is copied, and one, part -1, for the whole.

It is made by the first backfill, for most keyspaces never see one.
"""

TABLES: Final = (LOCK, MIGRATIONS, STEPS, VERIFIED, PAGE_SECRETS)
"""All of them, in the order in which they are made."""


def table_id(keyspace: str, name: str) -> UUID:
    """The id of a table of ours: an id is unique in the whole cluster, so it has to depend on the keyspace.

    >>> table_id("shop", "scyllamodel_lock")
    UUID('17816ac9-3dab-5bec-b018-2a46ba42fe58')
    """
    return uuid5(_ID_NAMESPACE, f"{keyspace}.{name}")


def missing_tables(
    keyspace: str, live: KeyspaceFacts, server: ServerProfile, tables: Iterable[Table] = TABLES
) -> tuple[Step, ...]:
    """The steps that make what this keyspace lacks; all of them when the keyspace does not exist yet.

    Raises:
        ConfigurationError: a table is there in a format that this release does not know.
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
            f"{qualified(live.name, table.name)} has format {format_match[1]}, and this release of scyllamodel reads "
            "format "
            f"{FORMAT} only. Use the release that the other programs on this keyspace use.",
            table=f"{live.name}.{table.name}",
            format=int(format_match[1]),
        )
    return True
