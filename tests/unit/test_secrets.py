"""Redacted values appear nowhere: planted in every kind of place, searched for in all that is formatted.

A public class that is new stands in one of two lists here, or a test fails.
"""

from __future__ import annotations

import enum
import inspect
import itertools
import json
import pickle
import traceback
from typing import Any

import attrs
import pytest

import scyllamodel
from scyllamodel import (
    Column,
    Model,
    Page,
    RawStep,
    Repo,
    UserType,
    clustering_key,
    column,
    delete,
    errors,
    insert,
    partition_key,
    select,
    update,
)
from scyllamodel import types as cql
from scyllamodel.driver.data.binding.binder import make_bind
from scyllamodel.driver.data.bulk_report import BulkReport, RowError
from scyllamodel.driver.data.loading import load_error, load_row, load_rows
from scyllamodel.errors import BulkWriteError, LoadError, ScyllaModelError, TypeMismatch
from scyllamodel.query.instances import InstanceStatements
from scyllamodel.query.model_cache import cache_for
from scyllamodel.query.results import LWTResult, PartialRow
from scyllamodel.query.select import Select
from scyllamodel.release.backfill import BackfillReport
from scyllamodel.release.backfill.report import FailedRow
from scyllamodel.release.backfill.row_task import RowTask, display_key
from scyllamodel.release.engine.raw_steps import plan_step
from scyllamodel.release.engine.results import MigrationResult
from scyllamodel.schema.apply import Event
from scyllamodel.schema.plan import Plan
from support.driver_codecs import prepared

SECRET = "s3cr3t"


class Card(UserType, name="card"):
    """A user type with a redacted field and one that is not."""

    holder: str
    number: str = column(redact=True)


class Purse(UserType, name="purse"):
    """User types with a redacted field, on their own and in a collection."""

    main: Card
    others: cql.Frozen[list[Card]] = attrs.field(factory=list)


class Wallet:
    """A class of the application that is stored as a user type."""

    def __init__(self, number: str) -> None:
        self.number = number

    def __repr__(self) -> str:
        return f"Wallet({self.number})"


def card_of(wallet: Wallet) -> Any:
    """The driver's value for a wallet; its errors quote the secret."""
    raise ValueError(f"not a card: {wallet.number}")


def refuse(*value: Any) -> Any:
    """A validator whose error quotes the value."""
    raise ValueError(f"refused {value[-1]!r}, of {SECRET}")


class Client(Model, table="clients", repo="secrets"):
    """A model with a secret in every kind of column."""

    token: Column[str] = partition_key(redact=True)
    card: Column[cql.Frozen[Card]] = clustering_key()
    pin: Column[int | None] = column(default=None, redact=True)
    notes: Column[dict[str, str]] = column(factory=dict, redact=True)
    purse: Column[cql.Frozen[Purse] | None] = column(default=None)
    open_card: Column[Card | None] = column(default=None)
    listed: Column[list[Card]] = column(factory=list)
    named: Column[dict[str, Card]] = column(factory=dict)
    held: Column[set[Card]] = column(factory=set)
    keyed: Column[dict[Card, str]] = column(factory=dict)
    pair: Column[tuple[int, Card] | None] = column(default=None)
    deep: Column[dict[str, list[tuple[int, Card]]]] = column(factory=dict)
    wallet: Column[Wallet | None] = column(default=None, type=cql.Frozen[Card], load=Wallet, dump=card_of)


class Checked(Model, table="checked", repo="secrets"):
    """A model whose validators and converters quote their value."""

    id: Column[int] = partition_key()
    word: Column[str] = column(default="", redact=True, validator=refuse)
    cards: Column[list[Card]] = column(factory=list, converter=refuse)
    card: Column[Card | None] = column(default=None, validator=refuse)


