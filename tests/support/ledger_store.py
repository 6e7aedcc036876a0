"""A ledger in memory: rows as a server would store them, with faults by the number of the request.

Plain writes are ordered by the clocks of their writers, as on a server, so that a writer whose clock is behind loses.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from uuid import UUID

import attrs

from scyllamodel._backoff import Clock
from scyllamodel.release.ledger import Ledger
from scyllamodel.release.ledger.retry import RetryingStore
from scyllamodel.schema.apply import StatementOutcomeUnknown, StatementRefused, StatementTransient

FIRST = UUID(int=1)
NOON = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)


@attrs.define
class MemoryStore:
    """The three tables of the ledger.

    Attributes:
        lost: numbers of requests (from 1, reads included) that are done and whose response is lost.
        unsent: numbers of requests that are not done, although their outcome is reported as unknown.
        busy: numbers of requests that are not done and reported as such.
        refused: numbers of requests that are refused permanently.
        clock: the writer's clock in microseconds.
        moment: called before and after each request.
    """

    lost: frozenset[int] = frozenset()
    unsent: frozenset[int] = frozenset()
    busy: frozenset[int] = frozenset()
    refused: frozenset[int] = frozenset()
    clock: int = 1000
    versions_: dict = attrs.field(factory=dict)
    steps_: dict = attrs.field(factory=dict)
    written: dict = attrs.field(factory=dict)
    stamps: dict = attrs.field(factory=dict)
    current: UUID | None = FIRST
    requests: list = attrs.field(factory=list)
    moment: Callable[[], object] = lambda: None

    def _request(self, what, do):
        self.moment()
        answer = self._done(what, do)
        self.moment()
        return answer

    def _done(self, what, do):
        self.requests.append(what)
        number = len(self.requests)
        if number in self.refused:
            raise StatementRefused("User alice has no MODIFY permission")
        if number in self.busy:
            raise StatementTransient("overloaded")
        if number in self.unsent:
            raise StatementOutcomeUnknown("client request timeout")
        answer = do()
        if number in self.lost:
            raise StatementOutcomeUnknown("CAS operation result is unknown")
        return answer

    def versions(self, scope, limit=None):
        rows = sorted((row for (s, _), row in self.versions_.items() if s == scope), key=lambda row: -row["version"])
        return self._request("versions", lambda: [dict(row) for row in rows[:limit]])

    def scopes(self):
        return self._request("scopes", lambda: list({scope for scope, _ in self.versions_}))

    def version(self, scope, version):
        return self._request("version", lambda: self.versions_.get((scope, version)))

    def steps(self, scope, version):
        rows = [dict(row) for (s, v, _), row in sorted(self.steps_.items()) if (s, v) == (scope, version)]
        return self._request("steps", lambda: rows)

    def removal_statement(self, scope, version, seq=None):
        """The removal as a CQL statement."""
        return f"DELETE {(scope, version) if seq is None else (scope, version, seq)}"

    def add_version(self, row):
        key = row["scope"], row["version"]

        def add():
            if key in self.versions_:
                return False
            self.versions_[key] = dict(row)
            return True

        return self._request("add_version", add)

    def change_version(self, scope, version, values, expected):
        def change():
            row = self.versions_.get((scope, version))
            if row is None or any(row[name] != value for name, value in expected.items()):
                return False
            row.update(values)
            return True

        return self._request("change_version", change)

    def put_step(self, row, *, overwrite=False):
        key = row["scope"], row["version"], row["seq"]

        def put():
            at = max(self.clock, self.written.get(key, 0) + 1) if overwrite else self.clock
            if at >= self.written.get(key, 0):
                self.written[key] = at
                self.steps_.setdefault(key, {}).update(row)

        self._request("put_step", put)

    def read_sync_marker(self, scope, models_fp):
        return self._request("read_sync_marker", lambda: (self.stamps.get((scope, models_fp)), self.current))

    def write_sync_marker(self, scope, models_fp, schema_version, checked_at):  # noqa: ARG002 - as of any store
        self._request("write_sync_marker", lambda: self.stamps.update({(scope, models_fp): schema_version}))


def ledger_on(store, scope="k/default", now=NOON, step=timedelta(0)):
    """A ledger whose clock advances by ``step`` at each reading, and that waits for nothing."""
    moments = [now]

    def tick():
        moments.append(moments[-1] + step)
        return moments[-2]

    return Ledger(store, scope, tick, RetryingStore(scope, Clock(sleep=lambda _: None)))
