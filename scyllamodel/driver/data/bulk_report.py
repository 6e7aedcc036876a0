"""The report and the progress of a bulk run.

In: the counters of the run. Out: values for the caller, and `BulkWriteError` where rows failed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import attrs

from scyllamodel.errors import BulkWriteError

OnProgress: TypeAlias = Callable[["Progress"], Any]


@attrs.frozen
class Progress:
    """The progress of a bulk run.

    Attributes:
        done: finished rows, including failed ones.
        failed: failed rows.
        total: all rows; None when the source has no length.
    """

    done: int
    failed: int
    total: int | None


@attrs.frozen
class RowError:
    """A row that was not written.

    Attributes:
        index: its position among the rows given, from 0.
        row: the instance, or the key.
        error: the cause.
    """

    index: int
    row: Any = attrs.field(repr=False)
    error: Exception


@attrs.frozen
class BulkReport:
    """The outcome of a bulk run.

    Attributes:
        total: rows taken from the source.
        sent: rows sent; unchanged ones are not.
        requests: requests sent.
        retried: requests sent again.
        errors: of failed rows, by position.
        seconds: duration.
    """

    total: int
    sent: int
    requests: int
    retried: int
    errors: tuple[RowError, ...]
    seconds: float

    @property
    def written(self) -> int:
        """Rows that are stored as given, including unchanged ones."""
        return self.total - len(self.errors)

    def raise_errors(self) -> None:
        """Raise `BulkWriteError` if rows failed.

        Raises:
            BulkWriteError: carries this report.
        """
        if self.errors:
            first = self.errors[0]
            raise BulkWriteError(
                f"{len(self.errors):,} of {self.total:,} rows failed, the first of them number {first.index}: "
                f"{type(first.error).__name__}: {first.error}",
                report=self,
            ) from first.error


def checked_report(report: BulkReport, *, raise_errors: bool) -> BulkReport:
    """Return the report; with ``raise_errors``, raise `BulkWriteError` if rows failed."""
    if raise_errors:
        report.raise_errors()
    return report
