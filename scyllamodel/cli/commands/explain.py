"""The command explain, which describes the codes of plans, lint and errors."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from scyllamodel._text import closest
from scyllamodel.cli.console import Console
from scyllamodel.cli.errors import ResultLost, UsageError
from scyllamodel.cli.exit_codes import DONE
from scyllamodel.cli.output import UNEXPECTED
from scyllamodel.demo.output import TourFailed
from scyllamodel.errors import ScyllaModelError
from scyllamodel.local.errors import LocalServerError, MissingExtra
from scyllamodel.model.validation.problems import CODES
from scyllamodel.schema.rules.catalogue import CATALOGUE

_CLASS_BODY_TITLE: Final = "A mistake in a class body"
_CLASS_BODY_TEXT: Final = (
    "A model, view or user type cannot be created from its class. The message names the class and the column, says\n"
    "what is wrong, and what to write instead. All mistakes of a class are reported together."
)

_OTHER_ERRORS: Final[tuple[type[ScyllaModelError], ...]] = (ResultLost, TourFailed, LocalServerError, MissingExtra)
"""Errors outside of `scyllamodel.errors`: subclasses are found only once their modules are imported."""

_UNEXPECTED_TEXT: Final = (
    "A defect, or an error in code that scyllamodel calls: a model module, the driver, the operating system. The\n"
    "traceback is on stderr. Include it when you report a defect."
)


@attrs.frozen
class CodeExplanation:
    """The explanation of a code: a title, and a text in paragraphs."""

    code: str
    title: str
    text: str


def code_explanations() -> dict[str, CodeExplanation]:
    """Return the explanations of all codes of rules and errors."""
    explanations = {
        code: CodeExplanation(code, entry.title, str(entry).partition("\n\n")[2]) for code, entry in CATALOGUE.items()
    }
    explanations |= {
        code: CodeExplanation(code, f"{_CLASS_BODY_TITLE}: {mistake}", _CLASS_BODY_TEXT)
        for code, mistake in CODES.items()
    }
    explanations[UNEXPECTED] = CodeExplanation(
        UNEXPECTED, "An error that scyllamodel did not raise on purpose", _UNEXPECTED_TEXT
    )
    for error in _error_classes([ScyllaModelError, *_OTHER_ERRORS]):
        title, _, text = (inspect.getdoc(error) or "").partition("\n\n")
        explanations.setdefault(
            error.code, CodeExplanation(error.code, f"{error.__name__}: {' '.join(title.split())}", text)
        )
    return dict(sorted(explanations.items()))


def _error_classes(errors: Iterable[type[ScyllaModelError]]) -> Iterator[type[ScyllaModelError]]:
    for error in errors:
        yield error
        yield from _error_classes(error.__subclasses__())


def run_explain(settings: argparse.Namespace, console: Console) -> int:
    """Run the command explain."""
    explanations = code_explanations()
    selected = list(explanations.values()) if settings.code is None else [_explanation_of(settings.code, explanations)]
    console.document({"format": 1, "kind": "codes", "codes": [attrs.asdict(explanation) for explanation in selected]})
    if settings.code is None:
        console.result("\n".join(f"{explanation.code}  {explanation.title}" for explanation in selected))
    else:
        console.result("\n\n".join(filter(None, (f"{selected[0].code} {selected[0].title}", selected[0].text))))
    return DONE


def _explanation_of(code: str, explanations: dict[str, CodeExplanation]) -> CodeExplanation:
    explanation = explanations.get(code.upper())
    if explanation is None:
        raise UsageError(f"unknown code {code}. {_advice(code, explanations)}")
    return explanation


def _advice(code: str, known_codes: Iterable[str]) -> str:
    """Return the nearest code with the same letters, all codes with these letters, or else the nearest code."""
    codes = list(known_codes)
    letters = code[:2].upper()
    same_letters = [known for known in codes if known[:2] == letters]
    nearest = closest(code, same_letters or codes)
    if nearest is not None:
        return f"Did you mean {nearest}?"
    if same_letters:
        return f"Codes that begin with {letters}: {', '.join(same_letters)}."
    return "List all codes with: scyllamodel explain"
