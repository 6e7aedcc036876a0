"""The parts of the fast path that need no server: its deadlines, its latch, and the check of the driver."""

from __future__ import annotations

import functools
import gc
import threading
import time
import weakref
from types import SimpleNamespace

import pytest
from cassandra.connection import Timer

from scyllamodel.driver._cassandra import ExecuteMessage, PreparedStatement, ProtocolHandler, Session
from scyllamodel.driver.session import fast_path_check
from scyllamodel.driver.session.deadlines import MAX_SECONDS, Deadlines, release_timer
from scyllamodel.driver.session.fast_path import MAX_TIMEOUTS, FastPath
from scyllamodel.driver.session.fast_request import FastRequest, Latch, notify


class Timers:
    """Stands in for the timers of the driver, which the test fires."""

    def __init__(self):
        self.started = []

    def create(self, seconds, function):
        """Start a timer."""
        self.started.append((seconds, function))

    def fire(self):
        """Run the only timer that was started."""
        ((_, function),) = self.started
        self.started.clear()
        function()


class Timed:
    """A request that was started some seconds ago."""

    def __init__(self, ago, *, fails=False):
        self.start_seconds, self.fails, self.expired = time.time() - ago, fails, 0

    def expire(self):
        """Count the expiry."""
        self.expired += 1
        if self.fails:
            raise RuntimeError("a callback failed")


@pytest.fixture
def timers():
    """The timers of a driver."""
    return Timers()


def test_one_timer_serves_all_requests(timers):
    """A timer is started for the first request, and again for the oldest one that is left whenever it fires."""
    deadlines = Deadlines(timers.create, 10)
    requests = [Timed(11), Timed(10.5), Timed(4), Timed(1)]
    for request in requests:
        deadlines.add(request)
    assert len(timers.started) == 1
    timers.fire()

    assert [request.expired for request in requests] == [1, 1, 0, 0]
    assert [seconds for seconds, _ in timers.started] == [MAX_SECONDS]
    requests[2].start_seconds = time.time() - 9.8
    timers.fire()
    assert [round(seconds, 1) for seconds, _ in timers.started] == [0.2]


def test_a_request_that_ended_is_forgotten(timers):
    """Once all requests have ended, no timer remains, and the next request starts one."""
    deadlines = Deadlines(timers.create, 10)
    first, second = Timed(20), Timed(0)
    deadlines.add(first)
    deadlines.discard(first)
    deadlines.discard(first)
    timers.fire()
    assert not first.expired
    assert timers.started == []

    deadlines.add(second)
    assert len(timers.started) == 1


def test_an_error_of_one_request_does_not_keep_the_others(timers, caplog):
    """An error in the callback of one request is logged, and the other requests still expire."""
    deadlines = Deadlines(timers.create, 10)
    requests = [Timed(12, fails=True), Timed(11), Timed(0)]
    for request in requests:
        deadlines.add(request)
    timers.fire()

    assert [request.expired for request in requests] == [1, 1, 0]
    assert len(timers.started) == 1
    assert "a callback failed" in caplog.text


def test_requests_of_many_threads_are_all_timed():
    """Every request expires while many threads add requests and the timer fires as often as possible."""
    timers, stop = Timers(), threading.Event()
    deadlines = Deadlines(timers.create, 0)
    requests = [Timed(0.001) for _ in range(8000)]

    def fire():
        while not stop.is_set() or timers.started:
            if timers.started:
                timers.started.pop()[1]()

    def add(part):
        for request in requests[part::4]:
            deadlines.add(request)

    reactor = threading.Thread(target=fire)
    threads = [threading.Thread(target=add, args=(part,)) for part in range(4)]
    for thread in [reactor, *threads]:
        thread.start()
    for thread in threads:
        thread.join()
    until = time.monotonic() + 10
    while sum(request.expired for request in requests) < len(requests) and time.monotonic() < until:
        time.sleep(0.01)
    stop.set()
    reactor.join()

    assert {request.expired for request in requests} == {1}


class Ordinary:
    """A request of the driver that has a timer."""

    def __init__(self):
        self.ended = []
        self._timer = Timer(10, self._on_timeout)

    def _on_timeout(self):
        self.ended.append(self)


def test_a_timer_ends_its_request():
    """The replaced timer still ends a request that something refers to."""
    request = Ordinary()
    release_timer(request)

    assert request._timer.finish(time.time() + 11)
    assert request.ended == [request]


def test_a_timer_does_not_keep_its_request():
    """A request can be collected although the driver still has its cancelled timer."""
    request = Ordinary()
    release_timer(request)
    timer, reference = request._timer, weakref.ref(request)
    del request
    gc.collect()

    assert reference() is None
    assert timer.finish(time.time() + 11)


