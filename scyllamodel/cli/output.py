"""Runs a command for each repo, prints the results, and computes one exit code.

*In*: repos, and a function that handles one. *Out*: text or one JSON document, and the exit code. With one repo the
document is the result; with several it is a list, so that ``--json`` always prints exactly one document.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

import attrs

from scyllamodel.cli.console import Console
from scyllamodel.cli.errors import Interrupted, Stopped
from scyllamodel.cli.exit_codes import DONE, ERROR
from scyllamodel.errors import ScyllaModelError

if TYPE_CHECKING:
    from scyllamodel.driver.repo import Repo

UNEXPECTED: Final = "SM999"
"""The code of errors that scyllamodel does not raise on purpose."""


@attrs.frozen
class CommandResult:
    """The result of a command for one repo.

    Attributes:
        document: the result as JSON values.
        text: for people; may be empty.
        code: the exit code of this result.
        is_script: whether the text is a file for other programs, which is printed unchanged.
        is_output: whether the text is the requested output and not a status message; ``-q`` keeps it.
    """

    document: dict[str, Any]
    text: str = ""
    code: int = DONE
    is_output: bool = True
    is_script: bool = False

    @property
    def is_interruption(self) -> bool:
        """Whether the user interrupted the command."""
        return self.document.get("code") in (Interrupted.code, Stopped.code)


def error_document(error: BaseException) -> dict[str, Any]:
    """Return an error as a JSON document with the schema ``error.schema.json``."""
    if isinstance(error, ScyllaModelError):
        return {**error.to_dict(), "format": 1, "kind": "error", "exit_code": error.exit_code}
    fields = {"code": UNEXPECTED, "error": type(error).__name__, "message": str(error)}
    return {"format": 1, "kind": "error", "exit_code": ERROR, **fields}


def report_error(console: Console, error: BaseException) -> None:
    """Print an error to stderr; with ``-v`` also its traceback."""
    document = error_document(error)
    if console.verbosity > 0 or document["code"] == UNEXPECTED:
        console.error("".join(traceback.format_exception(error)).rstrip())
    console.error(f"error {document['code']}: {document['message']}")


def run_each(
    repos: Sequence[Repo], command: Callable[[Repo], CommandResult], console: Console, *, failed: int = ERROR
) -> int:
    """Run a command for each repo, print the results, and return the exit code.

    A repo that fails does not stop the others.

    Parameters:
        failed: the exit code if one of several repos failed.

    Raises:
        ScyllaModelError: there is only one repo, and the command failed.
    """
    if len(repos) == 1:
        with repos[0] as repo:
            result = command(repo)
        console.document(result.document)
        _print(console, result)
        return result.code
    results: list[tuple[Repo, CommandResult]] = []
    for repo in repos:
        results.append((repo, _run_one(repo, command, console)))
        if results[-1][1].is_interruption:
            break
    items = [{"repo": repo.name, "keyspace": repo.keyspace, "answer": result.document} for repo, result in results]
    console.document({"format": 1, "kind": "list", "items": items})
    return exit_code([result for _, result in results], failed=failed)


def exit_code(results: Iterable[CommandResult], *, failed: int = ERROR) -> int:
    """Return the exit code of several results: ``failed`` if one of them is an error, else the highest.

    >>> exit_code([CommandResult({}, code=2), CommandResult({})])
    2
    >>> exit_code([CommandResult({"kind": "error"}, code=7), CommandResult({})])
    1
    """
    all_results = list(results)
    if any(result.document.get("kind") == "error" for result in all_results):
        return failed
    return max(result.code for result in all_results)


def _run_one(repo: Repo, command: Callable[[Repo], CommandResult], console: Console) -> CommandResult:
    console.status(f"{repo.name} ({repo.keyspace})")
    try:
        with repo:
            result = command(repo)
    except ScyllaModelError as error:
        report_error(console, error)
        return CommandResult(error_document(error), code=error.exit_code)
    _print(console, result)
    return result


def _print(console: Console, result: CommandResult) -> None:
    if result.text:
        write = console.script if result.is_script else console.result if result.is_output else console.status
        write(result.text)
