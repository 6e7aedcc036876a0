"""Behaviour from cqlengine's integration tests: queries, conditions, batches, counters, static columns, inheritance.

Each test covers one behaviour that they describe, and names the difference where this package behaves differently.
"""

# ruff: noqa: E501 - one case a line
from __future__ import annotations

import uuid

import pytest

from scyllamodel import (
    Column,
    Index,
    Model,
    MultipleResultsFound,
    QueryNotSupported,
    TypeMismatch,
    UnknownColumn,
    clustering_key,
    column,
    delete,
    insert,
    migrate,
    partition_key,
    select,
    update,
)
from scyllamodel import functions as fn
from scyllamodel import types as cql
from scyllamodel.testing import keyspaces

pytestmark = pytest.mark.live


class Attempt(Model, table="attempt", repo="engine_queries", indexes=[Index("result")]):
    """Attempts at a test, as in cqlengine's own query tests."""

    test: Column[int] = partition_key()
    attempt: Column[int] = clustering_key()
    description: Column[str | None] = column(default=None)
    expected: Column[int | None] = column(default=None)
    result: Column[int | None] = column(default=None)


class Wall(Model, table="wall", repo="engine_queries"):
    """Two clustering columns with opposite directions, and a static column."""

    user: Column[str] = partition_key()
    day: Column[int] = clustering_key(descending=True)
    post: Column[int] = clustering_key()
    text: Column[str | None] = column(default=None)
    name: Column[str | None] = column(static=True, default=None)


class Count(Model, table="count", repo="engine_queries"):
    """Counters."""

    part: Column[uuid.UUID] = partition_key()
    cluster: Column[int] = clustering_key()
    hits: Column[cql.Counter] = column()


class Animal(Model, table="animal", repo="engine_queries", discriminator="kind", indexes=[Index("kind")]):
    """The root of a single-table hierarchy."""

    part: Column[int] = partition_key()
    id: Column[int] = clustering_key()
    kind: Column[str] = column(default="animal")


class Cat(Animal, discriminator_value="cat"):
    """A subclass with its own column."""

    cuteness: Column[float | None] = column(default=None)


class Dog(Animal, discriminator_value="dog"):
    """A subclass with another column."""

    fierceness: Column[float | None] = column(default=None)


ROWS = [
    Attempt(
        test=test, attempt=attempt, description=f"try{test * 4 + attempt + 1}", expected=5 * (test + 1), result=result
    )
    for test, results in enumerate([(30, 30, 35, 35), (25, 25, 30, 15), (30, 30, 35, 45)])
    for attempt, result in enumerate(results)
]


@pytest.fixture(scope="module")
def repo(scylla_cluster):
    """The tables of this module, with the rows that are read."""
    with scylla_cluster.repo(keyspaces.unique_name("engine_queries"), name="engine_queries") as new_repo:
        migrate(new_repo, resources=[Attempt, Wall, Count, Animal], create_keyspace=True, wait_built=True)
        new_repo.save_many(ROWS)
        new_repo.save_many(
            Wall(user="ann", day=day, post=post, text=f"{day}.{post}") for day in (1, 2) for post in (1, 2, 3)
        )
        new_repo.execute(update(Wall).where(Wall.user == "ann").set(Wall.name.to("Ann")))
        yield new_repo
        keyspaces.drop(new_repo)


