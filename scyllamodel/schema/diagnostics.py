"""What the rules say about a change: a code, how grave it is, and what to do."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

from scyllamodel._text import printable, printable_line

Severity: TypeAlias = Literal["error", "warn", "note"]


@attrs.frozen
class Diagnostic:
    """One remark on a change or on a live object.

    Attributes:
        code: stable and searchable, such as ``PK101``.
        severity: ``error`` refuses the plan, ``warn`` goes with a step or the plan, ``note`` informs.
        object: the raw dotted name of what it speaks of, such as ``shop.orders.total``.
        text: what is the case, on one line.
        fix: what to do about it; for an impossible change the recipe, written out for the case at hand.
        allow: what ``allow=`` would have to hold for a refused change to run; empty when nothing helps.
    """

    code: str
    severity: Severity
    object: str
    text: str = attrs.field(converter=printable_line)
    fix: str = ""
    allow: str = ""

    def __str__(self) -> str:
        head = f"{self.code} {printable_line(self.object)}: {self.text}"
        return head + "".join(f"\n    {line}" for line in printable(self.fix).split("\n") if self.fix)

    def to_dict(self) -> dict[str, str]:
        """The diagnostic as plain JSON values; ``allow`` only where it says something."""
        return {name: value for name, value in attrs.asdict(self).items() if value or name != "allow"}
