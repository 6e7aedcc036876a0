"""Parser for hand-written schema statements, as far as rules need their parts.

*In*: the text of one statement. *Out*: a `ParsedStatement`, None for a statement without a rule, or a
`StatementSyntaxError` for one that cannot be parsed. The grammar is that of ``Parser.g`` (Cassandra) and ``Cql.g``
(ScyllaDB); the parser may accept statements that both servers refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs

from scyllamodel._identifiers import unquote
from scyllamodel.schema.ddl.statement_reader import StatementReader, StatementSyntaxError
from scyllamodel.schema.facts.objects import ColumnKind, FrozenMap, TableColumn
from scyllamodel.types.cql_types import CqlType, Native
from scyllamodel.types.parser import parse_type


@attrs.frozen
class ParsedStatement:
    """The parts of a schema statement.

    Attributes:
        action: the keywords that identify it, such as ``CREATE INDEX`` or ``ALTER TABLE DROP``.
        keyspace: None when the statement does not name it.
        name: raw name of the keyspace, table, view or index; empty for an index without a name.
        table: raw name of the table of an index or view; the name for all other statements.
        columns: columns or fields that are added or get another type; for a view its key columns, with a placeholder
            as their type. Other columns are in ``names`` only.
        names: raw names of the columns that are dropped, indexed, altered, selected or declared as TTL.
        renames: renamed columns or fields, as ``(old, new)`` pairs.
        options: the options after ``WITH`` by name, as Python values.
        using: the class of a custom index.
        where: the filter of a view.
        if_not_exists: whether the statement ignores a field that exists.
    """

    action: str
    keyspace: str | None
    name: str
    table: str = ""
    columns: tuple[TableColumn, ...] = ()
    names: tuple[str, ...] = ()
    renames: tuple[tuple[str, str], ...] = ()
    options: FrozenMap = attrs.field(factory=FrozenMap, converter=FrozenMap)
    using: str | None = None
    where: str = ""
    if_not_exists: bool = False


def parse_statement(cql: str) -> ParsedStatement | None:
    """Parse a schema statement; returns None for a statement without a rule.

    >>> parse_statement('ALTER TABLE shop.orders DROP (a, "B")').names
    ('a', 'B')
    >>> parse_statement("GRANT SELECT ON shop.orders TO reports")

    Raises:
        StatementSyntaxError: the statement begins like a schema statement and cannot be parsed.
    """
    reader = StatementReader(cql)
    for keywords, read in _STATEMENTS:
        if reader.accept(*keywords):
            return read(reader)
    return None


def _with_options(reader: StatementReader) -> dict[str, Any]:
    if reader.is_done:
        return {}
    reader.expect("WITH")
    return reader.options()


def _keyspace(action: str) -> Callable[[StatementReader], ParsedStatement]:
    def read(reader: StatementReader) -> ParsedStatement:
        _skip_condition(reader)
        name = reader.name()
        return ParsedStatement(action, name, name, options=FrozenMap(_with_options(reader)))

    return read


def _skip_condition(reader: StatementReader) -> None:
    _ = reader.accept("IF", "NOT", "EXISTS") or reader.accept("IF", "EXISTS")


def _create_index(reader: StatementReader) -> ParsedStatement:
    _skip_condition(reader)
    name = "" if reader.accept("ON") else reader.name()
    if name:
        reader.expect("ON")
    keyspace, table = reader.qualified()
    targets = [target for target in reader.parenthesised() if not target.startswith("(")]
    using = None
    if reader.accept("USING"):
        using = str(reader.literal())
    return ParsedStatement(
        "CREATE INDEX", keyspace, name, table, names=tuple(map(_target, targets)),
        options=FrozenMap(_with_options(reader)), using=using,
    )  # fmt: skip


def _target(text: str) -> str:
    """The raw name of an indexed column; ``keys ( m )`` is on ``m``."""
    pieces = text.split(" ")
    name = pieces[2] if len(pieces) == 4 and pieces[1] == "(" else text
    return unquote(name)


def _create_view(reader: StatementReader) -> ParsedStatement:
    _skip_condition(reader)
    keyspace, name = reader.qualified()
    reader.expect("AS")
    reader.expect("SELECT")
    selected = reader.text_until("FROM").split(" , ")
    reader.expect("FROM")
    base = reader.qualified()
    where = ""
    if reader.accept("WHERE"):
        where = reader.text_until("PRIMARY")
    reader.expect("PRIMARY")
    reader.expect("KEY")
    key = tuple(TableColumn(column, Native("text"), kind) for column, kind in _key(reader.parenthesised()))
    return ParsedStatement(
        "CREATE MATERIALIZED VIEW", keyspace or base[0], name, base[1], columns=key,
        names=tuple(map(unquote, selected)), where=where, options=FrozenMap(_with_options(reader)),
    )  # fmt: skip


def _key(parts: list[str]) -> Iterator[tuple[str, ColumnKind]]:
    """The columns of a primary key: the first part is the partition key, in parentheses if there are several."""
    for index, part in enumerate(parts):
        names = StatementReader(part).parenthesised() if part.startswith("(") else [part]
        kind: ColumnKind = "clustering" if index else "partition_key"
        for name in names:
            yield unquote(name), kind


def _create_table(reader: StatementReader) -> ParsedStatement:
    _skip_condition(reader)
    keyspace, name = reader.qualified()
    parts = reader.parenthesised()
    columns = [_column(text) for text in parts if not _is_key(text)]
    ttl = tuple(column.name for column, is_ttl in columns if is_ttl)
    kinds = {column: kind for text in parts if _is_key(text) for column, kind in _key_of(text)}
    by_name = {column.name: attrs.evolve(column, kind=kinds.get(column.name, column.kind)) for column, _ in columns}
    key = [by_name.pop(column) for column in kinds if column in by_name]
    return ParsedStatement(
        "CREATE TABLE", keyspace, name, name, (*key, *by_name.values()), ttl, options=FrozenMap(_with_options(reader))
    )


def _is_key(text: str) -> bool:
    return text.upper().startswith("PRIMARY KEY")


def _key_of(text: str) -> Iterator[tuple[str, ColumnKind]]:
    reader = StatementReader(text)
    reader.accept("PRIMARY", "KEY")
    return _key(reader.parenthesised())


def _column(text: str) -> tuple[TableColumn, bool]:
    """A column definition, and whether it is the TTL column."""
    reader = StatementReader(text)
    name = reader.name()
    cql_type = _type(reader.text_until("STATIC", "PRIMARY", "TTL", "MASKED", "CHECK"))
    rest = reader.text_until().upper()
    kind: ColumnKind = "static" if "STATIC" in rest else "partition_key" if "PRIMARY" in rest else "regular"
    return TableColumn(name, cql_type, kind), "TTL" in rest.split(" ")


def _type(text: str) -> CqlType:
    try:
        return parse_type(text.replace(" . ", "."))
    except ValueError as error:
        raise StatementSyntaxError(str(error)) from error


def _alter_table(reader: StatementReader) -> ParsedStatement:
    _skip_condition(reader)
    keyspace, name = reader.qualified()
    for keyword, read in _ALTERATIONS.items():
        if reader.accept(keyword):
            return attrs.evolve(ParsedStatement(f"ALTER TABLE {keyword}", keyspace, name, name), **read(reader))
    raise StatementSyntaxError(f"ALTER TABLE does not accept {reader.peek()!r} here")


def _items(reader: StatementReader) -> list[str]:
    """One item, or several in parentheses."""
    return reader.parenthesised() if reader.peek() == "(" else [reader.text_until(",", nested="(<)>")]


def _added(reader: StatementReader) -> Mapping[str, Any]:
    _skip_condition(reader)
    columns = tuple(_column(text)[0] for text in _items(reader))
    return {"columns": columns, "names": tuple(column.name for column in columns)}


def _dropped(reader: StatementReader) -> Mapping[str, Any]:
    if reader.accept("COMPACT", "STORAGE"):
        return {}
    _skip_condition(reader)
    if reader.peek() == "(":
        names = [unquote(text) for text in reader.parenthesised()]
    else:
        names = [reader.name()]
        while reader.accept(","):
            names.append(reader.name())
    return {"names": tuple(names)}


def _altered(reader: StatementReader) -> Mapping[str, Any]:
    _skip_condition(reader)
    name = reader.name()
    if not reader.accept("TYPE"):
        return {}
    return {"names": (name,), "columns": (TableColumn(name, _type(reader.text_until())),)}


def _altered_ttl(reader: StatementReader) -> Mapping[str, Any]:
    return {} if reader.accept("NULL") else {"names": (reader.name(),)}


_ALTERATIONS: Final[Mapping[str, Callable[[StatementReader], Mapping[str, Any]]]] = {
    "ADD": _added,
    "DROP": _dropped,
    "ALTER": _altered,
    "WITH": lambda reader: {"options": FrozenMap(reader.options())},
    "TTL": _altered_ttl,
    "RENAME": lambda reader: {"renames": _renamed(reader)},
}


def _renamed(reader: StatementReader) -> tuple[tuple[str, str], ...]:
    _skip_condition(reader)
    pairs = list[tuple[str, str]]()
    while not pairs or reader.accept("AND"):
        old = reader.name()
        reader.expect("TO")
        pairs.append((old, reader.name()))
    return tuple(pairs)


def _alter_view(reader: StatementReader) -> ParsedStatement:
    _skip_condition(reader)
    keyspace, name = reader.qualified()
    return ParsedStatement("ALTER MATERIALIZED VIEW", keyspace, name, name, options=FrozenMap(_with_options(reader)))


def _alter_type(reader: StatementReader) -> ParsedStatement:
    _skip_condition(reader)
    keyspace, name = reader.qualified()
    if reader.accept("ADD"):
        conditional = reader.accept("IF", "NOT", "EXISTS")
        return ParsedStatement("ALTER TYPE ADD", keyspace, name, columns=(_field(reader),), if_not_exists=conditional)
    if reader.accept("RENAME"):
        return ParsedStatement("ALTER TYPE RENAME", keyspace, name, renames=_renamed(reader))
    if reader.accept("ALTER"):
        _skip_condition(reader)
        return ParsedStatement("ALTER TYPE ALTER", keyspace, name, columns=(_field(reader, between="TYPE"),))
    raise StatementSyntaxError(f"ALTER TYPE does not accept {reader.peek()!r} here")


def _field(reader: StatementReader, between: str = "") -> TableColumn:
    """A field of a user type; ``between`` is the keyword between its name and its type, if any."""
    name = reader.name()
    if between:
        reader.expect(between)
    return TableColumn(name, _type(reader.text_until()))


def _create_type(reader: StatementReader) -> ParsedStatement:
    _skip_condition(reader)
    keyspace, name = reader.qualified()
    fields = tuple(_field(StatementReader(text)) for text in reader.parenthesised())
    return ParsedStatement("CREATE TYPE", keyspace, name, columns=fields)


def _drop(action: str) -> Callable[[StatementReader], ParsedStatement]:
    def read(reader: StatementReader) -> ParsedStatement:
        _skip_condition(reader)
        keyspace, name = reader.qualified()
        return ParsedStatement(action, keyspace, name, name)

    return read


def _select(reader: StatementReader) -> ParsedStatement | None:
    reader.accept("JSON")
    selected = reader.text_until("FROM")
    if not reader.accept("FROM"):
        return None
    keyspace, table = reader.qualified()
    return ParsedStatement("SELECT", keyspace, table, table, names=tuple(selected.split(" , ")))


_STATEMENTS: Final[tuple[tuple[tuple[str, ...], Callable[[StatementReader], ParsedStatement | None]], ...]] = (
    (("CREATE", "KEYSPACE|SCHEMA"), _keyspace("CREATE KEYSPACE")),
    (("ALTER", "KEYSPACE|SCHEMA"), _keyspace("ALTER KEYSPACE")),
    (("CREATE", "INDEX"), _create_index),
    (("CREATE", "CUSTOM", "INDEX"), _create_index),
    (("CREATE", "MATERIALIZED", "VIEW"), _create_view),
    (("CREATE", "TABLE|COLUMNFAMILY"), _create_table),
    (("ALTER", "TABLE|COLUMNFAMILY"), _alter_table),
    (("ALTER", "MATERIALIZED", "VIEW"), _alter_view),
    (("CREATE", "TYPE"), _create_type),
    (("ALTER", "TYPE"), _alter_type),
    (("DROP", "TYPE"), _drop("DROP TYPE")),
    (("DROP", "TABLE|COLUMNFAMILY"), _drop("DROP TABLE")),
    (("DROP", "INDEX"), _drop("DROP INDEX")),
    (("DROP", "MATERIALIZED", "VIEW"), _drop("DROP MATERIALIZED VIEW")),
    (("SELECT",), _select),
)
