"""What the schema says of a version whose run died.

*In*: the version with its steps, and a look at the schema. *Out*: the version as it ended. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from scyllamodel.release.ledger.values import LedgerStep, Migration
from scyllamodel.schema.facts import KeyspaceFacts
from scyllamodel.schema.postcondition import holds, keyspace_of
from scyllamodel.schema.server import ServerProfile

_CUT_SHORT: Final = "the run ended before it could write its own end; this was found by looking at the schema"


@attrs.frozen
class Settled:
    """A version that a dead run left open.

    Attributes:
        migration: the version as it is to be written, with its steps.
        decided: the steps whose state is new.
    """

    migration: Migration
    decided: tuple[LedgerStep, ...] = ()


def settled(found: Migration, look: Callable[[str], KeyspaceFacts], server: ServerProfile) -> Settled:
    """The end of a version that is still ``running`` though its run is dead.

    It is ``applied`` when every step of its plan is, since its run died between the last step and its end; otherwise
    ``partial``. A step that nothing proves, since it was written by hand, stays ``claimed``.

    Parameters:
        look: fresh facts of a keyspace.
    """
    decided = tuple(
        attrs.evolve(step, state="applied" if proved else "not_applied")
        for step in found.steps
        if step.state == "claimed" and (proved := shows(step, look, server)) is not None
    )
    by_seq = {step.seq: step for step in decided}
    steps = tuple(by_seq.get(step.seq, step) for step in found.steps)
    done = sum(step.is_done for step in steps)
    complete = done == found.total
    stuck = next((step for step in steps if not step.is_done), None)
    ended = attrs.evolve(
        found,
        status="applied" if complete else "partial",
        applied=done,
        error=_CUT_SHORT,
        error_seq=stuck.seq if stuck else None,
        steps=steps,
    )
    return Settled(ended, decided)


def shows(step: LedgerStep, look: Callable[[str], KeyspaceFacts], server: ServerProfile) -> bool | None:
    """Whether the schema holds what the step does; None when nothing can tell."""
    change = step.change
    return None if change is None else holds(change, look(keyspace_of(change)), server)
