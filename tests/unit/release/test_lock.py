"""The rules of the lock, over a row in memory and a clock that advances when a caller sleeps."""

from __future__ import annotations

import contextlib
import threading
import uuid
from datetime import datetime, timezone

import attrs
import pytest

from scyllamodel.errors import ConfigurationError, LockLost, LockTimeout
from scyllamodel.release.lock import Lease, Lock, LockAcquisition, LockClock, LockRequest, LockRow, LockUpdate
from scyllamodel.schema.apply import StatementOutcomeUnknown, StatementRefused, StatementTransient

ME, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)
NODE = uuid.UUID(int=9)
NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
REQUEST = LockRequest("a test", lease_seconds=30.0, step_timeout=120.0, host="here", pid=7)


class Memory:
    """A row in memory whose ``faults`` apply in order: None, an error before, or an error after the update."""

    name = "shop"

    def __init__(self, row=None):
        self.row = row
        self.faults, self.log = [], []
        self.now = self.slept = 0.0
        self.meanwhile = lambda: None

    def world(self):
        return LockClock(lambda: self.now, self.sleep, lambda: 1.0, lambda: self.now + self.slept, lambda: NOW)

    def sleep(self, seconds):
        self.now += seconds
        self.meanwhile()

    def fault(self, when):
        error = self.faults[0] if self.faults else None
        if error is not None and error[0] == when:
            raise self.faults.pop(0)[1]
        if error is None and self.faults and when == "before":
            self.faults.pop(0)

    def read(self, *, serial):
        self.log.append("serial read" if serial else "read")
        if self.faults and self.faults[0] == "unreadable":
            raise StatementOutcomeUnknown(self.faults.pop(0))
        return self.row

    def removal_statement(self, row):
        return f"DELETE {row.name}"

    def create(self):
        self.log.append("create")
        self.row = self.row or LockRow(self.name)

    def change(self, when, to):
        self.log.append(f"{sorted(when)} -> {sorted(to)}")
        self.fault("before")
        if self.row is None or any(getattr(self.row, column) != value for column, value in when.items()):
            return LockUpdate(False, self.row and self.row.owner, self.row and self.row.epoch)
        self.row = attrs.evolve(self.row, **to)
        self.fault("after")
        return LockUpdate(True)


FREE = LockRow("shop", None, 4)
HELD_ROW = LockRow("shop", OTHER, 5, 3, 30_000, 20260101000000, 2, NODE, "there", 8, "a release", NOW)


def get(store, timeout=60.0, look=None, on_wait=None, lock_request=REQUEST):
    """Acquire the lock as `ME`."""
    return LockAcquisition(store, lock_request, store.world(), ME, timeout, look, on_wait).acquire()


def acquired(**faults):
    """A store with an acquired lock, and its lease."""
    store = Memory(FREE)
    lease = get(store)
    store.log.clear()
    return store, lease


def test_the_row_is_made_once_and_then_taken():
    """A missing row is created as free with epoch 0, and acquired with epoch 1."""
    store = Memory()
    lease = get(store)

    assert (ME, 1, 0) == store.row.identity
    assert ("here", 7, "a test", 30_000, NOW) == (
        store.row.host, store.row.pid, store.row.purpose, store.row.lease_ms, store.row.acquired_at
    )  # fmt: skip
    assert (1, False) == (lease.fencing_token, lease.took_over)


def test_a_free_lock_is_taken_at_once():
    """A free lock needs one read and one update, conditional on owner and epoch."""
    store = Memory(FREE)
    get(store)

    assert (ME, 5, 0) == store.row.identity
    assert ["read", "['epoch', 'owner']"] == [store.log[0], store.log[1].partition(" -> ")[0]]
    assert 0.0 == store.now


def test_a_silent_holder_is_replaced_after_one_lease_of_its_own():
    """A waiter takes over when the lease in the row has passed on its own clock since it first read the row."""
    store = Memory(attrs.evolve(HELD_ROW, lease_ms=10_000))
    lease = get(store)

    assert 10.0 <= store.now < 11.1
    assert (ME, 6, 0) == store.row.identity
    assert (True, NODE, NODE) == (lease.took_over, lease.previous.coordinator, lease.coordinator)
    assert (None, None) == (store.row.version, store.row.step)


def test_a_holder_that_beats_keeps_the_lock():
    """Every heartbeat restarts the lease, so the lock is acquired only after the last one."""
    store = Memory(HELD_ROW)

    def beat():
        if store.now < 100 and int(store.now) // 10 > store.row.beat - 4:
            store.row = attrs.evolve(store.row, beat=store.row.beat + 1)

    store.meanwhile = beat
    get(store)

    assert 120.0 <= store.now < 132.0


def test_the_lock_timeout_counts_time_without_progress():
    """The timeout counts the time without progress of the holder, and its error describes the holder."""
    store = Memory(attrs.evolve(HELD_ROW, acquired_at=NOW.replace(year=2025)))
    with pytest.raises(LockTimeout) as exc_info:
        get(store, timeout=20.0)
    error = exc_info.value

    assert 20.0 < store.now < 22.0
    assert (OTHER, "there", 8, "a release", 2, 365 * 86400.0) == (
        error.holder, error.host, error.pid, error.purpose, error.step, error.age
    )  # fmt: skip
    assert "process 8 on there (a release) for 31536000 s, at step 2 of version 20260101000000" in str(error)
    assert 5 == error.exit_code


