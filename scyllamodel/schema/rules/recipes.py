"""The way round what CQL cannot do, written out for the user's own table and column.

*In*: facts of both sides. *Out*: numbered text with the declarations, the backfill, the switch and the later removal.
The names of classes are guessed from the names of tables, and the text says so by being an example.
"""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Final

import attrs

from scyllamodel._identifiers import qualified, quote
from scyllamodel.types.values import (
    CqlType,
    CustomType,
    ListType,
    MapType,
    Native,
    SetType,
    TupleType,
    VectorType,
    freeze,
    is_frozen,
    parts,
)

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from scyllamodel.schema.facts import Table, TableColumn, View

_NATIVE: Final = {
    "text": "str", "bigint": "int", "double": "float", "boolean": "bool", "blob": "bytes", "decimal": "Decimal",
    "uuid": "UUID", "timestamp": "datetime", "date": "date", "time": "time", "inet": "IPv4Address | IPv6Address",
    "int": "cql.Int", "smallint": "cql.SmallInt", "tinyint": "cql.TinyInt", "varint": "cql.VarInt",
    "float": "cql.Float", "ascii": "cql.Ascii", "timeuuid": "cql.TimeUUID", "counter": "cql.Counter",
    "duration": "cql.Duration",
}  # fmt: skip
_FACTORIES: Final[Mapping[type, str]] = {ListType: "list", SetType: "set", MapType: "dict"}


def annotation(cql_type: CqlType) -> str:
    """How a model spells the type.

    >>> from scyllamodel.types.parse import parse_type
    >>> annotation(parse_type("map<text, frozen<list<int>>>")), annotation(parse_type("frozen<set<address_line>>"))
    ('dict[str, list[cql.Int]]', 'cql.Frozen[set[AddressLine]]')
    """
    inside = _inside(cql_type)
    frozen = is_frozen(cql_type) and not isinstance(cql_type, (Native, TupleType, VectorType, CustomType))
    return f"cql.Frozen[{inside}]" if frozen else inside


def _inside(cql_type: CqlType) -> str:
    if isinstance(cql_type, Native):
        return _NATIVE.get(cql_type.name, cql_type.name)
    if isinstance(cql_type, (ListType, SetType, MapType, TupleType)):
        outer = _FACTORIES.get(type(cql_type), "tuple")
        return f"{outer}[{', '.join(map(_inside, parts(cql_type)))}]"
    if isinstance(cql_type, VectorType):
        return f"Annotated[list[float], cql.vector({cql_type.dimension})]"
    return repr(cql_type.class_name) if isinstance(cql_type, CustomType) else class_name(cql_type.name)


def class_name(name: str) -> str:
    """A likely class for a table or type.

    >>> class_name("order_lines_2")
    'OrderLines2'
    """
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"\W|_", name) if part)


def attribute(name: str) -> str:
    """A likely attribute for a column."""
    return re.sub(r"\W", "_", name)


def spare(name: str, taken: Container[str]) -> str:
    """The first of ``name_2``, ``name_3`` … that is free."""
    return next(f"{name}_{n}" for n in range(2, 10_000) if f"{name}_{n}" not in taken)


def declaration(column: TableColumn, *, optional: bool) -> str:
    """The column in a class body; ``optional`` for one that rows of before do not have."""
    name, hint = attribute(column.name), annotation(column.type)
    arguments = ["static=True"] if column.kind == "static" else []
    if name != column.name:
        arguments.append(f'db_name="{column.name}"')
    if column.kind == "partition_key":
        return f"{name}: Column[{hint}] = partition_key({', '.join(arguments)})"
    if column.kind == "clustering":
        arguments += ["descending=True"] if column.descending else []
        return f"{name}: Column[{hint}] = clustering_key({', '.join(arguments)})"
    factory = _FACTORIES.get(type(column.type)) if not is_frozen(column.type) else None
    if factory:
        return f"{name}: Column[{hint}] = column({', '.join([*arguments, f'factory={factory}'])})"
    if optional and hint != "cql.Counter":
        return f"{name}: Column[{hint} | None] = column({', '.join([*arguments, 'default=None'])})"
    return f"{name}: Column[{hint}] = column({', '.join(arguments)})"


