"""The input and output of rules.

*In*: the live and desired facts of a keyspace, its changes, the server, the nodes of each data centre, what is allowed.
*Out*: `Finding`: a diagnostic, with the change to which it belongs, if any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import attrs

from scyllamodel.schema.changes.kinds import Change
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.diff.schema_pair import SchemaPair
from scyllamodel.schema.facts.objects import KeyspaceFacts
from scyllamodel.schema.facts.replication import strategy_name
from scyllamodel.schema.server.profile import ServerProfile

Topology: TypeAlias = Mapping[str, int]
"""The number of nodes in each data centre, whether up or down."""

Racks: TypeAlias = Mapping[str, frozenset[str]]
"""The racks of each data centre that have nodes."""


@attrs.frozen
class RuleContext:
    """One keyspace with its planned changes.

    Attributes:
        pair: the live and desired facts, by name.
        topology: the number of nodes in each data centre; None if unknown, so that no rule checks it.
        racks: the racks of each data centre; None if unknown.
        allow: codes, or codes with an object, of refusals that are allowed.
    """

    pair: SchemaPair
    changes: tuple[Change, ...]
    topology: Topology | None = None
    allow: frozenset[str] = frozenset()
    racks: Racks | None = None

    @property
    def name(self) -> str:
        """The name of the keyspace."""
        return self.pair.name

    @property
    def live(self) -> KeyspaceFacts:
        """The live facts."""
        return self.pair.live

    @property
    def desired(self) -> KeyspaceFacts:
        """The facts that models declare."""
        return self.pair.desired

    @property
    def server(self) -> ServerProfile:
        """The server."""
        return self.pair.server

    def path(self, *parts: str) -> str:
        """The raw dotted name of an object in this keyspace."""
        return ".".join((self.name, *parts))

    @property
    def tablets(self) -> bool | None:
        """Whether the keyspace has tablets, or will have them when it is created; None if unknown."""
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
    """A diagnostic and its change; without a change it applies to the whole plan."""

    diagnostic: Diagnostic
    change: Change | None = None


ChangeRule: TypeAlias = Callable[[Any, RuleContext], Iterator[Diagnostic]]
"""A function that checks one change of the type for which it is registered."""


def is_allowed(diagnostic: Diagnostic, allow: frozenset[str]) -> bool:
    """Whether the refusal is allowed, by code or by code and object, with or without keyspace.

    >>> drop = Diagnostic("DS102", "error", "shop.orders", "", allow="DS102:shop.orders")
    >>> is_allowed(drop, frozenset({"DS102:orders"}))
    True
    """
    if not diagnostic.allow:
        return False
    code, _, path = diagnostic.allow.partition(":")
    return not allow.isdisjoint({code, diagnostic.allow, f"{code}:{path.partition('.')[2]}"})
