"""Agreement of nodes on one schema, after some were paused, killed or cut off."""

from __future__ import annotations

from scyllamodel.driver.cluster.coordinator import choose_coordinator
from scyllamodel.driver.cluster.schema_agreement import await_agreement
from scyllamodel.driver.data.api_base import client_of
from scyllamodel.errors import SchemaDisagreement
from scyllamodel.testing.keyspaces import unique_name


def agreed_coordinator(repo, patience=60):
    """The node that runs choose, once all nodes have one schema.

    A node that missed a change which restored an earlier schema, such as DROP KEYSPACE, may have that version marked
    as received, and then never asks for it (MigrationCoordinator.java in Cassandra). After ``patience`` seconds another
    keyspace is created: its version is new to all nodes, so they ask for the whole schema.
    """
    coordinator = choose_coordinator(client_of(repo).connection())
    try:
        await_agreement(coordinator, patience)
    except SchemaDisagreement:
        replication = f"{{'class': 'NetworkTopologyStrategy', '{coordinator.host.datacenter}': 1}}"
        coordinator.rows(f"CREATE KEYSPACE {unique_name('new_version')} WITH replication = {replication}", timeout=60)
        await_agreement(coordinator, 120)
    return coordinator
