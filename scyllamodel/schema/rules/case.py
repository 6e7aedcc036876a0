"""What a rule may look at, and how it speaks.

*In*: one keyspace's facts of both sides, its changes, the server, the nodes of each data centre, what is allowed.
*Out*: `Finding`: a diagnostic, and the change it belongs to if it belongs to one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import attrs

from scyllamodel.schema.changes import Change
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.diff.keyspaces import strategy_name
from scyllamodel.schema.diff.sides import SchemaPair
from scyllamodel.schema.facts import KeyspaceFacts
from scyllamodel.schema.server import ServerProfile

Topology: TypeAlias = Mapping[str, int]
"""How many nodes each data centre has, up or down."""

Racks: TypeAlias = Mapping[str, frozenset[str]]
"""The racks of each data centre that have nodes."""


@attrs.frozen
class RuleContext:
    """One keyspace, before and after.

    Attributes:
        pair: facts of both sides, by name.
        topology: None when nobody knows, so that nothing is said of it; so are racks.
        allow: codes, or codes with an object, of what may be done although it is refused by default.
    """

    pair: SchemaPair
    changes: tuple[Change, ...]
    topology: Topology | None = None
    allow: frozenset[str] = frozenset()
    racks: Racks | None = None

    @property
    def name(self) -> str:
        """The keyspace."""
        return self.pair.name

    @property
    def live(self) -> KeyspaceFacts:
        """What there is."""
        return self.pair.live

    @property
    def desired(self) -> KeyspaceFacts:
        """What models declare."""
        return self.pair.desired

    @property
    def server(self) -> ServerProfile:
        """Where it is."""
        return self.pair.server

    def path(self, *parts: str) -> str:
        """The raw dotted name of something in this keyspace."""
        return ".".join((self.name, *parts))

    @property
    def tablets(self) -> bool | None:
        """Whether the keyspace has tablets, or gets them when it is created; None when that cannot be known."""
        if self.live.keyspace is not None:
            return bool(self.live.keyspace.tablets)
        declared = self.desired.keyspace
        tablets = None if declared is None else declared.tablets
        replication: Mapping[str, Any] = (
            {} if declared is None or declared.replication is None else declared.replication
        )
        return self.server.makes_tablets(strategy_name(replication), tablets=tablets)


@attrs.frozen
class Finding:
    """A diagnostic; without a change it speaks of the whole plan."""

    diagnostic: Diagnostic
    change: Change | None = None


ChangeRule: TypeAlias = Callable[[Any, RuleContext], Iterator[Diagnostic]]
"""Judges one change of the type it is registered for."""


def is_allowed(diagnostic: Diagnostic, allow: frozenset[str]) -> bool:
    """Whether what the diagnostic refuses was allowed, by code or by code and object, with or without keyspace.

    >>> drop = Diagnostic("DS102", "error", "shop.orders", "", allow="DS102:shop.orders")
    >>> is_allowed(drop, frozenset({"DS102:orders"}))
    True
    """
    if not diagnostic.allow:
        return False
    code, _, path = diagnostic.allow.partition(":")
    return not allow.isdisjoint({code, diagnostic.allow, f"{code}:{path.partition('.')[2]}"})
