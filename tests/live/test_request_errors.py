"""The error of each failed request, row by row of the table in the guide, on a real server."""

from __future__ import annotations

import asyncio
import time

import pytest

from scyllamodel import (
    BulkWriteError,
    Column,
    ConfigurationError,
    ConnectionFailed,
    InvalidPageToken,
    Model,
    MultipleResultsFound,
    NotFound,
    QueryNotSupported,
    Repo,
    RequestFailed,
    RequestRefused,
    RequestTimeout,
    ScyllaModelError,
    ServiceUnavailable,
    TypeMismatch,
    UnknownOutcome,
    column,
    insert,
    migrate,
    partition_key,
    select,
    update,
)
from scyllamodel import types as cql
from scyllamodel.driver.data.api_base import client_of
from scyllamodel.driver.outcomes import StatementOutcome, classify
from support.sync_and_async import WAYS, run_in_mode

pytestmark = pytest.mark.live


class Note(Model, table="notes", repo="failing"):
    """A row whose key is one number."""

    id: Column[int] = partition_key()
    text: Column[str | None] = column(default=None)
    words: Column[list[str]] = column(factory=list)


class Tally(Model, table="note_tallies", repo="failing"):
    """A counter."""

    id: Column[int] = partition_key()
    hits: Column[cql.Counter] = column()


class Missing(Model, table="missing_notes", repo="failing"):
    """A table that was not migrated."""

    id: Column[int] = partition_key()
    text: Column[str | None] = column(default=None)


@pytest.fixture(scope="module")
def repo(scylla_cluster, scylla_repo):
    """A repo with the tables of this module."""
    with scylla_cluster.repo(scylla_repo.keyspace, name="failing") as new_repo:
        migrate(new_repo, resources=[Note, Tally])
        yield new_repo


@pytest.fixture
def weak(scylla_cluster, repo, scylla_fault_proxy):
    """A repo behind a proxy that loses responses; statements are already prepared."""
    with scylla_cluster.repo(
        repo.keyspace, name="failing", nodes=[scylla_fault_proxy.address], request_timeout=0.5
    ) as new_repo:
        new_repo.save(Note(id=0))
        new_repo.get(Note, id=0)
        new_repo.execute(insert(Note(id=0)).if_not_exists())
        scylla_fault_proxy.heal()
        yield new_repo


@pytest.fixture(params=WAYS)
def run(request):
    """Run a case, which is written once, with a blocking or an awaited repo."""
    return lambda case, repo: run_in_mode(request.param, case, repo)


def error_of(case):
    """The error of a case; if it is one of a request, its cause is the driver's."""

    def raising(repo):
        with pytest.raises(ScyllaModelError) as error:
            case(repo)
        return error.value

    return raising


MISSING = [
    pytest.param(lambda repo: repo.get(Missing, id=1), id="get"),
    pytest.param(lambda repo: repo.save(Missing(id=1)), id="save"),
    pytest.param(lambda repo: repo.all(select(Missing).whole_table()), id="all"),
    pytest.param(lambda repo: repo.page(select(Missing).whole_table()), id="page"),
    pytest.param(lambda repo: repo.rows(repo.stream(select(Missing).whole_table())), id="stream"),
    pytest.param(lambda repo: repo.rows(repo.scan(Missing)), id="scan"),
    pytest.param(lambda repo: repo.truncate(Missing), id="truncate"),
    pytest.param(lambda repo: repo.raw(f"SELECT * FROM {repo.keyspace}.missing_notes"), id="raw"),
    pytest.param(lambda repo: repo.raw(f"SELECT * FROM {repo.keyspace}.missing_notes WHERE id = ?", [1]), id="values"),
    pytest.param(lambda repo: repo.raw("SELEKT"), id="syntax"),
    pytest.param(lambda repo: repo.execute(insert(Missing(id=1)).if_not_exists()), id="conditional"),
]


@pytest.mark.parametrize("case", MISSING)
def test_what_the_server_refuses_is_refused(run, repo, case):
    """Whatever the verb, a refusal has status 500: the models were not migrated or the CQL is wrong."""
    error = run(error_of(case), repo)

    assert (RequestRefused, False) == (type(error), error.may_be_applied)
    assert type(error.__cause__).__module__.startswith("cassandra")
    assert StatementOutcome.UNKNOWN is not classify(error)


