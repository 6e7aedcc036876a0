"""A server that runs already, with the part of `LocalCluster` that tests of applications need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ConfigurationError


@attrs.frozen
class RunningServer:
    """A server somewhere, as the fixture ``scylla_cluster`` gives it for ``--scylla``, or under pytest-xdist.

    Attributes:
        contact_points: where it listens, as ``host:port``.
        login: name and password, or None.
        tablets: whether its keyspaces get tablets; False where they could not hold counters, views or LWT with them,
            None leaves it to the server.
        data_center: where a sync keeps the one copy of a keyspace that it creates; None where there is one node.
    """

    contact_points: list[str]
    login: tuple[str, str] | None = attrs.field(default=None, repr=False)
    tablets: bool | None = None
    data_center: str | None = None

    @classmethod
    def parse(cls, text: str) -> RunningServer:
        """The server that ``HOST``, ``HOST:PORT`` or ``NAME:PASSWORD@HOST:PORT`` means.

        Raises:
            ConfigurationError: it is none of these.
        """
        login, _, address = text.rpartition("@")
        host, separator, port = address.rpartition(":")
        if not separator:
            host, port = address, "9042"
        name, _, password = login.partition(":")
        if not host or not port.isdecimal() or bool(login) != bool(name):
            raise ConfigurationError(f"--scylla {address!r} is not HOST:PORT or NAME:PASSWORD@HOST:PORT.")
        return cls([f"{host}:{port}"], (name, password) if login else None)

    @property
    def version(self) -> str:
        """The version that the server tells: ``5.0.9`` of Cassandra, ``2025.1.2`` of ScyllaDB."""
        return self.product.partition(" ")[2]

    @property
    def product(self) -> str:
        """Name and version, such as ``ScyllaDB 2025.1.2``.

        Raises:
            ConnectionFailed: it does not answer as it should.
        """
        with self.repo("system") as repo:
            return server_product(repo)

    def repo(self, keyspace: str, models: Sequence[str] = (), **options: Any) -> Repo:
        """A `Repo` on this server; `options` go to it, and win over what is chosen here."""
        defaults: dict[str, Any] = {"nodes": self.contact_points, "keyspace": keyspace, "models": list(models)}
        if self.tablets is not None:
            defaults["tablets"] = self.tablets
        if self.data_center is not None:
            defaults["replication"] = {"class": "NetworkTopologyStrategy", self.data_center: 1}
        if self.login is not None:
            defaults["username"], defaults["password"] = self.login
        return Repo(**{**defaults, **options})


def server_product(repo: Repo) -> str:
    """Name and version of the server behind a repo."""
    tables = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = 'system' AND table_name = 'versions'"
    if list(repo.session.execute(tables)):  # a table that ScyllaDB alone has; its release_version is Cassandra's
        (row,) = repo.session.execute("SELECT version FROM system.versions WHERE key = 'local'")
        return f"ScyllaDB {row[0].partition('-')[0]}"
    (row,) = repo.session.execute("SELECT release_version FROM system.local")
    return f"Cassandra {row[0]}"
