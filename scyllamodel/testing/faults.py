"""Fault rules and counters that all connections of a proxy share.

*In*: the rules of a test. *Out*: the fault for a request or its response. All functions run in the proxy's thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal, TypeAlias

import attrs

from scyllamodel.testing.frames import Request, Statements

RequestFilter: TypeAlias = Callable[[Request], bool]
"""Selects requests."""

FaultAction: TypeAlias = Literal["swallow", "cut answer", "cut request"]


def is_statement(request: Request) -> bool:
    """Select statements of the application, not those of the driver."""
    return request.is_statement


@attrs.define
class Rule:
    """A fault, how often it applies, and to which requests."""

    action: FaultAction
    times: int | None
    condition: RequestFilter

    def matches(self, request: Request) -> bool:
        """Return whether the rule applies to this request, and count it."""
        if self.times == 0 or not self.condition(request):
            return False
        if self.times is not None:
            self.times -= 1
        return True


@attrs.define
class Counters:
    """Counts of forwarded and dropped messages.

    Attributes:
        connections: accepted connections.
        requests: requests of clients, including those that were not forwarded.
        answers: responses and events that were forwarded to clients.
        swallowed: dropped responses.
        cut: connections that the proxy closed or reset.
    """

    connections: int = 0
    requests: int = 0
    answers: int = 0
    swallowed: int = 0
    cut: int = 0


@attrs.define
class Faults:
    """The faults of one proxy, and its counters.

    Attributes:
        rules: the active rules.
        answer_delay: seconds by which each response is delayed.
        is_open: set while messages may pass.
        requests: all requests, in order.
        statements: texts of prepared statements.
    """

    rules: list[Rule] = attrs.Factory(list[Rule])
    answer_delay: float = 0.0
    is_open: asyncio.Event = attrs.Factory(asyncio.Event)
    counters: Counters = attrs.Factory(Counters)
    requests: list[Request] = attrs.Factory(list[Request])
    statements: Statements = attrs.Factory(Statements)

    def action_for(self, *actions: FaultAction, request: Request) -> FaultAction | None:
        """Return the fault for a request or its response, among ``actions``; None to forward it."""
        return next((rule.action for rule in self.rules if rule.action in actions and rule.matches(request)), None)

    def heal(self) -> None:
        """Remove all faults."""
        self.rules.clear()
        self.answer_delay = 0.0
        self.is_open.set()
