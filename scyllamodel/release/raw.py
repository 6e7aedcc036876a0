"""Statements that somebody wrote by hand, in the plan and the ledger beside those that models ask for.

*In*: `RawStep` values and what is known of them. *Out*: steps of a plan. For data fixes, grants, and whatever else CQL
has that no model declares.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import product
from typing import TypeAlias

import attrs

from scyllamodel._cql import code_tokens
from scyllamodel._secret import HiddenText, display_text, is_digest
from scyllamodel.release.ledger.values import LedgerStep, Migration
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.plan import RAW_OP, Plan, Step
from scyllamodel.schema.postcondition import keyspace_of
from scyllamodel.schema.rules.destructive import dropped_keyspace
from scyllamodel.schema.rules.handwritten import RawStatementChecker
from scyllamodel.schema.rules.roles import changes_roles, role_change_note
from scyllamodel.schema.server import ServerProfile

PostCondition: TypeAlias = str | Callable[[], bool] | None


def _validate_statement(_: object, attribute: attrs.Attribute[str], value: object) -> None:
    if not isinstance(value, str) or not value.strip():
        raise TypeError(f"RawStep({attribute.name}=…) is one CQL statement, as text")


def _has_password(step: RawStep) -> bool:
    """Whether a statement of the step has the word; a role's statements have it before the secret."""
    return any(
        token.text.upper() == "PASSWORD"
        for statement in (step.cql, step.undo)
        if isinstance(statement, str)
        for token in code_tokens(statement)
    )


@attrs.frozen
class RawStep:
    """One statement that runs once, in the order in which the steps are given.

    Attributes:
        cql: the statement, sent as it is at QUORUM.
        undo: the statement that a rollback sends, once; None means that no rollback goes past this step. A rollback
            takes it from here, by ``steps=``, since the ledger is data and not code.
        post_condition: what shows that the step is done: a query that gives a row then, or a function without
            parameters that says so. With None the ledger is asked whether this very text ran before, and a statement
            whose answer was lost is not sent again. Give one to a statement that changes roles: who may write the
            ledger could keep such a statement from running.
        name: what plans, histories, logs and spans call it; logs and spans never quote a statement.
        before: whether it comes before the steps that change the schema, instead of after them.
        secret: whether the statements are sent and shown nowhere: plans and the ledger have a digest, errors no text.
            By default it is so where one of them has the word ``PASSWORD``.

    >>> RawStep("GRANT SELECT ON shop.orders TO reports", undo="REVOKE SELECT ON shop.orders FROM reports").title
    'a hand-written step'
    >>> RawStep("ALTER ROLE app WITH PASSWORD = 'x'", name="new password")
    RawStep(cql=***, undo=None, post_condition=None, name='new password', before=False, secret=True)
    """

    cql: str = attrs.field(validator=_validate_statement)
    undo: str | None = attrs.field(default=None, validator=attrs.validators.optional(_validate_statement))
    post_condition: PostCondition = None
    name: str = ""
    before: bool = False
    secret: bool = attrs.field(default=attrs.Factory(_has_password, takes_self=True))

    def __attrs_post_init__(self) -> None:
        if self.secret:
            object.__setattr__(self, "cql", HiddenText(self.cql))
            object.__setattr__(self, "undo", None if self.undo is None else HiddenText(self.undo))

    @property
    def title(self) -> str:
        """What it is called."""
        return self.name or "a hand-written step"

    def matches(self, statement: str) -> bool:
        """Whether a statement in the ledger is this one; an earlier release wrote secret ones as they are."""
        return statement == self.cql or (is_digest(statement) and statement == display_text(self.cql))

    def find_recorded(self, executed: Mapping[str, LedgerStep]) -> LedgerStep | None:
        """The step of the ledger that is this one, of those that ran, by their statement as it is recorded."""
        return executed.get(self.cql) or executed.get(display_text(self.cql))

    def to_step(self) -> Step:
        """The step of a plan, not numbered yet."""
        return Step(
            seq=0,
            op=RAW_OP,
            object=self.title,
            cql=display_text(self.cql),
            undo=None if self.undo is None else display_text(self.undo),
            secret_statement=self.cql if self.secret else None,
            summary=f"Run {f'the hand-written step {self.name}' if self.name else 'a hand-written step'}"
            f"{role_change_note(self.cql, self.undo)}.",
            why_no_undo="" if self.undo else "nobody gave its inverse",
            post_condition=self.post_condition,
        )