GOOD = Card(holder="Ann", number=SECRET)
HALF = Card(holder=1, number=SECRET)  # the field that is not redacted is wrong
WRONG = Card(holder="Ann", number=SECRET.encode())
LEAKS = [
    ("pin", SECRET),
    ("notes", {SECRET: 1}),
    ("notes", {"a": SECRET.encode()}),
    *((name, bad) for name in ("open_card",) for bad in (HALF, WRONG, ("Ann", SECRET), {"number": SECRET}, SECRET)),
    *(("purse", Purse(main=bad)) for bad in (HALF, WRONG, ("Ann", SECRET))),
    *(("purse", Purse(main=GOOD, others=[bad])) for bad in (HALF, WRONG, ("Ann", SECRET), None)),
    *(("listed", [bad]) for bad in (HALF, WRONG, ("Ann", SECRET), SECRET)),
    ("listed", SECRET),
    *(("named", {"x": bad}) for bad in (HALF, WRONG, ("Ann", SECRET), SECRET)),
    ("named", {1: GOOD}),
    *(("held", {bad}) for bad in (HALF, WRONG, ("Ann", SECRET), SECRET)),
    *(("keyed", {bad: "x"}) for bad in (HALF, WRONG, ("Ann", SECRET), SECRET)),
    ("keyed", {GOOD: 3}),
    *(("pair", (1, bad)) for bad in (HALF, WRONG, ("Ann", SECRET), SECRET)),
    ("pair", (SECRET, GOOD)),
    *(("deep", {"x": [(1, bad)]}) for bad in (HALF, WRONG, ("Ann", SECRET), SECRET)),
    ("wallet", Wallet(SECRET)),
]
SERVER = {cls.__cql_name__: list(cls.__facts__.fields) for cls in (Card, Purse)}


def full_text(error: BaseException) -> str:
    """Everything that an error contains: text, repr, attributes, JSON, pickle, causes, contexts and tracebacks."""
    values = [str(error), repr(error), repr(vars(error)), "".join(traceback.format_exception(error))]
    if hasattr(error, "to_dict"):
        values += [json.dumps(error.to_dict()), pickle.dumps(error).decode("latin-1")]
    values += [full_text(other) for other in (error.__cause__, error.__context__) if other is not None]
    return "\n".join(values)


def row(**values):
    """A client with these column values."""
    return Client(**{"token": SECRET, "card": GOOD} | values)


@pytest.mark.parametrize(("name", "value"), LEAKS, ids=itertools.count())
def test_a_value_that_does_not_fit_is_refused_without_its_secrets(name, value):
    """A value that does not fit is refused by class and statement without its secrets, however deeply nested."""
    access = InstanceStatements(Client, "shop")
    write = access.insert(row(**{name: value}), nulls=True)
    shape = write.compiled.template
    bind = make_bind(prepared(shape, SERVER), shape.markers, {"card": ("holder", "number")})
    with pytest.raises(TypeMismatch) as exc_info:
        bind(write.compiled.values)

    assert f"Client.{name}" in str(exc_info.value)
    assert name in exc_info.value.column
    assert SECRET not in full_text(exc_info.value)
    report = BulkReport(1, 0, 0, 0, (RowError(0, row(**{name: value}), exc_info.value),), 0.1)
    with pytest.raises(BulkWriteError) as bulk:
        report.raise_errors()
    assert SECRET not in f"{bulk.value}{json.dumps(bulk.value.to_dict())}{report!r}"


@pytest.mark.parametrize(("name", "value"), LEAKS, ids=itertools.count())
def test_nothing_that_is_printed_shows_a_secret(name, value):
    """The printed forms of instances, statements, conditions, assignments and results contain no secret."""
    instance, target = row(**{name: value}), getattr(Client, name)
    access = InstanceStatements(Client, "shop")
    values = [
        instance,
        target == value,
        target.in_([value]),
        target.to(value),
        select(Client).where(target == value),
        update(Client).set(target.to(value)),
        insert(instance),
        insert(instance).compile("shop"),
        access.insert(instance),
        access.update(instance),
        PartialRow(Client, {name: value}),
        LWTResult(applied=False, current=instance),
        *cache_for(Client).markers.values(),
    ]

    assert [] == [output for output in map(repr, values) if SECRET in output]
    with pytest.raises(TypeError) as exc_info:
        bool(target == value)
    assert SECRET not in full_text(exc_info.value)


@pytest.mark.parametrize(
    "condition",
    [
        Client.notes[SECRET] == "x",
        Client.notes["x"] == SECRET,
        Client.named["x"] == ("Ann", SECRET),
        Client.keyed[GOOD] == "x",
        Client.keyed[("Ann", SECRET)] == "x",
        Client.open_card.field("number") == SECRET,
        Client.listed.contains(("Ann", SECRET)),
        Client.notes.contains_key(SECRET),
        Client.listed.append([("Ann", SECRET)]),
        Client.keyed.remove({("Ann", SECRET)}),
    ],
    ids=itertools.count(),
)
def test_parts_of_columns_are_shown_by_the_same_rule(condition):
    """Elements, keys and fields of redacted columns are hidden, as operands and as values."""
    assert SECRET not in repr(condition)


