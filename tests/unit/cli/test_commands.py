"""The command line without a server: help, usage, configuration and lint, each in its own process."""

from __future__ import annotations

import shlex
import sys

import pytest

from scyllamodel.cli import main
from scyllamodel.cli.definitions import COMMANDS
from scyllamodel.cli.parser import parse
from support.json_schemas import document_in
from support.shell import on_a_terminal, run

MODELS = """
from uuid import UUID

from scyllamodel import Column, Model, column, partition_key


class Order(Model, table="orders"):
    id: Column[UUID] = partition_key()
    note: Column[str] = column(default="", null_as_default=True)
"""
TWINS = """
from uuid import UUID

from scyllamodel import Column, Index, Model, column, partition_key


class Order(Model, table="orders", indexes=[Index("note", name="by_note")]):
    id: Column[UUID] = partition_key()
    note: Column[str] = column()


class Parcel(Model, table="parcels", indexes=[Index("note", name="by_note")]):
    id: Column[UUID] = partition_key()
    note: Column[str] = column()
"""
REPO = """
from scyllamodel import Repo

repo = Repo(nodes=["127.0.0.1:1"], keyspace="shop", models=["app.models"])
elsewhere = Repo("audit", nodes=["127.0.0.1:1"], keyspace="audit", models=["app.models"])
"""


@pytest.fixture
def folder(tmp_path):
    """A project with a package `app`, which has one model and two repos."""
    package = tmp_path / "app"
    package.mkdir()
    modules = {"__init__": "", "models": MODELS, "again": MODELS, "db": REPO, "broken": "import no_such_module"}
    for name, text in modules.items():
        (package / f"{name}.py").write_text(text, encoding="utf-8")
    return tmp_path


def test_help_lists_every_command(folder):
    """The help goes to stdout and the exit code is 0."""
    result = run("--help", folder=folder)

    assert (0, "") == (result.returncode, result.stderr)
    assert [] == [command.name for command in COMMANDS if f"  {command.name} " not in result.stdout]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_has_help_with_examples_and_exit_codes(capsys, command):
    """The help of each command has examples, exit codes and lines of at most 100 characters."""
    code = main([command.name, "--help"])
    text = capsys.readouterr().out

    assert 0 == code
    assert "examples:\n  scyllamodel " in text
    assert "exit codes:\n  0    done" in text
    assert [] == [line for line in text.splitlines() if len(line) > 100]


@pytest.mark.parametrize("example", [example for command in COMMANDS for example in command.examples])
def test_every_example_can_be_typed(example):
    """The parser accepts every example that the help shows."""
    (program, *arguments) = shlex.split(example.partition(" | ")[0])

    assert ("scyllamodel", arguments[0]) == (program, parse(COMMANDS, arguments).command.name)


def test_the_version_is_printed(folder):
    """--version prints one line."""
    result = run("--version", folder=folder)

    assert (0, "scyllamodel 0.1.0\n") == (result.returncode, result.stdout)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", "No command is given."),
        ("migrat", "Did you mean migrate?"),
        ("plan --exitcode", "Did you mean --exit-code?"),
        ("migrate --agreement-timeout -1", "-1 is not a positive number of seconds"),
        ("local", "the following arguments are required: action"),
        ("local begin", "invalid choice: 'begin'"),
        ("migrate scylla://127.0.0.1:1/shop", "write --url before a URL"),
    ],
)
def test_wrong_usage_ends_with_64(capsys, arguments, expected):
    """A command line that cannot be parsed ends with 64 and an explanation on stderr."""
    code = main(arguments.split())
    printed = capsys.readouterr()

    assert (64, "") == (code, printed.out)
    assert expected in printed.err


@pytest.mark.parametrize("command", ["plan", "migrate", "check", "inspect", "lint", "create-keyspace"])
def test_without_a_repo_the_ways_to_configure_one_are_listed(folder, command):
    """The exit code is 78, and the message lists every place where a repo can be configured."""
    result = run(command, folder=folder)

    assert (78, "") == (result.returncode, result.stdout)
    assert [] == [
        option
        for option in ("--repo", "--url", "SCYLLAMODEL_REPOS", "SCYLLAMODEL_URL", "pyproject.toml")
        if option not in result.stderr
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        ("plan --repo app.db:rep", 78, "did you mean 'repo'?"),
        ("plan --repo app.nothing:repo", 78, "there is no module 'app.nothing'"),
        ("migrate --repo app.broken:repo", 1, "importing app.broken failed: ModuleNotFoundError"),
        ("check --repo app.db:repo --models app.broken", 1, "app.broken cannot be imported: ModuleNotFoundError"),
        ("check --repo app.db:repo --models app", 1, "app.broken cannot be imported"),
        ("check --repo app.db:repo --models app.models --models app.again", 1, "are both 'orders' of the repo"),
        ("plan --repo app.broken:repo", 1, "importing app.broken failed: ModuleNotFoundError"),
        ("plan --url http://127.0.0.1/shop", 78, "scylla://"),
        ("plan --repo app.db:repo --keyspace a-b", 78, "ASCII letters"),
        ("plan --repo app.db:repo --models app.absent", 1, "app.absent"),
        ("lint --repo app.db:repo --models app.broken", 1, "app.broken"),
        ("check --repo app.db:repo --repo app.db:repo --models json", 1, "no model"),
        ("inspect --repo app.db:repo", 1, "127.0.0.1:1"),
    ],
)
def test_what_cannot_be_used_is_named(folder, arguments, code, expected):
    """Invalid settings and models that cannot be imported have an exit code and a message that names them."""
    result = run(*arguments.split(), folder=folder)

    assert (code, "") == (result.returncode, result.stdout)
    assert expected in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "arguments", ["plan", "plan --wrong", "plan --repo app.db:repo", "lint --repo app.db:repo --models app.broken"]
)
def test_errors_are_documents_too(folder, arguments):
    """With --json the only document on stdout is the error, with the exit code of the process."""
    result = run(*arguments.split(), "--json", folder=folder)
    document = document_in(result.stdout)

    assert ("error", result.returncode) == (document["kind"], document["exit_code"])
    assert document["message"] in result.stderr


