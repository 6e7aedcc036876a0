"""Copying values into a new column, or rows into a new table, while the application goes on.

It is the third stage of a course that `scyllamodel.release.expand` writes out: by ranges of tokens, with a checkpoint
after each, so that it can be killed at any time and goes on from there.
"""

from scyllamodel.release.backfill.report import BackfillProgress, BackfillReport
from scyllamodel.release.backfill.run import backfill

__all__ = ["BackfillProgress", "BackfillReport", "backfill"]
