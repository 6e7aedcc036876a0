"""The commands plan, migrate and check."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial

from scyllamodel import release
from scyllamodel.cli.commands.snapshot import compare_one
from scyllamodel.cli.console import Console
from scyllamodel.cli.errors import UsageError
from scyllamodel.cli.exit_codes import CHANGES, DONE, PARTIAL, REFUSED
from scyllamodel.cli.formatting import check_text, plan_text, result_text
from scyllamodel.cli.output import CommandResult, run_each
from scyllamodel.cli.progress import progress_listener
from scyllamodel.cli.repo_selection import select_repos
from scyllamodel.driver.repo import Repo
from scyllamodel.release.expand import expand
from scyllamodel.schema.plan import Plan


def run_plan(settings: argparse.Namespace, console: Console) -> int:
    """Run the command plan."""
    repos = select_repos(settings)
    if settings.expand:
        return run_each(repos, partial(_expand_one, settings), console)
    if settings.out and len(repos) != 1:
        raise UsageError(f"--out writes the plan of one repo, and {len(repos)} are selected. Select one.")
    return run_each(repos, partial(_plan_one, settings), console)


def _plan_one(settings: argparse.Namespace, repo: Repo) -> CommandResult:
    plan = release.plan(
        repo, resources=settings.resource or None, create_keyspace=settings.create_keyspace, allow=settings.allow
    )
    if settings.out:
        plan.save(settings.out)
    changes = CHANGES if settings.exit_code and not plan.is_empty else DONE
    text = plan_text(plan, verbose=settings.verbosity > 0)
    return CommandResult(plan.to_dict(), text, REFUSED if plan.refusals else changes)


def _expand_one(settings: argparse.Namespace, repo: Repo) -> CommandResult:
    plan = expand(repo, settings.expand)
    return CommandResult(plan.to_dict(), plan.render())


def run_migrate(settings: argparse.Namespace, console: Console) -> int:
    """Run the command migrate."""
    if not (settings.repo or settings.url):
        # All configured repos are selected, so a model that belongs to none of them would be skipped silently.
        release.find_resources(packages=settings.models or None)
    repos, plan = select_repos(settings), None
    if settings.planfile is not None:
        plan = Plan.load(settings.planfile)
        repos = [_repo_of(plan, repos, settings.planfile)]
    return run_each(repos, partial(_migrate_one, settings, console, plan), console, failed=PARTIAL)


def _repo_of(plan: Plan, repos: Sequence[Repo], file: str) -> Repo:
    """Return the repo of a plan file, by keyspace; a single repo is returned unchecked, since `migrate` compares.

    Raises:
        UsageError: none of several repos matches, or more than one.
    """
    if len(repos) == 1:
        return repos[0]
    matching = [repo for repo in repos if repo.keyspace in plan.keyspace.split(", ")]
    if len(matching) == 1:
        return matching[0]
    names = ", ".join(f"{repo.name} ({repo.keyspace})" for repo in repos)
    problem = "several of these repos use it" if matching else "none of these repos uses it"
    raise UsageError(f"{file} is a plan for keyspace {plan.keyspace}, and {problem}: {names}. Select one with --repo.")


def _migrate_one(settings: argparse.Namespace, console: Console, plan: Plan | None, repo: Repo) -> CommandResult:
    create_keyspace, allow = settings.create_keyspace, settings.allow
    if plan is not None:
        # The options that the plan was made with are approved with it.
        create_keyspace = create_keyspace or any(step.op == "create_keyspace" for step in plan.bootstrap) or None
        allow = [*allow, *(lint.allow for lint in plan.lints if lint.allow)]
    with progress_listener(console, show_plan=not settings.dry_run) as on_event:
        result = release.migrate(
            repo,
            resources=settings.resource or None,
            dry_run=settings.dry_run,
            create_keyspace=create_keyspace,
            plan=plan,
            allow=allow,
            lock_timeout=settings.lock_timeout,
            agreement_timeout=settings.agreement_timeout,
            step_timeout=settings.step_timeout,
            wait_built=settings.wait_built,
            on_event=on_event,
        )
    text = result_text(result, verbose=settings.verbosity > 0)
    return CommandResult(result.to_dict(), text, is_output=settings.dry_run)


def run_check(settings: argparse.Namespace, console: Console) -> int:
    """Run the command check."""
    if settings.offline is None:
        return run_each(select_repos(settings), partial(_check_one, settings), console)
    if settings.resource:
        raise UsageError("--offline compares all models of a repo, so --resource cannot be given with it.")
    command = partial(compare_one, before=f"snapshot:{settings.offline}", after="models", changes=CHANGES)
    return run_each(select_repos(settings), command, console)


def _check_one(settings: argparse.Namespace, repo: Repo) -> CommandResult:
    result = release.check(repo, resources=settings.resource or None, strict=settings.strict)
    text = check_text(result, verbose=settings.verbosity > 0)
    return CommandResult(result.to_dict(), text, DONE if result.in_sync else CHANGES, is_output=False)
