"""Redacted values in a run on a server: events, spans, log records and errors contain none."""

from __future__ import annotations

import gc
import json
import logging
import pickle
import sys
import traceback

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from scyllamodel import (
    BulkWriteError,
    Column,
    Model,
    RawStep,
    ScyllaModelError,
    StepFailed,
    UserType,
    clustering_key,
    column,
    history,
    insert,
    migrate,
    partition_key,
    select,
    update,
)
from scyllamodel import types as cql

pytestmark = pytest.mark.live

SECRET = "s3cr3t"


class Card(UserType, name="secret_card"):
    """A user type with a visible and a redacted field."""

    holder: str
    number: str = column(redact=True)


class Client(Model, table="secret_clients", repo="secrets_live"):
    """Redacted values in the key, in a column, and inside user types."""

    token: Column[str] = partition_key(redact=True)
    number: Column[int] = clustering_key(default=0)
    pin: Column[str | None] = column(default=None, redact=True)
    card: Column[cql.Frozen[Card] | None] = column(default=None)
    cards: Column[dict[str, Card]] = column(factory=dict)


@pytest.fixture(scope="module")
def repo(scylla_cluster, scylla_repo):
    """A repo with the table of this module."""
    with scylla_cluster.repo(scylla_repo.keyspace, name="secrets_live") as new_repo:
        migrate(new_repo, resources=[Client])
        yield new_repo


GOOD = Card(holder="Ann", number=SECRET)
BAD = [
    {"pin": SECRET.encode()},
    {"card": Card(holder=1, number=SECRET)},
    {"card": Card(holder="Ann", number=SECRET.encode())},
    {"card": ("Ann", SECRET)},
    {"cards": {"x": Card(holder=1, number=SECRET)}},
    {"cards": {"x": Card(holder="Ann", number=SECRET.encode())}},
]


def client(**values):
    """A row with the secret key."""
    return Client(token=SECRET, **values)


def texts_of(error):
    """All texts of an error."""
    text = f"{error}{error!r}{vars(error)}{''.join(traceback.format_exception(error))}"
    text += f"{json.dumps(error.to_dict())}{pickle.dumps(error)}" if isinstance(error, ScyllaModelError) else ""
    return text + "".join(texts_of(other) for other in (error.__cause__, error.__context__) if other is not None)


def verbs(repo, row):
    """Each way in which a row or its values are sent."""
    yield lambda: repo.save(row)
    yield lambda: repo.execute(insert(row).if_not_exists())
    yield lambda: repo.execute(update(Client).where(Client.token == SECRET, Client.number == 0).set(*changes(row)))
    yield lambda: repo.save_many([row, row])
    yield lambda: repo.save_many([row], by_partition=True)
    yield lambda: in_batch(repo, row)


def changes(row):
    """The values of a row as assignments."""
    values = (Client.pin.to(row.pin), Client.card.to(row.card), Client.cards.to(row.cards))
    return [value for value in values if value.value]


def in_batch(repo, row):
    """Save an instance in a batch."""
    with repo.batch() as batch:
        batch.save(row)


@pytest.mark.parametrize("values", BAD, ids=range(len(BAD)))
def test_no_error_of_a_write_says_a_secret(repo, values):
    """No error of a write contains a redacted value, whichever verb it is and whatever is wrong with the value."""
    for verb in verbs(repo, client(**values)):
        with pytest.raises(ScyllaModelError) as exc_info:
            verb()
        if isinstance(exc_info.value, BulkWriteError):
            assert SECRET not in repr(exc_info.value.report)
            exc_info.value.report = None  # it carries the rows themselves, for the program
        assert SECRET not in texts_of(exc_info.value)


def log_errors(verb):
    """Log an error as a web framework does."""
    try:
        verb()
    except ScyllaModelError:
        logging.getLogger("app").exception("a request failed")


@pytest.fixture
def spans():
    """The spans that end during a test."""
    exporter, provider = InMemorySpanExporter(), trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        provider = TracerProvider()
        trace.set_tracer_provider(provider)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return lambda: [span.to_json() for span in exporter.get_finished_spans()]


def table(repo):
    """The table of the clients, as CQL spells it."""
    return f"{repo.keyspace}.secret_clients"


def test_a_secret_step_runs_once_and_is_shown_nowhere(repo, spans, caplog):
    """A secret step is sent; plan, events, logs, spans, result and ledger contain a digest."""
    caplog.set_level(logging.DEBUG)
    events = []
    text = f"INSERT INTO {table(repo)} (\"token\", number) VALUES ('{SECRET}', 77)"
    raw = RawStep(text, undo=f"DELETE FROM {table(repo)} WHERE \"token\" = '{SECRET}'", secret=True)
    planned = migrate(repo, resources=[Client], steps=[raw], dry_run=True).plan
    result = migrate(repo, resources=[Client], steps=[raw], on_event=events.append)
    second = migrate(repo, resources=[Client], steps=[raw])
    versions = history(repo, steps=True)
    row = repo.get(Client, token=SECRET, number=77)

    assert ("applied", "in_sync", planned.cql) == (result.status, second.status, result.plan.cql)
    assert row is not None
    output = f"{planned!r}{planned.render()}{planned.to_dict()}{events}{result!r}{result.to_dict()}{versions}"
    output += f"{[item.to_dict() for item in versions]}{pickle.dumps((planned, result))}{spans()}{caplog.text}"
    assert SECRET not in output
    assert "a hand-written step" in caplog.text