def test_an_unconfirmed_free_lock_times_out():
    """If no server answers, the timeout error names no holder."""
    store = Memory(FREE)
    store.faults = [("before", StatementTransient("overloaded"))] * 1000
    with pytest.raises(LockTimeout, match="is free, but no server confirmed for 5 s") as exc_info:
        get(store, timeout=5.0)

    assert None is exc_info.value.holder
    assert "overloaded" == str(exc_info.value.__cause__)


def test_a_loser_looks_at_each_wake_up_and_goes_without():
    """A waiter checks at each wake-up whether its goal is reached, and then returns without the lock."""
    store, looks, waits = Memory(HELD_ROW), [], []
    lease = get(store, look=lambda: looks.append(1) or len(looks) == 3, on_wait=lambda row, _: waits.append(row.host))

    assert lease is None
    assert HELD_ROW == store.row
    assert ["there"] * 3 == waits


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("error", [StatementOutcomeUnknown("timeout"), StatementTransient("busy")])
def test_a_take_without_an_answer_is_settled_at_serial(when, error):
    """If the answer to the acquiring update is lost, a read at SERIAL decides, and the lock is acquired once."""
    store = Memory(FREE)
    store.faults = [(when, error)]
    lease = get(store)

    assert (ME, 5) == (store.row.owner, store.row.epoch)
    assert (5, FREE) == (lease.fencing_token, lease.previous)
    assert "serial read" == store.log[2]


def before_update(store, number, row):
    """Replace the row just before the update with this number arrives."""
    change, count = store.change, iter(range(1, 1000))

    def delayed_update(when, to):
        if next(count) == number:
            store.row = row
        return change(when, to)

    store.change = delayed_update


def test_a_refusal_that_shows_us_is_ours():
    """If an update fails because an earlier one with unknown outcome took effect, the lock is acquired."""
    store = Memory(FREE)
    store.faults = [("before", StatementOutcomeUnknown("timeout"))]
    before_update(store, 2, attrs.evolve(FREE, owner=ME, epoch=5))
    lease = get(store)

    assert (5, FREE) == (lease.fencing_token, lease.previous)


def test_a_holder_that_beats_at_the_last_moment_keeps_the_lock():
    """The takeover is conditional on the heartbeat that the waiter read last."""
    store, moved = Memory(HELD_ROW), attrs.evolve(HELD_ROW, beat=4)
    before_update(store, 1, moved)
    lease = get(store)

    assert store.now >= 60.0
    assert moved == lease.previous


def test_a_wait_that_ends_gives_back_what_it_may_have_taken():
    """If a wait ends after an update with unknown outcome, the lock is released."""
    store = Memory(FREE)
    store.faults = [("after", StatementOutcomeUnknown("timeout"))]
    lease = get(store, look=lambda: True)

    assert lease is None
    assert (None, 5) == (store.row.owner, store.row.epoch)


def test_a_server_without_lightweight_transactions_is_reported():
    """The error names the setting that helps, and has the server's message."""
    store = Memory(FREE)
    store.faults = [("before", StatementRefused("LWT is not yet supported with tablets"))]
    with pytest.raises(ConfigurationError, match=r"LWT is not yet supported with tablets.*ledger_keyspace="):
        get(store)


def test_a_fence_renews_and_names_the_step():
    """One update renews the heartbeat and records the next step and its coordinator."""
    store, lease = acquired()
    lease.coordinator = NODE
    fence = lease.fence(7, 3)

    assert (1, 7, 3, NODE) == (store.row.beat, store.row.version, store.row.step, store.row.coordinator)
    assert ["['beat', 'epoch', 'owner'] -> ['beat', 'coordinator', 'step', 'version']"] == store.log
    assert fence.is_fresh


@pytest.mark.parametrize(("asleep", "is_fresh"), [(19.9, True), (20.1, False)])
def test_a_fence_is_good_for_two_thirds_of_the_lease(asleep, is_fresh):
    """The age of a fence is measured from its request, with a clock that runs during suspension."""
    store, lease = acquired()
    fence = lease.fence(7, 3)
    store.slept += asleep

    assert is_fresh is fence.is_fresh


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_fence_without_an_answer_is_read_back(when):
    """If the answer to a fence is lost, a read at SERIAL decides, and a fence that was not applied is sent again."""
    store, lease = acquired()
    store.faults = [(when, StatementOutcomeUnknown("timeout")), "unreadable"]
    lease.fence(7, 3)

    assert (ME, 5, 1, 3) == (*store.row.identity, store.row.step)
    assert "serial read" in store.log


