"""From the words of a command line to settings: commands are values, and argparse is told what they hold.

*In*: `Command` values. *Out*: an `argparse.Namespace` with ``command``, or a `UsageError` that names the nearest thing
that would have been right. Nothing here knows what a command does.
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
_MORE: Final = "scyllamodel COMMAND --help tells more about each command."


@attrs.frozen
class Command:
    """One command.

    Attributes:
        name: as it is typed.
        purpose: one line, without a full stop.
        run: what it does; gives the exit code.
        options: adds its own options to a parser.
        about: a paragraph for its own help.
        examples: command lines worth copying.
        exits: the exit codes it can give besides 0, 1, 64 and 78.
        imports: whether it imports models, or the module of a repo.
        values: the words that its positional argument takes, for completion.
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
    """Argparse that raises instead of ending the process."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{_without_urls(message)}\n{_advice(self.prog, message, _words(self))}")


def parse(commands: Sequence[Command], words: Sequence[str]) -> argparse.Namespace:
    """The settings that the words of a command line mean; ``command`` is the command, ``commands`` are all of them.

    Raises:
        UsageError: the words make no command.
        SystemExit: help or version was asked for, and printed.
    """
    parser, parsers = _build(commands)
    found, extra = parser.parse_known_args(list(words), argparse.Namespace(commands=commands))
    if found.command is None:
        raise UsageError(f"Which command?\n{_listed(commands)}\n{_MORE}", commands=_names(commands))
    if extra:
        parsers[found.command.name].error(f"unrecognized arguments: {' '.join(extra)}")
    return found


def completions(commands: Sequence[Command]) -> dict[str, list[str]]:
    """For each command the words that can follow it."""
    _, parsers = _build(commands)
    return {command.name: [*command.values(), *_words(parsers[command.name])] for command in commands}


def _build(commands: Sequence[Command]) -> tuple[_Parser, dict[str, _Parser]]:
    parser = _Parser(
        prog="scyllamodel",
        description="Keeps the tables of a ScyllaDB or Cassandra cluster in step with Python classes.",
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


def _Formatter(prog: str) -> argparse.HelpFormatter:  # noqa: N802 - stands where argparse expects a class
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
    """Every option and command that this parser knows."""
    found: list[str] = []
    for action in parser._actions:  # noqa: SLF001 - argparse has no public list of them
        found += [*action.option_strings, *map(str, action.choices or ())]
    return found


def _without_urls(message: str) -> str:
    """What argparse says, cut within each URL that it quotes: one may hold a password."""
    return re.sub(r"://\S+", "://…", message)


def _advice(prog: str, message: str, known: Sequence[str]) -> str:
    """What the reader may have meant, and where the help is."""
    typed = [word.strip("'\",():").partition("=")[0] for word in message.split()]
    near = [match for word in typed if word not in known for match in difflib.get_close_matches(word, known, 1, 0.7)]
    meant = f"Did you mean {near[0]}? " if near else ""
    return f"{meant}See {prog} --help"
