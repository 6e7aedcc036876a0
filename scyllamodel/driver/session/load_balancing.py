"""A load balancing policy that keeps the common coordinator and its successor connected.

In: the hosts of the driver's cluster. Out: a distance that keeps two more hosts connected. An application that sends
data to its own data centre has no connection to the others; but two processes that change the schema through two
coordinators can wedge the DDL of a Cassandra cluster, so all must reach the same one. The second is connected for the
moment the first one dies, which the driver notices after up to 20 seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from scyllamodel.driver._cassandra import HostDistance, LoadBalancingPolicy


def by_host_id(hosts: Iterable[Any]) -> list[Any]:
    """Return hosts in the order in which every run tries them as coordinator."""
    return sorted((host for host in hosts if host.host_id is not None), key=lambda host: str(host.host_id))


class LowestHostIdPolicy(LoadBalancingPolicy):  # type: ignore[misc]  # the driver ships no types
    """A policy that counts the two live hosts with the lowest host_id as remote, and ignores all others."""

    _hosts: frozenset[Any] = frozenset()

    def populate(self, cluster: Any, hosts: Iterable[Any]) -> None:  # noqa: ARG002 - the driver's signature
        """Store the initial hosts."""
        self._hosts = frozenset(hosts)

    def distance(self, host: Any) -> Any:
        """Return REMOTE for the two live hosts with the lowest host_id, IGNORED for all others."""
        live = by_host_id(candidate for candidate in self._hosts if candidate.is_up is not False)
        return HostDistance.REMOTE if host in live[:2] else HostDistance.IGNORED

    def make_query_plan(self, working_keyspace: str | None = None, query: Any = None) -> Iterator[Any]:  # noqa: ARG002
        """Return no hosts: internal statements name theirs."""
        return iter(())

    def on_add(self, host: Any) -> None:
        """Add a new host."""
        self._hosts |= {host}

    on_up = on_add

    def on_remove(self, host: Any) -> None:
        """Remove a host."""
        self._hosts -= {host}

    def on_down(self, host: Any) -> None:
        """Do nothing: `distance` reads the state of a host."""
