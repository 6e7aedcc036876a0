"""Which versions led to the schema of now, or of an earlier version.

*In*: versions, the newest first. *Out*: those whose steps are part of it. A complete rollback leaves the schema of its
target, so it and all that it took back cancel out; one that stopped part-way is a change like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from scyllamodel.release.ledger.values import Migration


def effective_versions(versions: Iterable[Migration], *, after_version: int = 0) -> Iterator[Migration]:
    """The versions after ``after_version`` whose steps lead from its schema to the newest one, the newest first.

    Baselines made nothing, and abandoned versions count for nothing. A complete rollback past ``after_version`` itself
    is among them.

    Parameters:
        versions: the newest first; the first one is the state that is asked for.
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
