"""A running server, with the part of the `LocalCluster` interface that tests need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ConfigurationError


@attrs.frozen
class RunningServer:
    """A running server, which the fixture ``scylla_cluster`` returns for ``--scylla`` or under pytest-xdist.

    Attributes:
        contact_points: CQL addresses, as ``host:port``.
        login: user name and password, or None.
        tablets: whether its keyspaces get tablets; False if the server does not support counters, views or LWT with
            them, None for the default of the server.
        data_center: data centre of the one replica of a keyspace that a sync creates; None for a single node.
    """

    contact_points: list[str]
    login: tuple[str, str] | None = attrs.field(default=None, repr=False)
    tablets: bool | None = None
    data_center: str | None = None

    @classmethod
    def parse(cls, text: str) -> RunningServer:
        """Parse ``HOST``, ``HOST:PORT`` or ``NAME:PASSWORD@HOST:PORT``.

        Raises:
            ConfigurationError: the text has another form.
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
        """Version of the server, such as ``5.0.9`` for Cassandra or ``2025.1.2`` for ScyllaDB."""
        return self.product.partition(" ")[2]

    @property
    def product(self) -> str:
        """Product name and version, such as ``ScyllaDB 2025.1.2``.

        Raises:
            ConnectionFailed: the server cannot be connected.
        """
        with self.repo("system") as repo:
            return server_product(repo)

    def repo(self, keyspace: str, models: Sequence[str] = (), **options: Any) -> Repo:
        """Return a `Repo` on this server; `options` override the defaults."""
        defaults: dict[str, Any] = {"nodes": self.contact_points, "keyspace": keyspace, "models": list(models)}
        if self.tablets is not None:
            defaults["tablets"] = self.tablets
        if self.data_center is not None:
            defaults["replication"] = {"class": "NetworkTopologyStrategy", self.data_center: 1}
        if self.login is not None:
            defaults["username"], defaults["password"] = self.login
        return Repo(**{**defaults, **options})


def server_product(repo: Repo) -> str:
    """Return product name and version of the server of a repo."""
    tables = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = 'system' AND table_name = 'versions'"
    if list(repo.session.execute(tables)):  # only ScyllaDB has this table; its release_version is that of Cassandra
        (row,) = repo.session.execute("SELECT version FROM system.versions WHERE key = 'local'")
        return f"ScyllaDB {row[0].partition('-')[0]}"
    (row,) = repo.session.execute("SELECT release_version FROM system.local")
    return f"Cassandra {row[0]}"
