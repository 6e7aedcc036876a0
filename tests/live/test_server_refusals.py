"""Statements that this package refuses before sending are refused by servers; similar statements are accepted."""

# ruff: noqa: E501 - one case a line
from __future__ import annotations

import pytest
from cassandra import ConsistencyLevel, InvalidRequest
from cassandra.protocol import SyntaxException

from scyllamodel import (
    BulkWriteError,
    Column,
    ConfigurationError,
    Model,
    QueryNotSupported,
    TypeMismatch,
    UserType,
    clustering_key,
    column,
    delete,
    insert,
    migrate,
    partition_key,
    select,
    update,
)
from scyllamodel import types as cql
from scyllamodel.testing import keyspaces
from support.sync_and_async import WAYS, run_in_mode

pytestmark = pytest.mark.live


class Home(UserType, name="home"):
    """A user type."""

    street: str


class Item(Model, table="items", repo="refusals"):
    """A row of everything."""

    shop: Column[str] = partition_key()
    year: Column[int] = clustering_key()
    number: Column[int] = clustering_key()
    status: Column[str | None] = column(default="new")
    total: Column[int | None] = column(default=0)
    tags: Column[set[str]] = column(factory=set)
    notes: Column[list[str]] = column(factory=list)
    lines: Column[dict[str, int]] = column(factory=dict)
    home: Column[cql.Frozen[Home] | None] = column(default=None)
    owner: Column[str | None] = column(static=True, default=None)


class Blob(Model, table="blobs", repo="refusals"):
    """A key of bytes."""

    id: Column[bytes] = partition_key()
    value: Column[int] = column(default=0)


class Pair(Model, table="pairs", repo="refusals"):
    """A key of two texts, either of which may be empty."""

    left: Column[str] = partition_key()
    right: Column[str] = partition_key()


class Hits(Model, table="hits", repo="refusals"):
    """Counters."""

    page: Column[str] = partition_key()
    hits: Column[cql.Counter] = column()


@pytest.fixture(scope="module")
def repo(scylla_cluster):
    """The tables of this module in a keyspace of their own."""
    with scylla_cluster.repo(keyspaces.unique_name("refusals"), name="refusals") as new_repo:
        migrate(new_repo, resources=[Item, Blob, Pair, Hits], create_keyspace=True)
        yield new_repo
        keyspaces.drop(new_repo)


@pytest.fixture(params=WAYS)
def run(request, repo):
    """Run a case with a blocking or an awaited repo."""
    return lambda case: run_in_mode(request.param, case, repo)


KEY = (Item.shop == "x", Item.year == 1, Item.number == 1)
N = select(Item).where(Item.shop == "x")
U = update(Item).where(*KEY)
IF = U.set(Item.total.to(1))
WHERE = "WHERE shop = 'x' AND year = 1 AND number = 1"

