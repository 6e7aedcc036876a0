"""The commands wait and grants."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from functools import partial
from typing import Final

from scyllamodel._text import printable_line
from scyllamodel.cli import options
from scyllamodel.cli.console import Console
from scyllamodel.cli.exit_codes import CHANGES, DONE, WAITED
from scyllamodel.cli.formatting import plan_text
from scyllamodel.cli.output import CommandResult, run_each
from scyllamodel.cli.parser import Command
from scyllamodel.cli.repo_selection import select_repos
from scyllamodel.driver.repo import Repo
from scyllamodel.release.engine.application_role import required_grants
from scyllamodel.release.engine.ledger_access import find_internal_keyspace
from scyllamodel.release.wait import AIMS, WaitResult, wait
from scyllamodel.schema.export.grants import Grant


def _grants_options(parser: argparse.ArgumentParser) -> None:
    options.add_target(parser)
    parser.add_argument(
        "--role", metavar="ROLE", default="scyllamodel", help="role to grant the permissions to (default: scyllamodel)"
    )
    options.add_output(parser)


def _grants(settings: argparse.Namespace, console: Console) -> int:
    return run_each(select_repos(settings), partial(_grants_one, settings.role), console)


def _grants_one(role: str, repo: Repo) -> CommandResult:
    internal_keyspace, guess = find_internal_keyspace(repo)
    grants = required_grants(repo, role, internal_keyspace)
    document = {
        "format": 1,
        "kind": "grants",
        "role": role,
        "keyspace": repo.keyspace,
        "internal_keyspace": internal_keyspace,
        "guess": guess or None,
        "grants": [grant.to_dict() for grant in grants],
    }
    return CommandResult(document, grants_text(grants, guess))


def grants_text(grants: Iterable[Grant], guess: str = "") -> str:
    """Return the statements below the commands that need them, as a valid CQL script.

    Parameters:
        guess: a comment on what is not known.

    >>> print(grants_text([Grant(("plan",), "nothing is needed", ())], "not known: no server"))
    -- not known: no server
    <BLANKLINE>
    -- plan: nothing is needed
    """
    blocks = ["\n".join(f"-- {printable_line(line)}" for line in guess.splitlines())] if guess else []
    blocks += [
        "\n".join([f"-- {', '.join(grant.commands)}: {grant.why}", *(f"{cql};" for cql in grant.cql)])
        for grant in grants
    ]
    return "\n\n".join(blocks)


def _wait_options(parser: argparse.ArgumentParser) -> None:
    options.add_target(parser)
    parser.add_argument(
        "--for", dest="aim", choices=AIMS, default="in-sync", help="condition to wait for (default: in-sync)"
    )
    parser.add_argument(
        "--timeout", type=options.seconds, default=300.0, metavar="SECONDS", help="maximum time to wait (default: 300)"
    )
    options.add_output(parser)


def _wait(settings: argparse.Namespace, console: Console) -> int:
    return run_each(select_repos(settings), partial(_wait_one, settings), console)


def _wait_one(settings: argparse.Namespace, repo: Repo) -> CommandResult:
    result = wait(repo, settings.aim, timeout=settings.timeout)
    text = wait_text(repo.keyspace, result, verbose=settings.verbosity > 0)
    return CommandResult(result.to_dict(), text, DONE if result.met else CHANGES, is_output=False)


def wait_text(keyspace: str, result: WaitResult, *, verbose: bool = False) -> str:
    """Return the result of waiting, with the plan if the schema is not in sync.

    >>> wait_text("shop", WaitResult("agreed", met=True, waited_ms=1234))
    'shop: agreed after 1.2 s.'
    """
    seconds = f"{result.waited_ms / 1000:.1f} s"
    if result.met:
        return f"{keyspace}: {result.aim.replace('-', ' ')} after {seconds}."
    missing = "" if result.plan is None else f"{plan_text(result.plan, verbose=verbose)}\n\n"
    return f"{missing}{keyspace}: not in sync after {seconds}."


COMMANDS: Final = (
    Command(
        "wait",
        "wait until the schema is in sync, agreed or built",
        _wait,
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
        _grants,
        _grants_options,
        "For the role that migrates and, for each table, for the role of the application (application_role=,\n"
        "or the environment variable SCYLLAMODEL_APPLICATION_ROLE). Reads the models, and queries the server\n"
        "only for the keyspace of the internal tables.",
        ("scyllamodel grants --repo shop.db:repo --role deployer",),
    ),
)