def test_a_request_without_a_timer_is_left_alone():
    """A request without a time limit, or with the timer of another event loop, is not changed."""
    for timer in (None, object()):
        request = SimpleNamespace(_timer=timer, _on_timeout=print)
        release_timer(request)
        assert request._timer is timer


def test_a_latch_wakes_all_who_wait():
    """A latch wakes current and later waiters, only after it is set, and setting it again changes nothing."""
    latch, woken = Latch(), []
    threads = [threading.Thread(target=lambda: (latch.wait(), woken.append(latch.is_set()))) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    assert not woken
    latch.set()
    latch.set()
    for thread in threads:
        thread.join(5)
    latch.wait()

    assert woken == [True] * 8


def test_a_latch_is_closed_again():
    """A latch can be reset, so that the next page is awaited with the same one."""
    latch = Latch()
    latch.set()
    latch.clear()
    woken = []
    thread = threading.Thread(target=lambda: woken.append(latch.wait()))
    thread.start()
    time.sleep(0.05)
    assert not latch.is_set()
    assert not woken
    latch.set()
    thread.join(5)

    assert woken == [None]


def test_many_timeouts_that_are_not_in_use_are_dropped(timers):
    """Timeouts without requests make room for new ones; if all are in use, there is no further one."""
    cluster = SimpleNamespace(connection_class=SimpleNamespace(create_timer=timers.create))
    path = FastPath(SimpleNamespace(cluster=cluster), print)
    deadlines = [path._new_deadlines(seconds / 7) for seconds in range(MAX_TIMEOUTS * 3)]
    assert all(deadlines)
    assert len(path._deadlines) <= MAX_TIMEOUTS

    busy = [path._new_deadlines(100 + number) for number in range(MAX_TIMEOUTS)]
    for one in filter(None, busy):
        one.add(Timed(0))
    more = [path._new_deadlines(200 + number) for number in range(MAX_TIMEOUTS)]
    for one in filter(None, more):
        one.add(Timed(0))
    assert path._new_deadlines(300) is None
    assert len(path._deadlines) == MAX_TIMEOUTS


class Failing(ProtocolHandler):
    """A handler that fails to encode, after something happens on the connection."""

    meanwhile = None

    @classmethod
    def encode_message(cls, *_, **__):
        """Fail."""
        cls.meanwhile()
        raise ValueError("this cannot be encoded")


@pytest.fixture
def connection():
    """A connection of the driver without a socket."""
    return fast_path_check._LoopbackConnection()


def borrowed(connection, handler=ProtocolHandler):
    """A request that has borrowed a stream of a connection."""
    message = ExecuteMessage(b"id", [b"value"], 1)
    request = FastRequest(None, None, None, message, handler=handler, metadata=[], timeout=None, start_seconds=0.0)
    connection.in_flight += 1
    request.begin(None, None, connection, connection.get_request_id())
    return request


def assert_unused(connection):
    """Assert that all streams are free, each once."""
    assert connection.in_flight == 0
    assert not connection._requests
    assert not connection.orphaned_request_ids
    assert sorted(connection.request_ids) == list(range(connection.highest_request_id + 1))


@pytest.mark.parametrize("state", ["is_defunct", "is_closed", "is_busy"])
def test_a_connection_that_does_not_send_gets_its_stream_back(connection, state):
    """If a connection does not send, its stream is free again and the session sends the request."""
    request = borrowed(connection)
    if state == "is_busy":
        connection._socket_writable = False
    else:
        setattr(connection, state, True)

    assert request.send() is None
    assert_unused(connection)
    assert not connection.sent


def test_a_message_that_cannot_be_encoded_returns_its_stream(connection):
    """If a message cannot be encoded, its stream is free again and the session raises the driver's error."""
    Failing.meanwhile = staticmethod(lambda: None)
    assert borrowed(connection, Failing).send() is None
    assert_unused(connection)


def test_a_request_that_timed_out_while_it_was_encoded_is_not_sent_again(connection):
    """A request that expires during encoding is not sent again, and its stream is free again."""
    request = borrowed(connection, Failing)

    def expire():
        connection._requests.pop(request._req_id)
        connection.orphaned_request_ids.add(request._req_id)
        request._event.set()

    Failing.meanwhile = staticmethod(expire)
    assert request.send() is request
    assert_unused(connection)


def test_a_connection_that_ended_meanwhile_calls_back(connection):
    """A connection that ends while it has the request reports an error, and the request is not sent twice."""
    request = borrowed(connection, Failing)

    def end():
        connection._requests = {}  # so begins Connection.error_all_requests

    Failing.meanwhile = staticmethod(end)
    assert request.send() is request


def test_a_session_that_a_tracer_instruments_is_refused(monkeypatch):
    """Tools that wrap the class or one session have to see all requests, so the fast path is refused."""
    session = object.__new__(Session)
    assert not fast_path_check._is_instrumented(session)
    session.execute_async = print
    assert fast_path_check._is_instrumented(session)
    execute = Session.execute_async

    def traced(*arguments, **keywords):
        return execute(*arguments, **keywords)

    monkeypatch.setattr(Session, "execute_async", functools.wraps(execute)(traced))
    assert fast_path_check._is_instrumented(object.__new__(Session))


def test_the_driver_of_these_tests_passes():
    """The driver in use has the expected names and parameters and passes the round trip."""
    is_new = hasattr(PreparedStatement, "result_metadata_and_id")

    assert fast_path_check._has_methods() == is_new
    assert not is_new or fast_path_check._makes_round_trip()


@pytest.mark.parametrize("session", [object(), object.__new__(Session)], ids=["other", "empty"])
def test_a_session_that_is_not_as_expected_is_refused(session):
    """An object of another class, or without the expected state, is unsupported without an error."""
    assert not fast_path_check.is_supported(session)


def test_a_driver_with_other_parameters_is_refused(monkeypatch):
    """A method with another parameter, or one that does not exist, makes the driver unsupported."""
    for parameters in ("self host connection pool response more", ""):
        fast_path_check._has_methods.cache_clear()
        name = "_set_result" if parameters else "no_such_method"
        monkeypatch.setitem(fast_path_check._METHODS, FastRequest, {name: parameters})
        try:
            has_methods = fast_path_check._has_methods()
        except AttributeError:
            has_methods = False
        assert not has_methods
    fast_path_check._has_methods.cache_clear()


def test_a_request_shows_its_text_and_no_values():
    """The repr of a request has its text, without the bound values and rows that the driver's repr has."""
    statement = SimpleNamespace(prepared_statement=SimpleNamespace(query_string="SELECT a FROM t"), values=["s3cr3t"])
    request = FastRequest(
        None, None, statement, None, handler=None, metadata=None, timeout=None, start_seconds=0.0
    )  # fmt: skip

    assert {"<FastRequest 'SELECT a FROM t', waiting>"} == {repr(request), str(request)}


class Plans:
    """A load balancing policy with one plan, that counts how often it is asked."""

    def __init__(self, *hosts):
        self.hosts, self.asked = hosts, 0

    def make_query_plan(self, keyspace, query):
        """Return the plan."""
        del keyspace, query
        self.asked += 1
        return iter(self.hosts)


def sent_to(host, *plan):
    """A request that was sent to a host, and the policy with its plan."""
    policy = Plans(*plan)
    cluster = SimpleNamespace(allow_beta_protocol_version=False)
    session = SimpleNamespace(cluster=cluster, keyspace="shop", _pools={})
    profile = SimpleNamespace(load_balancing_policy=policy, retry_policy=None)
    statement = SimpleNamespace(prepared_statement=None, retry_policy=None)
    message = ExecuteMessage(b"id", [b"value"], 1)
    request = FastRequest(
        session, profile, statement, message, handler=None, metadata=None, timeout=None, start_seconds=0.0
    )
    request.begin(host, None, None, 0)
    return request, policy


def test_the_plan_of_a_request_continues_after_its_first_host():
    """The policy is asked again when another host is needed; the host that was tried is left out, once."""
    request, policy = sent_to("a", "a", "b", "a")
    request.take_driver_state()
    assert policy.asked == 0
    assert list(request.query_plan) == ["b", "a"]
    assert policy.asked == 1
    assert request.attempted_hosts == ["a"]

    request, _ = sent_to("a", "b", "c")
    request.take_driver_state()
    assert list(request.query_plan) == ["b", "c"]


@pytest.mark.parametrize("moment", ["before", "in between", "after"])
@pytest.mark.parametrize("way", ["rows", "rows of the driver", "error"])
def test_a_listener_is_called_once(moment, way):
    """Whenever a listener is added, it is called once, with the rows or with the error, before other callbacks."""
    request, _ = sent_to("a", "a")
    calls = []

    def listen():
        notify(request, lambda *arguments: calls.append(arguments), 7)
        request.add_callbacks(calls.append, calls.append)

    if moment == "before":
        listen()
    if way != "rows":
        request.take_driver_state()
    if moment == "in between":
        listen()
    error = ValueError("no")
    if way == "rows":
        request._finish(SimpleNamespace(column_names=(), column_types=(), parsed_rows=[1]))
    elif way == "error":
        request._set_final_exception(error)
    else:
        request._set_final_result([1])
    if moment == "after":
        listen()

    result = error if way == "error" else [1]
    assert calls == [(result, 7, way == "error"), result]


def test_several_listeners_are_called():
    """A request may have more than one listener."""
    request, _ = sent_to("a", "a")
    calls = []
    for number in range(3):
        notify(request, lambda *arguments: calls.append(arguments), number)
    request._finish(SimpleNamespace(column_names=(), column_types=(), parsed_rows=[1]))

    assert calls == [([1], 0, False), ([1], 1, False), ([1], 2, False)]
