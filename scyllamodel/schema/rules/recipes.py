"""The way round what CQL cannot do, written out for the user's own table and column.

*In*: facts of both sides. *Out*: numbered text with the declarations, the backfill, the switch and the later removal.
Classes and attributes are those of the models; what no model declares gets a name made of its own.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import attrs

from scyllamodel._identifiers import qualified, quote
from scyllamodel._text import printable_line
from scyllamodel.schema.facts import UserType
from scyllamodel.schema.source.classes import column_line, field_line
from scyllamodel.schema.source.hints import Classes, spell
from scyllamodel.schema.source.names import attributes, class_names
from scyllamodel.schema.writers import python_set, shell_line
from scyllamodel.types.values import freeze, user_types

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from scyllamodel.schema.facts import Table, TableColumn, View
    from scyllamodel.types.values import CqlType


def annotation(cql_type: CqlType) -> str:
    """How a model spells the type, as the models that `inspect` writes do.

    >>> from scyllamodel.types.parse import parse_type
    >>> annotation(parse_type("map<text, frozen<list<int>>>")), annotation(parse_type("frozen<address_line>"))
    ('dict[str, list[cql.Int]]', 'cql.Frozen[AddressLine]')
    """
    return spell(cql_type, _classes(cql_type)).hint


def _classes(cql_type: CqlType) -> Classes:
    """A likely class for each user type inside."""
    names = {name: class_name(name) for name in user_types(cql_type)}
    return Classes({name: UserType(name, ()) for name in names}, names)


def allow(code: str, name: str) -> str:
    """The option of the command line that allows something, as a shell takes it."""
    return shell_line("--allow", f"{code}:{name}")


def allowing(code: str, name: str) -> str:
    """What lets something run, in Python or on the command line."""
    return f"allow={python_set([f'{code}:{name}'])}, or {allow(code, name)}"


def class_name(name: str) -> str:
    """A likely class for a table or type.

    >>> class_name("order_lines_2")
    'OrderLines2'
    """
    return next(class_names([name]))


def attribute(column: TableColumn) -> str:
    """The attribute of a column: that of the model, else one made of its name."""
    return column.attribute or attributes([column.name])[column.name]


def class_of(fact: Table | View) -> str:
    """The class of a table or view: the model, else a name made of its own."""
    return fact.class_name or class_name(fact.name)


def spare(name: str, taken: Container[str]) -> str:
    """The first of ``name_2``, ``name_3`` … that is free."""
    return next(f"{name}_{n}" for n in range(2, 10_000) if f"{name}_{n}" not in taken)


def declaration(column: TableColumn) -> str:
    """The column in a class body, as the models that `inspect` writes have it."""
    return column_line(column, attribute(column), _classes(column.type))


def field(name: str, cql_type: CqlType) -> str:
    """The field of a user type in a class body; every field may be null, as it may in CQL."""
    return field_line(name, attributes([name])[name], cql_type, _classes(cql_type))


def numbered(steps: Iterable[str]) -> str:
    """The steps as ``1. …``, further lines of each indented below it."""
    return "\n".join(f"{n}. " + step.replace("\n", "\n   ") for n, step in enumerate(steps, 1))


def _inset(text: str) -> str:
    return textwrap.indent(text, "    ")


def new_column(keyspace: str, table: Table, found: TableColumn, wanted: TableColumn, new: str) -> str:
    """Expand, copy, contract, for a column that cannot become what is wanted."""
    old, second = _beside(found, wanted, new)
    keep, add = declaration(old), declaration(second)
    static = " STATIC" if wanted.kind == "static" else ""
    ddl = f"ALTER TABLE {qualified(keyspace, table.name)} ADD {quote(new)} {wanted.type.cql}{static}"
    convert = "" if freeze(found.type) == freeze(wanted.type) else " --convert MODULE:FUNCTION"
    steps = [
        f"Keep the old column as it is stored, and declare the new one beside it:\n    {keep}\n    {add}",
        f"Deploy and sync, which runs: {printable_line(ddl)}",
        f"Write both columns, and copy the existing values:\n    {backfill(table.name, found.name, new)}{convert}",
        f"Read {attribute(second)} only; then remove {attribute(old)} from the model.",
        f"When nothing reads it any more: scyllamodel contract {allow('DS103', f'{table.name}.{found.name}')}",
    ]
    return f"{numbered(steps)}\n{written_out(f'{table.name}.{wanted.name}')}"


def _beside(found: TableColumn, wanted: TableColumn, new: str) -> tuple[TableColumn, TableColumn]:
    """The stored column and the new one, with the attributes that they have while both are there."""
    if wanted.name != found.name:  # a rename: the model has the attribute of the new column alone
        return found, attrs.evolve(wanted, name=new)
    old = attrs.evolve(found, attribute=attribute(wanted))
    return old, attrs.evolve(wanted, name=new, attribute=old.attribute + new.removeprefix(found.name))


def backfill(table: str, column: str, new: str) -> str:
    """The command that copies a column, or a table where none is named."""
    source = f"{table}.{column}" if column else table
    return shell_line("scyllamodel", "backfill", source, "--into", new)


def written_out(name: str) -> str:
    """Where the whole of it can be had."""
    return f"All of it with classes and CQL: {shell_line('scyllamodel', 'plan', '--expand', name)}"


def copied_by(table: Table, column: TableColumn) -> tuple[TableColumn, ...]:
    """The key columns that find a value of the column: of the whole row, or of the partition for a static one."""
    return table.partition_key if column.kind == "static" else (*table.partition_key, *table.clustering_key)


def new_table(keyspace: str, found: Table, wanted: Table, new: str) -> str:
    """Another table with the wanted key, and the way there."""
    old = class_of(wanted)
    cls = f"{old}{class_name(new).removeprefix(class_name(found.name))}"
    key = _inset("\n".join(declaration(c) for c in wanted.columns if c.in_key))
    head = f"class {cls}(Model, table={new!r}):"
    steps = [
        f"Keep {old} as it is stored, and declare a second model:\n    {head}\n{_inset(key)}",
        f"Deploy and sync, which creates {keyspace}.{new}; write to both tables.",
        f"Copy the existing rows:\n    {backfill(found.name, '', new)}",
        f"Read {cls} only; then remove {old}.",
        f"When nothing reads it any more: scyllamodel contract {allow('DS102', found.name)}",
    ]
    return f"{numbered(steps)}\n{written_out(found.name)}"


def new_view(keyspace: str, found: View, wanted: View, new: str, base: str) -> str:
    """Another view beside the old one.

    Parameters:
        base: the class of its table.
    """
    cls = f"{class_of(wanted)}{class_name(new).removeprefix(class_name(found.name))}"
    columns = _inset("\n".join(declaration(c) for c in wanted.columns))
    head = f"class {cls}(MaterializedView, of={base}, view={new!r}):"
    steps = [
        f"Declare the wanted definition under a new name:\n    {head}\n{_inset(columns)}",
        f"Deploy and sync; the view {keyspace}.{new} is filled in the background.",
        f"Read {cls} only.",
        f"When nothing reads the old one any more: scyllamodel contract {allow('DS105', found.name)}",
    ]
    return numbered(steps)


def new_type(found: str, fields: Iterable[tuple[str, CqlType]], new: str) -> str:
    """Another type, and another column that holds it.

    Parameters:
        fields: what the model wants the type to have.
    """
    lines = _inset("\n".join(field(name, of) for name, of in fields))
    head = f"class {class_name(new)}(UserType, name={new!r}):"
    drops = f"scyllamodel contract --allow DS103:TABLE.COLUMN {allow('DS104', found)}"
    steps = [
        f"Keep {class_name(found)} as it is stored, and declare a second type:\n    {head}\n{_inset(lines)}",
        "Add a column of the new type beside each column of the old one, and sync.",
        "Write both, copy the existing rows with scyllamodel backfill, then read the new columns only.",
        f"When nothing reads the old columns any more, drop each of them, then the type:\n    {drops}",
    ]
    return numbered(steps)
