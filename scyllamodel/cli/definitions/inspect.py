"""Defines the commands create-keyspace, inspect and lint."""

from __future__ import annotations

import argparse
from typing import Final

from scyllamodel.cli import options
from scyllamodel.cli.exit_codes import PARTIAL, REFUSED
from scyllamodel.cli.parser import Command


def _target_options(parser: argparse.ArgumentParser) -> None:
    options.add_target(parser)
    options.add_output(parser)


def _inspect_options(parser: argparse.ArgumentParser) -> None:
    options.add_target(parser)
    parser.add_argument(
        "--format",
        choices=["cql", "json", "models", "mermaid"],
        default="cql",
        help="CQL that creates the schema, JSON, Python models, or a Mermaid diagram (default: cql)",
    )
    options.add_output(parser)


COMMANDS: Final = (
    Command(
        "create-keyspace",
        "create the keyspace of a repo if it does not exist",
        "scyllamodel.cli.commands.inspect:run_create_keyspace",
        _target_options,
        "The replication is that of the repo. An existing keyspace is compared and never altered.",
        ("scyllamodel create-keyspace --repo shop.db:repo",),
        (PARTIAL,),
    ),
    Command(
        "inspect",
        "print the schema of a live keyspace",
        "scyllamodel.cli.commands.inspect:run_inspect",
        _inspect_options,
        "Reads the live schema and needs no models. Generated models have no difference from their keyspace;\n"
        "objects that classes cannot declare are added as comments.",
        (
            "scyllamodel inspect --repo shop.db:repo",
            "scyllamodel inspect --repo shop.db:repo --format models",
            "scyllamodel inspect --url scylla://127.0.0.1/shop --format json | jq '.keyspaces[].tables[].name'",
        ),
    ),
    Command(
        "lint",
        "check the models without a server",
        "scyllamodel.cli.commands.inspect:run_lint",
        _target_options,
        "Imports the models, and checks names, options, indexes and replication. Exit code 3: a statement\n"
        "would fail on the server, or a migration would refuse it.",
        ("scyllamodel lint --repo shop.db:repo", "scyllamodel lint --models shop.models"),
        (REFUSED,),
    ),
)
