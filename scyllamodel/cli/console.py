"""Writes results to stdout and messages to stderr, or one JSON document to stdout.

*In*: texts, events and documents. *Out*: bytes on two streams, with colour and progress bars on terminals only, and
with control characters escaped. A closed reader (``| head``) does not stop the work, and the rest of the output is
dropped. A full disk does not stop it either, but is reported.
"""

from __future__ import annotations

import functools
import importlib
import io
import json
import os
import re
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

import attrs

from scyllamodel._text import printable

if TYPE_CHECKING:
    from scyllamodel.cli.terminal import ProgressBar

STYLES: Final = {
    re.compile(r" *\+ "): "green",
    re.compile(r" *~ "): "yellow",
    re.compile(r" *! |error "): "bold red",
    re.compile(r" *- "): "red",
    re.compile(r" *\. "): "dim",
    re.compile(r" *>>> "): "cyan",
    re.compile(r"\d+\. "): "bold",
}
"""Beginning of a line to its style: the marks of `Plan.render`, and those of the tour."""


def line_style(line: str) -> str:
    """Return the style of a line, chosen by its beginning; empty for none.

    >>> line_style("  + table shop.orders"), line_style("Plan for shop")
    ('green', '')
    """
    return next((style for pattern, style in STYLES.items() if pattern.match(line)), "")


def styled_lines(text: str) -> list[tuple[str, str]]:
    """Return the lines of a text, escaped for a terminal, with their styles; ``NO_COLOR`` turns styles off."""
    no_color = bool(os.environ.get("NO_COLOR"))
    return [(line, "" if no_color else line_style(line)) for line in printable(text).split("\n")]


@attrs.define
class Console:
    """The two streams of one command.

    Attributes:
        json: whether stdout receives one JSON document and nothing else.
        verbosity: -1 with ``-q``, 1 with ``-v``, else 0.
        out: for results.
        err: for messages.
        write_error: the error that kept results from being written; None if they were written or the reader closed the
            pipe.
    """

    json: bool = False
    verbosity: int = 0
    out: TextIO = attrs.field(factory=lambda: _stream_or_null(sys.stdout))
    err: TextIO = attrs.field(factory=lambda: _stream_or_null(sys.stderr))
    write_error: OSError | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        for stream in (self.out, self.err):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")

    def result(self, text: str = "") -> None:
        """Print a result; not with ``--json``."""
        if not self.json:
            self._print(self.out, text)

    def script(self, text: str) -> None:
        """Print a file, such as a CQL script, unchanged unless stdout is a terminal; not with ``--json``."""
        if self.out.isatty():
            self.result(text)
        elif not self.json:
            self._write(self.out, f"{text}\n")

    def page(self, text: str) -> None:
        """Print prose, without styles; not with ``--json``."""
        if not self.json:
            self._write(self.out, f"{printable(text)}\n")

    def status(self, text: str = "") -> None:
        """Print the status of a command; not with ``--json`` or ``-q``."""
        if self.verbosity >= 0:
            self.result(text)

    def message(self, text: str = "") -> None:
        """Print a message to stderr; not with ``-q``."""
        if self.verbosity >= 0:
            self._print(self.err, text)

    def detail(self, text: str = "") -> None:
        """Print details to stderr; only with ``-v``."""
        if self.verbosity > 0:
            self._print(self.err, text)

    def error(self, text: str) -> None:
        """Print an error to stderr at any verbosity."""
        self._print(self.err, text)

    def document(self, document: Mapping[str, Any]) -> None:
        """Print the JSON document; only with ``--json``."""
        if self.json:
            self._write(self.out, json.dumps(document, indent=2) + "\n")

    @property
    def terminal_stream(self) -> TextIO | None:
        """The terminal for a progress bar, never the stream of the JSON document; None without a terminal."""
        streams = [] if self.verbosity < 0 else [self.err] if self.json else [self.out, self.err]
        return next((stream for stream in streams if stream.isatty() and os.environ.get("TERM") != "dumb"), None)

    def bar(self, total: int) -> ProgressBar | None:
        """Return a progress bar; None without a terminal or without rich."""
        stream = self.terminal_stream
        if stream is None:
            return None
        terminal = _terminal_module()
        return None if terminal is None else terminal.ProgressBar(stream, total)

    def import_terminal(self) -> None:
        """Import rich now, before the current folder is importable."""
        if self.out.isatty() or self.err.isatty():
            _terminal_module()

    def _print(self, stream: TextIO, text: str) -> None:
        if not stream.isatty():
            return self._write(stream, f"{printable(text)}\n")
        terminal = _terminal_module()
        if terminal is None:
            return self._write(stream, f"{printable(text)}\n")
        with self._tolerate_write_errors(stream):
            terminal.print_styled(stream, styled_lines(text))
        return None

    def _write(self, stream: TextIO, text: str) -> None:
        with self._tolerate_write_errors(stream):
            stream.write(text)
            stream.flush()

    @contextmanager
    def _tolerate_write_errors(self, stream: TextIO) -> Generator[None]:
        """Redirect a stream that cannot be written to the null device, so that the command continues."""
        try:
            yield
        except OSError as error:
            if stream is self.out and not isinstance(error, BrokenPipeError):
                self.write_error = error
            with Path(os.devnull).open("w", encoding="utf-8") as null_device:
                os.dup2(null_device.fileno(), stream.fileno())


@functools.lru_cache
def _terminal_module() -> Any:
    """Return the module that needs rich, or None without rich; the result is cached."""
    try:
        return importlib.import_module("scyllamodel.cli.terminal")
    except ImportError:
        return None


def _stream_or_null(stream: TextIO | None) -> TextIO:
    """Return the stream, or a buffer if the caller has closed it (``>&-``): Python sets such streams to None."""
    return io.StringIO() if stream is None else stream
