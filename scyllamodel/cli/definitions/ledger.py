"""Defines the commands on the ledger: status, history, rollback, contract, baseline, resolve, unlock."""

from __future__ import annotations

import argparse
from typing import Final

from scyllamodel.cli import options
from scyllamodel.cli.exit_codes import LOCKED, PARTIAL, REFUSED, WAITED
from scyllamodel.cli.parser import Command


def _read_options(parser: argparse.ArgumentParser) -> None:
    options.add_target(parser)
    options.add_output(parser)


def _history_options(parser: argparse.ArgumentParser) -> None:
    options.add_target(parser)
    parser.add_argument("--steps", action="store_true", help="show the statements of each version")
    options.add_output(parser)


def _rollback_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("version", metavar="VERSION", help="restore the schema after this version; 0: before the first")
    _change_options(parser)


def _change_options(parser: argparse.ArgumentParser) -> None:
    options.add_target(parser)
    parser.add_argument("--dry-run", action="store_true", help="print what would run, and run nothing")
    options.add_allow(parser)
    options.add_timeouts(parser)
    options.add_output(parser)


def _baseline_options(parser: argparse.ArgumentParser) -> None:
    options.add_target(parser)
    parser.add_argument("--force", action="store_true", help="even if models and server differ")
    options.add_lock_timeout(parser)
    options.add_output(parser)


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


def _unlock_options(parser: argparse.ArgumentParser) -> None:
    options.add_target(parser)
    parser.add_argument("--force", action="store_true", help="at once, even if the holder is alive")
    options.add_output(parser)


COMMANDS: Final = (
    Command(
        "status",
        "show the status of a keyspace: version, failure, lock, unfinished builds",
        "scyllamodel.cli.commands.ledger:run_status",
        _read_options,
        "Reads the ledger and the lock, and writes nothing. A keyspace that scyllamodel has not migrated has\n"
        "no history.",
        ("scyllamodel status --repo shop.db:repo", "scyllamodel status --repo shop.db:repo --json | jq .lock"),
    ),
    Command(
        "history",
        "list changes with their time, author and result",
        "scyllamodel.cli.commands.ledger:run_history",
        _history_options,
        "The newest version comes first. --steps adds each statement with its state and duration.",
        ("scyllamodel history --repo shop.db:repo", "scyllamodel history --repo shop.db:repo --steps"),
    ),
    Command(
        "rollback",
        "roll the schema back to an earlier version",
        "scyllamodel.cli.commands.ledger:run_rollback",
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
        "scyllamodel.cli.commands.ledger:run_contract",
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
        "scyllamodel.cli.commands.ledger:run_baseline",
        _baseline_options,
        "Writes a version to the ledger and changes nothing else. Refused while models and server differ.",
        ("scyllamodel baseline --repo shop.db:repo",),
        (LOCKED,),
    ),
    Command(
        "resolve",
        "set the outcome of a version that stopped part-way",
        "scyllamodel.cli.commands.ledger:run_resolve",
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
        "scyllamodel.cli.commands.ledger:run_unlock",
        _unlock_options,
        "Rarely needed: a waiting run takes over the lock after 30 s without a heartbeat. This command waits\n"
        "as long, and refuses if the holder is alive.",
        ("scyllamodel unlock --repo shop.db:repo",),
        (LOCKED,),
    ),
)
