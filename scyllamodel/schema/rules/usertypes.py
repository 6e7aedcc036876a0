"""UD: a user type grows at its end, and only where no partition key holds it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from scyllamodel.schema.changes import AddField, AddType, AlterUserType, RenameFields
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.order import types_in_circles
from scyllamodel.schema.rules import recipes
from scyllamodel.schema.rules.types import unknown_type
from scyllamodel.types.values import ListType, MapType, SetType, UserTypeName, freeze, is_multi_cell, user_types

if TYPE_CHECKING:
    from scyllamodel.schema.facts import KeyspaceFacts, TableColumn, UserType
    from scyllamodel.schema.rules.case import Case, ChangeRule
    from scyllamodel.schema.server import ServerProfile
    from scyllamodel.types.values import CqlType


def _altered(change: AlterUserType, case: Case) -> Iterator[Diagnostic]:
    stored, declared = dict(change.found.fields), dict(change.wanted.fields)
    path = case.path(change.found.name, change.field)
    if change.code == "UD101":
        text = "the type has this field and the model has not, or has it under another name; fields stay for ever"
    elif change.code == "UD102":
        text = f"the field is {stored[change.field].cql}, and the model wants {declared[change.field].cql}"
    else:
        stored_order, wanted_order = ", ".join(stored), ", ".join(declared)
        text = f"the fields are ({stored_order}) in this order, and the model has ({wanted_order}); new ones come last"
    if change.code == "UD102":
        new = recipes.spare(change.found.name, case.sides.types)
        fix = recipes.new_type(change.found.name, change.wanted.fields, new)
    else:
        fields = "\n".join(f"    {recipes.field(n, t)}" for n, t in stored.items())
        fix = f"Declare the stored fields in their order, then the new ones:\n{fields}"
    yield Diagnostic(change.code, "error", path, text, fix)


def _field(change: AddField, case: Case) -> Iterator[Diagnostic]:
    path = case.path(change.type, change.name)
    holders = containing(change.type, case.found.types)
    if keyed := keyed_by(holders, case.found, case.server):
        text = f"the type is in the partition key of {', '.join(keyed)}, so it cannot gain a field"
        new = recipes.spare(change.type, case.sides.types)
        declared = next((found.fields for found in case.wanted.types if found.name == change.type), ())
        yield Diagnostic("UD103", "error", path, text, recipes.new_type(change.type, declared, new))
    if _is_open_collection(change.field_type) and (bare := _holding_bare(case.found, change.type)):
        yield _open_collection(path, change.name, change.field_type, bare)
    yield from unknown_type(change.field_type, path, case)


def _renamed(change: RenameFields, case: Case) -> Iterator[Diagnostic]:
    keyed = keyed_by(containing(change.type, case.found.types), case.found, case.server)
    if keyed and not case.server.renames_fields_in_keys:
        text = f"the type is in the partition key of {', '.join(keyed)}, where {case.server} renames no field"
        fix = "Keep the name in the database: " + ", ".join(f"column(db_name={old!r})" for old, _ in change.names)
        yield Diagnostic("UD103", "error", case.path(change.type), text, fix)
        return
    for old, new in change.names:
        path = case.path(change.type, old)
        text = f"the field becomes {new}; releases that know it as {old} stop working at that moment"
        fix = f"Stop them first, then: {recipes.allowing('BC101', path)}.\n"
        fix += f"Or keep the name: column(db_name={old!r})"
        yield Diagnostic("BC101", "error", path, text, fix, allow=f"BC101:{path}")


def _new(change: AddType, case: Case) -> Iterator[Diagnostic]:
    for name, field_type in change.type.fields:
        yield from unknown_type(field_type, case.path(change.type.name, name), case)


def containing(name: str, types: Iterable[UserType]) -> frozenset[str]:
    """The type and every type that has it somewhere inside."""
    holders_of: dict[str, list[str]] = {}
    for item in types:
        for held in item.user_types:
            holders_of.setdefault(held, []).append(item.name)
    found, new = {name}, [name]
    while new:
        more = [holder for held in new for holder in holders_of.get(held, ())]
        new = [holder for holder in dict.fromkeys(more) if holder not in found]
        found.update(new)
    return frozenset(found)


def used_by(name: str, facts: KeyspaceFacts) -> list[str]:
    """The columns and the fields of other types that have this type, each as a phrase."""
    columns = [
        f"the column {table.name}.{c.name}" for table in facts.tables for c in table if name in user_types(c.type)
    ]
    return columns + [
        f"the field {other.name}.{field}"
        for other in facts.types
        for field, inner in other.fields
        if name in user_types(inner)
    ]


def keyed_by(names: frozenset[str], facts: KeyspaceFacts, server: ServerProfile) -> list[str]:
    """What has one of these types in its partition key: tables, views, and indexes that are kept in views."""
    found = [part.name for part in (*facts.tables, *facts.views) if _holds(part.partition_key, names)]
    if server.keeps_indexes_in_views:
        for table in facts.tables:
            indexed = ((index, table.get(index.column)) for index in table.indexes if not index.local)
            found += [index.name for index, column in indexed if column is not None and _holds((column,), names)]
    return found


def _holds(columns: Iterable[TableColumn], names: frozenset[str]) -> bool:
    return any(not names.isdisjoint(user_types(column.type)) for column in columns)


def _is_open_collection(cql_type: CqlType) -> bool:
    return isinstance(cql_type, (ListType, SetType, MapType)) and is_multi_cell(cql_type)


def _holding_bare(facts: KeyspaceFacts, name: str) -> list[str]:
    """Tables with a column that is this type, non-frozen."""
    bare = UserTypeName(name, frozen=False)
    return [table.name for table in facts.tables if any(column.type == bare for column in table.columns)]


def _open_collection(path: str, field: str, field_type: CqlType, tables: list[str]) -> Diagnostic:
    text = (
        f"a non-frozen collection in a type that {', '.join(tables)} holds non-frozen: such a column cannot be made "
        "again, in a new table or on another cluster"
    )
    fix = f"Freeze the collection:\n    {recipes.field(field, freeze(field_type))}"
    return Diagnostic("UD106", "error", path, text, fix)


def lint(wanted: KeyspaceFacts) -> Iterator[Diagnostic]:
    """What is wrong with the declared types by themselves: cycles (UD105), open collections (UD106)."""
    circles = types_in_circles(wanted.types)
    for item in wanted.types:
        if item.name in circles:
            text = "the type is inside itself, directly or by way of others"
            fix = "Take one of the fields out of the circle, for example by storing a key instead of the value."
            yield Diagnostic("UD105", "error", f"{wanted.name}.{item.name}", text, fix)
        for name, field_type in item.fields:
            if _is_open_collection(field_type) and (tables := _holding_bare(wanted, item.name)):
                yield _open_collection(f"{wanted.name}.{item.name}.{name}", name, field_type, tables)


RULES: Final[Mapping[type, ChangeRule]] = {
    AlterUserType: _altered,
    AddField: _field,
    RenameFields: _renamed,
    AddType: _new,
}
