"""Short notations for facts and changes, for tests that are tables of cases."""

from __future__ import annotations

from scyllamodel.schema.changes import kinds as c
from scyllamodel.schema.facts.objects import Index, Keyspace, KeyspaceFacts, Table, TableColumn, UserType, View
from scyllamodel.types.parser import parse_type

_KINDS = {"pk": "partition_key", "ck": "clustering", "static": "static"}
NTS = {"class": "NetworkTopologyStrategy", "dc1": "3"}


def column(text):
    """A column as ``name type [pk|ck|static] [desc] [from=old] [mask=call()]``; types and masks have no spaces."""
    name, cql_type, *attributes = text.split()
    kind = next((_KINDS[attribute] for attribute in attributes if attribute in _KINDS), "regular")
    old = next((attribute[5:] for attribute in attributes if attribute.startswith("from=")), None)
    mask = next((attribute[5:] for attribute in attributes if attribute.startswith("mask=")), None)
    return TableColumn(name, parse_type(cql_type), kind, "desc" in attributes, old, mask=mask)


def table(name, *columns, **facts):
    """A table; without columns it has the key ``id int``."""
    return Table(name=name, columns=tuple(map(column, columns or ["id int pk"])), **facts)


def view(name, base, *columns, **facts):
    """A view of a table."""
    return View(name=name, columns=tuple(map(column, columns)), base=base, **facts)


def user_type(name, *fields):
    """A user type with fields ``name type [from=old]``."""
    field_parts = [field.split() for field in fields]
    old = {parts[0]: parts[2].removeprefix("from=") for parts in field_parts if len(parts) > 2}
    return UserType(name, tuple((parts[0], parse_type(parts[1])) for parts in field_parts), renamed=old)


def schema(*parts, keyspace=True):
    """Keyspace ``k`` with these tables, views and types; it exists unless specified differently."""
    return KeyspaceFacts(
        "k",
        keyspace=(Keyspace("k", NTS) if keyspace is True else keyspace) or None,
        types=[part for part in parts if isinstance(part, UserType)],
        tables=[part for part in parts if isinstance(part, Table)],
        views=[part for part in parts if isinstance(part, View)],
    )


def desired(*parts):
    """The schema that models declare for keyspace ``k``, without the keyspace itself."""
    return schema(*parts, keyspace=None)


def index(column_, name=None, **facts):
    """An index as a model declares it, with an explicit or a generated name."""
    return Index(name or f"t_{column_}_idx", column_, named=name is not None, **facts)


def _names(columns):
    return ", ".join(column.name for column in columns)


_SUMMARIES = {
    c.CreateKeyspace: lambda x: f"+ keyspace {x.keyspace.name}",
    c.KeyspaceMismatch: lambda x: f"! keyspace {x.live.name}",
    c.AddType: lambda x: f"+ type {x.type.name}",
    c.AddField: lambda x: f"+ field {x.type}.{x.name}",
    c.RenameFields: lambda x: f"~ rename {x.type} " + ", ".join(f"{old}->{new}" for old, new in x.names),
    c.AlterUserType: lambda x: f"! {x.code} {x.live.name}.{x.field}",
    c.AddTable: lambda x: f"+ table {x.table.name}",
    c.AddColumns: lambda x: f"+ columns {x.table} ({_names(x.columns)})",
    c.RenameKeyColumns: lambda x: f"~ rename {x.table} " + ", ".join(f"{old}->{new}" for old, new in x.names),
    c.AlterColumn: lambda x: f"! {x.code} {x.table}.{x.live.name}",
    c.AlterKey: lambda x: f"! {x.code} {x.live.name}",
    c.SetOptions: lambda x: f"~ options {x.name} {', '.join(sorted(x.options))}",
    c.SetTtlColumn: lambda x: f"~ ttl {x.table} {x.column}",
    c.SetMask: lambda x: f"~ mask {x.table}.{x.column} {x.mask}",
    c.AddIndex: lambda x: f"+ index {x.index.name}" + (" populated" if x.populated else ""),
    c.AlterIndex: lambda x: f"! {x.code} {x.live.name}->{x.desired.name}",
    c.AddView: lambda x: f"+ view {x.view.name}" + (" populated" if x.populated else ""),
    c.AlterView: lambda x: f"! view {x.live.name}: {x.aspect}",
    c.NameTaken: lambda x: f"! {x.desired_kind} {x.name} is a {x.live_kind}",
    c.Unmanaged: lambda x: f". {x.kind} {x.name}",
}


def summaries(changes):
    """A summary of each change in a few words."""
    return [_SUMMARIES[type(change)](change) for change in changes]
