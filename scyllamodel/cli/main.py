"""Runs the command in ``sys.argv`` and returns its exit code; reports all errors as text or JSON.

Errors that scyllamodel raises on purpose show no traceback, and no thread outlives the command.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from typing import Any

from typing_extensions import override

from scyllamodel._text import printable, printable_line
from scyllamodel.cli.commands import COMMANDS
from scyllamodel.cli.console import Console
from scyllamodel.cli.exit_codes import CHANGES, DONE, ERROR, Interrupted, ResultLost
from scyllamodel.cli.output import error_document, report_error
from scyllamodel.cli.parser import Command, parse
from scyllamodel.cli.signals import on_signals
from scyllamodel.config import add_current_folder, toml_reader
from scyllamodel.driver.session.connect import stop_event_loop
from scyllamodel.errors import ScyllaModelError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters:
        argv: the arguments after the program's name; None takes those of `sys.argv`.

    Returns:
        The exit code, as in `scyllamodel.cli.exit_codes`.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    console = Console(json="--json" in arguments)
    try:
        return _exit_code_after_output(_run_reporting_errors(arguments, console), console)
    finally:
        stop_event_loop()


def _run_reporting_errors(arguments: Sequence[str], console: Console) -> int:
    try:
        with on_signals():
            return _run(arguments, console)
    except SystemExit as exit_request:
        return int(exit_request.code or 0)
    except KeyboardInterrupt:
        return _report(console, Interrupted("Interrupted before anything was changed."))
    except Exception as error:  # noqa: BLE001 - the outermost handler
        return _report(console, error)


def _exit_code_after_output(code: int, console: Console) -> int:
    """Return the exit code, or that of an error if the command succeeded but its result could not be written."""
    if console.write_error is None or code not in (DONE, CHANGES):
        return code
    return _report(console, ResultLost(f"The command succeeded, but stdout failed: {console.write_error.strerror}."))


def _run(arguments: Sequence[str], console: Console) -> int:
    settings = parse(COMMANDS, arguments)
    console.json = getattr(settings, "json", False)
    console.verbosity = settings.verbosity
    _configure_logging(console)
    command: Command = settings.command
    if command.imports:
        console.import_terminal()
        toml_reader()
        # after all other imports, so that no file there can shadow an installed package
        for folder in add_current_folder():
            console.message(
                f"Nothing is imported from {folder}, since every user can write it; fix that with chmod o-w."
            )
    return command.run(settings, console)


def _report(console: Console, error: Exception) -> int:
    console.document(error_document(error))
    report_error(console, error)
    return error.exit_code if isinstance(error, ScyllaModelError) else ERROR


class _PrintableFormatter(logging.Formatter):
    """Escapes control characters in log records; only tracebacks keep their line breaks."""

    @override
    def formatMessage(self, record: logging.LogRecord) -> str:
        return printable_line(super().formatMessage(record))

    @override
    def formatException(self, ei: Any) -> str:
        return printable(super().formatException(ei))


def _configure_logging(console: Console) -> None:
    """Send the log to stderr with ``-v``; without it, discard the driver's warnings."""
    root = logging.getLogger()
    handler = logging.StreamHandler(console.err) if console.verbosity > 0 else logging.NullHandler()
    handler.setFormatter(_PrintableFormatter())
    root.addHandler(handler)
    if console.verbosity > 0:
        logging.getLogger("scyllamodel").setLevel(logging.DEBUG)