def test_a_table_that_is_missing_is_advised_upon(run, repo):
    """The error for a missing table names the usual cause."""
    error = run(error_of(lambda repo: repo.get(Missing, id=1)), repo)

    assert "A select of Missing was refused by the server" in str(error)
    assert "Is the migration of these models applied" in str(error)


def test_a_batch_that_is_refused(run, repo):
    """A batch with a statement that cannot be prepared is refused."""

    def case(repo):
        batch = repo.batch()
        batch.save(Missing(id=1))
        repo.send(batch)

    assert RequestRefused is type(run(error_of(case), repo))


def test_rows_of_bulk_work_have_our_errors(run, repo):
    """Failed rows are in the report with an error of this package, whether they failed in preparing or executing."""

    def case(repo):
        with pytest.raises(BulkWriteError) as result:
            repo.save_many([Missing(id=1), Missing(id=2)])
        return [type(error.error) for error in result.value.report.errors]

    assert [RequestRefused] * 2 == run(case, repo)


FAR = "THREE"
"""A consistency level that a keyspace of one replica cannot reach."""


@pytest.mark.parametrize(
    "case",
    [
        lambda repo: repo.all(select(Note).where(Note.id == 1).consistency(FAR)),
        lambda repo: repo.execute(insert(Note(id=1)).consistency(FAR)),
    ],
    ids=["read", "write"],
)
def test_too_few_replicas_are_unavailable(run, repo, case):
    """Too few replicas are a 503: nothing was applied, and the request can be sent again."""
    error = run(error_of(case), repo)

    assert (ServiceUnavailable, False) == (type(error), error.may_be_applied)
    assert isinstance(error, ConnectionError)
    assert StatementOutcome.TRANSIENT is classify(error)


READS = [
    pytest.param(lambda repo: repo.get(Note, id=0), id="get"),
    pytest.param(lambda repo: repo.rows(repo.stream(select(Note).limit(1))), id="stream"),
    pytest.param(lambda repo: repo.raw(f"SELECT * FROM {repo.keyspace}.notes"), id="raw"),
]


@pytest.mark.parametrize("case", READS)
def test_a_read_without_an_answer_times_out(run, weak, scylla_fault_proxy, case):
    """A read without a response is a 503, and can be sent again."""
    weak.all(select(Note).limit(1))
    scylla_fault_proxy.swallow_answers()
    error = run(error_of(case), weak)

    assert (RequestTimeout, False) == (type(error), error.may_be_applied)
    assert isinstance(error, TimeoutError)
    assert "Nothing was changed; send it again later." in str(error)


async def awaited_rows(rows, between):
    """Read all rows, and call a function after each."""
    async for _ in rows:
        between()


def each(repo, mode, query, between):
    """Stream two rows a page, and call a function after each row."""
    if mode == "awaited":
        asyncio.run(awaited_rows(repo.aio().stream(query, page_size=2), between))
    else:
        for _ in repo.stream(query, page_size=2):
            between()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("mode", WAYS)
def test_a_later_page_without_an_answer_times_out(weak, scylla_fault_proxy, mode):
    """Each page has its own request timeout; the driver has none for any page but the first."""
    weak.save_many([Note(id=number) for number in range(20)])
    with pytest.raises(RequestTimeout):
        each(weak, mode, select(Note).whole_table(), scylla_fault_proxy.swallow_answers)


@pytest.mark.timeout(60)
def test_a_later_page_has_time_of_its_own(weak):
    """A later page has a full timeout, however long the earlier pages took."""
    weak.save_many([Note(id=number) for number in range(20)])
    rows = []
    for row in weak.stream(select(Note).whole_table(), page_size=10):
        rows.append(row)
        time.sleep(0.1)  # a page takes longer than a request may

    assert 20 <= len(rows)


def test_a_write_without_an_answer_may_be_applied(run, weak, scylla_fault_proxy):
    """A write without a response is a 503, and the message says that it can be sent again."""
    scylla_fault_proxy.swallow_answers()
    error = run(error_of(lambda repo: repo.save(Note(id=0))), weak)

    assert (RequestTimeout, True) == (type(error), error.may_be_applied)
    assert "safe to send again" in str(error)


def test_a_counter_without_an_answer_is_not_safe_to_send_again(run, weak, scylla_fault_proxy):
    """The message says that an increment without a response is not safe to send again."""
    change = update(Tally).where(Tally.id == 1).set(Tally.hits.increment())
    weak.execute(change)
    scylla_fault_proxy.swallow_answers()
    error = run(error_of(lambda repo: repo.execute(change)), weak)

    assert error.may_be_applied
    assert "read the row before you send it again" in str(error)


