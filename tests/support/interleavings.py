"""Every order of events of a few processes, one row and one schema, within a budget of faults.

A process is a plain function that accesses the world through an `Env` only. Its next request depends only on the
responses so far, so a process is represented by these: it is run again from its start with them, up to the first
request without a response. That makes the state of everything a value, which can be stored, compared, and continued in
every possible way; the code under test is the real one, threads, pauses and crashes included.

`explore` visits every reachable state. For a request that no other process can notice, such as the time, no other
order is tried, since it would lead to the same states.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from scyllamodel.release.lock import LockRow, LockUpdate
from scyllamodel.schema.apply import StatementOutcomeUnknown

LEASE = 2.4
"""Of every lock here, in seconds of the clock that all processes share."""
LOST = "the answer was lost"
LONG, SHORT = 1.5 * LEASE, 0.6 * LEASE
"""Two pauses of a process: others may take over from it, or may not."""
END = 30 * LEASE
"""Nothing that ends takes so long."""


class Suspended(BaseException):
    """The process makes a request that has no response yet."""


class Violation(AssertionError):
    """The world reached a state that must not exist."""


class Env:
    """The world as one process sees it, and its `LockStore`."""

    name = "shop"

    def __init__(self, me: int, steps: int, answers: tuple[Any, ...]) -> None:
        self.me, self.steps, self.answers, self.given, self.request = me, steps, answers, 0, None

    def ask(self, *request: Any) -> Any:
        """Make a request; one without a response ends the run, however often the run tries to continue."""
        if self.request is None and self.given < len(self.answers):
            self.given += 1
            answer = self.answers[self.given - 1]
            if answer is LOST:
                raise StatementOutcomeUnknown("no answer")
            return answer
        self.request = self.request or request
        raise Suspended

    def clock(self) -> float:
        return self.ask("clock")

    def sleep(self, seconds: float) -> None:
        self.ask("sleep", round(seconds, 3))

    def choose(self) -> bool:
        """Whether the thread that renews the lock runs here."""
        return self.ask("choose")

    def read(self, *, serial: bool) -> LockRow | None:
        return self.ask("read", serial)

    def create(self) -> None:
        self.ask("change", (), (("owner", None),))

    def change(self, when: Mapping[str, Any], to: Mapping[str, Any]) -> LockUpdate:
        return self.ask("change", tuple(when.items()), tuple(to.items()))

    def schema(self) -> frozenset[int]:
        return self.ask("schema")

    def agree(self) -> None:
        """Wait until the live nodes have one schema."""
        self.ask("agree")

    def ddl(self, step: int, owner: Any, meanwhile: Callable[[], object] | None = None) -> None:
        """Send a statement that is decided now; the renewing thread may run before it arrives."""
        self.ask("decided")
        if meanwhile is not None and self.choose():
            meanwhile()
        self.ask("ddl", step, owner)


Program = Callable[[Env], str]


class Node:
    """A process after some responses; equal ones are one object."""

    def __init__(self, program: Program, me: int, steps: int, answers: tuple[Any, ...] = ()) -> None:
        self.program, self.me, self.steps, self.answers = program, me, steps, answers
        self.after: dict[Any, Node] = {}

    def then(self, answer: Any) -> Node:
        """This process after one more response."""
        if answer not in self.after:
            self.after[answer] = Node(self.program, self.me, self.steps, (*self.answers, answer))
        return self.after[answer]

    @functools.cached_property
    def request(self) -> tuple[Any, ...]:
        """The next request of the process: ``("end", result)`` when it is done."""
        env = Env(self.me, self.steps, self.answers)
        try:
            return "end", self.program(env)
        except Suspended:
            return env.request


@attrs.frozen(cache_hash=True)
class Process:
    """One process: its node, when it can continue, and what happened to it.

    Attributes:
        held_up: seconds that it was paused since it decided to send a statement.
        silent: seconds that it was paused since it last changed the row.
        strays: statements that it sent while another process held the lock.
        state: ``alive``, ``crashed``, or its result.
    """

    node: Node = attrs.field(eq=id)
    ready: float = 0.0
    held_up: float = 0.0
    silent: float = 0.0
    strays: int = 0
    state: str = "alive"


@attrs.frozen(cache_hash=True)
class Budget:
    """How many faults may still happen.

    Attributes:
        lost: lost responses, whether or not the update was done.
        late: updates without a response that are done at some later moment.
        renewals: turns of renewing threads.
        losses: nodes that are lost with a statement, after they ran it or before; the next one may not know the
            statement before it either, and the lost one may come back with what it ran.
        victim: the only process with faults; None for all.
    """

    crashes: int = 0
    pauses: int = 0
    lost: int = 0
    late: int = 0
    renewals: int = 0
    losses: int = 0
    victim: int | None = None

    def of(self, index: int) -> Budget:
        """The faults that may happen to this process."""
        return self if self.victim in (None, index) else Budget()


@attrs.frozen(cache_hash=True)
class State:
    """Everything that exists at one moment.

    Attributes:
        late: updates on their way.
        away: steps that lost nodes know, which may come back.
        common: steps that all live nodes knew when they agreed last.
        sent: how often each step arrived from the holder of the lock at that time.
        fair: whether nothing happened that may leave the lock held at the end.
    """

    processes: tuple[Process, ...]
    budget: Budget
    row: LockRow = attrs.field(factory=functools.partial(LockRow, "shop"))
    expires: float | None = None
    now: float = 0.0
    schema: frozenset[int] = frozenset()
    late: tuple[Any, ...] = ()
    away: frozenset[int] = frozenset()
    common: frozenset[int] = frozenset()
    sent: tuple[int, ...] = ()
    fair: bool = True
    crashed_at: float | None = None


@attrs.define
class Report:
    """The results of an exploration."""

    states: int = 0
    ends: int = 0
    takeover: float = 0.0
    """The longest time, in leases, from the crash of a holder to the next one."""


LOCAL = frozenset({"clock", "sleep", "choose", "decided", "end"})


def explore(programs: list[Program], steps: int, budget: Budget) -> Report:
    """Visit every reachable state.

    Raises:
        Violation: one of them must not exist.
    """
    report = Report()
    start = State(
        tuple(Process(Node(program, me, steps)) for me, program in enumerate(programs)), budget, sent=(0,) * steps
    )
    visited, stack = {start}, [start]
    while stack:
        state = stack.pop()
        report.states += 1
        following = list(_following(state, report))
        if not following:
            report.ends += 1
            _check_end(state)
        for item in following:
            if item not in visited:
                visited.add(item)
                stack.append(item)
    return report


def _following(state: State, report: Report):
    alive = [index for index, process in enumerate(state.processes) if process.state == "alive"]
    if not alive:
        return
    if state.now > END:
        raise Violation(f"no end: {_describe(state)}")
    able = [index for index in alive if state.processes[index].ready <= state.now]
    if not able:
        # A statement in flight may arrive while all processes sleep.
        yield from _landings(state, report)
        yield attrs.evolve(state, now=min(state.processes[index].ready for index in alive))
        return
    local = [index for index in able if state.processes[index].node.request[0] in LOCAL]
    for number in local[:1] or able:
        yield from _moves(state, number, report)
    if not local:
        yield from _landings(state, report)


def _landings(state: State, report: Report):
    if state.away:
        yield attrs.evolve(state, schema=state.schema | state.away, away=frozenset())
    for index, (when, to) in enumerate(state.late):
        arrived = attrs.evolve(state, late=state.late[:index] + state.late[index + 1 :])
        yield _changed(arrived, when, to, report)[0]


def _moves(state: State, index: int, report: Report):
    """The actions and faults that one process can have at its next request."""
    process, budget, faults = state.processes[index], state.budget, state.budget.of(index)
    kind, *arguments = process.node.request
    if kind == "end":
        yield _set(state, index, attrs.evolve(process, state=_checked_result(state, process, *arguments)))
        return
    if faults.pauses and kind not in ("sleep", "choose", "decided"):
        for seconds in (SHORT, LONG):
            longer = attrs.evolve(
                process,
                ready=round(state.now + seconds, 3),
                held_up=process.held_up + seconds,
                silent=process.silent + seconds,
            )
            yield attrs.evolve(_set(state, index, longer), budget=attrs.evolve(budget, pauses=budget.pauses - 1))
    if faults.crashes and kind not in LOCAL:
        crashed = _set(state, index, attrs.evolve(process, state="crashed"))
        holds = state.row.owner == _owner(index)
        yield attrs.evolve(
            crashed,
            budget=attrs.evolve(budget, crashes=budget.crashes - 1),
            fair=False,
            crashed_at=state.now if holds else state.crashed_at,
        )
    yield from _DEEDS[kind](state, index, report, *arguments)


def _answered(state: State, index: int, answer: Any) -> State:
    process = state.processes[index]
    return _set(state, index, attrs.evolve(process, node=process.node.then(answer)))


def _set(state: State, index: int, process: Process) -> State:
    return attrs.evolve(state, processes=(*state.processes[:index], process, *state.processes[index + 1 :]))


def _clock(state, index, report):
    yield _answered(state, index, state.now)


def _sleep(state, index, report, seconds):
    asleep = _answered(state, index, None)
    yield _set(asleep, index, attrs.evolve(asleep.processes[index], ready=round(state.now + seconds, 3)))


def _choose(state, index, report):
    yield _answered(state, index, False)
    if state.budget.renewals:
        fewer = attrs.evolve(state.budget, renewals=state.budget.renewals - 1)
        yield _answered(attrs.evolve(state, budget=fewer), index, True)


def _decided(state, index, report):
    going = _answered(state, index, None)
    yield _set(going, index, attrs.evolve(going.processes[index], held_up=0.0))


def _read(state, index, report, serial):
    yield _answered(state, index, _visible(state))
    if serial and state.budget.of(index).lost:
        yield _answered(attrs.evolve(state, budget=attrs.evolve(state.budget, lost=state.budget.lost - 1)), index, LOST)


def _change(state, index, report, when, to):
    budget = state.budget
    after, answer = _changed(state, when, to, report)
    if answer.applied and after.row.owner == _owner(index):
        after = _set(after, index, attrs.evolve(after.processes[index], silent=0.0))
    yield _answered(after, index, answer)
    if budget.of(index).lost:
        fewer = attrs.evolve(budget, lost=budget.lost - 1)
        yield _answered(attrs.evolve(after, budget=fewer), index, LOST)
        yield _answered(attrs.evolve(state, budget=fewer), index, LOST)
    if budget.of(index).late and answer.applied:
        fewer = attrs.evolve(budget, late=budget.late - 1)
        later = attrs.evolve(state, budget=fewer, late=(*state.late, (when, to)), fair=False)
        yield _answered(later, index, LOST)


def _visible(state: State) -> LockRow:
    """The row as it is now: a row with a TTL is gone after that."""
    if state.expires is not None and state.now >= state.expires:
        return attrs.evolve(state.row, owner=None)
    return state.row


def _changed(state: State, when, to, report) -> tuple[State, LockUpdate]:
    row = _visible(state)
    if any(getattr(row, column) != value for column, value in when):
        return state, LockUpdate(False, row.owner, row.epoch)
    values = dict(to)
    ttl = values.pop("ttl", None)
    new = attrs.evolve(row, **values)
    crashed_at = state.crashed_at
    if crashed_at is not None and new.owner != row.owner:
        report.takeover = max(report.takeover, (state.now - crashed_at) / LEASE)
        crashed_at = None
    expires = state.expires if ttl is None else state.now + ttl
    return attrs.evolve(state, row=new, expires=expires, crashed_at=crashed_at), LockUpdate(True)


def _schema(state, index, report):
    yield _answered(state, index, state.schema)


def _ddl(state, index, report, step, owner):
    """A statement arrives. Only one that was paused after its last check may arrive while another has the lock."""
    process = state.processes[index]
    if _visible(state).owner == owner:
        sent = tuple(count + (number == step) for number, count in enumerate(state.sent))
        if sent[step] > 1:
            raise Violation(f"step {step} was executed twice: {_describe(state)}")
        state = attrs.evolve(state, sent=sent)
    elif process.held_up < LEASE / 3:
        raise Violation(f"process {index} sent step {step} without the lock: {_describe(state)}")
    elif process.strays:
        raise Violation(f"process {index} sent more than one statement without the lock: {_describe(state)}")
    else:
        state = _set(state, index, attrs.evolve(process, strays=1))
    yield _answered(attrs.evolve(state, schema=state.schema | {step}), index, None)
    if state.budget.of(index).losses:
        yield from _losses(
            attrs.evolve(state, budget=attrs.evolve(state.budget, losses=state.budget.losses - 1)), index, step
        )


def _losses(state, index, step):
    """The node is lost with the statement; the others know it or not, and perhaps not even the one before it."""
    yield _answered(attrs.evolve(state, schema=state.schema | {step}), index, LOST)
    executed = state.schema | {step}
    for forgotten in {frozenset({step}), frozenset({step, step - 1}) & executed - state.common}:
        sent = tuple(count - (number in forgotten and count > 0) for number, count in enumerate(state.sent))
        for away in (frozenset(), executed):
            unknown = attrs.evolve(state, schema=state.schema - forgotten, away=state.away | away, sent=sent)
            yield _answered(unknown, index, LOST)


def _agree(state, index, report):
    """The live nodes agree at once; statements that only lost nodes know may come back at any time."""
    yield _answered(attrs.evolve(state, common=state.schema), index, None)


_DEEDS = {
    "clock": _clock,
    "sleep": _sleep,
    "choose": _choose,
    "decided": _decided,
    "read": _read,
    "change": _change,
    "schema": _schema,
    "ddl": _ddl,
    "agree": _agree,
}


def _owner(index: int) -> int:
    return index + 1


def _checked_result(state: State, process: Process, result: str) -> str:
    if result == "done" and len(state.schema) < len(state.sent):
        raise Violation(f"success, and something is missing: {_describe(state)}")
    if result == "lost" and process.silent < LEASE * 2 / 3:  # a live one renews three times in a lease
        raise Violation(f"a process lost the lock that had not been silent: {_describe(state)}")
    return result


def _check_end(state: State) -> None:
    results = {process.state for process in state.processes}
    if "done" not in results and not results <= {"crashed", "lost"}:
        raise Violation(f"no process finished: {_describe(state)}")
    if "alive" in results:
        raise Violation(f"a process waits forever: {_describe(state)}")
    if state.fair and _visible(state).owner is not None:
        raise Violation(f"the lock was left behind: {_describe(state)}")


def _describe(state: State) -> str:
    """The state in words: the responses that each process received."""
    lines = [f"at {state.now} s, {state.row}, schema {sorted(state.schema)}, budget left {state.budget}"]
    for index, process in enumerate(state.processes):
        lines.append(f"process {index} ({process.state}):")
        node = Node(process.node.program, index, process.node.steps)
        for answer in process.node.answers:
            lines.append(f"    {node.request} -> {answer}")
            node = node.then(answer)
    return "\n".join(lines)
