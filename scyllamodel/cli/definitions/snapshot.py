"""Defines the commands snapshot and diff."""

from __future__ import annotations

import argparse
from typing import Final

from scyllamodel.cli import options
from scyllamodel.cli.exit_codes import CHANGES
from scyllamodel.cli.options import SNAPSHOT_FILE
from scyllamodel.cli.parser import Command


def _snapshot_options(parser: argparse.ArgumentParser) -> None:
    options.add_target(parser)
    parser.add_argument(
        "--out", metavar="FILE", default=SNAPSHOT_FILE, help=f"file to write (default: {SNAPSHOT_FILE})"
    )
    options.add_output(parser)


def _diff_options(parser: argparse.ArgumentParser) -> None:
    options.add_target(parser)
    text = "models, live, empty, snapshot:FILE, or version:V"
    parser.add_argument("--from", dest="before", metavar="SOURCE", default=f"snapshot:{SNAPSHOT_FILE}", help=text)
    parser.add_argument(
        "--to", dest="after", metavar="SOURCE", default="models", help="a source of --from (default: models)"
    )
    parser.add_argument("--exit-code", action="store_true", help="exit with 2 if there is a difference")
    options.add_output(parser)


COMMANDS: Final = (
    Command(
        "snapshot",
        "write what the models declare to schema.lock.json",
        "scyllamodel.cli.commands.snapshot:run_snapshot",
        _snapshot_options,
        "Needs no server. Commit the file with the models: a review then shows the schema changes of a\n"
        "release, and `check --offline` reports an outdated file.",
        ("scyllamodel snapshot --repo shop.db:repo", "scyllamodel snapshot --repo shop.db:repo --out build/lock.json"),
    ),
    Command(
        "diff",
        "compare two schemas",
        "scyllamodel.cli.commands.snapshot:run_diff",
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
