"""Batches on a real server, blocking and awaited: each write is sent once, and none overrides another in its batch."""

from __future__ import annotations

import pytest

from scyllamodel import (
    Column,
    Model,
    QueryNotSupported,
    RequestTimeout,
    clustering_key,
    column,
    delete,
    migrate,
    partition_key,
    update,
)
from scyllamodel import types as cql
from support.sync_and_async import WAYS, run_in_mode

pytestmark = pytest.mark.live


class Seat(Model, table="batch_seats", repo="batches"):
    """One row under a hall and a number."""

    hall: Column[str] = partition_key()
    number: Column[int] = clustering_key()
    guest: Column[str | None] = column(default=None)
    tags: Column[set[str]] = column(factory=set)
    notes: Column[list[str]] = column(factory=list)
    name: Column[str | None] = column(static=True, default=None)


class Tally(Model, table="batch_tallies", repo="batches"):
    """A counter."""

    id: Column[str] = partition_key()
    hits: Column[cql.Counter] = column()


@pytest.fixture(scope="module")
def repo(scylla_cluster, scylla_repo):
    """A repo with the tables of this module."""
    with scylla_cluster.repo(scylla_repo.keyspace, name="batches") as new_repo:
        migrate(new_repo, resources=[Seat, Tally])
        yield new_repo


@pytest.fixture
def hall(request):
    """The partition key of one test."""
    return request.node.name


@pytest.fixture(params=WAYS)
def run(request, repo):
    """Run a case, which is written once, with a blocking or an awaited repo."""
    return lambda case, mode=request.param, repo=repo: run_in_mode(mode, case, repo)


def count_up(hall):
    """An increment of the counter."""
    return update(Tally).where(Tally.id == hall).set(Tally.hits.increment())


def test_a_batch_that_is_sent_inside_its_block_is_sent_once(run, repo, hall):
    """A batch that is sent inside its block is empty at the end of the block, and nothing is sent twice."""

    def fill(repo):
        def fill_batch(batch):
            batch.execute(count_up(hall))
            repo.send(batch)

        return fill_batch

    run(lambda repo: repo.block(repo.batch().counter(), fill(repo)))

    assert 1 == repo.get(Tally, id=hall).hits


def test_a_batch_is_filled_again_inside_its_block(run, repo, hall):
    """A batch can be filled again after it was sent: six increments in three requests add six."""

    def fill(repo):
        def fill_batch(batch):
            for number in range(6):
                batch.execute(count_up(hall))
                if number % 2:
                    repo.send(batch)

        return fill_batch

    batch = run(lambda repo: repo.block(repo.batch().counter(), fill(repo)))

    assert (6, 0) == (repo.get(Tally, id=hall).hits, len(batch))


def test_a_batch_without_a_block_is_sent_once_as_well(run, repo, hall):
    """A second `send` sends nothing, and a batch that was never entered can be filled again."""

    def case(repo):
        batch = repo.batch().counter()
        batch.execute(count_up(hall))
        repo.send(batch)
        repo.send(batch)
        batch.execute(count_up(hall))
        repo.send(batch)

    run(case)

    assert 2 == repo.get(Tally, id=hall).hits


USES = [
    lambda batch: batch.save(Seat(hall="late", number=1)),
    lambda batch: batch.insert(Seat(hall="late", number=1)),
    lambda batch: batch.delete(Seat(hall="late", number=1)),
    lambda batch: batch.execute(delete(Seat).where(Seat.hall == "late", Seat.number == 1)),
]


@pytest.mark.parametrize("use", USES, ids=["save", "insert", "delete", "execute"])
def test_a_batch_whose_block_has_ended_takes_nothing(run, use):
    """A batch whose block has ended refuses writes, since it would never send them."""
    batch = run(lambda repo: repo.block(repo.batch(), lambda _: None))

    with pytest.raises(QueryNotSupported, match=r"block of this batch has ended.*repo\.batch\(\)"):
        use(batch)


