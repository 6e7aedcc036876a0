"""Mistakes with generic bases, literals and user types: each line that ends in ``# error`` is reported."""

from __future__ import annotations

from typing import Generic, Literal, TypeVar

from scyllamodel import Column, Model, UserType, column, partition_key

T = TypeVar("T")


class Entry(Model, Generic[T], abstract=True):
    """A generic base."""

    id: Column[int] = partition_key()
    value: Column[T] = column()


class Text(Entry[str], table="texts"):
    """A table of texts."""


class Card(UserType, name="card"):
    """A user type with parameters of `column`."""

    number: Column[str] = column(redact=True)


class Item(Model):
    """A literal, and a private name."""

    id: Column[int] = partition_key()
    kind: Column[Literal["a", "b"]] = column(default="a")
    _size: Column[int] = column(default=1, alias="size")


Text(id=1, value=3)  # error
Text(id=1)  # error
Card()  # error
Card(number=3)  # error
Item(id=1, kind="c")  # error
Item(id=1, _size=3)  # error
Item(id=1, size="x")  # error
item = Item(id=1)
item.kind = "c"  # error
Card(number="1").number = "2"  # error
