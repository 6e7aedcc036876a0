"""Entry point of the command line: parses the arguments, and loads the rest of the package only for a command.

``--version``, ``--help`` and a shell's completion must feel instant, so this module, `scyllamodel.cli.parser` and
`scyllamodel.cli.definitions` import neither the driver nor attrs (``tests/unit/cli/test_startup.py``).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from scyllamodel.cli.definitions import COMMANDS
from scyllamodel.cli.parser import parse
from scyllamodel.cli.signals import on_signals


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters:
        argv: the arguments after the program's name; None takes those of `sys.argv`.

    Returns:
        The exit code, as in `scyllamodel.cli.exit_codes`.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        with on_signals():
            return _run(arguments)
    except SystemExit as exit_request:
        return int(exit_request.code or 0)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the outermost handler
        from scyllamodel.cli.execution import report  # noqa: PLC0415 - not needed for --version and --help

        return report(error, json="--json" in arguments)


def _run(arguments: Sequence[str]) -> int:
    settings = parse(COMMANDS, arguments)
    from scyllamodel.cli.execution import execute  # noqa: PLC0415 - not needed for --version and --help

    return execute(settings)
