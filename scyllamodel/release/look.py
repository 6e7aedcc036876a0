"""One look at a repo's server: who it is, what it has, and how to change it.

*In*: a repo. *Out*: a `Look`, on the one node that the whole run uses.
"""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

import attrs

from scyllamodel.driver.coordinator import Coordinator, choose_coordinator
from scyllamodel.driver.executor import DdlExecutor
from scyllamodel.driver.failures import DRIVER_ERRORS
from scyllamodel.driver.health import read_health
from scyllamodel.driver.reader import read_keyspace_with_version, read_schema_version
from scyllamodel.driver.repo import Repo
from scyllamodel.driver.servers import read_racks, read_topology, server_profile
from scyllamodel.errors import KeyspaceError
from scyllamodel.schema.facts import Keyspace, SchemaFacts
from scyllamodel.schema.plan import Plan
from scyllamodel.schema.rules import Racks, Topology
from scyllamodel.schema.rules.preflight import preflight
from scyllamodel.schema.server import ServerProfile


@attrs.frozen
class ClusterView:
    """The server of a repo, seen from one node.

    Attributes:
        coordinator: the node that every other run would choose too.
        server: what it is and can do.
    """

    coordinator: Coordinator
    server: ServerProfile

    @classmethod
    def connect(cls, repo: Repo) -> ClusterView:
        """Connect, choose the coordinator, and ask it what it is.

        Raises:
            ConnectionFailed: no server answers as it should.
            IntrospectionError: it would not say.
        """
        check_is_repo(repo)
        coordinator = choose_coordinator(repo.connection())
        return cls(coordinator, server_profile(coordinator))

    @classmethod
    def from_executor(cls, executor: DdlExecutor) -> ClusterView:
        """Through the node that an executor uses by now."""
        return cls(executor.coordinator, executor.server)

    def introspect(self, keyspaces: Iterable[str]) -> SchemaFacts:
        """What these keyspaces hold now; one that does not exist is there with ``keyspace=None``.

        Raises:
            IntrospectionError: it could not be read.
        """
        return self.introspect_with_version(keyspaces)[0]

    def introspect_with_version(
        self, keyspaces: Iterable[str], *, internal_keyspace: str = ""
    ) -> tuple[SchemaFacts, UUID | None]:
        """The same, and the version of the schema that stood all the while; None when it moved.

        Parameters:
            internal_keyspace: the keyspace whose tables of our own bookkeeping are told too.
        """
        snapshots = [
            read_keyspace_with_version(self.coordinator, name, self.server, include_internal=name == internal_keyspace)
            for name in dict.fromkeys(keyspaces)
        ]
        versions = {version for _, version in snapshots}
        return SchemaFacts(facts for facts, _ in snapshots), versions.pop() if len(versions) == 1 else None

    def introspect_existing(self, keyspace: str) -> SchemaFacts:
        """What this keyspace holds now.

        Raises:
            KeyspaceError: it does not exist.
            IntrospectionError: it could not be read.
        """
        live = self.introspect([keyspace])
        if live[keyspace].keyspace is None:
            raise KeyspaceError(
                f"The keyspace {keyspace} does not exist on {self.coordinator.address}. "
                "Make it with create_keyspace(repo), or: scyllamodel create-keyspace",
                keyspace=keyspace,
            )
        return live

    def schema_version(self) -> UUID | None:
        """The version that the schema of the cluster has now; None when the node does not say."""
        try:
            return read_schema_version(self.coordinator)
        except DRIVER_ERRORS:
            return None

    def returns_row(self, cql: str) -> bool:
        """Whether a query gives a row.

        Raises:
            StatementFailure: it could not be asked.
        """
        return DdlExecutor(self.coordinator, self.server).returns_row(cql)

    def topology(self) -> Topology:
        """How many nodes there are, and where; asked only for a keyspace that is to be made.

        Raises:
            IntrospectionError: it could not be read.
        """
        return read_topology(self.coordinator)

    def racks(self, live: SchemaFacts) -> Racks | None:
        """The racks of each data centre; None where no keyspace has tablets, or is to be created and may get them.

        Raises:
            IntrospectionError: they could not be read.
        """
        with_tablets = any(part.keyspace is None or part.keyspace.tablets for part in live)
        return read_racks(self.coordinator) if self.server.has_tablets and with_tablets else None

    def places(self, found: SchemaFacts) -> tuple[Topology, Racks | None]:
        """The number of nodes in each data centre, and the racks as of `racks`.

        Raises:
            IntrospectionError: they could not be read.
        """
        return self.topology(), self.racks(found)

    def with_health_notes(self, plan: Plan, live: SchemaFacts, *, has_raw_steps: bool = False) -> Plan:
        """The plan with what the state of the cluster says against it, if there is anything to do.

        Parameters:
            has_raw_steps: whether hand-written steps will be added to it.

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
    """Refuse a URL or another object where a repo is needed.

    Raises:
        TypeError: it is no repo; its text is not shown, since a URL may hold a password.
    """
    if not isinstance(repo, Repo):
        raise TypeError(f"a Repo is needed and not {type(repo).__name__}: write Repo(…) or Repo.from_url(…)")


def declared_keyspace(repo: Repo) -> Keyspace | None:
    """How the repo says that its keyspaces are replicated; None when it says nothing."""
    settings = repo.settings
    if settings.replication is None and settings.tablets is None and settings.durable_writes:
        return None
    return Keyspace(repo.keyspace, settings.replication, settings.durable_writes, settings.tablets)
