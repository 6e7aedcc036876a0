"""The possible contents of each row after writes that were acknowledged, refused, or got no response.

*In*: each write before it is sent, and its outcome. *Out*: the violations of a row that was read, as sentences. A write
is unknown until its caller settles it, so that a call which never ends needs no special case. Nothing here waits or
uses a server; times are the order of the calls.
"""

from __future__ import annotations

import itertools
import threading
from collections import Counter, deque
from collections.abc import Hashable, Iterable, Mapping
from typing import Any, Final

import attrs

UNKNOWN: Final = "unknown"
ACKNOWLEDGED: Final = "acknowledged"
REFUSED: Final = "refused"

MAX_WRITES_SHOWN: Final = 6
"""Writes of a row that a violation tells of."""


def plain(value: Any) -> Any:
    """A value in its compared form: hashable, and None where CQL does not distinguish it from null."""
    if isinstance(value, (list, tuple)):
        return tuple(value) or None
    if isinstance(value, (set, frozenset)):
        return frozenset(value) or None
    return frozenset(value.items()) or None if isinstance(value, dict) else value


class Assignments:
    """A column of one writer, whose writes are ordered by their times: the last applied one stays.

    Parameters:
        floating: whether a write without a response may be applied after later ones. A conditional write gets its time
            from the server when it runs; all others have that of the client.
    """

    def __init__(self, *, floating: bool = False) -> None:
        self._floating = floating
        self._writes: list[tuple[Write | None, Any]] = [(None, None)]

    def begin(self, write: Write, value: Any) -> None:
        """Record that a write of this value is sent."""
        self._writes.append((write, plain(value)))

    def settle(self, write: Write) -> None:
        """Forget the values that an acknowledged write replaced, or a refused write."""
        index = next((position for position, (item, _) in enumerate(self._writes) if item is write), None)
        if index is None:
            return  # a later one was seen
        if write.outcome == REFUSED:
            del self._writes[index]
        else:
            before = [item for item in self._writes[:index] if self._may_float(item)]
            self._writes = [*before, *self._writes[index:]]

    def _may_float(self, item: tuple[Write | None, Any]) -> bool:
        return self._floating and item[0] is not None and item[0].outcome == UNKNOWN

    @property
    def values(self) -> list[Any]:
        """The values that the column may have, the oldest first."""
        return [value for _, value in self._writes]

    @property
    def is_settled(self) -> bool:
        """Whether only one value is possible."""
        return len(self._writes) == 1

    def violations(self, stored: Any) -> list[str]:
        """Return what is wrong with this value, if anything."""
        return [] if plain(stored) in self.values else [f"holds {stored!r}, and may hold {self.values!r}"]

    def observe(self, stored: Any) -> None:
        """Exclude values older than one that was read."""
        if not self._floating:
            del self._writes[: self.values.index(plain(stored))]


class Elements:
    """A list that several writers append to, or a set that they add to.

    Parameters:
        ordered: whether acknowledged elements of one writer stand in the order in which they were written.
    """

    def __init__(self, *, ordered: bool = True) -> None:
        self._ordered = ordered
        self._writes: dict[Any, Write] = {}

    def begin(self, write: Write, value: Any) -> None:
        """Record that this element is sent; no other write sends an equal one."""
        self._writes[value] = write

    def settle(self, write: Write) -> None:
        """Forget a refused element; all others are checked."""
        if write.outcome == REFUSED:
            self._writes = {element: item for element, item in self._writes.items() if item is not write}

    @property
    def is_settled(self) -> bool:
        """Whether every outcome is known."""
        return all(write.outcome != UNKNOWN for write in self._writes.values())

    def violations(self, stored: Iterable[Any] | None) -> list[str]:
        """Elements that are lost, duplicated, present although refused, or in another order."""
        listed = list(stored or ())
        counts = Counter(listed)
        acknowledged = [element for element, write in self._writes.items() if write.outcome == ACKNOWLEDGED]
        violations = [f"{element!r} was acknowledged and is lost" for element in acknowledged if not counts[element]]
        violations += [f"{element!r} is there {count} times" for element, count in counts.items() if count > 1]
        violations += [
            f"{element!r} is there, and was refused or not written" for element in counts.keys() - self._writes
        ]
        return violations + (self._disorder(acknowledged, listed) if self._ordered and not violations else [])

    def _disorder(self, acknowledged: list[Any], listed: list[Any]) -> list[str]:
        """Elements out of order; simultaneous calls of one writer have no order."""
        places = {element: index for index, element in enumerate(listed)}
        writers: dict[Any, list[tuple[Write, Any]]] = {}
        for element in acknowledged:
            write = self._writes[element]
            earlier = writers.setdefault(write.writer, [])
            for item, before in earlier:
                if item.settled < write.begun and places[element] < places[before]:
                    return [f"{element!r} stands before {before!r}, which was acknowledged before it was sent"]
            earlier.append((write, element))
        return []


class Total:
    """A counter: acknowledged changes are in it, unknown ones may be, once."""

    def __init__(self) -> None:
        self._acknowledged = 0
        self._unknown: dict[Write, int] = {}

    def begin(self, write: Write, value: int) -> None:
        """Record that this amount is added or subtracted."""
        self._unknown[write] = value

    def settle(self, write: Write) -> None:
        """Add an acknowledged amount."""
        value = self._unknown.pop(write)
        if write.outcome == ACKNOWLEDGED:
            self._acknowledged += value

    @property
    def is_settled(self) -> bool:
        """Whether every outcome is known."""
        return not self._unknown

    def violations(self, stored: int | None) -> list[str]:
        """The violated bounds of the counter, if any; zero and null are equal."""
        low = self._acknowledged + sum(value for value in self._unknown.values() if value < 0)
        high = self._acknowledged + sum(value for value in self._unknown.values() if value > 0)
        return [] if low <= (stored or 0) <= high else [f"holds {stored}, and may hold {low} to {high}"]


