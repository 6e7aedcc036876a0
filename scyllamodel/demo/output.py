"""Formats the tour: numbered steps, Python code, output, and verified claims.

*In*: texts. *Out*: lines for a callback, so that the tour is independent of a terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

import attrs

from scyllamodel.errors import ScyllaModelError


class TourFailed(ScyllaModelError):
    """A claim of the tour does not hold."""

    code: ClassVar[str] = "DM101"


@attrs.define
class TourOutput:
    """Output of the tour; ``write`` prints one or more lines."""

    write: Callable[[str], None]
    step_count: int = 0

    def start_step(self, title: str, *source_lines: str) -> None:
        """Start a step, with its lines of Python."""
        self.step_count += 1
        self.write(f"\n{self.step_count}. {title}")
        self.lines(f">>> {line}" for line in source_lines)

    def lines(self, lines: Iterable[str]) -> None:
        """Show lines below the step."""
        for line in lines:
            self.write(f"   {line}".rstrip())

    def text(self, text: str) -> None:
        """Show a text of several lines below the step."""
        self.lines(text.rstrip("\n").split("\n"))


def expect(holds: bool, claim: str) -> None:  # noqa: FBT001 - a claim is true or not
    """Raise an error unless a claim holds.

    Raises:
        TourFailed: it does not hold.
    """
    if not holds:
        raise TourFailed(f"The tour claims that {claim}, which does not hold. Please report this with the lines above.")
