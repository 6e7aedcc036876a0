"""Instances that change between the sending of a statement and its response, and instances whose key was changed."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest

from scyllamodel import BulkWriteError, Column, Model, QueryNotSupported, clustering_key, column, migrate, partition_key
from support.sync_and_async import WAYS, run_in_mode

pytestmark = pytest.mark.live


class Seat(Model, table="seats", repo="meanwhile"):
    """A row that is sold."""

    hall: Column[UUID] = partition_key()
    number: Column[int] = clustering_key(default=0)
    guest: Column[str | None] = column(default=None)
    price: Column[int] = column(default=0)
    tags: Column[set[str]] = column(factory=set)


@pytest.fixture(scope="module")
def repo(scylla_cluster, scylla_repo):
    """A repo with the table of this module."""
    with scylla_cluster.repo(scylla_repo.keyspace, name="meanwhile") as new_repo:
        migrate(new_repo, resources=[Seat])
        yield new_repo


@pytest.fixture(params=WAYS)
def run(request, repo):
    """Run a case, which is written once, with a blocking or an awaited repo."""
    return lambda case: run_in_mode(request.param, case, repo)


@pytest.fixture
def stored(repo):
    """The guest of a seat as stored."""
    return lambda seat: repo.get(Seat, hall=seat.hall, number=seat.number).guest


VERBS = [
    ("save of a new one", lambda batch, seat: batch.save(seat), lambda _: Seat(hall=uuid4(), guest="Ann")),
    ("insert", lambda batch, seat: batch.insert(seat), lambda _: Seat(hall=uuid4(), guest="Ann")),
    ("save of a loaded one", lambda batch, seat: batch.save(seat), lambda repo: loaded(repo, "Ann")),
]
IDS = [case[0] for case in VERBS]


def loaded(repo, guest):
    """A seat that was saved and then changed."""
    seat = Seat(hall=uuid4())
    repo.save(seat)
    seat.guest = guest
    return seat


def sent_statements(repo, fill):
    """Fill a batch with `fill`, and send it."""
    with repo.batch() as batch:
        fill(batch)


@pytest.mark.parametrize(("verb", "make"), [case[1:] for case in VERBS], ids=IDS)
def test_a_change_after_a_batch_took_the_row_is_not_lost(repo, stored, verb, make):
    """The values that were sent count as saved, and the next save sends the later change."""
    seat = make(repo)

    def fill(batch):
        verb(batch, seat)
        seat.guest = "Bob"
        seat.tags.add("late")

    sent_statements(repo, fill)
    assert "Ann" == stored(seat)
    repo.save(seat)

    assert "Bob" == stored(seat)


@pytest.mark.parametrize("verb", ["save", "insert"])
def test_a_change_while_a_task_writes_is_not_lost(repo, stored, verb):
    """A change that another task makes during a write is sent by the next save."""
    seat = Seat(hall=uuid4(), guest="Ann")

    async def main():
        aio = repo.aio()
        task = asyncio.create_task(getattr(aio, verb)(seat))
        await asyncio.sleep(0)
        seat.guest = "Bob"
        await task
        await aio.save(seat)

    asyncio.run(main())

    assert "Bob" == stored(seat)


@pytest.mark.parametrize("by_partition", [False, True])
def test_a_change_while_many_are_written_is_not_lost(run, repo, stored, by_partition):
    """A change that a source makes to a row after yielding it is written at once or by the next save."""
    seats = [Seat(hall=uuid4(), number=n, guest="Ann") for n in range(5)]

    def rows():
        for seat in seats:
            yield seat
            seat.guest = "Bob"

    def case(repo):
        repo.save_many(rows(), by_partition=by_partition)
        stored_rows = {seat.number: stored(seat) for seat in seats}
        return stored_rows, repo.save_many(seats).sent

    result_rows, sent_again = run(case)
    assert sent_again == sum(guest == "Ann" for guest in result_rows.values())
    assert ["Bob"] * 5 == [stored(seat) for seat in seats]


def test_a_save_that_was_not_applied_changes_nothing(run):
    """After a save that was not applied, the instance still counts as changed."""

    def case(repo):
        seat = Seat(hall=uuid4())
        repo.save(seat)
        repo.delete(Seat(hall=seat.hall))
        seat.guest = "Ann"
        return [repo.save(seat, if_exists=True).applied for _ in range(2)]

    assert [False, False] == run(case)


@pytest.fixture
def moved(repo):
    """A loaded seat whose key was changed to the key of another seat."""
    seat, other = Seat(hall=uuid4()), Seat(hall=uuid4(), guest="other")
    repo.save(seat)
    repo.save(other)
    seat.hall = other.hall
    return seat


WAYS_TO_TOUCH = {
    "delete": lambda repo, seat: repo.delete(seat),
    "refresh": lambda repo, seat: repo.refresh(seat),
    "save": lambda repo, seat: repo.save(seat),
    "batch": lambda repo, seat: repo.batch().delete(seat),
}


@pytest.mark.parametrize("touch", WAYS_TO_TOUCH.values(), ids=WAYS_TO_TOUCH)
def test_a_changed_key_never_touches_another_row(run, moved, stored, touch):
    """A changed key is refused, and the other row is unchanged."""

    def case(repo):
        with pytest.raises(QueryNotSupported, match="in the primary key, and was changed"):
            touch(repo, moved)

    run(case)

    assert "other" == stored(moved)


def test_a_changed_key_is_reported_for_its_row_among_many(run, moved, stored):
    """Of several deletes, the one with a changed key fails, and the others are done."""
    fine = Seat(hall=uuid4())

    def case(repo):
        repo.save(fine)
        with pytest.raises(BulkWriteError) as exc_info:
            repo.delete_many([moved, fine])
        return [error.index for error in exc_info.value.report.errors], repo.get(Seat, hall=fine.hall, number=0)

    assert ([0], None) == run(case)
    assert "other" == stored(moved)


def test_a_wrong_key_is_reported_for_its_row_among_many(run, moved, stored):
    """Of several saves, the one with a changed key fails, and the others are done."""
    fine = Seat(hall=uuid4(), guest="fine")

    report = run(lambda repo: repo.save_many([moved, fine], raise_errors=False))

    assert [0] == [error.index for error in report.errors]
    assert "fine" == stored(fine)


def test_the_last_word_about_an_instance_counts_in_a_batch(repo, stored):
    """If an instance is saved twice in a batch, the later value wins, not the larger one."""
    seat, undone = loaded(repo, "Zoe"), loaded(repo, "Zoe")

    def fill(batch):
        for item, guest in ((seat, "Ann"), (undone, None)):
            batch.save(item)
            item.guest = guest
            batch.save(item)

    sent_statements(repo, fill)

    assert ["Ann", None] == [stored(seat), stored(undone)]


@pytest.mark.parametrize(
    "second",
    [
        ("save", {}),
        ("insert", {}),
        ("insert", {"if_not_exists": True}),
    ],
)
def test_a_batch_does_not_delete_and_write_an_instance(repo, second):
    """A write of an instance that the batch deletes is refused, since at equal times the delete would win."""
    verb, options = second
    batch = repo.batch()
    seat = loaded(repo, "Ann")
    batch.delete(seat)

    with pytest.raises(QueryNotSupported, match="is in this batch already"):
        getattr(batch, verb)(seat, **options)


def test_a_batch_may_delete_and_write_at_different_times(repo, stored):
    """With different timestamps a batch may delete and write an instance, and the later one wins."""
    seat = loaded(repo, "Ann")
    now = 2_000_000_000_000_000

    def fill(batch):
        batch.timestamp(now).delete(seat)
        batch.timestamp(now + 1).insert(seat)

    sent_statements(repo, fill)

    assert "Ann" == stored(seat)
