"""The commands on the ledger: status, history, rollback, contract, baseline, resolve, unlock."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any

from scyllamodel.cli.console import Console
from scyllamodel.cli.exit_codes import DONE, PARTIAL, REFUSED
from scyllamodel.cli.formatting import result_text
from scyllamodel.cli.ledger_texts import history_text, holder_text, status_text
from scyllamodel.cli.output import CommandResult, run_each
from scyllamodel.cli.progress import progress_listener
from scyllamodel.cli.repo_selection import select_repos
from scyllamodel.driver.repo import Repo
from scyllamodel.release.contract import contract
from scyllamodel.release.engine.results import MigrationResult
from scyllamodel.release.ledger import ledger_scope
from scyllamodel.release.recovery import baseline, resolve, unlock
from scyllamodel.release.rollback import rollback
from scyllamodel.release.status import history, history_dict, status


def run_status(settings: argparse.Namespace, console: Console) -> int:
    """Run the command status."""
    return run_each(select_repos(settings), _status_one, console)


def _status_one(repo: Repo) -> CommandResult:
    current = status(repo)
    return CommandResult(current.to_dict(), status_text(current))


def run_history(settings: argparse.Namespace, console: Console) -> int:
    """Run the command history."""
    return run_each(select_repos(settings), partial(_history_one, settings), console)


def _history_one(settings: argparse.Namespace, repo: Repo) -> CommandResult:
    versions = history(repo, steps=settings.steps)
    return CommandResult(history_dict(ledger_scope(repo.keyspace, repo.name), versions), history_text(versions))


def run_rollback(settings: argparse.Namespace, console: Console) -> int:
    """Run the command rollback."""

    def roll_back(repo: Repo, **keywords: Any) -> MigrationResult:
        return rollback(repo, settings.version, **keywords)

    return _change_each(settings, console, roll_back)


def run_contract(settings: argparse.Namespace, console: Console) -> int:
    """Run the command contract."""
    return _change_each(settings, console, contract)


def _change_each(settings: argparse.Namespace, console: Console, change: Callable[..., MigrationResult]) -> int:
    return run_each(select_repos(settings), partial(_change_one, settings, console, change), console, failed=PARTIAL)


def _change_one(
    settings: argparse.Namespace, console: Console, change: Callable[..., MigrationResult], repo: Repo
) -> CommandResult:
    names = ("dry_run", "allow", "lock_timeout", "agreement_timeout", "step_timeout")
    keywords = {name: getattr(settings, name) for name in names}
    with progress_listener(console, show_plan=not settings.dry_run) as on_event:
        result = change(repo, on_event=on_event, **keywords)
    code = REFUSED if result.plan.refusals else DONE
    text = result_text(result, verbose=settings.verbosity > 0)
    return CommandResult(result.to_dict(), text, code, is_output=settings.dry_run)


def run_baseline(settings: argparse.Namespace, console: Console) -> int:
    """Run the command baseline."""
    return run_each(select_repos(settings), partial(_baseline_one, settings), console)


def _baseline_one(settings: argparse.Namespace, repo: Repo) -> CommandResult:
    result = baseline(repo, force=settings.force, lock_timeout=settings.lock_timeout)
    text = f"{repo.keyspace}: recorded as version {result.version}."
    return CommandResult(result.to_dict(), text, is_output=False)


def run_resolve(settings: argparse.Namespace, console: Console) -> int:
    """Run the command resolve."""
    return run_each(select_repos(settings), partial(_resolve_one, settings), console)


def _resolve_one(settings: argparse.Namespace, repo: Repo) -> CommandResult:
    migration = resolve(repo, settings.version, settings.end, lock_timeout=settings.lock_timeout)
    text = f"{repo.keyspace}: version {migration.version} is {migration.status}."
    return CommandResult(history_dict(migration.scope, [migration]), text, is_output=False)


def run_unlock(settings: argparse.Namespace, console: Console) -> int:
    """Run the command unlock."""
    return run_each(select_repos(settings), partial(_unlock_one, settings, console), console)


def _unlock_one(settings: argparse.Namespace, console: Console, repo: Repo) -> CommandResult:
    if not settings.force:
        console.message("If a run holds the lock, this takes one lease (30 s), to see whether it is alive.")
    holder = unlock(repo, force=settings.force)
    document = {
        "format": 1,
        "kind": "unlock",
        "keyspace": repo.keyspace,
        "taken_from": None if holder is None else holder.to_dict(),
    }
    message = f"{repo.keyspace}: the lock is free."
    return CommandResult(
        document,
        message if holder is None else f"{repo.keyspace}: released from {holder_text(holder)}.",
        is_output=False,
    )
