"""Durations of CQL."""

from __future__ import annotations

import pickle

import pytest
from cassandra.cqltypes import DurationType
from hypothesis import given

from scyllamodel.types import Duration
from scyllamodel.types.converters import load_duration
from support.strategies import durations


@pytest.mark.parametrize(
    ("duration", "text"),
    [
        (Duration(), "0ns"),
        (Duration(1, 2, 3), "1mo2d3ns"),
        (Duration(-1, -2, -3), "-1mo2d3ns"),
        (Duration(days=7), "7d"),
        (Duration(nanoseconds=-(2**63)), "-9223372036854775808ns"),
    ],
)
def test_text_is_a_cql_literal(duration, text):
    """The text of a duration is a literal in CQL."""
    assert text == str(duration)


@given(durations)
def test_the_driver_takes_it_and_gives_it_back(duration):
    """A duration is serialized by the driver, and the loaded one is equal."""
    decoded = DurationType.deserialize(DurationType.serialize(duration, 4), 4)

    assert duration == load_duration(decoded)


@pytest.mark.parametrize("parts", [(1, -1, 0), (0, 1, -1), (-1, 0, 1)])
def test_parts_share_one_sign(parts):
    """Parts with different signs are refused, as by servers."""
    with pytest.raises(ValueError, match="must have the same sign"):
        Duration(*parts)


@pytest.mark.parametrize("parts", [(2**31, 0, 0), (0, -(2**31) - 1, 0), (0, 0, 2**63)])
def test_parts_fit_their_width(parts):
    """Months and days have 32 bits, and nanoseconds 64 bits."""
    with pytest.raises(ValueError, match="the range of CQL is"):
        Duration(*parts)


@pytest.mark.parametrize("invalid_value", [1.0, "1", True, None])
def test_parts_are_whole_numbers(invalid_value):
    """Parts that are not integers are refused, and never rounded."""
    with pytest.raises(TypeError, match="an int is required"):
        Duration(days=invalid_value)


def test_it_has_no_order():
    """Durations cannot be ordered, since a month does not have a fixed number of days."""
    with pytest.raises(TypeError, match="not supported"):
        Duration(1) < Duration(2)  # noqa: B015 - the comparison is the claim


def test_it_is_a_frozen_value():
    """A duration is hashable, can be pickled, and cannot be changed."""
    item = Duration(1, 2, 3)

    assert {item} == {pickle.loads(pickle.dumps(item))}
    with pytest.raises(AttributeError):
        item.days = 5
