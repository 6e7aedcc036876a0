"""The commands wait and grants."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from functools import partial

from scyllamodel._text import printable_line
from scyllamodel.cli.console import Console
from scyllamodel.cli.exit_codes import CHANGES, DONE
from scyllamodel.cli.formatting import plan_text
from scyllamodel.cli.output import CommandResult, run_each
from scyllamodel.cli.repo_selection import select_repos
from scyllamodel.driver.repo import Repo
from scyllamodel.release.engine.application_role import required_grants
from scyllamodel.release.engine.ledger_access import find_internal_keyspace
from scyllamodel.release.wait import WaitResult, wait
from scyllamodel.schema.export.grants import Grant


def run_grants(settings: argparse.Namespace, console: Console) -> int:
    """Run the command grants."""
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


def run_wait(settings: argparse.Namespace, console: Console) -> int:
    """Run the command wait."""
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
