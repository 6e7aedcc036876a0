"""Compare indexes by target, class and options.

A class or option that a model leaves open is not compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scyllamodel.schema.server.profile import ORDINARY_INDEX, index_family, is_viewless
from scyllamodel.types.cql_types import VectorType

if TYPE_CHECKING:
    from scyllamodel.schema.facts.objects import Index, Table
    from scyllamodel.schema.server.profile import ServerProfile


def index_matches(live: Index, desired: Index, table: Table, server: ServerProfile) -> bool:
    """Whether the live index matches the desired one, ignoring the name."""
    return (
        target_matches(live, desired) and class_matches(live, desired, table, server) and options_match(live, desired)
    )


def target_matches(live: Index, desired: Index) -> bool:
    """Whether both indexes are on the same columns, parts of collections and partitions."""
    both = [(_columns(index), index.on, index.local, index.partition) for index in (live, desired)]
    return both[0] == both[1]


def _columns(index: Index) -> object:
    """The columns of an index; the order of those by which a vector index filters is ignored."""
    first, *others = index.column.split(", ") if is_viewless(index.using) else [index.column]
    return first, frozenset(others)


def class_matches(live: Index, desired: Index, table: Table, server: ServerProfile) -> bool:
    """Whether the live index has the declared class; any class matches if none is declared."""
    if desired.using is None:
        return True
    if index_family(desired.using) == ORDINARY_INDEX:  # stored as no class
        return live.using is None
    family = index_family(stored_class(desired, table, server) or "")
    return live.using is not None and index_family(live.using) == family


def stored_class(desired: Index, table: Table, server: ServerProfile) -> str | None:
    """The class of a declared index as this server stores it."""
    column = table.get(next(iter(desired.names(table)), ""))
    on_vector = column is not None and isinstance(column.type, VectorType)
    return None if desired.using is None else server.index_class(desired.using, on_vector=on_vector)


def options_match(live: Index, desired: Index) -> bool:
    """Whether the declared options match; servers add others, such as ScyllaDB's ``index_version``."""
    return all(str(live.options.get(name)).lower() == str(value).lower() for name, value in desired.options.items())
