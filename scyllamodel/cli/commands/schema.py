"""The commands plan, migrate and check."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from functools import partial
from typing import Final

from scyllamodel import release
from scyllamodel.cli import options
from scyllamodel.cli.commands.snapshot import compare_one
from scyllamodel.cli.console import Console
from scyllamodel.cli.exit_codes import CHANGES, DONE, LOCKED, PARTIAL, REFUSED, STALE, WAITED, UsageError
from scyllamodel.cli.formatting import check_text, plan_text, result_text
from scyllamodel.cli.output import CommandResult, run_each
from scyllamodel.cli.parser import Command
from scyllamodel.cli.progress import progress_listener
from scyllamodel.cli.repo_selection import select_repos
from scyllamodel.driver.repo import Repo
from scyllamodel.release.expand import expand
from scyllamodel.schema.export.snapshot import FILE
from scyllamodel.schema.plan import Plan


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


def _plan(settings: argparse.Namespace, console: Console) -> int:
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


def _migrate(settings: argparse.Namespace, console: Console) -> int:
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


def _check_options(parser: argparse.ArgumentParser) -> None:
    options.add_target(parser)
    options.add_resources(parser)
    parser.add_argument("--strict", action="store_true", help="count live objects that no model declares as changes")
    parser.add_argument(
        "--offline",
        nargs="?",
        const=FILE,
        metavar="FILE",
        help=f"compare the models with a snapshot file instead of the server (default: {FILE})",
    )
    options.add_output(parser)


def _check(settings: argparse.Namespace, console: Console) -> int:
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


COMMANDS: Final = (
    Command(
        "plan",
        "show what is missing on the server, without changing it",
        _plan,
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
        _migrate,
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
        _check,
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
