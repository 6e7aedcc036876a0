"""Defines the commands guide and completion."""

from __future__ import annotations

import argparse
from typing import Final

from scyllamodel.cli import options
from scyllamodel.cli.parser import Command


def _guide_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "topic", nargs="?", metavar="TOPIC", help="a topic such as models; without it, all topics are listed"
    )
    options.add_output(parser)


def _completion_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=["bash", "zsh"], help="the shell")
    parser.set_defaults(verbosity=0)


COMMANDS: Final = (
    Command(
        "guide",
        "print a page of the guide, or list its topics",
        "scyllamodel.cli.commands.guide:run_guide",
        _guide_options,
        "The pages are Markdown files of the package, and describe the installed version.",
        ("scyllamodel guide", "scyllamodel guide models", "scyllamodel guide deploying | less"),
        imports=False,
        values="scyllamodel.cli.commands.guide:topics",
    ),
    Command(
        "completion",
        "print a script that completes commands, options and topics in a shell",
        "scyllamodel.cli.commands.completion:run_completion",
        _completion_options,
        "Load it with: source <(scyllamodel completion bash), or write it to a file that the shell reads when\n"
        "it starts.",
        ("scyllamodel completion bash", "scyllamodel completion zsh"),
        imports=False,
    ),
)
