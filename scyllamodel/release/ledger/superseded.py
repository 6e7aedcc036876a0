"""Checks whether other models superseded these, so that a sync must not restore anything.

*In*: the versions of a scope, the fingerprint of the models, their plan. *Out*: nothing, a note, or an error. Without
this check the next start would undo a rollback, or an old replica that restarts during a deployment would undo the new
release.
"""

from __future__ import annotations

from collections.abc import Iterable

from scyllamodel._text import printable_cql, printable_line
from scyllamodel.errors import SupersededModels
from scyllamodel.release.ledger.records import Migration
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.plan import Plan


def find_superseded(versions: Iterable[Migration], models_fp: str) -> tuple[Migration, Migration] | None:
    """Return the newest version of these models and the newest of others; None if they are not superseded.

    Abandoned versions are ignored.

    Parameters:
        versions: newest first.
    """
    effective = [migration for migration in versions if migration.status != "abandoned"]
    matching = next((migration for migration in effective if migration.models_to == models_fp), None)
    return None if matching is None or effective[0].models_to == models_fp else (matching, effective[0])


def check_may_sync(versions: Iterable[Migration], models_fp: str, plan: Plan) -> Diagnostic | None:
    """Decide about a sync: None lets it run, a note makes it ``in_sync``.

    Options are left as the newer models set them. A plan with refusals is refused regardless.

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
    suffix = f"; option differences left as they are: {len(plan.steps)}" if plan.steps else ""
    return _note(matching, newest, suffix)


def superseded_note(versions: Iterable[Migration], models_fp: str) -> Diagnostic | None:
    """Return the note of `check` on superseded models; None if they are not."""
    pair = find_superseded(versions, models_fp)
    return None if pair is None else _note(*pair)


def _note(matching: Migration, newest: Migration, suffix: str = "") -> Diagnostic:
    text = (
        f"superseded by version {newest.version} ({_author_text(newest)}): these models were in effect at version "
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
        f"{matching.scope}: these models were last in effect at version {matching.version}, and version "
        f"{newest.version} ({_author_text(newest)}) superseded them. A sync does not restore them. "
        f"Missing:\n{statements}\n"
        "To restore them, run: scyllamodel migrate",
        version=matching.version,
        head=newest.version,
        missing=tuple(step.cql for step in plan.steps),
    )
