"""Parses command lines; `Command` values describe the commands for argparse.

*In*: `Command` values. *Out*: an `argparse.Namespace` with ``command``, or a `UsageError` with the nearest valid
word. The parser is independent of what a command does.
"""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from typing import Any, Final, NoReturn

import attrs

from scyllamodel.cli.console import Console
from scyllamodel.cli.exit_codes import CONFIGURATION, DESCRIPTIONS, DONE, ERROR, USAGE, UsageError

_EXAMPLE: Final = "scyllamodel plan --repo shop.db:repo"
_HELP_HINT: Final = "scyllamodel COMMAND --help describes a command."


@attrs.frozen
class Command:
    """One command.

    Attributes:
        name: as it is typed.
        summary: summary in one line, without a full stop.
        run: executes the command and returns the exit code.
        options: adds the options of the command to a parser.
        description: a paragraph for its help.
        examples: command lines.
        exit_codes: the exit codes that it can return besides 0, 1, 64 and 78.
        imports: whether it imports models or the module of a repo.
        values: the values of its positional argument, for shell completion.
    """

    name: str
    summary: str
    run: Callable[[argparse.Namespace, Console], int]
    options: Callable[[argparse.ArgumentParser], None]
    description: str
    examples: tuple[str, ...]
    exit_codes: tuple[int, ...] = ()
    imports: bool = True
    values: Callable[[], Iterable[str]] = tuple


class _Parser(argparse.ArgumentParser):
    """An argument parser that raises instead of exiting."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{_without_urls(message)}\n{_advice(self.prog, message, _known_words(self))}")


def parse(commands: Sequence[Command], arguments: Sequence[str]) -> argparse.Namespace:
    """Parse a command line; in the result, ``command`` is the command and ``commands`` are all of them.

    Raises:
        UsageError: the command line is not valid.
        SystemExit: help or version was requested and has been printed.
    """
    parser, parsers = _build_parser(commands)
    settings, unrecognized = parser.parse_known_args(list(arguments), argparse.Namespace(commands=commands))
    if settings.command is None:
        raise UsageError(
            f"No command is given. Use one of:\n{_command_list(commands)}\n{_HELP_HINT}",
            commands=_command_names(commands),
        )
    if unrecognized:
        parsers[settings.command.name].error(f"unrecognized arguments: {' '.join(unrecognized)}")
    return settings


def completions(commands: Sequence[Command]) -> dict[str, list[str]]:
    """Return the words that can follow each command."""
    _, parsers = _build_parser(commands)
    return {command.name: [*command.values(), *_known_words(parsers[command.name])] for command in commands}


def _build_parser(commands: Sequence[Command]) -> tuple[_Parser, dict[str, _Parser]]:
    parser = _Parser(
        prog="scyllamodel",
        description="Keeps ScyllaDB and Cassandra schemas in sync with Python classes.",
        epilog=f"commands:\n{_command_list(commands)}\n\nexample:\n  {_EXAMPLE}\n\n{_HELP_HINT}",
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"scyllamodel {version('scyllamodel')}")
    parser.set_defaults(command=None)
    subparsers = parser.add_subparsers(metavar="COMMAND", help=argparse.SUPPRESS, parser_class=_Parser)
    return parser, {command.name: _add_command(subparsers, command) for command in commands}


def _add_command(subparsers: Any, command: Command) -> _Parser:
    parser: _Parser = subparsers.add_parser(
        command.name,
        description=f"{command.summary[0].upper()}{command.summary[1:]}.\n\n{command.description}",
        epilog=_epilog(command),
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    command.options(parser)
    parser.set_defaults(command=command)
    return parser


def _Formatter(prog: str) -> argparse.HelpFormatter:  # noqa: N802 - argparse expects a class here
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=32, width=100)


def _epilog(command: Command) -> str:
    codes = sorted({DONE, ERROR, USAGE, CONFIGURATION, *command.exit_codes})
    examples = "\n".join(f"  {example}" for example in command.examples)
    return f"examples:\n{examples}\n\nexit codes:\n" + "\n".join(f"  {code:<4} {DESCRIPTIONS[code]}" for code in codes)


def _command_names(commands: Iterable[Command]) -> list[str]:
    return [command.name for command in commands]


def _command_list(commands: Iterable[Command]) -> str:
    return "\n".join(f"  {command.name:<16} {command.summary}" for command in commands)


def _known_words(parser: argparse.ArgumentParser) -> list[str]:
    """Return all options and commands of a parser."""
    words: list[str] = []
    for argument in parser._actions:  # noqa: SLF001 - argparse has no public attribute for them
        words += [*argument.option_strings, *map(str, argument.choices or ())]
    return words


def _without_urls(message: str) -> str:
    """Remove the URLs that argparse quotes from its message, since they may contain passwords."""
    return re.sub(r"://\S+", "://…", message)


def _advice(prog: str, message: str, known_words: Sequence[str]) -> str:
    """Return the nearest valid word, and how to show the help."""
    typed_words = [word.strip("'\",():").partition("=")[0] for word in message.split()]
    suggestions = [
        match
        for word in typed_words
        if word not in known_words
        for match in difflib.get_close_matches(word, known_words, 1, 0.7)
    ]
    suggestion = f"Did you mean {suggestions[0]}? " if suggestions else ""
    return f"{suggestion}See {prog} --help"
