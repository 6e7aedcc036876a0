"""The steps between two states of a schema: frozen values, verb first, each knowing its inverse.

*In*: facts. *Out*: changes, which `scyllamodel.schema.ddl` writes as CQL and `scyllamodel.schema.rules` judges. A
change says what would happen, never whether it may: also what CQL cannot do has a change (`AlterColumn`, `AlterKey` …),
so that one differ serves sync, rollback and every kind of report.
"""

from __future__ import annotations

from typing import Any, TypeAlias, Union

import attrs

from scyllamodel.schema.facts.objects import FrozenMap, Index, Keyspace, Table, TableColumn, UserType, View
from scyllamodel.types.cql_types import CqlType


@attrs.frozen
class CreateKeyspace:
    """A keyspace that is asked for and does not exist."""

    keyspace: Keyspace


@attrs.frozen
class KeyspaceMismatch:
    """A keyspace whose replication, tablets or durable_writes differ from the configuration; never altered."""

    live: Keyspace
    desired: Keyspace


@attrs.frozen
class AddType:
    """A user type that does not exist."""

    keyspace: str
    type: UserType

    def inverse(self) -> DropType:
        """The change that undoes this one."""
        return DropType(self.keyspace, self.type)


@attrs.frozen
class DropType:
    """A user type that goes.

    Attributes:
        unwritten: dependent objects that this release cannot restore, such as a trigger; each as a phrase.
    """

    keyspace: str
    type: UserType
    unwritten: tuple[str, ...] = ()

    def inverse(self) -> AddType:
        """The change that undoes this one."""
        return AddType(self.keyspace, self.type)


@attrs.frozen
class AddField:
    """A field that a user type gains, always at its end; CQL cannot take it away again."""

    keyspace: str
    type: str
    name: str
    field_type: CqlType


@attrs.frozen
class RenameFields:
    """Fields of a user type under new names, as ``(old, new)`` pairs."""

    keyspace: str
    type: str
    names: tuple[tuple[str, str], ...]

    def inverse(self) -> RenameFields:
        """The change that undoes this one."""
        return RenameFields(self.keyspace, self.type, tuple((new, old) for old, new in self.names))


@attrs.frozen
class AlterUserType:
    """A change of a user type that CQL has no statement for: a field gone, of another type, or in another place."""

    keyspace: str
    live: UserType
    desired: UserType
    code: str
    field: str


@attrs.frozen
class AddTable:
    """A table that does not exist; its indexes are changes of their own."""

    keyspace: str
    table: Table

    def inverse(self) -> DropTable:
        """The change that undoes this one."""
        return DropTable(self.keyspace, self.table)


@attrs.frozen
class DropTable:
    """A table that goes.

    Attributes:
        unwritten: dependent objects that this release cannot restore, such as a trigger; each as a phrase.
    """

    keyspace: str
    table: Table
    unwritten: tuple[str, ...] = ()

    def inverse(self) -> AddTable:
        """The change that undoes this one."""
        return AddTable(self.keyspace, self.table)


@attrs.frozen
class AddColumns:
    """All columns that a table gains, in one statement."""

    keyspace: str
    table: str
    columns: tuple[TableColumn, ...]

    def inverse(self) -> DropColumns:
        """The change that undoes this one."""
        return DropColumns(self.keyspace, self.table, self.columns)


@attrs.frozen
class DropColumns:
    """Columns that go.

    Attributes:
        unwritten: dependent objects that this release cannot restore, such as a trigger; each as a phrase.
    """

    keyspace: str
    table: str
    columns: tuple[TableColumn, ...]
    unwritten: tuple[str, ...] = ()

    def inverse(self) -> AddColumns:
        """The change that undoes this one."""
        return AddColumns(self.keyspace, self.table, self.columns)


@attrs.frozen
class RenameKeyColumns:
    """Key columns under new names, as ``(old, new)`` pairs; CQL renames no other columns."""

    keyspace: str
    table: str
    names: tuple[tuple[str, str], ...]

    def inverse(self) -> RenameKeyColumns:
        """The change that undoes this one."""
        return RenameKeyColumns(self.keyspace, self.table, tuple((new, old) for old, new in self.names))


@attrs.frozen
class AlterColumn:
    """A column whose type, static or frozen flag, or key position differs in a way that CQL cannot change."""

    keyspace: str
    table: str
    live: TableColumn
    desired: TableColumn
    code: str


@attrs.frozen
class AlterKey:
    """A primary key that differs: its columns, their order, or the clustering order."""

    keyspace: str
    live: Table | View
    desired: Table | View
    code: str


