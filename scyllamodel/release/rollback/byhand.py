"""The undo of hand-written steps: from the code, or from the ledger if it is allowed by name and digest.

*In*: a step of the ledger, the `RawStep` values of the code, what is allowed. *Out*: the statement, and what stands in
its way. The ledger is data: whoever may write its rows must not choose what an administrator runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator

import attrs

from scyllamodel._secret import HiddenText, display_text, is_digest
from scyllamodel.release.ledger.undone import UndoProgress
from scyllamodel.release.ledger.values import LedgerStep
from scyllamodel.release.raw import RawStep
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.plan import Step
from scyllamodel.schema.plan.step import UNDO_RAW_OP
from scyllamodel.schema.rules.destructive import dropped_keyspace
from scyllamodel.schema.rules.handwritten import RawStatementChecker
from scyllamodel.schema.rules.roles import changes_roles, role_change_note


@attrs.frozen
class RawUndo:
    """How a hand-written step is taken back.

    Attributes:
        cql: None when nobody gave an inverse.
        diagnostics: what is to be said of it; errors keep it from running.
        is_done: whether somebody said that it ran already.
    """

    cql: str | None
    diagnostics: tuple[Diagnostic, ...] = ()
    is_done: bool = False


def statement_digest(text: str) -> str:
    """The digest by which a stored statement is allowed.

    >>> statement_digest("REVOKE SELECT ON shop.orders FROM reports")
    '39a050777c58'
    """
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _find_raw_step(step: LedgerStep, raw_steps: Iterable[RawStep]) -> RawStep | None:
    return next((candidate for candidate in raw_steps if candidate.matches(step.cql)), None)


def undo_statement(step: LedgerStep, raw_steps: Iterable[RawStep]) -> str | None:
    """The undo of a hand-written step, as the code has it, else as the ledger does."""
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
    """The undo of this step.

    Parameters:
        raw_steps: the hand-written steps that the code still has; they are known by their statements.
        protected: keyspaces that no statement may drop.
        evaluator: knows the schema before the undo runs.
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
    """The step of a plan, not numbered yet."""
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
    """A note where an undo that changes roles is left out, since the ledger alone says that it ran."""
    cql = undo_statement(step, raw_steps)
    if cql is not None and (is_digest(cql) or changes_roles(cql)):
        text = f"its undo changes roles, and only the ledger says that it ran (version {step.version}, step {step.seq})"
        suggested_fix = "Look whether it is in force, and run it yourself where it is not."
        yield Diagnostic("LG106", "note", step.object, text, suggested_fix)


def _unknown_outcome_refusal(step: LedgerStep, name: str) -> Diagnostic:
    text = "a rollback was cut short while it ran this undo, and nothing shows whether it was applied"
    suggested_fix = f"Find out. If it was not applied: allow RB106:{name}, and it is sent. If it was: RB106:{name}:done"
    return Diagnostic("RB106", "error", step.object, text, suggested_fix, allow=f"RB106:{name}")


def _stored_undo_refusal(step: LedgerStep, name: str, cql: str) -> Diagnostic:
    if is_digest(cql):
        text = "the undo of this hand-written step is secret: the ledger has a digest of it, and not the statement"
        return Diagnostic("RB107", "error", step.object, text, "Pass its RawStep in steps=.")
    allow = f"RB107:{name}:{statement_digest(cql)}"
    text = "the code does not have this hand-written step any more; its undo is known from the ledger only"
    suggested_fix = f"Read the statement, and pass its RawStep in steps=, or allow exactly this text: {allow}"
    return Diagnostic("RB107", "error", step.object, text, suggested_fix, allow=allow)
