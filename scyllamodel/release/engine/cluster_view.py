"""A view of a repo's cluster through one node: its profile, its schema, its topology.

*In*: a repo. *Out*: a `ClusterView` on the node that the whole run uses.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import attrs

from scyllamodel.driver.cluster.coordinator import Coordinator, choose_coordinator
from scyllamodel.driver.cluster.ddl_executor import DdlExecutor
from scyllamodel.driver.cluster.introspection import read_keyspace_with_version, read_schema_version
from scyllamodel.driver.cluster.node_health import read_health
from scyllamodel.driver.cluster.nodes import read_racks, read_topology, server_profile
from scyllamodel.driver.data.api_base import client_of
from scyllamodel.driver.outcomes import DRIVER_ERRORS
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import KeyspaceError
from scyllamodel.schema.facts.objects import Keyspace, SchemaFacts
from scyllamodel.schema.plan import Plan
from scyllamodel.schema.rules.evaluation import Racks, Topology
from scyllamodel.schema.rules.preflight import preflight
from scyllamodel.schema.server.profile import ServerProfile


@attrs.frozen
class ClusterView:
    """The cluster of a repo, seen from one node.

    Attributes:
        coordinator: the node that every run chooses.
        server: profile of the server.
    """

    coordinator: Coordinator
    server: ServerProfile

    @classmethod
    def connect(cls, repo: Repo) -> ClusterView:
        """Connect, choose the coordinator, and read its profile.

        Raises:
            ConnectionFailed: no server can be used.
            IntrospectionError: the profile could not be read.
        """
        check_is_repo(repo)
        coordinator = choose_coordinator(client_of(repo).connection())
        return cls(coordinator, server_profile(coordinator))

    @classmethod
    def from_executor(cls, executor: DdlExecutor) -> ClusterView:
        """Create a view through the current node of an executor."""
        return cls(executor.coordinator, executor.server)

    def introspect(self, keyspaces: Iterable[str]) -> SchemaFacts:
        """Return the facts of these keyspaces; a missing one has ``keyspace=None``.

        Raises:
            IntrospectionError: it could not be read.
        """
        return self.introspect_with_version(keyspaces)[0]

    def introspect_with_version(
        self, keyspaces: Iterable[str], *, internal_keyspace: str = ""
    ) -> tuple[SchemaFacts, UUID | None]:
        """Return facts of these keyspaces, and the schema version during the read; None if it changed.

        Parameters:
            internal_keyspace: the one keyspace whose internal tables are included.
        """
        snapshots = [
            read_keyspace_with_version(self.coordinator, name, self.server, include_internal=name == internal_keyspace)
            for name in dict.fromkeys(keyspaces)
        ]
        versions = {version for _, version in snapshots}
        return SchemaFacts(facts for facts, _ in snapshots), versions.pop() if len(versions) == 1 else None

    def introspect_existing(self, keyspace: str) -> SchemaFacts:
        """Return the facts of an existing keyspace.

        Raises:
            KeyspaceError: it does not exist.
            IntrospectionError: it could not be read.
        """
        live = self.introspect([keyspace])
        if live[keyspace].keyspace is None:
            raise KeyspaceError(
                f"The keyspace {keyspace} does not exist on {self.coordinator.address}. "
                "Create it with create_keyspace(repo), or: scyllamodel create-keyspace",
                keyspace=keyspace,
            )
        return live

    def schema_version(self) -> UUID | None:
        """Return the current schema version of the cluster; None if the node cannot tell."""
        try:
            return read_schema_version(self.coordinator)
        except DRIVER_ERRORS:
            return None

    def returns_row(self, cql: str) -> bool:
        """Whether a query returns a row.

        Raises:
            StatementFailure: the query failed.
        """
        return DdlExecutor(self.coordinator, self.server).returns_row(cql)

    def topology(self) -> Topology:
        """Return data centres with their numbers of nodes; read only for a keyspace to create.

        Raises:
            IntrospectionError: it could not be read.
        """
        return read_topology(self.coordinator)

    def racks(self, live: SchemaFacts) -> Racks | None:
        """Return the racks of each data centre; None unless a keyspace has tablets or may be created with them.

        Raises:
            IntrospectionError: they could not be read.
        """
        with_tablets = any(part.keyspace is None or part.keyspace.tablets for part in live)
        return read_racks(self.coordinator) if self.server.has_tablets and with_tablets else None

    def places(self, live: SchemaFacts) -> tuple[Topology, Racks | None]:
        """Return the number of nodes in each data centre, and the racks as in `racks`.

        Raises:
            IntrospectionError: they could not be read.
        """
        return self.topology(), self.racks(live)

    def with_health_notes(self, plan: Plan, live: SchemaFacts, *, has_raw_steps: bool = False) -> Plan:
        """Add refusals and notes on the state of the cluster, unless the plan is empty.

        Parameters:
            has_raw_steps: whether raw steps will be added.

        Raises:
            IntrospectionError: the nodes could not be read.
        """
        if plan.is_empty and not has_raw_steps:
            return plan
        diagnostics = preflight(live, read_health(self.coordinator, self.server), self.server)
        refusals = (diagnostic for diagnostic in diagnostics if diagnostic.severity == "error")
        notes = (diagnostic for diagnostic in diagnostics if diagnostic.severity != "error")
        return attrs.evolve(plan, refusals=(*plan.refusals, *refusals), notes=(*plan.notes, *notes))


def check_is_repo(repo: object) -> None:
    """Refuse anything but a Repo.

    Raises:
        TypeError: it is not a Repo; its text is not shown, since a URL may hold a password.
    """
    if not isinstance(repo, Repo):
        raise TypeError(f"expected a Repo, got {type(repo).__name__}: write Repo(…) or Repo.from_url(…)")


def declared_keyspace(repo: Repo) -> Keyspace | None:
    """Return the keyspace settings of a repo; None if it sets none."""
    settings = repo.settings
    if settings.replication is None and settings.tablets is None and settings.durable_writes:
        return None
    return Keyspace(repo.keyspace, settings.replication, settings.durable_writes, settings.tablets)
