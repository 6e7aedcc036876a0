"""The examples in the package's docstrings do what they show."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import scyllamodel

FOUND = pkgutil.walk_packages(scyllamodel.__path__, "scyllamodel.")
MODULES = sorted(module.name for module in FOUND if not module.name.endswith("__main__"))
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_a_module(name):
    """Every example of the module prints what it says."""
    outcome = doctest.testmod(importlib.import_module(name), optionflags=OPTIONS)

    assert 0 == outcome.failed
