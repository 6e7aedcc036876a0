"""Defines the command explain, which describes the codes of plans, lint and errors."""

from __future__ import annotations

import argparse
from typing import Final

from scyllamodel.cli import options
from scyllamodel.cli.parser import Command


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("code", nargs="?", metavar="CODE", help="such as TY101; without it, all codes are listed")
    options.add_output(parser)


COMMANDS: Final = (
    Command(
        "explain",
        "explain a code, and how to solve its problem",
        "scyllamodel.cli.commands.explain:run_explain",
        _options,
        "Plans, lint and errors show codes. This command prints the cause, an example and the solution.",
        ("scyllamodel explain TY101", "scyllamodel explain | grep index"),
        imports=False,
        values="scyllamodel.cli.commands.explain:code_explanations",
    ),
)
