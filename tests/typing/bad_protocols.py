"""Protocols over columns: each spelling is refused by one of the checkers, so the guide teaches an abstract base."""

from __future__ import annotations

from typing import ClassVar, Protocol

from scyllamodel import Column, Model, column, partition_key


class ByValue(Protocol):
    """The type that an instance has; mypy accepts it."""

    @property
    def id(self) -> int:
        """A number."""
        raise NotImplementedError


class ByColumn(Protocol):
    """The declared type; pyright accepts it."""

    id: Column[int]


class ByClassVariable(Protocol):
    """The declared type, as a class variable; mypy accepts it."""

    id: ClassVar[Column[int]]


class Person(Model, table="persons"):
    """A model."""

    id: Column[int] = partition_key()
    name: Column[str] = column(default="")


def by_value(row: ByValue) -> int:
    """Read the column."""
    return row.id


def by_column(row: ByColumn) -> int:
    """Read the column."""
    return row.id  # error: mypy


def by_class_variable(row: ByClassVariable) -> int:
    """Read the column."""
    return row.id


by_value(Person(id=1))  # error: pyright
by_column(Person(id=1))  # error: mypy
by_class_variable(Person(id=1))  # error: pyright
