"""Schema statements as facts: the contents of a keyspace after them, and so the equivalent models."""

from __future__ import annotations

import re

import attrs

from scyllamodel._identifiers import unquote
from scyllamodel.schema.ddl.statement_reader import StatementReader, StatementSyntaxError
from scyllamodel.schema.facts.objects import FrozenMap, Index, Keyspace, Table, TableColumn, UserType, View
from scyllamodel.schema.facts.view_filters import not_null_column, relations
from scyllamodel.schema.options import canonical
from scyllamodel.schema.reflect import view_filter
from scyllamodel.types.parser import parse_type
from support.builders import schema

_NAME = r'("(?:[^"]|"")+"|\w+)'
_ORDER = re.compile(r"CLUSTERING ORDER BY \((.*?)\)", re.IGNORECASE)
_PART = re.compile(r"(keys|values|entries|full) \( (.*) \)", re.IGNORECASE)


class Inexpressible(Exception):
    """A statement that changes nothing that models can declare; the text says why."""


def keyspace(*statements, tablets=False):
    """The keyspace ``k`` after these statements."""
    facts = schema(keyspace=Keyspace("k", {"class": "NetworkTopologyStrategy", "dc1": "1"}, tablets=tablets))
    for cql in statements:
        facts = after(facts, cql)
    return facts


def after(facts, cql):
    """The keyspace after one more statement.

    Raises:
        Inexpressible: models cannot declare it.
        StatementSyntaxError: it cannot be read.
    """
    reader = StatementReader(cql)
    for keywords, change in _CHANGES:
        if reader.accept(*keywords):
            if keywords[0] != "ALTER":
                _ = reader.accept("IF", "NOT", "EXISTS") or reader.accept("IF", "EXISTS")
            return change(facts, reader, cql)
    raise Inexpressible("not a schema statement")


def _place(facts, reader):
    owner, name = reader.qualified()
    if owner != facts.name:
        raise Inexpressible("another keyspace")
    return name


def _options(reader):
    options = reader.options() if reader.accept("WITH") else {}
    return FrozenMap({name: canonical(name, value) for name, value in options.items()})


def _parts(text):
    """Raw names in the text between parentheses, nested ones as a list."""
    reader = StatementReader(f"( {text} )")
    names = reader.parenthesised()
    return [_parts(name[2:-2]) if name.startswith("( ") else unquote(name) for name in names]


def _key(items, columns, order):
    """The columns, with their kinds, of a ``PRIMARY KEY`` with these items."""
    first = items[0] if isinstance(items[0], list) else [items[0]]
    kinds = [*((name, "partition_key") for name in first), *((name, "clustering") for name in items[1:])]
    descending = dict(order)
    known = {column.name: column for column in columns}
    if len(dict(kinds)) < len(kinds) or set(dict(kinds)) - set(known) or set(descending) - set(items[1:]):
        raise Inexpressible("a key of columns that are not there, twice there, or ordered twice")
    clustering = [name for name in items[1:] if name in descending]
    if clustering != [name for name, _ in order]:
        raise Inexpressible("an order of its own for the order of columns")
    key_columns = [attrs.evolve(known[name], kind=kind, descending=descending.get(name, False)) for name, kind in kinds]
    return [*key_columns, *(column for column in columns if column.name not in dict(kinds))]


def _order(cql):
    match = _ORDER.findall(cql)
    if len(match) > 1:
        raise Inexpressible("two orders")
    pairs = [part.split() for part in match[0].split(",")] if match else []
    return [(unquote(parts[0]), parts[-1].upper() == "DESC") for parts in pairs if len(parts) == 2]


def _column(text):
    reader = StatementReader(text)
    name = reader.name()
    kind = parse_type(reader.text_until("STATIC", "PRIMARY").replace(" . ", "."))
    static = reader.accept("STATIC")
    if reader.accept("PRIMARY") and static:
        raise Inexpressible("a column has one kind")
    return TableColumn(name, kind, "static" if static else "regular")


