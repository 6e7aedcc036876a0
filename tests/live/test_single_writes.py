"""Single writes on a real server, blocking and awaited: sent once, with the values they were given."""

from __future__ import annotations

import asyncio
import threading

import pytest

from scyllamodel import (
    BulkWriteError,
    Column,
    ConcurrentWrite,
    Model,
    RequestTimeout,
    clustering_key,
    column,
    insert,
    migrate,
    partition_key,
    update,
)
from scyllamodel.model import change_tracking
from support.sync_and_async import WAYS, run_in_mode

pytestmark = pytest.mark.live


class Page(Model, table="single_pages", repo="single"):
    """One row under a name and a number."""

    book: Column[str] = partition_key()
    number: Column[int] = clustering_key(default=1)
    lines: Column[list[str]] = column(factory=list)
    tags: Column[set[str]] = column(factory=set)
    edition: Column[str] = column(static=True, default="first")
    owner: Column[str | None] = column(static=True, default=None)


class Bare(Model, table="single_bare", repo="single"):
    """A model that has only a key."""

    id: Column[str] = partition_key()


@pytest.fixture(scope="module")
def repo(scylla_cluster, scylla_repo):
    """A repo with the tables of this module."""
    with scylla_cluster.repo(scylla_repo.keyspace, name="single") as new_repo:
        migrate(new_repo, resources=[Page, Bare])
        yield new_repo


@pytest.fixture
def weak(scylla_cluster, repo, scylla_fault_proxy):
    """A repo behind a proxy that loses responses."""
    with scylla_cluster.repo(
        repo.keyspace, name="single", nodes=[scylla_fault_proxy.address], request_timeout=0.5
    ) as new_repo:
        new_repo.save(Page(book="warm"))
        scylla_fault_proxy.heal()
        yield new_repo


@pytest.fixture
def book(request):
    """The partition key of one test."""
    return request.node.name


@pytest.fixture(params=WAYS)
def run(request, repo):
    """Run a case, which is written once, with a blocking or an awaited repo."""
    return lambda case, repo=repo: run_in_mode(request.param, case, repo)


@pytest.fixture(autouse=True)
def nothing_left():
    """Check that no instance counts as being written after the test."""
    yield
    assert {} == change_tracking._instances_being_written


def appended(repo, book):
    """A loaded page whose list has grown."""
    repo.save(Page(book=book, lines=["one"]))
    page = repo.get(Page, book=book, number=1)
    page.lines.append("two")
    return page


def test_two_tasks_that_save_one_instance(repo, book):
    """The second task is refused, nothing is appended twice, and the instance can be saved again."""
    page = appended(repo, book)

    async def case():
        async_repo = repo.aio()
        return await asyncio.gather(async_repo.save(page), async_repo.save(page), return_exceptions=True)

    first, second = asyncio.run(case())
    page.lines.append("three")
    repo.save(page)

    assert first is None
    assert isinstance(second, ConcurrentWrite)
    assert ["one", "two", "three"] == repo.get(Page, book=book, number=1).lines


