"""What a rule may look at, and how it speaks.

*In*: one keyspace's facts of both sides, its changes, the server, the nodes of each data centre, what is allowed.
*Out*: `Remark`: a diagnostic, and the change it belongs to if it belongs to one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import attrs

from scyllamodel.schema.changes import Change
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.diff.keyspaces import strategy
from scyllamodel.schema.diff.sides import Sides
from scyllamodel.schema.facts import KeyspaceFacts
from scyllamodel.schema.server import ServerProfile

Topology: TypeAlias = Mapping[str, int]
"""How many nodes each data centre has, up or down."""

Racks: TypeAlias = Mapping[str, frozenset[str]]
"""The racks of each data centre that have nodes."""


@attrs.frozen
class Case:
    """One keyspace, before and after.

    Attributes:
        sides: facts of both sides, by name.
        topology: None when nobody knows, so that nothing is said of it; so are racks.
        allow: codes, or codes with an object, of what may be done although it is refused by default.
    """

    sides: Sides
    changes: tuple[Change, ...]
    topology: Topology | None = None
    allow: frozenset[str] = frozenset()
    racks: Racks | None = None

    @property
    def name(self) -> str:
        """The keyspace."""
        return self.sides.name

    @property
    def found(self) -> KeyspaceFacts:
        """What there is."""
        return self.sides.found

    @property
    def wanted(self) -> KeyspaceFacts:
        """What models declare."""
        return self.sides.wanted

    @property
    def server(self) -> ServerProfile:
        """Where it is."""
        return self.sides.server

    def path(self, *parts: str) -> str:
        """The raw dotted name of something in this keyspace."""
        return ".".join((self.name, *parts))

    @property
    def tablets(self) -> bool | None:
        """Whether the keyspace has tablets, or gets them when it is created; None when that cannot be known."""
        if self.found.keyspace is not None:
            return bool(self.found.keyspace.tablets)
        about = self.wanted.keyspace
        tablets = None if about is None else about.tablets
        replication: Mapping[str, Any] = {} if about is None or about.replication is None else about.replication
        return self.server.makes_tablets(strategy(replication), tablets=tablets)


@attrs.frozen
class Remark:
    """A diagnostic; without a change it speaks of the whole plan."""

    diagnostic: Diagnostic
    change: Change | None = None


ChangeRule: TypeAlias = Callable[[Any, Case], Iterator[Diagnostic]]
"""Judges one change of the type it is registered for."""


def allowed(diagnostic: Diagnostic, allow: frozenset[str]) -> bool:
    """Whether what the diagnostic refuses was allowed, by code or by code and object, with or without keyspace.

    >>> allowed(Diagnostic("DS102", "error", "shop.orders", "", allow="DS102:shop.orders"), frozenset({"DS102:orders"}))
    True
    """
    if not diagnostic.allow:
        return False
    code, _, path = diagnostic.allow.partition(":")
    return not allow.isdisjoint({code, diagnostic.allow, f"{code}:{path.partition('.')[2]}"})
