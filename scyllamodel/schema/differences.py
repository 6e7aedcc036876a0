"""Two schemas -> what is different, in words that need no server and no statement.

*In*: two keyspaces, whatever they were read from. *Out*: `Difference` values, in a stable order. `scyllamodel.schema.
diff` says what would lead from one to the other, and only ever adds; this says what is not the same, both ways, which
is what people ask of two releases, and of a lock file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import attrs

from scyllamodel.schema.diff.indexes import same_index
from scyllamodel.schema.diff.views import view_fault
from scyllamodel.schema.facts import FrozenMap, Index, KeyspaceFacts, SchemaFacts, Table, TableColumn, View
from scyllamodel.schema.facts_json import plain
from scyllamodel.schema.options import same
from scyllamodel.schema.source.defaults import defaults_of

if TYPE_CHECKING:
    from scyllamodel.schema.server import ServerProfile

Mark: TypeAlias = Literal["+", "-", "~"]


@attrs.frozen
class Difference:
    """One thing that is not the same on both sides.

    Attributes:
        mark: ``+`` only the second has it, ``-`` only the first, ``~`` both, and otherwise.
        what: ``table``, ``column``, ``index`` …
        object: its raw dotted name.
        before, after: what it is on each side, as text; empty on a side that has nothing to say.
    """

    mark: Mark
    what: str
    object: str
    before: str = ""
    after: str = ""

    def __str__(self) -> str:
        told = {"+": self.after, "-": self.before, "~": f"{self.before} -> {self.after}"}[self.mark]
        return f"{self.mark} {self.what} {self.object}{f': {told}' if told else ''}"

    def to_dict(self) -> dict[str, str]:
        """The difference as plain JSON values."""
        return attrs.asdict(self)


def differences(before: SchemaFacts, after: SchemaFacts) -> tuple[Difference, ...]:
    """Everything that is not the same: first keyspace by keyspace, then types, tables and views by name."""
    names = sorted({part.name for part in (*before, *after)})
    old, new = {part.name: part for part in before}, {part.name: part for part in after}
    return tuple(
        found
        for name in names
        for found in _keyspace(name, old.get(name, KeyspaceFacts(name)), new.get(name, KeyspaceFacts(name)))
    )


def as_declared(live: SchemaFacts, declared: SchemaFacts, server: ServerProfile) -> SchemaFacts:
    """The live schema in the words of models, where it means the same: what they leave open is not compared.

    Options that no model declares are left out, and whatever the server spells otherwise is spelled as declared.

    Raises:
        IntrospectionError: something declared is there and was not understood.
    """
    known = {part.name: part for part in declared}
    return SchemaFacts(_as_declared(p, known[p.name], server) if p.name in known else p for p in live)


def _as_declared(live: KeyspaceFacts, declared: KeyspaceFacts, server: ServerProfile) -> KeyspaceFacts:
    tables = {table.name: table for table in declared.tables}
    views = {view.name: view for view in declared.views}
    live.check_readable({*tables, *views}, {item.name for item in declared.types})
    keys = {name: frozenset(column.name for column in table if column.in_key) for name, table in tables.items()}
    return attrs.evolve(
        live,
        tables=[_table_as(t, tables[t.name], server) if t.name in tables else _bare(t) for t in live.tables],
        views=[
            _view_as(v, views[v.name], keys.get(v.base, frozenset()), server) if v.name in views else _bare(v)
            for v in live.views
        ],
    )


def _bare(found: Any) -> Any:
    return attrs.evolve(found, options=FrozenMap())


def _table_as(live: Table, declared: Table, server: ServerProfile) -> Table:
    indexes = [_index_as(index, declared, server) for index in live.indexes]
    return attrs.evolve(live, options=_options_as(live.options, declared.options, server), indexes=indexes)


def _index_as(live: Index, declared: Table, server: ServerProfile) -> Index:
    fits = [wanted for wanted in declared.indexes if same_index(live, wanted, declared, server)]
    wanted = next((w for w in fits if w.name == live.name), next((w for w in fits if not w.named), None))
    if wanted is None:
        return attrs.evolve(live, view_options={})
    stored = {**defaults_of(wanted.view_options, server), **live.view_options}
    return attrs.evolve(wanted, view_options=_options_as(stored, wanted.view_options, server))


def _view_as(live: View, declared: View, base_key: frozenset[str], server: ServerProfile) -> View:
    options = _options_as(live.options, declared.options, server)
    if view_fault(live, declared, base_key) is not None:
        return attrs.evolve(live, options=options)
    return attrs.evolve(live, options=options, where=declared.where, all_columns=declared.all_columns)


def _options_as(live: Mapping[str, Any], declared: Mapping[str, Any], server: ServerProfile) -> FrozenMap:
    shown = {name: live.get(name) for name in declared}
    return FrozenMap({
        name: value if same(name, value, shown[name], server) else shown[name] for name, value in declared.items()
    })  # fmt: skip


def _keyspace(name: str, before: KeyspaceFacts, after: KeyspaceFacts) -> Iterator[Difference]:
    yield from _maps("user type", name, _types(before), _types(after))
    for kind, old, new in (("table", before.tables, after.tables), ("view", before.views, after.views)):
        one, two = {item.name: item for item in old}, {item.name: item for item in new}
        for item in sorted(one.keys() | two.keys()):
            yield from _one(kind, f"{name}.{item}", one.get(item), two.get(item))
    yield from _unreadable(before, "-")
    yield from _unreadable(after, "+")


def _unreadable(facts: KeyspaceFacts, mark: Mark) -> Iterator[Difference]:
    for odd in facts.unreadable:
        yield Difference(mark, odd.what, f"{facts.name}.{odd.name}", *_sides(mark, f"it cannot be read: {odd.why}"))


def _types(facts: KeyspaceFacts) -> dict[str, str]:
    return {item.name: ", ".join(f"{name} {found.cql}" for name, found in item.fields) for item in facts.types}


def _one(kind: str, path: str, before: Table | View | None, after: Table | View | None) -> Iterator[Difference]:
    if before is None or after is None:
        mark: Mark = "+" if before is None else "-"
        yield Difference(mark, kind, path, *_sides(mark, _columns_text(before or after)))
        return
    yield from _maps("column", path, _columns(before), _columns(after))
    yield from _maps("key", path, {"": _key(before)}, {"": _key(after)})
    if isinstance(before, Table) and isinstance(after, Table):
        yield from _maps("index", path, _indexes(before), _indexes(after))
    elif isinstance(before, View) and isinstance(after, View):
        yield from _maps("definition", path, {"": _definition(before)}, {"": _definition(after)})
    yield from _maps("option", path, _options(before), _options(after))


def _columns_text(found: Table | View | None) -> str:
    return "" if found is None else ", ".join(f"{column.name} {column.type.cql}" for column in found)


def _columns(found: Table | View) -> dict[str, str]:
    ttl = found.ttl_column if isinstance(found, Table) else None
    return {column.name: _column(column) + (" ttl" if column.name == ttl else "") for column in found}


def _column(column: TableColumn) -> str:
    mask = "" if column.mask is None else f" masked with {column.mask}"
    return f"{column.type.cql}{' static' if column.kind == 'static' else ''}{mask}"


def _key(found: Table | View) -> str:
    clustering = [f"{column.name}{' DESC' if column.descending else ''}" for column in found.clustering_key]
    return ", ".join([f"({', '.join(column.name for column in found.partition_key)})", *clustering])


def _indexes(table: Table) -> dict[str, str]:
    return {index.name: _index(index) for index in table.indexes}


def _index(index: Index) -> str:
    words = ["local"] if index.local else []
    words += [index.column if index.on == "values" else f"{index.on}({index.column})"]
    words += [f"using {index.using}"] if index.using is not None else []
    words += [_text(index.options)] if index.options else []
    return " ".join([*words, *([f"view options {_text(index.view_options)}"] if index.view_options else [])])


def _definition(view: View) -> str:
    return f"of {view.base}" + (f" where {view.where}" if view.where else "") + (" *" if view.all_columns else "")


def _options(found: Table | View) -> dict[str, str]:
    return {name: _text(value) for name, value in found.options.items()}


def _text(value: Any) -> str:
    return str(plain(value))


def _maps(what: str, path: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Difference]:
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old != new:
            mark: Mark = "+" if old is None else "-" if new is None else "~"
            yield Difference(mark, what, f"{path}.{name}" if name else path, old or "", new or "")


def _sides(mark: Mark, text: str) -> tuple[str, str]:
    return ("", text) if mark == "+" else (text, "")