REFUSED = {
    "two to": (U.set(Item.status.to("a"), Item.status.to("b")), f"UPDATE %s SET status = 'a', status = 'b' {WHERE}"),
    "to and add": (U.set(Item.tags.to({"a"}), Item.tags.add({"b"})), f"UPDATE %s SET tags = {{'a'}}, tags = tags + {{'b'}} {WHERE}"),
    "two ==": (N.where(Item.shop == "y"), "SELECT * FROM %s WHERE shop = 'x' AND shop = 'y'"),
    "== and in_": (N.where(Item.year == 1, Item.year.in_([1])), "SELECT * FROM %s WHERE shop = 'x' AND year = 1 AND year IN (1)"),
    "== and >": (N.where(Item.year == 1, Item.year > 0), "SELECT * FROM %s WHERE shop = 'x' AND year = 1 AND year > 0"),
    "two bounds": (N.where(Item.year > 1, Item.year >= 0), "SELECT * FROM %s WHERE shop = 'x' AND year > 1 AND year >= 0"),
    "set compared": (N.where(Item.tags == {"a"}).allow_filtering(), "SELECT * FROM %s WHERE shop = 'x' AND tags = {'a'} ALLOW FILTERING"),
    "entry by range": (N.where(Item.lines["a"] > 1).allow_filtering(), "SELECT * FROM %s WHERE shop = 'x' AND lines['a'] > 1 ALLOW FILTERING"),
    "field in where": (N.where(Item.home.field("street") == "x").allow_filtering(), "SELECT * FROM %s WHERE shop = 'x' AND home.street = 'x' ALLOW FILTERING"),
    "field of frozen": (U.set(Item.home.field("street").to("x")), f"UPDATE %s SET home.street = 'x' {WHERE}"),
    "delete field": (delete(Item.home.field("street")).where(*KEY), f"DELETE home.street FROM %s {WHERE}"),
    "if_ of a key": (IF.if_(Item.number == 1), f"UPDATE %s SET total = 1 {WHERE} IF number = 1"),
    "if_ above null": (IF.if_(Item.total > None), f"UPDATE %s SET total = 1 {WHERE} IF total > null"),
    "if_ with in_": (
        update(Item).where(*KEY[:2], Item.number.in_([1, 2])).set(Item.total.to(1)).if_exists(),
        "UPDATE %s SET total = 1 WHERE shop = 'x' AND year = 1 AND number IN (1, 2) IF EXISTS",
    ),
    "static if regular": (
        update(Item).where(KEY[0]).set(Item.owner.to("x")).if_(Item.total == 1),
        "UPDATE %s SET owner = 'x' WHERE shop = 'x' IF total = 1",
    ),
    "conditional range": (
        delete(Item).where(KEY[0], Item.year > 1).if_exists(), "DELETE FROM %s WHERE shop = 'x' AND year > 1 IF EXISTS"
    ),
    "conditional partition": (
        delete(Item).where(KEY[0]).whole_partition().if_exists(), "DELETE FROM %s WHERE shop = 'x' IF EXISTS"
    ),
    "distinct of rows": (
        select(Item.shop).distinct().where(Item.shop == "x", Item.year == 1),
        "SELECT DISTINCT shop FROM %s WHERE shop = 'x' AND year = 1",
    ),
    "distinct per partition": (
        select(Item.shop).distinct().per_partition_limit(1), "SELECT DISTINCT shop FROM %s PER PARTITION LIMIT 1"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("query", "text"), REFUSED.values(), ids=REFUSED)
def test_the_server_refuses_what_is_refused_here(run, repo, query, text):
    """Each statement that this package refuses is an error of the server when it is sent as text."""
    with pytest.raises(QueryNotSupported):
        run(lambda target: target.execute(query))

    with pytest.raises((InvalidRequest, SyntaxException)):
        repo.session.execute(text % f"{repo.keyspace}.items")


EMPTY = {
    "get": lambda repo: repo.get(Item, shop="", year=1, number=1),
    "save": lambda repo: repo.save(Item(shop="", year=1, number=1)),
    "save bytes": lambda repo: repo.save(Blob(id=b"")),
    "insert": lambda repo: repo.execute(insert(Blob(id=b""))),
    "select": lambda repo: repo.all(select(Item).where(Item.shop == "")),
    "in_": lambda repo: repo.all(select(Item).where(Item.shop.in_(["x", ""]))),
    "update": lambda repo: repo.execute(update(Blob).where(Blob.id == b"").set(Blob.value.to(1))),
    "delete": lambda repo: repo.execute(delete(Blob).where(Blob.id == b"")),
}


@pytest.mark.parametrize("case", EMPTY.values(), ids=EMPTY)
def test_an_empty_partition_key_is_refused(run, case):
    """An empty partition key is refused by name, before the server would refuse it."""
    with pytest.raises(TypeMismatch, match=r"(Item\.shop|Blob\.id).*empty"):
        run(case)


def test_the_server_refuses_an_empty_partition_key(repo):
    """The server refuses an empty partition key, except as one of several columns."""
    with pytest.raises(InvalidRequest, match="may not be empty"):
        repo.session.execute(f"INSERT INTO {repo.keyspace}.blobs (id) VALUES (0x)")

    repo.save(Pair(left="", right="x"))
    assert repo.get(Pair, left="", right="x") is not None


def test_empty_keys_among_many_are_named(run):
    """Each row with an empty key is an error of its own, and the others are written."""
    rows = [Blob(id=b""), Blob(id=b"many")]

    def case(repo):
        with pytest.raises(BulkWriteError, match=r"Blob\.id is the partition key and cannot be empty"):
            repo.save_many(rows)
        return repo.get(Blob, id=b"many")

    assert rows[1] == run(case)


NULLS = {
    "get": lambda repo: repo.get(Item, shop="x", year=None, number=1),
    "get partition": lambda repo: repo.get(Item, shop=None, year=1, number=1),
    "save": lambda repo: repo.save(Item(shop="x", year=None, number=1)),
    "delete": lambda repo: repo.delete(Item(shop="x", year=1, number=None)),
    "insert": lambda repo: repo.execute(insert(Item(shop="x", year=None, number=1))),
}


@pytest.mark.parametrize("case", NULLS.values(), ids=NULLS)
def test_a_null_in_a_key_is_refused(run, case):
    """A null in a key is refused, and the error names the column."""
    with pytest.raises(TypeMismatch, match=r"Item\.(shop|year|number) .*null|Item\.(year|number).*None"):
        run(case)


def test_a_null_among_several_values_of_a_condition(run):
    """A null among the IN values of a condition matches a null, and not an empty text."""
    where = [Item.shop == "nulls", Item.year == 1]

    def case(repo):
        results = []
        for number, status in enumerate((None, "", "a", "b")):
            repo.insert(Item(shop="nulls", year=1, number=number, status=status), nulls=True)
            change = update(Item).where(*where, Item.number == number).set(Item.owner.to("x"))
            results.append(repo.execute(change.if_(Item.status.in_(["a", None]))).applied)
            results.append(repo.execute(change.if_(Item.total.in_([7, None]))).applied)
        return results

    assert [True, False, False, False, True, False, False, False] == run(case)


def test_conditions_are_of_one_partition(repo):
    """A conditional batch over two partitions is refused, as the server would refuse it."""
    batch = repo.batch()
    batch.execute(IF.if_exists())
    batch.execute(update(Item).where(Item.shop == "y", *KEY[1:]).set(Item.total.to(1)))
    with pytest.raises(QueryNotSupported, match="one partition of one table"):
        batch.send()
    text = (
        f"BEGIN BATCH UPDATE {repo.keyspace}.items SET total = 1 {WHERE} IF EXISTS; "
        f"UPDATE {repo.keyspace}.items SET total = 1 {WHERE.replace(chr(39) + 'x', chr(39) + 'y')}; APPLY BATCH"
    )
    with pytest.raises(InvalidRequest, match="multiple partitions"):
        repo.session.execute(text)


def test_conditions_of_two_rows_of_one_partition_are_sent(repo):
    """A conditional batch over two rows of one partition is applied."""
    with repo.batch() as batch:
        batch.insert(Item(shop="two", year=1, number=1), if_not_exists=True)
        batch.insert(Item(shop="two", year=1, number=2))

    assert batch.result.applied


def test_a_level_that_is_none_is_refused(run):
    """An unknown consistency level is refused, and so is a level of reads as a serial consistency."""
    with pytest.raises(ConfigurationError, match="consistency"):
        run(lambda value: value.all(N.consistency(99)))
    with pytest.raises(ConfigurationError, match="use 'SERIAL', or 'LOCAL_SERIAL'"):
        run(lambda target: target.execute(IF.if_exists().serial_consistency("QUORUM")))
    assert [] == run(lambda value: value.all(select(Item).where(Item.shop == "-").consistency(ConsistencyLevel.ONE)))


def test_the_longest_time_to_live_is_the_servers(repo):
    """The server refuses a TTL one second longer than the longest that this package accepts."""
    with pytest.raises(InvalidRequest, match="ttl is too large"):
        repo.session.execute(f"UPDATE {repo.keyspace}.items USING TTL 630720001 SET total = 1 {WHERE}")
