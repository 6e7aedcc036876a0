"""The command line against a real server, each command a process of its own."""

from __future__ import annotations

import os
import re
import shlex
import signal
import sys
import time
from itertools import islice

import pytest

from scyllamodel.release.ledger.tables import TABLES
from support.json_schemas import document_in
from support.project import AUDIT, MODELS
from support.shell import command, environment, on_a_terminal, remaining_output, start

pytestmark = pytest.mark.live

PAGE = """
class Page{number}(Model, table="page_{number:02}"):
    id: Column[UUID] = partition_key()
"""
MANY = "from uuid import UUID\nfrom scyllamodel import Column, Model, partition_key\n" + "".join(
    PAGE.format(number=number) for number in range(40)
)
STATEMENTS = 4
"""Two tables, an index, and the keyspace; what a plan shows besides are the four tables of our bookkeeping."""


def test_the_whole_round(app):
    """From an empty server to a schema in sync: the output and exit code of each command, in the order of a release."""
    codes = [
        (arguments, app.run(*shlex.split(arguments)).returncode)
        for arguments in (
            "check",
            "plan",
            "create-keyspace",
            "create-keyspace",
            "plan",
            "plan --exit-code",
            "check",
            "migrate --dry-run",
            "check",
            "migrate",
            "migrate",
            "plan --exit-code",
            "check",
            "check --strict",
            "inspect",
            "lint",
        )
    ]

    assert [
        ("check", 2),
        ("plan", 3),
        ("create-keyspace", 0),
        ("create-keyspace", 0),
        ("plan", 0),
        ("plan --exit-code", 2),
        ("check", 2),
        ("migrate --dry-run", 0),
        ("check", 2),
        ("migrate", 0),
        ("migrate", 0),
        ("plan --exit-code", 0),
        ("check", 0),
        ("check --strict", 0),
        ("inspect", 0),
        ("lint", 0),
    ] == codes


def test_a_dry_run_prints_what_then_runs(app):
    """A plan, a dry run and the run itself, each with -v, print identical statements."""
    planned = document_in(app.run("plan", "--json", "--create-keyspace").stdout)
    text = app.run("migrate", "--dry-run", "--create-keyspace", "-v").stdout
    dry = document_in(app.run("migrate", "--dry-run", "--json", "--create-keyspace").stdout)
    result = app.run("migrate", "--create-keyspace", "-v")
    statements = [step["cql"] for step in (*planned["bootstrap"], *planned["steps"])]

    assert STATEMENTS + len(TABLES) == len(statements)
    assert statements == dry["cql"]
    assert [] == [
        line for cql in statements for line in cql.splitlines() if line not in text or line not in result.stdout
    ]
    assert "Dry run: nothing was changed." in text


def test_a_migration_is_reported_step_by_step(app):
    """Numbered steps with milliseconds, then a summary; a second run has nothing to do."""
    result = app.run("migrate", "--create-keyspace")
    second = app.run("migrate")
    steps = [line for line in result.stdout.splitlines() if line.endswith(" ms)")]

    assert (0, STATEMENTS) == (result.returncode, len(steps))
    assert all(re.fullmatch(r"  \+ +\d+\. .* \(\d+ ms\)", line) for line in steps)
    assert re.search(rf"\n{app.keyspace}: applied {STATEMENTS} steps in \d+ ms as version \d+.\n$", result.stdout)
    assert f"{app.keyspace}: in sync, nothing to do.\n" == second.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "kind"),
    [
        ("plan --exit-code", 2, "plan"),
        ("migrate", 0, "result"),
        ("migrate --dry-run", 0, "result"),
        ("check", 2, "check"),
        ("create-keyspace", 0, "keyspace"),
        ("inspect", 0, "inspect"),
        ("lint", 0, "lint"),
        ("grants", 0, "grants"),
        ("snapshot", 0, "snapshot"),
    ],
)
def test_every_document_is_valid_and_alone(app, arguments, code, kind):
    """With --json, stdout is exactly one document that conforms to its schema."""
    app.run("create-keyspace")
    result = app.run(*arguments.split(), "--json")

    assert (code, kind) == (result.returncode, document_in(result.stdout)["kind"])


def test_a_result_tells_every_step(app):
    """The document of a migration has a state, attempts and milliseconds for each step, the keyspace included."""
    document = document_in(app.run("migrate", "--create-keyspace", "--json").stdout)

    assert ("applied", STATEMENTS) == (document["status"], len(document["steps"]))
    assert {("applied", 1, None)} == {(step["state"], step["attempts"], step["error"]) for step in document["steps"]}


