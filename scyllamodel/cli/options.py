"""Options that several commands share, so that they work the same everywhere.

*In*: a parser. *Out*: the parser with more options. Each function adds one group.
"""

from __future__ import annotations

import argparse
from typing import Any, Final

SNAPSHOT_FILE: Final = "schema.lock.json"
WAIT_AIMS: Final = ("in-sync", "agreed", "built")
SERVER_VERSION: Final = "5.0"
"""Values of the modules that the commands use; those are not imported for a help text, and a test compares them."""


def seconds(text: str) -> float:
    """Parse a positive number of seconds.

    >>> seconds("1.5")
    1.5
    """
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number of seconds")
    return value


def word_list(text: str) -> list[str]:
    """Parse a comma-separated list.

    >>> word_list("a, b,")
    ['a', 'b']
    """
    return [item.strip() for item in text.split(",") if item.strip()]


def add_output(parser: argparse.ArgumentParser) -> None:
    """Add the options for the form and amount of output."""
    group = parser.add_argument_group("output")
    group.add_argument("--json", action="store_true", help="one JSON document on stdout, and nothing else there")
    verbosity = group.add_mutually_exclusive_group()
    verbosity.add_argument(
        "-q", "--quiet", action="store_const", dest="verbosity", const=-1, default=0, help="no messages and no progress"
    )
    verbosity.add_argument(
        "-v",
        "--verbose",
        action="store_const",
        dest="verbosity",
        const=1,
        help="log details, and show complete plans and tracebacks of unexpected errors",
    )


def add_target(parser: argparse.ArgumentParser) -> None:
    """Add the options that select repos, keyspaces and models."""
    group = parser.add_argument_group("target (see also SCYLLAMODEL_REPOS, SCYLLAMODEL_URL, pyproject.toml)")
    group.add_argument(
        "--repo",
        action="append",
        default=[],
        metavar="MODULE:ATTR",
        help="a Repo in the application's code, such as shop.db:repo; may be repeated",
    )
    group.add_argument(
        "--url",
        metavar="URL",
        help="scylla://host:9042/keyspace?models=shop.models; a URL with a password belongs in SCYLLAMODEL_URL or "
        "--url-file, since other users can read command lines",
    )
    group.add_argument("--url-file", metavar="FILE", help="a file with the URL (see also SCYLLAMODEL_URL_FILE)")
    group.add_argument(
        "--models",
        action="extend",
        type=word_list,
        default=[],
        metavar="PACKAGE",
        help="packages with models, instead of those of the repo; may be repeated",
    )
    group.add_argument(
        "--keyspace",
        type=word_list,
        default=[],
        metavar="NAME",
        help="keyspace to use instead of that of the repo; several separated by commas",
    )


def add_resources(parser: argparse.ArgumentParser) -> None:
    """Add the option that selects single models."""
    parser.add_argument(
        "--resource",
        action="extend",
        type=word_list,
        default=[],
        metavar="NAME",
        help="only this model, by class or table name, and what it depends on; may be repeated",
    )


def add_lock_timeout(parser: argparse.ArgumentParser) -> None:
    """Add the timeout of the lock."""
    _add_lock_timeout_option(parser.add_argument_group("timeouts"))


def _add_lock_timeout_option(group: Any) -> None:
    group.add_argument(
        "--lock-timeout",
        type=seconds,
        default=60.0,
        metavar="SECONDS",
        help="how long another run may hold the lock without progress (default: 60)",
    )


def add_timeouts(parser: argparse.ArgumentParser) -> None:
    """Add the timeouts of the lock, of schema agreement and of single statements."""
    group = parser.add_argument_group("timeouts")
    _add_lock_timeout_option(group)
    group.add_argument(
        "--agreement-timeout",
        type=seconds,
        default=120.0,
        metavar="SECONDS",
        help="how long nodes may take to agree on the schema (default: 120)",
    )
    group.add_argument(
        "--step-timeout",
        type=seconds,
        default=120.0,
        metavar="SECONDS",
        help="how long one statement may take (default: 120)",
    )


def add_create_keyspace(parser: argparse.ArgumentParser) -> None:
    """Add ``--create-keyspace``."""
    parser.add_argument(
        "--create-keyspace",
        action="store_const",
        const=True,
        help="create the keyspace if it is missing (default: the setting of the repo)",
    )


def add_allow(parser: argparse.ArgumentParser) -> None:
    """Add ``--allow``."""
    parser.add_argument(
        "--allow",
        action="extend",
        type=word_list,
        default=[],
        metavar="CODE[:OBJECT]",
        help="allow a refused change by its code, such as BC101 or BC101:orders; may be repeated",
    )
