"""A version on its way: told of each step just before and just after, and in the end.

*In*: steps and what became of them. *Out*: rows. It is a `Journal`, beside which the lock's fence stands: first the
claim is written, then the fence passed, then the statement sent. So a run that dies leaves at most one step claimed
that nobody knows about, and the schema tells the next run about that one.
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
from scyllamodel.release.ledger.persist import RetryingStore
from scyllamodel.release.ledger.store import LedgerStore
from scyllamodel.release.ledger.values import LedgerStep, Migration, Row, VersionStatus, undo_reference
from scyllamodel.schema.change_json import change_to_json

if TYPE_CHECKING:
    from scyllamodel.schema.apply import RecordedState
    from scyllamodel.schema.plan import Step


_log = logging.getLogger("scyllamodel")

_RECORDED_COLUMNS: Final = ("scope", "version", "seq", "state", "attempts", "duration_ms", "error")


class VersionRecorder:
    """The books of one run; a context manager that writes its end, unless that was done inside.

    What ends a run between two steps (a failed step, nodes that disagree) is written as its end. After anything else
    nobody can tell how far it came: the version stays ``running``, and the next run settles it.

    Attributes:
        migration: the version, as it stands in the ledger but for its steps.
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
        """Its number."""
        return self.migration.version

    @property
    def applied(self) -> int:
        """How many steps are done so far."""
        return sum(step.is_done for step in self._steps.values())

    def before(self, step: Step) -> None:
        """Claim a step: its statement is about to be sent.

        Raises:
            LedgerError: nobody knows whether the claim was written; the statement must not be sent.
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
        self._put("claiming a step", claimed, claimed.to_row())

    def after(self, step: Step, state: RecordedState, attempts: int, duration_ms: int, error: str | None) -> None:
        """Record what became of it.

        Raises:
            LedgerError: it could not be written; the step stays claimed, and the next run looks at the schema.
        """
        claimed = self._steps[step.seq]
        recorded = attrs.evolve(claimed, state=state, attempts=attempts, duration_ms=duration_ms, error=error)
        row = recorded.to_row()
        self._put("recording a step", recorded, {name: row[name] for name in _RECORDED_COLUMNS})

    def _put(self, operation: str, step: LedgerStep, row: Row) -> None:
        self._retrying.retry(operation, lambda: self._store.put_step(row))
        self._steps[step.seq] = step

    def finish(self, status: VersionStatus | None = None, error: str | None = None) -> Migration:
        """Write the end.

        Parameters:
            status: left out, the steps tell: ``applied`` when all are done, else ``partial`` or ``failed``.
            error: what ended it early; left out, that of the last step.

        Raises:
            LockLost: somebody else settled this version, so this run no longer held the lock.
            LedgerError: the end could not be written; the next run settles the version.
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
                f"Version {self.version} of {migration.scope} was ended by another run, which took the lock over from "
                "this "
                "one. The schema is as that run found it; look at: scyllamodel history",
                version=self.version,
            )
        self.migration = migration
        return migration

    def _outcome(self) -> VersionStatus:
        if self.applied == self.migration.total:
            return "applied"
        return "partial" if self.applied else "failed"

    def _write_end(self, migration: Migration) -> bool:
        row = migration.to_row()
        cells = {name: row[name] for name in ("status", "applied", "error", "error_seq", "finished_at")}
        return self._retrying.change_version(
            self._store, migration.version, cells, {"status": "running", "epoch": self.migration.epoch}
        )


def _recorded_change(step: Step) -> str | None:
    """What the step does, as its row keeps it."""
    if step.undone_step is not None:
        return undo_reference(*step.undone_step)
    return None if step.change is None else change_to_json(step.change)


def _missed_target(error: StepFailed | SchemaDisagreement) -> bool:
    """Whether all statements went through, and the schema is not what they were to make it."""
    return isinstance(error, StepFailed) and getattr(error, "step", None) is None