def test_inspect_prints_cql_that_makes_the_same_schema(ready):
    """The printed CQL of one keyspace creates another one that prints the same."""
    script = ready.run("inspect").stdout
    for statement in script.replace(ready.keyspace, f"{ready.keyspace}_b").split(";\n"):
        if statement.strip():
            ready.repo.session.execute(statement, timeout=60)
    second = ready.run("inspect", "--keyspace", f"{ready.keyspace}_b").stdout

    assert script == second.replace(f"{ready.keyspace}_b", ready.keyspace)


def test_inspect_prints_facts_as_json(ready):
    """The document names tables, columns in key order, and indexes."""
    (keyspace,) = document_in(ready.run("inspect", "--format", "json").stdout)["keyspaces"]
    orders = next(table for table in keyspace["tables"] if table["name"] == "orders")

    assert ready.keyspace == keyspace["name"]
    assert [("customer", False), ("placed", True), ("status", False)] == [
        (column["name"], column["descending"]) for column in orders["columns"]
    ]


def test_inspect_prints_models_that_are_in_step(ready):
    """The printed Python can be used as the models, and the strict check reports nothing."""
    ready.write("models", ready.run("inspect", "--format", "models").stdout)
    result = ready.run("check", "--strict")

    assert (0, "") == (result.returncode, result.stderr)


def test_inspect_prints_a_diagram(ready):
    """The diagram has every table, and distinguishes clustering keys."""
    result = ready.run("inspect", "--format", "mermaid")

    assert result.stdout.startswith("erDiagram\n")
    assert 'timeuuid placed PK "clustering, descending"' in result.stdout


def test_a_plan_file_runs_as_it_was_approved(app):
    """A plan file runs, its new keyspace included; once the schema has changed, it is stale and nothing runs."""
    planned = app.run("plan", "--create-keyspace", "--out", "release.plan")
    stale = app.run("plan", "--create-keyspace", "--out", "other.plan", "--resource", "Order")
    result = app.run("migrate", "release.plan", "--json")
    second = app.run("migrate", "release.plan", "--json")
    other = app.run("migrate", "other.plan")

    assert [0, 0, 0, 4, 4] == [process.returncode for process in (planned, stale, result, second, other)]
    assert "applied" == document_in(result.stdout)["status"]
    assert "StalePlan" == document_in(second.stdout)["error"]


def test_a_plan_file_takes_the_repo_that_it_names(app):
    """Of several repos, the one on the plan's keyspace is migrated; if several match, nothing runs."""
    planned = app.run("plan", "--create-keyspace", "--out", "release.plan")
    result = app.run("migrate", "release.plan", "--keyspace", f"{app.keyspace}_b,{app.keyspace}", "--json")
    several = app.run("migrate", "release.plan", SCYLLAMODEL_REPOS="app.db:repo,app.db:audit")

    assert 0 == result.returncode, result.stdout + result.stderr
    assert (0, 0, "applied") == (planned.returncode, result.returncode, document_in(result.stdout)["status"])
    assert 64 == several.returncode
    assert "several of these repos use it" in several.stderr


def test_wait_ends_when_another_has_migrated(app):
    """A wait ends with exit code 0 once another process has migrated, and with 2 at its timeout."""
    result = app.run("wait", "--timeout", "0.5", "--json")
    with start("wait", "--repo", "app.db:repo", "--json", folder=app.folder) as waiting:
        app.run("migrate", "--create-keyspace")
        out, _ = waiting.communicate(timeout=60)
    agreed = app.run("wait", "--for", "agreed", "--json")
    built = app.run("wait", "--for", "built", "--json")

    assert [2, 0, 0, 0] == [result.returncode, waiting.returncode, agreed.returncode, built.returncode]
    assert [False, True, True, True] == [
        document_in(text)["met"] for text in (result.stdout, out, agreed.stdout, built.stdout)
    ]


def test_diff_tells_what_the_server_lacks_and_has(ready):
    """In sync there is nothing to report; a manually added column and other tables exist only on the server."""
    same = document_in(ready.run("diff", "--from", "live", "--json").stdout)
    ready.repo.session.execute(f"ALTER TABLE {ready.keyspace}.orders ADD by_hand int", timeout=60)
    result = ready.run("diff", "--from", "models", "--to", "live", "--exit-code")

    assert same["empty"]
    assert (2, f"From models to live:\n+ column {ready.keyspace}.orders.by_hand: int\n") == (
        result.returncode,
        result.stdout,
    )


