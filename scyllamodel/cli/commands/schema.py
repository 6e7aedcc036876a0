"""The commands plan and check."""

from __future__ import annotations

import argparse
from functools import partial

from scyllamodel.cli.console import Console
from scyllamodel.cli.errors import UsageError
from scyllamodel.cli.exit_codes import CHANGES, DONE, REFUSED
from scyllamodel.cli.formatting import check_text, plan_text
from scyllamodel.cli.output import CommandResult, run_each
from scyllamodel.cli.repo_selection import select_repos
from scyllamodel.driver.repo import Repo
from scyllamodel.release.plan_check import check, plan


def run_plan(settings: argparse.Namespace, console: Console) -> int:
    """Run the command plan."""
    repos = select_repos(settings)
    if settings.expand:
        return run_each(repos, partial(_expand_one, settings), console)
    if settings.out and len(repos) != 1:
        raise UsageError(f"--out writes the plan of one repo, and {len(repos)} are selected. Select one.")
    return run_each(repos, partial(_plan_one, settings), console)


def _plan_one(settings: argparse.Namespace, repo: Repo) -> CommandResult:
    pending = plan(
        repo, resources=settings.resource or None, create_keyspace=settings.create_keyspace, allow=settings.allow
    )
    if settings.out:
        pending.save(settings.out)
    changes = CHANGES if settings.exit_code and not pending.is_empty else DONE
    text = plan_text(pending, verbose=settings.verbosity > 0)
    return CommandResult(pending.to_dict(), text, REFUSED if pending.refusals else changes)


def _expand_one(settings: argparse.Namespace, repo: Repo) -> CommandResult:
    from scyllamodel.release.expand import expand  # noqa: PLC0415 - only --expand needs it

    plan = expand(repo, settings.expand)
    return CommandResult(plan.to_dict(), plan.render())


def run_check(settings: argparse.Namespace, console: Console) -> int:
    """Run the command check."""
    if settings.offline is None:
        return run_each(select_repos(settings), partial(_check_one, settings), console)
    if settings.resource:
        raise UsageError("--offline compares all models of a repo, so --resource cannot be given with it.")
    from scyllamodel.cli.commands.snapshot import compare_one  # noqa: PLC0415 - only --offline needs it

    command = partial(compare_one, before=f"snapshot:{settings.offline}", after="models", changes=CHANGES)
    return run_each(select_repos(settings), command, console)


def _check_one(settings: argparse.Namespace, repo: Repo) -> CommandResult:
    result = check(repo, resources=settings.resource or None, strict=settings.strict)
    text = check_text(result, verbose=settings.verbosity > 0)
    return CommandResult(result.to_dict(), text, DONE if result.in_sync else CHANGES, is_output=False)
