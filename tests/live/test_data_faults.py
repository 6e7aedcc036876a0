"""Reads and writes during faults, and how these are reported."""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from cassandra.cluster import Cluster
from cassandra.query import dict_factory
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from scyllamodel import (
    Column,
    ConnectionFailed,
    Model,
    Repo,
    TypeMismatch,
    UnknownOutcome,
    UserType,
    clustering_key,
    column,
    insert,
    migrate,
    partition_key,
    select,
    update,
)
from scyllamodel import types as cql
from scyllamodel.driver._cassandra import loop_modules
from scyllamodel.driver.data.api_base import client_of
from scyllamodel.driver.data.message_binding import prepare_and_bind
from scyllamodel.driver.data.messages import ExecuteBatch

pytestmark = pytest.mark.live


class Spot(UserType, name="spot"):
    """A user type that gains fields during a test."""

    x: int
    y: int | None = None


class Thing(Model, table="things", repo="faults"):
    """A row whose key is one number."""

    id: Column[int] = partition_key()
    name: Column[str] = column(default="new")
    secret: Column[str | None] = column(default=None, redact=True)
    spots: Column[list[Spot]] = column(factory=list)


class Tally(Model, table="tallies", repo="faults"):
    """A counter."""

    id: Column[int] = partition_key()
    hits: Column[cql.Counter] = column()


class Fleeting(Model, table="fleeting", repo="faults"):
    """A table that is truncated."""

    id: Column[int] = partition_key()


class Absent(Model, table="absent", repo="elsewhere"):
    """A table that does not exist on the server."""

    id: Column[int] = partition_key()


@pytest.fixture(scope="module")
def repo(scylla_cluster, scylla_repo):
    """A repo with the tables of this module."""
    with scylla_cluster.repo(scylla_repo.keyspace, name="faults") as new_repo:
        migrate(new_repo, resources=[Thing, Tally, Fleeting, Listed])
        yield new_repo


@pytest.fixture
def weak(scylla_cluster, repo, scylla_fault_proxy):
    """A repo behind a proxy that breaks connections; statements are already prepared."""
    with scylla_cluster.repo(repo.keyspace, name="faults", nodes=[scylla_fault_proxy.address]) as new_repo:
        new_repo.save(Thing(id=0))
        new_repo.execute(count_up(0))
        new_repo.execute(insert(Thing(id=0)).if_not_exists())
        scylla_fault_proxy.heal()
        yield new_repo


def count_up(key):
    """An increment, which must not be applied twice."""
    return update(Tally).where(Tally.id == key).set(Tally.hits.increment())


def test_a_counter_whose_answer_was_lost_is_not_sent_again(repo, weak, scylla_fault_proxy):
    """A lost response to an increment raises an error, and the counter was incremented at most once."""
    scylla_fault_proxy.cut_answers(1)
    with pytest.raises(Exception, match=r".") as exc_info:
        weak.execute(count_up(1))

    assert not isinstance(exc_info.value, TypeMismatch)
    assert 1 == repo.get(Tally, id=1).hits


@pytest.mark.parametrize("operation", ["save", "batch", "save_many"])
def test_a_list_whose_append_got_no_answer_is_written_whole(repo, weak, scylla_fault_proxy, operation):
    """After an append without a response, the next save writes the whole list instead of appending again."""
    repo.save(Thing(id=20, spots=[Spot(x=1)]))
    row = repo.get(Thing, id=20)
    row.spots.append(Spot(x=2))

    def save():
        if operation == "batch":
            with weak.batch() as batch:
                batch.save(row)
        elif operation == "save_many":
            weak.save_many([row])
        else:
            weak.save(row)

    scylla_fault_proxy.cut_answers(1)
    with pytest.raises(Exception, match=r"."):
        save()
    assert [Spot(x=1), Spot(x=2)] == repo.get(Thing, id=20).spots
    repo.save(row)

    assert [Spot(x=1), Spot(x=2)] == repo.get(Thing, id=20).spots