def test_live_objects_of_others_are_notes(ready):
    """A table that no model declares is not drift, except for --strict; it is never changed."""
    ready.repo.session.execute(f"CREATE TABLE {ready.keyspace}.theirs (id int PRIMARY KEY)", timeout=60)
    document = document_in(ready.run("plan", "--json").stdout)

    assert (True, ["BC103"]) == (document["empty"], [note["code"] for note in document["notes"]])
    assert [0, 2] == [ready.run("check").returncode, ready.run("check", "--strict").returncode]
    assert "theirs" in ready.tables()


def test_a_change_that_cannot_be_is_refused(ready):
    """Exit code 3, every refusal at once with its code and remedy, and not even the possible changes run."""
    changed = MODELS.replace('status: Column[str] = column(default="new")', "status: Column[int] = column(default=0)")
    ready.write("models", changed)
    ready.write("more", AUDIT.replace(', repo="audit"', ""))
    arguments = ("migrate", "--models", "app.models,app.more")
    text, document = ready.run(*arguments), document_in(ready.run(*arguments, "--json").stdout)

    assert (3, "") == (text.returncode, text.stdout)
    assert "TY101" in text.stderr
    assert ("ImpossibleChange", 3, ["TY101"]) == (
        document["error"],
        document["exit_code"],
        [refusal["code"] for refusal in document["refusals"]],
    )
    assert "traces" not in ready.tables()
    assert 3 == ready.run("plan", "--models", "app.models,app.more").returncode


def test_one_model_can_be_chosen(app):
    """--resource accepts a class or table name, and leaves the other models unchanged."""
    app.run("create-keyspace")
    result = app.run("migrate", "--resource", "Order")

    assert (0, ["orders"]) == (result.returncode, app.tables())
    assert 0 == app.run("check", "--resource", "orders").returncode
    assert 78 == app.run("check", "--resource", "Ordr").returncode


def test_the_same_models_in_several_keyspaces(app):
    """--keyspace a,b migrates each of them, and the document is a list."""
    names = f"{app.keyspace},{app.keyspace}_b"
    result = app.run("migrate", "--create-keyspace", "--json", "--keyspace", names)
    document = document_in(result.stdout)

    assert (0, ["applied", "applied"]) == (result.returncode, [item["answer"]["status"] for item in document["items"]])
    assert names.split(",") == [item["keyspace"] for item in document["items"]]
    assert 0 == app.run("check", "--keyspace", names).returncode


def test_a_repo_that_fails_does_not_stop_the_others(app):
    """Exit code 6, the error of one and the result of the other; once fixed, a second run does what is missing."""
    app.run("create-keyspace")
    app.write("models", "import no_such_module")
    both = ("migrate", "--json", "--repo", "app.db:repo", "--repo", "app.db:audit")
    first = app.run(*both)
    app.write("models", MODELS)
    second = app.run(*both)

    assert (6, ["error", "result"]) == (
        first.returncode,
        [item["answer"]["kind"] for item in document_in(first.stdout)["items"]],
    )
    assert (0, ["applied", "in_sync"]) == (
        second.returncode,
        [item["answer"]["status"] for item in document_in(second.stdout)["items"]],
    )


def test_all_configured_repos_must_be_known(app):
    """Without --repo, a model bound to a repo that is not configured is an error, and nothing runs."""
    app.run("create-keyspace")
    app.write("models", MODELS + AUDIT)
    result = app.run("migrate")

    assert (78, []) == (result.returncode, app.tables())
    assert "'audit'" in result.stderr


def test_a_wrong_host_is_named_within_seconds(app):
    """Exit code 1, the host and the reason; no traceback, no wait."""
    started_at = time.monotonic()
    result = app.run("plan", "--url", "scylla://127.0.0.1:1/shop?models=app.models")

    assert (1, "") == (result.returncode, result.stdout)
    assert "127.0.0.1:1" in result.stderr
    assert "Traceback" not in result.stderr
    assert time.monotonic() - started_at < 30


