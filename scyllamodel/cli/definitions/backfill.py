"""Defines the command backfill, which copies values into a new column or rows into a new table."""

from __future__ import annotations

import argparse
from typing import Final

from scyllamodel.cli import options
from scyllamodel.cli.exit_codes import PARTIAL
from scyllamodel.cli.parser import Command


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SOURCE", help="what to copy: Order.total, or Order for its rows")
    parser.add_argument("--into", required=True, metavar="TARGET", help="the column or the model to copy to")
    parser.add_argument(
        "--convert", metavar="MODULE:FUNCTION", help="function that converts each value, such as decimal:Decimal"
    )
    options.add_target(parser)
    group = parser.add_argument_group("throttling")
    group.add_argument("--rate", type=_rate, metavar="ROWS", help="maximum number of rows per second")
    group.add_argument("--concurrency", type=int, default=64, metavar="N", help="concurrent writes (default: 64)")
    group.add_argument(
        "--consistency", default="QUORUM", metavar="LEVEL", help="consistency of reads and writes (default: QUORUM)"
    )
    parser.add_argument("--again", action="store_true", help="start over, even if everything was copied before")
    parser.add_argument("--dry-run", action="store_true", help="read and convert all rows, and write nothing")
    options.add_output(parser)


def _rate(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number of rows")
    return value


COMMANDS: Final = (
    Command(
        "backfill",
        "copy a column or a table into a new one while the application runs",
        "scyllamodel.cli.commands.backfill:run_backfill",
        _options,
        "The third stage of an expand/contract migration (see `scyllamodel plan --expand`). Each value keeps\n"
        "its write time and remaining TTL, so values that the application writes in the meantime are kept. If\n"
        "the command is stopped or killed, running it again resumes after the last completed token range.\n"
        "Rows that cannot be copied are listed by key; all others are copied.",
        (
            "scyllamodel backfill Order.total --into total_2 --convert decimal:Decimal --repo shop.db:repo",
            "scyllamodel backfill Order --into Order2 --convert shop.models:to_order_2 --rate 2000",
            "scyllamodel backfill Order.total --into total_2 --convert decimal:Decimal --dry-run",
        ),
        (PARTIAL,),
    ),
)
