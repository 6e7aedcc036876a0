"""Requests by the fast path and by the driver have the same outcomes, and both return their streams."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.policies import ConstantSpeculativeExecutionPolicy, RetryPolicy

from scyllamodel import (
    Column,
    Model,
    NotFound,
    Repo,
    RequestFailed,
    RequestTimeout,
    ServiceUnavailable,
    clustering_key,
    column,
    migrate,
    partition_key,
    select,
    update,
)
from scyllamodel.driver.session.fast_request import FastRequest

pytestmark = pytest.mark.live


class Item(Model, table="fast_items", repo="fast_path"):
    """A row of a partition."""

    part: Column[int] = partition_key()
    at: Column[int] = clustering_key()
    text: Column[str | None] = column(default=None)
    tags: Column[set[str]] = column(factory=set)


@pytest.fixture(scope="module")
def plain(scylla_cluster, scylla_repo):
    """A repo with the table of this module."""
    with scylla_cluster.repo(scylla_repo.keyspace, name="fast_path") as new_repo:
        migrate(new_repo, resources=[Item])
        yield new_repo


@pytest.fixture(params=[True, False], ids=["fast", "ordinary"])
def fast(request):
    """Whether requests are sent by the fast path."""
    return request.param


@pytest.fixture
def repo(scylla_cluster, plain, fast):
    """A repo with or without the fast path, all of whose streams are returned at the end."""
    with scylla_cluster.repo(plain.keyspace, name="fast_path", fast_path=fast) as new_repo:
        yield new_repo
        assert_settled(new_repo)


@pytest.fixture
def weak(scylla_cluster, plain, fast, scylla_fault_proxy):
    """A repo with or without the fast path, behind a proxy, with prepared statements."""
    with scylla_cluster.repo(
        plain.keyspace, name="fast_path", nodes=[scylla_fault_proxy.address], fast_path=fast, request_timeout=2
    ) as new_repo:
        new_repo.save(Item(part=0, at=0))
        new_repo.get(Item, part=0, at=0)
        yield new_repo
        scylla_fault_proxy.heal()


def connections(repo):
    """The connections that data requests use."""
    return [one for pool in list(repo.session._pools.values()) for one in list(pool._connections.values())]


def streams(repo):
    """For each connection: requests in flight, orphaned requests, known requests, and stream ids in use."""
    return [
        (one.in_flight, len(one.orphaned_request_ids), len(one._requests),
         one.highest_request_id + 1 - len(set(one.request_ids)))
        for one in connections(repo)
    ]  # fmt: skip


def assert_settled(repo):
    """Wait until no stream is in use, and check that none was returned twice."""
    until = time.monotonic() + 20
    while any(map(any, streams(repo))) and time.monotonic() < until:
        time.sleep(0.02)
    assert not any(map(any, streams(repo))), streams(repo)
    assert all(len(one.request_ids) == len(set(one.request_ids)) for one in connections(repo))


class Seen(list):
    """Records for each request of a repo whether it is sent by the fast path."""

    def __init__(self, monkeypatch, repo):
        super().__init__()
        self.futures = []
        connection = repo._client.requests().connection
        send = connection.send_statement

        def counted(*arguments, **keywords):
            future = send(*arguments, **keywords)
            self.append(type(future) is FastRequest)
            self.futures.append(future)
            return future

        monkeypatch.setattr(connection, "send_statement", counted)

    @property
    def handed_over(self):
        """The number of requests that were handed over to the driver."""
        return sum(getattr(future, "_is_complete", True) for future in self.futures)


def test_prepared_statements_take_the_path_that_was_chosen(repo, fast, monkeypatch):
    """Reads, writes and streams use the fast path exactly if the repo is configured for it."""
    seen = Seen(monkeypatch, repo)
    item = Item(part=1, at=1, text="a")
    repo.save(item)
    item.text = "b"
    repo.save(item)
    assert repo.get(Item, part=1, at=1) == item
    assert [one.text for one in repo.stream(select(Item).where(Item.part == 1))] == ["b"]
    repo.delete(item)
    assert repo.get(Item, part=1, at=1) is None

    assert seen == [fast] * 6


def test_the_log_says_that_the_path_is_used(scylla_cluster, plain, caplog):
    """Use of the fast path is logged once, at the level DEBUG."""
    with (
        caplog.at_level(logging.DEBUG, "scyllamodel.driver"),
        scylla_cluster.repo(plain.keyspace, name="fast_path", fast_path=True) as new_repo,
    ):
        for _ in range(3):
            new_repo.get(Item, part=0, at=0)

    assert caplog.text.count("prepared statements are sent by the fast path") == 1


def test_thousands_of_mixed_requests_return_their_streams(repo):
    """Simultaneous threads, tasks and bulk runs each get their own rows."""

    def blocking(part):
        for at in range(60):
            repo.save(Item(part=part, at=at, text=str(at)))
            assert repo.get(Item, part=part, at=at).text == str(at)
        with pytest.raises(NotFound):
            repo.one(select(Item).where(Item.part == part, Item.at == -1))

    async def awaited():
        rows = await asyncio.gather(*(repo.aio().get(Item, part=3, at=at % 60) for at in range(400)))
        assert all(rows)

    assert repo.save_many([Item(part=3, at=at, tags={"x"}) for at in range(500)]).written == 500
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(blocking, range(10, 16)))
        asyncio.run(awaited())

    assert done == [None] * 6
    assert len(repo.all(select(Item).where(Item.part == 3))) == 500


def test_further_pages_are_read(repo):
    """Streams of many small pages, and pages read with a token, return all rows in order."""
    repo.save_many([Item(part=5, at=at) for at in range(100)])
    query = select(Item).where(Item.part == 5)

    assert [one.at for one in repo.stream(query, page_size=7)] == list(range(100))
    first = repo.page(query, size=30)
    second = repo.page(query, size=30, token=first.token)
    assert [one.at for one in [*first.items, *second.items]] == list(range(60))


def test_a_statement_that_a_node_forgot_is_prepared_again(repo, plain):
    """Statements still work after their table is created again and after a column is added."""
    repo.save(Item(part=7, at=1, text="old"))
    assert repo.get(Item, part=7, at=1).text == "old"
    plain.session.execute(f"ALTER TABLE {plain.keyspace}.fast_items ADD more text", timeout=60)
    assert repo.get(Item, part=7, at=1).text == "old"
    plain.session.execute(f"ALTER TABLE {plain.keyspace}.fast_items DROP more", timeout=60)
    plain.session.execute(f"DROP TABLE {plain.keyspace}.fast_items", timeout=60)
    with pytest.raises(RequestFailed):
        repo.get(Item, part=7, at=1)
    migrate(plain, resources=[Item])

    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            repo.save(Item(part=7, at=2, text="new"))
            break
        except RequestFailed:
            time.sleep(0.2)
    assert repo.get(Item, part=7, at=2).text == "new"
    assert repo.get(Item, part=7, at=1) is None


@pytest.mark.parametrize("way", ["blocking", "awaited"])
def test_a_timeout_holds_and_its_late_answer_returns_the_stream(weak, scylla_fault_proxy, way):
    """Requests without a response time out, and late responses return their streams."""
    query = select(Item).where(Item.part == 0).timeout(0.4)
    scylla_fault_proxy.black_hole()
    began = time.monotonic()
    if way == "blocking":
        for _ in range(3):
            with pytest.raises(RequestTimeout):
                weak.all(query)
    else:

        async def many():
            return await asyncio.gather(*(weak.aio().all(query) for _ in range(50)), return_exceptions=True)

        assert {type(one) for one in asyncio.run(many())} == {RequestTimeout}

    assert time.monotonic() - began < 10
    assert sum(orphaned for _, orphaned, _, _ in streams(weak)) > 0
    scylla_fault_proxy.heal()
    assert_settled(weak)
    assert len(weak.all(select(Item).where(Item.part == 0))) == 1


def test_timeouts_end_in_their_own_time(weak, scylla_fault_proxy):
    """Simultaneous requests with different timeouts each end when their own timeout expires."""
    scylla_fault_proxy.black_hole()
    seconds = [1.5, 0.3, 0.9, 0.3, 1.5, 0.6]

    def read(timeout):
        began = time.monotonic()
        with pytest.raises(RequestTimeout):
            weak.all(select(Item).where(Item.part == 0).timeout(timeout))
        return time.monotonic() - began

    with ThreadPoolExecutor(6) as pool:
        durations = list(pool.map(read, seconds))
    assert all(timeout <= one < timeout + 3 for timeout, one in zip(seconds, durations, strict=True)), durations


class Counting(RetryPolicy):
    """A retry policy that records errors and never retries."""

    def __init__(self):
        self.errors = []

    def on_request_error(self, *_, error, retry_num):
        """Record the error, and rethrow it."""
        self.errors.append((type(error).__name__, retry_num))
        return self.RETHROW, None


def test_the_retry_policy_of_the_application_decides(scylla_cluster, plain, fast, scylla_fault_proxy):
    """The retry policy decides once about an idempotent write whose connection broke, and prevents a retry."""
    policy = Counting()
    with scylla_cluster.repo(
        plain.keyspace, name="fast_path", nodes=[scylla_fault_proxy.address], fast_path=fast, retry_policy=policy
    ) as repo:
        item = Item(part=20, at=1, text="a")
        repo.save(item)
        item.text = "b"
        repo.save(item)
        item.text = "c"
        scylla_fault_proxy.cut_answers(1)
        with pytest.raises(ServiceUnavailable) as exc_info:
            repo.save(item)

    assert policy.errors == [("ConnectionShutdown", 0)]
    assert exc_info.value.may_be_applied
    assert plain.get(Item, part=20, at=1).text == "c"


def test_connections_are_cut_under_load(weak, plain, scylla_fault_proxy):
    """While connections are cut, every request ends, and each row that was reported as written is stored."""
    stop, written, failed = threading.Event(), {}, []

    def write(part):
        at = 0
        while not stop.is_set():
            at += 1
            try:
                weak.save(Item(part=part, at=at, text=str(at)))
                written[part, at] = str(at)
            except RequestFailed as error:
                failed.append(error)
                time.sleep(0.01)

    threads = [threading.Thread(target=write, args=(part,)) for part in range(30, 36)]
    for thread in threads:
        thread.start()
    for _ in range(4):
        time.sleep(0.5)
        scylla_fault_proxy.cut()
    time.sleep(0.5)
    stop.set()
    for thread in threads:
        thread.join(30)

    assert not any(thread.is_alive() for thread in threads)
    assert written
    for part in range(30, 36):
        expected = {(at, text) for (one, at), text in written.items() if one == part}
        assert expected <= {(one.at, one.text) for one in plain.all(select(Item).where(Item.part == part))}
    assert_settled(weak)


def test_requests_in_flight_end_when_the_repo_is_closed(scylla_cluster, plain, fast, scylla_fault_proxy):
    """When the repo is closed, requests in flight fail without waiting for their timeout."""
    with scylla_cluster.repo(
        plain.keyspace, name="fast_path", nodes=[scylla_fault_proxy.address], fast_path=fast, request_timeout=30
    ) as repo:
        repo.get(Item, part=0, at=0)
        scylla_fault_proxy.swallow_answers()
        with ThreadPoolExecutor(8) as pool:
            waiting = [pool.submit(repo.get, Item, part=0, at=0) for _ in range(8)]
            time.sleep(0.5)
            began = time.monotonic()
            repo.close()
            errors = [one.exception(20) for one in waiting]

        assert time.monotonic() - began < 10
        assert all(isinstance(error, RequestFailed) for error in errors), errors


def test_a_forked_child_makes_its_own_connection(repo):
    """A forked child reads through its own connection, and the parent's connection still works."""
    repo.get(Item, part=0, at=0)
    child = os.fork()
    if not child:
        status = 1
        try:
            repo.get(Item, part=0, at=0)
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0
    repo.get(Item, part=0, at=0)