def _create_table(facts, reader, cql):
    name = _place(facts, reader)
    texts = reader.parenthesised()
    columns = [_column(text) for text in texts if not text.upper().startswith("PRIMARY KEY")]
    keys = [_parts(text[len("PRIMARY KEY ( ") : -2]) for text in texts if text.upper().startswith("PRIMARY KEY")]
    keys += [[_column(text).name] for text in texts if re.search(r".PRIMARY KEY$", text, re.IGNORECASE)]
    if len(keys) != 1 or "COMPACT STORAGE" in cql:
        raise Inexpressible("no key, or two, or a compact layout")
    if len({column.name for column in columns}) < len(columns):
        raise Inexpressible("a column twice")
    if any(column.kind == "static" and column.name in str(keys) for column in columns):
        raise Inexpressible("a column has one kind")
    new_table = Table(name, _key(keys[0], columns, _order(cql)), options=_options(reader))
    return attrs.evolve(facts, tables=[*facts.tables, new_table])


def _create_type(facts, reader, _):
    name = _place(facts, reader)
    fields = [_column(text) for text in reader.parenthesised()]
    if len({field.name for field in fields}) < len(fields):
        raise Inexpressible("a field twice")
    new_type = UserType(name, tuple((field.name, field.type) for field in fields))
    return attrs.evolve(facts, types=[*facts.types, new_type])


def _create_index(facts, reader, _):
    name = "" if reader.accept("ON") else reader.name()
    if name:
        reader.expect("ON")
    table = _table(facts, _place(facts, reader))
    targets = reader.parenthesised()
    local = [_parts(target[2:-2]) for target in targets if target.startswith("( ")]
    on = [target for target in targets if not target.startswith("( ")]
    if len(on) != 1 or (local and local != [[column.name for column in table.partition_key]]):
        raise Inexpressible("local=True means the partition key, and an index is on one column")
    part = _PART.fullmatch(on[0])
    column = unquote(part[2] if part else on[0])
    kind = table.get(column)
    if kind is None:
        raise Inexpressible("a column that is not there")
    if part and part[1] == "values" and not kind.type.cql.startswith(("list", "set", "map")):
        raise Inexpressible("values of a type that is not a collection")
    if kind.type.cql.startswith("set") and part and part[1] == "keys":
        raise Inexpressible("keys of a set")
    using = str(reader.literal()) if reader.accept("USING") else None
    options = _options(reader)
    if set(options) - {"OPTIONS", "options"}:
        raise Inexpressible("options of the view behind an index")
    index_options = FrozenMap(options.get("options", options.get("OPTIONS", {})))
    new_index = Index(
        name or re.sub(r"\W", "", f"{table.name}_{column}_idx", flags=re.ASCII), column,
        part[1] if part else "values", using, index_options, bool(local), named=bool(name),
    )  # fmt: skip
    return _with_table(facts, attrs.evolve(table, indexes=[*table.indexes, new_index]))


def _table(facts, name):
    table = next((table for table in facts.tables if table.name == name), None)
    if table is None:
        raise Inexpressible("no model has this table")
    return table


def _with_table(facts, table, name=None):
    others = [other for other in facts.tables if other.name != (name or table.name)]
    return attrs.evolve(facts, tables=[*others, table])


def _create_view(facts, reader, cql):
    name = _place(facts, reader)
    reader.expect("AS")
    reader.expect("SELECT")
    selected = reader.text_until("FROM")
    reader.expect("FROM")
    base = _table(facts, _place(facts, reader))
    where = reader.text_until("PRIMARY") if reader.accept("WHERE") else ""
    reader.expect("PRIMARY")
    reader.expect("KEY")
    key = _parts(" , ".join(reader.parenthesised()))
    if re.search(r" AS |\(|DISTINCT", selected) or "COMPACT STORAGE" in cql:
        raise Inexpressible("a view has columns of its table")
    names = [c.name for c in base.columns] if selected == "*" else _parts(selected)
    flat = [*(key[0] if isinstance(key[0], list) else [key[0]]), *key[1:]]
    if not set(names) | set(flat) <= {c.name for c in base.columns}:
        raise Inexpressible("a view has columns of its table")
    needed = {column for column in map(not_null_column, relations(where)) if column}
    of_base = [c.name for c in base.columns if c.in_key]
    if view_filter(where, flat) or set(flat) - needed - set(of_base[:1]):
        raise Inexpressible("a view of a model has every key as not null, and no filter")
    columns = [attrs.evolve(base[n], kind="regular", descending=False) for n in dict.fromkeys([*flat, *names])]
    new_view = View(
        name, _key(key, columns, _order(cql)), base.name, all_columns=selected == "*", options=_options(reader)
    )
    return attrs.evolve(facts, views=[*facts.views, new_view])


