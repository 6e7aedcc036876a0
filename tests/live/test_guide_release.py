"""The manifests and commands of README and of the guide, each run against a real server."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from support import readme
from support.shell import environment, run

pytestmark = pytest.mark.live

DEPLOYING = readme.guide("deploying")
WITH_COMMANDS = ("deploying", "schema-changes", "operations")
ENV = {"SCYLLAMODEL_REPOS": "shop.db:repo"}
VERSION = "20261123050100"
"""The version that stands in examples."""

ORDER = """
from decimal import Decimal
from uuid import UUID
from scyllamodel import Column, Model, clustering_key, column, partition_key, types as cql

class Order(Model, table="orders"):
    shop: Column[UUID] = partition_key()
    placed: Column[cql.TimeUUID] = clustering_key(descending=True)
    total: Column[TYPE | None] = column(default=None)
"""
FORKING = """
import json, os, sys
from scyllamodel.cli import main

def code_of(words):
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.dup2(os.open("output", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 1)
    os.dup2(1, 2)
    os._exit(main(words))

print(json.dumps([code_of(words) for words in json.load(sys.stdin)]))
"""
"""Runs commands one after the other, each in a process of its own that has everything imported."""


@pytest.fixture
def shop(app):
    """The project with the name that the pages use."""
    (app.folder / "app").rename(app.folder / "shop")
    database = app.folder / "shop" / "db.py"
    database.write_text(database.read_text().replace("app.", "shop."))
    return app


def command_result(project, arguments):
    """Run a command in the project with the environment of the image, and return its exit code and output."""
    assert "scyllamodel" == Path(arguments[0]).name
    result = run(*arguments[1:], folder=project.folder, **ENV)
    return result.returncode, result.stdout, result.stderr


def test_the_job_and_the_init_container(shop):
    """The init container fails until the job has run; the job prints one document. README shows both commands."""
    (text,) = readme.blocks(DEPLOYING, "yaml")
    (short,) = readme.blocks(readme.README, "yaml")
    job, deployment = yaml.safe_load_all(text)
    (migrate,) = job["spec"]["template"]["spec"]["containers"]
    (schema,) = deployment["spec"]["template"]["spec"]["initContainers"]
    before = command_result(shop, [*schema["command"], "--timeout", "0.5"])
    code, out, err = command_result(shop, migrate["command"])
    after = command_result(shop, schema["command"])

    assert (0, "applied") == (code, json.loads(out)["status"]), err
    assert (2, 0) == (before[0], after[0])
    assert [[*each["command"]] for each in yaml.safe_load(short).values()] == [
        migrate["command"][:3],
        schema["command"],
    ]


def unit(text):
    """The settings of a systemd unit."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read_string(text)
    return parser["Service"]


def test_the_unit(shop):
    """The command of the systemd unit migrates the keyspace, and README's unit has the same command."""
    (whole,), (short,) = (map(unit, readme.blocks(page, "ini")) for page in (DEPLOYING, readme.README))
    shop.run("create-keyspace", **ENV)

    assert "SCYLLAMODEL_REPOS=shop.db:repo" == whole["Environment"]
    assert whole["ExecStart"] == short["ExecStart"]
    assert 0 == command_result(shop, shlex.split(whole["ExecStart"]))[0]


def test_the_line_of_python(shop):
    """The Python one-liner migrates every configured repo."""
    (line,) = [line for text in readme.blocks(DEPLOYING, "sh") for line in text.splitlines() if "python -c" in line]
    command = [sys.executable, *shlex.split(line)[1:]]
    result = subprocess.run(command, cwd=shop.folder, env=environment(**ENV), capture_output=True, check=False)

    assert (0, b"") == (result.returncode, result.stderr)
    assert ["customers", "orders"] == shop.tables()


@pytest.mark.parametrize("page", [DEPLOYING, readme.README], ids=lambda page: page.stem)
def test_the_image_installs_nothing_else(page):
    """The image installs the application and this package, and sets the repo."""
    (text,) = readme.blocks(page, "dockerfile")

    assert re.search(r"^RUN pip install --no-cache-dir \S+ scyllamodel$", text, re.MULTILINE)
    assert "ENV SCYLLAMODEL_REPOS=shop.db:repo\n" in text


def test_the_dry_run_of_readme(shop, data_center):
    """The first plan is printed as README shows it, except for server, data centre and tablets."""
    (shop.folder / "shop" / "models.py").write_text(readme.blocks(readme.README, "python")[0], encoding="utf-8")
    command, _, expected = readme.blocks(readme.README, "console")[0].partition("\n")
    shown_center = re.search(r"one copy in (\w+):", expected)[1]
    code, out, err = command_result(shop, shlex.split(command.removeprefix("$ ")))
    output = re.sub(" AND tablets = {.*?}", "", out.replace(shop.keyspace, "shop"))

    assert (0, "") == (code, err)
    assert expected.replace(shown_center, data_center).splitlines()[1:] == output.splitlines()[1:]
    assert re.fullmatch(r"shop on \w+ [\d.]+: 8 to add, 0 to change, 0 to destroy\.", output.splitlines()[0])


def codes(project, commands):
    """The exit codes of commands in the project."""
    result = subprocess.run(
        [sys.executable, "-c", FORKING],
        cwd=project.folder,
        env=environment(**ENV),
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(result.stdout)


def test_the_commands_of_the_guide(shop):
    """Every command of the pages on releases ends with the exit code that its page gives, in the order of the pages."""
    models = shop.folder / "shop" / "models.py"
    models.write_text(ORDER.replace("TYPE", "float"), encoding="utf-8")
    deploying, changes, operations = (readme.commands(readme.guide(name)) for name in WITH_COMMANDS)
    codes_now = codes(shop, [arguments for arguments, _ in deploying])
    shop.repo.session.execute(f"ALTER TABLE {shop.keyspace}.orders ADD legacy text", timeout=60)
    codes_now += codes(shop, [arguments for arguments, _ in changes[:-1]])
    models.write_text(ORDER.replace("TYPE", "Decimal"), encoding="utf-8")
    codes_now += codes(shop, [arguments for arguments, _ in changes[-1:]])
    models.write_text(ORDER.replace("TYPE", "float"), encoding="utf-8")
    version = str(json.loads(shop.run("history", "--json", **ENV).stdout)["versions"][-1]["version"])
    codes_now += codes(shop, [[word.replace(VERSION, version) for word in arguments] for arguments, _ in operations])
    commands = [*deploying, *changes, *operations]

    assert [(arguments, code) for arguments, code in commands] == [
        (arguments, code) for (arguments, _), code in zip(commands, codes_now, strict=True)
    ], (shop.folder / "output").read_text()


def test_no_other_page_has_commands():
    """Every page with shell commands is run here, except README, whose commands CI runs."""
    others = [page.stem for page in readme.GUIDE if page.stem not in WITH_COMMANDS and readme.blocks(page, "sh")]

    assert [] == others
