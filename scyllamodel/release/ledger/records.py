"""Records of the ledger: versions and their steps.

*In*: rows by column name, also of older and newer releases. *Out*: frozen values that print as JSON, and rows again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any, Final, Literal, TypeAlias, TypeVar
from uuid import UUID

import attrs

from scyllamodel._json import read_json, to_json
from scyllamodel.schema.changes.as_json import change_from_json
from scyllamodel.schema.changes.kinds import Change

Row: TypeAlias = Mapping[str, Any]
"""A row by column name; a missing column counts as null."""

MigrationKind: TypeAlias = Literal["sync", "migrate", "rollback", "baseline"]
VersionStatus: TypeAlias = Literal["running", "applied", "partial", "failed", "rolled_back", "baseline", "abandoned"]

RESTORABLE_STATUSES: Final = ("applied", "baseline")
"""Statuses of versions that a rollback can return to."""

DONE_STATES: Final = ("applied", "skipped")
"""States of steps whose effect is in the schema."""


_ROLLBACK_NAME: Final = re.compile(r"back to ([0-9]{1,19})", re.ASCII)


def rollback_name(version: int) -> str:
    """Return the name of a rollback to a version, which `Migration.rollback_target` parses.

    >>> Migration("shop/default", 2, rollback_name(1), kind="rollback").rollback_target
    1
    """
    return f"back to {version}"


def undo_reference(version: int, seq: int) -> str:
    """Return what is stored instead of a change when a raw step is undone; older releases read it as unknown.

    >>> LedgerStep("shop/default", 3, 1, change_json=undo_reference(2, 5)).undone_step
    (2, 5)
    """
    return json.dumps({"undoes": [version, seq]})


def _parse_undo_reference(text: str | None) -> tuple[int, int] | None:
    try:
        version, seq = read_json(text or "null")["undoes"]
    except (ValueError, TypeError, KeyError):
        return None
    return (version, seq) if type(version) is int and type(seq) is int else None


def ledger_scope(keyspace: str, repo: str) -> str:
    """Return the scope of a ledger: each repo on a keyspace has its own.

    >>> ledger_scope("shop", "default")
    'shop/default'
    """
    return f"{keyspace}/{repo}"


@attrs.frozen
class LedgerStep:
    """One statement of a version.

    Attributes:
        scope: of the ledger.
        version: the version that it belongs to.
        seq: number in its plan, from 1.
        op: the operation, such as ``add_index``.
        object: the dotted name of what it changes.
        cql: the statement; for a secret one a digest.
        undo: the inverse statement; None where CQL has none.
        state: ``claimed`` before or with unknown outcome, ``applied``, ``skipped`` if another program had done it,
            ``failed``, ``not_applied`` as the schema showed later.
        attempts: how often the statement was sent.
        epoch: the fencing token of the lock under which it was sent.
        started_at: by the clock of its host.
        error: why it failed.
        duration_ms: milliseconds until the state was known.
        change_json: the change, as `scyllamodel.schema.changes.as_json` writes it; None for a raw step.
    """

    scope: str
    version: int
    seq: int
    op: str = ""
    object: str = ""
    cql: str = ""
    undo: str | None = None
    state: str = "claimed"
    attempts: int = 0
    epoch: int = 0
    started_at: datetime | None = None
    duration_ms: int = 0
    error: str | None = None
    change_json: str | None = attrs.field(default=None, repr=False)

    @property
    def change(self) -> Change | None:
        """The change of the statement; None if this release cannot know it."""
        return change_from_json(self.change_json)

    @property
    def undone_step(self) -> tuple[int, int] | None:
        """Version and number of the raw step that this one undoes; None for others."""
        return _parse_undo_reference(self.change_json)

    @property
    def key(self) -> tuple[int, int]:
        """Version and number of the step."""
        return self.version, self.seq

    @property
    def is_done(self) -> bool:
        """Whether its effect was in the schema when its state was written."""
        return self.state in DONE_STATES

    def to_dict(self) -> dict[str, Any]:
        """Return the step as plain JSON values, without its version."""
        row = attrs.asdict(self)
        return {name: to_json(row[name]) for name in row if name not in ("scope", "version", "change_json")}


def _texts(values: Iterable[str] | None) -> tuple[str, ...]:
    return tuple(values or ())


@attrs.frozen
class Migration:
    """One version of the ledger.

    Attributes:
        scope: of the ledger.
        version: a number that looks like a UTC time, ``20261123050100``; never parsed as one.
        name: what it did, for people.
        kind: ``sync``, ``migrate``, ``rollback`` or ``baseline``.
        status: ``running`` until its end is recorded; ``partial`` or ``failed`` if it stopped after some or no steps.
        plan_hash: fingerprint of its plan.
        models_from: fingerprint of the models of the version before.
        models_to: fingerprint of its own models.
        schema_from: fingerprint of the live schema before.
        schema_to: fingerprint of the schema that it leads to.
        models: packages of the models.
        total: number of steps in the plan.
        applied: number of steps that are done.
        error, error_seq: why it stopped, and at which step.
        started_at, finished_at: by the clock of its host.
        run_id: identifies the run, whatever the outcome of its requests.
        epoch: the fencing token of its lock.
        host, pid, actor: where it ran, and who ran it.
        app_version, tool_version, server_version: releases of the application, of scyllamodel and of the server.
        steps: empty unless they were requested.
    """

    scope: str
    version: int
    name: str = ""
    kind: str = "migrate"
    status: str = "running"
    plan_hash: str = ""
    models_from: str = ""
    models_to: str = ""
    schema_from: str = ""
    schema_to: str = ""
    models: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    total: int = 0
    applied: int = 0
    error: str | None = None
    error_seq: int | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    host: str = ""
    actor: str = ""
    pid: int = 0
    run_id: UUID | None = None
    epoch: int = 0
    tool_version: str = ""
    app_version: str = ""
    server_version: str = ""
    steps: tuple[LedgerStep, ...] = attrs.field(default=(), repr=False)

    @property
    def duration_ms(self) -> int | None:
        """Duration in milliseconds; None while it runs."""
        if self.started_at is None or self.finished_at is None:
            return None
        return round((self.finished_at - self.started_at).total_seconds() * 1000)

    @property
    def is_in_effect(self) -> bool:
        """Whether its changes are in effect: not undone, not abandoned, and not a rollback."""
        return self.kind != "rollback" and self.status not in ("rolled_back", "abandoned")

    @property
    def rollback_target(self) -> int | None:
        """The version that a rollback returns to; None for other kinds."""
        match = _ROLLBACK_NAME.fullmatch(self.name) if self.kind == "rollback" else None
        return int(match[1]) if match else None

    @property
    def is_undoable(self) -> bool:
        """Whether a rollback past it undoes it."""
        return self.is_in_effect and self.kind != "baseline"

    @property
    def fault(self) -> str | None:
        """How the rows of its steps contradict its end; None if they agree.

        Steps are numbered from 1 without gaps, and written before their statements are sent.
        """
        numbers = {step.seq for step in self.steps}
        last = max(numbers, default=0)
        missing = sorted(set(range(1, max(last, self.applied) + 1)) - numbers)
        done = sum(step.is_done for step in self.steps)
        if missing:
            first_missing = ", ".join(map(str, missing[:10])) + ", …" * (len(missing) > 10)
            return f"rows of its {self.total} steps are missing: {first_missing}"
        if done < self.applied:
            return f"{self.applied} of its steps were done when it ended, but {done} by their rows"
        return f"it has {self.total} steps, and a row of step {last}" if last > self.total else None

    def to_dict(self) -> dict[str, Any]:
        """Return the version as plain JSON values; steps only if they were requested."""
        row = {name: to_json(value) for name, value in version_row(self).items()}
        steps = {"steps": [step.to_dict() for step in self.steps]} if self.steps else {}
        return {**row, "duration_ms": self.duration_ms, **steps}


_V = TypeVar("_V", LedgerStep, Migration)


def step_from_row(row: Row) -> LedgerStep:
    """Build a step from a row."""
    return _from_row(LedgerStep, {**row, "change_json": row.get("change")})


def step_row(step: LedgerStep) -> dict[str, Any]:
    """Return the row of a step."""
    row = attrs.asdict(step)
    return {**{name: row[name] for name in row if name != "change_json"}, "change": step.change_json}


def version_from_row(row: Row) -> Migration:
    """Build a version from a row."""
    return _from_row(Migration, row)


def version_row(version: Migration) -> dict[str, Any]:
    """Return the row of a version, without its steps."""
    row = attrs.asdict(version, recurse=False)
    return {name: row[name] for name in row if name != "steps"}


def _from_row(cls: type[_V], row: Row) -> _V:
    """Build a record from the known columns of a row; null means the default."""
    names = {field.name for field in attrs.fields(cls) if field.name != "steps"}
    return cls(**{name: _aware(row[name]) for name in names & row.keys() if row[name] is not None})


def _aware(value: Any) -> Any:
    """Interpret a naive datetime as UTC, as drivers return it."""
    return value.replace(tzinfo=timezone.utc) if isinstance(value, datetime) and value.tzinfo is None else value
