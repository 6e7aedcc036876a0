"""Finds the target of a rollback and the versions to undo.

*In*: the versions of a scope, and the one to return to, as a number or text. *Out*: those to rewind, newest first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import attrs

from scyllamodel.errors import ForeignVersion, UnknownVersion
from scyllamodel.release.ledger.effective_versions import effective_versions
from scyllamodel.release.ledger.records import RESTORABLE_STATUSES, Migration


@attrs.frozen
class RollbackTarget:
    """The target of a rollback.

    Attributes:
        version: 0 is before the first one.
        models_fp: fingerprint of the models then; empty before the first one.
        undone: versions between it and now, newest first, incomplete rollbacks included.
        abandoned_rollbacks: further rollbacks, whose steps only count for raw statements.
    """

    version: int
    models_fp: str
    undone: tuple[Migration, ...]
    abandoned_rollbacks: tuple[Migration, ...] = ()

    def map_versions(self, change: Callable[[Migration], Migration]) -> RollbackTarget:
        """Return the target with a function applied to each of its versions."""
        undone, abandoned_rollbacks = tuple(map(change, self.undone)), tuple(map(change, self.abandoned_rollbacks))
        return attrs.evolve(self, undone=undone, abandoned_rollbacks=abandoned_rollbacks)


def find_target(versions: Sequence[Migration], version: int | str, models: Collection[str] = ()) -> RollbackTarget:
    """Find the target of a rollback.

    Baselines and abandoned versions are skipped, and so is a complete rollback with what it undid. ``partial`` versions
    are undone.

    Parameters:
        versions: newest first.
        version: a number, or its text.
        models: packages of the models of the repo.

    Raises:
        UnknownVersion: there is no such version, or its schema was never complete.
        ForeignVersion: a version to undo belongs to models without a common package.
    """
    target_version = _parse_version(version, versions)
    target = next((migration for migration in versions if migration.version == target_version), None)
    if target_version and (target is None or target.status not in RESTORABLE_STATUSES):
        raise _unknown_version(version, versions, target)
    undone = tuple(effective_versions(versions, after_version=target_version))
    for migration in undone:
        if migration.is_undoable and migration.models and models and set(models).isdisjoint(migration.models):
            raise _foreign_version(migration, models)
    abandoned_rollbacks = (
        migration
        for migration in versions
        if migration.version > target_version and migration.kind == "rollback" and migration.status == "abandoned"
    )
    return RollbackTarget(target_version, target.models_to if target else "", undone, tuple(abandoned_rollbacks))


def _parse_version(version: int | str, versions: Sequence[Migration]) -> int:
    text = str(version).strip()
    if isinstance(version, bool) or not (text.isascii() and text.isdigit()):
        raise _unknown_version(version, versions, None)
    return int(text)


def _unknown_version(version: int | str, versions: Sequence[Migration], target: Migration | None) -> UnknownVersion:
    possible = [migration.version for migration in versions if migration.status in RESTORABLE_STATUSES]
    if target is not None:
        reason = f"version {target.version} is {target.status}, so its schema was never complete"
    elif versions and str(version).isdigit() and int(version) > versions[0].version:
        reason = f"version {version} is newer than the newest one, {versions[0].version}"
    else:
        reason = f"there is no version {version!s}"
    choices = ", ".join(map(str, [*possible[:10], 0]))
    scope = versions[0].scope if versions else "this repo"
    return UnknownVersion(
        f"{scope}: {reason}. Possible targets are {choices} (0: before the first one); see: scyllamodel history",
        version=version,
        versions=(*possible, 0),
    )


def _foreign_version(migration: Migration, models: Collection[str]) -> ForeignVersion:
    others, own = ", ".join(migration.models), ", ".join(models)
    return ForeignVersion(
        f"LG103 {migration.scope}: version {migration.version} was made for the models of {others}, and this repo has "
        f"{own}. Two applications share one history: give one repo another name=, and undo this version from the "
        "other application.",
        version=migration.version,
        theirs=migration.models,
        ours=tuple(models),
    )
