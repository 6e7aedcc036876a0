"""Runs a command for each repo, prints the results, and computes one exit code.

*In*: repos, and a function that handles one. *Out*: text or one JSON document, and the exit code. With one repo the
document is the result; with several it is a list, so that ``--json`` always prints exactly one document.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import attrs

from scyllamodel.cli.console import Console
from scyllamodel.cli.exits import DONE, ERROR, Interrupted, Stopped
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ScyllaModelError

UNEXPECTED: Final = "SM999"
"""The code of errors that scyllamodel does not raise on purpose."""


@attrs.frozen
class Answer:
    """The result of a command for one repo.

    Attributes:
        document: the result as JSON values.
        text: for people; may be empty.
        code: the exit code of this result.
        is_script: whether the text is a file for other programs, which is printed unchanged.
        asked_for: whether the text is the requested output and not a status message; ``-q`` keeps it.
    """

    document: dict[str, Any]
    text: str = ""
    code: int = DONE
    asked_for: bool = True
    is_script: bool = False

    @property
    def is_stop(self) -> bool:
        """Whether the user interrupted the command."""
        return self.document.get("code") in (Interrupted.code, Stopped.code)


def error_document(error: BaseException) -> dict[str, Any]:
    """Return an error as a JSON document with the schema ``error.schema.json``."""
    if isinstance(error, ScyllaModelError):
        return {**error.to_dict(), "format": 1, "kind": "error", "exit_code": error.exit_code}
    about = {"code": UNEXPECTED, "error": type(error).__name__, "message": str(error)}
    return {"format": 1, "kind": "error", "exit_code": ERROR, **about}


def complain(console: Console, error: BaseException) -> None:
    """Print an error to stderr; with ``-v`` also its traceback."""
    document = error_document(error)
    if console.verbosity > 0 or document["code"] == UNEXPECTED:
        console.complain("".join(traceback.format_exception(error)).rstrip())
    console.complain(f"error {document['code']}: {document['message']}")


def answer_each(repos: Sequence[Repo], work: Callable[[Repo], Answer], console: Console, *, failed: int = ERROR) -> int:
    """Run a command for each repo, print the results, and return the exit code.

    A repo that fails does not stop the others.

    Parameters:
        failed: the exit code if one of several repos failed.

    Raises:
        ScyllaModelError: there is only one repo, and the command failed.
    """
    if len(repos) == 1:
        with repos[0] as repo:
            found = work(repo)
        console.document(found.document)
        _print(console, found)
        return found.code
    answers: list[tuple[Repo, Answer]] = []
    for repo in repos:
        answers.append((repo, _answer(repo, work, console)))
        if answers[-1][1].is_stop:
            break
    items = [{"repo": repo.name, "keyspace": repo.keyspace, "answer": found.document} for repo, found in answers]
    console.document({"format": 1, "kind": "list", "items": items})
    return exit_code([found for _, found in answers], failed=failed)


def exit_code(answers: Iterable[Answer], *, failed: int = ERROR) -> int:
    """Return the exit code of several results: ``failed`` if one of them is an error, else the highest.

    >>> exit_code([Answer({}, code=2), Answer({})]), exit_code([Answer({"kind": "error"}, code=7), Answer({})])
    (2, 1)
    """
    found = list(answers)
    if any(answer.document.get("kind") == "error" for answer in found):
        return failed
    return max(answer.code for answer in found)


def _answer(repo: Repo, work: Callable[[Repo], Answer], console: Console) -> Answer:
    console.tell(f"{repo.name} ({repo.keyspace})")
    try:
        with repo:
            found = work(repo)
    except ScyllaModelError as error:
        complain(console, error)
        return Answer(error_document(error), code=error.exit_code)
    _print(console, found)
    return found


def _print(console: Console, found: Answer) -> None:
    if found.text:
        say = console.script if found.is_script else console.result if found.asked_for else console.tell
        say(found.text)
