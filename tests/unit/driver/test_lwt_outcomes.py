"""The outcome of a conditional write, for every shape of answer that real servers gave."""

from __future__ import annotations

import pytest

from scyllamodel import Column, Model, clustering_key, column, partition_key
from scyllamodel.driver.data.messages import Response
from scyllamodel.driver.data.requests import lwt_result
from scyllamodel.query.results import PartialRow
from support.scylla_observed import scylla_cases


class Whole(Model, table="t"):
    """The simple tables of the recorded cases."""

    a: Column[int] = partition_key()
    v: Column[int | None] = column(default=None)
    w: Column[str | None] = column(default=None)


class Keyed(Model, table="t"):
    """The table with a static column of the recorded cases."""

    a: Column[int] = partition_key()
    b: Column[int] = clustering_key()
    s: Column[int | None] = column(static=True, default=None)
    v: Column[int | None] = column(default=None)


class Sent(Response):
    """Rows as a server sent them, without a request of the driver."""

    def __init__(self, names, *rows):
        super().__init__(None, [tuple(row) for row in rows])
        self._names = tuple(names.split())

    @property
    def column_names(self):
        """The names of the columns."""
        return self._names


def recorded():
    """Each recorded answer to a conditional statement, with its statement."""
    for key, case, messages in scylla_cases("l_lwt", "steps"):
        for cql, result in zip(case["steps"], messages, strict=False):
            if isinstance(result, dict) and result["cols"].startswith("[applied]"):
                yield pytest.param(result["cols"], result["rows"], id=f"{key} {case['case']}: {cql}"[:110])


@pytest.mark.parametrize(("names", "rows"), list(recorded()))
def test_a_recorded_answer_is_never_an_instance_of_nulls(names, rows):
    """The outcome is the server's, an instance has its whole key, and a row of nulls is not a row."""
    model = Keyed if {"b", "s"} & set(names.split()) else Whole

    result = lwt_result(model, Sent(names, *rows))

    assert rows[0][0] is result.applied
    if isinstance(result.current, Model):
        assert None not in (result.current.a, getattr(result.current, "b", 0))
    if not result.applied:
        assert (result.current is None) == all(value is None for row in rows for value in row[1:])


CASES = [
    (Whole, Sent("[applied] v", [False, None]), None),
    (Whole, Sent("[applied] a v w", [False, None, None, None]), None),
    (Whole, Sent("[applied]", [False]), None),
    (Whole, Sent("[applied] a v w", [False, 1, None, None]), Whole(a=1)),
    (Keyed, Sent("[applied] a b s v", [False, None, None, None, None]), None),
    (Keyed, Sent("[applied] a b s v", [False, 1, 1, 6, 6]), Keyed(a=1, b=1, s=6, v=6)),
    (Keyed, Sent("[applied] a b s v", [False, None, None, None, None], [False, 1, 2, None, 5]), Keyed(a=1, b=2, v=5)),
    (None, Sent("[applied] a v", [False, 1, 1]), None),
]


@pytest.mark.parametrize(("model", "sent", "current"), CASES)
def test_current_is_the_first_row_that_exists(model, sent, current):
    """The current row is the first that is not all nulls, which ScyllaDB sends for missing rows and in batches."""
    result = lwt_result(model, sent)

    assert not result
    assert current == result.current


def test_a_partition_without_the_row_shows_its_static_values():
    """A null clustering column means that only the static part exists, so the result is a partial row."""
    result = lwt_result(Keyed, Sent("[applied] a b s v", [False, 1, None, 5, None]))

    assert isinstance(result.current, PartialRow)
    assert {"a": 1, "s": 5} == dict(result.current)


def test_an_applied_batch_of_unconditional_rows_is_applied():
    """The rows that an applied write returns are previous values, so there is no current row."""
    result = lwt_result(Keyed, Sent("[applied] a b v", [True, 1, 1, 1], [True, 1, None, None]))

    assert result
    assert result.current is None
