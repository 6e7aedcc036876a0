"""Numbers of builders, verbs and settings, checked in one place and before anything is sent."""

from __future__ import annotations

import math
from uuid import UUID

import pytest

from scyllamodel import ConfigurationError, Repo, delete, insert, select, update, wait
from scyllamodel.driver.data.bulk_api import BulkOperations
from scyllamodel.query.batch import Batch
from scyllamodel.release.engine.locked_run import Timeouts
from support.query_models import Order, Plain
from support.sync_and_async import WAYS, run_in_mode

ID = UUID(int=1)
ROW = Plain(id=ID)
N = select(Plain).where(Plain.id == ID)
U = update(Plain).where(Plain.id == ID).set(Plain.name.to("x"))
MAX_TTL = 630_720_000

WHOLE = {
    "limit": (N.limit, 1, 2**31 - 1),
    "per_partition_limit": (N.per_partition_limit, 1, 2**31 - 1),
    "ttl of update": (U.ttl, 0, MAX_TTL),
    "ttl of insert": (insert(ROW).ttl, 0, MAX_TTL),
    "timestamp of update": (U.timestamp, -(2**63) + 1, 2**63 - 1),
    "timestamp of insert": (insert(ROW).timestamp, -(2**63) + 1, 2**63 - 1),
    "timestamp of delete": (delete(Plain).where(Plain.id == ID).timestamp, -(2**63) + 1, 2**63 - 1),
    "timestamp of batch": (Batch("shop").timestamp, -(2**63) + 1, 2**63 - 1),
    "ttl in batch": (lambda n: Batch("shop").save(ROW, ttl=n), 0, MAX_TTL),
    "concurrency": (lambda n: BulkOperations(None, "shop", n), 1, 2**31 - 1),
}
WRONG_TYPES = ["5", 1.5, True, 2.0, math.nan]


@pytest.mark.parametrize(("give", "least", "most"), WHOLE.values(), ids=WHOLE)
def test_integers_have_bounds(give, least, most):
    """Integers at the bounds are accepted, and those beyond them are refused."""
    give(least)
    give(most)
    for invalid_value in (least - 1, most + 1, *WRONG_TYPES):
        with pytest.raises(ValueError, match="expected an integer from"):
            give(invalid_value)


SECONDS = {
    "timeout of select": N.timeout,
    "timeout of update": U.timeout,
    "server_timeout": N.server_timeout,
    "timeout of batch": Batch("shop").timeout,
}


@pytest.mark.parametrize("give", SECONDS.values(), ids=SECONDS)
def test_timeouts_are_seconds_above_zero(give):
    """Strings, NaN and infinity are not accepted as timeouts."""
    give(0.5)
    for invalid_value in (0, -1, "5", True, math.nan, math.inf):
        with pytest.raises(ValueError, match="expected a number of seconds"):
            give(invalid_value)


@pytest.fixture
def repo():
    """A repo that is never connected."""
    return Repo(nodes=["127.0.0.1:1"], keyspace="shop")


VERBS = {
    "page": lambda repo, n: repo.page(N, size=n),
    "stream": lambda repo, n: repo.stream(N, page_size=n),
    "scan": lambda repo, n: repo.scan(Plain, page_size=n),
    "scan parallelism": lambda repo, n: repo.scan(Plain, parallelism=n),
}
WRITES = {
    "save ttl": lambda repo, n: repo.save(ROW, ttl=n),
    "insert ttl": lambda repo, n: repo.insert(ROW, ttl=n),
    "save timestamp": lambda repo, n: repo.save(ROW, timestamp=n and -(2**63)),
    "delete timestamp": lambda repo, n: repo.delete(ROW, timestamp=n and -(2**63)),
}


@pytest.mark.parametrize("invalid_value", [0, -1, "5", 1.5, 2**31])
@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
@pytest.mark.parametrize("mode", WAYS)
def test_sizes_of_reading_verbs_are_checked(repo, mode, verb, invalid_value):
    """A page size of zero and one that is a string are refused before the driver gets them."""
    with pytest.raises(ValueError, match="expected an integer from 1 to"):
        run_in_mode(mode, lambda value: verb(value, invalid_value), repo)


@pytest.mark.parametrize("invalid_value", [-1, "5", MAX_TTL + 1, 1.5])
@pytest.mark.parametrize("verb", WRITES.values(), ids=WRITES)
@pytest.mark.parametrize("mode", WAYS)
def test_numbers_of_writing_verbs_are_checked(repo, mode, verb, invalid_value):
    """Builders and methods use the same check."""
    with pytest.raises(ValueError, match="expected an integer from"):
        run_in_mode(mode, lambda value: verb(value, invalid_value), repo)


@pytest.mark.parametrize("name", ["lock", "agreement", "step"])
def test_timeouts_of_releases_are_checked(name):
    """A timeout of zero is accepted, and negative, textual and NaN timeouts are refused."""
    assert 0 == getattr(Timeouts(**{name: 0}), name)
    for invalid_value in (-1, "5", math.nan):
        with pytest.raises(ValueError, match=f"{name}_timeout="):
            Timeouts(**{name: invalid_value})


def test_waiting_for_a_release_has_a_timeout(repo):
    """An invalid timeout of `wait` is refused before anything is sent."""
    with pytest.raises(ValueError, match="timeout='5'"):
        wait(repo, timeout="5")


@pytest.mark.parametrize(
    ("setting", "value"), [("slow_query", -1), ("slow_query", math.nan), ("request_timeout", math.inf)]
)
def test_times_among_the_settings_are_checked(setting, value):
    """Timeouts in the settings are checked like those of methods."""
    with pytest.raises(ConfigurationError, match=f"{setting}="):
        Repo(nodes=["h"], keyspace="shop", **{setting: value})


def test_an_integer_of_another_library_is_taken():
    """Any object with ``__index__``, such as a numpy integer, is accepted as an integer."""

    class Five:
        def __index__(self):
            return 5

    assert 5 == select(Order.seq).limit(Five()).row_limit
