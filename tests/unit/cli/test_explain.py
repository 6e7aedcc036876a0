"""Explanations of codes on the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import scyllamodel
from scyllamodel import errors
from scyllamodel.cli import main
from scyllamodel.cli.commands.explain import code_explanations
from scyllamodel.model.validation.problems import CODES
from scyllamodel.schema.rules.catalogue import CATALOGUE


def test_every_code_that_is_printed_is_known():
    """Every code of a diagnostic or an error that the source of the package contains can be explained."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in Path(scyllamodel.__file__).parent.rglob("*.py"))

    assert set(re.findall(r'"([A-Z]{2}[19][0-9]{2})"', text)) <= code_explanations().keys()


def test_a_rule_is_explained_with_a_recipe(capsys):
    """The title and the fix are printed; the case of the code does not matter."""
    code = main(["explain", "ty101"])
    text = capsys.readouterr().out

    assert 0 == code
    assert text.startswith(f"TY101 {CATALOGUE['TY101'].title}\n\n")
    assert "What to do: " in text


def test_an_error_is_explained_by_what_it_says_of_itself(capsys):
    """The explanation of an error's code comes from the docstring of the error."""
    main(["explain", "CN101"])

    assert capsys.readouterr().out.startswith("CN101 ConnectionFailed: No server could be connected")


def test_a_mistake_of_a_class_body_is_explained(capsys):
    """A code of a class body is explained with its description."""
    assert 0 == main(["explain", "MD101"])
    assert capsys.readouterr().out.startswith(f"MD101 A mistake in a class body: {CODES['MD101']}\n\n")


def test_every_code_is_listed(capsys):
    """Without a code, each of them is listed on a line, in order."""
    main(["explain"])
    codes = [line.partition(" ")[0] for line in capsys.readouterr().out.splitlines()]

    assert sorted(code_explanations()) == codes
    assert set(CATALOGUE) | set(CODES) | {errors.StepFailed.code, errors.NoModelsFound.code} <= set(codes)


def test_every_code_says_something():
    """No code has an empty title."""
    assert [] == [code for code, value in code_explanations().items() if not value.title.strip(": ")]


def test_a_code_as_a_document(capsys):
    """With --json the explanation of a code is a document."""
    main(["explain", "--json", "TY101"])
    (load,) = json.loads(capsys.readouterr().out)["codes"]

    assert ("TY101", CATALOGUE["TY101"].title) == (load["code"], load["title"])


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("TY1O5", "Did you mean TY105?"),
        ("MD199", "Did you mean MD1"),
        ("SY999", "Codes that begin with SY: SY101."),
        ("sm1000", "Did you mean SM100?"),
        ("TZ105", "Did you mean TY105?"),
        ("?", "scyllamodel explain"),
    ],
)
def test_an_unknown_code_is_answered_with_the_nearest(capsys, code, advice):
    """The exit code is 64, and the message suggests the nearest code or how to list all."""
    assert 64 == main(["explain", code])
    assert advice in capsys.readouterr().err


@pytest.mark.parametrize("digits", ["", "9", "000", "10", "199", "555", "999", "99999"])
def test_suggested_codes_exist_and_have_the_letters_that_were_typed(capsys, digits):
    """Suggestions for an unknown code are existing codes with the same two letters."""
    known = set(code_explanations())
    for letters in sorted({code[:2] for code in known}):
        if (unknown := f"{letters}{digits}") not in known:
            assert 64 == main(["explain", unknown])
            suggested = set(re.findall(r"\b[A-Z]{2}[0-9]{3}\b", capsys.readouterr().err.partition(unknown)[2]))

            assert suggested
            assert {code for code in known if code[:2] == letters} >= suggested