A = select(Attempt)
OF_0 = A.where(Attempt.test == 0)
COUNTS = [
    ("partition", OF_0, 4), ("two conditions", OF_0.where(Attempt.attempt == 2), 1), ("chained", OF_0.where(Attempt.attempt > 1).where(Attempt.attempt < 3), 1),
    ("greater", OF_0.where(Attempt.attempt > 1), 2), ("greater or equal", OF_0.where(Attempt.attempt >= 1), 3),
    ("less", OF_0.where(Attempt.attempt < 1), 1), ("less or equal", OF_0.where(Attempt.attempt <= 1), 2),
    ("in the partition key", A.where(Attempt.test.in_([0, 1])), 8), ("in the clustering key", OF_0.where(Attempt.attempt.in_([0, 3, 9])), 2),
    ("in nothing", OF_0.where(Attempt.attempt.in_([])), 0), ("in a generator", A.where(Attempt.test.in_(n for n in (0, 1))), 8),
    ("no such row", A.where(Attempt.test == 100), 0), ("index", A.where(Attempt.result == 30), 5),
    ("index and partition", OF_0.where(Attempt.result == 35), 2), ("index and filtering", A.where(Attempt.result == 30, Attempt.expected == 5).allow_filtering(), 2),
    ("filtering", A.where(Attempt.expected == 10).allow_filtering(), 4), ("all", A.whole_table(), 12),
    ("token", A.where(fn.token(Attempt.test) == fn.token(1)), 4), ("token greater", A.where(fn.token(Attempt.test) >= fn.token(1)).allow_filtering(), None),
]  # fmt: skip


@pytest.mark.parametrize(("query", "count"), [case[1:] for case in COUNTS], ids=[case[0] for case in COUNTS])
def test_filters_find_their_rows(repo, query, count):
    """A filter reads as many rows as the server counts, and as many as expected."""
    rows = repo.all(query)

    assert len(rows) == repo.count(query)
    assert count in (None, len(rows))


def test_a_query_can_be_read_again(repo):
    """A query reads its rows again each time; cqlengine caches them."""
    query = A.where(Attempt.test == 50)
    repo.save(Attempt(test=50, attempt=1))
    first = repo.count(query)
    repo.save(Attempt(test=50, attempt=2))

    assert (1, 2) == (first, repo.count(query))


def test_queries_grow_without_changing(repo):
    """Each method returns a new query and leaves the original unchanged."""
    narrow = OF_0.where(Attempt.attempt == 1)

    assert (4, 1) == (repo.count(OF_0), repo.count(narrow))


@pytest.mark.parametrize(
    ("ordering", "expected"),
    [((), [0, 1, 2, 3]), ((Attempt.attempt.asc(),), [0, 1, 2, 3]), ((Attempt.attempt.desc(),), [3, 2, 1, 0])],
    ids=["as kept", "ascending", "descending"],
)
def test_rows_come_in_order(repo, ordering, expected):
    """Rows are ordered by the clustering key in either direction."""
    assert expected == [row.attempt for row in repo.all(OF_0.order_by(*ordering))]


def test_two_directions_are_kept(repo):
    """Rows have the clustering order that the table declares."""
    rows = repo.all(select(Wall.day, Wall.post).where(Wall.user == "ann"))

    assert [(2, 1), (2, 2), (2, 3), (1, 1), (1, 2), (1, 3)] == rows


def test_two_directions_are_turned_together(repo):
    """The directions of both clustering columns can be reversed together."""
    turned = select(Wall.day, Wall.post).where(Wall.user == "ann").order_by(Wall.day.asc(), Wall.post.desc())

    assert [(1, 3), (1, 2), (1, 1), (2, 3), (2, 2), (2, 1)] == repo.all(turned)


REFUSED = [
    ("order by another column", lambda: OF_0.order_by(Attempt.result.asc())), ("order without partition", lambda: A.whole_table().order_by(Attempt.attempt.asc())),
    ("filter on a plain column", lambda: A.where(Attempt.expected == 5)), ("range on the partition key", lambda: A.where(Attempt.test > 0)),
    ("clustering key alone", lambda: A.where(Attempt.attempt == 1)), ("range on an indexed column", lambda: A.where(Attempt.result > 30)),
    ("update without key", lambda: update(Attempt).where(Attempt.test == 0).set(Attempt.result.to(1))),
    ("update of a key", lambda: update(Attempt).where(Attempt.test == 0, Attempt.attempt == 1).set(Attempt.attempt.to(2))),
    ("delete without partition", lambda: delete(Attempt).where(Attempt.attempt == 1)), ("delete without anything", lambda: delete(Attempt)),
    ("read of everything", lambda: A), ("a second clustering column alone", lambda: select(Wall).where(Wall.user == "a", Wall.post == 1)),
]  # fmt: skip