def test_threads_that_save_one_instance(repo, book):
    """However two threads interleave, an element is appended once."""
    page, together = appended(repo, book), threading.Barrier(8)
    errors = []

    def save():
        together.wait()
        try:
            repo.save(page)
        except ConcurrentWrite as error:
            errors.append(error)

    threads = [threading.Thread(target=save) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ["one", "two"] == repo.get(Page, book=book, number=1).lines
    assert len(errors) < 8


def test_an_instance_twice_in_bulk_work(run, repo, book):
    """The second occurrence of an instance fails as that row's error."""
    page = appended(repo, book)

    def case(repo):
        with pytest.raises(BulkWriteError) as exc_info:
            repo.save_many([page, page])
        return [(error.index, type(error.error)) for error in exc_info.value.report.errors]

    assert [(1, ConcurrentWrite)] == run(case)
    assert ["one", "two"] == repo.get(Page, book=book, number=1).lines


def test_a_batch_beside_a_save(run, repo, book):
    """A batch refuses to send an instance that was saved after the batch collected it."""
    page = appended(repo, book)

    def fill(batch):
        batch.save(page)
        repo.save(page)

    def case(repo):
        with pytest.raises(ConcurrentWrite, match="was written after the batch collected it"):
            repo.block(repo.batch(), fill)

    run(case)

    assert ["one", "two"] == repo.get(Page, book=book, number=1).lines


def test_an_instance_is_free_after_a_lost_answer(run, repo, book, weak, scylla_fault_proxy):
    """After a failed write the instance can be saved again."""
    page = Page(book=book)

    def case(repo):
        scylla_fault_proxy.swallow_answers()
        with pytest.raises(RequestTimeout):
            repo.save(page)
        scylla_fault_proxy.heal()
        repo.save(page)

    run(case, weak)

    assert repo.get(Page, book=book, number=1) is not None


def test_an_instance_is_free_after_a_cancellation(repo, book, weak, scylla_fault_proxy):
    """After its task was cancelled, the instance can be saved again."""
    page = Page(book=book)

    async def case():
        scylla_fault_proxy.swallow_answers()
        task = asyncio.ensure_future(weak.aio().save(page))
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.wait([task])
        scylla_fault_proxy.heal()
        return task.cancelled()

    assert asyncio.run(case())
    repo.save(page)


@pytest.mark.parametrize("make", [lambda book: Page(book=book), lambda book: Bare(id=book)], ids=["page", "bare"])
def test_an_unchanged_instance_asks_whether_its_row_is_there(run, repo, book, make):
    """Saving an unchanged instance with if_exists checks for its row, also in a table that has only a key."""
    row = make(book)
    repo.save(row)

    def case(repo):
        return repo.save(row, if_exists=True).applied

    stored = run(case)
    repo.delete(make(book))

    assert (True, False) == (stored, run(case))


def test_a_static_default_overwrites_nothing(run, repo, book):
    """A new row leaves an existing static value as it is, whatever the way it is written."""
    repo.save(Page(book=book, number=1, edition="second", owner="Ann"))

    def case(repo):
        repo.save(Page(book=book, number=2))
        repo.insert(Page(book=book, number=3), nulls=True)
        repo.block(repo.batch(), lambda batch: batch.save(Page(book=book, number=4)))
        repo.save_many([Page(book=book, number=5)])
        repo.execute(insert(Page(book=book, number=6)))
        repo.save(Page(book=book, number=1).replace(tags={"x"}), if_exists=True)
        return repo.get(Page, book=book, number=6).edition

    assert "second" == run(case)


EXPLICIT = [
    pytest.param(lambda book: Page(book=book, number=2, edition="first"), id="the default itself"),
    pytest.param(lambda book: Page(book=book, number=2, edition="third"), id="another value"),
    pytest.param(lambda book: Page(book=book, number=2).replace(edition="third"), id="replaced"),
]


@pytest.mark.parametrize("make", EXPLICIT)
def test_a_static_value_that_was_given_is_written(run, repo, book, make):
    """A static value that was passed is written, even if it equals the default."""
    repo.save(Page(book=book, number=1, edition="second"))
    page = make(book)
    run(lambda repo: repo.save(page))

    assert page.edition == repo.get(Page, book=book, number=1).edition


def test_a_statement_keeps_the_values_that_it_was_given(run, repo, book):
    """A statement sends the values it was given, although the caller changes the collections later."""
    tags, lines = {"a"}, ["one"]
    page = Page(book=book, tags={"a"})
    statements = [
        insert(page),
        update(Page).where(Page.book == book, Page.number == 2).set(Page.tags.to(tags), Page.lines.append(lines)),
        update(Page).where(Page.book == book, Page.number == 3).set(Page.tags.add(tags)),
    ]
    for changed in (page.tags, tags):
        changed.add("later")
    lines.append("later")

    def case(repo):
        for statement in statements:
            repo.execute(statement)
        return repo.get_many(Page, [(book, number) for number in (1, 2, 3)])

    result = run(case)

    assert [{"a"}] * 3 == [row.tags for row in result]
    assert ["one"] == result[1].lines
