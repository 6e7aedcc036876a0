"""The command explain, which describes the codes of plans, lint and errors."""

from __future__ import annotations

import argparse
import difflib
import inspect
from collections.abc import Iterator
from typing import Final

import attrs

from scyllamodel.cli import options
from scyllamodel.cli.answers import UNEXPECTED
from scyllamodel.cli.console import Console
from scyllamodel.cli.exits import DONE, UsageError
from scyllamodel.cli.parser import Command
from scyllamodel.errors import ScyllaModelError
from scyllamodel.model.problems import CODES
from scyllamodel.schema.rules.catalogue import CATALOGUE

_IN_A_BODY: Final = "A mistake in a class body"
_MISTAKE: Final = (
    "A model, view or user type cannot be created from its class. The message names the class and the column, says\n"
    "what is wrong, and what to write instead. All mistakes of a class are reported together."
)

_UNEXPECTED_TEXT: Final = (
    "A defect, or an error in code that scyllamodel calls: a model module, the driver, the operating system. The\n"
    "traceback is on stderr. Include it when you report a defect."
)


@attrs.frozen
class Meaning:
    """The explanation of a code: a title, and a text in paragraphs."""

    code: str
    title: str
    text: str


def meanings() -> dict[str, Meaning]:
    """Return the explanations of all codes of rules and errors."""
    found = {code: Meaning(code, entry.title, str(entry).partition("\n\n")[2]) for code, entry in CATALOGUE.items()}
    found |= {code: Meaning(code, f"{_IN_A_BODY}: {mistake}", _MISTAKE) for code, mistake in CODES.items()}
    found[UNEXPECTED] = Meaning(UNEXPECTED, "An error that scyllamodel did not raise on purpose", _UNEXPECTED_TEXT)
    for error in _tree(ScyllaModelError):
        title, _, text = (inspect.getdoc(error) or "").partition("\n\n")
        found.setdefault(error.code, Meaning(error.code, f"{error.__name__}: {' '.join(title.split())}", text))
    return dict(sorted(found.items()))


def _tree(error: type[ScyllaModelError]) -> Iterator[type[ScyllaModelError]]:
    yield error
    for found in error.__subclasses__():
        yield from _tree(found)


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("code", nargs="?", metavar="CODE", help="such as TY101; without it, all codes are listed")
    options.output(parser)


def _explain(settings: argparse.Namespace, console: Console) -> int:
    known = meanings()
    chosen = list(known.values()) if settings.code is None else [_meaning(settings.code, known)]
    console.document({"format": 1, "kind": "codes", "codes": [attrs.asdict(found) for found in chosen]})
    if settings.code is None:
        console.result("\n".join(f"{found.code}  {found.title}" for found in chosen))
    else:
        console.result("\n\n".join(filter(None, (f"{chosen[0].code} {chosen[0].title}", chosen[0].text))))
    return DONE


def _meaning(code: str, known: dict[str, Meaning]) -> Meaning:
    found = known.get(code.upper())
    if found is None:
        near = difflib.get_close_matches(code.upper(), known, 1)
        advice = f"Did you mean {near[0]}?" if near else "List all codes with: scyllamodel explain"
        raise UsageError(f"unknown code {code}. {advice}")
    return found


COMMANDS: Final = (
    Command(
        "explain",
        "explain a code, and how to solve its problem",
        _explain,
        _options,
        "Plans, lint and errors show codes. This command prints the cause, an example and the solution.",
        ("scyllamodel explain TY101", "scyllamodel explain | grep index"),
        imports=False,
        values=meanings,
    ),
)
