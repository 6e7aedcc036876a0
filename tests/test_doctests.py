"""The examples in the package's docstrings do what they show."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import scyllamodel

MODULES = ["scyllamodel"] + sorted(
    found.name
    for found in pkgutil.walk_packages(scyllamodel.__path__, "scyllamodel.")
    if not found.name.endswith("__main__")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_a_module(name):
    """Every example of the module prints what it says."""
    outcome = doctest.testmod(
        importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    )

    assert 0 == outcome.failed