@pytest.fixture
def lend(scylla_cluster, plain, fast):
    """Return a function that makes a repo on a session of the application."""
    host, port = scylla_cluster.contact_points[0].rsplit(":", 1)
    clusters = []

    def make(**settings):
        if "profile" in settings:
            settings["execution_profiles"] = {EXEC_PROFILE_DEFAULT: settings.pop("profile")}
        cluster = Cluster([host], port=int(port), **settings)
        clusters.append(cluster)
        session = cluster.connect(plain.keyspace)
        return Repo("fast_path", session=session, models=[], fast_path=fast)

    yield make
    for cluster in clusters:
        cluster.shutdown()


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("compression", [True, False])
def test_sessions_of_any_protocol_are_served(lend, fast, version, compression, monkeypatch):
    """The fast path works with protocol 4 and 5, with and without compression, and decodes all but first responses."""
    repo = lend(protocol_version=version, compression=compression)
    seen = Seen(monkeypatch, repo)
    repo.save_many([Item(part=40, at=at, text="x" * 300) for at in range(50)])
    assert len(repo.all(select(Item).where(Item.part == 40))) == 50
    assert repo.get(Item, part=40, at=7).text == "x" * 300
    first = seen.handed_over
    for at in range(20):
        assert repo.get(Item, part=40, at=at).text == "x" * 300
        repo.save(Item(part=40, at=at, text="y" * 300))

    assert set(seen) == {fast}
    assert seen.handed_over - first == (0 if fast else 40)
    assert_settled(repo)


