"""Records one version: each step before and after its statement, and the end.

*In*: steps and their results. *Out*: rows. It is a `Journal`: first a step is claimed, then the fence is checked, then
the statement is sent. A crashed run leaves at most one claimed step whose outcome is unknown, and the schema decides
about that one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Final

import attrs
from typing_extensions import Self

from scyllamodel.errors import LedgerError, LockLost, SchemaDisagreement, StepFailed
from scyllamodel.release.ledger.records import (
    LedgerStep,
    Migration,
    Row,
    VersionStatus,
    step_row,
    undo_reference,
    version_row,
)
from scyllamodel.release.ledger.retry import RetryingStore
from scyllamodel.release.ledger.store import LedgerStore
from scyllamodel.schema.changes.as_json import change_to_json

if TYPE_CHECKING:
    from scyllamodel.schema.apply import RecordedState
    from scyllamodel.schema.plan import Step


_log = logging.getLogger("scyllamodel")

_RECORDED_COLUMNS: Final = ("scope", "version", "seq", "state", "attempts", "duration_ms", "error")


class VersionRecorder:
    """Recorder of one version; as a context manager it records the end, unless that was done inside.

    A failed step or nodes that disagree are recorded as the end. After any other error the outcome is unknown: the
    version stays ``running``, and the next run recovers it.

    Attributes:
        migration: the version as it is in the ledger, without its steps.
    """

    def __init__(
        self, store: LedgerStore, migration: Migration, now: Callable[[], datetime], retrying: RetryingStore
    ) -> None:
        self.migration = migration
        self._store, self._now, self._retrying = store, now, retrying
        self._steps: dict[int, LedgerStep] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None and self.migration.status == "running":
            self.finish()
        elif isinstance(error, (StepFailed, SchemaDisagreement)):
            try:
                self.finish("partial" if _missed_target(error) else None, error=str(error))
            except (LedgerError, LockLost) as unwritten:
                _log.warning("the end of version %s was not written: %s", self.version, unwritten)

    @property
    def version(self) -> int:
        """Version number."""
        return self.migration.version

    @property
    def applied(self) -> int:
        """Number of steps that are done."""
        return sum(step.is_done for step in self._steps.values())

    def before(self, step: Step) -> None:
        """Claim a step; its statement is sent next.

        Raises:
            LedgerError: the claim may not be written; the statement must not be sent.
        """
        claimed = LedgerStep(
            scope=self.migration.scope,
            version=self.version,
            seq=step.seq,
            op=step.op,
            object=step.object,
            cql=step.cql,
            undo=step.undo,
            epoch=self.migration.epoch,
            started_at=self._now(),
            change_json=_recorded_change(step),
        )
        self._put("claiming a step", claimed, step_row(claimed))

    def after(self, step: Step, state: RecordedState, attempts: int, duration_ms: int, error: str | None) -> None:
        """Record the result of a step.

        Raises:
            LedgerError: it could not be written; the step stays claimed, and the next run checks the schema.
        """
        claimed = self._steps[step.seq]
        recorded = attrs.evolve(claimed, state=state, attempts=attempts, duration_ms=duration_ms, error=error)
        row = step_row(recorded)
        self._put("recording a step", recorded, {name: row[name] for name in _RECORDED_COLUMNS})

    def _put(self, operation: str, step: LedgerStep, row: Row) -> None:
        self._retrying.retry(operation, lambda: self._store.put_step(row))
        self._steps[step.seq] = step

    def finish(self, status: VersionStatus | None = None, error: str | None = None) -> Migration:
        """Record the end.

        Parameters:
            status: by default ``applied`` if all steps are done, else ``partial`` or ``failed``.
            error: why it ended early; by default that of the last step.

        Raises:
            LockLost: another run recovered this version, so the lock was lost.
            LedgerError: it could not be written; the next run recovers the version.
        """
        last_step = self._steps[max(self._steps)] if self._steps else None
        failed_step = last_step if last_step is not None and not last_step.is_done else None
        migration = attrs.evolve(
            self.migration,
            status=status or self._outcome(),
            applied=self.applied,
            error=error or (failed_step.error if failed_step else None),
            error_seq=failed_step.seq if failed_step else None,
            finished_at=self._now(),
        )
        if not self._write_end(migration):
            raise LockLost(
                f"Version {self.version} of {migration.scope} was ended by another run, which took over the lock. "
                "The schema is as that run left it; see: scyllamodel history",
                version=self.version,
            )
        self.migration = migration
        return migration

    def _outcome(self) -> VersionStatus:
        if self.applied == self.migration.total:
            return "applied"
        return "partial" if self.applied else "failed"

    def _write_end(self, migration: Migration) -> bool:
        row = version_row(migration)
        cells = {name: row[name] for name in ("status", "applied", "error", "error_seq", "finished_at")}
        return self._retrying.change_version(
            self._store, migration.version, cells, {"status": "running", "epoch": self.migration.epoch}
        )


def _recorded_change(step: Step) -> str | None:
    """Return the change of a step as its row stores it."""
    if step.undone_step is not None:
        return undo_reference(*step.undone_step)
    return None if step.change is None else change_to_json(step.change)


def _missed_target(error: StepFailed | SchemaDisagreement) -> bool:
    """Whether all statements succeeded and the schema still differs from the plan."""
    return isinstance(error, StepFailed) and getattr(error, "step", None) is None
