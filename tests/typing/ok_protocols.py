"""How to type "any model with these columns": an abstract base for columns, a protocol for methods."""

from __future__ import annotations

from typing import Protocol, TypeVar

from typing_extensions import assert_type

from scyllamodel import Column, Model, column, partition_key, select


class Identified(Model, abstract=True):
    """Models with an id."""

    id: Column[int] = partition_key()


class Labelled(Protocol):
    """Anything with a label."""

    def label(self) -> str:
        """The label."""
        raise NotImplementedError


class Customer(Identified, table="customers"):
    """A model that is both."""

    name: Column[str] = column(default="")

    def label(self) -> str:
        """The label."""
        return self.name


M = TypeVar("M", bound=Identified)


def number_of(row: Identified) -> int:
    """Read a column of any such model."""
    return row.id


def renumbered(row: M, number: int) -> M:
    """Copy a row of any such model."""
    return row.replace(id=number)


def output(item: Labelled) -> str:
    """Call a method of any object that has it."""
    return item.label()


ann = Customer(id=1, name="Ann")
assert_type(number_of(ann), int)
assert_type(renumbered(ann, 2), Customer)
assert_type(output(ann), str)
assert_type(renumbered(ann, 2).name, str)
by_id = select(Customer).where(Customer.id == 1)
