"""The commands on the ledger: status, history, rollback, contract, baseline, resolve, unlock."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from scyllamodel import release
from scyllamodel.cli import options
from scyllamodel.cli.answers import Answer, answer_each
from scyllamodel.cli.console import Console
from scyllamodel.cli.events import following
from scyllamodel.cli.exits import DONE, LOCKED, PARTIAL, REFUSED, WAITED
from scyllamodel.cli.ledger_texts import history_text, holder_text, status_text
from scyllamodel.cli.parser import Command
from scyllamodel.cli.repos import chosen_repos
from scyllamodel.cli.texts import result_text
from scyllamodel.driver.repo import Repo
from scyllamodel.release import MigrationResult
from scyllamodel.release.ledger import ledger_scope
from scyllamodel.release.status import history_dict


def _read_options(parser: argparse.ArgumentParser) -> None:
    options.target(parser)
    options.output(parser)


def _status(settings: argparse.Namespace, console: Console) -> int:
    return answer_each(chosen_repos(settings), _status_one, console)


def _status_one(repo: Repo) -> Answer:
    found = release.status(repo)
    return Answer(found.to_dict(), status_text(found))


def _history_options(parser: argparse.ArgumentParser) -> None:
    options.target(parser)
    parser.add_argument("--steps", action="store_true", help="show the statements of each version")
    options.output(parser)


def _history(settings: argparse.Namespace, console: Console) -> int:
    return answer_each(chosen_repos(settings), partial(_history_one, settings), console)


def _history_one(settings: argparse.Namespace, repo: Repo) -> Answer:
    found = release.history(repo, steps=settings.steps)
    return Answer(history_dict(ledger_scope(repo.keyspace, repo.name), found), history_text(found))


def _rollback_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("version", metavar="VERSION", help="restore the schema after this version; 0: before the first")
    _change_options(parser)


def _change_options(parser: argparse.ArgumentParser) -> None:
    options.target(parser)
    parser.add_argument("--dry-run", action="store_true", help="print what would run, and run nothing")
    options.allowing(parser)
    options.waiting(parser)
    options.output(parser)


def _rollback(settings: argparse.Namespace, console: Console) -> int:
    def roll_back(repo: Repo, **how: Any) -> MigrationResult:
        return release.rollback(repo, settings.version, **how)

    return _change_each(settings, console, roll_back)


def _contract(settings: argparse.Namespace, console: Console) -> int:
    return _change_each(settings, console, release.contract)


def _change_each(settings: argparse.Namespace, console: Console, change: Callable[..., MigrationResult]) -> int:
    return answer_each(chosen_repos(settings), partial(_change_one, settings, console, change), console, failed=PARTIAL)


def _change_one(
    settings: argparse.Namespace, console: Console, change: Callable[..., MigrationResult], repo: Repo
) -> Answer:
    names = ("dry_run", "allow", "lock_timeout", "agreement_timeout", "step_timeout")
    how = {name: getattr(settings, name) for name in names}
    with following(console, show_plan=not settings.dry_run) as on_event:
        result = change(repo, on_event=on_event, **how)
    code = REFUSED if result.plan.refusals else DONE
    text = result_text(result, verbose=settings.verbosity > 0)
    return Answer(result.to_dict(), text, code, asked_for=settings.dry_run)


def _baseline_options(parser: argparse.ArgumentParser) -> None:
    options.target(parser)
    parser.add_argument("--force", action="store_true", help="even if models and server differ")
    options.locking(parser)
    options.output(parser)


def _baseline(settings: argparse.Namespace, console: Console) -> int:
    return answer_each(chosen_repos(settings), partial(_baseline_one, settings), console)


def _baseline_one(settings: argparse.Namespace, repo: Repo) -> Answer:
    found = release.baseline(repo, force=settings.force, lock_timeout=settings.lock_timeout)
    text = f"{repo.keyspace}: recorded as version {found.version}."
    return Answer(found.to_dict(), text, asked_for=False)


def _resolve_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("version", metavar="VERSION", help="the version that stopped part-way")
    options.target(parser)
    end = parser.add_mutually_exclusive_group(required=True)
    end.add_argument(
        "--applied", dest="end", action="store_const", const="applied", help="all changes of its plan are in the schema"
    )
    end.add_argument(
        "--abandoned",
        dest="end",
        action="store_const",
        const="abandoned",
        help="it is given up and ignored from now on",
    )
    options.locking(parser)
    options.output(parser)


def _resolve(settings: argparse.Namespace, console: Console) -> int:
    return answer_each(chosen_repos(settings), partial(_resolve_one, settings), console)


def _resolve_one(settings: argparse.Namespace, repo: Repo) -> Answer:
    found = release.resolve(repo, settings.version, settings.end, lock_timeout=settings.lock_timeout)
    text = f"{repo.keyspace}: version {found.version} is {found.status}."
    return Answer(history_dict(found.scope, [found]), text, asked_for=False)


def _unlock_options(parser: argparse.ArgumentParser) -> None:
    options.target(parser)
    parser.add_argument("--force", action="store_true", help="at once, even if the holder is alive")
    options.output(parser)


def _unlock(settings: argparse.Namespace, console: Console) -> int:
    return answer_each(chosen_repos(settings), partial(_unlock_one, settings, console), console)


def _unlock_one(settings: argparse.Namespace, console: Console, repo: Repo) -> Answer:
    if not settings.force:
        console.say("Waiting for one lease (30 s) to see whether the holder is alive.")
    had = release.unlock(repo, force=settings.force)
    document = {
        "format": 1,
        "kind": "unlock",
        "keyspace": repo.keyspace,
        "taken_from": None if had is None else had.to_dict(),
    }
    free = f"{repo.keyspace}: the lock is free."
    return Answer(
        document, free if had is None else f"{repo.keyspace}: released from {holder_text(had)}.", asked_for=False
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
