"""A short run of what ``nox -s fuzz`` runs for longer."""

from __future__ import annotations

import io
import random

import pytest

import fuzz
from scyllamodel import ScyllaModelError


@pytest.mark.parametrize("kind", sorted(fuzz.KINDS))
def test_damaged_input_is_a_value_or_an_error_of_ours(kind):
    """Damaged input is parsed or is an error of this package; the long run uses other seeds."""
    outcomes, _ = fuzz.run_cases(kind, seed=1, first=0, cases=150)

    assert 150 == sum(outcomes.values())
    assert outcomes["value"] > 0


def test_a_case_can_be_played_again():
    """A case is reproducible from its seed and number."""
    texts = [fuzz.times(random.Random("7 plans 3"), fuzz.altered, fuzz.PLAN.to_dict()) for _ in range(2)]

    assert repr(texts[0]) == repr(texts[1])


@pytest.mark.parametrize("kind", ["plans", "locks", "tokens", "ledger"])
def test_the_run_sees_errors_too(kind):
    """Some of the damaged inputs are refused."""
    outcomes, _ = fuzz.run_cases(kind, seed=2, first=0, cases=60)

    assert any(name != "value" for name in outcomes)


def test_another_error_ends_the_run(monkeypatch):
    """Any other error ends the run with the command that reproduces the case."""

    def broken(rng):
        raise ZeroDivisionError(rng.random())

    monkeypatch.setitem(fuzz.KINDS, "plans", broken)
    with pytest.raises(AssertionError, match=r"ZeroDivisionError; .* --only plans --seed 3 --first 5 --cases 1"):
        fuzz.run_cases("plans", seed=3, first=5, cases=1)


def test_a_long_run_shows_how_far_it_is():
    """There is a line after each tenth case, except after the last, whose line has the totals."""
    options = fuzz.argparse.Namespace(cases=20, first=40)
    out = io.StringIO()
    report = fuzz.reporter("plans", options, out)
    for number in range(40, 60):
        report(number)

    assert 9 == out.getvalue().count(" of 20 cases, ")
    assert out.getvalue().startswith("plans   2 of 20 cases, 0 s")


def test_untrusted_errors_are_of_one_tree():
    """The error types for files are errors of this package."""
    assert issubclass(fuzz.Refused, ScyllaModelError)
