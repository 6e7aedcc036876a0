"""Stored values that cannot be read: their row raises an error that names it, and no other request fails."""

from __future__ import annotations

import enum
import json
import pickle
import uuid
from datetime import datetime, timedelta, timezone
from ipaddress import IPv4Address
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from cassandra.cluster import Cluster

from scyllamodel import (
    BackfillFailed,
    BulkWriteError,
    Column,
    LoadError,
    MaterializedView,
    Model,
    Repo,
    TypeMismatch,
    UnknownOutcome,
    UserType,
    backfill,
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
from support.sync_and_async import WAYS, run_in_mode

pytestmark = pytest.mark.live

NEW_YORK = ZoneInfo("America/New_York")
YEAR_10000 = 253_402_300_800_000
NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)


class Color(str, enum.Enum):
    """The colours that this release defines."""

    RED = "red"
    BLUE = "blue"


class Stay(UserType, name="unreadable_stay"):
    """A user type with a timestamp inside."""

    since: datetime


class Thing(Model, table="unreadable", repo="unreadable_live"):
    """A row with a column for each kind of value that can be stored but not read."""

    shelf: Column[int] = partition_key()
    at: Column[datetime] = clustering_key()
    color: Column[Color | None] = column(default=None)
    address: Column[IPv4Address | None] = column(default=None)
    made: Column[dict[str, Any] | None] = column(type=str, load=json.loads, dump=json.dumps, default=None)
    seen: Column[datetime | None] = column(default=None)
    days: Column[list[datetime]] = column(factory=list)
    stay: Column[cql.Frozen[Stay] | None] = column(default=None)
    pair: Column[tuple[int, datetime] | None] = column(default=None)
    note: Column[str | None] = column(default=None)
    pin: Column[Color | None] = column(default=None, redact=True)


class ThingByColor(MaterializedView, of=Thing, view="unreadable_by_color"):
    """A view of the same rows."""

    color: Column[Color] = partition_key()
    shelf: Column[int] = clustering_key()
    at: Column[datetime] = clustering_key()


class Pet(Model, table="unreadable_pets", repo="unreadable_live", discriminator="kind"):
    """The root of a single-table hierarchy."""

    id: Column[int] = partition_key()
    kind: Column[str] = column()


class Cat(Pet, discriminator_value="cat"):
    """A subclass with a column that the root lacks."""

    mood: Column[Color | None] = column(default=None)


@pytest.fixture(scope="module")
def repo(scylla_cluster, scylla_repo):
    """A repo with the tables of this module."""
    with scylla_cluster.repo(scylla_repo.keyspace, name="unreadable_live") as new_repo:
        migrate(new_repo, resources=[Thing, Pet, Cat])
        yield new_repo


@pytest.fixture
def shelf(repo):
    """The partition key of one test."""
    return uuid.uuid4().int % 2**31


def write(repo, shelf, name, literal, at=0):
    """Write one cell by plain CQL, as another program would."""
    repo.raw(f"INSERT INTO {repo.keyspace}.unreadable (shelf, at, {name}) VALUES ({shelf}, {at}, {literal})")


def connections(session):
    """The open connections of a session; a broken one would be replaced by another object."""
    results: list[Any] = []
    for pool in list(session._pools.values()):
        value = pool._connections
        results += value.values() if isinstance(value, dict) else value
    return {id(item): item.is_defunct or item.is_closed for item in results}


UNREADABLE = {
    "seen": [
        str(YEAR_10000),
        "-62135596800001",
        str(2**63 - 1),
        str(-(2**63)),
        "'+10000-01-01'",
    ],
    "days": [f"[0, {YEAR_10000}]"],
    "stay": [f"{{since: {YEAR_10000}}}"],
    "pair": [f"(1, {YEAR_10000})"],
}
CELLS = [(name, literal) for name, literals in UNREADABLE.items() for literal in literals]


@pytest.mark.parametrize(("name", "literal"), CELLS)
def test_what_the_driver_cannot_decode_fails_its_row_alone(repo, shelf, name, literal):
    """The error names column, table and key; requests in flight on the same connection succeed."""
    write(repo, shelf, name, literal)
    before = connections(repo.session)
    others = [repo.session.execute_async("SELECT key FROM system.local") for _ in range(40)]
    with pytest.raises(LoadError) as exc_info:
        repo.get(Thing, shelf=shelf, at=datetime(1970, 1, 1, tzinfo=timezone.utc))
    others += [repo.session.execute_async("SELECT key FROM system.local") for _ in range(40)]

    error = exc_info.value
    assert (error.column, error.table, error.model) == (name, "unreadable", "Thing")
    assert error.key == {"shelf": shelf, "at": datetime(1970, 1, 1, tzinfo=timezone.utc)}
    assert error.__cause__ is not None
    assert {"local"} == {row[0] for item in others for row in item.result()}
    assert before == connections(repo.session)


