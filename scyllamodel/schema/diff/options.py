"""Compare the declared options of tables and views with the stored ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scyllamodel.schema.changes.kinds import Change, SetOptions
from scyllamodel.schema.compare.options import differing_options, stored_values
from scyllamodel.schema.diff.schema_pair import has_cql_layout

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scyllamodel.schema.diff.schema_pair import SchemaPair
    from scyllamodel.schema.facts.objects import FrozenMap


def diff_options(pair: SchemaPair) -> Iterator[Change]:
    """One change for each table, then for each view, whose declared options differ."""
    for table in pair.desired.tables:
        live = pair.live_tables.get(table.name)
        if live is not None and has_cql_layout(live):
            yield from _option_changes(pair, table.name, table.options, live.options)
    for view in pair.desired.views:
        stored = pair.live_views.get(view.name)
        if stored is not None:
            yield from _option_changes(pair, view.name, view.options, stored.options, stored.base)


def _option_changes(
    pair: SchemaPair, name: str, desired: FrozenMap, live: FrozenMap, base: str | None = None
) -> Iterator[Change]:
    if desired and (differing := differing_options(desired, live, pair.server)):
        yield SetOptions(pair.name, name, differing, stored_values(differing, live), base is not None, base or "")
