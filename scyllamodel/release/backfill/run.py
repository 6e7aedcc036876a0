"""Backfills a column or a table.

*In*: a repo, a source and a target. *Out*: a `BackfillReport`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import uuid4

from scyllamodel._numbers import check_integer
from scyllamodel.driver.data.bulk import CONCURRENCY
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import BackfillFailed, ConfigurationError
from scyllamodel.release.backfill.copier import Copier, CopyTask, OnProgress, Throttle
from scyllamodel.release.backfill.cql_store import CqlCheckpointStore
from scyllamodel.release.backfill.preparation import prepare_target
from scyllamodel.release.backfill.records import BackfillRecord
from scyllamodel.release.backfill.report import BackfillReport
from scyllamodel.release.backfill.row_task import RowTask
from scyllamodel.release.backfill.store import CheckpointStore
from scyllamodel.release.backfill.value_task import ValueTask
from scyllamodel.release.engine.cluster_view import check_is_repo
from scyllamodel.release.engine.models import find_resources
from scyllamodel.release.engine.name_lookup import ModelOrColumn, find_column, find_model_or_column

RANGES: Final = 1024
"""Number of token ranges; a stopped run repeats at most one of them."""

MARGIN: Final = 60_000_000
"""Microseconds that values without a write time are dated back: more than clocks differ, so that concurrent writes of
the application are later."""


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
    """Copy the values of a column into another column of the same table, or the rows of a table into another table.

    It may be stopped at any time; a second call resumes after the last completed range. The application may write in
    the meantime if it writes both sides: each value is copied with its write time and remaining TTL, so later writes
    win. Collections have no write time and are dated a minute before the backfill started.

    Parameters:
        source: ``Order.total``, ``Order``, or a name of either.
        into: the column or model to fill; a name without a dot is a column of the source's model, or a model.
        convert: a function from value to value, or from instance to instance; None skips the row. By default values are
            copied unchanged, rows by column names.
        rate: rows per second at most.
        concurrency: concurrent writes.
        consistency: of reads and writes; less than a quorum may miss rows.
        again: start over, even if everything was copied before.
        dry_run: read and convert, write nothing.
        on_progress: called with a `BackfillProgress` after each range, and each second.

    Raises:
        BackfillFailed: rows failed; ``report`` lists them. The others are copied.
        ConfigurationError: another ``convert`` than before, counters, or a missing target.
        KeyspaceError: the keyspace does not exist.
        ConnectionFailed: no server can be used.
    """
    check_is_repo(repo)
    if rate is not None and not rate > 0:
        raise ConfigurationError(f"rate={rate!r} must be greater than 0", setting="rate")
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
            f"{task.name}: {report.failed:,} of {report.rows_in:,} rows were not copied; the first is "
            f"{first.key}: {first.error}. Fix the cause and run it again: it resumes with their ranges.",
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
            raise ConfigurationError(f"A table is copied into a table, but {into!r} is a column.")
        return RowTask.build(model, target, convert, repo.keyspace)
    if isinstance(into, str) and "." not in into:
        return ValueTask.build(column, find_column(model, into), convert, repo.keyspace)
    _, target_column = find_model_or_column(models, into)
    if target_column is None:
        raise ConfigurationError(
            f"{source!r} is a column, so the target is a column: write into={model.__qualname__}.…"
        )
    return ValueTask.build(column, target_column, convert, repo.keyspace)


def _check_no_counters(model: type[Any]) -> None:
    if model.__facts__.is_counter:
        raise ConfigurationError(
            f"{model.__qualname__} holds counters, which cannot be copied while they change. Count into both tables, "
            "and transfer the old values once nothing counts there any more."
        )


def _function_name(convert: Callable[[Any], Any] | None) -> str:
    """Return the name of a function, to detect a run with another one."""
    if convert is None:
        return ""
    return f"{getattr(convert, '__module__', '')}:{getattr(convert, '__qualname__', type(convert).__qualname__)}"


def _begin(checkpoints: CheckpointStore, new: BackfillRecord, task: CopyTask, *, again: bool) -> BackfillRecord:
    record = checkpoints.begin(new, restart=again)
    if record.convert != new.convert:
        raise ConfigurationError(
            f"{task.name} was started with convert={record.convert or None}, not {new.convert or None}: use that one, "
            "or start over with again=True (--again)."
        )
    return record
