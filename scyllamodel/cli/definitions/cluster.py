"""Defines the commands wait and grants."""

from __future__ import annotations

import argparse
from typing import Final

from scyllamodel.cli import options
from scyllamodel.cli.exit_codes import CHANGES, WAITED
from scyllamodel.cli.parser import Command


def _grants_options(parser: argparse.ArgumentParser) -> None:
    options.add_target(parser)
    parser.add_argument(
        "--role", metavar="ROLE", default="scyllamodel", help="role to grant the permissions to (default: scyllamodel)"
    )
    options.add_output(parser)


def _wait_options(parser: argparse.ArgumentParser) -> None:
    options.add_target(parser)
    parser.add_argument(
        "--for",
        dest="aim",
        choices=options.WAIT_AIMS,
        default="in-sync",
        help="condition to wait for (default: in-sync)",
    )
    parser.add_argument(
        "--timeout", type=options.seconds, default=300.0, metavar="SECONDS", help="maximum time to wait (default: 300)"
    )
    options.add_output(parser)


COMMANDS: Final = (
    Command(
        "wait",
        "wait until the schema is in sync, agreed or built",
        "scyllamodel.cli.commands.cluster:run_wait",
        _wait_options,
        "For init containers: changes nothing, and ends when another process has migrated the schema. It also\n"
        "waits for a server that does not respond yet. --for built also waits until indexes and views contain\n"
        "the existing rows.",
        ("scyllamodel wait --repo shop.db:repo", "scyllamodel wait --repo shop.db:repo --for agreed --timeout 60"),
        (CHANGES, WAITED),
    ),
    Command(
        "grants",
        "print the GRANT statements that each command needs",
        "scyllamodel.cli.commands.cluster:run_grants",
        _grants_options,
        "For the role that migrates and, for each table, for the role of the application (application_role=,\n"
        "or the environment variable SCYLLAMODEL_APPLICATION_ROLE). Reads the models, and queries the server\n"
        "only for the keyspace of the internal tables.",
        ("scyllamodel grants --repo shop.db:repo --role deployer",),
    ),
)