@attrs.frozen
class SetOptions:
    """Declared options of a table or view that are stored otherwise; maps are whole.

    Attributes:
        before: the stored values of the same options, for the undo.
        view: whether the name is a view's.
        base: the table of a view, on which servers check the permission; not compared and not stored.
        index: the index that is stored in the view (ScyllaDB); empty for a materialized view.
    """

    keyspace: str
    name: str
    options: FrozenMap
    before: FrozenMap
    view: bool = False
    base: str = attrs.field(default="", eq=False)
    index: str = ""

    def inverse(self) -> SetOptions:
        """The change that undoes this one."""
        return SetOptions(self.keyspace, self.name, self.before, self.options, self.view, self.base, self.index)


@attrs.frozen
class SetMask:
    """The mask of a column that is added, replaced or dropped.

    Attributes:
        mask: the mask afterwards; None for no mask.
        before: the mask that is stored; None for no mask.
    """

    keyspace: str
    table: str
    column: str
    mask: str | None
    before: str | None

    def inverse(self) -> SetMask:
        """The change that undoes this one."""
        return SetMask(self.keyspace, self.table, self.column, self.before, self.mask)


@attrs.frozen
class SetTtlColumn:
    """The column that says when each row expires: set or unset; for another one it is unset first.

    Attributes:
        column: the TTL column afterwards; None for none.
        before: the TTL column that the table has; None for none.
    """

    keyspace: str
    table: str
    column: str | None
    before: str | None

    def inverse(self) -> SetTtlColumn:
        """The change that undoes this one."""
        return SetTtlColumn(self.keyspace, self.table, self.before, self.column)


@attrs.frozen
class AddIndex:
    """An index that does not exist.

    Attributes:
        table: the desired table, since a local index needs its partition key.
        populated: whether the table was there before, so that the index has rows to read.
    """

    keyspace: str
    table: Table
    index: Index
    populated: bool = False

    def inverse(self) -> DropIndex:
        """The change that undoes this one."""
        return DropIndex(self.keyspace, self.table, self.index)


@attrs.frozen
class DropIndex:
    """An index that goes."""

    keyspace: str
    table: Table
    index: Index

    def inverse(self) -> AddIndex:
        """The change that undoes this one."""
        return AddIndex(self.keyspace, self.table, self.index, populated=True)


@attrs.frozen
class AlterIndex:
    """An index that exists under the desired name or on the desired target with another definition."""

    keyspace: str
    table: str
    live: Index
    desired: Index
    code: str


@attrs.frozen
class AddView:
    """A materialized view that does not exist; ``populated`` as of `AddIndex`."""

    keyspace: str
    view: View
    populated: bool = False

    def inverse(self) -> DropView:
        """The change that undoes this one."""
        return DropView(self.keyspace, self.view)


@attrs.frozen
class DropView:
    """A materialized view that goes.

    Attributes:
        unwritten: dependent objects that this release cannot restore, such as a trigger; each as a phrase.
    """

    keyspace: str
    view: View
    unwritten: tuple[str, ...] = ()

    def inverse(self) -> AddView:
        """The change that undoes this one."""
        return AddView(self.keyspace, self.view, populated=True)


@attrs.frozen
class AlterView:
    """A view whose definition differs; ``aspect`` is ``table``, ``key``, ``columns``, ``all_columns`` or ``filter``."""

    keyspace: str
    live: View
    desired: View
    aspect: str


@attrs.frozen
class NameTaken:
    """A table is desired where a view exists, or the reverse; sending the CREATE can break a node."""

    keyspace: str
    name: str
    desired_kind: str
    live_kind: str


@attrs.frozen
class Unmanaged:
    """Something live that no model declares; a note, never touched.

    Attributes:
        kind: ``table``, ``column``, ``mask``, ``ttl column``, ``index``, ``trigger``, ``view``, ``type``, ``field``,
            ``function``, ``aggregate`` or ``index view options``; ``unreadable table`` and so on for an
            `UnreadableCell`.
        fact: the fact itself.
    """

    keyspace: str
    kind: str
    name: str
    fact: Any = attrs.field(default=None, repr=False)


Change: TypeAlias = Union[
    CreateKeyspace, KeyspaceMismatch, AddType, DropType, AddField, RenameFields, AlterUserType, AddTable, DropTable,
    AddColumns, DropColumns, RenameKeyColumns, AlterColumn, AlterKey, SetOptions, SetMask, SetTtlColumn, AddIndex,
    DropIndex, AlterIndex, AddView, DropView, AlterView, NameTaken, Unmanaged,
]  # fmt: skip