@pytest.mark.parametrize("mode", WAYS)
@pytest.mark.parametrize(
    ("name", "literal"), [("color", "'green'"), ("address", "'::1'"), ("made", "''"), ("seen", str(YEAR_10000))]
)
def test_every_read_of_several_rows_can_go_past_one(repo, shelf, mode, name, literal):
    """Without ``on_error`` the row ends the read; with it the others are read, and the error has the row's key."""

    def case(result):
        query = select(Thing).where(Thing.shelf == shelf)
        keys = [(shelf, datetime.fromtimestamp(index, timezone.utc)) for index in range(3)]
        errors = []
        reads = [
            lambda **on: result.all(query, **on),
            lambda **on: result.rows(result.stream(query, page_size=2, **on)),
            lambda **on: result.page(query, **on).items,
            lambda **on: [row for row in result.rows(result.scan(Thing, parallelism=2, **on)) if row.shelf == shelf],
            lambda **on: [row for row in result.get_many(Thing, keys, **on) if row is not None],
        ]
        for read in reads:
            with pytest.raises((LoadError, BulkWriteError)):
                read()
            got = read(on_error=errors.append)
            assert [keys[0], keys[2]] == sorted((row.shelf, row.at) for row in got)
        own_errors = [error for error in errors if error.key["shelf"] == shelf]
        assert len(own_errors) == len(reads)
        assert {keys[1]} == {(error.key["shelf"], error.key["at"]) for error in own_errors}
        assert {name} == {error.column for error in own_errors}

    for number in range(3):
        repo.save(Thing(shelf=shelf, at=datetime.fromtimestamp(number, timezone.utc), note="fine"))
    write(repo, shelf, name, literal, 1000)
    run_in_mode(mode, case, repo)
    repo.execute(delete(Thing).where(Thing.shelf == shelf).whole_partition())


def test_a_stream_hands_out_the_rows_before_the_one_that_fails(repo, shelf):
    """A stream yields all rows before the one that fails."""
    for number in range(3):
        repo.save(Thing(shelf=shelf, at=datetime.fromtimestamp(number, timezone.utc)))
    write(repo, shelf, "color", "'green'", 2000)
    rows = []
    with pytest.raises(LoadError, match="'green'"):
        rows.extend(repo.stream(select(Thing).where(Thing.shelf == shelf)))
    assert [0, 1] == [row.at.second for row in rows]
    repo.execute(delete(Thing).where(Thing.shelf == shelf).whole_partition())


def test_what_on_error_raises_ends_the_read(repo, shelf):
    """An exception that on_error raises ends the read."""
    write(repo, shelf, "color", "'green'")

    def give_up(error):
        raise RuntimeError("too many")

    with pytest.raises(RuntimeError, match="too many"):
        repo.all(select(Thing).where(Thing.shelf == shelf), on_error=give_up)


def test_a_key_that_cannot_be_decoded_is_given_as_it_is_stored(repo, shelf):
    """The error of an unreadable key contains its stored form, and the row can still be counted."""
    write(repo, shelf, "note", "'far'", YEAR_10000)
    errors: list[LoadError] = []
    assert repo.all(select(Thing).where(Thing.shelf == shelf), on_error=errors.append) == []
    (error,) = errors
    assert (error.column, error.key) == ("at", {"shelf": shelf, "at": YEAR_10000.to_bytes(8, "big")})
    assert str(YEAR_10000) in str(error)
    assert repo.exists(select(Thing).where(Thing.shelf == shelf))
    assert repo.count(select(Thing).where(Thing.shelf == shelf)) == 1


