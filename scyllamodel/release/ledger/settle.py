"""What the schema says of a version whose run died.

*In*: the version with its steps, and a look at the schema. *Out*: the version as it ended. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from scyllamodel.release.ledger.values import LedgerStep, Migration
from scyllamodel.schema.facts import KeyspaceFacts
from scyllamodel.schema.postcondition import is_applied, keyspace_of
from scyllamodel.schema.server import ServerProfile

_INTERRUPTED: Final = "the run ended before it could write its own end; this was found by looking at the schema"


@attrs.frozen
class RecoveredVersion:
    """A version that a dead run left open.

    Attributes:
        migration: the version as it is to be written, with its steps.
        decided_steps: the steps whose state is new.
    """

    migration: Migration
    decided_steps: tuple[LedgerStep, ...] = ()


def recover_version(
    migration: Migration, introspect: Callable[[str], KeyspaceFacts], server: ServerProfile
) -> RecoveredVersion:
    """The end of a version that is still ``running`` though its run is dead.

    It is ``applied`` when every step of its plan is, since its run died between the last step and its end; otherwise
    ``partial``. A step that nothing proves, since it was written by hand, stays ``claimed``.

    Parameters:
        introspect: fresh facts of a keyspace.
    """
    decided = tuple(
        attrs.evolve(step, state="applied" if is_applied else "not_applied")
        for step in migration.steps
        if step.state == "claimed" and (is_applied := is_step_applied(step, introspect, server)) is not None
    )
    by_seq = {step.seq: step for step in decided}
    steps = tuple(by_seq.get(step.seq, step) for step in migration.steps)
    done = sum(step.is_done for step in steps)
    complete = done == migration.total
    unfinished = next((step for step in steps if not step.is_done), None)
    recovered = attrs.evolve(
        migration,
        status="applied" if complete else "partial",
        applied=done,
        error=_INTERRUPTED,
        error_seq=unfinished.seq if unfinished else None,
        steps=steps,
    )
    return RecoveredVersion(recovered, decided)


def is_step_applied(step: LedgerStep, introspect: Callable[[str], KeyspaceFacts], server: ServerProfile) -> bool | None:
    """Whether the schema holds what the step does; None when nothing can tell."""
    change = step.change
    return None if change is None else is_applied(change, introspect(keyspace_of(change)), server)
