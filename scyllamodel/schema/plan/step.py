"""Make the step of a change: its statement, its undo, a summary and its cost.

*In*: a change, its lints, the server. *Out*: a `Step`, all text, so that it can be shown, saved and compared without
the change. The table at the end lists the changes that are steps, with their descriptions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import attrs

from scyllamodel._text import counted, listed, printable_line
from scyllamodel.schema.changes.kinds import (
    AddColumns,
    AddField,
    AddIndex,
    AddTable,
    AddType,
    AddView,
    Change,
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
from scyllamodel.schema.ddl import change_cql, undo_cql
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.types.cql_types import UserTypeName, is_multi_cell

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scyllamodel.schema.server.profile import ServerProfile

Cost: TypeAlias = Literal["metadata", "background_build", "rewrite"]
"""The cost of a step for the servers: a metadata change; a background build of an index or view; rewritten data
files."""

RAW_OP: Final = "run"
"""The ``op`` of a hand-written statement."""

GRANT_OP: Final = "grant"
"""The ``op`` of a grant to the application's role; a rollback does not revoke it."""

UNDO_RAW_OP: Final = f"undo_{RAW_OP}"
"""The ``op`` of the statement that undoes a hand-written one."""


@attrs.frozen
class Step:
    """One statement of a plan.

    Attributes:
        seq: its number in the plan, from 1; the numbers of bootstrap steps end with 0.
        op: the operation, such as ``add_index``.
        object: the raw dotted name of the object, such as ``shop.orders_status_idx``.
        cql: the statement as it is sent; for a secret step a digest.
        undo: the statement that undoes it; None if there is none, with the reason in ``why_no_undo``.
        summary: the step in a sentence.
        data_loss: whether the step deletes data.
        lints: warnings and notes about the step.
        change: the change; None on a plan that was read from a file, and on a hand-written statement; not compared.
        post_condition: the check that a hand-written statement is applied: a query that returns a row, or a function;
            None if there is none; not compared.
        secret_statement: the statement of a secret step, which is never shown; None on all others; not compared.
        undone_step: version and number of the hand-written step that this statement undoes; not compared.
    """

    seq: int
    op: str
    object: str
    cql: str
    undo: str | None
    summary: str = attrs.field(converter=printable_line)
    cost: Cost = "metadata"
    data_loss: bool = False
    lints: tuple[Diagnostic, ...] = ()
    why_no_undo: str = ""
    change: Change | None = attrs.field(default=None, eq=False, repr=False)
    post_condition: str | Callable[[], bool] | None = attrs.field(default=None, eq=False, repr=False)
    undone_step: tuple[int, int] | None = attrs.field(default=None, eq=False, repr=False)
    secret_statement: str | None = attrs.field(default=None, eq=False, repr=False)

    @property
    def statement(self) -> str:
        """The statement that is sent."""
        return self.cql if self.secret_statement is None else self.secret_statement

    @property
    def reversible(self) -> bool:
        """Whether a statement undoes the step; data written in the meantime may still be lost."""
        return self.undo is not None

    @property
    def is_raw(self) -> bool:
        """Whether the statement is hand-written, so that no model declares its effect."""
        return self.op in (RAW_OP, UNDO_RAW_OP)

    @property
    def mark(self) -> str:
        """``+`` for an addition, ``-`` for a drop, ``~`` for a change."""
        return {"add": "+", "create": "+", "grant": "+", "drop": "-"}.get(self.op.partition("_")[0], "~")

    def to_dict(self) -> dict[str, Any]:
        """The step as plain JSON values."""
        return {
            "seq": self.seq,
            "op": self.op,
            "object": self.object,
            "cql": self.cql,
            "undo": self.undo,
            "why_no_undo": self.why_no_undo,
            "summary": self.summary,
            "reversible": self.reversible,
            "data_loss": self.data_loss,
            "cost": self.cost,
            "lints": [lint.to_dict() for lint in self.lints],
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Step:
        """The step of `to_dict`, without its change."""
        fields = {name: document[name] for name in document if name not in ("lints", "reversible")}
        return cls(**fields, lints=tuple(Diagnostic(**lint) for lint in document["lints"]))


def make_step(seq: int, change: Change, lints: Iterable[Diagnostic], server: ServerProfile) -> Step:
    """Make the step of this change; see `is_step`."""
    op, describe = _DESCRIPTIONS[type(change)]
    name, sentence = describe(change)
    reason = no_undo_reason(change, server)
    return Step(
        seq=seq,
        op=op,
        object=name,
        cql=change_cql(change, server),
        undo=None if reason else undo_cql(change, server),
        summary=sentence,
        cost=_cost(change),
        data_loss=isinstance(change, (DropTable, DropColumns, DropType)),
        lints=tuple(lints),
        why_no_undo=reason,
        change=change,
    )


def is_step(change: Change) -> bool:
    """Whether CQL has a statement for the change."""
    return type(change) in _DESCRIPTIONS


def _cost(change: Change) -> Cost:
    if isinstance(change, (AddIndex, AddView)) and change.populated:
        return "background_build"
    if isinstance(change, SetOptions) and not {"compaction", "compression"}.isdisjoint(change.options):
        return "rewrite"
    return "metadata"


def no_undo_reason(change: Change, server: ServerProfile) -> str:
    """The reason why no statement undoes this change; empty if one does."""
    if isinstance(change, AddField):
        return "CQL cannot remove a field from a type"
    if isinstance(change, CreateKeyspace):
        return "a keyspace has to be dropped manually, with everything in it"
    if isinstance(change, AddColumns) and not server.drops_unfrozen_user_types:
        unfrozen = [c.name for c in change.columns if isinstance(c.type, UserTypeName) and is_multi_cell(c.type)]
        return f"Cassandra cannot drop {', '.join(unfrozen)}: a non-frozen user type" if unfrozen else ""
    return ""


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


_DESCRIPTIONS: Final[Mapping[type, tuple[str, Callable[[Any], tuple[str, str]]]]] = {
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
