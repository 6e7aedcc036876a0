"""Compare the indexes of tables: by definition, and by name if one was chosen.

An index without a chosen name matches any live index of the same definition; `scyllamodel.schema.compare.indexes`
compares definitions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scyllamodel.schema.changes.kinds import AddIndex, AlterIndex, Change, NameTaken, SetOptions, Unmanaged
from scyllamodel.schema.compare.indexes import (
    class_matches,
    index_matches,
    options_match,
    stored_class,
    target_matches,
)
from scyllamodel.schema.compare.options import differing_options, stored_values
from scyllamodel.schema.diff.schema_pair import has_cql_layout
from scyllamodel.schema.export.models.option_defaults import defaults_of
from scyllamodel.schema.facts.index_names import with_digest_name
from scyllamodel.schema.server.profile import is_viewless

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scyllamodel.schema.diff.schema_pair import SchemaPair
    from scyllamodel.schema.facts.objects import Index, Table
    from scyllamodel.schema.server.profile import ServerProfile


def diff_indexes(pair: SchemaPair) -> Iterator[Change]:
    """The changes of indexes, in the order of the desired tables."""
    names = {index.name: (table.name, index) for table in pair.live.tables for index in table.indexes}
    for table in pair.desired.tables:
        live = pair.live_tables.get(table.name)
        if live is None:
            yield from (_addition(pair, table, index, names, populated=False) for index in table.indexes)
        elif has_cql_layout(live) and (table.indexes or live.indexes):
            yield from _diff_table(pair, live, table, names)


def _diff_table(
    pair: SchemaPair, live: Table, desired: Table, names: Mapping[str, tuple[str, Index]]
) -> Iterator[Change]:
    live_indexes = {index.name: index for index in live.indexes}
    unmatched: list[Index] = []
    for index in sorted(desired.indexes, key=lambda index: (not index.named, index.using is None)):
        match = _matching_name(live_indexes, index, desired, pair.server)
        if match is None:
            unmatched.append(index)
        else:
            yield from _view_options(pair.name, desired.name, live_indexes.pop(match), index, pair.server)
    for index in sorted(
        (_with_distinct_name(live_indexes, index, desired) for index in unmatched), key=lambda index: index.name
    ):
        rival = _conflicting_index(live_indexes, index, desired, pair.server)
        if rival is None:
            yield _addition(pair, desired, index, names, populated=True)
        else:
            live_indexes.pop(rival[0].name, None)
            yield AlterIndex(pair.name, desired.name, rival[0], index, rival[1])
    yield from (Unmanaged(pair.name, "index", index.name, index) for index in live_indexes.values())


def _view_options(
    keyspace: str, table: str, live: Index, desired: Index, server: ServerProfile
) -> Iterator[SetOptions | Unmanaged]:
    """The differing options of the view behind an index; a note if options are stored that no model declares."""
    yield from set_view_options(keyspace, table, live, desired, server)
    if set(live.view_options) - set(desired.view_options):
        yield Unmanaged(keyspace, "index view options", live.name, live)


def set_view_options(
    keyspace: str, table: str, live: Index, desired: Index, server: ServerProfile
) -> Iterator[SetOptions]:
    """The change from the stored to the desired options of the view behind an index, if they differ."""
    stored = {**defaults_of(desired.view_options, server), **live.view_options}
    if differing := differing_options(desired.view_options, stored, server):
        name = f"{live.name}_index"
        earlier = stored_values(differing, stored)
        yield SetOptions(keyspace, name, differing, earlier, view=True, base=table, index=live.name)


def _with_distinct_name(live_indexes: Mapping[str, Index], index: Index, table: Table) -> Index:
    """An index without a chosen name gets another one if another index of the table has its default name."""
    namesake = live_indexes.get(index.name)
    return index if namesake is None or target_matches(namesake, index) else with_digest_name(index, table.name)


def _matching_name(
    live_indexes: Mapping[str, Index], desired: Index, table: Table, server: ServerProfile
) -> str | None:
    """The name of the live index that matches; of several the one with the same name."""
    matching = [name for name, index in live_indexes.items() if index_matches(index, desired, table, server)]
    if desired.named or desired.name in matching:
        return desired.name if desired.name in matching else None
    return matching[0] if matching else None


def _conflicting_index(
    live_indexes: Mapping[str, Index], desired: Index, table: Table, server: ServerProfile
) -> tuple[Index, str] | None:
    """The live index that conflicts with a new one, and the code of the conflict.

    IX102: the name belongs to another index, or the same index exists under another name, which servers refuse as
    a duplicate. IX103: an index of this name, or of this target and class, has another definition.
    """
    namesake = live_indexes.get(desired.name)
    if namesake is not None:
        return namesake, "IX103" if target_matches(namesake, desired) else "IX102"
    if desired.named and is_viewless(stored_class(desired, table, server)) and server.takes_several_viewless_indexes:
        return None
    for index in live_indexes.values():
        if target_matches(index, desired) and class_matches(index, desired, table, server):
            return index, "IX102" if options_match(index, desired) else "IX103"
    return None


def _addition(
    pair: SchemaPair, table: Table, index: Index, names: Mapping[str, tuple[str, Index]], *, populated: bool
) -> Change:
    """The new index, or a conflict if its chosen name is in use (index names are unique within a keyspace)."""
    if index.name in names or _hidden_view_exists(pair, index):
        index = with_digest_name(index, table.name)
    if index.name in names:
        return AlterIndex(pair.name, table.name, names[index.name][1], index, "IX102")
    if _hidden_view_exists(pair, index):
        hidden = f"{index.name}_index"
        return NameTaken(pair.name, hidden, "index", "table" if hidden in pair.live_tables else "view")
    return AddIndex(pair.name, table, index, populated)


def _hidden_view_exists(pair: SchemaPair, index: Index) -> bool:
    """Whether another object has the name of the view in which the server would store the index."""
    hidden = f"{index.name}_index"
    return pair.server.keeps_indexes_in_views and (hidden in pair.live_tables or hidden in pair.live_views)
