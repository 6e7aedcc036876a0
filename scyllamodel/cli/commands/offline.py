"""The commands around a lock file: write it, and compare schemas from wherever they are."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from scyllamodel._text import printable_line
from scyllamodel.cli import options
from scyllamodel.cli.answers import Answer, answer_each
from scyllamodel.cli.console import Console
from scyllamodel.cli.exits import CHANGES, DONE
from scyllamodel.cli.parser import Command
from scyllamodel.cli.repos import chosen_repos
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ConfigurationError
from scyllamodel.release import sources
from scyllamodel.schema.snapshot import FILE, snapshot_text


def _snapshot_options(parser: argparse.ArgumentParser) -> None:
    options.target(parser)
    parser.add_argument("--out", metavar="FILE", default=FILE, help=f"where to write it (default: {FILE})")
    options.output(parser)


def _snapshot(settings: argparse.Namespace, console: Console) -> int:
    document = sources.snapshot(chosen_repos(settings))
    write(Path(settings.out), snapshot_text(document))
    console.document(document)
    names = ", ".join(repo["name"] for repo in document["repos"])
    console.tell(f"Wrote {settings.out}: the models of {names}.")
    return DONE


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all.

    Raises:
        ConfigurationError: it cannot be written.
    """
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise ConfigurationError(f"{path} cannot be written: {error}", path=str(path)) from error


def _diff_options(parser: argparse.ArgumentParser) -> None:
    options.target(parser)
    text = "models, live, empty, snapshot:FILE, or version:V"
    parser.add_argument("--from", dest="before", metavar="SOURCE", default=f"snapshot:{FILE}", help=text)
    parser.add_argument("--to", dest="after", metavar="SOURCE", default="models", help="likewise (default: models)")
    parser.add_argument("--exit-code", action="store_true", help="exit with 2 when there is a difference")
    options.output(parser)


def _diff(settings: argparse.Namespace, console: Console) -> int:
    work = partial(compared, before=settings.before, after=settings.after, changes=CHANGES if settings.exit_code else 0)
    return answer_each(chosen_repos(settings), work, console)


def compared(repo: Repo, *, before: str, after: str, changes: int) -> Answer:
    """The differences of two sources as an answer; ``changes`` is the exit code when there are any."""
    found = sources.diff(repo, before, after)
    text = diff_text(found.before, found.after, [str(item) for item in found.differences])
    return Answer(found.to_dict(), text, DONE if found.is_empty else changes)


def diff_text(before: str, after: str, lines: Sequence[str]) -> str:
    """The differences, or that there are none.

    >>> diff_text("live", "models", [])
    'live and models are the same.'
    """
    return (
        "\n".join([f"From {before} to {after}:", *map(printable_line, lines)])
        if lines
        else f"{before} and {after} are the same."
    )


COMMANDS: Final = (
    Command(
        "snapshot",
        "write what the models declare to schema.lock.json",
        _snapshot,
        _snapshot_options,
        "Needs no server. Keep the file beside the models: a review then shows what a release does to\n"
        "the schema, and `check --offline` tells when somebody forgot to write it.",
        ("scyllamodel snapshot --repo shop.db:repo", "scyllamodel snapshot --repo shop.db:repo --out build/lock.json"),
    ),
    Command(
        "diff",
        "show what is different between two schemas",
        _diff,
        _diff_options,
        "Either side is the models, the live keyspace, a lock file, or nothing at all. Only `live` asks a\n"
        "server. What models leave open, such as an option that they do not declare, is no difference.",
        (
            "scyllamodel diff --repo shop.db:repo",
            "scyllamodel diff --repo shop.db:repo --from live --to models",
            "scyllamodel diff --repo shop.db:repo --from snapshot:old.json --to snapshot:new.json --json",
        ),
        (CHANGES,),
    ),
)
