"""What a long wait is doing: one value, and two ways to show it (a bar on a terminal, plain lines elsewhere)."""

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
"""Seconds between two plain lines about the same thing."""


@attrs.frozen
class Progress:
    """How far one thing has got.

    Attributes:
        what: such as ``jars of Cassandra 5.0.9``.
        done: files, or steps, that are finished.
        total: how many there are; done equals total when it is over.
    """

    what: str
    done: int
    total: int


OnProgress = Callable[[Progress], None]
"""A callback that may come from several threads, but never from two at once."""


def silent(_progress: Progress) -> None:
    """Show nothing."""


@contextmanager
def shown(stream: TextIO | None = None) -> Generator[OnProgress]:
    """A callback that shows progress on `stream` (default: stderr) until the block ends.

    It is a bar where rich is installed and the stream is a terminal, and plain lines otherwise. Nothing is printed
    before the first report, so work that finds everything in the cache stays silent.
    """
    target = sys.stderr if stream is None else stream
    with ExitStack() as stack:
        show = (_bars(target, stack) if target.isatty() else None) or PlainLines(target)
        lock = threading.Lock()

        def report(progress: Progress) -> None:
            with lock:
                show(progress)

        yield report


class PlainLines:
    """Prints the start, the end, and now and then a line between them."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._printed: dict[str, float] = {}

    def __call__(self, progress: Progress) -> None:
        """Print `progress`, unless the last line about the same thing is younger than `LINE_INTERVAL` seconds."""
        now = time.monotonic()
        last = self._printed.get(progress.what)
        if progress.done < progress.total and last is not None and now - last < LINE_INTERVAL:
            return
        self._printed[progress.what] = now
        count = f": {progress.done} of {progress.total}" if progress.total > 1 else _plain_state(progress)
        print(f"{progress.what}{count}", file=self._stream, flush=True)


def _plain_state(progress: Progress) -> str:
    return ": done" if progress.done >= progress.total else " ..."


def _bars(stream: TextIO, stack: ExitStack) -> OnProgress | None:
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
        if progress.what not in tasks:
            tasks[progress.what] = bars.add_task(progress.what, total=progress.total)
        bars.update(tasks[progress.what], completed=progress.done, total=progress.total)  # type: ignore[arg-type]

    return show
