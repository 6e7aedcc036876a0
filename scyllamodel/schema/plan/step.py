"""Make the step of a change: its statement, its undo, a summary and its cost.

*In*: a change, its lints, the server. *Out*: a `Step`, all text, so that it can be shown, saved and compared without
the change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import attrs

from scyllamodel._text import printable_line
from scyllamodel.schema.changes.describe import DESCRIPTIONS
from scyllamodel.schema.changes.kinds import AddIndex, AddView, Change, DropColumns, DropTable, DropType, SetOptions
from scyllamodel.schema.changes.undo import no_undo_reason
from scyllamodel.schema.ddl import change_cql, undo_cql
from scyllamodel.schema.diagnostics import Diagnostic

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
        undo: the statement that undoes it; None if there is none.
        why_no_undo: the reason for that; empty with an undo.
        summary: the step in a sentence.
        cost: what it costs the servers: ``metadata``, ``background_build`` or ``rewrite``.
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
    op, describe = DESCRIPTIONS[type(change)]
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
    return type(change) in DESCRIPTIONS


def _cost(change: Change) -> Cost:
    if isinstance(change, (AddIndex, AddView)) and change.populated:
        return "background_build"
    if isinstance(change, SetOptions) and not {"compaction", "compression"}.isdisjoint(change.options):
        return "rewrite"
    return "metadata"