def test_two_repos_share_a_session(lend, fast, monkeypatch):
    """Two repos on one session both work, and their request listener does not turn off the fast path."""
    repo = lend()
    other = Repo("fast_path", session=repo.session, models=[], fast_path=fast)
    for one in (repo, other, repo):
        one.save(Item(part=41, at=1, text="a"))
        assert one.get(Item, part=41, at=1).text == "a"
    seen = Seen(monkeypatch, repo)
    repo.get(Item, part=41, at=1)

    assert seen == [fast]


@pytest.mark.parametrize("way", ["method", "class"])
def test_a_traced_session_sends_all_requests_itself(lend, way, monkeypatch):
    """If a tracing tool wraps ``execute_async``, of one session or of the class, all requests pass through it."""
    repo, texts = lend(), []
    owner = repo.session if way == "method" else type(repo.session)
    execute = owner.execute_async

    @functools.wraps(execute)
    def traced(*arguments, **keywords):
        texts.append(arguments)
        return execute(*arguments, **keywords)

    monkeypatch.setattr(owner, "execute_async", traced)
    repo.save(Item(part=42, at=1, text="a"))
    texts.clear()
    for _ in range(3):
        assert repo.get(Item, part=42, at=1).text == "a"

    assert len(texts) == 3


def test_a_listener_of_the_application_sees_all_requests(lend, monkeypatch):
    """If the application has added a request listener, the driver sends all requests."""
    repo = lend()
    futures = []
    repo.get(Item, part=0, at=0)
    repo.session.add_request_init_listener(futures.append)
    seen = Seen(monkeypatch, repo)
    for _ in range(3):
        repo.get(Item, part=0, at=0)

    assert len(futures) == 3
    assert seen == [False] * 3