def _alter_table(facts, reader, cql):
    table = _table(facts, _place(facts, reader))
    if reader.accept("RENAME"):
        return _renamed(facts, table, reader.text_until())
    change = next((change for keyword, change in _ALTERATIONS.items() if reader.accept(keyword)), None)
    if change is None:
        if reader.is_done:
            raise StatementSyntaxError("it ends too early")
        options = FrozenMap({**table.options, **_options(reader)})
        return _with_table(facts, attrs.evolve(table, options=options))
    altered = change(table, reader, cql)
    views = [
        attrs.evolve(view, columns=_with_current_types(view, table, altered))
        for view in facts.views
        if view.base == table.name
    ]
    others = [view for view in facts.views if view.base != table.name]
    return attrs.evolve(_with_table(facts, altered), views=[*others, *views])


def _add(table, reader, cql):
    if re.search(r"PRIMARY KEY|ADD [^(<]*, ", cql):
        raise StatementSyntaxError("several columns stand in parentheses, and none is a key")
    columns = list(table.columns)
    for added in map(_column, reader.parenthesised() if reader.peek() == "(" else [reader.text_until()]):
        if added.name in {column.name for column in columns}:
            raise Inexpressible("a column twice")
        columns.append(added)
    return attrs.evolve(table, columns=columns)


def _drop_columns(table, reader, cql):
    if re.search(r"DROP [^(]*,", cql):
        raise StatementSyntaxError("several columns stand in parentheses")
    names = _parts(" , ".join(reader.parenthesised()) if reader.peek() == "(" else reader.text_until("USING"))
    known = {column.name: column for column in table.columns}
    columns = [column for column in table.columns if column.name not in names]
    if set(names) - set(known) or len(set(names)) < len(names) or not any(column.in_key for column in columns):
        raise Inexpressible("a column that is not there, or a table without a key")
    texts = {name: re.sub(r"(frozen<)?\baddr\b>?", _TUPLE, known[name].type.cql) for name in names}
    dropped = FrozenMap({**table.dropped, **{name: f" {text}" for name, text in texts.items()}})
    indexes = [index for index in table.indexes if not set(index.names(table)) & set(names)]
    return attrs.evolve(table, columns=columns, indexes=indexes, dropped=dropped)


_TUPLE = "frozen<tuple<text, int>>"
"""What a dropped column of the type ``addr`` is remembered as."""


def _alter(table, reader, _):
    name = reader.name()
    reader.expect("TYPE")
    if name not in table:
        raise Inexpressible("a column that is not there")
    new_column = attrs.evolve(table[name], type=parse_type(reader.text_until()))
    return attrs.evolve(table, columns=[new_column if column.name == name else column for column in table.columns])


_ALTERATIONS = {"ADD": _add, "DROP": _drop_columns, "ALTER": _alter}


def _with_current_types(view, before, table):
    """The columns of a view after a change of its table; one that takes all columns gains those of its table."""
    columns = [attrs.evolve(c, type=table[c.name].type) for c in view.columns if c.name in table]
    new = [c for c in table.columns if c.name not in before and c.kind == "regular"] if view.all_columns else []
    return [*columns, *new]


