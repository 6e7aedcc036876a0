"""Selects the versions that led to the current schema, or to that of an earlier version.

*In*: versions, newest first. *Out*: those whose steps are part of it. A complete rollback restores its target, so it
cancels out with what it undid; one that stopped part-way counts as a change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from scyllamodel.release.ledger.records import Migration


def effective_versions(versions: Iterable[Migration], *, after_version: int = 0) -> Iterator[Migration]:
    """Yield versions after ``after_version`` that lead from its schema to the newest one, newest first.

    Baselines change nothing, and abandoned versions are ignored. A complete rollback past ``after_version`` is
    included.

    Parameters:
        versions: newest first; the first one is the state in question.
    """
    floor: float = float("inf")
    for migration in versions:
        if migration.version <= after_version:
            return
        if migration.version > floor or migration.status == "abandoned" or migration.kind == "baseline":
            continue
        target = migration.rollback_target if migration.status == "applied" else None
        if target is not None and target >= after_version:
            floor = target
        else:
            yield migration
