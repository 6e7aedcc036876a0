"""Render a plan as text, and as HTML for notebooks.

Statements are indented but never wrapped, so that they can be copied. The text has no colours: the command line adds
them by the marks.
"""

from __future__ import annotations

import html
import textwrap
from typing import TYPE_CHECKING

from scyllamodel._identifiers import is_internal_table
from scyllamodel._text import printable, printable_cql, printable_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from scyllamodel.schema.diagnostics import Diagnostic
    from scyllamodel.schema.plan.step import Step


def render(
    headline: str,
    bootstrap: Sequence[Step],
    steps: Sequence[Step],
    *,
    refusals: Sequence[Diagnostic],
    notes: Sequence[Diagnostic],
    width: int,
    internal_tables: str,
) -> str:
    """The parts of a plan as text.

    Parameters:
        width: the line width, in characters.
        internal_tables: a line shown instead of the steps that create internal tables; empty to show them.
    """
    lines = _wrapped(headline, width, "  ")
    if bootstrap:
        lines += ["", "First, before the plan:", *_bootstrap(bootstrap, width, internal_tables)]
    if steps:
        lines += ["", "Not run because of the refusals below:" if refusals else "Then:" if bootstrap else ""]
        lines += _steps(steps, width)
    if refusals:
        lines += ["", "Refused:", *_diagnostics("!", refusals, width)]
    if notes:
        lines += ["", "Notes:", *_diagnostics(".", notes, width)]
    return "\n".join(_without_double_blanks(lines))


def _bootstrap(steps: Sequence[Step], width: int, internal_tables: str) -> Iterator[str]:
    visible = [step for step in steps if not (internal_tables and creates_internal_table(step))]
    yield from _steps(visible, width)
    if len(visible) < len(steps):
        yield internal_tables


def creates_internal_table(step: Step) -> bool:
    """Whether a step creates a table of the lock or the ledger."""
    return step.op == "add_table" and is_internal_table(step.object.rpartition(".")[2])


def _steps(steps: Iterable[Step], width: int) -> Iterator[str]:
    for step in steps:
        yield from _wrapped(f"  {step.mark} {_number(step)} {step.summary}", width, " " * 8)
        yield printable_cql(step.cql, " " * 8)
        if step.why_no_undo:
            yield from _wrapped(f"        no undo: {step.why_no_undo}", width, " " * 10)
        for lint in step.lints:
            mark = "!" if lint.severity == "error" else "."
            yield from _wrapped(f"        {mark} {lint.code} {lint.text}", width, " " * 10)


def _number(step: Step) -> str:
    return f"{step.seq:>2}." if step.seq > 0 else "   "


def _diagnostics(mark: str, diagnostics: Iterable[Diagnostic], width: int) -> Iterator[str]:
    for diagnostic in diagnostics:
        yield from _wrapped(f"  {mark} {diagnostic.code} {diagnostic.object}: {diagnostic.text}", width, " " * 6)
        if diagnostic.fix:
            yield from (f"      {line}" for line in printable(diagnostic.fix).split("\n"))


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    leading_spaces = text[: len(text) - len(text.lstrip())]
    return textwrap.wrap(
        printable_line(text.strip()),
        max(width, 40),
        initial_indent=leading_spaces,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _without_double_blanks(lines: Iterable[str]) -> Iterator[str]:
    """The lines without consecutive blank lines."""
    previous = None
    for line in lines:
        if line or previous:
            yield line
        previous = line


def render_html(
    headline: str, steps: Iterable[Step], refusals: Iterable[Diagnostic], notes: Iterable[Diagnostic]
) -> str:
    """A headline and a table of the steps, for notebooks; every text is escaped."""
    rows = [
        [step.mark, str(step.seq), step.object, step.cql, "; ".join(lint.code for lint in step.lints)] for step in steps
    ]
    rows += [["!", "", refusal.object, refusal.text, refusal.code] for refusal in refusals]
    rows += [[".", "", note.object, note.text, note.code] for note in notes]
    cells = "".join(
        "<tr>" + "".join(f"<td>{html.escape(printable_line(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    head = f"<p>{html.escape(headline)}</p>"
    return f"{head}<table>{cells}</table>" if rows else head
