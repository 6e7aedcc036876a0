"""Results of release functions: plain values that print as JSON."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import attrs

from scyllamodel._json import to_json
from scyllamodel.schema.apply import StepResult
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts.objects import FrozenMap
from scyllamodel.schema.plan import Plan

MigrationStatus: TypeAlias = Literal["in_sync", "applied", "planned", "waited", "rolled_back", "partial"]


@attrs.frozen
class LockUse:
    """How a run acquired the lock.

    Attributes:
        waited_ms: milliseconds of waiting.
        epoch: the fencing token, which counts holders.
    """

    waited_ms: int
    epoch: int


@attrs.frozen
class MigrationResult:
    """Result of a migration.

    Attributes:
        status: ``in_sync`` nothing was missing, ``applied``, ``planned`` by a dry run, ``waited`` another run did it,
            ``rolled_back``, ``partial`` only on the ``result`` of a `StepFailed`.
        plan: the plan that was, or would be, applied.
        steps: one for each statement, those of ``plan.bootstrap`` first.
        duration_ms: from the first read of the server to the last.
        repo: the name of the repo.
        version: of the ledger; None if none was written.
        lock: None if it was not needed.
    """

    status: MigrationStatus
    plan: Plan
    steps: tuple[StepResult, ...] = ()
    duration_ms: int = 0
    repo: str = "default"
    version: int | None = None
    lock: LockUse | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON values, by the schema ``result.schema.json`` of this package."""
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
    """Result of a check.

    Attributes:
        in_sync: whether nothing is missing.
        plan: what is missing.
    """

    in_sync: bool
    plan: Plan

    @property
    def notes(self) -> tuple[Diagnostic, ...]:
        """Live objects that no model declares, and other remarks."""
        return self.plan.notes

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON values."""
        return {"format": 1, "kind": "check", "in_sync": self.in_sync, "plan": self.plan.to_dict()}


@attrs.frozen
class KeyspaceResult:
    """Result of `create_keyspace`.

    Attributes:
        keyspace: its name.
        created: whether it did not exist before.
        replication: as the server stores it.
        notes: remarks on the replication.
    """

    keyspace: str
    created: bool
    replication: FrozenMap
    notes: tuple[Diagnostic, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain JSON values."""
        return {
            "format": 1,
            "kind": "keyspace",
            "keyspace": self.keyspace,
            "created": self.created,
            "replication": to_json(self.replication),
            "notes": [note.to_dict() for note in self.notes],
        }
