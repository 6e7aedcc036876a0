"""`backfill`: what is asked for becomes a task, and the task a run.

*In*: a repo, a source and a target. *Out*: a `BackfillReport`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import uuid4

from scyllamodel._numbers import check_integer
from scyllamodel.driver.bulk import CONCURRENCY
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import BackfillFailed, ConfigurationError
from scyllamodel.release.backfill.checkpoints import BackfillRecord, CqlCheckpointStore
from scyllamodel.release.backfill.copying import Copier, CopyTask, OnProgress, Throttle
from scyllamodel.release.backfill.ready import prepare_target
from scyllamodel.release.backfill.report import BackfillReport
from scyllamodel.release.backfill.rows import RowTask
from scyllamodel.release.backfill.values import ValueTask
from scyllamodel.release.look import check_is_repo
from scyllamodel.release.named import ModelOrColumn, find_column, find_model_or_column
from scyllamodel.release.resources import find_resources

RANGES: Final = 1024
"""Into how many ranges of tokens a table is cut: one is what a killed run has to copy again."""

MARGIN: Final = 60_000_000
"""Microseconds by which values without a time of their own are dated back: more than clocks of one cluster differ, so
that what the application writes meanwhile is always later."""


def backfill(
    repo: Repo,
    source: ModelOrColumn,
    *,
    into: ModelOrColumn,
    convert: Callable[[Any], Any] | None = None,
    rate: float | None = None,
    concurrency: int = CONCURRENCY,
    consistency: str = "QUORUM",
    again: bool = False,
    dry_run: bool = False,
    on_progress: OnProgress | None = None,
) -> BackfillReport:
    """Copy the values of a column into another of the same table, or the rows of a table into another one.

    It may be killed at any time: a second call goes on after the last range that was done. The application may write
    meanwhile, as long as it writes both sides: each value is copied with its own time and remaining life, so what was
    written later stays. Collections have no time of their own, and are dated a minute before the backfill began.

    Parameters:
        source: ``Order.total``, ``Order``, or the name of either.
        into: the column or model to fill; a name without a dot is a column of the source's model, or a model.
        convert: from a value to a value, or from an instance to an instance of the other model; None leaves the row
            out. Without it values are copied as they are, and rows by the names of their columns.
        rate: rows a second, at most.
        concurrency: writes under way.
        consistency: of reads and writes. Less than a quorum may miss what was written.
        again: begin anew, also where all was copied before.
        dry_run: read and convert everything, and write nothing.
        on_progress: called with a `BackfillProgress` after each range, and each second.

    Raises:
        BackfillFailed: rows could not be converted or written; its ``report`` tells which. The rest is copied.
        ConfigurationError: it cannot be done as it is asked for: with another ``convert`` than before, of a table of
            counters, into what is not on the server.
        KeyspaceError, ConnectionFailed: there is no such keyspace, or no server.
    """
    check_is_repo(repo)
    if rate is not None and not rate > 0:
        raise ConfigurationError(f"rate={rate!r}: rows a second are more than none", setting="rate")
    check_integer("concurrency", concurrency, minimum=1)
    task = _task(repo, source, into, convert)
    target_columns = task.target_columns
    source_model, columns = (
        task.select_range(0, 1, consistency).template.model,
        tuple(column.db_name for column in target_columns),
    )
    internal = prepare_target(repo, source_model, target_columns[0].model, columns, dry_run=dry_run)
    record = BackfillRecord(uuid4(), RANGES, time.time_ns() // 1000 - MARGIN, _function_name(convert))
    checkpoints = None
    if not dry_run:
        checkpoints = CqlCheckpointStore(repo, internal, task.name)
        record = _begin(checkpoints, record, task, again=again)
    report = Copier(repo, task, record, Throttle(rate, concurrency, consistency), checkpoints, on_progress).run()
    if report.failed:
        first = report.failures[0]
        raise BackfillFailed(
            f"{task.name}: {report.failed:,} of {report.rows_in:,} rows were not copied, the first of them "
            f"{first.key}: {first.error}. Once the cause is gone, run it again: it goes on with their ranges.",
            report=report,
        )
    return report


def _task(repo: Repo, source: ModelOrColumn, into: ModelOrColumn, convert: Callable[[Any], Any] | None) -> CopyTask:
    models: Sequence[type[Any]] = find_resources(repo) if str in (type(source), type(into)) else ()
    model, column = find_model_or_column(models, source)
    _check_no_counters(model)
    if column is None:
        target, unexpected_column = find_model_or_column(models, into)
        _check_no_counters(target)
        if unexpected_column is not None:
            raise ConfigurationError(f"A whole table is copied into a table, and {into!r} is a column.")
        return RowTask.build(model, target, convert, repo.keyspace)
    if isinstance(into, str) and "." not in into:
        return ValueTask.build(column, find_column(model, into), convert, repo.keyspace)
    _, target_column = find_model_or_column(models, into)
    if target_column is None:
        raise ConfigurationError(f"{source!r} is a column, and it is copied into one: say into={model.__qualname__}.…")
    return ValueTask.build(column, target_column, convert, repo.keyspace)


def _check_no_counters(model: type[Any]) -> None:
    if model.__facts__.is_counter:
        raise ConfigurationError(
            f"{model.__qualname__} holds counters, which cannot be copied while they are counted: each is the sum of "
            "all that was added. Count into both tables, and carry the old sums over when nobody counts there any more."
        )


def _function_name(convert: Callable[[Any], Any] | None) -> str:
    """By which a second run knows whether it does the same as the first."""
    if convert is None:
        return ""
    return f"{getattr(convert, '__module__', '')}:{getattr(convert, '__qualname__', type(convert).__qualname__)}"


def _begin(checkpoints: CqlCheckpointStore, new: BackfillRecord, task: CopyTask, *, again: bool) -> BackfillRecord:
    record = checkpoints.begin(new, restart=again)
    if record.convert != new.convert:
        raise ConfigurationError(
            f"{task.name} was begun with convert={record.convert or None} and not {new.convert or None}: go on with "
            "that, or begin anew with again=True (--again)."
        )
    return record