def test_a_plain_write_whose_answer_was_lost_is_sent_again(repo, weak, scylla_fault_proxy):
    """A plain write whose response was lost is sent again, and the caller gets no error."""
    scylla_fault_proxy.cut_answers(1)
    deadline = time.monotonic() + 20
    while True:  # with one node there is no next host; the driver reconnects behind our back
        try:
            weak.save(Thing(id=2, name="kept"))
            break
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)

    assert "kept" == repo.get(Thing, id=2).name


def test_a_conditional_write_without_an_answer_can_be_resolved(repo, weak, scylla_fault_proxy):
    """The outcome of a conditional write without a response is unknown, and `resolve` reads the row."""
    scylla_fault_proxy.cut_answers(1)
    with pytest.raises(UnknownOutcome, match="resolve") as exc_info:
        weak.execute(insert(Thing(id=3, name="mine")).if_not_exists())

    assert "mine" == exc_info.value.resolve(repo).name


def test_a_timeout_of_a_conditional_update_is_unknown_too(repo, weak, scylla_fault_proxy):
    """A conditional update that times out has an unknown outcome, and `resolve` reads the row."""
    scylla_fault_proxy.swallow_answers(1)
    change = update(Thing).where(Thing.id == 0).set(Thing.name.to("x")).if_exists().timeout(0.5)
    with pytest.raises(UnknownOutcome) as exc_info:
        weak.execute(change)

    assert (0,) == exc_info.value.query.values
    assert 0 == exc_info.value.resolve(repo).id


def _bound(repo, batch):
    """The driver's batch; its statements are already prepared."""
    requests, writes = client_of(repo).requests(), batch._writes
    return prepare_and_bind(requests, ExecuteBatch(writes, writes.as_compiled()), requests.deadline(writes.options))


def test_a_conditional_batch_without_an_answer_is_unknown(weak, scylla_fault_proxy):
    """A conditional batch without a response has an unknown outcome, and its rows must be read one by one."""
    batch = weak.batch().timeout(0.5)
    for number in (0, 0):
        batch.insert(Thing(id=number), if_not_exists=True)
    _bound(weak, batch)
    scylla_fault_proxy.swallow_answers(1)
    with pytest.raises(UnknownOutcome) as exc_info:
        batch.send()
    with pytest.raises(LookupError, match="SERIAL"):
        exc_info.value.resolve(weak)


class Listed(Model, table="listed", repo="faults"):
    """A table with a list of one cell per element, and a frozen list in one cell."""

    id: Column[int] = partition_key()
    lines: Column[list[str]] = column(factory=list)
    whole: Column[cql.Frozen[list[str]]] = column(factory=list)


def test_a_list_that_is_written_twice_at_one_time_has_its_elements_twice(repo):
    """A list write that is sent twice with one timestamp duplicates elements: only older cells are deleted."""
    for write in (insert(Listed(id=1, lines=["a"])), update(Listed).where(Listed.id == 2).set(Listed.lines.to(["a"]))):
        for _ in range(2):
            repo.execute(write.timestamp(1_000))

    assert [["a", "a"], ["a", "a"]] == [repo.get(Listed, id=number).lines for number in (1, 2)]


def test_the_driver_does_not_send_a_whole_list_twice(repo):
    """Writes of a whole list get a policy that never retries, unless the caller marks them as idempotent."""
    lines = update(Listed).where(Listed.id == 3).set(Listed.lines.to(["a"]))
    whole = update(Listed).where(Listed.id == 3).set(Listed.whole.to(["a"]))
    batch = repo.batch()
    batch.save(Listed(id=4, lines=["a"]))
    bound = _bound(repo, batch)

    kinds = [lines, lines.timestamp(1_000), insert(Listed(id=3)), whole, lines.idempotent()]
    assert ["NonIdempotentRetryPolicy", "NonIdempotentRetryPolicy", "NonIdempotentRetryPolicy", None, None] == [
        policy(repo, kind) for kind in kinds
    ]
    assert ("NonIdempotentRetryPolicy", False) == (type(bound.retry_policy).__name__, bound.is_idempotent)
    assert [True, False] == [kind.compile(repo.keyspace).template.idempotent for kind in kinds[:2]]


def policy(repo, statement):
    """The retry policy of a statement; None stands for the session's."""
    retry_policy = client_of(repo).requests().prepare_and_bind(statement.compile(repo.keyspace)).retry_policy
    return None if retry_policy is None else type(retry_policy).__name__


