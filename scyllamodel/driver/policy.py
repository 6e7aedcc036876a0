"""A connection to the common coordinator and to the node that follows it, wherever they stand.

*In*: what the driver's cluster tells its policies. *Out*: a distance that keeps two more hosts connected. An
application that sends its data to its own data centre has no connection to the others; but two processes that change
the schema through two coordinators can leave a Cassandra cluster whose DDL is wedged, so all must reach the same one.
The second is there for the moment at which the first one dies: the driver learns of that after up to 20 seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from scyllamodel.driver.names import HostDistance, LoadBalancingPolicy


def by_host_id(hosts: Iterable[Any]) -> list[Any]:
    """Nodes in the order in which every run would try them as coordinator."""
    return sorted((host for host in hosts if host.host_id is not None), key=lambda host: str(host.host_id))


class LowestHostIdPolicy(LoadBalancingPolicy):  # type: ignore[misc]  # the driver ships no types
    """Counts the two live nodes with the lowest host_id as remote, and ignores all others; plans no query itself."""

    _hosts: frozenset[Any] = frozenset()

    def populate(self, cluster: Any, hosts: Iterable[Any]) -> None:  # noqa: ARG002 - the driver's signature
        """Take the nodes that the driver starts with."""
        self._hosts = frozenset(hosts)

    def distance(self, host: Any) -> Any:
        """Whether the driver connects to this host for us."""
        live = by_host_id(candidate for candidate in self._hosts if candidate.is_up is not False)
        return HostDistance.REMOTE if host in live[:2] else HostDistance.IGNORED

    def make_query_plan(self, working_keyspace: str | None = None, query: Any = None) -> Iterator[Any]:  # noqa: ARG002
        """No host: our statements name theirs."""
        return iter(())

    def on_add(self, host: Any) -> None:
        """A node was found."""
        self._hosts |= {host}

    on_up = on_add

    def on_remove(self, host: Any) -> None:
        """A node left."""
        self._hosts -= {host}

    def on_down(self, host: Any) -> None:
        """Nothing: a host that is down says so itself."""