def test_fields_that_are_not_redacted_stay_readable():
    """An error and a repr hide redacted fields and show the others."""
    bad = row(named={"x": HALF})

    assert "<Client.open_card.field('holder') = 'Ann'>" == repr(Client.open_card.field("holder") == "Ann")
    assert "named={***: Card(holder=1, number=***)}" in repr(bad)
    assert "Card(holder='Ann', number=***)" == repr(GOOD)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Checked(id=1, word=SECRET, cards=[]),
        lambda: Checked(id=1, cards=[("Ann", SECRET)]),
        lambda: Checked(id=1, card=GOOD),
        lambda: Checked(id=1, card=("Ann", SECRET)),
    ],
    ids=itertools.count(),
)
def test_validators_and_converters_are_quoted_without_the_value(make):
    """Errors of validators and converters do not quote redacted columns, or user types with redacted fields."""
    with pytest.raises(TypeMismatch) as exc_info:
        make()

    assert SECRET not in full_text(exc_info.value)
    assert "Checked." in str(exc_info.value)


def test_a_key_that_cannot_be_one_is_not_quoted():
    """``get_many`` and ``delete_many`` only name the key columns."""
    from scyllamodel.driver.data.bulk_api import _key_values  # noqa: PLC0415

    with pytest.raises(TypeError, match="token, card") as exc_info:
        _key_values(InstanceStatements(Client, "shop"), (SECRET, GOOD, 3))

    assert SECRET not in full_text(exc_info.value)


class Shaded(str, enum.Enum):
    """An enum of strings."""

    DARK = "dark"


class Coat(UserType, name="coat"):
    """A redacted field with a converter for loading."""

    size: int
    shade: Shaded = column(redact=True, default=Shaded.DARK)


class Closet(Model, table="closets", repo="secrets"):
    """Columns with values that cannot be loaded."""

    token: Column[str] = partition_key(redact=True)
    coat: Column[Coat | None] = column(default=None)
    coats: Column[list[Coat]] = column(factory=list)
    shade: Column[Shaded | None] = column(default=None, redact=True)


BROKEN = [
    (SECRET, (1, SECRET), None, None),
    (SECRET, None, [(1, SECRET)], None),
    (SECRET, None, None, SECRET),
]


@pytest.mark.parametrize("row", BROKEN, ids=itertools.count())
def test_a_stored_value_that_cannot_be_loaded_is_not_quoted(row):
    """An error about loading quotes neither the value nor redacted parts of the row's key."""
    shape = select(Closet).whole_table().compile("shop").template
    with pytest.raises(LoadError) as exc_info:
        load_rows(shape, [row])

    assert SECRET not in full_text(exc_info.value)
    assert "not shown" in str(exc_info.value)


CLIENT = row(pin=SECRET, card=GOOD, purse=Purse(main=GOOD), notes={SECRET: SECRET})
STEP = plan_step(RawStep(f"ALTER ROLE app WITH PASSWORD = '{SECRET}'"))
PLAN = Plan("k", "cassandra", "sha256:0", "sha256:1", steps=(STEP,))
BULK = BulkReport(1, 1, 1, 0, (RowError(0, CLIENT, errors.TypeMismatch("no")),), 0.1)
KEY = {"token": SECRET, "card": GOOD}

PLANTED = {
    "AsyncRepo": lambda: Repo(nodes=["h"], keyspace="k", username="u", password=SECRET, page_secret=SECRET * 6).aio(),
    "BackfillReport": lambda: BackfillReport(
        "a", False, 1, 1, 1, 0, 0, 1, (FailedRow(display_key(Client, KEY), "no"),), 0.1
    ),
    "BulkReport": lambda: BULK,
    "Column": lambda: Client.pin,
    "Event": lambda: Event("step_started", PLAN, STEP),
    "LWTResult": lambda: LWTResult(applied=False, current=CLIENT),
    "LedgerStep": lambda: scyllamodel.LedgerStep("k", 1, 1, STEP.op, STEP.object, STEP.cql, STEP.undo),
    "Migration": lambda: scyllamodel.Migration("k", 1, steps=(PLANTED["LedgerStep"](),)),
    "MigrationResult": lambda: MigrationResult("applied", PLAN),
    "Model": lambda: CLIENT,
    "Page": lambda: Page([CLIENT], None),
    "PartialRow": lambda: PartialRow(Client, {"pin": SECRET, "open_card": GOOD}),
    "Plan": lambda: PLAN,
    "RawStep": lambda: RawStep(f"ALTER ROLE app WITH PASSWORD = '{SECRET}'", undo=f"SELECT '{SECRET}'"),
    "Repo": lambda: Repo(nodes=["h"], keyspace="k", username="u", password=SECRET),
    "Statement": lambda: select(Client).where(Client.token == SECRET),
    "UserType": lambda: GOOD,
}
"""A public class, and an instance with the secret in it."""