def test_statements_carry_whether_they_may_be_sent_twice(repo):
    """Statements are marked as idempotent or not, by their effect or by the caller's own setting."""
    rename = update(Thing).where(Thing.id == 0).set(Thing.name.to("x"))
    kinds = [
        rename,
        rename.idempotent(False),
        rename.if_exists(),
        count_up(1),
        count_up(1).idempotent(),
        select(Thing).limit(1),
    ]

    assert [None, "NonIdempotentRetryPolicy", "LwtRetryPolicy", "NonIdempotentRetryPolicy", None, None] == [
        policy(repo, kind) for kind in kinds
    ]


def test_what_a_server_refuses_is_no_unknown_outcome(repo):
    """The server's refusal of a conditional write is not reported as an unknown outcome."""

    class Gone(Model, table="gone", repo="faults"):
        id: Column[int] = partition_key()

    with pytest.raises(Exception, match="gone") as exc_info:
        repo.execute(insert(Gone(id=1)).if_not_exists())

    assert not isinstance(exc_info.value, UnknownOutcome)


def test_a_user_type_that_grew_loses_no_field(scylla_cluster, repo):
    """After a field is added to a user type, a statement prepared earlier writes it."""
    with scylla_cluster.repo(repo.keyspace, name="faults") as other:
        other.raw(f"CREATE TYPE IF NOT EXISTS {repo.keyspace}.grown (x bigint)")
        other.raw(f"CREATE TABLE {repo.keyspace}.growing (id bigint PRIMARY KEY, at frozen<grown>)")

        class Grown(UserType, name="grown"):
            x: int
            y: int | None = None

        class Growing(Model, table="growing", repo="faults"):
            id: Column[int] = partition_key()
            at: Column[cql.Frozen[Grown]] = column()

        other.save(Growing(id=1, at=Grown(x=1)))
        with pytest.raises(TypeMismatch, match="has no field y"):
            other.save(Growing(id=2, at=Grown(x=1, y=2)))
        repo.raw(f"ALTER TYPE {repo.keyspace}.grown ADD y bigint")
        other.save(Growing(id=2, at=Grown(x=1, y=2)))

        assert Grown(x=1, y=2) == other.get(Growing, id=2).at
        assert Grown(x=1) == other.get(Growing, id=1).at


class Shared(Model, table="shared", repo="faults"):
    """A table that grows while an older release uses it."""

    id: Column[int] = partition_key()
    at: Column[int] = clustering_key()
    name: Column[str | None] = column(default=None)
    tags: Column[set[str]] = column(factory=set)


def test_an_older_release_runs_while_its_table_grows(scylla_cluster, repo):
    """While columns, an index, a view and options are added, none of the older release's statements fails."""
    desired = "id IS NOT NULL AND at IS NOT NULL AND name IS NOT NULL PRIMARY KEY (name, id, at)"
    changes = [
        "ALTER TABLE {k}.shared ADD (a int, zz set<text>, s text STATIC)",
        "CREATE INDEX ON {k}.shared (name)",
        "ALTER TABLE {k}.shared WITH gc_grace_seconds = 77",
        "ALTER TABLE {k}.shared ADD b map<text, int>",
        f"CREATE MATERIALIZED VIEW {{k}}.by_name AS SELECT id, at, name FROM {{k}}.shared WHERE {desired}",
        "ALTER TABLE {k}.shared ADD c int",
    ]
    with scylla_cluster.repo(repo.keyspace, name="faults") as old:
        migrate(old, resources=[Shared])
        rows = list[Shared]()

        def work(number):
            row = Shared(id=number % 5, at=number, name=f"n{number}")
            old.save(row)
            row.tags.add("later")
            old.save(row)
            with old.batch() as batch:
                batch.save(Shared(id=number % 5, at=number + 100_000))
            assert row == old.get(Shared, id=row.id, at=row.at)
            assert row in list(old.stream(select(Shared).where(Shared.id == row.id), page_size=3))
            rows.append(row)

        for change in changes:
            for _ in range(5):
                work(len(rows))
            repo.raw(change.format(k=repo.keyspace))
        for _ in range(5):
            work(len(rows))

        assert 5 >= old.statements.prepared
        assert all(row == old.get(Shared, id=row.id, at=row.at) for row in rows)


