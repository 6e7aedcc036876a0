"""When a hand-written step counts as done, and which steps are reported as changes of roles."""

from __future__ import annotations

import attrs
import pytest

from scyllamodel import RawStep
from scyllamodel.release.engine.raw_steps import plan_step, uncertain_step_refusals
from scyllamodel.release.ledger import LedgerStep, Migration
from scyllamodel.release.ledger.undo_progress import executed_raw_steps

REVOKE = "REVOKE MODIFY ON KEYSPACE shop FROM app"
STEP = LedgerStep("shop/default", 5, 1, op="run", cql=REVOKE, state="applied")
VERSION = Migration("shop/default", 5, status="applied", models=("shop.models",), total=1, steps=(STEP,))


def test_a_step_of_a_known_version_is_done():
    """A step of an applied version is done, and is identified by its statement."""
    assert {REVOKE: STEP} == executed_raw_steps([VERSION], ["shop.models", "shop.more"])
    assert {REVOKE: STEP} == executed_raw_steps([VERSION])


@pytest.mark.parametrize(
    "forged",
    [
        attrs.evolve(VERSION, models=("others.models",)),
        attrs.evolve(VERSION, total=0),
        attrs.evolve(VERSION, kind="rollback"),
        attrs.evolve(VERSION, status="abandoned"),
        attrs.evolve(VERSION, status="rolled_back"),
        attrs.evolve(VERSION, steps=(attrs.evolve(STEP, op="add_table"),)),
        attrs.evolve(VERSION, steps=(attrs.evolve(STEP, state="claimed"),)),
        attrs.evolve(VERSION, steps=(attrs.evolve(STEP, cql=f"{REVOKE} "),)),
    ],
)
def test_a_step_that_the_ledger_does_not_account_for_is_not_done(forged):
    """A step of other models, or beyond the recorded number of steps, does not count as done."""
    assert REVOKE not in executed_raw_steps([forged], ["shop.models"])


@pytest.mark.parametrize(
    ("cql", "changes"),
    [
        ("GRANT SELECT ON shop.orders TO reports", True),
        ("/* grant */ revoke all on all keyspaces from app", True),
        ("--x\rALTER ROLE app WITH SUPERUSER = true", True),
        ("CREATE USER app", True),
        ("DROP ROLE IF EXISTS app", True),
        ("ADD IDENTITY 'x' TO ROLE 'app'", True),
        ("INSERT INTO shop.grants (id) VALUES (1)", False),
        ("DROP TABLE role", False),
        ("", False),
    ],
)
def test_statements_on_roles_are_named_as_such(cql, changes):
    """The description of a step names statements on roles, whatever their comments and case."""
    summary, undo = plan_step(RawStep(cql or "x")).summary, plan_step(RawStep("x", undo=cql or "x")).summary

    assert changes == ("which changes roles or permissions" in summary)
    assert changes == ("which changes roles or permissions" in undo)


def test_a_statement_that_may_have_run_is_refused():
    """Missing rows make a statement uncertain, unless it has a post-condition or is allowed."""
    without_steps = attrs.evolve(VERSION, applied=1, steps=())
    raw = [RawStep("UPDATE k.t SET n = n + 1", name="count"), RawStep("UPDATE x", post_condition="SELECT x")]
    (refusal,) = uncertain_step_refusals(raw, [VERSION, without_steps])

    assert ("LG107", "count", f"LG107:{without_steps.version}") == (refusal.code, refusal.object, refusal.allow)
    assert [] == [
        *uncertain_step_refusals(raw, [without_steps], {f"LG107:{without_steps.version}"}),
        *uncertain_step_refusals(raw, [VERSION]),
    ]
    assert [] == [*uncertain_step_refusals(raw, [attrs.evolve(without_steps, status="rolled_back")])]
