"""The command migrate, which brings the server up to date with the models."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial

from scyllamodel.cli.console import Console
from scyllamodel.cli.errors import UsageError
from scyllamodel.cli.exit_codes import PARTIAL
from scyllamodel.cli.formatting import result_text
from scyllamodel.cli.output import CommandResult, run_each
from scyllamodel.cli.progress import progress_listener
from scyllamodel.cli.repo_selection import select_repos
from scyllamodel.driver.repo import Repo
from scyllamodel.release.engine.models import find_resources
from scyllamodel.release.migrate import migrate
from scyllamodel.schema.plan import Plan


def run_migrate(settings: argparse.Namespace, console: Console) -> int:
    """Run the command migrate."""
    planfile: str | None = settings.planfile
    plan = None if planfile is None else _load_plan(planfile)
    if not (settings.repo or settings.url):
        # All configured repos are selected, so a model that belongs to none of them would be skipped silently.
        find_resources(packages=settings.models or None)
    repos = select_repos(settings)
    if plan is not None and planfile is not None:
        repos = [_repo_of(plan, repos, planfile)]
    return run_each(repos, partial(_migrate_one, settings, console, plan), console, failed=PARTIAL)


def _load_plan(file: str) -> Plan:
    if "://" in file:  # not repeated in the message, since it may hold a password
        raise UsageError("the argument of migrate is a plan file: write --url before a URL")
    return Plan.load(file)


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
        result = migrate(
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