def test_threads_prepare_a_shape_once(scylla_cluster, repo):
    """Threads that need a statement at the same time prepare it once."""
    with scylla_cluster.repo(repo.keyspace, name="faults") as other:
        client_of(other).requests()
        together = threading.Barrier(16)

        def read(_):
            together.wait()
            return other.get(Thing, id=0)

        with ThreadPoolExecutor(16) as pool:
            list(pool.map(read, range(16)))

        assert 1 == other.statements.prepared


def read_name(repo, key):
    """The name that a child reads."""
    return repo.get(Thing, id=key).name.encode()


class Child:
    """A forked process that runs a function and reports the result."""

    def __init__(self, work):
        self.reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.write(writing, work())
                atexit._run_exitfuncs()  # as a worker that ends by `sys.exit`
                os.write(writing, b", ended")
            finally:
                os._exit(0)
        os.close(writing)

    def answer(self, seconds=30):
        """The output of the child; one that hangs is killed."""
        killer = threading.Timer(seconds, os.kill, (self.pid, signal.SIGKILL))
        killer.start()
        os.waitpid(self.pid, 0)
        killer.cancel()
        messages = os.read(self.reading, 100)
        os.close(self.reading)
        return messages


def test_a_forked_child_has_a_connection_of_its_own(repo):
    """A forked child reads what the parent wrote, and the parent's connection still works."""
    repo.save(Thing(id=7, name="parent"))

    assert b"parent, ended" == Child(lambda: read_name(repo, 7)).answer()
    assert "parent" == repo.get(Thing, id=7).name


def test_a_fork_while_threads_hold_the_locks_of_the_driver(repo):
    """A child that is forked while threads hold driver locks waits for none of them to connect or to exit."""
    repo.save(Thing(id=9, name="locked"))
    (loop,) = {module._global_loop for module in loop_modules() if module._global_loop is not None}
    locks = [loop._lock, loop._lock_thread, loop._conn_set_lock, *(connection.lock for connection in loop._live_conns)]
    event, finished = threading.Event(), threading.Event()

    def hold():
        with contextlib.ExitStack() as stack:
            for lock in locks:
                stack.enter_context(lock)
            event.set()
            finished.wait(60)

    holder = threading.Thread(target=hold)
    holder.start()
    event.wait()
    child = Child(lambda: read_name(repo, 9))
    idle = Child(lambda: b"idle")
    finished.set()
    holder.join()

    assert (b"locked, ended", b"idle, ended") == (child.answer(), idle.answer())
    assert "locked" == repo.get(Thing, id=9).name


def test_a_storm_of_forks_and_threads(repo):
    """Eight children and eight threads read at the same time, each process through its own connection."""
    repo.save(Thing(id=9, name="storm"))
    with ThreadPoolExecutor(8) as pool:
        reads = [pool.submit(lambda: repo.get(Thing, id=9).name) for _ in range(200)]
        children = [Child(lambda: read_name(repo, 9)) for _ in range(8)]
        names = {read.result() for read in reads}

    assert ({"storm"}, [b"storm, ended"] * 8) == (names, [child.answer() for child in children])


def test_a_forked_child_does_not_use_a_lent_session(repo):
    """A forked child that uses a lent session gets an error instead of waiting forever."""
    session_repo = Repo("faults", keyspace=repo.keyspace, session=repo.session)
    session_repo.get(Thing, id=0)

    def raise_refused():
        with pytest.raises(ConnectionFailed):
            session_repo.get(Thing, id=0)
        return b"refused"

    assert b"refused, ended" == Child(raise_refused).answer()


def test_a_session_in_legacy_mode_works_too(scylla_cluster, repo):
    """A session in legacy mode can be used, and keeps its row factory."""
    host, _, port = scylla_cluster.contact_points[0].rpartition(":")
    cluster = Cluster([host], port=int(port))
    try:
        session = cluster.connect()
        session.row_factory = dict_factory
        session_repo = Repo("faults", keyspace=repo.keyspace, session=session)
        session_repo.save(Thing(id=8, name="legacy"))

        assert "legacy" == session_repo.get(Thing, id=8).name
        assert [{"id": 8}] == list(session.execute(f"SELECT id FROM {repo.keyspace}.things WHERE id = 8"))
    finally:
        cluster.shutdown()