def test_a_missing_keyspace_is_named(app):
    """Inspecting a keyspace that does not exist is an error that says how to create it."""
    result = app.run("inspect")

    assert (1, "") == (result.returncode, result.stdout)
    assert app.keyspace in result.stderr
    assert "create-keyspace" in result.stderr


def test_a_terminal_has_colour_and_a_bar(app):
    """A terminal shows colours, and a bar that counts the steps."""
    code, output = app.on_a_terminal("migrate", "--create-keyspace")

    assert 0 == code
    assert "\x1b[32m  +" in output
    assert f"/{STATEMENTS}" in output
    assert re.search(r" ms as version \d+\.\r\n$", output)


def test_a_pipe_has_neither(app):
    """Output to a pipe has no control characters, whatever the terminal supports."""
    result = app.run("migrate", "--create-keyspace", TERM="xterm-256color")

    assert 0 == result.returncode
    assert re.fullmatch(r"[^\x00-\x09\x0b-\x1f\x7f]*", result.stdout + result.stderr)


def test_no_color_is_heeded(app):
    """NO_COLOR turns off colours on a terminal."""
    code, output = app.on_a_terminal("plan", "--create-keyspace", NO_COLOR="1")

    assert 0 == code
    assert "\x1b" not in output


def test_json_on_a_terminal_is_one_document(app):
    """JSON on a terminal is one document, without colours or a bar."""
    app.run("create-keyspace")
    code, output = app.on_a_terminal("plan", "--json")

    assert (0, "plan") == (code, document_in(output)["kind"])


def test_a_reader_that_leaves_early_does_not_hurt(ready):
    """``inspect | head -1`` ends without an error."""
    arguments = f"{shlex.join(command('inspect'))} | head -1"
    shell = ["bash", "-o", "pipefail", "-c", arguments]
    code, output = on_a_terminal(shell, ready.folder, SCYLLAMODEL_REPOS="app.db:repo")

    assert (0, 1) == (code, output.count("\n"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_finishes_its_statement_and_the_next_run_the_rest(app, number):
    """After Ctrl-C or SIGTERM exactly the reported steps exist, exit code 6; a second run does the others."""
    app.run("create-keyspace")
    app.write("models", MANY)
    work = start("migrate", folder=app.folder, SCYLLAMODEL_REPOS="app.db:repo")
    first = list(islice((line for line in work.stdout if line.endswith(" ms)\n")), 3))
    work.send_signal(number)
    out, err = remaining_output(work)
    output = len(first) + sum(line.endswith(" ms)") for line in out.splitlines())
    after = app.tables()
    rerun = app.run("migrate", "--json")

    assert (6, output) == (work.returncode, len(after))
    assert 3 <= output < 40
    assert f"Stopped on request: {output} of 40 steps were applied." in err
    assert "Traceback" not in err
    assert (0, 40 - output) == (rerun.returncode, len(document_in(rerun.stdout)["steps"]))
    assert 40 == len(app.tables())


def test_an_interrupt_before_anything_runs_changes_nothing(app):
    """Ctrl-C while models are imported ends with 130 and an error document."""
    app.run("create-keyspace")
    # A signal that arrives just before a sleep begins does not end it, so there are many short ones.
    sleep = "for _ in range(600):\n    time.sleep(0.1)\n"
    app.write("models", f"import sys, time\nprint('here', file=sys.stderr, flush=True)\n{sleep}")
    work = start("migrate", "--json", folder=app.folder, SCYLLAMODEL_REPOS="app.db:repo")
    work.stderr.readline()
    work.send_signal(signal.SIGINT)
    out, err = work.communicate(timeout=60)

    assert (130, "Interrupted") == (work.returncode, document_in(out)["error"])
    assert "Traceback" not in err


def test_a_command_ends_when_its_work_is_done(ready):
    """The driver's thread does not delay the exit of the process."""
    waits = []
    for _ in range(4):
        work = start("check", folder=ready.folder, SCYLLAMODEL_REPOS="app.db:repo")
        work.stdout.readline()
        started_at = time.monotonic()
        work.communicate(timeout=60)
        waits.append(time.monotonic() - started_at)

    assert max(waits) < 3


def test_the_environment_of_these_tests_is_clean():
    """No setting in the environment of the tests reaches the commands."""
    assert {"SCYLLAMODEL_REPOS", "SCYLLAMODEL_URL"}.isdisjoint(environment())
    assert sys.executable == command()[0]
    assert os.environ["PATH"] == environment()["PATH"]