def test_a_statement_that_could_not_be_prepared_was_not_applied(run, weak, scylla_fault_proxy):
    """A write whose statement could not be prepared was not applied."""
    scylla_fault_proxy.cut_requests(None, when=lambda _: True)
    error = run(error_of(lambda repo: repo.delete(Note(id=0))), weak)

    assert (ServiceUnavailable, False) == (type(error), error.may_be_applied)


def test_a_conditional_write_without_an_answer_is_a_timeout_too(run, weak, scylla_fault_proxy):
    """`UnknownOutcome` is a subclass of the timeout error, and is caught with it."""
    scylla_fault_proxy.swallow_answers()
    error = run(error_of(lambda repo: repo.execute(insert(Note(id=0)).if_not_exists())), weak)

    assert (UnknownOutcome, True) == (type(error), error.may_be_applied)
    assert isinstance(error, RequestTimeout)


def test_a_connection_that_breaks_is_unavailable(run, weak, scylla_fault_proxy):
    """A broken connection is a 503, and the write whose response was lost may be applied."""
    append = update(Note).where(Note.id == 0).set(Note.words.append(["x"]))
    weak.execute(append)
    scylla_fault_proxy.cut_answers()
    error = run(error_of(lambda repo: repo.execute(append)), weak)

    assert (ServiceUnavailable, True) == (type(error), error.may_be_applied)


def test_a_server_that_is_not_there(run):
    """If no server is there, the first request is a 503, since a repo connects then."""
    with Repo("failing", nodes=["127.0.0.1:1"], keyspace="shop") as unreachable:
        error = run(error_of(lambda repo: repo.get(Note, id=1)), unreachable)

    assert isinstance(error, ConnectionFailed)


def test_rows_that_are_not_there_or_too_many(run, repo):
    """A missing row is a 404, and too many rows are a programming error."""
    repo.save_many([Note(id=number) for number in (11, 12)])
    both = select(Note).where(Note.id.in_([11, 12]))

    assert isinstance(run(error_of(lambda repo: repo.one(select(Note).where(Note.id == -1))), repo), NotFound)
    assert isinstance(run(error_of(lambda repo: repo.one(both)), repo), MultipleResultsFound)


def test_a_condition_that_does_not_hold_is_an_answer(run, repo):
    """A condition that does not hold is a result and not an exception; the application chooses the status 409."""
    repo.save(Note(id=13, text="first"))

    def case(repo):
        return repo.insert(Note(id=13, text="second"), if_not_exists=True)

    assert not run(case, repo).applied


def test_what_a_client_sent_is_refused_before_anything_is_sent(run, repo):
    """A bad page token is a 400, a bad value a 422, and a query that no index serves a 500."""
    error = error_of(lambda repo: repo.page(select(Note).where(Note.id == 1), token="nonsense"))

    assert isinstance(run(error, repo), InvalidPageToken)
    assert isinstance(run(error_of(lambda repo: repo.save(Note(id="x"))), repo), TypeMismatch)
    assert isinstance(
        run(error_of(lambda repo: repo.all(select(Note).where(Note.text == "x"))), repo), QueryNotSupported
    )
    with pytest.raises(ConfigurationError):
        Repo(nodes=["127.0.0.1"], keyspace="shop", consistency="SOME")


def test_errors_are_json(repo):
    """An error as JSON contains code, class, cause, and whether the write may be applied."""
    with pytest.raises(RequestFailed) as error:
        repo.get(Missing, id=1)
    document = error.value.to_dict()

    assert ("QY112", "RequestRefused", False) == (document["code"], document["error"], document["may_be_applied"])
    assert document["cause"].startswith("InvalidRequest: ")


def test_a_schema_that_cannot_be_read_stops_no_request(scylla_cluster, repo, caplog):
    """Requests work without the driver's schema metadata, and a slow refresh is logged as a warning."""
    with scylla_cluster.repo(repo.keyspace, name="failing") as other:
        client_of(other).connection().session.cluster.control_connection._timeout = 0.000001
        other.save(Note(id=21, text="sent"))

        assert "sent" == other.get(Note, id=21).text
    assert "could not read the schema" in caplog.text
