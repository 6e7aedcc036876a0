"""Which versions led to the schema of now, or of an earlier version.

*In*: versions, the newest first. *Out*: those whose steps are part of it. A complete rollback leaves the schema of its
target, so it and all that it took back cancel out; one that stopped part-way is a change like any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from scyllamodel.release.ledger.values import Migration


def in_force(versions: Iterable[Migration], *, since: int = 0) -> Iterator[Migration]:
    """The versions after ``since`` whose steps lead from its schema to that of the newest one, the newest first.

    Baselines made nothing, and abandoned versions count for nothing. A complete rollback past ``since`` itself is among
    them.

    Parameters:
        versions: the newest first; the first one is the state that is asked for.
    """
    floor: float = float("inf")
    for found in versions:
        if found.version <= since:
            return
        if found.version > floor or found.status == "abandoned" or found.kind == "baseline":
            continue
        goal = found.back_to if found.status == "applied" else None
        if goal is not None and goal >= since:
            floor = goal
        else:
            yield found
