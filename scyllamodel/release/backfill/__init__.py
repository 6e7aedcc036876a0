"""Copies values into a new column, or rows into a new table, while the application runs.

The third stage of an expand/contract migration: by token ranges, with a checkpoint after each, so that it can be
stopped at any time and resumes there.

Modules:
    copier: copies range by range, with a checkpoint after each.
    cql_store: checkpoints in the table ``scyllamodel_backfills``: one row per backfill, one per copied range.
    preparation: prepares a backfill: checks the target and creates the table of checkpoints.
    records: records of a backfill, and of each copied range, as values.
    report: progress and report of a backfill: plain values.
    row_task: copies rows of one table into another: the SELECT of a range, and the statements for each row; no I/O.
    run: backfills a column or a table.
    store: the storage that a backfill needs.
    value_task: copies values of one column into another of the same table: the SELECT of a range.
"""

from scyllamodel.release.backfill.report import BackfillProgress, BackfillReport
from scyllamodel.release.backfill.run import backfill

__all__ = ["BackfillProgress", "BackfillReport", "backfill"]
