"""Pauses, polling and retrying, on a clock that only moves when something sleeps."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scyllamodel._backoff import Backoff, Clock, poll, retry


@attrs.define
class Time:
    """A clock, and the pauses that were requested."""

    now: float = 0.0
    pauses: list[float] = attrs.field(factory=list)

    def sleep(self, seconds):
        """Advance the clock."""
        self.pauses.append(seconds)
        self.now += seconds

    def clock(self, jitter=1.0):
        """The clock, with a constant instead of a random number."""
        return Clock(lambda: self.now, self.sleep, lambda: jitter)


def results_of(*results):
    """A probe with these results, the last of which is repeated."""
    remaining = list(results)
    return lambda: remaining.pop(0) if len(remaining) > 1 else remaining[0]


@given(st.floats(0.001, 10), st.floats(0.001, 100), st.integers(0, 10_000))
def test_pauses_never_get_shorter_and_end_at_the_longest(first, longest, nth):
    """Pauses grow up to the longest one, and a large attempt number does not overflow."""
    backoff = Backoff(first, longest)

    assert 0 < backoff.pause(nth) <= backoff.pause(nth + 1) <= longest


@pytest.mark.parametrize(("jitter", "seconds"), [(0.0, 2.0), (0.5, 3.0), (1.0, 4.0)])
def test_jitter_takes_off_up_to_half_of_a_pause(jitter, seconds):
    """Random jitter shortens a pause by at most half, so that several processes do not retry together."""
    time = Time()
    time.clock(jitter).pause(4.0)

    assert [seconds] == time.pauses


def test_a_poll_ends_with_the_desired_result():
    """The pauses double between probes, and there is none after the last probe."""
    time = Time()
    result = poll(results_of(1, 2, 3), until=lambda n: n == 3, timeout=60, backoff=Backoff(1, 8), clock=time.clock())

    assert (3, [1, 2]) == (result, time.pauses)


def test_a_poll_ends_when_the_time_is_over():
    """The last pause is shortened to the timeout, then there is one more probe, and its result is returned."""
    time = Time()
    result = poll(results_of(*range(9)), until=lambda _: False, timeout=6, backoff=Backoff(1, 8), clock=time.clock())

    assert (3, [1, 2, 3]) == (result, time.pauses)


def test_a_poll_without_time_probes_once():
    """With a timeout of zero, or one that has passed, the poll does not sleep."""
    for timeout in (0, -1):
        time = Time()

        assert (
            poll(results_of(7), until=lambda _: False, timeout=timeout, backoff=Backoff(1, 1), clock=time.clock()) == 7
        )
        assert [] == time.pauses


def test_progress_starts_the_time_of_a_poll_again():
    """The poll ends after three seconds without progress, however long it took in total."""
    time = Time()
    probe = results_of(5, 5, 4, 4, 3, 3, 3, 3, 3)
    result = poll(
        probe, until=lambda n: n == 0, timeout=3, backoff=Backoff(1, 1), clock=time.clock(), progress=lambda n: n
    )

    assert (3, 7.0) == (result, time.now)


def test_an_error_of_a_probe_ends_the_poll():
    """An error of the probe is raised and not retried."""
    with pytest.raises(ZeroDivisionError):
        poll(lambda: 1 // 0, until=bool, timeout=60, backoff=Backoff(1, 1), clock=Time().clock())


@pytest.mark.parametrize(
    ("errors", "pauses", "outcome"),
    [
        ((), [], "done"),
        ((OSError(), OSError()), [1, 2], "done"),
        ((OSError(), OSError(), OSError("last")), [1, 2], "last"),
        ((OSError(), ValueError("fatal")), [1], "fatal"),
    ],
)
def test_transient_errors_are_retried(errors, pauses, outcome):
    """An error is raised if it is not transient, or after the last attempt."""
    time, remaining = Time(), list(errors)

    def request():
        if remaining:
            raise remaining.pop(0)
        return "done"

    try:
        result = retry(
            request,
            is_transient=lambda error: isinstance(error, OSError),
            attempts=3,
            backoff=Backoff(1, 8),
            clock=time.clock(),
        )
    except (OSError, ValueError) as error:
        result = str(error)

    assert (outcome, pauses) == (result, time.pauses)