def test_several_failed_repos_are_reported_one_by_one(folder):
    """A repo that fails does not stop the next; the document is a list, each item with its repo."""
    result = run("check", "--json", "--repo", "app.db:repo", "--repo", "app.db:elsewhere", folder=folder)
    document = document_in(result.stdout)

    assert (1, "list") == (result.returncode, document["kind"])
    assert ["default", "audit"] == [item["repo"] for item in document["items"]]


def test_a_password_is_never_printed(folder):
    """Neither a valid nor an invalid URL reveals its password, wherever it was configured."""
    works = "scylla://user:hunter2@127.0.0.1:1/shop?models=app.models"
    for arguments in (
        ("plan", "-v", "--url", works),
        ("plan", "-v", "--url", "scylla://user:hunter2@/shop"),
        ("plan", "-v", "--url", "scylla://user:hunter2/shop"),
        ("plan", "-v", "--url", "user:hunter2/shop"),
        ("plan", "--repo", "user:hunter2@h/shop"),
        ("plan", "--ulr", works),
        ("plan", f"--ulr={works}"),
        ("plan", "--lock-timeout", works),
        ("migrate", works),
        (works,),
    ):
        result = run(*arguments, folder=folder)

        assert result.returncode
        assert "hunter2" not in result.stdout + result.stderr


def test_help_leads_no_password_to_the_command_line(folder):
    """Other users can read command lines, so the help recommends the variable and the file instead."""
    output = " ".join(run("plan", "--help", folder=folder).stdout.split())

    assert "password@" not in output
    assert "SCYLLAMODEL_URL or --url-file" in output


def test_a_url_comes_from_a_file(folder, tmp_path):
    """``--url-file`` reads the URL of a repo from a file, and a missing file is named."""
    file = tmp_path / "secret-url"
    file.write_text("scylla://user:hunter2@127.0.0.1:1/shop?models=app.models\n", encoding="utf-8")
    result = run("plan", "--url-file", file, folder=folder)
    missing = run("plan", "--url-file", "/nowhere/url", folder=folder)

    assert (1, 78) == (result.returncode, missing.returncode)
    assert "cannot connect to 127.0.0.1:1" in result.stderr
    assert "hunter2" not in result.stderr
    assert "--url-file: /nowhere/url cannot be read" in missing.stderr


def test_lint_needs_no_server(folder):
    """The models of a repo are checked without a connection."""
    result = run("lint", "--repo", "app.db:repo", folder=folder)

    assert (0, "1 model, 0 diagnostics.\n", "") == (result.returncode, result.stdout, result.stderr)


def test_lint_tells_what_would_be_refused(folder):
    """A diagnostic of severity error ends lint with exit code 3."""
    (folder / "app" / "models.py").write_text(TWINS, encoding="utf-8")
    result = run("lint", "--json", "--repo", "app.db:repo", folder=folder)

    assert (3, ["error"]) == (result.returncode, [d["severity"] for d in document_in(result.stdout)["diagnostics"]])


def test_lint_takes_packages_without_a_repo(folder):
    """Models can be checked before a repo exists."""
    result = run("lint", "--models", "app.models", folder=folder)

    assert (0, "1 model, 0 diagnostics.\n") == (result.returncode, result.stdout)


def test_the_current_folder_is_imported_from(folder):
    """The installed command imports packages of the current folder, as ``python -m`` does."""
    code = "import sys; sys.path[:] = [p for p in sys.path if p]; from scyllamodel.cli import main; sys.exit(main())"
    exit_code, output = on_a_terminal([sys.executable, "-c", code, "lint", "--repo", "app.db:repo"], folder)

    assert (0, "1 model, 0 diagnostics.\r\n") == (exit_code, output)


def test_errors_are_red_on_a_terminal(folder):
    """Errors are red on a terminal, and plain text if NO_COLOR is set."""
    arguments = [sys.executable, "-m", "scyllamodel", "plan"]
    red = on_a_terminal(arguments, folder, TERM="xterm-256color")[1]
    plain = on_a_terminal(arguments, folder, TERM="xterm-256color", NO_COLOR="1")[1]

    assert "\x1b[1;31merror CF101" in red
    assert "\x1b[3" not in plain
