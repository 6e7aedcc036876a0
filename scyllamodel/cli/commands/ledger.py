"""The commands on the ledger: status, history, rollback, contract, baseline, resolve, unlock."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from scyllamodel import release
from scyllamodel.cli import options
from scyllamodel.cli.console import Console
from scyllamodel.cli.exit_codes import DONE, LOCKED, PARTIAL, REFUSED, WAITED
from scyllamodel.cli.formatting import result_text
from scyllamodel.cli.ledger_texts import history_text, holder_text, status_text
from scyllamodel.cli.output import CommandResult, run_each
from scyllamodel.cli.parser import Command
from scyllamodel.cli.progress import progress_listener
from scyllamodel.cli.repo_selection import select_repos
from scyllamodel.driver.repo import Repo
from scyllamodel.release import MigrationResult
from scyllamodel.release.ledger import ledger_scope
from scyllamodel.release.status import history_dict


def _read_options(parser: argparse.ArgumentParser) -> None:
    options.add_target(parser)
    options.add_output(parser)


def _status(settings: argparse.Namespace, console: Console) -> int:
    return run_each(select_repos(settings), _status_one, console)


def _status_one(repo: Repo) -> CommandResult:
    status = release.status(repo)
    return CommandResult(status.to_dict(), status_text(status))


def _history_options(parser: argparse.ArgumentParser) -> None:
    options.add_target(parser)
    parser.add_argument("--steps", action="store_true", help="show the statements of each version")
    options.add_output(parser)


def _history(settings: argparse.Namespace, console: Console) -> int:
    return run_each(select_repos(settings), partial(_history_one, settings), console)


def _history_one(settings: argparse.Namespace, repo: Repo) -> CommandResult:
    versions = release.history(repo, steps=settings.steps)
    return CommandResult(history_dict(ledger_scope(repo.keyspace, repo.name), versions), history_text(versions))


def _rollback_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("version", metavar="VERSION", help="restore the schema after this version; 0: before the first")
    _change_options(parser)


def _change_options(parser: argparse.ArgumentParser) -> None:
    options.add_target(parser)
    parser.add_argument("--dry-run", action="store_true", help="print what would run, and run nothing")
    options.add_allow(parser)
    options.add_timeouts(parser)
    options.add_output(parser)


def _rollback(settings: argparse.Namespace, console: Console) -> int:
    def roll_back(repo: Repo, **keywords: Any) -> MigrationResult:
        return release.rollback(repo, settings.version, **keywords)

    return _change_each(settings, console, roll_back)


def _contract(settings: argparse.Namespace, console: Console) -> int:
    return _change_each(settings, console, release.contract)


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


def _baseline_options(parser: argparse.ArgumentParser) -> None:
    options.add_target(parser)
    parser.add_argument("--force", action="store_true", help="even if models and server differ")
    options.add_lock_timeout(parser)
    options.add_output(parser)


def _baseline(settings: argparse.Namespace, console: Console) -> int:
    return run_each(select_repos(settings), partial(_baseline_one, settings), console)


def _baseline_one(settings: argparse.Namespace, repo: Repo) -> CommandResult:
    result = release.baseline(repo, force=settings.force, lock_timeout=settings.lock_timeout)
    text = f"{repo.keyspace}: recorded as version {result.version}."
    return CommandResult(result.to_dict(), text, is_output=False)


def _resolve_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("version", metavar="VERSION", help="the version that stopped part-way")
    options.add_target(parser)
    outcome = parser.add_mutually_exclusive_group(required=True)
    outcome.add_argument(
        "--applied", dest="end", action="store_const", const="applied", help="all changes of its plan are in the schema"
    )
    outcome.add_argument(
        "--abandoned",
        dest="end",
        action="store_const",
        const="abandoned",
        help="it is given up and ignored from now on",
    )
    options.add_lock_timeout(parser)
    options.add_output(parser)


def _resolve(settings: argparse.Namespace, console: Console) -> int:
    return run_each(select_repos(settings), partial(_resolve_one, settings), console)


def _resolve_one(settings: argparse.Namespace, repo: Repo) -> CommandResult:
    migration = release.resolve(repo, settings.version, settings.end, lock_timeout=settings.lock_timeout)
    text = f"{repo.keyspace}: version {migration.version} is {migration.status}."
    return CommandResult(history_dict(migration.scope, [migration]), text, is_output=False)


def _unlock_options(parser: argparse.ArgumentParser) -> None:
    options.add_target(parser)
    parser.add_argument("--force", action="store_true", help="at once, even if the holder is alive")
    options.add_output(parser)


def _unlock(settings: argparse.Namespace, console: Console) -> int:
    return run_each(select_repos(settings), partial(_unlock_one, settings, console), console)


def _unlock_one(settings: argparse.Namespace, console: Console, repo: Repo) -> CommandResult:
    if not settings.force:
        console.message("Waiting for one lease (30 s) to see whether the holder is alive.")
    holder = release.unlock(repo, force=settings.force)
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


COMMANDS: Final = (
    Command(
        "status",
        "show the status of a keyspace: version, failure, lock, unfinished builds",
        _status,
        _read_options,
        "Reads the ledger and the lock, and writes nothing. A keyspace that scyllamodel has not migrated has\n"
        "no history.",
        ("scyllamodel status --repo shop.db:repo", "scyllamodel status --repo shop.db:repo --json | jq .lock"),
    ),
    Command(
        "history",
        "list changes with their time, author and result",
        _history,
        _history_options,
        "The newest version comes first. --steps adds each statement with its state and duration.",
        ("scyllamodel history --repo shop.db:repo", "scyllamodel history --repo shop.db:repo --steps"),
    ),
    Command(
        "rollback",
        "roll the schema back to an earlier version",
        _rollback,
        _rollback_options,
        "Reverts the changes that the history records after that version. A change that loses data needs\n"
        "--allow. Afterwards the models are ahead of the schema, and their start-up syncs are refused until\n"
        "migrate runs. If the rollback is interrupted, running it again resumes it.",
        (
            "scyllamodel rollback 20261123050100 --repo shop.db:repo --dry-run",
            "scyllamodel rollback 20261123050100 --repo shop.db:repo --allow DS103:orders.total",
        ),
        (REFUSED, LOCKED, PARTIAL, WAITED),
    ),
    Command(
        "contract",
        "remove objects that no model declares, by name",
        _contract,
        _change_options,
        "The last stage of an expand/contract migration. Removes only what --allow names, by code and object;\n"
        "`check` lists the objects that no model declares.",
        (
            "scyllamodel contract --repo shop.db:repo --allow DS103:orders.legacy --dry-run",
            "scyllamodel contract --repo shop.db:repo --allow DS103:orders.legacy --allow DS106:orders_old_idx",
        ),
        (REFUSED, LOCKED, PARTIAL, WAITED),
    ),
    Command(
        "baseline",
        "record an existing keyspace as the first version",
        _baseline,
        _baseline_options,
        "Writes a version to the ledger and changes nothing else. Refused while models and server differ.",
        ("scyllamodel baseline --repo shop.db:repo",),
        (LOCKED,),
    ),
    Command(
        "resolve",
        "set the outcome of a version that stopped part-way",
        _resolve,
        _resolve_options,
        "The next migrate resumes automatically from the live schema. This command only corrects the history,\n"
        "so that a rollback can start from it.",
        (
            "scyllamodel resolve 20261123050100 --applied --repo shop.db:repo",
            "scyllamodel resolve 20261123050100 --abandoned --repo shop.db:repo",
        ),
        (LOCKED,),
    ),
    Command(
        "unlock",
        "release the lock of a crashed run",
        _unlock,
        _unlock_options,
        "Rarely needed: a waiting run takes over the lock after 30 s without a heartbeat. This command waits\n"
        "as long, and refuses if the holder is alive.",
        ("scyllamodel unlock --repo shop.db:repo",),
        (LOCKED,),
    ),
)
