"""Indexes: each wanted one finds its live counterpart by target, class and options, and by name if it was given one.

An index that models leave unnamed is satisfied by any live index of the same meaning. What a model does not say of an
index (its class, an option) is not compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scyllamodel.schema.changes import AddIndex, AlterIndex, Change, LiveOnly, NameTaken, SetOptions
from scyllamodel.schema.diff.sides import is_manageable
from scyllamodel.schema.index_names import distinct
from scyllamodel.schema.options import before, changed
from scyllamodel.schema.server import ORDINARY, index_family, is_viewless
from scyllamodel.schema.source.defaults import defaults_of
from scyllamodel.types.values import VectorType

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scyllamodel.schema.diff.sides import Sides
    from scyllamodel.schema.facts import Index, Table
    from scyllamodel.schema.server import ServerProfile


def diff_indexes(sides: Sides) -> Iterator[Change]:
    """The indexes of every wanted table, in its order."""
    names = {index.name: (table.name, index) for table in sides.found.tables for index in table.indexes}
    for table in sides.wanted.tables:
        found = sides.tables.get(table.name)
        if found is None:
            yield from (_add(sides, table, index, names, populated=False) for index in table.indexes)
        elif is_manageable(found) and (table.indexes or found.indexes):
            yield from _of_table(sides, found, table, names)


def _of_table(sides: Sides, found: Table, wanted: Table, names: Mapping[str, tuple[str, Index]]) -> Iterator[Change]:
    live = {index.name: index for index in found.indexes}
    open_: list[Index] = []
    for index in sorted(wanted.indexes, key=lambda index: (not index.named, index.using is None)):
        match = _match(live, index, wanted, sides.server)
        if match is None:
            open_.append(index)
        else:
            yield from _view_options(sides.name, wanted.name, live.pop(match), index, sides.server)
    for index in sorted((_apart(live, index, wanted) for index in open_), key=lambda index: index.name):
        rival = _rival(live, index, wanted, sides.server)
        if rival is None:
            yield _add(sides, wanted, index, names, populated=True)
        else:
            live.pop(rival[0].name, None)
            yield AlterIndex(sides.name, wanted.name, rival[0], index, rival[1])
    yield from (LiveOnly(sides.name, "index", index.name, index) for index in live.values())


def _view_options(
    keyspace: str, table: str, found: Index, wanted: Index, server: ServerProfile
) -> Iterator[SetOptions | LiveOnly]:
    """The options of the view behind an index that differ; a note where some are stored that no model declares."""
    yield from set_view_options(keyspace, table, found, wanted, server)
    if set(found.view_options) - set(wanted.view_options):
        yield LiveOnly(keyspace, "index view options", found.name, found)


def set_view_options(
    keyspace: str, table: str, found: Index, wanted: Index, server: ServerProfile
) -> Iterator[SetOptions]:
    """The change from the stored options of the view behind an index to those that are wanted, if they differ."""
    stored = {**defaults_of(wanted.view_options, server), **found.view_options}
    if differing := changed(wanted.view_options, stored, server):
        name = f"{found.name}_index"
        earlier = before(differing, stored)
        yield SetOptions(keyspace, name, differing, earlier, view=True, base=table, index=found.name)


def _apart(live: Mapping[str, Index], index: Index, table: Table) -> Index:
    """An index without a chosen name yields to one of this table that is on something else."""
    namesake = live.get(index.name)
    return index if namesake is None or _same_target(namesake, index) else distinct(index, table.name)


def _match(live: Mapping[str, Index], wanted: Index, table: Table, server: ServerProfile) -> str | None:
    """The name of the live index that is the wanted one; of several the one with its very name."""
    fits = [name for name, index in live.items() if same_index(index, wanted, table, server)]
    if wanted.named or wanted.name in fits:
        return wanted.name if wanted.name in fits else None
    return fits[0] if fits else None


def same_index(found: Index, wanted: Index, table: Table, server: ServerProfile) -> bool:
    """Whether the live index does what is wanted, names aside."""
    return _same_target(found, wanted) and _same_class(found, wanted, table, server) and _same_options(found, wanted)


def _same_target(found: Index, wanted: Index) -> bool:
    both = [(_columns(index), index.on, index.local, index.partition) for index in (found, wanted)]
    return both[0] == both[1]


def _columns(index: Index) -> object:
    """What it is on; the columns by which a vector index filters have no order."""
    first, *others = index.column.split(", ") if is_viewless(index.using) else [index.column]
    return first, frozenset(others)


def _same_class(found: Index, wanted: Index, table: Table, server: ServerProfile) -> bool:
    if wanted.using is None:
        return True
    if index_family(wanted.using) == ORDINARY:  # stored as no class
        return found.using is None
    meant = index_family(_class_of(wanted, table, server) or "")
    return found.using is not None and index_family(found.using) == meant


def _class_of(wanted: Index, table: Table, server: ServerProfile) -> str | None:
    """The class of a declared index as the server at hand stores it."""
    column = table.get(next(iter(wanted.names(table)), ""))
    on_vector = column is not None and isinstance(column.type, VectorType)
    return None if wanted.using is None else server.index_class(wanted.using, on_vector=on_vector)


def _same_options(found: Index, wanted: Index) -> bool:
    """Declared options only: servers add some of their own, such as Scylla's ``index_version``."""
    return all(str(found.options.get(name)).lower() == str(value).lower() for name, value in wanted.options.items())


def _rival(live: Mapping[str, Index], wanted: Index, table: Table, server: ServerProfile) -> tuple[Index, str] | None:
    """The live index that stands in the way of a new one, and the code of how.

    IX102: the name is another index's, or the same index is there under another name, which servers refuse as a
    duplicate. IX103: an index of this name, or of this target and class, was made otherwise.
    """
    namesake = live.get(wanted.name)
    if namesake is not None:
        return namesake, "IX103" if _same_target(namesake, wanted) else "IX102"
    if wanted.named and is_viewless(_class_of(wanted, table, server)) and server.takes_several_viewless_indexes:
        return None
    for index in live.values():
        if _same_target(index, wanted) and _same_class(index, wanted, table, server):
            return index, "IX102" if _same_options(index, wanted) else "IX103"
    return None


def _add(
    sides: Sides, table: Table, index: Index, names: Mapping[str, tuple[str, Index]], *, populated: bool
) -> Change:
    """The new index, unless its author gave it a name that is taken (names of indexes are unique in a keyspace)."""
    if index.name in names or _is_hidden(sides, index):
        index = distinct(index, table.name)
    if index.name in names:
        return AlterIndex(sides.name, table.name, names[index.name][1], index, "IX102")
    if _is_hidden(sides, index):
        hidden = f"{index.name}_index"
        return NameTaken(sides.name, hidden, "index", "table" if hidden in sides.tables else "view")
    return AddIndex(sides.name, table, index, populated)


def _is_hidden(sides: Sides, index: Index) -> bool:
    """Whether something stands where the server would keep the index."""
    hidden = f"{index.name}_index"
    return sides.server.keeps_indexes_in_views and (hidden in sides.tables or hidden in sides.views)
