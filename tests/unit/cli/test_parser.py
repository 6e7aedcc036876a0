"""From the arguments of a command line to settings, or to an error with advice."""

from __future__ import annotations

import argparse

import pytest

from scyllamodel.cli import options
from scyllamodel.cli.errors import UsageError
from scyllamodel.cli.exit_codes import CHANGES, DESCRIPTIONS
from scyllamodel.cli.parser import Command, parse


def look_options(parser):
    """The options of the command that these tests parse."""
    options.add_target(parser)
    options.add_resources(parser)
    options.add_create_keyspace(parser)
    options.add_allow(parser)
    options.add_timeouts(parser)
    parser.add_argument("--format", choices=["cql", "json"], default="cql")
    options.add_output(parser)


LOOK = Command("look", "look at it", "looking:look", look_options, "Looks.", ("scyllamodel look",), (CHANGES,))
LEAVE = Command("leave", "leave it", "looking:leave", options.add_output, "Leaves.", ("scyllamodel leave",))
COMMANDS = (LOOK, LEAVE)


def test_a_command_line_becomes_settings():
    """Options that may be repeated accumulate, and lists may be separated by commas."""
    arguments = (
        "look --repo a:b --repo c:d --models x.y,x.z --models w --keyspace k1,k2 --resource A,B --allow BC101:t -q"
    )
    parsed = parse(COMMANDS, arguments.split())

    assert (["a:b", "c:d"], ["x.y", "x.z", "w"], ["k1", "k2"], ["A", "B"], ["BC101:t"], -1, LOOK) == (
        parsed.repo,
        parsed.models,
        parsed.keyspace,
        parsed.resource,
        parsed.allow,
        parsed.verbosity,
        parsed.command,
    )


def test_omitted_options_have_defaults():
    """Defaults are two minutes for agreement and for a step, the keyspace setting of the repo, and normal verbosity."""
    parsed = parse(COMMANDS, ["look"])

    assert (120.0, 120.0, None, 0, False, []) == (
        parsed.agreement_timeout,
        parsed.step_timeout,
        parsed.create_keyspace,
        parsed.verbosity,
        parsed.json,
        parsed.repo,
    )


def test_one_command_line_does_not_leak_into_the_next():
    """Values of one command line do not appear in the next one."""
    parse(COMMANDS, ["look", "--models", "x", "--repo", "a:b"])
    parsed = parse(COMMANDS, ["look"])

    assert ([], []) == (parsed.models, parsed.repo)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("look --resorce A", "Did you mean --resource? See scyllamodel look --help"),
        ("look --resorce=A", "Did you mean --resource? See scyllamodel look --help"),
        ("lok", "Did you mean look? See scyllamodel --help"),
        ("look --format jsn", "Did you mean json? See scyllamodel look --help"),
        ("look --repo", "--repo: expected one argument\nSee scyllamodel look --help"),
        ("look extra", "unrecognized arguments: extra\nSee scyllamodel look --help"),
        ("look --step-timeout 0", "0 is not a positive number of seconds"),
        ("look --step-timeout inf", "inf is not a positive number of seconds"),
        ("look --step-timeout soon", "--step-timeout: invalid seconds value: 'soon'"),
        ("look -q -v", "-v/--verbose: not allowed with argument -q/--quiet"),
        ("look --res A", "unrecognized arguments: --res A"),
        ("leave --repo a:b", "unrecognized arguments: --repo a:b\nSee scyllamodel leave --help"),
        ("", "No command is given. Use one of:\n  look             look at it\n  leave            leave it\n"),
    ],
)
def test_a_wrong_command_line_says_what_would_be_right(arguments, expected):
    """The error names the wrong argument, the nearest valid one, and how to get help."""
    with pytest.raises(UsageError) as exc_info:
        parse(COMMANDS, arguments.split())

    assert expected in str(exc_info.value)
    assert 64 == exc_info.value.exit_code


def test_the_whole_help_lists_every_command(capsys):
    """Each command has one line, followed by how to learn more."""
    with pytest.raises(SystemExit):
        parse(COMMANDS, ["--help"])
    text = capsys.readouterr().out

    assert "look at it" in text
    assert "leave it" in text
    assert "scyllamodel COMMAND --help" in text


def test_the_help_of_a_command_has_examples_and_exit_codes(capsys):
    """The help ends with examples that can be copied and with the exit codes of this command."""
    with pytest.raises(SystemExit) as exc_info:
        parse(COMMANDS, ["look", "--help"])
    text = capsys.readouterr().out

    assert 0 == exc_info.value.code
    assert "Look at it.\n\nLooks.\n" in text
    assert "examples:\n  scyllamodel look\n" in text
    assert [f"  {code:<4} {DESCRIPTIONS[code]}" for code in (0, 1, 2, 64, 78)] == text.split("exit codes:\n")[
        1
    ].splitlines()


def test_no_line_of_help_is_too_wide(capsys):
    """Help fits a terminal of 100 columns."""
    with pytest.raises(SystemExit):
        parse(COMMANDS, ["look", "--help"])

    assert [] == [line for line in capsys.readouterr().out.splitlines() if len(line) > 100]


def test_the_parser_knows_the_shared_options_by_one_name_each():
    """No two options of a command have the same destination."""
    parser = argparse.ArgumentParser()
    look_options(parser)
    names = [action.dest for action in parser._actions if action.dest != "verbosity"]

    assert len(set(names)) == len(names)
