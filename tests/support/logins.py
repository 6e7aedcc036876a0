"""A server with passwords and permissions, one for all tests of a run, and roles on it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest

from scyllamodel import Repo
from scyllamodel.local import LocalCluster
from scyllamodel.testing import keyspaces

PASSWORD = "a password of these tests"
_SETTINGS = {
    "authenticator": "PasswordAuthenticator",
    "authorizer": "CassandraAuthorizer",
    # A server keeps what it knows of roles for two seconds; here each GRANT and REVOKE counts at once.
    **dict.fromkeys(("roles_validity_in_ms", "permissions_validity_in_ms", "credentials_validity_in_ms"), 0),
}


class Logins:
    """The server with its administrator.

    Attributes:
        admin: a repo of the superuser.
    """

    def __init__(self, cluster: LocalCluster) -> None:
        self.cluster = cluster
        self.admin = cluster.repo("system")
        self._numbers = itertools.count(1)

    def run(self, *statements: str) -> None:
        """Run statements as the superuser."""
        for cql in statements:
            self.admin.session.execute(cql, timeout=60)

    def keyspace(self) -> str:
        """A new keyspace."""
        name = keyspaces.unique_name("logins")
        keyspaces.create(self.admin.in_keyspace(name))
        return name

    def role(self, prefix: str = "role") -> str:
        """A new role that may log in, and nothing else."""
        name = f"{prefix}_{next(self._numbers)}"
        self.run(f"CREATE ROLE {name} WITH PASSWORD = '{PASSWORD}' AND LOGIN = true")
        return name

    def repo(self, role: str, keyspace: str, **settings: Any) -> Repo:
        """A repo that logs in as a role."""
        settings = {"username": role, "password": PASSWORD, "create_keyspace": False, **settings}
        return self.cluster.repo(keyspace, **settings)


@pytest.fixture(scope="session")
def logins(pytestconfig: pytest.Config) -> Iterator[Logins]:
    """The server; it starts when the first test asks for it."""
    version = str(pytestconfig.getoption("--cassandra-version"))
    with LocalCluster(version=version, settings=_SETTINGS, durable=False, heap_mb=512) as cluster:
        yield Logins(cluster)
