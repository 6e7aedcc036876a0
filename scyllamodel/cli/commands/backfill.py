"""The command backfill, which copies values into a new column or rows into a new table."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import attrs

from scyllamodel._text import printable_line
from scyllamodel.cli.console import Console
from scyllamodel.cli.errors import Interrupted, Stopped, UsageError
from scyllamodel.cli.exit_codes import PARTIAL
from scyllamodel.cli.output import CommandResult, run_each
from scyllamodel.cli.repo_selection import select_repos
from scyllamodel.config import RepoReference, load_object
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import BackfillFailed
from scyllamodel.release.backfill import BackfillProgress, BackfillReport, backfill

if TYPE_CHECKING:
    from scyllamodel.cli.terminal import ProgressBar

_MESSAGE_INTERVAL: Final = 10.0
"""Seconds between two progress messages without a progress bar."""


def run_backfill(settings: argparse.Namespace, console: Console) -> int:
    """Run the command backfill."""
    return run_each(select_repos(settings), partial(_backfill_one, settings, console), console, failed=PARTIAL)


def _backfill_one(settings: argparse.Namespace, console: Console, repo: Repo) -> CommandResult:
    listener = _ProgressListener(console)
    try:
        report = backfill(
            repo,
            settings.source,
            into=settings.into,
            convert=_function(settings.convert),
            rate=settings.rate,
            concurrency=settings.concurrency,
            consistency=settings.consistency,
            again=settings.again,
            dry_run=settings.dry_run,
            on_progress=listener.on_progress,
        )
    except KeyboardInterrupt:
        raise listener.interruption() from None
    except BackfillFailed as error:
        listener.close()
        console.message(failures_text(error.report))
        raise
    finally:
        listener.close()
    return CommandResult(report.to_dict(), report_text(report), is_output=settings.dry_run)


def _function(text: str | None) -> Callable[[Any], Any] | None:
    if text is None:
        return None
    function = load_object(RepoReference(text, "--convert"))
    if not callable(function):
        raise UsageError(f"--convert names {text!r}, which is not a function but of type {type(function).__name__!r}.")
    return function


def report_text(report: BackfillReport) -> str:
    """Return a summary of a backfill in one line.

    >>> print(report_text(BackfillReport("t.a -> t.b", True, 4, 4, 1200, 1199, 1, 0, (), 2.5)))
    t.a -> t.b: 1,200 rows read, 1,199 written, 1 with nothing to copy. Everything is copied (2.5 s).
    """
    written = "would be written" if report.dry_run else "written"
    counts = f"{report.rows_in:,} rows read, {report.rows_out:,} {written}, {report.skipped:,} with nothing to copy"
    conclusion = "Nothing was written" if report.dry_run else "Everything is copied"
    return f"{report.name}: {counts}. {conclusion} ({report.seconds:.1f} s)."


def failures_text(report: BackfillReport) -> str:
    """Return the failed rows that the report contains, and the number of the others."""
    lines = [printable_line(f"  ! {failure.key}: {failure.error}") for failure in report.failures]
    unlisted = report.failed - len(report.failures)
    return "\n".join([*lines, *([f"  ! and {unlisted:,} more"] if unlisted else [])])


@attrs.define
class _ProgressListener:
    """Shows the progress of a backfill: a progress bar on a terminal, otherwise a message every few seconds."""

    console: Console
    bar: ProgressBar | None = None
    last_progress: BackfillProgress = attrs.field(factory=partial(BackfillProgress, 0, 0, 0, 0, 0))
    last_message: float = attrs.field(factory=time.monotonic)

    def on_progress(self, progress: BackfillProgress) -> None:
        """Show the progress."""
        if not self.last_progress.ranges:
            self.bar = self.console.bar(progress.ranges)
        finished, self.last_progress = progress.done - self.last_progress.done, progress
        text = f"{progress.rows_in:,} rows read, {progress.rows_out:,} written, {progress.failed:,} failed"
        if self.bar is not None:
            for _ in range(finished):
                self.bar.advance()
            self.bar.describe(text)
        elif time.monotonic() - self.last_message > _MESSAGE_INTERVAL:
            self.last_message = time.monotonic()
            self.console.message(f"{progress.done:,} of {progress.ranges:,} ranges: {text}")

    def interruption(self) -> Stopped | Interrupted:
        """Return the error for a backfill that the user stopped."""
        done, ranges = self.last_progress.done, self.last_progress.ranges
        if not ranges:
            return Interrupted("Interrupted before anything was copied.")
        text = f"Stopped on request: {done:,} of {ranges:,} ranges are copied. The same command resumes from there."
        return Stopped(text, applied=done, total=ranges, result=None)

    def close(self) -> None:
        """Remove the progress bar."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None
