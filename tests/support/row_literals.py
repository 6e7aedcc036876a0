"""A row for any table as CQL literals of every type, so that nothing between test and server can change a value."""

from __future__ import annotations

from scyllamodel._identifiers import qualified, quote
from scyllamodel.types import cql_types as v

_NATIVES = {
    "ascii": "'a{n}'",
    "text": "'é{n}'",
    "blob": "0x0{n}",
    "boolean": "{boolean}",
    "date": "'2026-01-0{n}'",
    "decimal": "{n}.10",
    "double": "{n}.5",
    "duration": "{n}mo2d3ns",
    "float": "{n}.5",
    "inet": "'10.0.0.{n}'",
    "time": "'23:59:59.00000000{n}'",
    "timestamp": "'2026-01-31 23:59:59.00{n}+0000'",
    "timeuuid": "0000000{n}-0000-1000-8000-000000000000",
    "uuid": "0000000{n}-0000-4000-8000-000000000000",
}


def literal(cql_type, n, user_types):
    """A value of this type that differs for ``n`` 1 and 2.

    Parameters:
        user_types: facts of user types by name.
    """
    elements = [literal(part, n, user_types) for part in v.element_types(cql_type)]
    if isinstance(cql_type, v.Native):
        return _NATIVES.get(cql_type.name, "{n}").format(n=n, boolean=str(n == 1).lower())
    if isinstance(cql_type, v.UserTypeName):
        fields = user_types[cql_type.name].fields
        return "{" + ", ".join(f"{quote(name)}: {literal(part, n, user_types)}" for name, part in fields) + "}"
    if isinstance(cql_type, v.MapType):
        return "{" + ": ".join(elements) + "}"
    if isinstance(cql_type, v.VectorType):
        return "[" + ", ".join(elements * cql_type.dimension) + "]"
    marks = {v.ListType: "[]", v.SetType: "{}", v.TupleType: "()"}[type(cql_type)]
    return marks[0] + ", ".join(elements) + marks[1]


def insert(keyspace, table, n, user_types):
    """The statement that writes row ``n`` with a value in every column; counters are incremented by ``n``."""
    cells = {quote(column_facts.name): literal(column_facts.type, n, user_types) for column_facts in table}
    if not table.is_counter:
        return (
            f"INSERT INTO {qualified(keyspace, table.name)} ({', '.join(cells)}) VALUES ({', '.join(cells.values())})"
        )
    keys = [quote(column_facts.name) for column_facts in table if column_facts.in_key]
    steps = ", ".join(f"{name} = {name} + {cell}" for name, cell in cells.items() if name not in keys)
    where = " AND ".join(f"{name} = {cells[name]}" for name in keys)
    return f"UPDATE {qualified(keyspace, table.name)} SET {steps} WHERE {where}"
