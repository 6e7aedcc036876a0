"""What came of many rows: the report of a bulk run, and its progress.

*In*: what the run counted. *Out*: values for the caller, and `BulkWriteError` where rows failed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import attrs
from typing_extensions import Self

from scyllamodel.errors import BulkWriteError

OnProgress: TypeAlias = Callable[["Progress"], Any]


@attrs.frozen
class Progress:
    """How far it is.

    Attributes:
        done: rows that need no more work, failed ones included.
        failed: of these.
        total: of all; None when the rows come from something without a length.
    """

    done: int
    failed: int
    total: int | None


@attrs.frozen
class RowError:
    """A row that was not written.

    Attributes:
        index: its place among those given, from 0.
        row: itself, or its key.
        error: why.
    """

    index: int
    row: Any = attrs.field(repr=False)
    error: Exception


@attrs.frozen
class BulkReport:
    """What became of many rows.

    Attributes:
        total: how many there were.
        sent: how many were sent; unchanged ones are not.
        requests: how many requests that took.
        retried: how many of these were sent again.
        errors: of the rows that failed, by their place.
        seconds: how long it took.
    """

    total: int
    sent: int
    requests: int
    retried: int
    errors: tuple[RowError, ...]
    seconds: float

    @property
    def written(self) -> int:
        """How many rows are as they should be, those that were so before included."""
        return self.total - len(self.errors)

    def raise_errors_if(self, enabled: bool) -> Self:  # noqa: FBT001 - passed on from a keyword
        """The report itself, if what failed is not demanded to be an error."""
        if enabled:
            self.raise_errors()
        return self

    def raise_errors(self) -> None:
        """Raise what failed, if anything did.

        Raises:
            BulkWriteError: with this report.
        """
        if self.errors:
            first = self.errors[0]
            raise BulkWriteError(
                f"{len(self.errors):,} of {self.total:,} rows failed, the first of them number {first.index}: "
                f"{type(first.error).__name__}: {first.error}",
                report=self,
            ) from first.error