def test_a_fence_is_not_taken_for_a_late_renewal():
    """A late renewal writes another heartbeat than the fence, so the two are not confused."""
    store, lease = acquired()
    store.faults = [("before", StatementOutcomeUnknown("timeout"))]
    assert lease.renew() is False
    store.row = attrs.evolve(store.row, beat=1)
    lease.fence(7, 3)

    assert (2, 3) == (store.row.beat, store.row.step)


def test_a_lock_that_was_taken_over_is_lost_for_good():
    """After a takeover every fence is an error that names the new holder, and nothing is sent any more."""
    store, lease = acquired()
    store.row = attrs.evolve(HELD_ROW, epoch=6)
    with pytest.raises(LockLost, match="taken over by process 8 on there") as exc_info:
        lease.send(7, 3, lambda: pytest.fail("sent"))
    store.log.clear()
    with pytest.raises(LockLost):
        lease.fence(7, 4)

    assert ("there", 8, 6) == (exc_info.value.host, exc_info.value.pid, exc_info.value.exit_code)
    assert [] == store.log
    assert lease.is_lost


def test_an_unconfirmed_fence_is_a_lost_lock():
    """If a fence has no answer for a lease, the lock counts as lost."""
    store, lease = acquired()
    store.faults = [("before", StatementOutcomeUnknown("timeout")), "unreadable"] * 1000
    with pytest.raises(LockLost, match="No server confirmed") as exc_info:
        lease.fence(7, 3)

    assert 30.0 <= store.now < 31.0
    assert "timeout" == str(exc_info.value.__cause__)


def test_a_step_starts_over_when_its_fence_is_too_old():
    """If a process sleeps between fence and statement, the fence is repeated before the statement is sent."""
    store, lease = acquired()
    sleeps = iter([25.0, 0.0])
    change = store.change

    def slow(when, to):
        answer = change(when, to)
        store.slept += next(sleeps)
        return answer

    store.change = slow
    is_sent = lease.send(7, 3, lambda: store.row.beat)

    assert 2 == is_sent


def test_a_server_too_slow_for_the_lease_ends_the_run():
    """If no fence is recent enough, nothing is sent and the run ends."""
    store, lease = acquired()
    change = store.change

    def slow(when, to):
        store.slept += 25.0
        return change(when, to)

    store.change = slow
    with pytest.raises(LockLost):
        lease.send(7, 3, lambda: pytest.fail("sent"))


def test_renewing_stops_when_a_step_hangs():
    """Renewal stops if there is no fence for too long, and resumes after `touch`."""
    store, lease = acquired()
    lease.fence(7, 3)
    store.now += 121.0

    assert lease.renew() is False
    lease.touch()
    assert lease.renew() is True


@pytest.mark.parametrize(
    "faults",
    [
        [],
        [("before", StatementOutcomeUnknown("timeout"))],
        [("after", StatementOutcomeUnknown("timeout"))],
        [("after", StatementOutcomeUnknown("timeout")), "unreadable"],
        [("before", StatementOutcomeUnknown("timeout")), "unreadable"] * 3,
    ],
)
def test_release_is_repeated_until_it_is_known(faults):
    """The release is repeated while the row may still show this owner, and then nothing is renewed."""
    store, lease = acquired()
    store.faults = faults

    assert lease.release() is True
    count = len(store.log)

    assert (None, 5) == (store.row.owner, store.row.epoch)
    assert lease.renew() is False
    assert count == len(store.log)


def test_release_leaves_the_lock_of_others_alone():
    """Releasing a lock that another run holds changes nothing."""
    store, lease = acquired()
    store.row = attrs.evolve(HELD_ROW, epoch=6)

    assert lease.release() is True
    assert OTHER == store.row.owner


def test_an_unconfirmed_release_ends_after_a_lease():
    """A release without an answer ends after a lease, since other runs take over then."""
    store, lease = acquired()
    store.faults = [("before", StatementOutcomeUnknown("timeout")), "unreadable"] * 1000

    assert lease.release() is False
    assert 30.0 <= store.now < 31.0


class Beating(Memory):
    """A row that reports when it was renewed, on the clock of the machine."""

    def __init__(self, row):
        super().__init__(row)
        self.renewed = threading.Event()

    def change(self, when, to):
        answer = super().change(when, to)
        if list(to) == ["beat"]:
            self.renewed.set()
        return answer


def test_inside_the_block_a_thread_renews_and_afterwards_the_lock_is_free():
    """The context manager renews three times in a lease, releases the lock even after an error, and ends its thread."""
    store = Beating(FREE)
    lock = Lock(store, attrs.evolve(REQUEST, lease_seconds=0.15), store.world())
    with contextlib.suppress(ZeroDivisionError), lock.acquire() as lease:
        assert store.renewed.wait(10)
        assert 5 == lease.fencing_token
        raise ZeroDivisionError

    assert None is store.row.owner


def test_every_acquisition_has_an_owner_of_its_own():
    """Each acquisition has its own owner id, so an update with unknown outcome is not attributed to another one."""
    store = Memory(FREE)
    owners = []
    for _ in range(2):
        with Lock(store, REQUEST, store.world()).acquire() as lease:
            owners.append(lease.owner)

    assert 2 == len(set(owners))
    assert isinstance(lease, Lease)
