"""Whether models were replaced by others, so that a start-up sync of them must not bring anything back.

*In*: the versions of a scope, the fingerprint of these models, the plan that they give. *Out*: nothing, a remark, or an
error. A rollback, or an old replica that restarts in the middle of a deploy, would else be undone by the next start-up
(sync-and-release, section 2).
"""

from __future__ import annotations

from collections.abc import Iterable

from scyllamodel._text import printable_cql, printable_line
from scyllamodel.errors import SupersededModels
from scyllamodel.release.ledger.values import Migration
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.plan import Plan


def superseded(versions: Iterable[Migration], models_fp: str) -> tuple[Migration, Migration] | None:
    """The newest version that was for these models, and the head that is for others; None when they are not superseded.

    Versions that were given up (``abandoned``) count for nothing.

    Parameters:
        versions: the newest first.
    """
    known = [found for found in versions if found.status != "abandoned"]
    held = next((found for found in known if found.models_to == models_fp), None)
    return None if held is None or known[0].models_to == models_fp else (held, known[0])


def may_sync(versions: Iterable[Migration], models_fp: str, plan: Plan) -> Diagnostic | None:
    """What a start-up sync of these models may do: go on (None), or answer ``in_sync`` with this remark.

    Options that differ are left as the newer models have them. A plan with refusals is refused whatever this says.

    Raises:
        SupersededModels: the models are superseded and lack more than options.
    """
    found = superseded(versions, models_fp)
    if found is None:
        return None
    held, head = found
    missing = [step for step in plan.steps if step.op != "set_options"]
    if missing:
        raise _refused(held, head, plan)
    left = f"; {len(plan.steps)} differences in options are left as they are" if plan.steps else ""
    return _note(held, head, left)


def superseded_note(versions: Iterable[Migration], models_fp: str) -> Diagnostic | None:
    """Return what `check` says of models that a later version replaced; None when they are not superseded."""
    found = superseded(versions, models_fp)
    return None if found is None else _note(*found)


def _note(held: Migration, head: Migration, more: str = "") -> Diagnostic:
    text = f"superseded by version {head.version} ({_told(head)}): these models were in force at version {held.version}"
    return Diagnostic("LG101", "note", held.scope, text + more, "Deploy the newer release, or run: scyllamodel migrate")


def _told(head: Migration) -> str:
    return printable_line(f"{head.kind} by {head.actor}@{head.host}" if head.host else head.kind)


def _refused(held: Migration, head: Migration, plan: Plan) -> SupersededModels:
    listed = "\n".join(printable_cql(step.cql, "  ") for step in plan.steps if step.op != "set_options")
    return SupersededModels(
        f"{held.scope}: these models were last in force at version {held.version}, and version {head.version} "
        f"({_told(head)}) replaced them. A start-up sync does not bring them back. What they lack:\n{listed}\n"
        "If that is what you want, run: scyllamodel migrate",
        version=held.version,
        head=head.version,
        missing=tuple(step.cql for step in plan.steps),
    )
