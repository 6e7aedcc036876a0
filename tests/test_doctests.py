"""The examples in the package's docstrings print what they show."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import scyllamodel
from scyllamodel import Column, Model, clustering_key, column, partition_key
from scyllamodel import types as cql


class Order(Model, table="orders", repo="doctests"):
    """The model that examples of statements read and write."""

    shop: Column[int] = partition_key()
    placed: Column[int] = clustering_key()
    status: Column[str] = column(default="new")
    total: Column[int] = column(default=0)
    tags: Column[set[str]] = column(factory=set)
    lines: Column[dict[str, cql.Int]] = column(factory=dict)
    note: Column[str | None] = column(default=None)


FOUND_MODULES = pkgutil.walk_packages(scyllamodel.__path__, "scyllamodel.")
MODULES = sorted(module.name for module in FOUND_MODULES if not module.name.endswith("__main__"))
OPTIONS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_a_module(name):
    """Every example of the module prints what it shows."""
    outcome = doctest.testmod(importlib.import_module(name), extraglobs={"Order": Order}, optionflags=OPTIONS)

    assert 0 == outcome.failed