def _renamed(facts, table, text):
    pairs = [re.fullmatch(rf"{_NAME} TO {_NAME}", pair) for pair in text.split(" AND ")]
    if not all(pairs):
        raise StatementSyntaxError(text)
    names = {unquote(pair[1]): unquote(pair[2]) for pair in pairs}
    if set(names) - {c.name for c in table.columns}:
        raise Inexpressible("a column that is not there")
    if set(names.values()) & {c.name for c in table.columns}:
        raise Inexpressible("a column twice")

    def renamed(column):
        new = names.get(column.name, column.name)
        return attrs.evolve(column, name=new, renamed_from=column.name if new != column.name else None)

    views = [attrs.evolve(view, columns=[*map(renamed, view.columns)]) for view in facts.views]
    indexes = [attrs.evolve(index, column=names.get(index.column, index.column)) for index in table.indexes]
    altered = attrs.evolve(table, columns=tuple(map(renamed, table.columns)), indexes=indexes)
    return attrs.evolve(_with_table(facts, altered), views=views)


def _alter_view(facts, reader, cql):
    name = _place(facts, reader)
    view = next((view for view in facts.views if view.name == name), None)
    if view is None:
        raise Inexpressible("no model has this view")
    if "CLUSTERING ORDER" in cql or not (options := _options(reader)):
        raise StatementSyntaxError("only options of a view can be changed")
    altered = attrs.evolve(view, options=FrozenMap({**view.options, **options}))
    return attrs.evolve(facts, views=[altered if view.name == name else view for view in facts.views])


def _alter_type(facts, reader, _):
    name = _place(facts, reader)
    stored = next((item for item in facts.types if item.name == name), None)
    if stored is None:
        raise Inexpressible("no model has this type")
    fields = dict(stored.fields)
    if reader.accept("ADD"):
        added = _column(reader.text_until())
        if added.name in fields:
            raise Inexpressible("a field twice")
        altered = attrs.evolve(stored, fields=(*stored.fields, (added.name, added.type)))
    elif reader.accept("ALTER"):
        field = reader.name()
        reader.expect("TYPE")
        altered = attrs.evolve(stored, fields=tuple({**fields, field: parse_type(reader.text_until())}.items()))
    else:
        reader.expect("RENAME")
        pairs = [re.fullmatch(rf"{_NAME} TO {_NAME}", pair) for pair in reader.text_until().split(" AND ")]
        if not all(pairs):
            raise StatementSyntaxError("a name, TO and a name")
        names = {unquote(pair[1]): unquote(pair[2]) for pair in pairs}
        if set(names) - set(fields) or set(names.values()) & set(fields):
            raise Inexpressible("a field that is not there, or twice")
        altered = UserType(name, tuple((names.get(old, old), kind) for old, kind in stored.fields),
                        renamed={new: old for old, new in names.items()})  # fmt: skip
    return attrs.evolve(facts, types=[altered if item.name == name else item for item in facts.types])


def _drop(kind):
    def change(facts, reader, _):
        name = _place(facts, reader)
        items = getattr(facts, kind)
        if name not in {item.name for item in items}:
            raise Inexpressible("no model has it")
        if name in {view.base for view in facts.views}:
            raise Inexpressible("a view has a table")
        return attrs.evolve(facts, **{kind: [item for item in items if item.name != name]})

    return change


def _drop_index(facts, reader, _):
    name = _place(facts, reader)
    tables = [attrs.evolve(t, indexes=[index for index in t.indexes if index.name != name]) for t in facts.tables]
    if tables == list(facts.tables):
        raise Inexpressible("no model has it")
    return attrs.evolve(facts, tables=tables)


_CHANGES = (
    (("CREATE", "TABLE|COLUMNFAMILY"), _create_table),
    (("CREATE", "TYPE"), _create_type),
    (("CREATE", "INDEX"), _create_index),
    (("CREATE", "CUSTOM", "INDEX"), _create_index),
    (("CREATE", "MATERIALIZED", "VIEW"), _create_view),
    (("ALTER", "TABLE|COLUMNFAMILY"), _alter_table),
    (("ALTER", "MATERIALIZED", "VIEW"), _alter_view),
    (("ALTER", "TYPE"), _alter_type),
    (("DROP", "INDEX"), _drop_index),
    (("DROP", "MATERIALIZED", "VIEW"), _drop("views")),
    (("DROP", "TABLE|COLUMNFAMILY"), _drop("tables")),
    (("DROP", "TYPE"), _drop("types")),
)