def test_a_secret_step_that_fails_quotes_nothing(repo, spans, caplog):
    """The server quotes the statement in its error; the error of the run, locals, ledger and spans do not."""
    caplog.set_level(logging.DEBUG)
    raw = RawStep(f"ALTER ROLE absent PASSWORD '{SECRET}' = '{SECRET}'")
    with pytest.raises(StepFailed) as exc_info:
        migrate(repo, resources=[Client], steps=[raw])
    error = exc_info.value.with_traceback(exc_info.tb.tb_next)
    locals_too = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    (failed, *_) = history(repo, steps=True)

    assert "failed" == failed.steps[0].state
    assert SECRET not in f"{texts_of(error)}{locals_too}{failed}{failed.to_dict()}{spans()}{caplog.text}"


def test_text_of_the_application_is_watched_without_its_values(scylla_cluster, repo, spans, caplog):
    """For values in raw CQL, events, spans and the log of slow queries contain ``?``."""
    caplog.set_level(logging.DEBUG)
    events = []
    with scylla_cluster.repo(
        repo.keyspace, name="secrets_live", on_query=events.append, trace_queries=True, slow_query=0.0
    ) as other:
        other.raw(f"SELECT * FROM {table(repo)} /* {SECRET} */ WHERE \"token\" = '{SECRET}' AND number = 1")
        with pytest.raises(ScyllaModelError):
            other.raw(f"SELECT * FROM {table(repo)} WHERE \"token\" = '{SECRET}' AND")

    assert f'SELECT * FROM {table(repo)} WHERE "token" = ? AND number = ?' == events[0].cql
    assert SECRET not in f"{events}{spans()}{caplog.text}"


def test_no_event_span_or_log_record_holds_a_secret(scylla_cluster, repo, spans, caplog):
    """Good and bad writes and reads leave no redacted value in events, spans or logs, those of the driver included."""
    events = []
    caplog.set_level(logging.DEBUG)
    with scylla_cluster.repo(
        repo.keyspace, name="secrets_live", on_query=events.append, trace_queries=True, slow_query=0.0
    ) as other:
        for values in ({"pin": SECRET, "card": GOOD, "cards": {"x": GOOD}}, *BAD):
            for verb in verbs(other, client(**values)):
                log_errors(verb)
        other.get(Client, token=SECRET, number=0)
        page = other.page(select(Client).where(Client.token == SECRET, Client.pin == SECRET).allow_filtering(), size=1)
        repr(page)

    assert events
    assert spans()
    assert SECRET not in f"{events}{spans()}"
    assert [] == [record.getMessage() for record in caplog.records if SECRET in record.getMessage()]
    assert SECRET not in caplog.text


def everything():
    """The live objects of the package, with their classes; many contain values of rows.

    A class that the driver makes for a user type without a class names the module of its caller, and is not in it.
    """
    gc.collect()
    for obj in gc.get_objects():
        kind = type(obj)
        module = str(getattr(kind, "__module__", ""))
        if module.startswith("scyllamodel.") and hasattr(sys.modules[module], kind.__qualname__.partition(".")[0]):
            yield kind, obj


def test_no_object_of_the_package_shows_a_secret(scylla_cluster, repo):
    """No object that reads and writes left alive, with or without errors, shows a redacted value in its repr."""
    errors, good = [], {"pin": SECRET, "card": GOOD, "cards": {"x": GOOD}}
    row = client(number=5, **good)
    with scylla_cluster.repo(repo.keyspace, name="secrets_live", on_query=errors.append) as other:
        for values in (good, *BAD):
            errors += [error_of(verb) for verb in verbs(other, client(**values))]
        batch = other.batch()
        batch.save(row)
        batch.execute(update(Client).where(Client.token == SECRET, Client.number == 5).set(Client.pin.to(SECRET)))
        batch.send()
        loaded = other.get(Client, token=SECRET, number=5)
        loaded.pin = f"{SECRET}!"
        waiting = other.batch()
        waiting.save(loaded)
        waiting.delete(client(number=6, **good))
        result = other.execute(insert(row).if_not_exists())
        query = select(Client).where(Client.token == SECRET, Client.number >= 0)
        part = other.execute(
            update(Client)
            .where(Client.token == SECRET, Client.number == 5)
            .set(Client.pin.to("x"))
            .if_(Client.pin == "no")
        )
        streamed = other.stream(query)
        errors += [
            batch,
            waiting,
            loaded,
            result,
            part,
            query,
            query.compile("k"),
            other.page(query, size=1),
            next(streamed),
            streamed,
        ]
        errors += [other.all(select(Client.pin).where(Client.token == SECRET)), list(other.scan(Client))]
        errors += [error_of(lambda: other.raw(f"SELECT * FROM {table(repo)}", into=Client))]
        other.save(loaded)
        output = {kind.__qualname__ for kind, item in everything() if SECRET in repr(item)}
    assert len(errors) > 20
    assert set() == output


def error_of(verb):
    """The result or the exception of a call."""
    try:
        return verb()
    except ScyllaModelError as error:
        return error


@pytest.mark.parametrize("values", BAD, ids=range(len(BAD)))
def test_no_frame_of_a_verb_holds_a_secret(repo, values):
    """Tools that record the locals of a traceback record none of the values that the verb was to send."""
    for verb in verbs(repo, client(**values)):
        error = error_of(verb)
        assert isinstance(error, ScyllaModelError)
        assert SECRET not in locals_of(error)


def locals_of(error):
    """The traceback with the locals of all frames of the package and the driver, causes included."""
    frame = error.__traceback__
    while frame is not None and "/tests/" in frame.tb_frame.f_code.co_filename:
        frame = frame.tb_next
    report = traceback.TracebackException.from_exception(error.with_traceback(frame), capture_locals=True)
    return "".join(report.format())
