"""The cost of a class and of a row, without a network."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import attrs
from cassandra.query import named_tuple_factory

from benchmarks.harness import Figure, compare
from scyllamodel.model.base import Model
from scyllamodel.model.column import Column
from scyllamodel.model.fields import clustering_key, column, partition_key

NAMES = ("id", "placed", "status", "total", "seats", "paid", "note", "weight")


class Row(Model, table="rows"):
    """Eight plain columns that need no conversion."""

    id: Column[UUID] = partition_key()
    placed: Column[UUID] = clustering_key()
    status: Column[str] = column()
    total: Column[int] = column()
    seats: Column[int] = column()
    paid: Column[bool] = column()
    note: Column[str] = column()
    weight: Column[float] = column()


VALUES: tuple[Any, ...] = (uuid4(), uuid4(), "new", 10, 3, True, "a note", 1.5)


def figures() -> Iterator[Figure]:
    """Times of class creation, load and bind."""
    yield _classes()
    yield from _rows()


def _body(number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The body of one class, for a model and for attrs alone."""
    mine: dict[str, Any] = {"__annotations__": {}, "__module__": __name__, "__qualname__": f"Model{number}"}
    theirs: dict[str, Any] = {"__annotations__": {}, "__module__": __name__, "__qualname__": f"Plain{number}"}
    for at, (name, value) in enumerate(zip(NAMES, VALUES, strict=True)):
        mine[name] = partition_key() if at == 0 else clustering_key() if at == 1 else column()
        mine["__annotations__"][name] = Column[type(value)]  # type: ignore[misc]
        theirs["__annotations__"][name] = type(value)
    return mine, theirs


def _model(number: int) -> None:
    types.new_class(f"Model{number}", (Model,), {"table": f"t{number}"}, lambda body: body.update(_body(number)[0]))


def _classes(count: int = 1000) -> Figure:
    def ours() -> None:
        for number in range(count):
            _model(number)

    def plain() -> None:
        for number in range(count):
            attrs.define(type(f"Plain{number}", (), _body(number)[1]), kw_only=True)

    return compare(
        "1,000 model classes of 8 columns", "1,000 attrs.define classes", ours, plain, target="wall <= 2.5", rounds=3
    )


def _rows() -> Iterator[Figure]:
    rows = [VALUES] * 1000
    load, bind = Row.__load__, Row.__bind__
    many = [load(row) for row in rows]
    named = type(named_tuple_factory(NAMES, [VALUES])[0])
    yield compare(
        "load 1,000 rows of 8 columns",
        "the driver's named tuples, the class already made",
        lambda: [load(row) for row in rows],
        lambda: [named(*row) for row in rows],
        target="wall <= 0.70",
        number=50,
        rounds=15,
    )
    yield compare(
        "bind 1,000 instances of 8 columns",
        "a hand-written tuple of attributes",
        lambda: [bind(each) for each in many],
        lambda: [(o.id, o.placed, o.status, o.total, o.seats, o.paid, o.note, o.weight) for o in many],
        target="",
        number=50,
        rounds=15,
    )
