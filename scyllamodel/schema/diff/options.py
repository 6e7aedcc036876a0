"""Options that are declared and stored otherwise, of tables and views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scyllamodel.schema.changes import Change, SetOptions
from scyllamodel.schema.diff.sides import is_manageable
from scyllamodel.schema.options import before, changed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scyllamodel.schema.diff.sides import Sides
    from scyllamodel.schema.facts import FrozenMap


def diff_options(sides: Sides) -> Iterator[Change]:
    """One change for each table, then for each view, whose declared options differ."""
    for table in sides.wanted.tables:
        found = sides.tables.get(table.name)
        if found is not None and is_manageable(found):
            yield from _set(sides, table.name, table.options, found.options)
    for view in sides.wanted.views:
        stored = sides.views.get(view.name)
        if stored is not None:
            yield from _set(sides, view.name, view.options, stored.options, stored.base)


def _set(sides: Sides, name: str, wanted: FrozenMap, found: FrozenMap, base: str | None = None) -> Iterator[Change]:
    if wanted and (differing := changed(wanted, found, sides.server)):
        yield SetOptions(sides.name, name, differing, before(differing, found), base is not None, base or "")
