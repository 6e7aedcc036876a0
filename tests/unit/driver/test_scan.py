"""The position of a scan is signed, and its contents are checked against limits before they are used."""

from __future__ import annotations

import json
import tracemalloc

import pytest

from scyllamodel import Column, InvalidPageToken, Model, partition_key
from scyllamodel.driver.data.page_tokens import PageKey, make_token
from scyllamodel.driver.data.scan import MAX_POSITION_LENGTH, ScanCursor

KEYS = (PageKey.from_secret(b"a secret of this service"),)
OTHERS = (PageKey.from_secret(b"a secret of another service"),)


class Lone(Model, table="lones", repo="positions"):
    """A table to scan."""

    id: Column[int] = partition_key()


def scan_with(position=None, keys=KEYS):
    """A scan with these secrets."""
    cursor = ScanCursor(Lone, "shop", parallelism=2, page_size=10, position=position, on_progress=None)
    cursor.set_keys(keys)
    return cursor


def position(state):
    """A signed position with this state."""
    return make_token(scan_with().full_statement, json.dumps(state).encode(), KEYS)


def test_a_position_resumes_the_ranges_that_are_open():
    """A position contains the paging states of the open ranges and the number of finished ones."""
    first = scan_with()
    left, two, *_ = first.ranges
    first.mark_delivered(left, 3, None)
    first.mark_delivered(two, 5, b"state")
    second = scan_with(first.position)

    assert (8, 1, first.position) == (second.range_count, second.progress.done, second.position)
    assert [(part.low, part.high, part.paging_state) for part in first.ranges[1:]] == [
        (part.low, part.high, part.paging_state) for part in second.ranges
    ]


def test_a_position_is_verified_before_it_is_read():
    """A position with another secret, or with one letter changed, is refused."""
    value = scan_with().position
    for invalid, keys in ((value, OTHERS), (value[:-5] + ("A" if value[-5] != "A" else "B") + value[-4:], KEYS)):
        with pytest.raises(InvalidPageToken, match="not signed with the secret"):
            scan_with(invalid, keys)


@pytest.mark.parametrize(
    "state",
    [
        [10**9, []],
        [-1, []],
        [0, [[0, 1, None]]],
        [True, []],
        [1.5, []],
        [4, [[0, 2**70, None]]],
        [4, [["0", 1, None]]],
        [4, [[0, 1]]],
        [4, [[0, 1, 5]]],
        [4, [[0, 1, "\x7f"]]],
        [4, 4],
        [4],
        {},
        None,
    ],
    ids=lambda state: json.dumps(state)[:30],
)
def test_what_cannot_be_a_position_is_refused(state):
    """Contents that are not those of a position are refused although they are signed."""
    with pytest.raises(InvalidPageToken, match="Not a scan position"):
        scan_with(position(state))


def test_a_deep_position_is_refused():
    """Deeply nested lists are refused without exhausting the stack."""
    deep = make_token(scan_with().full_statement, b"[" * 100_000, KEYS)
    with pytest.raises(InvalidPageToken, match="Not a scan position"):
        scan_with(deep)


def test_a_position_of_many_ranges_costs_little():
    """The number of finished ranges is stored, and no objects are created for them."""
    many = position([100_000, []])
    tracemalloc.start()
    result = scan_with(many)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert (100_000, 100_000) == (result.progress.done, result.progress.ranges)
    assert peak < 1_000_000


def test_a_position_that_is_too_long_is_not_decoded():
    """A position that is too long is refused before it is decoded."""
    with pytest.raises(InvalidPageToken, match="too long"):
        scan_with("A" * (MAX_POSITION_LENGTH + 1), ())
