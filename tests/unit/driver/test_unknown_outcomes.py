"""Instances after a write without an answer: their stored values are uncertain, and the next save writes them again."""

from __future__ import annotations

import asyncio
import copy
import pickle

import pytest

from scyllamodel import (
    Column,
    LoadError,
    Model,
    RequestTimeout,
    TypeMismatch,
    UnknownOutcome,
    UserType,
    column,
    partition_key,
)
from scyllamodel.driver.data import operations
from scyllamodel.driver.data.messages import Response
from scyllamodel.model.change_tracking import changed_columns, current_values, has_unresolved_transaction, is_loaded
from scyllamodel.query.batch import Batch
from scyllamodel.query.instances import NO_WRITE_OPTIONS
from scyllamodel.query.statement import UNSET
from support.strategies import Status

TIMEOUT = RequestTimeout("no answer", may_be_applied=True)


class Spot(UserType, name="spot"):
    """A user type whose fields are changed one by one."""

    x: int
    y: int | None = None


class Doc(Model, table="docs", repo="unknown"):
    """A column of each kind that is written by its differences."""

    id: Column[int] = partition_key()
    x: Column[str | None] = column(default=None)
    y: Column[str | None] = column(default=None)
    tags: Column[list[str]] = column(factory=list)
    words: Column[set[str]] = column(factory=set)
    counts: Column[dict[str, int]] = column(factory=dict)
    spot: Column[Spot | None] = column(default=None)


class Coded(Model, table="coded", repo="unknown"):
    """A column whose stored value may be unknown to this release."""

    id: Column[int] = partition_key()
    status: Column[Status] = column()


def loaded():
    """An instance as it was loaded."""
    return Doc.__load__((1, "a", "kept", ["one"], {"w"}, {"k": 1}, None))


def saving(row, **keywords):
    """The operation of a save."""
    return operations.save(row, "shop", NO_WRITE_OPTIONS, if_exists=keywords.get("exists", False), nulls=False)


def fail(flow, error=TIMEOUT):
    """Send the first request of an operation and raise this error for it; return what was sent."""
    step = next(flow)
    with pytest.raises(type(error)):
        flow.throw(error)
    return step.compiled


def statements_of(flow, *answers):
    """The statements of an operation, each answered with these rows, the last ones with none."""
    results, remaining = [], iter(answers)
    try:
        step = next(flow)
        while True:
            results.append(step.compiled)
            step = flow.send(Response(None, next(remaining, [])))
    except StopIteration:
        return results


def assigned(compiled):
    """What an UPDATE sets, or an INSERT writes, by column; what is unset is left out."""
    text = compiled.template.cql
    if text.startswith("UPDATE"):
        names = [part.split()[0] for part in text.split(" SET ")[1].split(" WHERE ")[0].split(", ")]
        assert text.count("+") == text.count(" - ") == 0, text
    else:
        names = text.split("(")[1].split(")")[0].split(", ")
    pairs = zip(names, compiled.values, strict=False)
    return {name: value for name, value in pairs if value is not UNSET and name != "id"}


@pytest.mark.parametrize("error", [TIMEOUT, asyncio.CancelledError(), KeyboardInterrupt(), GeneratorExit()], ids=repr)
def test_a_change_that_is_taken_back_is_written(error):
    """A value that is changed back is written again, since it is unknown whether the first save was applied."""
    row = loaded()
    row.x = "b"
    fail(saving(row), error)
    row.x = "a"

    (update,) = statements_of(saving(row))

    assert {"x": "a"} == assigned(update)
    assert [] == statements_of(saving(row))


def test_what_was_not_sent_stays_known():
    """An error that says that nothing was applied leaves all columns certain."""
    row = loaded()
    row.x = "b"
    for error in (TypeMismatch("no"), RequestTimeout("refused", may_be_applied=False)):
        fail(saving(row), error)
    row.x = "a"

    assert [] == statements_of(saving(row))


def test_collections_are_written_whole():
    """Uncertain collections and user types are written whole, since an append could be applied twice."""
    row = loaded()
    row.tags.append("two")
    row.words.add("v")
    row.counts["l"] = 2
    row.spot = Spot(x=1)
    fail(saving(row))
    row.words.discard("v")
    row.counts.pop("l")

    (update,) = statements_of(saving(row))

    assert {"tags": ["one", "two"], "words": {"w"}, "counts": {"k": 1}, "spot": Spot(x=1)} == assigned(update)
    assert [] == statements_of(saving(row))


