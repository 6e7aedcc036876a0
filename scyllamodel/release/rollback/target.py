"""Which versions lie between now and the version that a rollback returns to, and whether it may pass them.

*In*: the versions of a scope, and the one to go back to, as a number or text. *Out*: those to rewind, the newest first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import attrs

from scyllamodel.errors import ForeignVersion, UnknownVersion
from scyllamodel.release.ledger.in_force import in_force
from scyllamodel.release.ledger.values import HELD, Migration


@attrs.frozen
class Target:
    """Where a rollback goes.

    Attributes:
        version: 0 for before the first one.
        models_fp: the fingerprint of the models that were in force there; empty before the first one.
        undone: the versions whose steps led from there to the schema of now, the newest first; rollbacks that stopped
            part-way are among them, since their steps are changes like any other.
        witnesses: further rollbacks, whose steps count only as what they say of hand-written statements.
    """

    version: int
    models_fp: str
    undone: tuple[Migration, ...]
    witnesses: tuple[Migration, ...] = ()

    def map(self, change: Callable[[Migration], Migration]) -> Target:
        """The target with each of its versions changed, such as read with their steps."""
        undone, witnesses = tuple(map(change, self.undone)), tuple(map(change, self.witnesses))
        return attrs.evolve(self, undone=undone, witnesses=witnesses)


def target_of(versions: Sequence[Migration], version: int | str, models: Collection[str] = ()) -> Target:
    """Where a rollback to this version goes.

    A baseline made nothing, and an abandoned version counts for nothing; both are passed over. So is what a complete
    rollback took back, together with that rollback. A ``partial`` version is undone, too.

    Parameters:
        versions: the newest first.
        version: a number, or its text.
        models: the packages that the models of the repo come from.

    Raises:
        UnknownVersion: there is no such version, or the schema never held it as a whole.
        ForeignVersion: a version to undo is of models that share no package with these.
    """
    wanted = _number(version, versions)
    goal = next((found for found in versions if found.version == wanted), None)
    if wanted and (goal is None or goal.status not in HELD):
        raise _unknown(version, versions, goal)
    undone = tuple(in_force(versions, since=wanted))
    for found in undone:
        if found.is_undoable and found.models and models and set(models).isdisjoint(found.models):
            raise _foreign(found, models)
    given_up = (v for v in versions if v.version > wanted and v.kind == "rollback" and v.status == "abandoned")
    return Target(wanted, goal.models_to if goal else "", undone, tuple(given_up))


def _number(version: int | str, versions: Sequence[Migration]) -> int:
    text = str(version).strip()
    if isinstance(version, bool) or not (text.isascii() and text.isdigit()):
        raise _unknown(version, versions, None)
    return int(text)


def _unknown(version: int | str, versions: Sequence[Migration], goal: Migration | None) -> UnknownVersion:
    possible = [found.version for found in versions if found.status in HELD]
    if goal is not None:
        why = f"version {goal.version} is {goal.status}, so the schema did not hold it as a whole"
    elif versions and str(version).isdigit() and int(version) > versions[0].version:
        why = f"version {version} is newer than the newest one, {versions[0].version}"
    else:
        why = f"there is no version {version!s}"
    listed = ", ".join(map(str, [*possible[:10], 0]))
    scope = versions[0].scope if versions else "this repo"
    return UnknownVersion(
        f"{scope}: {why}. One can go back to {listed} (0: before the first one); see: scyllamodel history",
        version=version,
        versions=(*possible, 0),
    )


def _foreign(found: Migration, models: Collection[str]) -> ForeignVersion:
    theirs, ours = ", ".join(found.models), ", ".join(models)
    return ForeignVersion(
        f"LG103 {found.scope}: version {found.version} was made for the models of {theirs}, and this repo has those of "
        f"{ours}. Two applications write one history; give one of the repos another name=, and undo this version from "
        "the application that made it.",
        version=found.version,
        theirs=found.models,
        ours=tuple(models),
    )