VALUELESS = """
    BackfillProgress CheckResult Diagnostic ExpandContractPlan Index KeyspaceResult LockHolder LockUse MaterializedView
    QueryEvent SchemaDiff Stage Status TableOptions WaitResult
""".split()
"""Those that hold names, numbers and texts of schemas, and never a value of a row."""

STATEMENTS = [
    select(Client).where(Client.token.in_([SECRET])),
    insert(CLIENT),
    insert(CLIENT).if_not_exists(),
    insert(CLIENT).compile("k"),
    update(Client).where(Client.token == SECRET).set(Client.pin.to(SECRET), Client.notes.add({SECRET: SECRET})),
    update(Client).where(Client.token == SECRET).set(Client.pin.to(SECRET)).if_(Client.pin == SECRET),
    delete(Client).where(Client.token == SECRET),
    InstanceStatements(Client, "k").insert(CLIENT),
    Client.notes[SECRET] == SECRET,
    Client.pin.to(SECRET),
]


def public_classes():
    """The public classes of the package, except errors."""
    by_name = {name: getattr(scyllamodel, name) for name in scyllamodel._HOME}
    return {name for name, item in by_name.items() if inspect.isclass(item) and not issubclass(item, ScyllaModelError)}


def test_each_public_class_is_looked_at():
    """Every public class is either tested with a secret or listed as one without values."""
    assert public_classes() == {*PLANTED, *VALUELESS}


def text(item):
    """Everything that an object shows: repr, strings, parts, JSON and pickle."""
    values = [repr(item), f"{item}", "%s" % (item,)]  # noqa: UP031 - that is one of the ways
    ways = [getattr(item, name) for name in ("to_dict", "render", "_repr_html_") if hasattr(item, name)]
    values += [json.dumps(show(), default=repr) for show in ways]
    return "\n".join(values)


@pytest.mark.parametrize("name", PLANTED)
def test_no_public_class_shows_a_secret(name):
    """No text of a public class contains a secret."""
    assert SECRET not in text(PLANTED[name]())


@pytest.mark.parametrize("item", STATEMENTS, ids=range(len(STATEMENTS)))
def test_no_statement_or_part_of_one_shows_a_secret(item):
    """No text of a statement or a part of one contains a secret, whatever wraps the value."""
    for wrapped in (item, [item], {"a": item}, (item,), Event("finished", result=item)):
        assert SECRET not in text(wrapped)


@pytest.mark.parametrize("name", ["Plan", "MigrationResult", "LedgerStep", "Migration", "BackfillReport", "Event"])
def test_no_pickle_of_a_report_holds_a_secret(name):
    """A pickled report, which may be sent to other processes or stored, contains no secret."""
    pickled = pickle.dumps(PLANTED[name]())

    assert SECRET.encode() not in pickled
    assert SECRET not in text(pickle.loads(pickled))


def raised(verb):
    """The error of a call, with only the frames of the package."""
    try:
        verb()
    except ScyllaModelError as error:
        while error.__traceback__ and "/tests/" in error.__traceback__.tb_frame.f_code.co_filename:
            error.__traceback__ = error.__traceback__.tb_next
        return error
    raise AssertionError


@pytest.mark.parametrize("row", BROKEN, ids=itertools.count())
def test_no_local_of_a_failed_load_holds_a_secret(row):
    """The locals in the traceback of a failed load, which some tools record, do not contain the row."""
    shape = select(Closet).whole_table().compile("shop").template
    for load in (lambda: load_rows(shape, [row]), lambda: load_row(shape, row)):
        error = raised(load)
        output = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())

        assert isinstance(error, LoadError)
        assert SECRET not in full_text(error) + output


def test_a_row_that_fails_as_a_whole_is_not_quoted():
    """An error about a whole row, which may contain a redacted value, does not quote it."""
    shape = select(Closet).whole_table().compile("shop").template
    error = load_error(shape, (SECRET, None, None, None), ValueError(f"what is {SECRET}?"))

    assert "cannot be loaded (ValueError)" in str(error)
    assert SECRET not in full_text(error)


def test_the_rest_of_the_package_that_wraps_rows():
    """Reads of unresolved outcomes, backfill tasks and errors of bulk runs contain no secret."""
    task = RowTask.build(Client, Client, None, "k")
    read = Select(Client, conditions=(Client.token == SECRET,))
    error = errors.UnknownOutcome("no answer", query=read, may_be_applied=True)
    bulk = errors.BulkWriteError("one failed", report=BULK)

    assert SECRET not in "".join(map(text, (task, read, error, bulk, BULK.errors, Card)))
    assert SECRET not in f"{error}{error!r}{vars(error)}{json.dumps(error.to_dict())}"  # its pickle can be resolved
