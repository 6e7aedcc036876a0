"""Colour and progress bars with rich, from the extra ``cli``; the only module that imports it.

*In*: escaped lines, each with a style. *Out*: the lines in colour, and a progress bar below them. rich reads
``NO_COLOR`` and ``TERM``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text


def print_styled(stream: TextIO, lines: Iterable[tuple[str, str]]) -> None:
    """Print styled lines; the terminal wraps long ones."""
    console = Console(file=stream, highlight=False, soft_wrap=True)
    for line, style in lines:
        console.print(Text(line, style=style))


class ProgressBar:
    """A progress bar that counts steps; `print` writes above it."""

    def __init__(self, stream: TextIO, total: int) -> None:
        self.stream = stream
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        self._bars = Progress(*columns, console=Console(file=stream, highlight=False), transient=True)
        self._task = self._bars.add_task("", total=total)
        self._bars.start()

    def describe(self, text: str) -> None:
        """Set the description."""
        self._bars.update(self._task, description=text)

    def print(self, lines: Iterable[tuple[str, str]]) -> None:
        """Print styled lines above the bar."""
        for line, style in lines:
            self._bars.console.print(Text(line, style=style), soft_wrap=True)

    def advance(self) -> None:
        """Count one step."""
        self._bars.advance(self._task)

    def stop(self) -> None:
        """Remove the bar."""
        self._bars.stop()
