"""Actors of a chaos run: random writes of each kind of row, reported to the model before they are sent.

An actor owns its documents and guards, so that writes of one are ordered; logs, counters, seats and ledgers are shared.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

import attrs

from chaos_calls import PAUSES, ROUNDS, Actor, Call, WhimError
from chaos_model import Write
from chaos_tables import NOTHING, Doc, Guard, Ledger, Log, Seat, Tally, claims_of, contents
from scyllamodel import NotFound, insert, select, update

SEATS, TALLIES = 60, 8
"""Places that writers compete for at first, and counters."""

LOG_LENGTH, LEDGER_LENGTH = 60, 40
"""Writes of one row that grows, before the next one is begun."""

POOL: Final = 24
"""Documents of one writer."""


@attrs.define(eq=False)
class Slot:
    """A document with its instance; `row` is the state that its owner expects."""

    key: tuple[str, str, int]
    row: Doc


@attrs.define(eq=False)
class Docs(Actor):
    """Saves, deletes and reads its own documents, one by one and many at once.

    Attributes:
        slots: the documents that no call uses at this moment; `every` has all of them.
    """

    slots: list[Slot] = attrs.field(factory=list)
    every: list[Slot] = attrs.field(factory=list)
    busy: int = 0
    made: int = 0
    bulk: bool = True

    def call(self) -> Call:
        """A random call; deletes are rare."""
        kinds: list[Callable[[], Call]] = [self.save] * 8 + [self.get] * 3 + [self.delete, self.refresh, self.batch]
        kinds += [self.save_many, self.save_many, self.delete_many] if self.bulk else []
        return self.rng.choice(kinds)()

    def take(self, count: int = 1) -> list[Slot]:
        """Documents that no other call uses; new ones while there are few."""
        while len(self.slots) < count or len(self.slots) + self.busy < POOL:
            self.made += 1
            row = Doc(owner=self.name, number=self.made)
            slot = Slot(("docs", self.name, self.made), row)
            self.slots.append(slot)
            self.every.append(slot)
        self.rng.shuffle(self.slots)
        slots, self.slots = self.slots[:count], self.slots[count:]
        self.busy += count
        return slots

    def give_back(self, slots: list[Slot], *, keep: bool = True) -> None:
        """End the use of documents, except dropped ones; those not kept are checked when the run ends."""
        slots = [slot for slot in slots if slot in self.every]
        self.busy -= len(slots)
        if keep:
            self.slots += slots
        else:
            self.every = [slot for slot in self.every if slot not in slots]

    def drop_all(self) -> list[Slot]:
        """Give up all documents, including those of calls that never end."""
        dropped, self.slots, self.every, self.busy = list(self.every), [], [], 0
        return dropped

    def save(self) -> Call:
        """Save a document after some changes or none."""
        (slot,) = slots = self.take()
        self.change(slot.row)
        return Call("save", (slot.row,), writes=(self.begin(slot),), on_end=partial(self.give_back, slots))

    def begin(self, slot: Slot) -> Write:
        """Report a save to the model: all columns as the instance has them, however few of them are sent."""
        return self.model.begin(slot.key, writer=self.name, **contents(slot.row))

    def change(self, row: Doc) -> None:
        """Change some columns, often back to earlier values."""
        for _ in range(self.rng.choice([0, 1, 1, 2, 3])):
            self.rng.choice([self._text, self._words, self._notes, self._counts])(row)

    def _text(self, row: Doc) -> None:
        setattr(row, self.rng.choice("xy"), self.rng.choice([self.token(), self.token(), "again", None]))

    def _words(self, row: Doc) -> None:
        row.words ^= {self.rng.choice("abcdef")}

    def _notes(self, row: Doc) -> None:
        if len(row.notes) > 6 or self.rng.random() < 0.1:
            row.notes = row.notes[: self.rng.randrange(len(row.notes) + 1)]
        else:
            row.notes.append(self.token())

    def _counts(self, row: Doc) -> None:
        name = self.rng.choice("abcdef")
        if row.counts.pop(name, None) is None:
            row.counts[name] = self.count

    def get(self) -> Call:
        """Read a document."""
        (slot,) = slots = self.take()
        key = {"owner": slot.row.owner, "number": slot.row.number}
        check = partial(self._seen, slot)
        return Call("get", (Doc,), key, check=check, on_end=partial(self.give_back, slots))

    def _seen(self, slot: Slot, stored: Doc | None) -> list[str]:
        return self.model.observe(slot.key, contents(stored))

    def refresh(self) -> Call:
        """Refresh an instance from its row.

        After that the instance counts as unchanged, although a write without a response may still be applied, so a
        document with such a write is dropped.
        """
        (slot,) = slots = self.take()
        keep = self.model.is_settled(slot.key)
        on_end = partial(self.give_back, slots, keep=keep)
        return Call("refresh", (slot.row,), check=partial(self._refreshed, slot), on_end=on_end)

    def _refreshed(self, slot: Slot, missing: NotFound | None) -> list[str]:
        return self.model.observe(slot.key, None if missing else contents(slot.row))

    def delete(self) -> Call:
        """Delete a document; the next save creates it again."""
        (slot,) = slots = self.take()
        write = self.model.begin(slot.key, **NOTHING)
        return Call("delete", (slot.row,), writes=(write,), on_end=partial(self.give_back, slots))

    def batch(self) -> Call:
        """Save some documents together."""
        slots = self.take(self.rng.randint(2, 4))
        for slot in slots:
            self.change(slot.row)
        rows = [slot.row for slot in slots]
        return Call("batch", (rows,), writes=tuple(map(self.begin, slots)), on_end=partial(self.give_back, slots))

    def save_many(self) -> Call:
        """Save many documents, one by one or by partition; source or listener may fail."""
        slots = self.take(self.rng.randint(2, POOL))
        for slot in slots:
            self.change(slot.row)
        options = {"by_partition": self.rng.random() < 0.5}
        return self._many("save_many", slots, tuple(map(self.begin, slots)), options)

    def delete_many(self) -> Call:
        """Delete many documents."""
        slots = self.take(self.rng.randint(2, POOL // 2))
        writes = tuple(self.model.begin(slot.key, **NOTHING) for slot in slots)
        return self._many("delete_many", slots, writes, {})

    def _many(self, verb: str, slots: list[Slot], writes: tuple[Write, ...], options: dict[str, Any]) -> Call:
        rows: Any = [slot.row for slot in slots]
        concurrency, broken = self.rng.choice([8, 64]), self.rng.random()
        if broken < 0.1:
            rows = breaks_off(rows, self.rng.randrange(len(rows)))
        elif broken < 0.2:
            options["on_progress"] = broken_listener(self.rng.randrange(len(rows)))
        options |= {"concurrency": concurrency, "raise_errors": self.rng.random() < 0.5}
        requests = ROUNDS * (1 + len(slots) // concurrency)
        on_end = partial(self.give_back, slots)
        return Call(verb, (rows,), options, writes, bulk=True, requests=requests, extra=PAUSES, on_end=on_end)


def breaks_off(rows: list[Any], at: int) -> Iterable[Any]:
    """Yield these rows up to the one at which the source fails."""
    for index, row in enumerate(rows):
        if index == at:
            raise WhimError
        yield row


def broken_listener(at: int) -> Callable[[Any], None]:
    """A progress listener that fails after so many rows."""

    def listen(progress: Any) -> None:
        if progress.done > at:
            raise WhimError

    return listen


@attrs.define(eq=False)
class Guards(Actor):
    """Saves documents on the condition that they exist, and reads them at SERIAL."""

    rows: list[Guard] = attrs.field(factory=list)

    def create(self, repo: Any, count: int = 6) -> None:
        """Create the documents before faults begin, without a condition, whose outcome a busy server may not report."""
        for number in range(count):
            row = Guard(id=f"{self.name}.{number}", x="new")
            self.model.begin(("guards", row.id), **contents(row)).acknowledge()
            repo.insert(row)
            self.rows.append(row)

    def call(self) -> Call:
        """A save or a read of a document that no other call uses."""
        row = self.rows.pop(self.rng.randrange(len(self.rows)))
        key, on_end = ("guards", row.id), partial(self.rows.append, row)
        if self.rng.random() < 0.3:
            query = select(Guard).where(Guard.id == row.id).consistency("SERIAL")
            statement, timeout = self._timed(query)
            check = lambda stored: self.model.violations(key, contents(stored))  # noqa: E731
            return Call("one_or_none", (statement,), check=check, timeout=timeout, on_end=on_end)
        setattr(row, self.rng.choice("xy"), self.rng.choice([self.token(), "again", None]))
        write = self.model.begin(key, **contents(row))
        return Call("save", (row,), {"if_exists": True}, (write,), requests=2, on_end=on_end)


@attrs.define(eq=False)
class Rotation:
    """Increasing row numbers: all workers write to the current one, and earlier ones are checked.

    Attributes:
        length: the number of writes after which the next row begins.
        old: rows that are no longer written, and that were not checked.
    """

    length: int
    current: int = 0
    written: int = 0
    old: deque[int] = attrs.field(factory=deque)

    def number(self) -> int:
        """The number of the row to write next."""
        self.written += 1
        if self.written % self.length == 0:
            self.advance(self.current)
        return self.current

    def advance(self, number: int) -> None:
        """Start the next row if this is the current one; writes to the last row or two may still be in flight."""
        if number == self.current:
            self.current = number + 1
            self.old.append(number)

    def finished(self) -> int | None:
        """The number of a row to check, once."""
        return self.old.popleft() if len(self.old) > 3 else None


@attrs.define(eq=False)
class Logs(Actor):
    """Appends to shared lists and adds to shared sets."""

    rotation: Rotation = attrs.field(factory=lambda: Rotation(LOG_LENGTH))

    def call(self) -> Call:
        """An append or an addition of one element."""
        old = self.rotation.finished()
        if old is not None:
            return self._look(old)
        number, element = self.rotation.number(), self.token()
        name = self.rng.choice(["entries", "marks"])
        write = self.model.begin(("logs", number), writer=self.name, **{name: element})
        change = Log.entries.append([element]) if name == "entries" else Log.marks.add({element})
        statement, timeout = self._timed(update(Log).where(Log.id == number).set(change))
        return Call("execute", (statement,), writes=(write,), timeout=timeout)

    def _look(self, number: int) -> Call:
        key = ("logs", number)
        return Call("get", (Log,), {"id": number}, check=lambda stored: self.reviewed(key, log_found(stored)))


def log_found(row: Log | None) -> dict[str, Any] | None:
    """The values of a log row that the model compares."""
    return None if row is None else {"entries": row.entries, "marks": row.marks}


@attrs.define(eq=False)
class Tallies(Actor):
    """Increments and decrements counters, one by one and in counter batches."""

    def call(self) -> Call:
        """A change of one counter or of several together."""
        numbers = self.rng.sample(range(TALLIES), self.rng.choice([1, 1, 1, 3]))
        changes = [(number, self.rng.choice([-2, -1, 1, 2, 3])) for number in numbers]
        statements = [update(Tally).where(Tally.id == number).set(Tally.hits.increment(by)) for number, by in changes]
        writes = tuple(self.model.begin(("tallies", number), hits=by) for number, by in changes)
        if len(statements) > 1:
            return Call("counter_batch", (statements,), writes=writes)
        statement, timeout = self._timed(statements[0])
        return Call("execute", (statement,), writes=writes, timeout=timeout)


@attrs.define(eq=False)
class Seats(Actor):
    """Competes for places by inserts with IF NOT EXISTS."""

    def call(self) -> Call:
        """An insert of a place that may already be taken."""
        number, token = self.rng.randrange(SEATS + self.count // 20), self.token()
        statement, timeout = self._timed(insert(Seat(id=number, holder=token)).if_not_exists())
        write = self.model.begin(("seats", number), claims=(number, token))
        return Call("execute", (statement,), writes=(write,), timeout=timeout)


@attrs.define(eq=False)
class Ledgers(Actor):
    """Competes for the next version of a row by conditional updates, and resolves those without a response."""

    rotation: Rotation = attrs.field(factory=lambda: Rotation(LEDGER_LENGTH))
    seen: tuple[int, int] | None = None

    def call(self) -> Call:
        """Write the version after the last one seen, or read the current one."""
        old = self.rotation.finished()
        if old is not None or self.seen is None:
            return self._look(self.rotation.current if old is None else old, last=old is not None)
        (number, version), self.seen, token = self.seen, None, self.token()
        if version < 0:
            return Call("execute", (insert(Ledger(id=number, version=0)).if_not_exists(),))
        statement, timeout = self._timed(
            update(Ledger)
            .where(Ledger.id == number)
            .set(Ledger.version.to(version + 1), Ledger.winners.add({f"{version + 1}:{token}"}))
            .if_(Ledger.version == version)
        )
        write = self.model.begin(("ledgers", number), claims=(version + 1, token))
        return Call("resolved", (statement,), writes=(write,), timeout=timeout, follows=1)

    def _look(self, number: int, *, last: bool) -> Call:
        query, timeout = self._timed(select(Ledger).where(Ledger.id == number).consistency("SERIAL"))
        check = partial(self._reviewed, number) if last else partial(self._looked, number)
        return Call("one_or_none", (query,), check=check, timeout=timeout)

    def _looked(self, number: int, row: Ledger | None) -> list[str]:
        self.seen = (number, -1 if row is None else row.version)
        if row is not None and row.version >= LEDGER_LENGTH:
            self.rotation.advance(number)
            self.seen = None
        return gaps(row)

    def _reviewed(self, number: int, row: Ledger | None) -> list[str]:
        return gaps(row) + self.reviewed(("ledgers", number), {"claims": claims_of(row)})


def gaps(row: Ledger | None) -> list[str]:
    """Return what is wrong with the versions of a ledger: each must have a winner."""
    versions = {version for version, _ in claims_of(row)}
    if row is None or set(range(1, row.version + 1)) == versions:
        return []
    return [f"ledger {row.id}: is at version {row.version}, with winners of {sorted(versions)}"]
