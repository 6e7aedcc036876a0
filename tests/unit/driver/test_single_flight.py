"""Work that several callers need at the same time is done once."""

from __future__ import annotations

import asyncio
import gc
import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from scyllamodel.driver.data import single_flight
from scyllamodel.driver.data.asyncio_bridge import run_in_own_thread
from scyllamodel.driver.data.single_flight import SingleFlight, WaitTimeout
from support.interrupts import is_interrupted


class Work:
    """Counts its calls, and ends when the test allows it."""

    def __init__(self, error=None):
        self.done, self.begun, self.go_on, self.error = 0, threading.Event(), threading.Event(), error

    def __call__(self):
        self.done += 1
        self.begun.set()
        self.go_on.wait(10)
        if self.error is not None:
            raise self.error
        return self.done


@pytest.mark.parametrize("error", [None, OSError("no connection")], ids=["result", "error"])
def test_threads_and_tasks_share_the_work(error):
    """All callers get the result or the error of the first one, and no state remains."""
    flights, work = SingleFlight(), Work(error)

    async def tasks():
        tasks = [asyncio.ensure_future(flights.run_async("key", work)) for _ in range(20)]
        await asyncio.sleep(0.1)
        work.go_on.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    with ThreadPoolExecutor(20) as pool:
        threads = [pool.submit(flights.run, "key", work) for _ in range(20)]
        work.begun.wait(10)
        result = asyncio.run(tasks())
        result += [thread.exception() or thread.result() for thread in threads]

    assert (1, 0) == (work.done, len(flights))
    assert [1 if error is None else error] * 40 == result


def test_what_is_done_is_done_again_for_the_next_caller():
    """A result is not cached for later callers."""
    flights = SingleFlight()

    assert [1, 2] == [flights.run("key", lambda: 1), flights.run("key", lambda: 2)]


def test_another_key_is_other_work():
    """A caller with another key does not wait."""
    flights, work = SingleFlight(), Work()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(flights.run, "one", work)
        work.begun.wait(10)
        assert 7 == flights.run("two", lambda: 7)
        work.go_on.set()
        assert 1 == first.result()


def test_a_caller_waits_no_longer_than_it_may():
    """A caller stops waiting after its timeout, while the first caller continues the work."""
    flights, work = SingleFlight(), Work()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(flights.run, "key", work)
        work.begun.wait(10)
        with pytest.raises(WaitTimeout):
            flights.run("key", work, 0.01)
        with pytest.raises(WaitTimeout):
            asyncio.run(flights.run_async("key", work, 0.01))
        work.go_on.set()
        assert 1 == first.result()


def test_a_caller_that_has_more_time_tries_again():
    """If the first caller runs out of time, a caller with more time starts the work again."""
    flights, work = SingleFlight(), Work(TimeoutError("mine"))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(flights.run, "key", work)
        work.begun.wait(10)
        second = pool.submit(flights.run, "key", lambda: "in time", 10)
        third = asyncio.run(slow_request(flights, work))
        assert {"in time"} == {second.result(), third}
        assert isinstance(first.exception(), TimeoutError)


async def slow_request(flights, work):
    """A task that waits beside the thread."""
    task = asyncio.ensure_future(flights.run_async("key", lambda: "in time", 10))
    await asyncio.sleep(0.1)
    work.go_on.set()
    return await task


def test_a_caller_that_is_interrupted_hands_the_work_over():
    """Ctrl-C ends one caller, and another one takes over the work."""
    flights, work = SingleFlight(), Work(KeyboardInterrupt())
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(flights.run, "key", work)
        work.begun.wait(10)
        second = pool.submit(flights.run, "key", lambda: "done")
        work.go_on.set()
        assert "done" == second.result()
        assert isinstance(first.exception(), KeyboardInterrupt)


def begin(flights, work):
    """Start the work of another caller in a thread, and return it with its results."""
    results = []
    thread = threading.Thread(target=lambda: results.append(flights.run("key", work)), daemon=True)
    thread.start()
    return thread, results


def assert_all_end(flights, others, step):
    """Assert that other callers, and one that comes later, get a result, and that no state remains."""
    for thread, results in [*others, begin(flights, lambda: "later")]:
        thread.join(10)
        assert 1 == len(results), f"a caller waits since an interrupt at step {step}"
    assert 0 == len(flights)