def test_columns_conditional_writes_views_and_text_say_the_same(repo, shelf):
    """Errors of selected columns, conditional writes, views and raw CQL name the unreadable column."""
    at = datetime(1970, 1, 1, tzinfo=timezone.utc)
    loaded = Thing(shelf=shelf, at=at, note="x")
    repo.save(loaded)
    write(repo, shelf, "color", "'green'")
    conditions = (Thing.shelf == shelf, Thing.at == at)
    reads = [
        lambda: repo.all(select(Thing.note, Thing.color).where(*conditions)),
        lambda: repo.one(select(Thing.color).where(*conditions)),
        lambda: repo.refresh(loaded),
        lambda: repo.insert(Thing(shelf=shelf, at=at), if_not_exists=True),
        lambda: repo.execute(update(Thing).where(*conditions).set(Thing.note.to("y")).if_(Thing.color == Color.RED)),
        lambda: repo.execute(insert(Thing(shelf=shelf, at=at)).if_not_exists()),
        lambda: UnknownOutcome("?", query=select(Thing).where(*conditions).consistency("SERIAL")).resolve(repo),
        lambda: repo.raw(f"SELECT * FROM {repo.keyspace}.unreadable WHERE shelf = ?", [shelf], into=Thing),
        lambda: repo.raw(f"SELECT * FROM {repo.keyspace}.unreadable WHERE shelf = {shelf}", into=Thing),
    ]
    for read in reads:
        with pytest.raises(LoadError, match=r"'green' in Thing\.color cannot be loaded") as exc_info:
            read()
        assert exc_info.value.column == "color"
    assert loaded.note == "x"
    with pytest.raises(LoadError, match=r"ThingByColor\.color"):
        repo.all(select(ThingByColor).where(ThingByColor.shelf == shelf).allow_filtering())


def test_text_gets_an_error_of_its_own_request(repo, shelf):
    """Raw CQL without ``into`` fails for an unreadable value, and no connection breaks."""
    write(repo, shelf, "seen", YEAR_10000)
    before = connections(repo.session)
    with pytest.raises(LoadError, match="seen"):
        repo.session.execute(f"SELECT seen FROM {repo.keyspace}.unreadable WHERE shelf = {shelf}")
    text = f"SELECT shelf, seen FROM {repo.keyspace}.unreadable WHERE shelf = "
    for values in ([], [shelf]):
        with pytest.raises(LoadError, match="seen"):
            repo.raw(text + ("?" if values else str(shelf)), values)
    assert before == connections(repo.session)


def test_a_class_of_several_in_one_table_names_its_own_column(repo):
    """The error names the column of a subclass that the root lacks."""
    repo.raw(f"INSERT INTO {repo.keyspace}.unreadable_pets (id, kind, mood) VALUES (1, 'cat', 'sour')")
    for model in (Pet, Cat):
        with pytest.raises(LoadError, match=r"unreadable_pets, row id=1: 'sour'") as exc_info:
            repo.get(model, id=1)
        assert exc_info.value.column == "mood"


def test_a_redacted_value_is_in_no_part_of_the_error(repo, shelf):
    """Message, cause and attributes of the error do not contain the value, and the error can be pickled."""
    write(repo, shelf, "pin", "'s3cr3t'")
    errors: list[LoadError] = []
    repo.all(select(Thing).where(Thing.shelf == shelf), on_error=errors.append)
    (error,) = errors
    clone = pickle.loads(pickle.dumps(error))
    for item in (error, clone):
        assert (
            "s3cr3t" not in f"{item} {item!r} {item.__dict__} {item.to_dict()} {item.__cause__!r} {item.__context__!r}"
        )
        assert (item.column, item.key["shelf"], item.code) == ("pin", shelf, "QY114")


def test_a_lent_session_keeps_its_own_way_and_survives(repo, scylla_cluster, shelf):
    """This package's reads on a lent session fail alone; the application's own requests are unchanged."""
    write(repo, shelf, "seen", YEAR_10000)
    host, _, port = scylla_cluster.contact_points[0].rpartition(":")
    cluster = Cluster([host], port=int(port))
    session = cluster.connect()
    try:
        session_repo = Repo("unreadable_live", session=session, keyspace=repo.keyspace)
        before = connections(session)
        with pytest.raises(LoadError):
            session_repo.all(select(Thing).where(Thing.shelf == shelf))
        with pytest.raises(LoadError):
            session_repo.raw(f"SELECT seen FROM {repo.keyspace}.unreadable WHERE shelf = {shelf}")
        write(repo, shelf, "seen", 0)
        (row,) = session.execute(f"SELECT seen FROM {repo.keyspace}.unreadable WHERE shelf = {shelf}")
        assert row.seen == datetime(1970, 1, 1)  # noqa: DTZ001 - what the driver gives
        assert before == connections(session)
        session_repo.close()
        assert session._request_init_callbacks == []
    finally:
        cluster.shutdown()


