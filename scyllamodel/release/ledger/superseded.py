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


def find_superseded(versions: Iterable[Migration], models_fp: str) -> tuple[Migration, Migration] | None:
    """The newest version that was for these models, and the head that is for others; None when they are not superseded.

    Versions that were given up (``abandoned``) count for nothing.

    Parameters:
        versions: the newest first.
    """
    effective = [migration for migration in versions if migration.status != "abandoned"]
    matching = next((migration for migration in effective if migration.models_to == models_fp), None)
    return None if matching is None or effective[0].models_to == models_fp else (matching, effective[0])


def check_may_sync(versions: Iterable[Migration], models_fp: str, plan: Plan) -> Diagnostic | None:
    """What a start-up sync of these models may do: go on (None), or answer ``in_sync`` with this remark.

    Options that differ are left as the newer models have them. A plan with refusals is refused whatever this says.

    Raises:
        SupersededModels: the models are superseded and lack more than options.
    """
    pair = find_superseded(versions, models_fp)
    if pair is None:
        return None
    matching, newest = pair
    missing = [step for step in plan.steps if step.op != "set_options"]
    if missing:
        raise _superseded_error(matching, newest, plan)
    suffix = f"; {len(plan.steps)} differences in options are left as they are" if plan.steps else ""
    return _note(matching, newest, suffix)


def superseded_note(versions: Iterable[Migration], models_fp: str) -> Diagnostic | None:
    """Return what `check` says of models that a later version replaced; None when they are not superseded."""
    pair = find_superseded(versions, models_fp)
    return None if pair is None else _note(*pair)


def _note(matching: Migration, newest: Migration, suffix: str = "") -> Diagnostic:
    text = (
        f"superseded by version {newest.version} ({_author_text(newest)}): these models were in force at version "
        f"{matching.version}"
    )
    return Diagnostic(
        "LG101", "note", matching.scope, text + suffix, "Deploy the newer release, or run: scyllamodel migrate"
    )


def _author_text(newest: Migration) -> str:
    return printable_line(f"{newest.kind} by {newest.actor}@{newest.host}" if newest.host else newest.kind)


def _superseded_error(matching: Migration, newest: Migration, plan: Plan) -> SupersededModels:
    statements = "\n".join(printable_cql(step.cql, "  ") for step in plan.steps if step.op != "set_options")
    return SupersededModels(
        f"{matching.scope}: these models were last in force at version {matching.version}, and version "
        f"{newest.version} "
        f"({_author_text(newest)}) replaced them. A start-up sync does not bring them back. What they "
        f"lack:\n{statements}\n"
        "If that is what you want, run: scyllamodel migrate",
        version=matching.version,
        head=newest.version,
        missing=tuple(step.cql for step in plan.steps),
    )
