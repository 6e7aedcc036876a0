"""The class that declares a type, table or view, as lines of Python.

*In*: a fact, and the classes of the user types. *Out*: lines of source. Every text from the database passes `repr`, so
that no name, comment or option value is read as code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import attrs

from scyllamodel.schema.export.models.annotation_source import AnnotationSource, UserTypeClasses, annotation_for
from scyllamodel.schema.export.models.python_names import attribute_names
from scyllamodel.schema.export.models.unsupported import is_ttl_column, unsupported_index
from scyllamodel.schema.facts.masks import is_writable
from scyllamodel.schema.facts.objects import FrozenMap, Index, Table, TableColumn, UserType, View
from scyllamodel.schema.options import OPTION_NAMES
from scyllamodel.types.cql_types import COUNTER, CqlType, ListType, MapType, SetType, is_frozen

_FACTORIES: Final[Mapping[type, str]] = {ListType: "list", SetType: "set", MapType: "dict"}
_INDENT: Final = "    "


def user_type_class(user_type: UserType, classes: UserTypeClasses) -> list[str]:
    """The class of a user type; every field is nullable, as in CQL."""
    names = attribute_names(name for name, _ in user_type.fields)
    lines = [f"class {classes.names[user_type.name]}(UserType, name={user_type.name!r}):"]
    lines += [_INDENT + field_line(raw, names[raw], cql_type, classes) for raw, cql_type in user_type.fields]
    return lines


def field_line(raw: str, attribute: str, cql_type: CqlType, classes: UserTypeClasses) -> str:
    """The line of a class body that declares a field of a user type."""
    source = annotation_for(cql_type, classes)
    hint, arguments = _nullable_declaration(cql_type, source)
    return (
        f"{attribute}: {hint} = column({', '.join([*_name_arguments(raw, attribute), *arguments, *source.arguments])})"
    )


def table_class(
    table: Table,
    name: str,
    classes: UserTypeClasses,
    options: Mapping[str, Any],
    repo_and_attributes: tuple[str, Mapping[str, str]],
) -> list[str]:
    """The class of a table, with its indexes and options.

    Parameters:
        options: the options that are not the server's defaults.
        repo_and_attributes: the repo to which the class is bound, and the known attribute names of its columns.
    """
    repo, attributes_known = repo_and_attributes
    names = {**attribute_names(column.name for column in table), **attributes_known}
    arguments = [f"table={table.name!r}", *([] if repo == "default" else [f"repo={repo!r}"])]
    indexes = [_index(index, names) for index in table.indexes if unsupported_index(index, table) is None]
    blocks = _block("indexes", indexes) + _options(options)
    ttl = table.ttl_column if is_ttl_column(table) else None
    return [*_class_header(name, "Model", arguments, blocks), *_class_body(table.columns, names, classes, ttl)]


def view_class(
    view: View,
    name: str,
    base: tuple[Table, str, Mapping[str, str]],
    classes: UserTypeClasses,
    options: Mapping[str, Any],
) -> list[str]:
    """The class of a view; its attributes have the names that they have in the class of its table.

    Parameters:
        base: the table, its class, and the known attribute names of its columns.
        options: the options that are not the server's defaults.
    """
    table, base_class, attributes_known = base
    arguments = [f"of={base_class}", f"view={view.name!r}", *(["all_columns=True"] if view.all_columns else [])]
    own = {key: value for key, value in options.items() if key != "default_time_to_live"}
    head = _class_header(name, "MaterializedView", arguments, _options(own))
    names = {**attribute_names(column.name for column in table), **attributes_known}
    stored = {column.name: column for column in table}
    return [*head, *(_INDENT + _view_column(c, stored[c.name], names[c.name], classes) for c in view.columns)]


def _class_header(name: str, base: str, arguments: list[str], blocks: list[str]) -> list[str]:
    if not blocks:
        return [f"class {name}({', '.join([base, *arguments])}):"]
    return [f"class {name}(", *(f"{_INDENT}{argument}," for argument in [base, *arguments]), *blocks, "):"]


def _block(name: str, items: Iterable[str]) -> list[str]:
    lines = [f"{_INDENT * 2}{item}," for item in items]
    return [f"{_INDENT}{name}=[", *lines, f"{_INDENT}],"] if lines else []


def _options(options: Mapping[str, Any]) -> list[str]:
    known = [f"{name}={_literal_value(value)!r}" for name, value in options.items() if name in OPTION_NAMES]
    extra = {name: _literal_value(value) for name, value in options.items() if name not in OPTION_NAMES}
    arguments = [*known, *([f"extra={extra!r}"] if extra else [])]
    lines = [f"{_INDENT * 2}{item}," for item in arguments]
    return [f"{_INDENT}options=TableOptions(", *lines, f"{_INDENT}),"] if lines else []


def _literal_value(value: Any) -> Any:
    return {key: value[key] for key in sorted(value)} if isinstance(value, FrozenMap) else value


def _index(index: Index, names: Mapping[str, str]) -> str:
    first, *others = index.names(names)
    arguments = [repr(names[first]), f"name={index.name!r}"]
    arguments += [f"filtering={[names[other] for other in others]!r}"] if others else []
    arguments += [f"on={index.on!r}"] if index.on != "values" else []
    arguments += [f"using={index.using!r}"] if index.using is not None else []
    arguments += [f"options={_literal_value(index.options)!r}"] if index.options and index.using is not None else []
    arguments += ["local=True"] if index.local else []
    behind = ", ".join(f"{name}={_literal_value(value)!r}" for name, value in _declarable(index).items())
    arguments += [f"view_options=TableOptions({behind})"] if behind else []
    return f"Index({', '.join(arguments)})"


def _declarable(index: Index) -> dict[str, Any]:
    """The options that a model can declare for the view behind an index."""
    return {name: value for name, value in index.view_options.items() if name in OPTION_NAMES}


def column_line(column: TableColumn, attribute: str, classes: UserTypeClasses) -> str:
    """The line of a class body that declares a column."""
    return _column(column, annotation_for(column.type, classes), _name_arguments(column.name, attribute), attribute)


def _class_body(
    columns: Iterable[TableColumn], names: Mapping[str, str], classes: UserTypeClasses, ttl: str | None
) -> Iterator[str]:
    for column in columns:
        source, name_arguments = annotation_for(column.type, classes), _name_arguments(column.name, names[column.name])
        name_arguments += ["row_ttl=True"] if column.name == ttl else []
        yield _INDENT + _column(column, source, name_arguments, names[column.name])


def _column(column: TableColumn, source: AnnotationSource, name_arguments: list[str], attribute: str) -> str:
    mask_arguments = [f"masked_with={column.mask!r}"] if column.mask is not None and is_writable(column.mask) else []
    if column.in_key:
        arguments = ["descending=True"] if column.descending else []
        maker = "partition_key" if column.kind == "partition_key" else "clustering_key"
        arguments += [*name_arguments, *mask_arguments, *source.arguments]
        return f"{attribute}: Column[{source.annotation}] = {maker}({', '.join(arguments)})"
    annotation, arguments = _nullable_declaration(column.type, source)
    arguments += ["static=True"] if column.kind == "static" else []
    arguments += [*name_arguments, *mask_arguments, *source.arguments]
    return f"{attribute}: Column[{annotation}] = column({', '.join(arguments)})"


def _view_column(column: TableColumn, stored: TableColumn, attribute: str, classes: UserTypeClasses) -> str:
    """A column of a view; key columns are never null, and converters and names come from the table."""
    declared = attrs.evolve(stored, kind=column.kind, descending=column.descending, mask=None)
    source = annotation_for(stored.type, classes)
    return _column(declared, attrs.evolve(source, arguments=()), [], attribute)


def _nullable_declaration(cql_type: CqlType, source: AnnotationSource) -> tuple[str, list[str]]:
    """The annotation and the default of a column or field that may be null."""
    if cql_type == COUNTER:
        return source.annotation, []
    if source.arguments:
        return source.annotation, ["default=None"]
    factory = None if is_frozen(cql_type) else _FACTORIES.get(type(cql_type))
    return (source.annotation, [f"factory={factory}"]) if factory else (f"{source.annotation} | None", ["default=None"])


def _name_arguments(raw: str, attribute: str) -> list[str]:
    return [] if raw == attribute else [f"db_name={raw!r}"]
