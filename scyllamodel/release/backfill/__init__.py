"""Copies values into a new column or rows into a new table while the application runs.

The third stage of an expand/contract migration: by token ranges, with a checkpoint after each, so that it can be
stopped
at any time and resumes there.
"""

from scyllamodel.release.backfill.report import BackfillProgress, BackfillReport
from scyllamodel.release.backfill.run import backfill

__all__ = ["BackfillProgress", "BackfillReport", "backfill"]
