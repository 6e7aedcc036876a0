"""Exit codes and their descriptions, in one table for help texts and tests."""

from __future__ import annotations

from typing import Final

DONE: Final = 0
ERROR: Final = 1
CHANGES: Final = 2
REFUSED: Final = 3
STALE: Final = 4
LOCKED: Final = 5
PARTIAL: Final = 6
WAITED: Final = 7
USAGE: Final = 64
CONFIGURATION: Final = 78
INTERRUPTED: Final = 130

DESCRIPTIONS: Final = {
    DONE: "done, or nothing to do",
    ERROR: "error",
    CHANGES: "changes pending",
    REFUSED: "refused: CQL cannot do it, or it needs --allow; nothing ran",
    STALE: "the plan no longer matches; nothing ran",
    LOCKED: "another run holds the lock without progress; nothing ran",
    PARTIAL: "stopped part-way; the next run resumes",
    WAITED: "timeout: nodes did not agree, or indexes were not built",
    USAGE: "invalid command line",
    CONFIGURATION: "wrong or missing configuration",
    INTERRUPTED: "interrupted, and nothing was changed",
}
"""Exit code to its description. The meaning of a code never changes, since scripts rely on it."""
