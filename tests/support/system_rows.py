"""A node in memory that answers queries on its system tables from rows, for code that only reads them."""

from __future__ import annotations

import re
from uuid import UUID

import attrs
from cassandra import InvalidRequest

from scyllamodel.driver.cluster.coordinator import PinnedNode

HOST_ID, VERSION = UUID(int=1), UUID(int=2)
_FROM = re.compile(r"SELECT .* FROM ([\w.\"]+)(?: WHERE keyspace_name = '(\w+)')?")


@attrs.define
class Rows:
    """The result of a request that was started."""

    rows: list

    def result(self):
        return self.rows


@attrs.frozen
class Endpoint:
    """The address of the node."""

    address: str = "10.0.0.1"
    port: int = 9042

    def __str__(self):
        return f"{self.address}:{self.port}"


@attrs.frozen(eq=False)
class Host:
    """The node as the driver represents it."""

    endpoint: Endpoint = Endpoint()
    host_id: UUID = HOST_ID
    is_up: bool = True


class SystemRows:
    """A coordinator and the connection behind it.

    Parameters:
        rows: rows by table name without ``system_schema``; other tables are empty.
    """

    def __init__(self, rows):
        self.all = {
            "system.local": [{"host_id": HOST_ID, "data_center": "dc1", "rack": "r1", "schema_version": VERSION}],
            "system.peers": [],
            "system.cluster_status": [
                {"host_id": HOST_ID, "peer": "10.0.0.1", "dc": "dc1", "status": "NORMAL", "up": True}
            ],
            **rows,
        }
        self.connection, self.host, self.host_id, self.address = self, Host(), HOST_ID, "10.0.0.1:9042"
        self.hosts, self.connected_hosts, self.read_cql = [], (), []

    def rows(self, cql, **_):
        """The rows that a query selects."""
        self.read_cql.append(cql)
        table, keyspace = _FROM.match(cql).groups()
        if not table.startswith(("system.", "system_schema.")):
            raise InvalidRequest(f"unconfigured table {table}")
        loaded = self.all.get(table.removeprefix("system_schema."), [])
        return [row for row in loaded if keyspace is None or row["keyspace_name"] == keyspace]

    def send(self, cql, **_):
        """Start a request."""
        return Rows(self.rows(cql))

    def read(self, work):
        """Return the result of several reads that belong together."""
        return work(_Here(self, self.host))


class _Here(PinnedNode):
    """The node for reads that belong together."""

    def rows(self, cql, **_):
        return self.connection.rows(cql)
