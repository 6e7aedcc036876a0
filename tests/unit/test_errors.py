"""The error tree: codes, JSON, pickle."""

from __future__ import annotations

import pickle
import threading

import pytest

from scyllamodel import errors
from scyllamodel.errors import ModelDefinitionError, Problem, ScyllaModelError, StepFailed

TREE = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, ScyllaModelError) and value is not ScyllaModelError
]


@pytest.mark.parametrize("error", TREE, ids=lambda error: error.__name__)
def test_every_error_has_a_code_of_its_own(error):
    """No two classes share a code, so that it can be searched for."""
    same = [other for other in TREE if other.code == error.code]

    assert [error] == same


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (errors.UnknownColumn, AttributeError),
        (errors.TypeMismatch, TypeError),
        (errors.DiscoveryError, ImportError),
        (errors.UnknownRepo, LookupError),
        (errors.ConfigurationError, ValueError),
        (errors.ConnectionFailed, ConnectionError),
        (errors.SchemaDisagreement, TimeoutError),
        (errors.ModelDefinitionError, TypeError),
    ],
)
def test_errors_are_the_builtins_that_callers_expect(error, builtin):
    """Errors are also instances of the built-in exceptions that callers expect."""
    assert issubclass(error, builtin)


def test_details_are_attributes_and_json():
    """The details of an error are attributes and part of its JSON."""
    error = StepFailed("step 3 failed", step=3, applied=2, names=("a", "b"), model=StepFailed)

    assert (3, 2) == (error.step, error.applied)
    assert {
        "code": "AP102",
        "error": "StepFailed",
        "message": "step 3 failed",
        "step": 3,
        "applied": 2,
        "names": ["a", "b"],
        "model": "StepFailed",
    } == error.to_dict()


def test_pickle_keeps_attributes_and_cause():
    """A pickled error keeps its attributes and its cause."""
    error = StepFailed("step 3 failed", step=3)
    error.__cause__ = TimeoutError("no answer")

    copy = pickle.loads(pickle.dumps(error))

    assert (StepFailed, "step 3 failed", 3) == (type(copy), str(copy), copy.step)
    assert "no answer" == str(copy.__cause__)
    assert error.to_dict() == copy.to_dict()


def test_what_cannot_be_pickled_crosses_as_text():
    """A cause or detail that cannot be pickled is replaced by its text."""
    error = StepFailed("step 3 failed", lock=threading.Lock())
    error.__cause__ = ValueError(threading.Lock())

    copy = pickle.loads(pickle.dumps(error))

    assert "lock" in copy.lock
    assert str(copy.__cause__).startswith("ValueError: <unlocked")


def test_definition_error_lists_every_problem():
    """The message lists all problems of a class, each with its code and advice."""
    error = ModelDefinitionError(
        "shop.Order",
        [
            Problem("MD101", "shop.Order", "no partition key", "add one"),
            Problem("MD102", "shop.Order.x", "bad", "fix"),
        ],
    )

    assert (
        "shop.Order has 2 mistakes:\nshop.Order: no partition key [MD101]\n  add one\nshop.Order.x: bad [MD102]\n  fix"
    ) == str(error)
    assert error.problems == pickle.loads(pickle.dumps(error)).problems
