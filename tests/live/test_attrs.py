"""Features of attrs on a server: validated columns, cached properties, literals, generic bases, nulls."""

from __future__ import annotations

import functools
from typing import Generic, Literal, TypeVar

import attrs
import pytest

from scyllamodel import (
    Column,
    Model,
    TypeMismatch,
    UserType,
    column,
    migrate,
    partition_key,
    select,
    update,
)
from scyllamodel import types as cql

pytestmark = pytest.mark.live

T = TypeVar("T")


class Named(UserType, abstract=True):
    """An abstract user type."""

    name: str


class Pet(Named, name="attrs_pet"):
    """A user type with a literal."""

    kind: Literal["cat", "dog"] = "cat"


class Entry(Model, Generic[T], abstract=True):
    """A generic base."""

    id: Column[int] = partition_key()
    value: Column[T] = column()
    past: Column[list[T]] = column(factory=list)


class Account(Entry[int], table="attrs_accounts", repo="attrs_live"):
    """A model that uses all these features."""

    level: Column[int] = column(default=0, converter=int, validator=attrs.validators.ge(0))
    kind: Column[Literal["a", "b"]] = column(default="a")
    rank: Column[Literal[1, 2] | None] = column(default=None, type=cql.Int)
    pet: Column[cql.Frozen[Pet] | None] = column(default=None)

    @functools.cached_property
    def doubled(self) -> int:
        """A cached property."""
        return self.value * 2


@pytest.fixture(scope="module")
def repo(scylla_cluster, scylla_repo):
    """A repo with the table of this module."""
    with scylla_cluster.repo(scylla_repo.keyspace, name="attrs_live") as new_repo:
        migrate(new_repo, resources=[Account])
        assert migrate(new_repo, resources=[Account]).plan.is_empty
        yield new_repo


def test_an_account_is_loaded_and_still_validated(repo):
    """An instance that was loaded is converted and validated like a new one when it is changed and saved."""
    repo.save(Account(id=1, value=3, level="4", kind="b", rank=2, pet=Pet(name="Tom"), past=[1]))
    row = repo.get(Account, id=1)
    assert row == Account(id=1, value=3, level=4, kind="b", rank=2, pet=Pet(name="Tom"), past=[1])
    assert 6 == row.doubled
    with pytest.raises(ValueError, match="must be >= 0"):
        row.level = -1
    row.level = "5"
    repo.save(row)

    assert [(5,)] == repo.all(select(Account.level).where(Account.id == 1))


def test_stored_values_that_a_validator_refuses_can_be_read_and_refreshed(repo):
    """Values from another program that a validator would refuse can be read, refreshed and kept by a save."""
    repo.save(Account(id=2, value=3))
    row = repo.get(Account, id=2)
    repo.raw(f"UPDATE {repo.keyspace}.attrs_accounts SET level = ?, kind = ? WHERE id = ?", [-7, "z", 2])
    repo.refresh(row)

    assert (-7, "z") == (row.level, row.kind)
    row.value = 4
    repo.save(row)
    assert (4, -7) == (repo.get(Account, id=2).value, repo.get(Account, id=2).level)


@pytest.mark.parametrize(
    "values", [{"kind": "c"}, {"rank": 3}, {"rank": True}, {"pet": Pet(name="x", kind="cow")}], ids=repr
)
def test_a_value_outside_of_a_literal_is_refused(repo, values):
    """A value that is not in the literal is refused in every clause, before it is sent."""
    ((name, value),) = values.items()
    with pytest.raises(TypeMismatch, match=f"Account.{name}"):
        repo.save(Account(id=3, value=1, **values))
    with pytest.raises(TypeMismatch, match=f"Account.{name}"):
        repo.execute(update(Account).where(Account.id == 3).set(getattr(Account, name).to(value)))

    assert repo.get(Account, id=3) is None


def test_a_null_is_refused_when_written_and_not_when_read(repo):
    """A null in a column whose type lacks None can be read, but None cannot be written to it."""
    repo.raw(f"UPDATE {repo.keyspace}.attrs_accounts SET level = ? WHERE id = ?", [1, 4])
    row = repo.get(Account, id=4)
    assert row.value is None
    row.level = 2
    repo.save(row)
    assert (None, 2) == (repo.get(Account, id=4).value, repo.get(Account, id=4).level)

    row.value = 3
    repo.save(row)
    row.value = None
    with pytest.raises(TypeMismatch, match=r"Account\.value: None does not fit bigint"):
        repo.save(row)
    with pytest.raises(TypeMismatch, match=r"declare it Column\[int \| None\]"):
        repo.save(Account(id=5, value=None))
    report = repo.save_many([Account(id=5, value=None), Account(id=6, value=1)], raise_errors=False)

    assert [0] == [error.index for error in report.errors]
    assert 1 == repo.get(Account, id=6).value
    assert 3 == repo.get(Account, id=4).value