def test_columns_of_other_writes_are_not_written_again():
    """Several writes without an answer make only their own columns uncertain."""
    row = loaded()
    row.x = "b"
    fail(saving(row))
    row.tags.append("two")
    fail(saving(row))

    assert {"x": "b", "tags": ["one", "two"]} == assigned(*statements_of(saving(row)))


def test_a_new_row_stays_new():
    """The next save is another INSERT, in which columns that the first one may have set are null."""
    row = Doc(id=1, x="b", tags=["one"])
    fail(saving(row))
    row.x, row.tags = None, []

    (insert,) = statements_of(saving(row))

    assert insert.template.cql.startswith("INSERT")
    assert {"x": None, "tags": []} == assigned(insert)
    assert [] == statements_of(saving(row))


def test_a_row_that_may_be_deleted_is_written_whole():
    """After a delete without an answer, the next save is an INSERT of all columns, with nulls."""
    row = loaded()
    fail(operations.delete(row, "shop", if_exists=False, timestamp=None))
    assert not is_loaded(row)
    row.y = None

    (insert,) = statements_of(saving(row))

    whole = {"x": "a", "y": None, "tags": ["one"], "words": {"w"}, "counts": {"k": 1}, "spot": None}
    assert insert.template.cql.startswith("INSERT")
    assert whole == assigned(insert)


def test_a_conditional_write_is_resolved_first():
    """A read at SERIAL comes before the next save, which sends the difference to what was read."""
    row = loaded()
    row.x = "b"
    fail(saving(row, exists=True), UnknownOutcome("who knows", query=None, may_be_applied=True))

    read, update = statements_of(saving(row), [(1, "c", "theirs", ["one"], {"w"}, {"k": 1}, None)])

    assert "SERIAL" == read.options.consistency
    assert {"x": "b", "y": "kept"} == assigned(update)


def test_a_row_that_cannot_be_loaded_leaves_it_unresolved():
    """If the row cannot be loaded, the error is raised and the transaction stays unresolved."""
    row = Coded.__load__((1, "new"))
    row.status = Status.PAID
    fail(saving(row, exists=True), UnknownOutcome("who knows", query=None, may_be_applied=True))
    with pytest.raises(LoadError):
        statements_of(saving(row), [(1, "of a later release")])

    assert is_loaded(row)
    assert has_unresolved_transaction(row)


def test_a_conditional_write_whose_row_is_gone_is_an_insert():
    """If the read finds no row, the instance counts as a new one."""
    row = loaded()
    row.x = "b"
    fail(saving(row, exists=True), UnknownOutcome("who knows", query=None, may_be_applied=True))

    _, insert = statements_of(saving(row))

    assert insert.template.cql.startswith("INSERT")


def test_a_batch_without_an_answer():
    """A batch without an answer makes the columns of each of its instances uncertain."""
    row, new = loaded(), Doc(id=2, x="n")
    row.x = "b"
    batch = Batch("shop")
    batch.save(row)
    batch.save(new)
    flow = operations.send_batch(batch._take_writes())
    next(flow)
    with pytest.raises(RequestTimeout):
        flow.throw(TIMEOUT)
    row.x, new.x = "a", None

    assert {"x": "a"} == assigned(*statements_of(saving(row)))
    assert {"x": None} == assigned(*statements_of(saving(new)))


def test_a_refresh_knows_the_row_again():
    """After a refresh, the next save compares with the values that were read."""
    row = loaded()
    row.x = "b"
    fail(saving(row))
    statements_of(operations.refresh(row, "shop"), [(1, "a", "kept", ["one"], {"w"}, {"k": 1}, None)])

    assert "a" == row.x
    assert [] == statements_of(saving(row))


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda row: pickle.loads(pickle.dumps(row))])
def test_copies_do_not_know_either(copied):
    """Copied and pickled instances have the same uncertain columns."""
    row = loaded()
    row.x = "b"
    fail(saving(row))
    row.x = "a"

    assert {"x": "a"} == assigned(*statements_of(saving(copied(row))))


def test_what_is_unknown_is_shown_so():
    """The repr of a change shows an uncertain value as unknown."""
    row = loaded()
    row.x = "b"
    fail(saving(row))

    (change,) = changed_columns(row, current_values(row))

    assert "<Change Doc.x from unknown to 'b'>" == repr(change)


def test_key_columns_are_never_unknown():
    """The key of a loaded instance stays certain after an insert without an answer, so the next save is an UPDATE."""
    row = loaded()
    fail(operations.insert(row, "shop", NO_WRITE_OPTIONS, if_not_exists=False, nulls=False))

    (update,) = statements_of(saving(row))

    assert update.template.cql.startswith("UPDATE")
    assert {"x", "y", "tags", "words", "counts"} == set(assigned(update))
