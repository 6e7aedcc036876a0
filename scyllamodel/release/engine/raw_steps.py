"""Raw steps: hand-written statements that are planned and recorded beside those of the models.

*In*: `RawStep` values and the ledger. *Out*: steps of a plan. For data fixes, grants, and other CQL that no model
declares.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import product
from typing import TypeAlias

import attrs

from scyllamodel._cql import code_tokens
from scyllamodel._secret import HiddenText, display_text, is_digest
from scyllamodel.release.ledger.records import LedgerStep, Migration
from scyllamodel.schema.changes.postconditions import keyspace_of
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts.objects import KeyspaceFacts, SchemaFacts
from scyllamodel.schema.plan import RAW_OP, Plan, Step
from scyllamodel.schema.rules.destructive import dropped_keyspace
from scyllamodel.schema.rules.evaluation import Racks, Topology
from scyllamodel.schema.rules.raw_statements import RawStatementChecker, changes_keyspaces, keyspaces_of
from scyllamodel.schema.rules.roles import changes_roles, role_change_note
from scyllamodel.schema.server.profile import ServerProfile

PostCondition: TypeAlias = str | Callable[[], bool] | None


def _validate_statement(_: object, attribute: attrs.Attribute[str], value: object) -> None:
    if not isinstance(value, str) or not value.strip():
        raise TypeError(f"RawStep({attribute.name}=…) takes one CQL statement, as text")


def _has_password(step: RawStep) -> bool:
    """Whether a statement contains the word PASSWORD; it precedes the secret in statements on roles."""
    return any(
        token.text.upper() == "PASSWORD"
        for statement in (step.cql, step.undo)
        if isinstance(statement, str)
        for token in code_tokens(statement)
    )


@attrs.frozen
class RawStep:
    """A hand-written statement that runs once; raw steps run in the given order.

    Attributes:
        cql: the statement, sent as it is at QUORUM.
        undo: the statement that a rollback runs, once; None means that no rollback can pass this step. A rollback takes
            it from ``steps=``, not from the ledger, which is data and not code.
        post_condition: proves that the step is done: a query that returns a row, or a function that returns True. With
            None the ledger decides, by this very text, and a statement whose response was lost is not sent again. Set
            it on statements that change roles: a user who may write the ledger could otherwise keep them from running.
        name: shown in plans, history, logs and spans; logs and spans never quote a statement.
        before: whether it runs before the schema changes instead of after them.
        secret: whether the statements are never shown: plans and the ledger hold a digest, errors no text. True by
            default for statements with the word ``PASSWORD``.

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
        """Name of the step, for plans and messages."""
        return self.name or "a hand-written step"


def is_recorded_as(raw_step: RawStep, statement: str) -> bool:
    """Whether a recorded statement is that of a raw step; older releases recorded secrets in plain text."""
    return statement == raw_step.cql or (is_digest(statement) and statement == display_text(raw_step.cql))


def recorded_step(raw_step: RawStep, executed: Mapping[str, LedgerStep]) -> LedgerStep | None:
    """Return the executed ledger step of a raw step, if any; ``executed`` is keyed by recorded statement."""
    return executed.get(raw_step.cql) or executed.get(display_text(raw_step.cql))


def plan_step(raw_step: RawStep) -> Step:
    """Return the step of a plan for a raw step, without its number."""
    return Step(
        seq=0,
        op=RAW_OP,
        object=raw_step.title,
        cql=display_text(raw_step.cql),
        undo=None if raw_step.undo is None else display_text(raw_step.undo),
        secret_statement=raw_step.cql if raw_step.secret else None,
        summary=f"Run {f'the hand-written step {raw_step.name}' if raw_step.name else 'a hand-written step'}"
        f"{role_change_note(raw_step.cql, raw_step.undo)}.",
        why_no_undo="" if raw_step.undo else "it has no undo",
        post_condition=raw_step.post_condition,
    )


def with_raw_steps(
    plan: Plan,
    raw_steps: Iterable[RawStep],
    protected: Collection[str],
    allow: Collection[str] = (),
    evaluator: RawStatementChecker | None = None,
) -> Plan:
    """Add raw steps before and after the steps of a plan, and number all of them.

    Parameters:
        protected: keyspaces that no statement may drop.
        allow: as in `migrate`; other keyspaces are dropped only with it.
        evaluator: knows the schema before the plan; None where it is unknown.
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
    """Yield notes on statements about roles that are skipped because the ledger says that they ran.

    Parameters:
        executed: the executed steps of the ledger, by recorded statement.
    """
    for raw_step in raw_steps:
        if raw_step.post_condition is not None or not changes_roles(raw_step.cql):
            continue
        step = recorded_step(raw_step, executed)
        if step is not None:
            text = (
                f"it changes roles, and only the ledger says that it ran, as step {step.seq} of version {step.version}"
            )
            suggested_fix = (
                "Check that it is in effect, and give it a post_condition= that asks the server, such as LIST …"
            )
            yield Diagnostic("LG106", "note", raw_step.title, text, suggested_fix)


def statement_checker(
    keyspace: str,
    statements: Collection[str],
    live: SchemaFacts,
    server: ServerProfile,
    *,
    introspect: Callable[[Iterable[str]], Iterable[KeyspaceFacts]],
    places: Callable[[SchemaFacts], tuple[Topology, Racks | None]],
) -> RawStatementChecker:
    """Return a checker that knows the live schema, with the keyspaces that only these statements mention.

    Parameters:
        introspect: reads further keyspaces.
        places: reads the numbers of nodes and the racks; called only if a statement changes a keyspace.
    """
    others = {name for cql in statements for name in keyspaces_of(cql)} - {part.name for part in live}
    known = SchemaFacts((*live, *introspect(sorted(others))))
    topology, racks = places(known) if any(map(changes_keyspaces, statements)) else (None, None)
    return RawStatementChecker(keyspace, known, server, topology=topology, racks=racks)


def uncertain_step_refusals(
    raw_steps: Iterable[RawStep], versions: Iterable[Migration], allow: Collection[str] = ()
) -> Iterator[Diagnostic]:
    """Refuse raw steps that may have run, where rows of the ledger are missing.

    Parameters:
        raw_steps: those without a recorded execution.
        versions: with their steps.
    """
    faulty = [
        version
        for version in versions
        if version.is_in_effect and f"LG107:{version.version}" not in allow and version.fault is not None
    ]
    unproved = [raw_step for raw_step in raw_steps if raw_step.post_condition is None] if faulty else []
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
    """Return steps of the statements that may run; refusals of the others are appended to ``refusals``."""
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
            steps.append(attrs.evolve(plan_step(raw_step), data_loss=drop_refusal is not None, lints=diagnostics))
    return steps


def _undo_warnings(
    raw_step: RawStep, protected: Collection[str], evaluator: RawStatementChecker
) -> Iterator[Diagnostic]:
    """Yield problems of the undo statement, as warnings, since it does not run now."""
    if raw_step.undo is None:
        return
    drop_refusal = dropped_keyspace(raw_step.undo, protected)
    diagnostics = (
        *([] if drop_refusal is None else [drop_refusal]),
        *evaluator.check(raw_step.undo, may_quote=not raw_step.secret, runs=False),
    )
    for diagnostic in diagnostics:
        yield attrs.evolve(diagnostic, severity="warn", text=f"its undo: {diagnostic.text}", allow="")