def numbered(steps: Iterable[str]) -> str:
    """The steps as ``1. …``, further lines of each indented below it."""
    return "\n".join(f"{n}. " + step.replace("\n", "\n   ") for n, step in enumerate(steps, 1))


def _inset(text: str) -> str:
    return textwrap.indent(text, "    ")


def new_column(keyspace: str, table: Table, found: TableColumn, wanted: TableColumn, new: str) -> str:
    """Expand, copy, contract, for a column that cannot become what is wanted."""
    old = attribute(found.name)
    keep = declaration(found, optional=False)
    add = declaration(attrs.evolve(wanted, name=new), optional=True)
    static = " STATIC" if wanted.kind == "static" else ""
    ddl = f"ALTER TABLE {qualified(keyspace, table.name)} ADD {quote(new)} {wanted.type.cql}{static}"
    convert = "" if freeze(found.type) == freeze(wanted.type) else " --convert MODULE:FUNCTION"
    steps = [
        f"Keep the old column as it is stored, and declare the new one beside it:\n    {keep}\n    {add}",
        f"Deploy and sync, which runs: {ddl}",
        f"Write both columns, and copy the values of before:\n    {backfill(table.name, found.name, new)}{convert}",
        f"Read {new} only; then remove {old} from the model.",
        f"When nothing reads it any more: scyllamodel contract --allow DS103:{table.name}.{found.name}",
    ]
    return f"{numbered(steps)}\n{written_out(f'{table.name}.{wanted.name}')}"


def backfill(table: str, column: str, new: str) -> str:
    """The command that copies a column, or a table where none is named."""
    return f"scyllamodel backfill {table}{'.' if column else ''}{column} --into {new}"


def written_out(name: str) -> str:
    """Where the whole of it can be had."""
    return f"All of it with classes and CQL: scyllamodel plan --expand {name}"


def copied_by(table: Table, column: TableColumn) -> tuple[TableColumn, ...]:
    """The key columns that find a value of the column: of the whole row, or of the partition for a static one."""
    return table.partition_key if column.kind == "static" else (*table.partition_key, *table.clustering_key)


def new_table(keyspace: str, found: Table, wanted: Table, new: str) -> str:
    """Another table with the wanted key, and the way there."""
    cls, old = class_name(new), class_name(found.name)
    key = _inset("\n".join(declaration(c, optional=False) for c in wanted.columns if c.in_key))
    head = f'class {cls}(Model, table="{new}"):'
    steps = [
        f"Keep {old} as it is stored, and declare a second model:\n    {head}\n{_inset(key)}",
        f"Deploy and sync, which creates {keyspace}.{new}; write to both tables.",
        f"Copy the rows of before:\n    {backfill(found.name, '', new)}",
        f"Read {new} only; then remove {old}.",
        f"When nothing reads it any more: scyllamodel contract --allow DS102:{found.name}",
    ]
    return f"{numbered(steps)}\n{written_out(found.name)}"


def new_view(keyspace: str, found: View, wanted: View, new: str) -> str:
    """Another view beside the old one."""
    head = f'class {class_name(new)}(MaterializedView, of={class_name(wanted.base)}, view="{new}"): …'
    steps = [
        f"Declare the wanted definition under a new name:\n    {head}",
        f"Deploy and sync; the view {keyspace}.{new} is filled in the background.",
        f"Read {new} only.",
        f"When nothing reads it any more, by hand: DROP MATERIALIZED VIEW {qualified(keyspace, found.name)}",
    ]
    return numbered(steps)


def new_type(keyspace: str, found: str, new: str) -> str:
    """Another type, and another column that holds it."""
    head = f'class {class_name(new)}(UserType, name="{new}"): …'
    steps = [
        f"Keep {class_name(found)} as it is stored, and declare a second type:\n    {head}",
        "Add a column of the new type beside each column of the old one, and sync.",
        "Write both, copy the rows of before with scyllamodel backfill, then read the new columns only.",
        f"When nothing reads them any more, drop the old columns by hand, then: DROP TYPE {qualified(keyspace, found)}",
    ]
    return numbered(steps)
