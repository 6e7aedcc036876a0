"""Describe changes for people: the name of the operation, the object, and a sentence.

*In*: a change. *Out*: text. The table at the end lists the kinds of changes that CQL has a statement for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from scyllamodel._text import counted, listed
from scyllamodel.schema.changes.kinds import (
    AddColumns,
    AddField,
    AddIndex,
    AddTable,
    AddType,
    AddView,
    CreateKeyspace,
    DropColumns,
    DropIndex,
    DropTable,
    DropType,
    DropView,
    RenameFields,
    RenameKeyColumns,
    SetMask,
    SetOptions,
    SetTtlColumn,
)


def _describe_keyspace(change: CreateKeyspace) -> tuple[str, str]:
    return change.keyspace.name, f"Create the keyspace {change.keyspace.name}."


def _add_type(change: AddType) -> tuple[str, str]:
    name = f"{change.keyspace}.{change.type.name}"
    return name, f"Create the user type {name} with {counted(len(change.type.fields), 'field')}."


def _add_field(change: AddField) -> tuple[str, str]:
    name = f"{change.keyspace}.{change.type}"
    return f"{name}.{change.name}", f"Add the field {change.name} to the user type {name}."


def _add_table(change: AddTable) -> tuple[str, str]:
    name = f"{change.keyspace}.{change.table.name}"
    return name, f"Create the table {name} with {counted(len(change.table.columns), 'column')}."


def _add_columns(change: AddColumns) -> tuple[str, str]:
    name, noun = f"{change.keyspace}.{change.table}", "column" if len(change.columns) == 1 else "columns"
    return name, f"Add the {noun} {listed(c.name for c in change.columns)} to {name}."


def _drop_columns(change: DropColumns) -> tuple[str, str]:
    name, noun = f"{change.keyspace}.{change.table}", "column" if len(change.columns) == 1 else "columns"
    return name, f"Drop the {noun} {listed(c.name for c in change.columns)} of {name}."


def _rename(change: RenameKeyColumns) -> tuple[str, str]:
    name = f"{change.keyspace}.{change.table}"
    return name, f"Rename {listed(f'{old} to {new}' for old, new in change.names)} in the key of {name}."


def _rename_fields(change: RenameFields) -> tuple[str, str]:
    name = f"{change.keyspace}.{change.type}"
    return name, f"Rename {listed(f'{old} to {new}' for old, new in change.names)} in the user type {name}."


def _set_options(change: SetOptions) -> tuple[str, str]:
    name = f"{change.keyspace}.{change.name}"
    return name, f"Set {listed(sorted(change.options))} of {name}."


def _set_mask(change: SetMask) -> tuple[str, str]:
    name = f"{change.keyspace}.{change.table}.{change.column}"
    return name, f"Drop the mask of {name}." if change.mask is None else f"Mask {name} with {change.mask}."


def _set_ttl_column(change: SetTtlColumn) -> tuple[str, str]:
    name = f"{change.keyspace}.{change.table}"
    if change.column is None:
        return f"{name}.{change.before}", f"Unset the TTL column {change.before}: rows of {name} do not expire."
    return f"{name}.{change.column}", f"Let each row of {name} expire at its {change.column}."


def _add_index(change: AddIndex) -> tuple[str, str]:
    name, column, table = change.index.name, change.index.column, f"{change.keyspace}.{change.table.name}"
    target = (column or "the rows") if change.index.on == "values" else f"the {change.index.on} of {column}"
    note = "; it is built in the background" if change.populated else ""
    return f"{change.keyspace}.{name}", f"Create the index {name} on {target} of {table}{note}."


def _add_view(change: AddView) -> tuple[str, str]:
    name, base = f"{change.keyspace}.{change.view.name}", change.view.base
    note = "; it is filled in the background" if change.populated else ""
    return name, f"Create the materialized view {name} of {base}{note}."


def _describe_drop(noun: str, attribute: str) -> Callable[[Any], tuple[str, str]]:
    def describe(change: Any) -> tuple[str, str]:
        name = f"{change.keyspace}.{getattr(change, attribute).name}"
        return name, f"Drop the {noun} {name}."

    return describe


DESCRIPTIONS: Final[Mapping[type, tuple[str, Callable[[Any], tuple[str, str]]]]] = {
    CreateKeyspace: ("create_keyspace", _describe_keyspace),
    AddType: ("add_type", _add_type),
    AddField: ("add_field", _add_field),
    RenameFields: ("rename_fields", _rename_fields),
    AddTable: ("add_table", _add_table),
    AddColumns: ("add_columns", _add_columns),
    RenameKeyColumns: ("rename_key_columns", _rename),
    SetOptions: ("set_options", _set_options),
    SetMask: ("set_mask", _set_mask),
    SetTtlColumn: ("set_ttl_column", _set_ttl_column),
    AddIndex: ("add_index", _add_index),
    AddView: ("add_view", _add_view),
    DropView: ("drop_view", _describe_drop("materialized view", "view")),
    DropIndex: ("drop_index", _describe_drop("index", "index")),
    DropColumns: ("drop_columns", _drop_columns),
    DropTable: ("drop_table", _describe_drop("table", "table")),
    DropType: ("drop_type", _describe_drop("user type", "type")),
}
"""The kinds of changes that CQL has a statement for: the name of the operation, and a function that returns the name of
the object and a sentence."""
