"""What a command loads at its start: nothing that it does not need, by comparing modules and not by measuring time."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from inspect import signature
from typing import get_args

import pytest

from scyllamodel._version import __version__
from scyllamodel.cli import options
from scyllamodel.cli.commands import explain
from scyllamodel.cli.definitions import COMMANDS
from scyllamodel.local import versions
from scyllamodel.release.wait import Aim
from scyllamodel.schema.export.snapshot import FILE

HEAVY = ("attr", "cassandra", "importlib.metadata", "importlib.resources", "inspect", "logging", "rich")
"""Modules that take longer to import than the help takes to print."""


def loaded(statement, *modules):
    """Which of these modules a new process has loaded after a statement."""
    code = (
        "import os, sys\n"
        "try:\n"
        f"    {statement}\n"
        "except SystemExit:\n"
        "    pass\n"
        f"os.write(2, repr([m for m in {modules!r} if m in sys.modules]).encode())"
    )
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return result.stderr


def package_modules(statement):
    """The modules of the package that a new process has loaded after a statement, with the output before them."""
    code = f"import sys\n{statement}\nprint(*sorted(m for m in sys.modules if m.startswith('scyllamodel.')))"
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return result.stdout.splitlines()[-1].split()


@pytest.mark.parametrize(
    "arguments", [["--version"], ["--help"], ["plan", "--help"], ["local", "--help"], ["explain", "--help"]]
)
def test_help_and_version_load_neither_attrs_nor_the_driver(arguments):
    """Help and the version are printed by the parser alone."""
    assert "[]" == loaded(f"from scyllamodel.cli import main; main({arguments!r})", *HEAVY)


@pytest.mark.parametrize("arguments", [["guide"], ["explain", "TY101"], ["completion", "bash"], ["plan", "--unknown"]])
def test_commands_without_a_repo_load_no_driver(arguments):
    """Commands that only read files of the package do not load the driver, and neither does a usage error."""
    modules = ("cassandra", "scyllamodel.release", "scyllamodel.driver", "rich", "jgo")

    assert loaded(f"from scyllamodel.cli import main; main({arguments!r})", *modules).endswith("[]")


def test_the_package_loads_names_on_first_use():
    """``import scyllamodel`` loads no submodule, and the first use of a name loads the module that defines it."""
    assert [] == package_modules("import scyllamodel")
    assert ["scyllamodel._version"] == package_modules("import scyllamodel._version")
    assert "scyllamodel.errors" in package_modules("from scyllamodel import NotFound")


def test_a_command_loads_only_the_modules_that_it_needs():
    """The check command imports no local server, no lock, and nothing that changes a schema."""
    result = package_modules(
        "from scyllamodel.cli.definitions import COMMANDS; {c.name: c for c in COMMANDS}['check'].load()"
    )

    verbs = ("backfill", "contract", "expand", "lock", "migrate", "recovery", "rollback", "schema_diff", "sync")
    others = ("scyllamodel.demo", "scyllamodel.local", *(f"scyllamodel.release.{verb}" for verb in verbs))

    assert "scyllamodel.release.plan_check" in result
    assert [] == [name for name in result if name.startswith(others)]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_definition_names_its_function(command):
    """The function of each command accepts settings and console, and completions of its argument can be computed."""
    assert ["settings", "console"] == list(signature(command.load()).parameters)
    assert bool(command.values) == bool(list(command.completions()))


def test_defaults_in_the_help_are_those_of_the_functions():
    """Three defaults that the parser duplicates, since importing their modules is slow, equal the originals."""
    assert (FILE, get_args(Aim), versions.DEFAULT) == (options.SNAPSHOT_FILE, options.WAIT_AIMS, options.SERVER_VERSION)


def test_explain_knows_every_error_in_a_process_of_its_own():
    """Errors of modules that nothing else imports are listed too."""
    code = "import sys; from scyllamodel.cli import main; sys.exit(main(['explain']))"
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert sorted(explain.code_explanations()) == [line.partition(" ")[0] for line in result.stdout.splitlines()]


def test_the_version_is_that_of_the_installation():
    """The build reads the version from the module that ``--version`` uses."""
    assert version("scyllamodel") == __version__
