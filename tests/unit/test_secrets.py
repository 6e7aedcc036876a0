"""Redacted values appear nowhere: planted in every kind of place, searched for in all that is formatted."""

from __future__ import annotations

import enum
import itertools
import json
import pickle
import traceback
from typing import Any

import attrs
import pytest
from through_driver import prepared

from scyllamodel import Column, Model, UserType, clustering_key, column, insert, partition_key, select, update
from scyllamodel import types as cql
from scyllamodel.driver.binder import make_bind
from scyllamodel.driver.bulk_report import BulkReport, RowError
from scyllamodel.driver.loading import load_rows
from scyllamodel.errors import BulkWriteError, LoadError, TypeMismatch
from scyllamodel.query.memory import memory_of
from scyllamodel.query.objects import Access
from scyllamodel.query.results import LWTResult, PartialRow

SECRET = "s3cr3t"


class Card(UserType, name="card"):
    """A field that is shown, and one that is not."""

    holder: str
    number: str = column(redact=True)


class Purse(UserType, name="purse"):
    """A secret one floor deeper, alone and in a collection."""

    main: Card
    others: cql.Frozen[list[Card]] = attrs.field(factory=list)


class Wallet:
    """A class of the application's own over a user type."""

    def __init__(self, number: str) -> None:
        self.number = number

    def __repr__(self) -> str:
        return f"Wallet({self.number})"


def card_of(wallet: Wallet) -> Any:
    """What the driver takes for a wallet; fails with the secret in its words."""
    raise ValueError(f"not a card: {wallet.number}")


def refuse(*found: Any) -> Any:
    """A validator that quotes what it refuses."""
    raise ValueError(f"refused {found[-1]!r}, of {SECRET}")


class Client(Model, table="clients", repo="secrets"):
    """A secret in every kind of place."""

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
    """Validators and converters that quote their value."""

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


def said(error: BaseException) -> str:
    """All that an error says anywhere: text, repr, attributes, JSON, pickle, causes, contexts, tracebacks."""
    found = [str(error), repr(error), repr(vars(error)), "".join(traceback.format_exception(error))]
    if hasattr(error, "to_dict"):
        found += [json.dumps(error.to_dict()), pickle.dumps(error).decode("latin-1")]
    found += [said(other) for other in (error.__cause__, error.__context__) if other is not None]
    return "\n".join(found)


def row(**values):
    """A client whose columns hold these values."""
    return Client(**{"token": SECRET, "card": GOOD} | values)


@pytest.mark.parametrize(("name", "value"), LEAKS, ids=itertools.count())
def test_a_value_that_does_not_fit_is_refused_without_its_secrets(name, value):
    """By the class and by the statement, whatever is wrong with it and however deep."""
    access = Access(Client, "shop")
    write = access.insert(row(**{name: value}), nulls=True)
    shape = write.compiled.shape
    bind = make_bind(prepared(shape, SERVER), shape.markers, {"card": ("holder", "number")})
    with pytest.raises(TypeMismatch) as caught:
        bind(write.compiled.values)

    assert f"Client.{name}" in str(caught.value)
    assert name in caught.value.column
    assert SECRET not in said(caught.value)
    report = BulkReport(1, 0, 0, 0, (RowError(0, row(**{name: value}), caught.value),), 0.1)
    with pytest.raises(BulkWriteError) as bulk:
        report.raise_errors()
    assert SECRET not in f"{bulk.value}{json.dumps(bulk.value.to_dict())}{report!r}"


@pytest.mark.parametrize(("name", "value"), LEAKS, ids=itertools.count())
def test_nothing_that_is_printed_shows_a_secret(name, value):
    """Instances, statements, conditions, assignments, compiled statements, answers."""
    made, target = row(**{name: value}), getattr(Client, name)
    access = Access(Client, "shop")
    found = [
        made,
        target == value,
        target.in_([value]),
        target.to(value),
        select(Client).where(target == value),
        update(Client).set(target.to(value)),
        insert(made),
        insert(made).compile("shop"),
        access.insert(made),
        access.update(made),
        PartialRow(Client, {name: value}),
        LWTResult(applied=False, current=made),
        *memory_of(Client).markers.values(),
    ]

    assert [] == [shown for shown in map(repr, found) if SECRET in shown]
    with pytest.raises(TypeError) as caught:
        bool(target == value)
    assert SECRET not in said(caught.value)


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
    """Elements, keys and fields, as operands and as values."""
    assert SECRET not in repr(condition)


def test_fields_that_are_not_redacted_stay_readable():
    """An error and a repr hide what has to be hidden and no more."""
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
    """Of redacted columns, and of columns whose user types have redacted fields."""
    with pytest.raises(TypeMismatch) as caught:
        make()

    assert SECRET not in said(caught.value)
    assert "Checked." in str(caught.value)


def test_a_key_that_cannot_be_one_is_not_quoted():
    """``get_many`` and ``delete_many`` name the columns of the key alone."""
    from scyllamodel.driver.many import _key  # noqa: PLC0415

    with pytest.raises(TypeError, match="token, card") as caught:
        _key(Access(Client, "shop"), (SECRET, GOOD, 3))

    assert SECRET not in said(caught.value)


class Shaded(str, enum.Enum):
    """An enum of texts."""

    DARK = "dark"


class Coat(UserType, name="coat"):
    """A redacted field that is loaded by a converter."""

    size: int
    shade: Shaded = column(redact=True, default=Shaded.DARK)


class Closet(Model, table="closets", repo="secrets"):
    """Values that cannot be loaded."""

    token: Column[str] = partition_key(redact=True)
    coat: Column[Coat | None] = column(default=None)
    coats: Column[list[Coat]] = column(factory=list)
    shade: Column[Shaded | None] = column(default=None, redact=True)


@pytest.mark.parametrize(
    "row",
    [
        (SECRET, (1, SECRET), None, None),
        (SECRET, None, [(1, SECRET)], None),
        (SECRET, None, None, SECRET),
    ],
    ids=itertools.count(),
)
def test_a_stored_value_that_cannot_be_loaded_is_not_quoted(row):
    """Neither it nor a redacted part of the key of its row."""
    shape = select(Closet).whole_table().compile("shop").shape
    with pytest.raises(LoadError) as caught:
        load_rows(shape, [row])

    assert SECRET not in said(caught.value)
    assert "not shown" in str(caught.value)