OUTSIDE = [
    datetime(9999, 12, 31, 23, 59, 59, tzinfo=NEW_YORK),
    datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
]


@pytest.mark.parametrize("value", OUTSIDE)
def test_a_timestamp_outside_of_what_can_be_read_is_not_sent(repo, shelf, value):
    """An unreadable timestamp is refused in a column, a key, a collection, a tuple, a user type and a condition."""
    changes = [
        {"seen": value},
        {"at": value},
        {"days": [NOW, value]},
        {"stay": Stay(since=value)},
        {"pair": (1, value)},
    ]
    for values in changes:
        with pytest.raises(TypeMismatch):
            repo.save(Thing(**{"shelf": shelf, "at": NOW, **values}))
    with pytest.raises(TypeMismatch):
        repo.all(select(Thing).where(Thing.shelf == shelf, Thing.at < value))
    with pytest.raises(TypeMismatch):
        repo.execute(update(Thing).where(Thing.shelf == shelf, Thing.at == NOW).set(Thing.days.append([value])))
    assert not repo.exists(select(Thing).where(Thing.shelf == shelf))


def test_the_first_and_the_last_moment_go_there_and_back(repo, shelf):
    """The earliest and latest readable timestamps are stored and read back."""
    first = datetime.min.replace(tzinfo=timezone.utc)
    last = datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=timezone.utc)
    for value in (first, last):
        repo.save(Thing(shelf=shelf, at=value, seen=value, days=[value]))
        row = repo.get(Thing, shelf=shelf, at=value)
        assert row is not None
        assert [value] * 3 == [row.at, row.seen, *row.days]


def test_an_address_of_the_other_family_is_not_sent(repo, shelf):
    """An address that its column could not load is refused when it is written."""
    with pytest.raises(TypeMismatch, match="address"):
        repo.save(Thing(shelf=shelf, at=NOW, address="::1"))  # type: ignore[arg-type]


def test_a_backfill_reports_a_row_that_cannot_be_read(repo, shelf):
    """Other rows are copied, and the unreadable one is reported as failed, with its key."""
    for number in range(2):
        repo.save(Thing(shelf=shelf, at=datetime.fromtimestamp(number, timezone.utc), seen=NOW))
    write(repo, shelf, "seen", YEAR_10000, 1000)
    with pytest.raises(BackfillFailed) as exc_info:
        backfill(repo, Thing.seen, into=Thing.note, convert=str, again=True)
    report = exc_info.value.report
    assert (2, 1, 1) == (report.rows_in, report.rows_out, report.failed)
    (failure,) = report.failures
    assert f"shelf={shelf}" in failure.key
    assert "LoadError" in failure.error
    copied = repo.get(Thing, shelf=shelf, at=datetime(1970, 1, 1, tzinfo=timezone.utc))
    assert copied is not None
    assert copied.note == str(NOW)


def test_a_row_from_before_its_column_loads_the_default(repo):
    """A row older than a column loads its default with null_as_default; without it the plan has a note."""

    class Grown(Model, table="from_before", repo="unreadable_live"):
        id: Column[int] = partition_key()

    migrate(repo, resources=[Grown])
    repo.save(Grown(id=1))

    class Grown(Model, table="from_before", repo="unreadable_live"):  # type: ignore[no-redef]
        id: Column[int] = partition_key()
        lang: Column[str] = column(default="en", null_as_default=True)
        rank: Column[int] = column(default=0)

    result = migrate(repo, resources=[Grown])
    assert result.plan is not None
    notes = [note.object.rpartition(".")[2] for step in result.plan.steps for note in step.lints]
    assert ["rank"] == notes

    loaded = repo.get(Grown, id=1)
    assert loaded is not None
    assert ("en", None) == (loaded.lang, loaded.rank)
    repo.save(loaded)
    assert [(1, None)] == [tuple(row) for row in repo.raw(f"SELECT id, lang FROM {repo.keyspace}.from_before")]
    loaded.lang = "cs"
    repo.save(loaded)
    assert [(1, "cs")] == [tuple(row) for row in repo.raw(f"SELECT id, lang FROM {repo.keyspace}.from_before")]
