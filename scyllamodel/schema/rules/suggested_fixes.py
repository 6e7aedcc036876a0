"""Suggested fixes for changes that CQL does not support, with the names of the user's tables and columns.

*In*: live and desired facts. *Out*: numbered steps with the declarations, the backfill, the switch and the drop.
Classes and attributes have the names of the models; other objects get a name derived from their own.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import attrs

from scyllamodel._identifiers import qualified, quote
from scyllamodel._text import printable_line
from scyllamodel.schema.export.literals import python_set, shell_line
from scyllamodel.schema.export.models.annotation_source import UserTypeClasses, annotation_for
from scyllamodel.schema.export.models.classes import column_line, field_line
from scyllamodel.schema.export.models.python_names import attribute_names, class_names
from scyllamodel.schema.facts.objects import UserType
from scyllamodel.types.cql_types import freeze, user_type_names

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from scyllamodel.schema.facts.objects import Table, TableColumn, View
    from scyllamodel.types.cql_types import CqlType


def annotation_text(cql_type: CqlType) -> str:
    """The annotation of the type in a model, as `inspect` writes it.

    >>> from scyllamodel.types.parser import parse_type
    >>> annotation_text(parse_type("map<text, frozen<list<int>>>")), annotation_text(parse_type("frozen<address_line>"))
    ('dict[str, list[cql.Int]]', 'cql.Frozen[AddressLine]')
    """
    return annotation_for(cql_type, _classes(cql_type)).annotation


def _classes(cql_type: CqlType) -> UserTypeClasses:
    """A likely class name for each user type inside the type."""
    names = {name: likely_class_name(name) for name in user_type_names(cql_type)}
    return UserTypeClasses({name: UserType(name, ()) for name in names}, names)


def allow_option(code: str, name: str) -> str:
    """The command-line option that allows a refusal, quoted for a shell."""
    return shell_line("--allow", f"{code}:{name}")


def allow_either_way(code: str, name: str) -> str:
    """The permission for a refused change, in Python and on the command line."""
    return f"allow={python_set([f'{code}:{name}'])}, or {allow_option(code, name)}"


def likely_class_name(name: str) -> str:
    """A likely class name for a table or type.

    >>> likely_class_name("order_lines_2")
    'OrderLines2'
    """
    return next(class_names([name]))


def attribute_name(column: TableColumn) -> str:
    """The attribute of a column: the model's, else one derived from the column's name."""
    return column.attribute or attribute_names([column.name])[column.name]


def model_class(fact: Table | View) -> str:
    """The class name of a table or view: the model's, else one derived from the object's name."""
    return fact.class_name or likely_class_name(fact.name)


def free_name(name: str, taken_names: Container[str]) -> str:
    """The first of ``name_2``, ``name_3`` … that is free."""
    return next(f"{name}_{n}" for n in range(2, 10_000) if f"{name}_{n}" not in taken_names)


def column_declaration(column: TableColumn) -> str:
    """The column in a class body, as `inspect` writes it."""
    return column_line(column, attribute_name(column), _classes(column.type))


def field_declaration(name: str, cql_type: CqlType) -> str:
    """The field of a user type in a class body; every field may be null, as in CQL."""
    return field_line(name, attribute_names([name])[name], cql_type, _classes(cql_type))


def numbered_steps(steps: Iterable[str]) -> str:
    """The steps as ``1. …``, with further lines indented."""
    return "\n".join(f"{n}. " + step.replace("\n", "\n   ") for n, step in enumerate(steps, 1))


def _indented(text: str) -> str:
    return textwrap.indent(text, "    ")


def new_column_steps(keyspace: str, table: Table, live: TableColumn, desired: TableColumn, new: str) -> str:
    """The steps expand, copy, contract for a column that CQL cannot alter."""
    old_declared, new_declared = _side_by_side(live, desired, new)
    declarations = f"{column_declaration(old_declared)}\n    {column_declaration(new_declared)}"
    static = " STATIC" if desired.kind == "static" else ""
    ddl = f"ALTER TABLE {qualified(keyspace, table.name)} ADD {quote(new)} {desired.type.cql}{static}"
    convert = "" if freeze(live.type) == freeze(desired.type) else " --convert MODULE:FUNCTION"
    copy_command = f"{backfill_command(table.name, live.name, new)}{convert}"
    steps = [
        f"Keep the old column as stored, and declare the new one beside it:\n    {declarations}",
        f"Deploy and sync, which runs: {printable_line(ddl)}",
        f"Write to both columns, and copy the existing values:\n    {copy_command}",
        f"Read only {attribute_name(new_declared)}; then remove {attribute_name(old_declared)} from the model.",
        f"When nothing reads it any more: scyllamodel contract {allow_option('DS103', f'{table.name}.{live.name}')}",
    ]
    return f"{numbered_steps(steps)}\n{expand_hint(f'{table.name}.{desired.name}')}"


def _side_by_side(live: TableColumn, desired: TableColumn, new: str) -> tuple[TableColumn, TableColumn]:
    """The stored column and the new one, with the attributes that they have while both exist."""
    if desired.name != live.name:  # a rename: the model has the attribute of the new column alone
        return live, attrs.evolve(desired, name=new)
    old = attrs.evolve(live, attribute=attribute_name(desired))
    return old, attrs.evolve(desired, name=new, attribute=old.attribute + new.removeprefix(live.name))


def backfill_command(table: str, column: str, new: str) -> str:
    """The command that copies a column, or the whole table if no column is given."""
    source = f"{table}.{column}" if column else table
    return shell_line("scyllamodel", "backfill", source, "--into", new)


def expand_hint(name: str) -> str:
    """The command that prints the complete steps."""
    return f"To print all steps with classes and CQL: {shell_line('scyllamodel', 'plan', '--expand', name)}"


def backfill_key(table: Table, column: TableColumn) -> tuple[TableColumn, ...]:
    """The key columns that identify a value of the column: the whole key, or the partition key for a static column."""
    return table.partition_key if column.kind == "static" else (*table.partition_key, *table.clustering_key)


def new_table_steps(keyspace: str, live: Table, desired: Table, new: str) -> str:
    """The steps to another table with the desired key."""
    current_class = model_class(desired)
    new_class = f"{current_class}{likely_class_name(new).removeprefix(likely_class_name(live.name))}"
    key = _indented("\n".join(column_declaration(c) for c in desired.columns if c.in_key))
    class_line = f"class {new_class}(Model, table={new!r}):"
    steps = [
        f"Keep {current_class} as stored, and declare a second model:\n    {class_line}\n{_indented(key)}",
        f"Deploy and sync, which creates {keyspace}.{new}; write to both tables.",
        f"Copy the existing rows:\n    {backfill_command(live.name, '', new)}",
        f"Read only from {new_class}; then remove {current_class}.",
        f"When nothing reads it any more: scyllamodel contract {allow_option('DS102', live.name)}",
    ]
    return f"{numbered_steps(steps)}\n{expand_hint(live.name)}"


def new_view_steps(keyspace: str, live: View, desired: View, new: str, base: str) -> str:
    """The steps to another view beside the old one.

    Parameters:
        base: the class of its table.
    """
    new_class = f"{model_class(desired)}{likely_class_name(new).removeprefix(likely_class_name(live.name))}"
    columns = _indented("\n".join(column_declaration(c) for c in desired.columns))
    class_line = f"class {new_class}(MaterializedView, of={base}, view={new!r}):"
    steps = [
        f"Declare the desired definition under a new name:\n    {class_line}\n{_indented(columns)}",
        f"Deploy and sync; the view {keyspace}.{new} is built in the background.",
        f"Read only from {new_class}.",
        f"When nothing reads the old one any more: scyllamodel contract {allow_option('DS105', live.name)}",
    ]
    return numbered_steps(steps)


def new_type_steps(name: str, fields: Iterable[tuple[str, CqlType]], new: str) -> str:
    """The steps to another type, and to another column of that type.

    Parameters:
        fields: the fields that the model declares.
    """
    lines = _indented("\n".join(field_declaration(field_name, cql_type) for field_name, cql_type in fields))
    class_line = f"class {likely_class_name(new)}(UserType, name={new!r}):"
    declaration = f"    {class_line}\n{_indented(lines)}"
    drop_commands = f"scyllamodel contract --allow DS103:TABLE.COLUMN {allow_option('DS104', name)}"
    steps = [
        f"Keep {likely_class_name(name)} as stored, and declare a second type:\n{declaration}",
        "Add a column of the new type beside each column of the old one, and sync.",
        "Write to both, copy the existing rows with scyllamodel backfill, then read only the new columns.",
        f"When nothing reads the old columns any more, drop each of them, then the type:\n    {drop_commands}",
    ]
    return numbered_steps(steps)