def test_a_batch_whose_block_has_ended_is_neither_sent_nor_entered(run, hall):
    """Sending or entering a batch whose block has ended is an error."""

    def case(repo):
        batch = repo.block(repo.batch(), lambda batch: batch.save(Seat(hall=hall, number=1)))
        for call in (lambda: repo.send(batch), lambda: repo.block(batch, lambda _: None)):
            with pytest.raises(QueryNotSupported, match="has ended"):
                call()

    run(case)


def test_a_block_that_fails_sends_nothing(run, repo, hall):
    """When a block raises, nothing is sent, the batch is closed, and its new instance can still be saved."""
    row = Seat(hall=hall, number=1)
    tokens = []

    def fill(batch):
        tokens.append(batch)
        batch.save(row)
        raise KeyError("first")

    def case(repo):
        with pytest.raises(KeyError, match="first"):
            repo.block(repo.batch(), fill)

    run(case)

    assert repo.get(Seat, hall=hall, number=1) is None
    with pytest.raises(QueryNotSupported, match="has ended"):
        tokens[0].save(row)
    repo.save(row)
    assert row == repo.get(Seat, hall=hall, number=1)


def test_a_batch_whose_answer_was_lost_is_not_sent_again(run, repo, hall, scylla_cluster, scylla_fault_proxy):
    """Sending a batch empties it, whatever the outcome of the request."""
    with scylla_cluster.repo(
        repo.keyspace, name="batches", nodes=[scylla_fault_proxy.address], request_timeout=0.5
    ) as weak:
        weak.execute(count_up(hall))
        scylla_fault_proxy.heal()

        def fill(repo):
            def fill_batch(batch):
                batch.execute(count_up(hall))
                scylla_fault_proxy.swallow_answers()
                with pytest.raises(RequestTimeout):
                    repo.send(batch)
                scylla_fault_proxy.heal()

            return fill_batch

        run(lambda repo: repo.block(repo.batch().counter(), fill(repo)), repo=weak)

    assert 2 == repo.get(Tally, id=hall).hits


def old(hall):
    """A loaded instance, a second one of the same row, and the conditions for its key."""
    return Seat(hall=hall, number=5, guest="Ann", tags={"a"}), Seat(hall=hall, number=5, guest="Bob")


def at(hall, number=5):
    """The conditions for the key of a row."""
    return Seat.hall == hall, Seat.number == number


def change(hall, *assignments):
    """An update of one row."""
    return update(Seat).where(*at(hall)).set(*assignments)


LOST = [
    pytest.param(lambda b, h: (b.delete(old(h)[0]), b.save(old(h)[1])), "the delete wins", id="delete, save"),
    pytest.param(lambda b, h: (b.save(old(h)[0]), b.delete(old(h)[1])), "the delete wins", id="save, delete"),
    pytest.param(lambda b, h: (b.save(old(h)[0]), b.save(old(h)[1])), "two changes of guest", id="two instances"),
    pytest.param(
        lambda b, h: (b.save(old(h)[0]), b.execute(delete(Seat).where(*at(h)))), "the delete wins", id="statement"
    ),
    pytest.param(
        lambda b, h: (b.execute(delete(Seat).where(Seat.hall == h).whole_partition()), b.save(old(h)[0])),
        "the delete wins",
        id="partition",
    ),
    pytest.param(
        lambda b, h: (b.save(old(h)[0]), b.execute(delete(Seat).where(Seat.hall == h, Seat.number > 3))),
        "the delete wins",
        id="range",
    ),
    pytest.param(
        lambda b, h: (b.save(old(h)[0]), b.execute(change(h, Seat.guest.to("Cid")))), "changes of guest", id="update"
    ),
    pytest.param(
        lambda b, h: (b.save(old(h)[0]), b.execute(delete(Seat.guest).where(*at(h)))), "changes of guest", id="column"
    ),
    pytest.param(
        lambda b, h: (b.execute(change(h, Seat.tags.to({"a"}))), b.execute(change(h, Seat.tags.add({"b"})))),
        "changes of tags",
        id="to, add",
    ),
    pytest.param(
        lambda b, h: (b.execute(change(h, Seat.tags.add({"a"}))), b.execute(change(h, Seat.tags.remove({"a"})))),
        "changes of tags",
        id="add, remove",
    ),
    pytest.param(
        lambda b, h: (b.execute(change(h, Seat.notes.append(["a"]))), b.execute(change(h, Seat.notes.remove(["a"])))),
        "changes of notes",
        id="append, remove",
    ),
    pytest.param(
        lambda b, h: (b.save(Seat(hall=h, number=1, name="x")), b.save(Seat(hall=h, number=2, name="y"))),
        "changes of name",
        id="static",
    ),
    pytest.param(
        lambda b, h: (
            b.execute(update(Seat).where(Seat.hall == h, Seat.number.in_([4, 5])).set(Seat.guest.to("x"))),
            b.delete(old(h)[0]),
        ),
        "the delete wins",
        id="several rows",
    ),
]


