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
from scyllamodel.cli.exits import CONFIGURATION, DONE, ERROR, MEANING, USAGE, UsageError

_EXAMPLE: Final = "scyllamodel plan --repo shop.db:repo"
_MORE: Final = "scyllamodel COMMAND --help describes a command."


@attrs.frozen
class Command:
    """One command.

    Attributes:
        name: as it is typed.
        purpose: summary in one line, without a full stop.
        run: executes the command and returns the exit code.
        options: adds the options of the command to a parser.
        about: a paragraph for its help.
        examples: command lines.
        exits: the exit codes that it can return besides 0, 1, 64 and 78.
        imports: whether it imports models or the module of a repo.
        values: the values of its positional argument, for shell completion.
    """

    name: str
    purpose: str
    run: Callable[[argparse.Namespace, Console], int]
    options: Callable[[argparse.ArgumentParser], None]
    about: str
    examples: tuple[str, ...]
    exits: tuple[int, ...] = ()
    imports: bool = True
    values: Callable[[], Iterable[str]] = tuple


class _Parser(argparse.ArgumentParser):
    """An argument parser that raises instead of exiting."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{_without_urls(message)}\n{_advice(self.prog, message, _words(self))}")


def parse(commands: Sequence[Command], words: Sequence[str]) -> argparse.Namespace:
    """Parse a command line; in the result, ``command`` is the command and ``commands`` are all of them.

    Raises:
        UsageError: the command line is not valid.
        SystemExit: help or version was requested and has been printed.
    """
    parser, parsers = _build(commands)
    found, extra = parser.parse_known_args(list(words), argparse.Namespace(commands=commands))
    if found.command is None:
        raise UsageError(f"No command is given. Use one of:\n{_listed(commands)}\n{_MORE}", commands=_names(commands))
    if extra:
        parsers[found.command.name].error(f"unrecognized arguments: {' '.join(extra)}")
    return found


def completions(commands: Sequence[Command]) -> dict[str, list[str]]:
    """Return the words that can follow each command."""
    _, parsers = _build(commands)
    return {command.name: [*command.values(), *_words(parsers[command.name])] for command in commands}


def _build(commands: Sequence[Command]) -> tuple[_Parser, dict[str, _Parser]]:
    parser = _Parser(
        prog="scyllamodel",
        description="Keeps ScyllaDB and Cassandra schemas in sync with Python classes.",
        epilog=f"commands:\n{_listed(commands)}\n\nexample:\n  {_EXAMPLE}\n\n{_MORE}",
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"scyllamodel {version('scyllamodel')}")
    parser.set_defaults(command=None)
    places = parser.add_subparsers(metavar="COMMAND", help=argparse.SUPPRESS, parser_class=_Parser)
    return parser, {command.name: _add(places, command) for command in commands}


def _add(places: Any, command: Command) -> _Parser:
    parser: _Parser = places.add_parser(
        command.name,
        description=f"{command.purpose[0].upper()}{command.purpose[1:]}.\n\n{command.about}",
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
    codes = sorted({DONE, ERROR, USAGE, CONFIGURATION, *command.exits})
    examples = "\n".join(f"  {example}" for example in command.examples)
    return f"examples:\n{examples}\n\nexit codes:\n" + "\n".join(f"  {code:<4} {MEANING[code]}" for code in codes)


def _names(commands: Iterable[Command]) -> list[str]:
    return [command.name for command in commands]


def _listed(commands: Iterable[Command]) -> str:
    return "\n".join(f"  {command.name:<16} {command.purpose}" for command in commands)


def _words(parser: argparse.ArgumentParser) -> list[str]:
    """Return all options and commands of a parser."""
    found: list[str] = []
    for action in parser._actions:  # noqa: SLF001 - argparse has no public attribute for them
        found += [*action.option_strings, *map(str, action.choices or ())]
    return found


def _without_urls(message: str) -> str:
    """Remove the URLs that argparse quotes from its message, since they may contain passwords."""
    return re.sub(r"://\S+", "://…", message)


def _advice(prog: str, message: str, known: Sequence[str]) -> str:
    """Return the nearest valid word, and how to show the help."""
    typed = [word.strip("'\",():").partition("=")[0] for word in message.split()]
    near = [match for word in typed if word not in known for match in difflib.get_close_matches(word, known, 1, 0.7)]
    meant = f"Did you mean {near[0]}? " if near else ""
    return f"{meant}See {prog} --help"
