"""Where the words of a command go: results to stdout, messages to stderr, one JSON document instead when asked.

*In*: texts, events and documents. *Out*: bytes on two streams, with colour and bars on a terminal only, and on any
stream with all spelled out that would drive a terminal. A reader that
goes away (``| head``) never stops the work: what is left to say is dropped. Nor does a full disk, but that is told.
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
    from scyllamodel.cli.terminal import Bar

STYLES: Final = {
    re.compile(r" *\+ "): "green",
    re.compile(r" *~ "): "yellow",
    re.compile(r" *! |error "): "bold red",
    re.compile(r" *- "): "red",
    re.compile(r" *\. "): "dim",
    re.compile(r" *>>> "): "cyan",
    re.compile(r"\d+\. "): "bold",
}
"""How a line begins, to its style; the marks are those of `Plan.render`, the rest is the tour's."""


def style_of(line: str) -> str:
    """The style of a line, by how it begins; empty for none.

    >>> style_of("  + table shop.orders"), style_of("Plan for shop")
    ('green', '')
    """
    return next((style for begins, style in STYLES.items() if begins.match(line)), "")


def styled(text: str) -> list[tuple[str, str]]:
    """The lines of a text, safe to print on a terminal, each with its style; with ``NO_COLOR`` there are no styles."""
    plain = bool(os.environ.get("NO_COLOR"))
    return [(line, "" if plain else style_of(line)) for line in printable(text).split("\n")]


@attrs.define
class Console:
    """The two streams of one command.

    Attributes:
        json: one JSON document on stdout and nothing else.
        verbosity: -1 with ``-q``, 1 with ``-v``, else 0.
        out: for results.
        err: for messages.
        lost: why results could not be written, although somebody waits for them; None when all were.
    """

    json: bool = False
    verbosity: int = 0
    out: TextIO = attrs.field(factory=lambda: _opened(sys.stdout))
    err: TextIO = attrs.field(factory=lambda: _opened(sys.stderr))
    lost: OSError | None = attrs.field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        for stream in (self.out, self.err):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")

    def result(self, text: str = "") -> None:
        """Print what was asked for; not with ``--json``."""
        if not self.json:
            self._print(self.out, text)

    def script(self, text: str) -> None:
        """Print a file that was asked for, such as a CQL script: as it is, but on a terminal; not with ``--json``."""
        if self.out.isatty():
            self.result(text)
        elif not self.json:
            self._write(self.out, f"{text}\n")

    def page(self, text: str) -> None:
        """Print prose, whose lines have no marks to style; not with ``--json``."""
        if not self.json:
            self._write(self.out, f"{printable(text)}\n")

    def tell(self, text: str = "") -> None:
        """Print how a command fares; with neither ``--json`` nor ``-q``."""
        if self.verbosity >= 0:
            self.result(text)

    def say(self, text: str = "") -> None:
        """Print a message to the reader; not with ``-q``."""
        if self.verbosity >= 0:
            self._print(self.err, text)

    def detail(self, text: str = "") -> None:
        """Print what is only told with ``-v``."""
        if self.verbosity > 0:
            self._print(self.err, text)

    def complain(self, text: str) -> None:
        """Print an error, whatever the verbosity."""
        self._print(self.err, text)

    def document(self, document: Mapping[str, Any]) -> None:
        """Print the one JSON document; only with ``--json``."""
        if self.json:
            self._write(self.out, json.dumps(document, indent=2) + "\n")

    @property
    def live(self) -> TextIO | None:
        """The stream that may show a moving bar: a terminal, never the one that carries JSON; None without one."""
        streams = [] if self.verbosity < 0 else [self.err] if self.json else [self.out, self.err]
        return next((stream for stream in streams if stream.isatty() and os.environ.get("TERM") != "dumb"), None)

    def bar(self, total: int) -> Bar | None:
        """A bar on the stream that may show one; None without a terminal, and without rich."""
        stream = self.live
        if stream is None:
            return None
        terminal = _terminal()
        return None if terminal is None else terminal.Bar(stream, total)

    def prepare(self) -> None:
        """Import now what a terminal needs later."""
        if self.out.isatty() or self.err.isatty():
            _terminal()

    def _print(self, stream: TextIO, text: str) -> None:
        if not stream.isatty():
            return self._write(stream, f"{printable(text)}\n")
        terminal = _terminal()
        if terminal is None:
            return self._write(stream, f"{printable(text)}\n")
        with self._surviving(stream):
            terminal.print_styled(stream, styled(text))
        return None

    def _write(self, stream: TextIO, text: str) -> None:
        with self._surviving(stream):
            stream.write(text)
            stream.flush()

    @contextmanager
    def _surviving(self, stream: TextIO) -> Generator[None]:
        """Outlive a stream that takes no more, and send the rest to nowhere; a reader that went away wants no more."""
        try:
            yield
        except OSError as error:
            if stream is self.out and not isinstance(error, BrokenPipeError):
                self.lost = error
            with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
                os.dup2(nowhere.fileno(), stream.fileno())


@functools.lru_cache
def _terminal() -> Any:
    """The module that needs rich, or None without it; whichever it is, it stays so."""
    try:
        return importlib.import_module("scyllamodel.cli.terminal")
    except ImportError:
        return None


def _opened(stream: TextIO | None) -> TextIO:
    """The stream, or one that nobody reads: Python gives None for what the caller has closed (``>&-``)."""
    return io.StringIO() if stream is None else stream
