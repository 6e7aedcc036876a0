"""Executes a parsed command and returns its exit code; reports all errors as text or JSON.

Errors that scyllamodel raises on purpose show no traceback, and no thread outlives the command.
"""

from __future__ import annotations

import argparse
import gc
import logging
import sys
from collections.abc import Callable
from typing import Any

from typing_extensions import override

from scyllamodel._text import printable, printable_line
from scyllamodel.cli.console import Console
from scyllamodel.cli.errors import Interrupted, ResultLost
from scyllamodel.cli.exit_codes import CHANGES, DONE, ERROR
from scyllamodel.cli.output import error_document, report_error
from scyllamodel.cli.parser import Command
from scyllamodel.errors import ScyllaModelError


def execute(settings: argparse.Namespace) -> int:
    """Execute the command of a parsed command line."""
    console = Console(getattr(settings, "json", False), settings.verbosity)
    try:
        return _exit_code_after_output(_run_reporting_errors(settings, console), console)
    finally:
        _stop_event_loop()


def report(error: BaseException, *, json: bool) -> int:
    """Report an error of a command line that could not be parsed, and return the exit code."""
    return _report(Console(json), error)


def _run_reporting_errors(settings: argparse.Namespace, console: Console) -> int:
    try:
        return _run(settings, console)
    except SystemExit as exit_request:
        return int(exit_request.code or 0)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the outermost handler
        return _report(console, error)


def _exit_code_after_output(code: int, console: Console) -> int:
    """Return the exit code, or that of an error if the command succeeded but its result could not be written."""
    if console.write_error is None or code not in (DONE, CHANGES):
        return code
    return _report(console, ResultLost(f"The command succeeded, but stdout failed: {console.write_error.strerror}."))


def _run(settings: argparse.Namespace, console: Console) -> int:
    _configure_logging(console)
    command: Command = settings.command
    run = _load(command)
    if command.imports:
        _make_models_importable(console)
    return run(settings, console)


def _load(command: Command) -> Callable[[argparse.Namespace, Console], int]:
    """Import the function of a command without garbage collections, which take a tenth of the time and free nothing."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return command.load()
    finally:
        if was_enabled:
            gc.enable()


def _make_models_importable(console: Console) -> None:
    """Add the current folder to the path, after all other imports: no file there can shadow an installed package."""
    from scyllamodel.config import add_current_folder, toml_reader  # noqa: PLC0415 - only for commands with models

    console.import_terminal()
    toml_reader()
    for folder in add_current_folder():
        console.message(f"Nothing is imported from {folder}, since every user can write it; fix that with chmod o-w.")


def _stop_event_loop() -> None:
    """Stop the driver's event loop if the command loaded the driver."""
    connect: Any = sys.modules.get("scyllamodel.driver.session.connect")
    if connect is not None:
        connect.stop_event_loop()


def _report(console: Console, error: BaseException) -> int:
    if isinstance(error, KeyboardInterrupt):
        error = Interrupted("Interrupted before anything was changed.")
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
