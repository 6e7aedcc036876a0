"""Statements that somebody wrote by hand, in the plan and the ledger beside those that models ask for.

*In*: `RawStep` values and what is known of them. *Out*: steps of a plan. For data fixes, grants, and whatever else CQL
has that no model declares.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TypeAlias

import attrs

from scyllamodel._cql import one_line
from scyllamodel.schema.plan import BY_HAND, Plan, Step
from scyllamodel.schema.rules.destructive import dropped_keyspace

Proof: TypeAlias = str | Callable[[], bool] | None


def _one_statement(_: object, attribute: attrs.Attribute[str], value: object) -> None:
    if not isinstance(value, str) or not value.strip():
        raise TypeError(f"RawStep({attribute.name}=…) is one CQL statement, as text")


@attrs.frozen
class RawStep:
    """One statement that runs once, in the order in which the steps are given.

    Attributes:
        cql: the statement, sent as it is at QUORUM.
        undo: the statement that a rollback sends, once; None means that no rollback goes past this step. A rollback
            takes it from here, by ``steps=``, since the ledger is data and not code.
        post_condition: what shows that the step is done: a query that gives a row then, or a function without
            parameters that says so. With None the ledger is asked whether this very text ran before, and a statement
            whose answer was lost is not sent again.
        name: what the plan and the history call it; by default the first words of the statement.
        before: whether it comes before the steps that change the schema, instead of after them.

    >>> RawStep("GRANT SELECT ON shop.orders TO reports", undo="REVOKE SELECT ON shop.orders FROM reports").title
    'GRANT SELECT ON shop.orders TO reports'
    """

    cql: str = attrs.field(validator=_one_statement)
    undo: str | None = attrs.field(default=None, validator=attrs.validators.optional(_one_statement))
    post_condition: Proof = None
    name: str = ""
    before: bool = False

    @property
    def title(self) -> str:
        """What it is called."""
        words = one_line(self.cql)
        return self.name or (words if len(words) <= 60 else f"{words[:59]}…")

    def step(self) -> Step:
        """The step of a plan, not numbered yet."""
        return Step(
            seq=0,
            op=BY_HAND,
            object=self.title,
            cql=self.cql,
            undo=self.undo,
            summary=f"Run a statement written by hand: {self.title}.",
            why_no_undo="" if self.undo else "nobody gave its inverse",
            proof=self.post_condition,
        )


def with_raw(plan: Plan, raw: Iterable[RawStep], kept: Collection[str], allow: Collection[str] = ()) -> Plan:
    """The plan with what is written by hand before and after its steps, numbered anew.

    Parameters:
        kept: keyspaces that no statement may drop.
        allow: as of a migration; whatever else drops a keyspace is refused without it.
    """
    refusals, first, last = list(plan.refusals), list[Step](), list[Step]()
    for one in raw:
        said = dropped_keyspace(one.cql, kept, allow)
        if said is not None and said.severity == "error":
            refusals.append(said)
        else:
            step = attrs.evolve(one.step(), data_loss=said is not None, lints=() if said is None else (said,))
            (first if one.before else last).append(step)
    steps = [attrs.evolve(step, seq=seq) for seq, step in enumerate([*first, *plan.steps, *last], 1)]
    return attrs.evolve(plan, steps=tuple(steps), refusals=tuple(refusals))
