"""What release functions answer: plain values that print as JSON."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import attrs

from scyllamodel.schema.apply import StepResult
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts import FrozenMap
from scyllamodel.schema.facts_json import to_json
from scyllamodel.schema.plan import Plan

MigrationStatus: TypeAlias = Literal["in_sync", "applied", "planned", "waited", "rolled_back", "partial"]


@attrs.frozen
class LockUse:
    """The lock of the keyspace, as a run had it.

    Attributes:
        waited_ms: how long it was waited for.
        epoch: how many runs have held it so far.
    """

    waited_ms: int
    epoch: int


@attrs.frozen
class MigrationResult:
    """What a migration did.

    Attributes:
        status: ``in_sync`` nothing was missing, ``applied`` all steps went through, ``planned`` a dry run, ``waited``
            another run did it, ``rolled_back`` the schema is what it was before, ``partial`` only on the ``result`` of
            a `StepFailed`.
        plan: the plan that was, or would be, applied.
        steps: one entry for each statement, those of ``plan.bootstrap`` first.
        duration_ms: the time from the first look at the server to the last.
        repo: the name of the repo.
        version: of the ledger; None when nothing was written there.
        lock: how the lock was had; None when it was not needed.
    """

    status: MigrationStatus
    plan: Plan
    steps: tuple[StepResult, ...] = ()
    duration_ms: int = 0
    repo: str = "default"
    version: int | None = None
    lock: LockUse | None = None

    def to_dict(self) -> dict[str, Any]:
        """The result as plain JSON values, by the schema ``result.schema.json`` of this package."""
        return {
            "format": 1,
            "kind": "result",
            "repo": self.repo,
            "status": self.status,
            "version": self.version,
            "plan_hash": self.plan.fingerprint,
            "lock": None if self.lock is None else attrs.asdict(self.lock),
            "cql": [step.cql for step in (*self.plan.bootstrap, *self.plan.steps)],
            "duration_ms": self.duration_ms,
            "steps": [step.to_dict() for step in self.steps],
        }


@attrs.frozen
class CheckResult:
    """Whether models and server agree: ``plan`` holds what is missing, ``notes`` what only the server has."""

    in_sync: bool
    plan: Plan

    @property
    def notes(self) -> tuple[Diagnostic, ...]:
        """What is live and declared by no model, and other remarks that are no drift."""
        return self.plan.notes

    def to_dict(self) -> dict[str, Any]:
        """The answer as plain JSON values."""
        return {"format": 1, "kind": "check", "in_sync": self.in_sync, "plan": self.plan.to_dict()}


@attrs.frozen
class KeyspaceResult:
    """Whether the keyspace was made just now, and how it is replicated."""

    keyspace: str
    created: bool
    replication: FrozenMap
    notes: tuple[Diagnostic, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The answer as plain JSON values."""
        return {
            "format": 1,
            "kind": "keyspace",
            "keyspace": self.keyspace,
            "created": self.created,
            "replication": to_json(self.replication),
            "notes": [note.to_dict() for note in self.notes],
        }