def test_events_tell_of_requests_and_not_of_values(scylla_cluster, repo):
    """Prepares, writes, reads, pages and batches are events, none of which contains values."""
    events = []
    with scylla_cluster.repo(repo.keyspace, name="faults", on_query=events.append) as other:
        other.save(Thing(id=11, name="hidden text", secret="hidden text"))
        other.get(Thing, id=11)
        list(other.stream(select(Thing.id).whole_table(), page_size=1))
        with other.batch() as batch:
            batch.save(Thing(id=12, name="hidden text"))

    kinds = [event.kind for event in events]

    assert {"prepare", "write", "read", "page", "batch"} == set(kinds)
    assert "hidden text" not in repr(events)
    assert {"Thing"} == {event.model for event in events}


def test_text_and_truncate_are_events_too(scylla_cluster, repo):
    """Raw CQL and TRUNCATE are events too, also when they fail."""
    events = []
    text = f"SELECT id FROM {repo.keyspace}.things WHERE id = ?"
    with scylla_cluster.repo(repo.keyspace, name="faults", on_query=events.append) as other:
        other.raw(text, [1])
        other.truncate(Fleeting)
        with pytest.raises(Exception, match="missing"):
            other.raw(f"DELETE FROM {repo.keyspace}.missing WHERE id = 1")

    output = [(event.kind, event.model, event.error) for event in events]
    assert [("read", None, None), ("write", "Fleeting", None), ("write", None, "RequestRefused")] == output


def test_text_is_not_sent_twice(repo, weak, scylla_fault_proxy):
    """Raw CQL that increments a counter is not sent again after a lost response."""
    scylla_fault_proxy.cut_answers(1)
    with pytest.raises(Exception, match=r"."):
        weak.raw(f"UPDATE {repo.keyspace}.tallies SET hits = hits + 1 WHERE id = ?", [77])

    assert 1 == repo.get(Tally, id=77).hits


def test_a_statement_that_cannot_be_prepared_is_forgotten(scylla_cluster, repo):
    """A statement that cannot be prepared leaves nothing behind, and fails with the same error the next time."""
    with scylla_cluster.repo(repo.keyspace, name="faults") as other:
        for _ in range(2):
            with pytest.raises(Exception, match="absent"):
                other.get(Absent, id=1)

        assert 0 == len(client_of(other).requests().prepared_statements._single_flight)


def test_errors_are_events_too(scylla_cluster, repo):
    """An event of a failed write contains the class of the error."""
    events = []
    watched = scylla_cluster.repo(repo.keyspace, name="faults", on_query=events.append)
    with watched as other, pytest.raises(TypeMismatch):
        other.save(Thing(id=1, name=3))

    assert ["TypeMismatch"] == [event.error for event in events if event.error]


def test_a_slow_request_is_a_warning(scylla_cluster, repo, caplog):
    """A slow request is logged as a warning, with its text and without its values."""
    watched = scylla_cluster.repo(repo.keyspace, name="faults", slow_query=0.000001)
    with watched as other, caplog.at_level(logging.WARNING, "scyllamodel.query"):
        other.get(Thing, id=0)

    assert "SELECT id, name" in caplog.text


def test_requests_are_spans(scylla_cluster, repo):
    """A request is a span inside the caller's span."""
    exporter = InMemorySpanExporter()
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider()
        trace.set_tracer_provider(provider)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    traced = scylla_cluster.repo(repo.keyspace, name="faults", trace_queries=True)
    with traced as other, trace.get_tracer("test").start_as_current_span("handler") as outer:
        other.get(Thing, id=0)
    values = [span for span in exporter.get_finished_spans() if span.name == "scyllamodel.read"]

    assert [outer.get_span_context().span_id] == [span.parent.span_id for span in values]
    assert "?" in values[0].attributes["db.query.text"]
