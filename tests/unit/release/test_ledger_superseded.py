"""Models that were replaced, and what a start-up sync of them may do."""

from __future__ import annotations

import pytest

from scyllamodel.errors import SupersededModels
from scyllamodel.release.ledger import Migration
from scyllamodel.release.ledger.superseded import check_may_sync, find_superseded
from scyllamodel.schema.plan import make_plan
from scyllamodel.schema.server.profile import ServerProfile
from support.builders import desired, schema, table

SERVER = ServerProfile()
LIVE = schema(table("t", "id int pk", options={"gc_grace_seconds": 9}))
NOTHING = make_plan(desired(table("t")), LIVE, SERVER)
OPTIONS = make_plan(desired(table("t", "id int pk", options={"gc_grace_seconds": 5})), LIVE, SERVER)
COLUMN = make_plan(desired(table("t", "id int pk", "a text")), LIVE, SERVER)
BOTH = make_plan(desired(table("t", "id int pk", "a text", options={"gc_grace_seconds": 5})), LIVE, SERVER)
REFUSED = make_plan(desired(table("t", "id text pk")), LIVE, SERVER)


def versions(*output):
    """Versions of these models, newest first, as ``fingerprint`` or ``fingerprint status kind``."""
    rows = []
    for number, text in enumerate(reversed(output), 1):
        models_to, status, kind = [*text.split(), "applied", "sync"][:3] if " " not in text else text.split()
        rows.append(Migration("k/default", number, models_to=models_to, status=status, kind=kind))
    return rows[::-1]


GO, NOTE, NO = "continue", "LG101", "refused"

# the versions, newest first; the models; the plan; the answer
CASES = [
    ("no history", [], "a", COLUMN, GO),
    ("new models", ["a"], "b", COLUMN, GO),
    ("the head's own", ["a"], "a", COLUMN, GO),
    ("the head's own, which stopped half-way", ["b partial sync", "a"], "b", COLUMN, GO),
    ("replaced, nothing missing", ["b", "a"], "a", NOTHING, NOTE),
    ("replaced, options differ", ["b", "a"], "a", OPTIONS, NOTE),
    ("replaced, a column is missing", ["b", "a"], "a", COLUMN, NO),
    ("replaced, both", ["b", "a"], "a", BOTH, NO),
    ("replaced long ago", ["c", "b", "a"], "a", COLUMN, NO),
    ("replaced and deployed again", ["a", "b", "a"], "a", COLUMN, GO),
    ("rolled back", ["a applied rollback", "b rolled_back sync", "a"], "b", COLUMN, NO),
    ("rolled back to", ["a applied rollback", "b rolled_back sync", "a"], "a", COLUMN, GO),
    ("a rollback that stopped half-way", ["a partial rollback", "b", "a"], "b", COLUMN, NO),
    ("newer than a rollback", ["a applied rollback", "b rolled_back sync", "a"], "c", COLUMN, GO),
    ("replaced by what was given up", ["b abandoned sync", "a"], "a", COLUMN, GO),
    ("given up themselves", ["a", "b abandoned sync"], "b", COLUMN, GO),
    ("replaced by what failed", ["b failed sync", "a"], "a", COLUMN, NO),
    ("replaced, and refused anyway", ["b", "a"], "a", REFUSED, NOTE),
]


@pytest.mark.parametrize(
    ("output", "models", "plan", "answer"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_what_a_start_up_sync_may_do(output, models, plan, answer):
    """A start-up sync restores nothing if its fingerprint is in the ledger and is not the newest one."""
    try:
        outcome = check_may_sync(versions(*output), models, plan)
    except SupersededModels:
        assert answer == NO
    else:
        assert answer == (GO if outcome is None else outcome.code)


def test_before_the_first_version_no_models_are_in_force():
    """After a rollback to version 0 all models that were ever applied are superseded."""
    rolled = [Migration("k/default", 2, kind="rollback", status="applied"), *versions("a")]

    assert (rolled[1], rolled[0]) == find_superseded(rolled, "a")
    assert find_superseded(rolled, "b") is None


def test_the_error_says_what_is_missing_and_who_replaced_it():
    """The error has the version, the newest version, the missing statements, and the command that would run them."""
    head = Migration("k/default", 2, models_to="b", host="web-1", actor="deploy")
    with pytest.raises(SupersededModels) as exc_info:
        check_may_sync([head, *versions("a")], "a", BOTH)

    assert (1, 2, tuple(BOTH.cql)) == (exc_info.value.version, exc_info.value.head, exc_info.value.missing)
    assert all(text in str(exc_info.value) for text in ("deploy@web-1", COLUMN.cql[0], "scyllamodel migrate"))
    assert (3, "LG101") == (exc_info.value.exit_code, exc_info.value.code)
