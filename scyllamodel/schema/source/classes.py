"""One type, table or view -> the class that declares it, as lines of Python.

*In*: a fact, and the classes of the user types. *Out*: lines of source. Every text of the database passes `repr` on its
way, so that no name, comment or option value is ever read as code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import attrs

from scyllamodel.schema.facts import FrozenMap, Index, Table, TableColumn, UserType, View
from scyllamodel.schema.masks import is_writable
from scyllamodel.schema.options import OPTION_NAMES
from scyllamodel.schema.source.hints import Classes, Spelling, spell
from scyllamodel.schema.source.left_out import index_fault, is_ttl_column
from scyllamodel.schema.source.names import attributes
from scyllamodel.types.values import COUNTER, CqlType, ListType, MapType, SetType, is_frozen

_FACTORIES: Final[Mapping[type, str]] = {ListType: "list", SetType: "set", MapType: "dict"}
_INDENT: Final = "    "


def user_type_class(found: UserType, classes: Classes) -> list[str]:
    """The class of a user type; every field may be null, as it may in CQL."""
    names = attributes(name for name, _ in found.fields)
    lines = [f"class {classes.names[found.name]}(UserType, name={found.name!r}):"]
    lines += [_INDENT + field_line(raw, names[raw], cql_type, classes) for raw, cql_type in found.fields]
    return lines


def field_line(raw: str, attribute: str, cql_type: CqlType, classes: Classes) -> str:
    """The line of a class body that declares a field of a user type."""
    said = spell(cql_type, classes)
    hint, more = _optional(cql_type, said)
    return f"{attribute}: {hint} = column({', '.join([*_named(raw, attribute), *more, *said.settings])})"


def table_class(
    table: Table, name: str, classes: Classes, options: Mapping[str, Any], bound: tuple[str, Mapping[str, str]]
) -> list[str]:
    """The class of a table, with its indexes.

    Parameters:
        options: those that somebody chose.
        bound: the repo that it is bound to, and the attributes of columns whose names are known.
    """
    repo, known = bound
    names = {**attributes(column.name for column in table), **known}
    arguments = [f"table={table.name!r}", *([] if repo == "default" else [f"repo={repo!r}"])]
    indexes = [_index(index, names) for index in table.indexes if index_fault(index, table) is None]
    blocks = _block("indexes", indexes) + _options(options)
    ttl = table.ttl_column if is_ttl_column(table) else None
    return [*_head(name, "Model", arguments, blocks), *_body(table.columns, names, classes, ttl)]


def view_class(
    view: View, name: str, base: tuple[Table, str, Mapping[str, str]], classes: Classes, options: Mapping[str, Any]
) -> list[str]:
    """The class of a view; its columns are called as in the class of its table.

    Parameters:
        base: its table, the class of that, and the attributes of columns whose names are known.
        options: those that somebody chose.
    """
    table, of, known = base
    arguments = [f"of={of}", f"view={view.name!r}", *(["all_columns=True"] if view.all_columns else [])]
    own = {key: value for key, value in options.items() if key != "default_time_to_live"}
    head = _head(name, "MaterializedView", arguments, _options(own))
    names = {**attributes(column.name for column in table), **known}
    stored = {column.name: column for column in table}
    return [*head, *(_INDENT + _view_column(c, stored[c.name], names[c.name], classes) for c in view.columns)]


def _head(name: str, base: str, arguments: list[str], blocks: list[str]) -> list[str]:
    if not blocks:
        return [f"class {name}({', '.join([base, *arguments])}):"]
    return [f"class {name}(", *(f"{_INDENT}{argument}," for argument in [base, *arguments]), *blocks, "):"]


def _block(name: str, items: Iterable[str]) -> list[str]:
    found = [f"{_INDENT * 2}{item}," for item in items]
    return [f"{_INDENT}{name}=[", *found, f"{_INDENT}],"] if found else []


def _options(options: Mapping[str, Any]) -> list[str]:
    known = [f"{name}={_plain(value)!r}" for name, value in options.items() if name in OPTION_NAMES]
    extra = {name: _plain(value) for name, value in options.items() if name not in OPTION_NAMES}
    given = [*known, *([f"extra={extra!r}"] if extra else [])]
    found = [f"{_INDENT * 2}{item}," for item in given]
    return [f"{_INDENT}options=TableOptions(", *found, f"{_INDENT}),"] if found else []


def _plain(value: Any) -> Any:
    return {key: value[key] for key in sorted(value)} if isinstance(value, FrozenMap) else value


def _index(index: Index, names: Mapping[str, str]) -> str:
    first, *others = index.names(names)
    made = [repr(names[first]), f"name={index.name!r}"]
    made += [f"filtering={[names[other] for other in others]!r}"] if others else []
    made += [f"on={index.on!r}"] if index.on != "values" else []
    made += [f"using={index.using!r}"] if index.using is not None else []
    made += [f"options={_plain(index.options)!r}"] if index.options and index.using is not None else []
    made += ["local=True"] if index.local else []
    behind = ", ".join(f"{name}={_plain(value)!r}" for name, value in _declarable(index).items())
    made += [f"view_options=TableOptions({behind})"] if behind else []
    return f"Index({', '.join(made)})"


def _declarable(index: Index) -> dict[str, Any]:
    """The options of the view behind an index that a model declares."""
    return {name: value for name, value in index.view_options.items() if name in OPTION_NAMES}


def column_line(column: TableColumn, attribute: str, classes: Classes) -> str:
    """The line of a class body that declares a column."""
    return _column(column, spell(column.type, classes), _named(column.name, attribute), attribute)


def _body(columns: Iterable[TableColumn], names: Mapping[str, str], classes: Classes, ttl: str | None) -> Iterator[str]:
    for column in columns:
        said, named = spell(column.type, classes), _named(column.name, names[column.name])
        named += ["row_ttl=True"] if column.name == ttl else []
        yield _INDENT + _column(column, said, named, names[column.name])


def _column(column: TableColumn, said: Spelling, named: list[str], attribute: str) -> str:
    masked = [f"masked_with={column.mask!r}"] if column.mask is not None and is_writable(column.mask) else []
    if column.in_key:
        more = ["descending=True"] if column.descending else []
        maker = "partition_key" if column.kind == "partition_key" else "clustering_key"
        return f"{attribute}: Column[{said.hint}] = {maker}({', '.join([*more, *named, *masked, *said.settings])})"
    hint, more = _optional(column.type, said)
    more += ["static=True"] if column.kind == "static" else []
    return f"{attribute}: Column[{hint}] = column({', '.join([*more, *named, *masked, *said.settings])})"


def _view_column(column: TableColumn, stored: TableColumn, attribute: str, classes: Classes) -> str:
    """A key column is never null; converters, and names, come from the table."""
    plain = attrs.evolve(stored, kind=column.kind, descending=column.descending, mask=None)
    said = spell(stored.type, classes)
    return _column(plain, attrs.evolve(said, settings=()), [], attribute)


def _optional(cql_type: CqlType, said: Spelling) -> tuple[str, list[str]]:
    """The annotation of what a row may lack, and its default."""
    if cql_type == COUNTER:
        return said.hint, []
    if said.settings:
        return said.hint, ["default=None"]
    factory = None if is_frozen(cql_type) else _FACTORIES.get(type(cql_type))
    return (said.hint, [f"factory={factory}"]) if factory else (f"{said.hint} | None", ["default=None"])


def _named(raw: str, attribute: str) -> list[str]:
    return [] if raw == attribute else [f"db_name={raw!r}"]
