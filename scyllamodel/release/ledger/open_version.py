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
from scyllamodel.release.ledger.persist import Persistence
from scyllamodel.release.ledger.store import LedgerStore
from scyllamodel.release.ledger.values import LedgerStep, Migration, Row, Status, undoes_text
from scyllamodel.schema.change_json import change_text

if TYPE_CHECKING:
    from scyllamodel.schema.apply import Recorded
    from scyllamodel.schema.plan import Step


_log = logging.getLogger("scyllamodel")

_RECORDED: Final = ("scope", "version", "seq", "state", "attempts", "duration_ms", "error")


class OpenVersion:
    """The books of one run; a context manager that writes its end, unless that was done inside.

    What ends a run between two steps (a failed step, nodes that disagree) is written as its end. After anything else
    nobody can tell how far it came: the version stays ``running``, and the next run settles it.

    Attributes:
        migration: the version, as it stands in the ledger but for its steps.
    """

    def __init__(
        self, store: LedgerStore, migration: Migration, now: Callable[[], datetime], again: Persistence
    ) -> None:
        self.migration = migration
        self._store, self._now, self._again = store, now, again
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
                self.finish("partial" if _missed(error) else None, error=str(error))
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
            change_json=_what(step),
        )
        self._put("claiming a step", claimed, claimed.to_row())

    def after(self, step: Step, state: Recorded, attempts: int, duration_ms: int, error: str | None) -> None:
        """Record what became of it.

        Raises:
            LedgerError: it could not be written; the step stays claimed, and the next run looks at the schema.
        """
        claimed = self._steps[step.seq]
        done = attrs.evolve(claimed, state=state, attempts=attempts, duration_ms=duration_ms, error=error)
        row = done.to_row()
        self._put("recording a step", done, {name: row[name] for name in _RECORDED})

    def _put(self, what: str, step: LedgerStep, row: Row) -> None:
        self._again.until_done(what, lambda: self._store.put_step(row))
        self._steps[step.seq] = step

    def finish(self, status: Status | None = None, error: str | None = None) -> Migration:
        """Write the end.

        Parameters:
            status: left out, the steps tell: ``applied`` when all are done, else ``partial`` or ``failed``.
            error: what ended it early; left out, that of the last step.

        Raises:
            LockLost: somebody else settled this version, so this run no longer held the lock.
            LedgerError: the end could not be written; the next run settles the version.
        """
        last = self._steps[max(self._steps)] if self._steps else None
        stuck = last if last is not None and not last.is_done else None
        ended = attrs.evolve(
            self.migration,
            status=status or self._outcome(),
            applied=self.applied,
            error=error or (stuck.error if stuck else None),
            error_seq=stuck.seq if stuck else None,
            finished_at=self._now(),
        )
        if not self._ended(ended):
            raise LockLost(
                f"Version {self.version} of {ended.scope} was ended by another run, which took the lock over from this "
                "one. The schema is as that run found it; look at: scyllamodel history",
                version=self.version,
            )
        self.migration = ended
        return ended

    def _outcome(self) -> Status:
        if self.applied == self.migration.total:
            return "applied"
        return "partial" if self.applied else "failed"

    def _ended(self, ended: Migration) -> bool:
        row = ended.to_row()
        cells = {name: row[name] for name in ("status", "applied", "error", "error_seq", "finished_at")}
        return self._again.change(
            self._store, ended.version, cells, {"status": "running", "epoch": self.migration.epoch}
        )


def _what(step: Step) -> str | None:
    """What the step does, as its row keeps it."""
    if step.undoes is not None:
        return undoes_text(*step.undoes)
    return None if step.change is None else change_text(step.change)


def _missed(error: StepFailed | SchemaDisagreement) -> bool:
    """Whether all statements went through, and the schema is not what they were to make it."""
    return isinstance(error, StepFailed) and getattr(error, "step", None) is None
