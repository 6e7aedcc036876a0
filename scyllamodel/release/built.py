"""Waiting for indexes and views that are there and not filled yet.

*In*: a look, what the models want. *Out*: nothing, once all of it is built. The lock is given back by then: building is
the server's work, and takes as long as there are rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final

import attrs

from scyllamodel.driver.built import read_unbuilt
from scyllamodel.errors import BuildTimeout
from scyllamodel.release.look import Look
from scyllamodel.schema.apply import Event, OnEvent, tell
from scyllamodel.schema.facts import KeyspaceFacts, SchemaFacts

_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 2.0


def await_built(
    look: Look,
    wanted: SchemaFacts,
    timeout: float,
    on_event: OnEvent | None = None,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Wait until every index and view of these facts holds all rows, as the coordinator sees it.

    Parameters:
        timeout: seconds in which none of them is finished.

    Raises:
        BuildTimeout: none was finished for so long; ``unbuilt`` names what is left. Building goes on.
    """
    watched = [_watched(live, wanted[live.name]) for live in look.found(part.name for part in wanted)]
    total = sum(len(part.views) + sum(len(table.indexes) for table in part.tables) for part in watched)
    left, since, pause = _left(look, watched), clock(), _FIRST_PAUSE
    while left:
        tell(on_event, Event("build_progress", result={"unbuilt": left, "total": total}))
        if clock() - since > timeout:
            raise BuildTimeout(
                f"After {timeout:g} s without progress these are not built yet: {', '.join(left)}. The server goes on "
                "building them; ask again with: scyllamodel wait --for built",
                unbuilt=left,
            )
        sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
        now = _left(look, watched)
        since, left = (since if len(now) == len(left) else clock()), now


def _watched(live: KeyspaceFacts, wanted: KeyspaceFacts) -> KeyspaceFacts:
    """What is live of the tables and views that models declare; an index may have another name than theirs."""
    tables = [table for table in live.tables if wanted.table(table.name) is not None]
    views = [view for view in live.views if wanted.view(view.name) is not None]
    return attrs.evolve(live, tables=tables, views=views)


def _left(look: Look, watched: Iterable[KeyspaceFacts]) -> tuple[str, ...]:
    found = [(part.name, read_unbuilt(look.coordinator, part) or ()) for part in watched]
    return tuple(f"{keyspace}.{name}" for keyspace, names in found for name in names)
