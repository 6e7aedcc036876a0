"""Defines the commands plan, migrate and check."""

from __future__ import annotations

import argparse
from typing import Final

from scyllamodel.cli import options
from scyllamodel.cli.exit_codes import CHANGES, LOCKED, PARTIAL, REFUSED, STALE, WAITED
from scyllamodel.cli.options import SNAPSHOT_FILE
from scyllamodel.cli.parser import Command


def _plan_options(parser: argparse.ArgumentParser) -> None:
    options.add_target(parser)
    options.add_resources(parser)
    options.add_create_keyspace(parser)
    options.add_allow(parser)
    parser.add_argument("--out", metavar="FILE", help="write the plan to a file for `migrate FILE`")
    parser.add_argument(
        "--expand",
        metavar="NAME",
        help="print the expand/contract plan for a refused change: Order.total for a column, Order for its key",
    )
    parser.add_argument("--exit-code", action="store_true", help="exit with 2 if there is something to do")
    options.add_output(parser)


def _migrate_options(parser: argparse.ArgumentParser) -> None:
    options.add_target(parser)
    options.add_resources(parser)
    options.add_create_keyspace(parser)
    parser.add_argument(
        "planfile", nargs="?", metavar="PLANFILE", help="run exactly this plan, written by `plan --out`"
    )
    parser.add_argument("--dry-run", action="store_true", help="print what would run, and run nothing")
    parser.add_argument(
        "--wait-built", action="store_true", help="wait until new indexes and views contain the existing rows"
    )
    options.add_allow(parser)
    options.add_timeouts(parser)
    options.add_output(parser)


def _check_options(parser: argparse.ArgumentParser) -> None:
    options.add_target(parser)
    options.add_resources(parser)
    parser.add_argument("--strict", action="store_true", help="count live objects that no model declares as changes")
    parser.add_argument(
        "--offline",
        nargs="?",
        const=SNAPSHOT_FILE,
        metavar="FILE",
        help=f"compare the models with a snapshot file instead of the server (default: {SNAPSHOT_FILE})",
    )
    options.add_output(parser)


COMMANDS: Final = (
    Command(
        "plan",
        "show what is missing on the server, without changing it",
        "scyllamodel.cli.commands.schema:run_plan",
        _plan_options,
        "Reads the models and the live schema, and prints the statements that would bring the\n"
        "server up to date. Exit code 3: the models need a change that CQL cannot make.",
        (
            "scyllamodel plan --repo shop.db:repo",
            'scyllamodel plan --url "scylla://127.0.0.1/shop?models=shop.models" --exit-code',
            "scyllamodel plan --repo shop.db:repo --out release.json",
            "scyllamodel plan --repo shop.db:repo --json | jq .summary",
            "scyllamodel plan --repo shop.db:repo --expand Order.total",
        ),
        (CHANGES, REFUSED),
    ),
    Command(
        "migrate",
        "bring the server up to date with the models",
        "scyllamodel.cli.commands.migrate:run_migrate",
        _migrate_options,
        "Adds what is missing: types, tables, columns, options, indexes, views. Nothing is dropped.\n"
        "A change that CQL cannot make is refused before anything runs, with a recipe. On Ctrl-C\n"
        "it finishes the current statement; the next run resumes.",
        (
            "scyllamodel migrate --repo shop.db:repo --dry-run",
            "scyllamodel migrate --repo shop.db:repo --create-keyspace",
            "scyllamodel migrate release.json --repo shop.db:repo",
            "scyllamodel migrate --repo shop.db:repo --resource Order --resource Customer",
        ),
        (REFUSED, STALE, LOCKED, PARTIAL, WAITED),
    ),
    Command(
        "check",
        "check whether the server is in sync with the models",
        "scyllamodel.cli.commands.schema:run_check",
        _check_options,
        "For CI and health checks: the exit code is the result. --offline needs no server and checks whether\n"
        "schema.lock.json matches the models.",
        (
            "scyllamodel check --repo shop.db:repo",
            "scyllamodel check --repo shop.db:repo --strict --quiet",
            "scyllamodel check --repo shop.db:repo --offline",
        ),
        (CHANGES,),
    ),
)
