"""The commands snapshot and diff."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from scyllamodel._text import printable_line
from scyllamodel.cli.console import Console
from scyllamodel.cli.exit_codes import CHANGES, DONE
from scyllamodel.cli.output import CommandResult, run_each
from scyllamodel.cli.repo_selection import select_repos
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ConfigurationError
from scyllamodel.release import schema_diff
from scyllamodel.schema.export.snapshot import snapshot_text


def run_snapshot(settings: argparse.Namespace, console: Console) -> int:
    """Run the command snapshot."""
    document = schema_diff.snapshot(select_repos(settings))
    write_atomically(Path(settings.out), snapshot_text(document))
    console.document(document)
    names = ", ".join(repo["name"] for repo in document["repos"])
    console.status(f"Wrote {settings.out}: the models of {names}.")
    return DONE


def write_atomically(path: Path, text: str) -> None:
    """Write a file completely or not at all.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.new")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise ConfigurationError(f"{path} cannot be written: {error}", path=str(path)) from error


def run_diff(settings: argparse.Namespace, console: Console) -> int:
    """Run the command diff."""
    command = partial(
        compare_one, before=settings.before, after=settings.after, changes=CHANGES if settings.exit_code else 0
    )
    return run_each(select_repos(settings), command, console)


def compare_one(repo: Repo, *, before: str, after: str, changes: int) -> CommandResult:
    """Return the differences of two sources; ``changes`` is the exit code if there are any."""
    difference = schema_diff.diff(repo, before, after)
    text = diff_text(difference.before, difference.after, [str(item) for item in difference.differences])
    return CommandResult(difference.to_dict(), text, DONE if difference.is_empty else changes)


def diff_text(before: str, after: str, lines: Sequence[str]) -> str:
    """Return the differences as text, or a line that says there are none.

    >>> diff_text("live", "models", [])
    'live and models are equal.'
    """
    return (
        "\n".join([f"From {before} to {after}:", *map(printable_line, lines)])
        if lines
        else f"{before} and {after} are equal."
    )
