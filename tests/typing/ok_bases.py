"""Bases besides models, and features of attrs: both checkers accept them."""

from __future__ import annotations

import abc
from functools import cached_property
from typing import Generic, Literal, Protocol, TypeVar

import attrs
from typing_extensions import assert_type

from scyllamodel import Column, Model, UserType, clustering_key, column, partition_key
from scyllamodel import types as cql

T = TypeVar("T")


class Entry(Model, Generic[T], abstract=True):
    """A generic base."""

    id: Column[int] = partition_key()
    value: Column[T] = column()


class Text(Entry[str], table="texts"):
    """A table of texts."""


class Priced(abc.ABC):
    """An abstract mixin."""

    @abc.abstractmethod
    def price(self) -> int:
        """The price."""


class Named(Protocol):
    """A protocol."""

    def greet(self) -> str:
        """A method with a body."""
        return "Hello"


class Stamp(UserType, abstract=True):
    """An abstract user type."""

    by: str = "unknown"


class Card(Stamp, name="card"):
    """A user type with parameters of `column`."""

    number: Column[str] = column(redact=True)
    cents: Column[int] = column(db_name="amount", default=0)
    note: str = attrs.field(default="", validator=attrs.validators.max_len(3))


class Item(Model, Priced, Named):
    """Mixins of both kinds."""

    id: Column[int] = partition_key()
    kind: Column[Literal["a", "b"]] = clustering_key(default="a")
    level: Column[Literal[1, 2] | None] = column(default=None)
    card: Column[cql.Frozen[Card] | None] = column(default=None)
    size: Column[int] = column(default=1, validator=attrs.validators.gt(0), converter=int)
    _secret: Column[str] = column(alias="secret", default="x")

    def price(self) -> int:
        """The price."""
        return self.size

    @cached_property
    def doubled(self) -> int:
        """A cached property."""
        return self.size * 2

    def hidden(self) -> str:
        """A private column."""
        return self._secret


text = Text(id=1, value="x")
assert_type(text.value, str)

card = Card(number="1", by="me")
assert_type(card.number, str)
assert_type(card.cents, int)
item = Item(id=1, kind="b", level=2, card=card, secret="y", size=3)
assert_type(item.kind, Literal["a", "b"])
assert_type(item.doubled, int)
assert_type(item.price(), int)
assert_type(item.greet(), str)
priced: Priced = item
named: Named = item
