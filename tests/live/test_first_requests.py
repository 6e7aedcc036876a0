"""First requests of their kind: connecting and preparing happen once, within the timeout of the request."""

from __future__ import annotations

import asyncio
import gc
import socket
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest
from cassandra.cluster import Cluster

from scyllamodel import (
    Column,
    ConnectionFailed,
    Model,
    Repo,
    RequestTimeout,
    column,
    migrate,
    partition_key,
    select,
    update,
)
from scyllamodel.driver.data.api_base import client_of
from scyllamodel.query.instances import statements_for

pytestmark = pytest.mark.live


class Ware(Model, table="ends_wares", repo="ends_requests"):
    """One row under a number."""

    id: Column[int] = partition_key()
    text: Column[str | None] = column(default=None)


@pytest.fixture(scope="module")
def repo(scylla_cluster, scylla_repo):
    """A repo with the table of this module."""
    with scylla_cluster.repo(scylla_repo.keyspace, name="ends_requests") as new_repo:
        migrate(new_repo, resources=[Ware])
        yield new_repo


@pytest.fixture
def proxied_repo(scylla_cluster, repo, scylla_fault_proxy):
    """A repo with a timeout of one second and one prepared statement, behind a proxy that is now silent."""
    with scylla_cluster.repo(
        repo.keyspace, name="ends_requests", nodes=[scylla_fault_proxy.address], request_timeout=1
    ) as new_repo:
        new_repo.get(Ware, id=0)
        scylla_fault_proxy.black_hole()
        yield new_repo
        scylla_fault_proxy.heal()


@pytest.fixture
def unreachable_repo():
    """A port that accepts connections and never sends anything."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.parametrize("mode", ["blocking", "awaited"])
def test_all_who_wait_for_a_connection_share_its_failure(unreachable_repo, mode):
    """Callers that wait for the first connection share one attempt and its failure."""

    async def tasks():
        return await asyncio.gather(*(repo.aio().get(Ware, id=1) for _ in range(12)), return_exceptions=True)

    start = time.monotonic()
    with Repo("ends_requests", nodes=[unreachable_repo], keyspace="shop") as repo:
        if mode == "awaited":
            result = asyncio.run(tasks())
        else:
            with ThreadPoolExecutor(12) as pool:
                result = [future.exception() for future in [pool.submit(repo.get, Ware, id=1) for _ in range(12)]]

    assert time.monotonic() - start < 10
    assert {ConnectionFailed} == set(map(type, result))


def prepares(proxy):
    """The number of PREPARE requests."""
    return sum(request.kind == "PREPARE" for request in proxy.requests)


@pytest.mark.parametrize("mode", ["blocking", "awaited"])
def test_a_statement_is_prepared_once_by_the_first_user(scylla_cluster, repo, scylla_fault_proxy, mode):
    """Fifty threads or tasks that use a statement for the first time prepare it once."""
    nodes = [scylla_fault_proxy.address]

    async def tasks(other):
        await asyncio.gather(*(other.aio().get(Ware, id=number) for number in range(50)))
        await asyncio.gather(*(other.aio().raw(text, [number]) for number in range(50)))

    text = f"SELECT text FROM {repo.keyspace}.ends_wares WHERE id = ?"
    with scylla_cluster.repo(repo.keyspace, name="ends_requests", nodes=nodes) as other:
        if mode == "awaited":
            asyncio.run(tasks(other))
        else:
            with ThreadPoolExecutor(50) as pool:
                list(pool.map(lambda at: other.get(Ware, id=at), range(50)))
                list(pool.map(lambda at: other.raw(text, [at]), range(50)))

    assert 2 == prepares(scylla_fault_proxy)


def requests_of(text):
    """Requests whose statements are not prepared yet, by name."""
    changing = update(Ware).where(Ware.id == 1).set(Ware.text.to("x"))
    return {
        "read": lambda repo: repo.all(select(Ware.text).where(Ware.id == 1)),
        "write": lambda repo: repo.execute(changing),
        "text": lambda repo: repo.raw(text, [1]),
        "own timeout": lambda repo: repo.execute(changing.if_exists().timeout(0.5)),
    }


@pytest.mark.parametrize("name", sorted(requests_of("")))
@pytest.mark.parametrize("mode", ["blocking", "awaited"])
def test_a_statement_is_prepared_in_the_time_of_its_request(proxied_repo, name, mode):
    """Preparing on a silent server ends with the request timeout, not with the driver's ten seconds."""
    request = requests_of(f"SELECT id, text FROM {proxied_repo.keyspace}.ends_wares WHERE id = ?")[name]

    async def prepare_async():
        return await request(proxied_repo.aio())

    start = time.monotonic()
    with pytest.raises(RequestTimeout):
        request(proxied_repo) if mode == "blocking" else asyncio.run(prepare_async())

    assert time.monotonic() - start < 4


