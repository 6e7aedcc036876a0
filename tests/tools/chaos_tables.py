"""Tables of a chaos run, the history of each column in the model, and the rows that never change."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from chaos_model import Assignments, Claims, Elements, Total
from scyllamodel import Column, Model, clustering_key, column, partition_key
from scyllamodel import types as cql

PARTS, ROWS = 20, 100
"""The table that never changes: partitions, and rows of each."""


class Doc(Model, table="chaos_docs", repo="chaos"):
    """A table with a column of each kind whose differences a save writes."""

    owner: Column[str] = partition_key()
    number: Column[int] = clustering_key()
    x: Column[str | None] = column(default=None)
    y: Column[str | None] = column(default=None)
    words: Column[set[str]] = column(factory=set)
    notes: Column[list[str]] = column(factory=list)
    counts: Column[dict[str, int]] = column(factory=dict)


class Guard(Model, table="chaos_guards", repo="chaos"):
    """A table that is written conditionally only."""

    id: Column[str] = partition_key()
    x: Column[str | None] = column(default=None)
    y: Column[str | None] = column(default=None)


class Log(Model, table="chaos_logs", repo="chaos"):
    """A table that all actors append to."""

    id: Column[int] = partition_key()
    entries: Column[list[str]] = column(factory=list)
    marks: Column[set[str]] = column(factory=set)


class Tally(Model, table="chaos_tallies", repo="chaos"):
    """A table of counters that all actors change."""

    id: Column[int] = partition_key()
    hits: Column[cql.Counter] = column()


class Seat(Model, table="chaos_seats", repo="chaos"):
    """A table of places, each taken by the first insert."""

    id: Column[int] = partition_key()
    holder: Column[str] = column()


class Ledger(Model, table="chaos_ledgers", repo="chaos"):
    """A table of versions, each written by the update whose condition held."""

    id: Column[int] = partition_key()
    version: Column[int] = column(default=0)
    winners: Column[set[str]] = column(factory=set)


class Fixed(Model, table="chaos_fixed", repo="chaos"):
    """A table that never changes, so that each read of it can be checked."""

    part: Column[int] = partition_key()
    number: Column[int] = clustering_key()
    text: Column[str] = column()


TABLES: Final = {
    "docs": dict.fromkeys(("x", "y", "words", "notes", "counts"), Assignments),
    "guards": dict.fromkeys(("x", "y"), partial(Assignments, floating=True)),
    "logs": {"entries": Elements, "marks": partial(Elements, ordered=False)},
    "tallies": {"hits": Total},
    "seats": {"claims": Claims},
    "ledgers": {"claims": Claims},
}
FIXED: Final = [Fixed(part=p, number=n, text=f"{p}.{n}") for p in range(PARTS) for n in range(ROWS)]
NOTHING: Final = dict.fromkeys(TABLES["docs"])


def contents(row: Any) -> dict[str, Any] | None:
    """The columns of a document or guard, without its key."""
    names = TABLES["docs"] if isinstance(row, Doc) else TABLES["guards"]
    return None if row is None else {name: getattr(row, name) for name in names}


def claims_of(row: Ledger | None) -> set[tuple[int, str]]:
    """The writer of each version."""
    winners = set() if row is None else row.winners
    return {(int(text.partition(":")[0]), text.partition(":")[2]) for text in winners}


def fresh_model() -> type[Model]:
    """A new class for the table that never changes; it is collected once it is not referenced."""

    class Fresh(Model, table="chaos_fixed", repo="chaos_fresh"):
        part: Column[int] = partition_key()
        number: Column[int] = clustering_key()
        text: Column[str] = column()

    return Fresh
