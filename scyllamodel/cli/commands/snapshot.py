"""The commands snapshot and diff."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from scyllamodel._text import printable_line
from scyllamodel.cli import options
from scyllamodel.cli.console import Console
from scyllamodel.cli.exit_codes import CHANGES, DONE
from scyllamodel.cli.output import CommandResult, run_each
from scyllamodel.cli.parser import Command
from scyllamodel.cli.repo_selection import select_repos
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ConfigurationError
from scyllamodel.release import schema_diff
from scyllamodel.schema.export.snapshot import FILE, snapshot_text


def _snapshot_options(parser: argparse.ArgumentParser) -> None:
    options.add_target(parser)
    parser.add_argument("--out", metavar="FILE", default=FILE, help=f"file to write (default: {FILE})")
    options.add_output(parser)


def _snapshot(settings: argparse.Namespace, console: Console) -> int:
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


def _diff_options(parser: argparse.ArgumentParser) -> None:
    options.add_target(parser)
    text = "models, live, empty, snapshot:FILE, or version:V"
    parser.add_argument("--from", dest="before", metavar="SOURCE", default=f"snapshot:{FILE}", help=text)
    parser.add_argument(
        "--to", dest="after", metavar="SOURCE", default="models", help="a source of --from (default: models)"
    )
    parser.add_argument("--exit-code", action="store_true", help="exit with 2 if there is a difference")
    options.add_output(parser)


def _diff(settings: argparse.Namespace, console: Console) -> int:
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


COMMANDS: Final = (
    Command(
        "snapshot",
        "write what the models declare to schema.lock.json",
        _snapshot,
        _snapshot_options,
        "Needs no server. Commit the file with the models: a review then shows the schema changes of a\n"
        "release, and `check --offline` reports an outdated file.",
        ("scyllamodel snapshot --repo shop.db:repo", "scyllamodel snapshot --repo shop.db:repo --out build/lock.json"),
    ),
    Command(
        "diff",
        "compare two schemas",
        _diff,
        _diff_options,
        "Each side is the models, the live keyspace, a snapshot file, a version of the ledger, or empty. Only\n"
        "`live` and `version` query a server. What models leave open, such as an option that they do not\n"
        "declare, is not a difference.",
        (
            "scyllamodel diff --repo shop.db:repo",
            "scyllamodel diff --repo shop.db:repo --from live --to models",
            "scyllamodel diff --repo shop.db:repo --from snapshot:old.json --to snapshot:new.json --json",
        ),
        (CHANGES,),
    ),
)