@pytest.mark.parametrize("unusual", ["legacy", "speculative", "handler"])
def test_an_unusual_session_is_used_in_the_ordinary_way(lend, unusual, monkeypatch):
    """A session in legacy mode, with speculation or with its own protocol handler is used without the fast path."""
    speculative = ExecutionProfile(speculative_execution_policy=ConstantSpeculativeExecutionPolicy(0.5, 2))
    repo = lend(profile=speculative) if unusual == "speculative" else lend()
    if unusual == "legacy":
        repo.session.default_timeout = 9
    if unusual == "handler":
        base = repo.session.client_protocol_handler

        class Own(base):
            @classmethod
            def decode_message(cls, *arguments):
                return super().decode_message(*arguments)

        repo.session.client_protocol_handler = Own
    seen = Seen(monkeypatch, repo)
    repo.save(Item(part=50, at=1, text="a"))
    assert repo.get(Item, part=50, at=1).text == "a"

    assert seen[-1] is False


def test_an_error_of_the_server_is_that_of_the_driver(repo):
    """A server error has the driver's exception as its cause."""
    with pytest.raises(RequestFailed) as exc_info:
        repo.all(select(Item).where(Item.part == 1).consistency("THREE"))
    assert "Unavailable" in repr(exc_info.value.__cause__)


def test_conditional_writes_are_decoded(repo):
    """Conditional writes that are applied, and those that are not, return their result and row."""
    repo.save(Item(part=60, at=1, text="a"))
    changing = update(Item).where(Item.part == 60, Item.at == 1).set(Item.text.to("b"))
    assert repo.execute(changing.if_(Item.text == "a")).applied
    result = repo.execute(changing.if_(Item.text == "a"))
    assert not result.applied
    assert result.current.text == "b"
