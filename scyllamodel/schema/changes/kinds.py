"""The changes between two states of a schema: frozen values, named by a verb, with their inverse.

*In*: facts. *Out*: changes, which `scyllamodel.schema.changes.cql` writes as CQL and `scyllamodel.schema.rules`
evaluates. A change says what would happen, not whether it may; changes that CQL cannot make (`AlterColumn`, `AlterKey`
…) exist, too, so that one diff serves sync, rollback and all reports.
"""

from __future__ import annotations

from typing import Any, TypeAlias, Union

import attrs

from scyllamodel.schema.facts.objects import FrozenMap, Index, Keyspace, Table, TableColumn, UserType, View
from scyllamodel.types.cql_types import CqlType


@attrs.frozen
class CreateKeyspace:
    """A keyspace to create."""

    keyspace: Keyspace


@attrs.frozen
class KeyspaceMismatch:
    """A keyspace whose replication, tablets or durable_writes differ from the configuration; never altered."""

    live: Keyspace
    desired: Keyspace


@attrs.frozen
class AddType:
    """A user type to create."""

    keyspace: str
    type: UserType

    def inverse(self) -> DropType:
        """The change that undoes this one."""
        return DropType(self.keyspace, self.type)


@attrs.frozen
class DropType:
    """A user type to drop.

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
    """A field to append to a user type; CQL cannot remove it again."""

    keyspace: str
    type: str
    name: str
    field_type: CqlType


@attrs.frozen
class RenameFields:
    """Fields of a user type to rename, as ``(old, new)`` pairs."""

    keyspace: str
    type: str
    names: tuple[tuple[str, str], ...]

    def inverse(self) -> RenameFields:
        """The change that undoes this one."""
        return RenameFields(self.keyspace, self.type, tuple((new, old) for old, new in self.names))


@attrs.frozen
class AlterUserType:
    """A change of a user type without a CQL statement: a field is removed, has another type, or another position."""

    keyspace: str
    live: UserType
    desired: UserType
    code: str
    field: str


@attrs.frozen
class AddTable:
    """A table to create; its indexes are separate changes."""

    keyspace: str
    table: Table

    def inverse(self) -> DropTable:
        """The change that undoes this one."""
        return DropTable(self.keyspace, self.table)


@attrs.frozen
class DropTable:
    """A table to drop.

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
    """The columns to add to a table, in one statement."""

    keyspace: str
    table: str
    columns: tuple[TableColumn, ...]

    def inverse(self) -> DropColumns:
        """The change that undoes this one."""
        return DropColumns(self.keyspace, self.table, self.columns)


@attrs.frozen
class DropColumns:
    """Columns to drop.

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
    """Key columns to rename, as ``(old, new)`` pairs; CQL cannot rename other columns."""

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
    """Options of a table or view whose stored values differ from the declared ones; maps are replaced whole.

    Attributes:
        before: the stored values of the same options, for the undo.
        view: whether the name is that of a view.
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
    """A mask to add to a column, replace or drop.

    Attributes:
        mask: the new mask; None for no mask.
        before: the stored mask; None for no mask.
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
    """The TTL column of a table to set or unset; it is unset before another one is set.

    Attributes:
        column: the new TTL column, or None.
        before: the stored TTL column, or None.
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
    """An index to create.

    Attributes:
        table: the desired table, since a local index needs its partition key.
        populated: whether the table existed before, so that the index has rows to read.
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
    """An index to drop."""

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
    """A materialized view to create.

    Attributes:
        populated: whether its table existed before, so that the view has rows to read.
    """

    keyspace: str
    view: View
    populated: bool = False

    def inverse(self) -> DropView:
        """The change that undoes this one."""
        return DropView(self.keyspace, self.view)


@attrs.frozen
class DropView:
    """A materialized view to drop.

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
    """A live object that no model declares; noted, never changed.

    Attributes:
        kind: ``table``, ``column``, ``mask``, ``ttl column``, ``index``, ``trigger``, ``view``, ``type``, ``field``,
            ``function``, ``aggregate`` or ``index view options``; ``unreadable table`` and so on for an
            `Unreadable`.
        fact: the fact of the object.
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