@pytest.mark.parametrize(("fill", "reason"), LOST)
def test_a_write_that_would_be_lost_is_refused(run, repo, hall, fill, reason):
    """A write that conflicts with another one in the batch is refused with a reason, and nothing is sent."""

    def case(repo):
        with pytest.raises(QueryNotSupported, match=rf"in this batch changes too.*{reason}.*batch\.timestamp"):
            repo.block(repo.batch(), lambda batch: fill(batch, hall))

    run(case)

    assert repo.get(Seat, hall=hall, number=5) is None


INDEPENDENT = [
    pytest.param(
        lambda b, h: (b.execute(change(h, Seat.guest.to("x"))), b.execute(change(h, Seat.tags.add({"a"})))),
        id="columns",
    ),
    pytest.param(
        lambda b, h: (b.execute(change(h, Seat.tags.add({"a"}))), b.execute(change(h, Seat.tags.add({"b"})))), id="adds"
    ),
    pytest.param(
        lambda b, h: (b.execute(change(h, Seat.tags.add({"a"}))), b.execute(change(h, Seat.tags.remove({"c"})))),
        id="add, remove",
    ),
    pytest.param(
        lambda b, h: (b.execute(change(h, Seat.notes.append(["a"]))), b.execute(change(h, Seat.notes.append(["b"])))),
        id="appends",
    ),
    pytest.param(
        lambda b, h: (b.save(Seat(hall=h, number=1, name="x")), b.save(Seat(hall=h, number=2, name="x"))), id="static"
    ),
    pytest.param(lambda b, h: (b.delete(old(h)[0]), b.delete(old(h)[1])), id="deletes"),
    pytest.param(lambda b, h: (b.delete(old(h)[0]), b.save(Seat(hall=h, number=6))), id="other row"),
    pytest.param(lambda b, h: (b.delete(old(h)[0]), b.timestamp(2**52), b.save(old(h)[1])), id="timestamps"),
    pytest.param(
        lambda b, h: (b.delete(old(h)[0]), b.execute(update(Seat).where(Seat.hall == h).set(Seat.name.to("x")))),
        id="static beside a row",
    ),
]


@pytest.mark.parametrize("fill", INDEPENDENT)
def test_writes_that_do_not_meet_are_taken(run, hall, fill):
    """Writes to different columns, elements, rows or times share a batch, as do two writes of equal values."""
    run(lambda repo: repo.block(repo.batch(), lambda batch: fill(batch, hall)))


def test_an_instance_that_is_saved_again_replaces_what_it_wrote(run, repo, hall):
    """When an instance is saved twice in a batch, only its last state is sent."""
    row = old(hall)[0]

    def fill(batch):
        batch.save(row)
        row.guest = "Cid"
        batch.save(row)

    run(lambda repo: repo.block(repo.batch(), fill))

    assert "Cid" == repo.get(Seat, hall=hall, number=5).guest