class Claims:
    """Places that conditional writes compete for: each is taken once, by a writer that was not refused.

    A claim is ``(place, token)``; the stored value is a set of claims.
    """

    def __init__(self) -> None:
        self._elements = Elements(ordered=False)

    def begin(self, write: Write, value: tuple[Any, str]) -> None:
        """Record that a writer claims a place."""
        self._elements.begin(write, value)

    def settle(self, write: Write) -> None:
        """Forget a refused claim."""
        self._elements.settle(write)

    @property
    def is_settled(self) -> bool:
        """Whether every outcome is known."""
        return self._elements.is_settled

    def violations(self, stored: Iterable[tuple[Any, str]] | None) -> list[str]:
        """Claims that are lost or were refused, and places that were taken twice."""
        claims = sorted(stored or ())
        places = Counter(place for place, _ in claims)
        twice = [f"place {place!r} was taken {count} times" for place, count in places.items() if count > 1]
        return twice + self._elements.violations(claims)


@attrs.define(eq=False)
class Write:
    """One write, of one or several columns of a row.

    Attributes:
        writer: the name of its sender, which sends one write after another.
        outcome: unknown until `acknowledge` or `refuse` is called.
        note: the call that sent it, and its outcome.
        begun: its position in the order of all beginnings and outcomes; `settled` is that of its outcome.
    """

    model: ChaosModel = attrs.field(repr=False)
    key: Hashable
    values: Mapping[str, Any]
    writer: Any = None
    outcome: str = UNKNOWN
    note: str = ""
    begun: int = 0
    settled: int = 0

    def __str__(self) -> str:
        return f"{self.note} {dict(self.values)}: {self.outcome}"

    def acknowledge(self) -> None:
        """Record that the server has acknowledged it."""
        self.model.settle(self, ACKNOWLEDGED)

    def refuse(self) -> None:
        """Record that it was not applied and never will be."""
        self.model.settle(self, REFUSED)


History = Assignments | Elements | Total | Claims


class ChaosModel:
    """The histories of all rows, column by column; threads share it.

    >>> model = ChaosModel({"docs": {"x": Assignments}})
    >>> first, second = (model.begin(("docs", 1), x=value) for value in "ab")
    >>> first.acknowledge()
    >>> [model.violations(("docs", 1), {"x": value}) for value in "ab"]  # nothing is known of the second one
    [[], []]
    >>> model.violations(("docs", 1), None)
    ["('docs', 1).x: holds None, and may hold ['a', 'b']"]

    Parameters:
        tables: the factories of the histories of each column, by table. A key is a tuple that begins with its table.
    """

    def __init__(self, tables: Mapping[str, Mapping[str, Any]]) -> None:
        self._tables = tables
        self._rows: dict[Hashable, dict[str, History]] = {}
        self._last: dict[Hashable, deque[Write]] = {}
        self._lock, self._moments = threading.RLock(), itertools.count(1)

    def begin(self, key: Any, /, *, writer: Any = None, **values: Any) -> Write:
        """Record that a write of these columns is sent next; the others stay unchanged."""
        write = Write(self, key, values, writer)
        with self._lock:
            row, write.begun = self._row(key), next(self._moments)
            for name, value in values.items():
                row[name].begin(write, value)
            self._last.setdefault(key, deque(maxlen=MAX_WRITES_SHOWN)).append(write)
        return write

    def story(self, key: Any) -> str:
        """The last writes of a row in words."""
        return "".join(f"\n    {write}" for write in self._last.get(key, ()))

    def _row(self, key: Any) -> dict[str, History]:
        if key not in self._rows:
            self._rows[key] = {name: make() for name, make in self._tables[key[0]].items()}
        return self._rows[key]

    def settle(self, write: Write, outcome: str) -> None:
        """Record the outcome of a write, once."""
        with self._lock:
            if write.outcome != UNKNOWN:
                return
            write.outcome, write.settled = outcome, next(self._moments)
            for name in write.values:
                self._row(write.key)[name].settle(write)

    def violations(self, key: Any, stored: Mapping[str, Any] | None) -> list[str]:
        """Return what is wrong with a row; None means that the row is missing."""
        with self._lock:
            row = self._row(key)
            return [
                f"{key!r}.{name}: {text}"
                for name, history in row.items()
                for text in history.violations(None if stored is None else stored[name])
            ]

    def observe(self, key: Any, stored: Mapping[str, Any] | None) -> list[str]:
        """Return what is wrong with a row that its only writer has read, and exclude earlier values."""
        with self._lock:
            violations = self.violations(key, stored)
            for name, history in self._row(key).items():
                if not violations and isinstance(history, Assignments):
                    history.observe(None if stored is None else stored[name])
            return violations

    def is_settled(self, key: Any) -> bool:
        """Whether the row can have only one content."""
        with self._lock:
            return all(history.is_settled for history in self._row(key).values())

    def forget(self, key: Any) -> None:
        """Remove a row that is no longer written and was correct."""
        with self._lock:
            self._rows.pop(key, None)
            self._last.pop(key, None)

    def keys(self, table: str) -> list[Any]:
        """The rows of a table."""
        with self._lock:
            return [key for key in self._rows if key[0] == table]
