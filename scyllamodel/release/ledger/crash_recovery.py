"""Determines from the schema how the version of a crashed run ended; no I/O.

*In*: the version with its steps, and facts of keyspaces. *Out*: the version as it ended.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import attrs

from scyllamodel.release.ledger.records import LedgerStep, Migration
from scyllamodel.schema.changes.postconditions import is_applied, keyspace_of
from scyllamodel.schema.facts.objects import KeyspaceFacts
from scyllamodel.schema.server.profile import ServerProfile

_INTERRUPTED: Final = "the run ended before it recorded its end, which was determined from the schema"


@attrs.frozen
class RecoveredVersion:
    """A version that was recovered.

    Attributes:
        migration: as it is to be written, with its steps.
        decided_steps: steps with a new state.
    """

    migration: Migration
    decided_steps: tuple[LedgerStep, ...] = ()


def recover_version(
    migration: Migration, introspect: Callable[[str], KeyspaceFacts], server: ServerProfile
) -> RecoveredVersion:
    """Determine the end of a ``running`` version whose run crashed.

    It is ``applied`` if every step is applied, since the run crashed before it recorded that; otherwise ``partial``. A
    raw step, which the schema cannot prove, stays ``claimed``.

    Parameters:
        introspect: facts of a keyspace.
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
    """Whether the schema contains the change of a step; None if it cannot be known."""
    change = step.change
    return None if change is None else is_applied(change, introspect(keyspace_of(change)), server)
