"""States of a schema before it evolved into another one."""

from __future__ import annotations

import attrs
from hypothesis import strategies as st

from scyllamodel.types.cql_types import user_type_names


def deep_types(facts, names):
    """The names of these user types and of all types inside them."""
    values = set(names)
    while more := {name for item in facts.types if item.name in values for name in item.user_types} - values:
        values |= more
    return values


@st.composite
def earlier(draw, now):
    """A state from which ``now`` can be reached by adding: fewer views, indexes, columns, fields, tables, types."""
    views = [view for view in now.views if draw(st.booleans())]
    bases = {view.base for view in views}
    tables = [
        _fewer_columns(draw, table, {c.name for view in views if view.base == table.name for c in view.columns})
        for table in now.tables
        if table.name in bases or draw(st.booleans())
    ]
    held_types = deep_types(now, {name for table in tables for name in table.user_types})
    held_types |= deep_types(now, {item.name for item in now.types if draw(st.booleans())})
    keyed = deep_types(
        now, {name for table in now.tables for c in table.partition_key for name in user_type_names(c.type)}
    )
    types = [_fewer_fields(draw, item, whole=item.name in keyed) for item in now.types if item.name in held_types]
    return attrs.evolve(now, types=types, tables=tables, views=views)


def _fewer_fields(draw, item, *, whole):
    count = len(item.fields) if whole else draw(st.integers(1, len(item.fields)))
    return attrs.evolve(item, fields=item.fields[:count])


def _fewer_columns(draw, table, needed):
    """The table with fewer columns, indexes and options; counters stay, since a table without any cannot gain one."""
    columns = [c for c in table if c.in_key or c.name in needed or table.is_counter or draw(st.booleans())]
    names = {column.name for column in columns}
    indexes = [index for index in table.indexes if index.column in names and draw(st.booleans())]
    options = {name: value for name, value in table.options.items() if draw(st.booleans())}
    return attrs.evolve(table, columns=columns, indexes=indexes, options=options)
