"""What a proxy is told to break, and what has passed so far: one value that all its connections share.

*In*: rules, from whoever tests. *Out*: what is to be done with a request or its answer. Everything here happens in the
proxy's thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal, TypeAlias

import attrs

from scyllamodel.testing.frames import Request, Statements

RequestFilter: TypeAlias = Callable[[Request], bool]
"""Chooses requests."""

FaultAction: TypeAlias = Literal["swallow", "cut answer", "cut request"]


def is_statement(request: Request) -> bool:
    """Choose the application's own statements, not what a driver asks for itself."""
    return request.is_statement


@attrs.define
class Rule:
    """What to do with a request or its answer, how often, and with which of them."""

    action: FaultAction
    times: int | None
    condition: RequestFilter

    def matches(self, request: Request) -> bool:
        """Whether it applies to this request; that is one time less that it will."""
        if self.times == 0 or not self.condition(request):
            return False
        if self.times is not None:
            self.times -= 1
        return True


@attrs.define
class Counters:
    """What has passed so far, and what has not.

    Attributes:
        connections: accepted.
        requests: from clients, those that were not passed on included.
        answers: passed on to clients, events included.
        swallowed: answers that were kept back.
        cut: connections that were closed or reset by the proxy.
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
        rules: which requests and answers do not pass.
        answer_delay: seconds by which each answer is late.
        is_open: set while anything may pass at all.
        requests: every request that came, in order.
        statements: the texts of prepared statements.
    """

    rules: list[Rule] = attrs.Factory(list[Rule])
    answer_delay: float = 0.0
    is_open: asyncio.Event = attrs.Factory(asyncio.Event)
    counters: Counters = attrs.Factory(Counters)
    requests: list[Request] = attrs.Factory(list[Request])
    statements: Statements = attrs.Factory(Statements)

    def action_for(self, *actions: FaultAction, request: Request) -> FaultAction | None:
        """What is to be done with this request, or its answer, out of these deeds."""
        return next((rule.action for rule in self.rules if rule.action in actions and rule.matches(request)), None)

    def heal(self) -> None:
        """Forget all faults, and let everything pass."""
        self.rules.clear()
        self.answer_delay = 0.0
        self.is_open.set()
