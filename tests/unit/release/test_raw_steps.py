"""Hand-written steps in plans, ledgers, logs and errors, where secret ones are never shown."""

from __future__ import annotations

import json
import logging
import pickle
import traceback

import attrs
import pytest

from scyllamodel._secret import HiddenText, display_text
from scyllamodel.errors import StepFailed
from scyllamodel.release.engine.raw_steps import RawStep, is_recorded_as, plan_step, with_raw_steps
from scyllamodel.release.ledger import LedgerStep
from scyllamodel.release.ledger.records import step_row
from scyllamodel.release.rollback.raw_undo import raw_undo, undo_step
from scyllamodel.schema.apply import StatementRefused, apply
from scyllamodel.schema.facts.objects import SchemaFacts
from scyllamodel.schema.plan import Plan
from scyllamodel.schema.rules.raw_statements import RawStatementChecker
from scyllamodel.schema.rules.roles import changes_roles
from scyllamodel.schema.server.profile import ServerProfile
from support.simulator import Simulator

SECRET = "hunter2"
ROLE = f"CREATE ROLE app WITH PASSWORD = '{SECRET}' AND LOGIN = true"
JUDGE = RawStatementChecker("k", (), ServerProfile())
EMPTY = Plan("k", "cassandra 5.0.6", "sha256:0", "sha256:1")


@pytest.mark.parametrize(
    ("step", "secret"),
    [
        (RawStep(ROLE), True),
        (RawStep("alter role app with hashed password = 'x'"), True),
        (RawStep("DROP ROLE app", undo=ROLE), True),
        (RawStep("INSERT INTO t (a) VALUES (1)", secret=True), True),
        (RawStep(ROLE, secret=False), False),
        (RawStep("INSERT INTO t (a) VALUES ('PASSWORD') -- PASSWORD"), False),
        (RawStep('INSERT INTO t ("password_hash") VALUES (1)'), False),
    ],
    ids=range(7),
)
def test_a_password_makes_a_step_secret(step, secret):
    """The keyword PASSWORD makes a step secret, unless it is in a literal, a comment or another name."""
    assert secret == step.secret


@pytest.mark.parametrize(
    ("cql", "expected"),
    [
        *((f"{verb} {kind} a", True) for verb in ("CREATE", "ALTER", "DROP") for kind in ("ROLE", "user")),
        ("ADD IDENTITY 'spiffe://a' TO ROLE 'b'", True),
        ("DROP IDENTITY 'spiffe://a'", True),
        ("grant SELECT ON k.t TO a", True),
        ("/* gone */ REVOKE a FROM b", True),
        ("UPDATE user SET name = 'a' WHERE id = 1", False),
        ("DROP TABLE user", False),
        ("TRUNCATE role", False),
        ("TRUNCATE revoke", False),
        ("BEGIN", False),
        ("-- nothing", False),
    ],
)
def test_a_statement_on_roles_is_recognized_by_its_first_words(cql, expected):
    """A statement on a table that is named like a role or a user is none of them."""
    assert expected is changes_roles(cql)
    assert expected is ("changes roles" in plan_step(RawStep(cql)).summary)


def test_what_is_sent_of_a_secret_step_is_what_was_written():
    """The executor gets the statement of a secret step unchanged."""
    assert ROLE.encode() == plan_step(RawStep(ROLE)).statement.encode()


def test_nothing_that_a_plan_says_has_the_statement():
    """The repr, text, HTML, JSON and pickle of a plan and its steps contain a digest, which is always the same."""
    raw = RawStep(ROLE, undo=f"ALTER ROLE app WITH PASSWORD = 'old {SECRET}'")
    plan = with_raw_steps(EMPTY, [raw], ())
    (step,) = plan.steps
    values = [repr(raw), f"{raw}", repr(plan), plan.render(), plan._repr_html_(), json.dumps(plan.to_dict())]
    values += [pickle.dumps(value).decode("latin-1") for value in (plan, step, raw)]
    values += [repr(step), str(attrs.asdict(step)), repr(vars(StepFailed("no", step=step, applied=0, result=None)))]

    assert [] == [text for text in values if SECRET in text]
    assert plan.fingerprint == with_raw_steps(EMPTY, [raw], ()).fingerprint
    assert plan.fingerprint != with_raw_steps(EMPTY, [RawStep(ROLE.replace(SECRET, "other"))], ()).fingerprint


def test_two_roles_of_one_password_have_two_digests():
    """The digest is salted with the statement without its literals, so it does not reveal equal passwords."""
    assert display_text(HiddenText(ROLE)) != display_text(HiddenText(ROLE.replace("app", "other")))


