"""Progress of downloads, shown as a progress bar on a terminal and as plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, TextIO

import attrs

if TYPE_CHECKING:
    from collections.abc import Generator

LINE_INTERVAL = 5.0
"""Seconds between two plain lines on one task."""


@attrs.frozen
class Progress:
    """The progress of one task.

    Attributes:
        label: description of the task, such as ``jars of Cassandra 5.0.9``.
        done: number of finished files or steps.
        total: number of all files or steps; equals ``done`` at the end.
    """

    label: str
    done: int
    total: int


OnProgress = Callable[[Progress], None]
"""A callback; several threads may call it, but never at the same time."""


def ignore_progress(_progress: Progress) -> None:
    """Ignore the progress."""


@contextmanager
def show_progress(stream: TextIO | None = None) -> Generator[OnProgress]:
    """Provide a callback that shows progress on `stream` (default: stderr) until the block ends.

    It shows a progress bar if rich is installed and the stream is a terminal, and plain lines if not. Nothing is
    printed before the first call, so there is no output if everything is in the cache.
    """
    output = sys.stderr if stream is None else stream
    with ExitStack() as stack:
        show = (_bar_printer(output, stack) if output.isatty() else None) or PlainLines(output)
        lock = threading.Lock()

        def report(progress: Progress) -> None:
            with lock:
                show(progress)

        yield report


class PlainLines:
    """Prints a line at the start, at the end, and every few seconds between them."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._printed: dict[str, float] = {}

    def __call__(self, progress: Progress) -> None:
        """Print `progress`, unless the last line on its task is younger than `LINE_INTERVAL` seconds."""
        now = time.monotonic()
        last_printed = self._printed.get(progress.label)
        if progress.done < progress.total and last_printed is not None and now - last_printed < LINE_INTERVAL:
            return
        self._printed[progress.label] = now
        count = f": {progress.done} of {progress.total}" if progress.total > 1 else _completion_text(progress)
        print(f"{progress.label}{count}", file=self._stream, flush=True)


def _completion_text(progress: Progress) -> str:
    return ": done" if progress.done >= progress.total else " ..."


def _bar_printer(stream: TextIO, stack: ExitStack) -> OnProgress | None:
    try:
        from rich.console import Console  # noqa: PLC0415 - rich is optional
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415
        from rich.progress import Progress as Bars  # noqa: PLC0415
    except ImportError:
        return None
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bars = Bars(*columns, console=Console(file=stream))
    tasks: dict[str, object] = {}

    def show(progress: Progress) -> None:
        if not tasks:
            stack.enter_context(bars)
        if progress.label not in tasks:
            tasks[progress.label] = bars.add_task(progress.label, total=progress.total)
        bars.update(tasks[progress.label], completed=progress.done, total=progress.total)  # type: ignore[arg-type]

    return show
