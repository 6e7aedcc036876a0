"""Options that several commands share, so that a word means the same everywhere.

*In*: a parser. *Out*: the same parser, knowing more words. Each function adds one family.
"""

from __future__ import annotations

import argparse
from typing import Any


def seconds(text: str) -> float:
    """A time above zero, in seconds.

    >>> seconds("1.5")
    1.5
    """
    found = float(text)
    if not 0 < found < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is no time above zero, in seconds")
    return found


def words(text: str) -> list[str]:
    """A list that was written with commas.

    >>> words("a, b,")
    ['a', 'b']
    """
    return [word.strip() for word in text.split(",") if word.strip()]


def output(parser: argparse.ArgumentParser) -> None:
    """How much is said, and in which form."""
    group = parser.add_argument_group("output")
    group.add_argument("--json", action="store_true", help="one JSON document on stdout, and nothing else there")
    loudness = group.add_mutually_exclusive_group()
    loudness.add_argument(
        "-q", "--quiet", action="store_const", dest="verbosity", const=-1, default=0, help="no messages, no progress"
    )
    loudness.add_argument(
        "-v",
        "--verbose",
        action="store_const",
        dest="verbosity",
        const=1,
        help="log what happens, show plans whole, and tracebacks of unexpected errors",
    )


def target(parser: argparse.ArgumentParser) -> None:
    """Which repos, keyspaces and models a command is about."""
    group = parser.add_argument_group("target (see also SCYLLAMODEL_REPOS, SCYLLAMODEL_URL, pyproject.toml)")
    group.add_argument(
        "--repo",
        action="append",
        default=[],
        metavar="MODULE:ATTR",
        help="a Repo in your code, such as shop.db:repo; may be repeated",
    )
    group.add_argument(
        "--url",
        metavar="URL",
        help="scylla://host:9042/keyspace?models=shop.models; a URL with a password belongs in SCYLLAMODEL_URL or "
        "--url-file, since other users can read command lines",
    )
    group.add_argument("--url-file", metavar="FILE", help="a file that holds the URL (see also SCYLLAMODEL_URL_FILE)")
    group.add_argument(
        "--models",
        action="extend",
        type=words,
        default=[],
        metavar="PACKAGE",
        help="packages with models instead of the repo's; may be repeated",
    )
    group.add_argument(
        "--keyspace",
        type=words,
        default=[],
        metavar="NAME",
        help="this keyspace instead of the repo's; several with commas",
    )


def resources(parser: argparse.ArgumentParser) -> None:
    """Which of the models."""
    parser.add_argument(
        "--resource",
        action="extend",
        type=words,
        default=[],
        metavar="NAME",
        help="only this model, by class or table name, and what it needs; may be repeated",
    )


def locking(parser: argparse.ArgumentParser) -> None:
    """How long to wait for another run."""
    _lock_timeout(parser.add_argument_group("timeouts"))


def _lock_timeout(group: Any) -> None:
    group.add_argument(
        "--lock-timeout",
        type=seconds,
        default=60.0,
        metavar="SECONDS",
        help="how long another run may hold the lock without progress (default: 60)",
    )


def waiting(parser: argparse.ArgumentParser) -> None:
    """How long to wait for the cluster."""
    group = parser.add_argument_group("timeouts")
    _lock_timeout(group)
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


def creating(parser: argparse.ArgumentParser) -> None:
    """Whether the keyspace is made when it is missing."""
    parser.add_argument(
        "--create-keyspace",
        action="store_const",
        const=True,
        help="make the keyspace too, when it is missing (default: what the repo says)",
    )


def allowing(parser: argparse.ArgumentParser) -> None:
    """Which refused changes may run after all."""
    parser.add_argument(
        "--allow",
        action="extend",
        type=words,
        default=[],
        metavar="CODE[:OBJECT]",
        help="let a change with this code run, such as BC101 or BC101:orders; may be repeated",
    )