def test_what_is_left_of_the_time_is_for_the_request(proxied_repo, scylla_fault_proxy):
    """Preparing and executing a statement share one request timeout."""
    scylla_fault_proxy.heal()
    proxied_repo.get(Ware, id=0)
    scylla_fault_proxy.delay(0.7)
    start = time.monotonic()
    with pytest.raises(RequestTimeout):
        proxied_repo.all(select(Ware.text).where(Ware.id == 2))

    assert time.monotonic() - start < 1.5


def test_the_timeout_of_a_session_in_legacy_mode_holds_for_preparing(scylla_cluster, repo, scylla_fault_proxy):
    """In legacy mode, preparing uses the timeout that is set on the session."""
    host, _, port = scylla_fault_proxy.address.rpartition(":")
    cluster = Cluster([host], port=int(port))
    try:
        session = cluster.connect()
        session.default_timeout = 0.5
        session_repo = Repo("ends_requests", keyspace=repo.keyspace, session=session)
        session_repo.get(Ware, id=0)
        scylla_fault_proxy.black_hole()
        start = time.monotonic()
        with pytest.raises(RequestTimeout):
            session_repo.all(select(Ware.text).where(Ware.id == 1))
        assert time.monotonic() - start < 4
    finally:
        scylla_fault_proxy.heal()
        cluster.shutdown()


def test_what_is_known_of_a_class_goes_with_it(repo):
    """A class and its statements are garbage collected although the repo still exists."""
    collected, before = [], repo.statements.size

    def work():
        class Brief(Model, table="ends_wares", repo="ends_brief"):
            id: Column[int] = partition_key()
            text: Column[str | None] = column(default=None)

        row = Brief(id=5, text="x")
        repo.save(row)
        repo.save_many([row, Brief(id=6)], by_partition=True)
        repo.all(select(Brief).where(Brief.id == 5))
        repo.execute(update(Brief).where(Brief.id == 5).set(Brief.text.to("y")))
        asyncio.run(repo.aio().get(Brief, id=5))
        collected.append(weakref.ref(Brief))

    for _ in range(5):
        work()
    gc.collect()

    assert [None] * 5 == [item() for item in collected]
    assert before == repo.statements.size


def test_what_a_session_prepared_goes_with_it(scylla_cluster, repo):
    """Statements of a class do not keep what a closed session prepared."""
    shape = statements_for(Ware, repo.keyspace).get
    gc.collect()
    before = len(shape.prepared)
    for _ in range(3):
        with scylla_cluster.repo(repo.keyspace, name="ends_requests") as other:
            other.get(Ware, id=1)
            assert before + 1 == len(shape.prepared)
        del other
        gc.collect()

    assert before == len(shape.prepared)


def test_a_class_of_which_nothing_is_left_can_be_declared_again(repo):
    """After a class is collected, an equal class can be declared, read and written."""
    for text in ("a", "b"):

        class Passing(Model, table="ends_wares", repo="ends_passing"):
            id: Column[int] = partition_key()
            text: Column[str | None] = column(default=None)

        repo.save(Passing(id=7, text=text))
        value = repo.get(Passing, id=7).text
        del Passing
        gc.collect()
        assert text == value


def test_threads_that_end_leave_nothing(repo):
    """Threads that prepare statements leave neither entries in progress nor other threads."""
    before = threading.active_count()
    asyncio.run(repo.aio().raw(f"SELECT text, id FROM {repo.keyspace}.ends_wares WHERE id = ?", [3]))

    assert 0 == len(client_of(repo).requests().prepared_statements._single_flight)
    assert threading.active_count() <= before