@pytest.mark.parametrize("has_waiter", [False, True], ids=["alone", "with another caller"])
def test_an_interrupt_at_any_step_leaves_no_work_that_never_ends(has_waiter):
    """Whatever step Ctrl-C interrupts, no caller waits for the one that was interrupted, and no state remains."""
    for step in itertools.count():
        flights, others = SingleFlight(), []

        def work(flights=flights, others=others):
            if has_waiter:
                others.append(begin(flights, lambda: "other"))
            return "mine"

        was_interrupted = is_interrupted(step, [single_flight], flights.run, "key", work)
        assert_all_end(flights, others, step)
        if not was_interrupted:
            break

    assert step > 50


@pytest.mark.filterwarnings("ignore:.*was never awaited", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_task_that_is_interrupted_at_any_step_leaves_no_work_that_never_ends():
    """A task is interrupted in the thread of its loop, while another thread does the work."""

    async def task(flights):
        return await flights.run_async("key", lambda: "mine")

    for step in itertools.count():
        flights = SingleFlight()
        was_interrupted = is_interrupted(step, [single_flight], asyncio.run, task(flights))
        assert_all_end(flights, [], step)
        if not was_interrupted:
            break

    assert step > 50


def test_work_whose_caller_was_interrupted_does_not_end_the_work_of_the_next(monkeypatch):
    """If a task is interrupted after its thread has begun, that thread leaves the work of the next caller in place."""
    flights, first, second, threads = SingleFlight(), Work(), Work(), []

    def start_and_interrupt(function, *arguments):
        threads.append(threading.Thread(target=function, args=arguments, daemon=True))
        threads[0].start()
        raise KeyboardInterrupt

    async def task():
        await flights.run_async("key", first)

    monkeypatch.setattr(single_flight, "start_thread", start_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(task())
    first.begun.wait(10)
    thread, results = begin(flights, second)
    second.begun.wait(10)
    first.go_on.set()
    threads[0].join(10)

    assert 1 == len(flights)
    second.go_on.set()
    thread.join(10)
    assert [1] == results


def test_a_task_that_is_cancelled_leaves_the_work_to_the_others(caplog):
    """If the work fails after a waiting task was cancelled, only the other tasks get the error."""
    flights, work = SingleFlight(), Work(OSError("later"))

    async def tasks():
        tasks = [asyncio.ensure_future(flights.run_async("key", work)) for _ in range(2)]
        await asyncio.sleep(0.05)
        tasks[0].cancel()
        await asyncio.sleep(0.05)
        work.go_on.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    cancelled, failed = asyncio.run(tasks())

    assert isinstance(cancelled, asyncio.CancelledError)
    assert "later" == str(failed)
    assert "" == caplog.text


def test_a_loop_may_be_closed_while_a_task_of_it_waits():
    """Tasks of a closed loop are collected without an error, before and after the end of the work."""
    flights, work, results = SingleFlight(), Work(), []

    async def wait():
        try:
            await flights.run_async("key", work)
        except BaseException as error:
            results.append(type(error))
            raise

    loop = asyncio.new_event_loop()
    tasks = [loop.create_task(wait()), loop.create_task(wait())]
    loop.run_until_complete(asyncio.sleep(0.05))
    loop.close()
    for task in tasks:
        task._log_destroy_pending = False
    del task
    tasks.pop()
    gc.collect()
    work.go_on.set()
    flights.wait_for("key")
    tasks.pop()
    gc.collect()

    assert [GeneratorExit] * 2 == results


def test_wait_for_waits_for_the_end():
    """`wait_for` returns after the work ends, even with an error, and immediately without work."""
    flights, work = SingleFlight(), Work(OSError())
    flights.wait_for("key")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(flights.run, "key", work)
        work.begun.wait(10)
        threading.Timer(0.05, work.go_on.set).start()
        flights.wait_for("key")
        assert isinstance(first.exception(), OSError)


def test_without_an_event_loop_of_asyncio_nothing_begins():
    """Without an asyncio event loop, such as under trio, no work starts and the error says what to write."""
    flights = SingleFlight()
    with pytest.raises(RuntimeError, match="under anyio with trio"):
        flights.run_async("key", int).send(None)

    assert 0 == len(flights)


def test_a_thread_of_its_own_gives_its_result_or_its_error():
    """Work in a separate thread returns its result or its error, whatever the loop's executor does."""

    async def case():
        result = await run_in_own_thread(lambda: threading.current_thread().daemon)
        with pytest.raises(ZeroDivisionError):
            await run_in_own_thread(lambda: 1 / 0)
        return result

    assert asyncio.run(case())
