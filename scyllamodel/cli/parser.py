"""Parses command lines; `Command` values describe the commands for argparse.

*In*: `Command` values. *Out*: an `argparse.Namespace` with ``command``, or a `UsageError` with the nearest valid
word. The parser is independent of what a command does.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from scyllamodel._version import __version__
from scyllamodel.cli.exit_codes import CONFIGURATION, DESCRIPTIONS, DONE, ERROR, USAGE

if TYPE_CHECKING:
    from scyllamodel.cli.console import Console

_EXAMPLE: Final = "scyllamodel plan --repo shop.db:repo"
_HELP_HINT: Final = "scyllamodel COMMAND --help describes a command."


class Command(NamedTuple):
    """One command.

    Functions of its implementation are named as ``module:function`` and imported when they are needed, since a parser
    has every command and a process runs one.

    Attributes:
        name: as it is typed.
        summary: summary in one line, without a full stop.
        run: names the function that executes the command and returns the exit code.
        options: adds the options of the command to a parser.
        description: a paragraph for its help.
        examples: command lines.
        exit_codes: the exit codes that it can return besides 0, 1, 64 and 78.
        imports: whether it imports models or the module of a repo.
        values: names the function that returns the values of its positional argument, for shell completion.
    """

    name: str
    summary: str
    run: str
    options: Callable[[argparse.ArgumentParser], None]
    description: str
    examples: tuple[str, ...]
    exit_codes: tuple[int, ...] = ()
    imports: bool = True
    values: str | None = None

    def load(self) -> Callable[[argparse.Namespace, Console], int]:
        """Import the function that executes the command."""
        function: Callable[[argparse.Namespace, Console], int] = _import(self.run)
        return function

    def completions(self) -> Iterable[str]:
        """Return the values of its positional argument, for shell completion."""
        return () if self.values is None else _import(self.values)()


class _Parser(argparse.ArgumentParser):
    """An argument parser that raises instead of exiting."""

    def error(self, message: str) -> NoReturn:
        from scyllamodel.cli.errors import invalid_arguments  # noqa: PLC0415 - not needed for --help

        raise invalid_arguments(self.prog, message, _known_words(self))


def _import(reference: str) -> Any:
    module, _, name = reference.partition(":")
    return getattr(import_module(module), name)


def parse(commands: Sequence[Command], arguments: Sequence[str]) -> argparse.Namespace:
    """Parse a command line; in the result, ``command`` is the command and ``commands`` are all of them.

    Raises:
        UsageError: the command line is not valid.
        SystemExit: help or version was requested and has been printed.
    """
    parser, parsers = _build_parser(commands)
    settings, unrecognized = parser.parse_known_args(list(arguments), argparse.Namespace(commands=commands))
    if settings.command is None:
        from scyllamodel.cli.errors import UsageError  # noqa: PLC0415 - not needed for --help

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
    return {command.name: [*command.completions(), *_known_words(parsers[command.name])] for command in commands}


def _build_parser(commands: Sequence[Command]) -> tuple[_Parser, dict[str, _Parser]]:
    parser = _Parser(
        prog="scyllamodel",
        description="Keeps ScyllaDB and Cassandra schemas in sync with Python classes.",
        epilog=f"commands:\n{_command_list(commands)}\n\nexample:\n  {_EXAMPLE}\n\n{_HELP_HINT}",
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"scyllamodel {__version__}")
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
    names: list[str] = []
    for argument in parser._actions:  # noqa: SLF001 - argparse has no public attribute for them
        names += [*argument.option_strings, *map(str, argument.choices or ())]
    return names
