"""Compare two schemas, without a server and without statements.

*In*: two schemas from any source. *Out*: `ReportedDifference` values, in a stable order. `scyllamodel.schema.diff`
computes the changes from one schema to another, and only adds; this module reports every difference in both
directions, to compare releases and lock files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import attrs

from scyllamodel._json import to_json
from scyllamodel.schema.compare.indexes import index_matches
from scyllamodel.schema.compare.options import option_matches
from scyllamodel.schema.compare.views import view_difference
from scyllamodel.schema.export.models.option_defaults import defaults_of
from scyllamodel.schema.facts.objects import FrozenMap, Index, KeyspaceFacts, SchemaFacts, Table, TableColumn, View

if TYPE_CHECKING:
    from scyllamodel.schema.server.profile import ServerProfile

DifferenceMark: TypeAlias = Literal["+", "-", "~"]


@attrs.frozen
class ReportedDifference:
    """One difference between two schemas.

    Attributes:
        mark: ``+`` only the second has it, ``-`` only the first, ``~`` both have it with different values.
        what: ``table``, ``column``, ``index`` …
        object: the raw dotted name of the object.
        before, after: the values in the first and the second schema, as text; empty where there is none.
    """

    mark: DifferenceMark
    what: str
    object: str
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        detail = {"+": self.after, "-": self.before, "~": f"{self.before} -> {self.after}"}[self.mark]
        return f"{self.mark} {self.what} {self.object}{f': {detail}' if detail else ''}"

    def to_dict(self) -> dict[str, str]:
        """The difference as plain JSON values."""
        return attrs.asdict(self)


def compare_schemas(before: SchemaFacts, after: SchemaFacts) -> tuple[ReportedDifference, ...]:
    """All differences: keyspace by keyspace, then user types, tables and views by name."""
    names = sorted({part.name for part in (*before, *after)})
    old, new = {part.name: part for part in before}, {part.name: part for part in after}
    return tuple(
        difference
        for name in names
        for difference in _compare_keyspaces(
            name, old.get(name, KeyspaceFacts(name)), new.get(name, KeyspaceFacts(name))
        )
    )


def normalized_to_declared(live: SchemaFacts, declared: SchemaFacts, server: ServerProfile) -> SchemaFacts:
    """The live schema in the form in which models declare it, so that what they leave open is not compared.

    Undeclared options are left out; a value with the declared meaning is replaced by the declared value.

    Raises:
        IntrospectionError: a declared object exists and could not be read.
    """
    known = {part.name: part for part in declared}
    return SchemaFacts(_normalized_keyspace(p, known[p.name], server) if p.name in known else p for p in live)


def _normalized_keyspace(live: KeyspaceFacts, declared: KeyspaceFacts, server: ServerProfile) -> KeyspaceFacts:
    tables = {table.name: table for table in declared.tables}
    views = {view.name: view for view in declared.views}
    live.check_readable({*tables, *views}, {item.name for item in declared.types})
    keys = {name: frozenset(column.name for column in table if column.in_key) for name, table in tables.items()}
    return attrs.evolve(
        live,
        tables=[
            _normalized_table(t, tables[t.name], server) if t.name in tables else _without_options(t)
            for t in live.tables
        ],
        views=[
            _normalized_view(v, views[v.name], keys.get(v.base, frozenset()), server)
            if v.name in views
            else _without_options(v)
            for v in live.views
        ],
    )


def _without_options(table_or_view: Any) -> Any:
    return attrs.evolve(table_or_view, options=FrozenMap())


def _normalized_table(live: Table, declared: Table, server: ServerProfile) -> Table:
    indexes = [_normalized_index(index, declared, server) for index in live.indexes]
    return attrs.evolve(live, options=_normalized_options(live.options, declared.options, server), indexes=indexes)


def _normalized_index(live: Index, declared: Table, server: ServerProfile) -> Index:
    matching = [
        declared_index for declared_index in declared.indexes if index_matches(live, declared_index, declared, server)
    ]
    desired = next(
        (candidate for candidate in matching if candidate.name == live.name),
        next((candidate for candidate in matching if not candidate.named), None),
    )
    if desired is None:
        return attrs.evolve(live, view_options={})
    stored = {**defaults_of(desired.view_options, server), **live.view_options}
    return attrs.evolve(desired, view_options=_normalized_options(stored, desired.view_options, server))


def _normalized_view(live: View, declared: View, base_key: frozenset[str], server: ServerProfile) -> View:
    options = _normalized_options(live.options, declared.options, server)
    if view_difference(live, declared, base_key) is not None:
        return attrs.evolve(live, options=options)
    return attrs.evolve(live, options=options, where=declared.where, all_columns=declared.all_columns)


def _normalized_options(live: Mapping[str, Any], declared: Mapping[str, Any], server: ServerProfile) -> FrozenMap:
    live_values = {name: live.get(name) for name in declared}
    return FrozenMap(
        {
            name: value if option_matches(name, value, live_values[name], server) else live_values[name]
            for name, value in declared.items()
        }
    )


def _compare_keyspaces(name: str, before: KeyspaceFacts, after: KeyspaceFacts) -> Iterator[ReportedDifference]:
    yield from _compare_maps("user type", name, _types(before), _types(after))
    for kind, old, new in (("table", before.tables, after.tables), ("view", before.views, after.views)):
        before_items, after_items = {item.name: item for item in old}, {item.name: item for item in new}
        for item in sorted(before_items.keys() | after_items.keys()):
            yield from _compare_relations(kind, f"{name}.{item}", before_items.get(item), after_items.get(item))
    yield from _unreadable(before, "-")
    yield from _unreadable(after, "+")


def _unreadable(facts: KeyspaceFacts, mark: DifferenceMark) -> Iterator[ReportedDifference]:
    for unreadable in facts.unreadable:
        yield ReportedDifference(
            mark,
            unreadable.kind,
            f"{facts.name}.{unreadable.name}",
            *_before_and_after(mark, f"it cannot be read: {unreadable.reason}"),
        )


def _types(facts: KeyspaceFacts) -> dict[str, str]:
    return {
        item.name: ", ".join(f"{name} {field_type.cql}" for name, field_type in item.fields) for item in facts.types
    }


def _compare_relations(
    kind: str, path: str, before: Table | View | None, after: Table | View | None
) -> Iterator[ReportedDifference]:
    if before is None or after is None:
        mark: DifferenceMark = "+" if before is None else "-"
        yield ReportedDifference(mark, kind, path, *_before_and_after(mark, _columns_text(before or after)))
        return
    yield from _compare_maps("column", path, _columns(before), _columns(after))
    yield from _compare_maps("key", path, {"": _key(before)}, {"": _key(after)})
    if isinstance(before, Table) and isinstance(after, Table):
        yield from _compare_maps("index", path, _indexes(before), _indexes(after))
    elif isinstance(before, View) and isinstance(after, View):
        yield from _compare_maps("definition", path, {"": _definition(before)}, {"": _definition(after)})
    yield from _compare_maps("option", path, _options(before), _options(after))


def _columns_text(table_or_view: Table | View | None) -> str:
    return "" if table_or_view is None else ", ".join(f"{column.name} {column.type.cql}" for column in table_or_view)


def _columns(table_or_view: Table | View) -> dict[str, str]:
    ttl = table_or_view.ttl_column if isinstance(table_or_view, Table) else None
    return {column.name: _column(column) + (" ttl" if column.name == ttl else "") for column in table_or_view}


def _column(column: TableColumn) -> str:
    mask = "" if column.mask is None else f" masked with {column.mask}"
    return f"{column.type.cql}{' static' if column.kind == 'static' else ''}{mask}"


def _key(table_or_view: Table | View) -> str:
    clustering = [f"{column.name}{' DESC' if column.descending else ''}" for column in table_or_view.clustering_key]
    return ", ".join([f"({', '.join(column.name for column in table_or_view.partition_key)})", *clustering])


def _indexes(table: Table) -> dict[str, str]:
    return {index.name: _index(index) for index in table.indexes}


def _index(index: Index) -> str:
    parts = ["local"] if index.local else []
    parts += [index.column if index.on == "values" else f"{index.on}({index.column})"]
    parts += [f"using {index.using}"] if index.using is not None else []
    parts += [_text(index.options)] if index.options else []
    return " ".join([*parts, *([f"view options {_text(index.view_options)}"] if index.view_options else [])])


def _definition(view: View) -> str:
    return f"of {view.base}" + (f" where {view.where}" if view.where else "") + (" *" if view.all_columns else "")


def _options(table_or_view: Table | View) -> dict[str, str]:
    return {name: _text(value) for name, value in table_or_view.options.items()}


def _text(value: Any) -> str:
    return str(to_json(value))


def _compare_maps(
    what: str, path: str, before: Mapping[str, str], after: Mapping[str, str]
) -> Iterator[ReportedDifference]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old != new:
            mark: DifferenceMark = "+" if old is None else "-" if new is None else "~"
            yield ReportedDifference(mark, what, f"{path}.{name}" if name else path, old or "", new or "")


def _before_and_after(mark: DifferenceMark, text: str) -> tuple[str, str]:
    return ("", text) if mark == "+" else (text, "")
