"""Colour and a bar on a terminal, by rich. The only module that imports rich, which the extra ``cli`` brings.

*In*: lines that are safe to print, with a style for each. *Out*: the same lines in colour, and a bar at the foot of the
terminal while something takes its time. ``NO_COLOR`` and ``TERM`` are rich's to read.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text


def print_styled(stream: TextIO, lines: Iterable[tuple[str, str]]) -> None:
    """Print lines, each given with its style; long ones are left to the terminal to break."""
    console = Console(file=stream, highlight=False, soft_wrap=True)
    for line, style in lines:
        console.print(Text(line, style=style))


class Bar:
    """A bar that counts steps; what is printed while it is there goes through `print`, and stands above it."""

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

    def describe(self, what: str) -> None:
        """Say what is being done."""
        self._bars.update(self._task, description=what)

    def print(self, lines: Iterable[tuple[str, str]]) -> None:
        """Print lines above the bar, each given with its style."""
        for line, style in lines:
            self._bars.console.print(Text(line, style=style), soft_wrap=True)

    def advance(self) -> None:
        """Count one step."""
        self._bars.advance(self._task)

    def stop(self) -> None:
        """Take the bar away."""
        self._bars.stop()
