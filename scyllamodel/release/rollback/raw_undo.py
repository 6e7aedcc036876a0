"""Undo statements of raw steps: from the code, or from the ledger if allowed by name and digest.

*In*: a ledger step, the raw steps of the code, the allowed codes. *Out*: the statement and its diagnostics. Rows of the
ledger are data: a user who may write them must not choose what an administrator executes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator

import attrs

from scyllamodel._secret import HiddenText, display_text, is_digest
from scyllamodel.release.engine.raw_steps import RawStep, is_recorded_as
from scyllamodel.release.ledger.records import LedgerStep
from scyllamodel.release.ledger.undo_progress import UndoProgress
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.plan import Step
from scyllamodel.schema.plan.step import UNDO_RAW_OP
from scyllamodel.schema.rules.destructive import dropped_keyspace
from scyllamodel.schema.rules.raw_statements import RawStatementChecker
from scyllamodel.schema.rules.roles import changes_roles, role_change_note


@attrs.frozen
class RawUndo:
    """How a raw step is undone.

    Attributes:
        cql: None without an undo.
        diagnostics: errors keep it from running.
        is_done: whether it was allowed as already done.
    """

    cql: str | None
    diagnostics: tuple[Diagnostic, ...] = ()
    is_done: bool = False


def statement_digest(text: str) -> str:
    """Return the digest by which a stored statement is allowed.

    >>> statement_digest("REVOKE SELECT ON shop.orders FROM reports")
    '39a050777c58'
    """
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _find_raw_step(step: LedgerStep, raw_steps: Iterable[RawStep]) -> RawStep | None:
    return next((candidate for candidate in raw_steps if is_recorded_as(candidate, step.cql)), None)


def undo_statement(step: LedgerStep, raw_steps: Iterable[RawStep]) -> str | None:
    """Return the undo of a raw step: from the code, else from the ledger."""
    raw_step = _find_raw_step(step, raw_steps)
    return step.undo if raw_step is None else raw_step.undo


def raw_undo(  # noqa: PLR0917 - two callers, one of them the tests
    step: LedgerStep,
    progress: UndoProgress,
    raw_steps: Iterable[RawStep],
    protected: Collection[str],
    allow: Collection[str],
    evaluator: RawStatementChecker,
) -> RawUndo:
    """Return the undo of a raw step, with its diagnostics.

    Parameters:
        raw_steps: of the code, matched by statement.
        protected: keyspaces that no statement may drop.
        evaluator: knows the schema before the undo.
    """
    raw_step = _find_raw_step(step, raw_steps)
    cql = step.undo if raw_step is None else raw_step.undo
    name = f"{step.version}/{step.seq}"
    if progress == "unknown" and f"RB106:{name}:done" in allow:
        return RawUndo(cql, is_done=True)
    if cql is None:
        return RawUndo(None)
    drop_refusal = dropped_keyspace(cql, protected, allow)
    diagnostics = [] if drop_refusal is None else [drop_refusal]
    if not is_digest(cql):
        diagnostics += evaluator.check(cql, may_quote=not isinstance(cql, HiddenText))
    if progress == "unknown" and f"RB106:{name}" not in allow:
        diagnostics.append(_unknown_outcome_refusal(step, name))
    if raw_step is None and (is_digest(cql) or f"RB107:{name}:{statement_digest(cql)}" not in allow):
        diagnostics.append(_stored_undo_refusal(step, name, cql))
    return RawUndo(cql, tuple(diagnostics))


def undo_step(step: LedgerStep, undo: RawUndo) -> Step:
    """Return the step of a plan, without its number."""
    return Step(
        seq=0,
        op=UNDO_RAW_OP,
        object=step.object,
        cql=display_text(undo.cql or ""),
        undo=step.cql,
        secret_statement=undo.cql if isinstance(undo.cql, HiddenText) else None,
        summary=f"Undo {step.object}{role_change_note(undo.cql)}.",
        data_loss=any(diagnostic.code == "DS101" for diagnostic in undo.diagnostics),
        lints=undo.diagnostics,
        undone_step=step.key,
    )


def undone_note(step: LedgerStep, raw_steps: Iterable[RawStep]) -> Iterator[Diagnostic]:
    """Yield a note on an undo on roles that is skipped because the ledger says that it ran."""
    cql = undo_statement(step, raw_steps)
    if cql is not None and (is_digest(cql) or changes_roles(cql)):
        text = f"its undo changes roles, and only the ledger says that it ran (version {step.version}, step {step.seq})"
        suggested_fix = "Check that it is in effect, and run it yourself if not."
        yield Diagnostic("LG106", "note", step.object, text, suggested_fix)


def _unknown_outcome_refusal(step: LedgerStep, name: str) -> Diagnostic:
    text = "a rollback was interrupted during this undo, and its outcome is unknown"
    suggested_fix = f"Check it. If it was not applied: allow RB106:{name}, and it is sent. If it was: RB106:{name}:done"
    return Diagnostic("RB106", "error", step.object, text, suggested_fix, allow=f"RB106:{name}")


def _stored_undo_refusal(step: LedgerStep, name: str, cql: str) -> Diagnostic:
    if is_digest(cql):
        text = "the undo of this hand-written step is secret: the ledger only has a digest of it"
        return Diagnostic("RB107", "error", step.object, text, "Pass its RawStep in steps=.")
    allow = f"RB107:{name}:{statement_digest(cql)}"
    text = "the code does not have this hand-written step any more; its undo is known from the ledger only"
    suggested_fix = f"Review the statement, then pass its RawStep in steps=, or allow exactly this text: {allow}"
    return Diagnostic("RB107", "error", step.object, text, suggested_fix, allow=allow)