def failing(error):
    """The error of a run whose server refuses the secret step with this error."""
    simulator = Simulator(SchemaFacts())

    def execute(cql, timeout):
        raise error

    simulator.execute = execute
    with pytest.raises(StepFailed) as exc_info:
        apply(with_raw_steps(EMPTY, [RawStep(ROLE)], ()), simulator)
    return exc_info.value.with_traceback(exc_info.tb.tb_next)  # the locals of this function have the error itself


@pytest.mark.parametrize("kind", [StatementRefused, RuntimeError])
def test_no_error_of_a_secret_step_quotes_it(kind, caplog):
    """Servers quote statements in errors, but neither text, cause, locals nor result of the error contains it."""
    caplog.set_level(logging.DEBUG)
    error = failing(kind(f"line 1:9 mismatched input {ROLE}"))
    output = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())

    assert kind.__name__ in str(error)
    assert error.__cause__ is None
    assert SECRET not in f"{error}{error!r}{vars(error)}{json.dumps(error.to_dict())}{pickle.dumps(error)}{output}"
    assert SECRET not in caplog.text


def ledger_step(raw):
    """The step as the ledger stores it."""
    step = plan_step(raw)
    return LedgerStep("k/default", 3, 1, step.op, step.object, step.cql, step.undo, state="applied")


def test_the_ledger_has_digests_that_the_code_is_known_by():
    """A row contains neither statement nor undo, and is matched with the step in the code, as is an earlier row."""
    raw = RawStep(ROLE, undo="DROP ROLE app")
    row = step_row(ledger_step(raw))
    old = attrs.evolve(ledger_step(raw), cql=ROLE)

    assert SECRET not in str(row)
    assert "DROP ROLE" not in str(row)
    assert is_recorded_as(raw, row["cql"])
    assert is_recorded_as(raw, old.cql)
    assert not is_recorded_as(RawStep(ROLE.replace(SECRET, "other")), row["cql"])


def test_a_secret_undo_comes_from_the_code_alone():
    """A secret undo is sent if the code has it and never shown, and without the code it cannot be allowed."""
    raw = RawStep("DROP ROLE app", undo=ROLE)
    stored = ledger_step(raw)
    step = undo_step(stored, raw_undo(stored, "open", [raw], (), (), JUDGE))
    (refusal,) = raw_undo(stored, "open", [], (), (), JUDGE).diagnostics

    assert (ROLE.encode(), True) == (step.statement.encode(), SECRET not in f"{step!r}{step.to_dict()}")
    assert ("RB107", "", "error") == (refusal.code, refusal.allow or "", refusal.severity)
    assert "Pass its RawStep" in refusal.fix


def test_a_secret_undo_that_cannot_be_parsed_is_not_quoted():
    """The diagnostic of an undo that cannot be parsed quotes it unless it is secret."""
    broken = f"ALTER TABLE k.t ADD {SECRET} ((("

    def text(raw):
        stored = ledger_step(raw)
        (diagnostic,) = raw_undo(stored, "open", [raw], (), (), JUDGE).diagnostics
        return diagnostic.text

    assert text(RawStep("INSERT x", undo=broken, secret=True)).endswith(" could not be parsed")
    assert " could not be parsed: " in text(RawStep("INSERT x", undo=broken))


def test_an_undo_whose_outcome_is_unknown_is_sent_or_left_out_as_allowed():
    """An undo with unknown outcome is refused as RB106, and is sent or counted as applied if that is allowed."""
    raw = RawStep("INSERT x", undo="DELETE x")
    stored = ledger_step(raw)

    refused = raw_undo(stored, "unknown", [raw], (), (), JUDGE)
    sent = raw_undo(stored, "unknown", [raw], (), {"RB106:3/1"}, JUDGE)
    done = raw_undo(stored, "unknown", [raw], (), {"RB106:3/1:done"}, JUDGE)

    assert [("RB106", "error")] == [(diagnostic.code, diagnostic.severity) for diagnostic in refused.diagnostics]
    assert ("DELETE x", (), False) == (sent.cql, sent.diagnostics, sent.is_done)
    assert done.is_done


def test_an_undo_that_drops_a_keyspace_says_that_data_is_lost():
    """An undo that drops a keyspace is marked as data loss, in addition to other diagnostics."""
    stored = ledger_step(RawStep("CREATE KEYSPACE old …", undo="DROP KEYSPACE old"))
    undo = raw_undo(stored, "open", [], (), {"DS101"}, JUDGE)

    assert {"DS101", "RB107"} == {diagnostic.code for diagnostic in undo.diagnostics}
    assert undo_step(stored, undo).data_loss
