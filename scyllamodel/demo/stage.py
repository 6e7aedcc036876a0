"""How the tour speaks: numbered acts, the Python that a reader would write, what came of it, and what must be true.

*In*: texts. *Out*: lines, handed to whoever shows them, so that the tour itself knows no terminal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

import attrs

from scyllamodel.errors import ScyllaModelError


class TourFailed(ScyllaModelError):
    """Something in the tour did not happen as it was told."""

    code: ClassVar[str] = "DM101"


@attrs.define
class TourOutput:
    """Where the acts are shown; ``write`` takes one line or several."""

    write: Callable[[str], None]
    step_count: int = 0

    def start_step(self, title: str, *source_lines: str) -> None:
        """Announce an act, with the lines of Python that do it."""
        self.step_count += 1
        self.write(f"\n{self.step_count}. {title}")
        self.lines(f">>> {line}" for line in source_lines)

    def lines(self, lines: Iterable[str]) -> None:
        """Show lines under the act."""
        for line in lines:
            self.write(f"   {line}".rstrip())

    def text(self, text: str) -> None:
        """Show a text of several lines under the act."""
        self.lines(text.rstrip("\n").split("\n"))


def expect(holds: bool, claim: str) -> None:  # noqa: FBT001 - a claim is true or not
    """End the tour unless the claim is true.

    Raises:
        TourFailed: it is not.
    """
    if not holds:
        raise TourFailed(f"The tour says that {claim}, and it is not so. Please report this, with the lines above.")