def with_raw_steps(
    plan: Plan,
    raw_steps: Iterable[RawStep],
    protected: Collection[str],
    allow: Collection[str] = (),
    evaluator: RawStatementChecker | None = None,
) -> Plan:
    """The plan with what is written by hand before and after its steps, numbered anew.

    Parameters:
        protected: keyspaces that no statement may drop.
        allow: as of a migration; whatever else drops a keyspace is refused without it.
        evaluator: knows the schema before the plan runs; None where nothing is known of it.
    """
    raw_steps, evaluator = tuple(raw_steps), evaluator or RawStatementChecker(plan.keyspace, (), ServerProfile())
    refusals = list(plan.refusals)
    leading = _permitted_steps(
        (raw_step for raw_step in raw_steps if raw_step.before), protected, allow, evaluator, refusals
    )
    for step in plan.steps:
        if step.change is not None:
            evaluator.record_change(keyspace_of(step.change), step.change)
    trailing = _permitted_steps(
        (raw_step for raw_step in raw_steps if not raw_step.before), protected, allow, evaluator, refusals
    )
    steps = [attrs.evolve(step, seq=seq) for seq, step in enumerate([*leading, *plan.steps, *trailing], 1)]
    return attrs.evolve(plan, steps=tuple(steps), refusals=tuple(refusals))


def role_notes(raw_steps: Iterable[RawStep], executed: Mapping[str, LedgerStep]) -> Iterator[Diagnostic]:
    """A note on each statement about roles that is left out since the ledger alone says that it ran.

    Parameters:
        executed: the steps of the ledger that ran, by their statement as it is recorded.
    """
    for raw_step in raw_steps:
        if raw_step.post_condition is not None or not changes_roles(raw_step.cql):
            continue
        step = raw_step.find_recorded(executed)
        if step is not None:
            text = (
                f"it changes roles, and only the ledger says that it ran, as step {step.seq} of version {step.version}"
            )
            suggested_fix = (
                "Look whether it is in force, and give it a post_condition= that asks the server, such as LIST …"
            )
            yield Diagnostic("LG106", "note", raw_step.title, text, suggested_fix)


def uncertain_step_refusals(
    raw_steps: Iterable[RawStep], versions: Iterable[Migration], allow: Collection[str] = ()
) -> Iterator[Diagnostic]:
    """A refusal of each statement that may have run, as far as a history tells of which rows are missing.

    Parameters:
        raw_steps: those that count as not run yet.
        versions: the history, with steps.
    """
    faulty = [
        raw_step
        for raw_step in versions
        if raw_step.is_in_effect and f"LG107:{raw_step.version}" not in allow and raw_step.fault is not None
    ]
    unproved = [migration for migration in raw_steps if migration.post_condition is None] if faulty else []
    for raw_step, version in product(unproved, faulty):
        text = f"it may have run: of version {version.version}, {version.fault}"
        suggested_fix = f"Give it a post_condition=; or, if it did not run, allow LG107:{version.version}"
        yield Diagnostic("LG107", "error", raw_step.title, text, suggested_fix, allow=f"LG107:{version.version}")


def _permitted_steps(
    raw_steps: Iterable[RawStep],
    protected: Collection[str],
    allow: Collection[str],
    evaluator: RawStatementChecker,
    refusals: list[Diagnostic],
) -> list[Step]:
    """The steps of statements that may run; what refuses the others is added to the refusals."""
    steps = list[Step]()
    for raw_step in raw_steps:
        drop_refusal = dropped_keyspace(raw_step.cql, protected, allow)
        diagnostics = (
            *([] if drop_refusal is None else [drop_refusal]),
            *evaluator.check(raw_step.cql, may_quote=not raw_step.secret),
        )
        diagnostics += tuple(_undo_warnings(raw_step, protected, evaluator))
        errors = [diagnostic for diagnostic in diagnostics if diagnostic.severity == "error"]
        refusals += errors
        if not errors:
            steps.append(attrs.evolve(raw_step.to_step(), data_loss=drop_refusal is not None, lints=diagnostics))
    return steps


def _undo_warnings(
    raw_step: RawStep, protected: Collection[str], evaluator: RawStatementChecker
) -> Iterator[Diagnostic]:
    """What a rollback would refuse or warn of, as warnings: the undo does not run now."""
    if raw_step.undo is None:
        return
    drop_refusal = dropped_keyspace(raw_step.undo, protected)
    diagnostics = (
        *([] if drop_refusal is None else [drop_refusal]),
        *evaluator.check(raw_step.undo, may_quote=not raw_step.secret, runs=False),
    )
    for diagnostic in diagnostics:
        yield attrs.evolve(diagnostic, severity="warn", text=f"its undo: {diagnostic.text}", allow="")