@pytest.mark.parametrize("query", [case[1] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_what_cannot_be_served_is_refused(repo, query):
    """A query that the server cannot run is refused before it is sent."""
    with pytest.raises(QueryNotSupported):
        repo.execute(query())


def test_a_wrong_name_is_an_error():
    """An unknown name is an error that suggests the most similar one."""
    with pytest.raises(UnknownColumn, match="attempt"):
        A.where(Attempt.atempt == 1)


def test_the_first_row(repo):
    """`first` returns the first row in order, or None if there are no rows."""
    assert 0 == repo.first(OF_0).attempt
    assert repo.first(A.where(Attempt.test == 100)) is None


def test_one_row_and_no_more(repo):
    """`one` raises if there are several rows."""
    with pytest.raises(MultipleResultsFound):
        repo.one(OF_0)


@pytest.mark.parametrize("most", [1, 2, 4, 100])
def test_limits(repo, most):
    """A limit restricts the number of rows."""
    assert min(most, 4) == len(repo.all(OF_0.limit(most)))


def test_there_is_no_hidden_limit(repo):
    """A read without a limit returns more than 10,000 rows, where cqlengine stops."""
    repo.save_many((Wall(user="many", day=1, post=n) for n in range(10_500)), by_partition=True)

    assert 10_500 == len(repo.all(select(Wall.post).where(Wall.user == "many")))
    repo.execute(delete(Wall).where(Wall.user == "many").whole_partition())


def test_columns_alone(repo):
    """Selected columns are returned as tuples, in the order of the selection."""
    assert [("try1", 0)] == repo.all(select(Attempt.description, Attempt.attempt).where(Attempt.test == 0).limit(1))


def test_flat_values(repo):
    """A single column is returned as tuples of one value."""
    assert [0, 1, 2, 3] == [attempt for (attempt,) in repo.all(select(Attempt.attempt).where(Attempt.test == 0))]


def test_distinct_partitions(repo):
    """A distinct query returns each partition once."""
    assert {0, 1, 2} <= {test for (test,) in repo.all(select(Attempt.test).distinct())}


def test_deleting_by_query(repo):
    """A delete removes a row, a range, or, with `whole_partition`, a partition."""
    repo.save_many(Attempt(test=60, attempt=n) for n in range(5))
    repo.execute(delete(Attempt).where(Attempt.test == 60, Attempt.attempt == 0))
    repo.execute(delete(Attempt).where(Attempt.test == 60, Attempt.attempt >= 3))
    remaining = [row.attempt for row in repo.all(A.where(Attempt.test == 60))]
    repo.execute(delete(Attempt).where(Attempt.test == 60).whole_partition())

    assert ([1, 2], False) == (remaining, repo.exists(A.where(Attempt.test == 60)))


def test_updating_by_query(repo):
    """An update changes the columns that it names, and no others."""
    repo.save(Attempt(test=61, attempt=1, description="a", result=1))
    repo.execute(
        update(Attempt)
        .where(Attempt.test == 61, Attempt.attempt == 1)
        .set(Attempt.result.to(2), Attempt.expected.to(None))
    )

    assert Attempt(test=61, attempt=1, description="a", result=2) == repo.get(Attempt, test=61, attempt=1)


@pytest.mark.parametrize("value", ["x", 2**63, True])
def test_a_wrong_value_in_a_filter_is_refused(repo, value):
    """A value of the wrong type in a filter is refused, and the error names the column."""
    with pytest.raises(TypeMismatch, match=r"Attempt\.test"):
        repo.all(A.where(Attempt.test == value))


def new_attempt(**values):
    """A row in a partition of its own."""
    return Attempt(test=uuid.uuid4().int % 2**40, attempt=1, **values)


def of(row):
    """An update of the row of this instance."""
    return update(Attempt).where(Attempt.test == row.test, Attempt.attempt == 1)


CONDITIONS = [
    ("equal", [Attempt.result == 1], True), ("not equal", [Attempt.result != 1], False), ("greater", [Attempt.result > 0], True),
    ("in", [Attempt.result.in_([1, 2])], True), ("in others", [Attempt.result.in_([3])], False), ("null", [Attempt.expected == None], True),  # noqa: E711
    ("not null", [Attempt.expected != None], False), ("two", [Attempt.result == 1, Attempt.description == "a"], True),  # noqa: E711
    ("two, one wrong", [Attempt.result == 1, Attempt.description == "b"], False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("conditions", "applied"), [case[1:] for case in CONDITIONS], ids=[case[0] for case in CONDITIONS]
)
def test_conditional_updates(repo, conditions, applied):
    """The result says whether the update was applied; cqlengine raises an exception if it was not."""
    row = new_attempt(result=1, description="a")
    repo.save(row)
    answer = repo.execute(of(row).set(Attempt.result.to(9)).if_(*conditions))

    assert applied is answer.applied
    assert (9 if applied else 1) == repo.get(Attempt, test=row.test, attempt=1).result


def test_insert_if_not_exists(repo):
    """A row is created once; a second insert returns the existing row."""
    row = new_attempt(result=1)
    first, second = (repo.insert(value, if_not_exists=True) for value in (row, row.replace(result=2)))

    assert (True, None) == (first.applied, first.current)
    assert (False, row) == (second.applied, second.current)


def test_insert_if_not_exists_with_ttl(repo):
    """A conditional insert can have a TTL."""
    row = new_attempt(result=1)

    assert repo.execute(insert(row).if_not_exists().ttl(100)).applied
    assert 0 < repo.scalar(select(fn.ttl(Attempt.result)).where(Attempt.test == row.test, Attempt.attempt == 1)) <= 100


def test_update_if_exists(repo):
    """A conditional update creates no missing row."""
    row = new_attempt()

    assert not repo.execute(of(row).set(Attempt.result.to(1)).if_exists()).applied
    assert repo.get(Attempt, test=row.test, attempt=1) is None


def test_delete_if_exists(repo):
    """A conditional delete is applied once."""
    row = new_attempt(result=1)
    repo.save(row)

    assert [True, False] == [repo.delete(row, if_exists=True).applied for _ in range(2)]


def test_delete_under_a_condition(repo):
    """A conditional delete is applied only if its condition holds."""
    row = new_attempt(result=1)
    repo.save(row)
    where = delete(Attempt).where(Attempt.test == row.test, Attempt.attempt == 1)

    assert [False, True] == [repo.execute(where.if_(Attempt.result == value)).applied for value in (2, 1)]


def test_a_batch_is_sent_at_its_end(repo):
    """A batch is sent at the end of its block."""
    row = new_attempt(result=1)
    with repo.batch() as batch:
        batch.save(row)
        before = repo.get(Attempt, test=row.test, attempt=1)

    assert (None, row) == (before, repo.get(Attempt, test=row.test, attempt=1))


def test_a_batch_of_everything(repo):
    """A batch combines inserts, updates and deletes."""
    first, two, three = new_attempt(result=1), new_attempt(result=2), new_attempt(result=3)
    repo.save_many([first, two])
    first.result = 9
    with repo.batch() as batch:
        batch.save(first)
        batch.delete(two)
        batch.save(three)
        batch.execute(of(three).set(Attempt.description.to("x")))
    rows = repo.get_many(Attempt, [(row.test, 1) for row in (first, two, three)])

    assert [(9, None), None, (3, "x")] == [row and (row.result, row.description) for row in rows]


def test_an_empty_batch_is_not_sent(repo):
    """An empty batch has no result."""
    with repo.batch() as batch:
        pass

    assert batch.result is None


def test_a_batch_with_ttl_and_timestamp(repo):
    """Writes in a batch can have a TTL and a timestamp."""
    row = new_attempt(result=1)
    with repo.batch().timestamp(5_000_000) as batch:
        batch.save(row, ttl=100)
    ttl, write_time = repo.one(
        select(fn.ttl(Attempt.result), fn.writetime(Attempt.result)).where(
            Attempt.test == row.test, Attempt.attempt == 1
        )
    )

    assert 0 < ttl <= 100
    assert 5_000_000 == write_time


def test_counters_count(repo):
    """Counters start from nothing and count up and down; cqlengine's `+=` on a loaded row would lose updates."""
    key = uuid.uuid4()
    count = update(Count).where(Count.part == key, Count.cluster == 1)
    for change in (Count.hits.increment(5), Count.hits.increment(), Count.hits.decrement(2)):
        repo.execute(count.set(change))

    assert 4 == repo.get(Count, part=key, cluster=1).hits


def test_counters_are_not_saved(repo):
    """Saving a counter value is refused with a hint at `increment`."""
    with pytest.raises(QueryNotSupported, match="increment"):
        repo.save(Count(part=uuid.uuid4(), cluster=1, hits=5))


def test_static_columns_are_shared(repo):
    """All rows of a partition have the same static value."""
    assert {"Ann"} == {row.name for row in repo.all(select(Wall).where(Wall.user == "ann"))}


def test_a_static_column_is_changed_for_all(repo):
    """Saving any row changes the static value for all rows of the partition."""
    repo.save_many([Wall(user="bob", day=1, post=n, name="Bob") for n in (1, 2)])
    row = repo.get(Wall, user="bob", day=1, post=1)
    row.name = "Robert"
    repo.save(row)

    assert {"Robert"} == {row.name for row in repo.all(select(Wall).where(Wall.user == "bob"))}


def test_static_columns_without_rows(repo):
    """A partition can have a static value without rows."""
    repo.execute(update(Wall).where(Wall.user == "eve").set(Wall.name.to("Eve")))

    assert [("eve", "Eve")] == repo.all(select(Wall.user, Wall.name).where(Wall.user == "eve").distinct())


def test_members_of_a_family_are_read_through_its_head(repo):
    """Reading through the root returns each row as an instance of its subclass."""
    repo.save_many([Cat(part=1, id=1, cuteness=0.5), Dog(part=1, id=2, fierceness=9.0)])
    rows = repo.all(select(Animal).where(Animal.part == 1))

    assert [Cat, Dog] == [type(row) for row in rows]
    assert (0.5, 9.0) == (rows[0].cuteness, rows[1].fierceness)


def test_a_member_reads_its_own_rows(repo):
    """A subclass reads its own rows, through an index on the discriminator."""
    repo.save_many([Cat(part=2, id=1), Dog(part=2, id=2)])

    assert [1] == [row.id for row in repo.all(select(Cat).where(Cat.part == 2))]
    assert repo.get(Cat, part=2, id=2) is None


def test_a_value_that_no_class_has_is_of_the_head(repo):
    """Rows with an unknown discriminator are loaded as the root, so older releases can read them; cqlengine raises."""
    repo.execute(update(Animal).where(Animal.part == 3, Animal.id == 1).set(Animal.kind.to("fish")))

    assert [(Animal, "fish")] == [(type(row), row.kind) for row in repo.all(select(Animal).where(Animal.part == 3))]


def test_a_member_keeps_its_value(repo):
    """A subclass refuses the discriminator of another one."""
    with pytest.raises(ValueError, match="kind"):
        Cat(part=1, id=1, kind="dog")


def test_pages_of_any_size(repo):
    """Pages of any size together return all rows once."""
    for size in (1, 3, 4, 5):
        token, results = None, []
        while True:
            page = repo.page(OF_0, size=size, token=token)
            results += [row.attempt for row in page.items]
            token = page.token
            if token is None:
                break

        assert [0, 1, 2, 3] == results
