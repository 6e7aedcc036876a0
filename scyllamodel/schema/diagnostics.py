"""A diagnostic: a code, a severity, a text, and a suggested fix."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

from scyllamodel._text import printable, printable_line

Severity: TypeAlias = Literal["error", "warn", "note"]


@attrs.frozen
class Diagnostic:
    """One finding about a change or a live object.

    Attributes:
        code: a stable code, such as ``PK101``.
        severity: ``error`` refuses the plan; ``warn`` and ``note`` are attached to a step or the plan.
        object: the raw dotted name of the object, such as ``shop.orders.total``.
        text: the finding, on one line.
        fix: what to do; for an impossible change the complete instructions for this case.
        allow: the value of ``allow=`` with which a refused change runs; empty if it cannot be allowed.
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
        """The diagnostic as plain JSON values; ``allow`` is omitted if it is empty."""
        return {name: value for name, value in attrs.asdict(self).items() if value or name != "allow"}
