"""Completion on repos and model classes shows only names that an application may use."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
import textwrap
from types import FunctionType

import attrs
import pytest

import scyllamodel
from scyllamodel import AsyncRepo, Column, MaterializedView, Model, Repo, UserType, column, partition_key
from scyllamodel.driver.data.async_api import AsyncBatch, AsyncScan
from scyllamodel.driver.data.bulk_report import Progress, RowError
from scyllamodel.driver.data.prepared import CacheInfo
from scyllamodel.driver.data.scan import Scan
from scyllamodel.driver.data.write_api import SyncBatch
from scyllamodel.model.column import Element
from scyllamodel.model.expression import Assignment, Condition, Ordering
from scyllamodel.query.delete import Delete
from scyllamodel.query.insert import Insert
from scyllamodel.query.select import Select
from scyllamodel.query.update import Update
from scyllamodel.schema.plan import Step

READS = "all count execute exists first get get_many one one_or_none page raw refresh scalar scan stream".split()
WRITES = "batch delete delete_many insert save save_many truncate".split()
SETTINGS = "from_url in_keyspace keyspace models name session settings statements".split()
COMMON = {*READS, *WRITES, *SETTINGS, "close"}


class Shown(Model, table="shown", repo="public_names"):
    """A table with two columns."""

    id: Column[int] = partition_key()
    text: Column[str] = column(default="")


class ShownByText(MaterializedView, of=Shown, view="shown_by_text"):
    """A view of the table."""

    text: Column[str] = partition_key()
    id: Column[int] = partition_key()


class Place(UserType, name="shown_place"):
    """A user type."""

    street: str


EXPECTED = {
    Repo: {*COMMON, "aio", "from_settings"},
    AsyncRepo: {*COMMON, "sync", "from_repo"},
    Shown: {"id", "text", "replace", "sync_all", "sync_all_async"},
    ShownByText: {"id", "text"},
    Place: {"street"},
    type(Shown): {"mro", "register"},  # of `type` and `abc.ABCMeta`
}
"""The public names of each class. A name that is added here has to be documented."""


def public(of):
    """The names without a leading underscore that completion shows."""
    return {name for name in dir(of) if not name.startswith("_")}


@pytest.mark.parametrize("cls", EXPECTED, ids=lambda cls: cls.__name__)
def test_a_class_shows_what_may_be_called(cls):
    """No internal name of a class is public."""
    assert EXPECTED[cls] == public(cls)


@pytest.mark.parametrize("cls", [Repo, AsyncRepo])
def test_an_instance_shows_what_its_class_shows(cls):
    """The instance attributes of a repo are private."""
    assert public(cls) == public(cls(nodes=["10.0.0.1"], keyspace="shop"))


def test_a_row_shows_its_columns():
    """An instance shows its columns and the methods of its class."""
    assert public(Shown) == public(Shown(id=1))
    assert {"street"} == public(Place(street="a"))


BATCH = set("consistency counter delete execute insert result save send timeout timestamp unlogged".split())


@pytest.mark.parametrize("cls", [Repo, AsyncRepo])
def test_a_batch_shows_its_verbs(cls):
    """Both batches show the same methods, and what they collect is private."""
    assert BATCH == public(cls(nodes=["10.0.0.1"], keyspace="shop").batch())


VALUES = [
    *(getattr(scyllamodel, name) for name in sorted(scyllamodel._HOME)),
    *(Select, Insert, Update, Delete, Element, Condition, Assignment, Ordering, Scan, AsyncScan, SyncBatch, AsyncBatch),
    *(CacheInfo, Progress, RowError, Step),
]
"""The public classes, and those of values that public functions take and return."""


def with_text_below(cls):
    """The attributes of a class with a docstring below their assignment."""
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0].body
    return {
        node.target.id
        for node, text in itertools.pairwise(body)
        if isinstance(node, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
    }


def undocumented(cls, package="scyllamodel"):
    """Public attributes that have neither a docstring nor a description in the docstring of the class or a base."""
    fields = {field.name for field in attrs.fields(cls)} if attrs.has(cls) else set()
    own = [base for base in cls.__mro__ if base.__module__.startswith(package)]
    foreign = {name for base in cls.__mro__ if base not in own for name in dir(base)}
    listed = {
        name
        for base in own
        for names in re.findall(r"^ +(\w+(?:, \w+)*): ", (base.__doc__ or ""), re.MULTILINE)
        for name in names.split(", ")
    }
    listed |= {name for base in own for name in with_text_below(base)}
    names = {name for name in {*dir(cls), *fields} - foreign if not name.startswith("_")}
    return sorted(name for name in names - listed if not _has_docstring(inspect.getattr_static(cls, name, None)))


def _has_docstring(attribute):
    return isinstance(attribute, (FunctionType, property, classmethod, staticmethod)) and bool(
        inspect.getdoc(attribute)
    )


@pytest.mark.parametrize("cls", [value for value in VALUES if isinstance(value, type)], ids=lambda cls: cls.__name__)
def test_every_public_attribute_is_documented(cls):
    """Every attribute that completion shows on a value is documented."""
    assert [] == undocumented(cls)


@attrs.frozen
class Value(Exception):
    """A value.

    Attributes:
        seen: described.
    """

    constant = "a text, whose class has a docstring"
    seen: int
    field: int
    other: int = 1
    """Described."""

    def method(self):
        return 1


def test_an_attribute_without_a_description_is_found():
    """A field, a method and a class attribute without a description are found, and those of Python are ignored."""
    assert ["constant", "field", "method"] == undocumented(Value, package=__name__)
