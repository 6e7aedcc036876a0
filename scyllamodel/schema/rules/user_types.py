"""UD: user types, which gain fields only at the end, and only if no partition key uses them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from scyllamodel.schema.changes.kinds import AddField, AddType, AlterUserType, RenameFields
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts.type_order import cyclic_types
from scyllamodel.schema.rules import suggested_fixes
from scyllamodel.schema.rules.types import unknown_type
from scyllamodel.types.cql_types import ListType, MapType, SetType, UserTypeName, freeze, is_multi_cell, user_type_names

if TYPE_CHECKING:
    from scyllamodel.schema.facts.objects import KeyspaceFacts, TableColumn, UserType
    from scyllamodel.schema.rules.context import ChangeRule, RuleContext
    from scyllamodel.schema.server.profile import ServerProfile
    from scyllamodel.types.cql_types import CqlType


def _altered(change: AlterUserType, context: RuleContext) -> Iterator[Diagnostic]:
    stored, declared = dict(change.live.fields), dict(change.desired.fields)
    path = context.path(change.live.name, change.field)
    if change.code == "UD101":
        text = "the model lacks this stored field, or has it under another name; fields cannot be removed"
    elif change.code == "UD102":
        text = f"the field is {stored[change.field].cql}, but {declared[change.field].cql} in the model"
    else:
        stored_order, wanted_order = ", ".join(stored), ", ".join(declared)
        text = f"the fields are ({stored_order}) in this order, but ({wanted_order}) in the model; new fields come last"
    if change.code == "UD102":
        new_name = suggested_fixes.free_name(change.live.name, context.pair.live_types)
        suggested_fix = suggested_fixes.new_type_steps(change.live.name, change.desired.fields, new_name)
    else:
        fields = "\n".join(f"    {suggested_fixes.field_declaration(n, t)}" for n, t in stored.items())
        suggested_fix = f"Declare the stored fields in their order, then the new ones:\n{fields}"
    yield Diagnostic(change.code, "error", path, text, suggested_fix)


def _field(change: AddField, context: RuleContext) -> Iterator[Diagnostic]:
    path = context.path(change.type, change.name)
    holders = containing_types(change.type, context.live.types)
    if key_tables := keyed_by(holders, context.live, context.server):
        text = f"the type is in the partition key of {', '.join(key_tables)}, so it cannot gain a field"
        new_name = suggested_fixes.free_name(change.type, context.pair.live_types)
        declared = next((user_type.fields for user_type in context.desired.types if user_type.name == change.type), ())
        yield Diagnostic("UD103", "error", path, text, suggested_fixes.new_type_steps(change.type, declared, new_name))
    if _is_unfrozen_collection(change.field_type) and (
        unfrozen_tables := _tables_with_unfrozen(context.live, change.type)
    ):
        yield _unfrozen_collection(path, change.name, change.field_type, unfrozen_tables)
    yield from unknown_type(change.field_type, path, context)


def _renamed(change: RenameFields, context: RuleContext) -> Iterator[Diagnostic]:
    key_tables = keyed_by(containing_types(change.type, context.live.types), context.live, context.server)
    if key_tables and not context.server.renames_fields_in_keys:
        text = f"{context.server} does not rename fields in a partition key: {', '.join(key_tables)} uses the type"
        suggested_fix = "Keep the name in the database: " + ", ".join(
            f"column(db_name={old!r})" for old, _ in change.names
        )
        yield Diagnostic("UD103", "error", context.path(change.type), text, suggested_fix)
        return
    for old, new in change.names:
        path = context.path(change.type, old)
        text = f"the field is renamed to {new}; releases that use {old} stop working at that moment"
        suggested_fix = f"Stop them first, then: {suggested_fixes.allow_either_way('BC101', path)}.\n"
        suggested_fix += f"Or keep the name: column(db_name={old!r})"
        yield Diagnostic("BC101", "error", path, text, suggested_fix, allow=f"BC101:{path}")


def _new(change: AddType, context: RuleContext) -> Iterator[Diagnostic]:
    for name, field_type in change.type.fields:
        yield from unknown_type(field_type, context.path(change.type.name, name), context)


def containing_types(name: str, types: Iterable[UserType]) -> frozenset[str]:
    """The type and every type that contains it, directly or indirectly."""
    holders_of: dict[str, list[str]] = {}
    for item in types:
        for inner in item.user_types:
            holders_of.setdefault(inner, []).append(item.name)
    names, pending = {name}, [name]
    while pending:
        next_holders = [holder for inner in pending for holder in holders_of.get(inner, ())]
        pending = [holder for holder in dict.fromkeys(next_holders) if holder not in names]
        names.update(pending)
    return frozenset(names)


def used_by(name: str, facts: KeyspaceFacts) -> list[str]:
    """The columns, fields, functions and aggregates that have this type, each as a phrase."""
    return [
        *(
            f"the column {table.name}.{column.name}"
            for table in facts.tables
            for column in table
            if name in user_type_names(column.type)
        ),
        *(
            f"the field {other.name}.{field}"
            for other in facts.types
            for field, inner in other.fields
            if name in user_type_names(inner)
        ),
        *(f"the function {function.signature}" for function in facts.functions if name in function.user_types),
        *(f"the aggregate {aggregate.signature}" for aggregate in facts.aggregates if name in aggregate.user_types),
    ]


def keyed_by(names: frozenset[str], facts: KeyspaceFacts, server: ServerProfile) -> list[str]:
    """The tables, views, and indexes stored in views that have one of these types in their partition key."""
    keyed = [part.name for part in (*facts.tables, *facts.views) if _holds(part.partition_key, names)]
    if server.keeps_indexes_in_views:
        for table in facts.tables:
            indexed = ((index, table.get(index.column)) for index in table.indexes if not index.local)
            keyed += [index.name for index, column in indexed if column is not None and _holds((column,), names)]
    return keyed


def _holds(columns: Iterable[TableColumn], names: frozenset[str]) -> bool:
    return any(not names.isdisjoint(user_type_names(column.type)) for column in columns)


def _is_unfrozen_collection(cql_type: CqlType) -> bool:
    return isinstance(cql_type, (ListType, SetType, MapType)) and is_multi_cell(cql_type)


def _tables_with_unfrozen(facts: KeyspaceFacts, name: str) -> list[str]:
    """The tables with a non-frozen column of this type."""
    bare = UserTypeName(name, frozen=False)
    return [table.name for table in facts.tables if any(column.type == bare for column in table.columns)]


def _unfrozen_collection(path: str, field: str, field_type: CqlType, tables: list[str]) -> Diagnostic:
    text = (
        f"a non-frozen collection in a type that {', '.join(tables)} uses non-frozen: such a column cannot be created "
        "in a new table or on another cluster"
    )
    suggested_fix = f"Freeze the collection:\n    {suggested_fixes.field_declaration(field, freeze(field_type))}"
    return Diagnostic("UD106", "error", path, text, suggested_fix)


def lint(desired: KeyspaceFacts) -> Iterator[Diagnostic]:
    """Problems of the declared types: cycles (UD105) and non-frozen collections (UD106)."""
    circles = cyclic_types(desired.types)
    for item in desired.types:
        if item.name in circles:
            text = "the type contains itself, directly or through other types"
            suggested_fix = (
                "Remove one of the fields from the cycle, for example by storing a key instead of the value."
            )
            yield Diagnostic("UD105", "error", f"{desired.name}.{item.name}", text, suggested_fix)
        for name, field_type in item.fields:
            if _is_unfrozen_collection(field_type) and (tables := _tables_with_unfrozen(desired, item.name)):
                yield _unfrozen_collection(f"{desired.name}.{item.name}.{name}", name, field_type, tables)


RULES: Final[Mapping[type, ChangeRule]] = {
    AlterUserType: _altered,
    AddField: _field,
    RenameFields: _renamed,
    AddType: _new,
}
