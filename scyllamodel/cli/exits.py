"""Exit codes and what each of them means, in one table that help texts and tests read."""

from __future__ import annotations

from typing import ClassVar, Final

from scyllamodel.errors import ScyllaModelError, StepFailed

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

MEANING: Final = {
    DONE: "done, or nothing to do",
    ERROR: "error",
    CHANGES: "changes pending",
    REFUSED: "refused: CQL cannot do it, or it needs --allow; nothing ran",
    STALE: "the plan does not fit any more; nothing ran",
    LOCKED: "another run holds the lock and makes no progress; nothing ran",
    PARTIAL: "stopped part-way; the next run goes on",
    WAITED: "nodes did not agree, or indexes were not built, in time",
    USAGE: "wrong usage of the command line",
    CONFIGURATION: "wrong or missing configuration",
    INTERRUPTED: "interrupted, and nothing was changed",
}
"""Exit code to its meaning; never another one for the same code, since scripts decide by it."""


class UsageError(ScyllaModelError):
    """A command line that cannot be understood."""

    code: ClassVar[str] = "CM101"
    exit_code: ClassVar[int] = USAGE


class Interrupted(ScyllaModelError):
    """The user (Ctrl-C) or the system (SIGTERM) ended the command before it had changed anything."""

    code: ClassVar[str] = "CM102"
    exit_code: ClassVar[int] = INTERRUPTED


class Stopped(StepFailed):
    """The user or the system ended a migration after ``applied`` of ``total`` steps; the next run goes on."""

    code: ClassVar[str] = "CM103"


class ResultLost(ScyllaModelError):
    """The command did its work, and what it was asked to print could not be written, as on a full disk."""

    code: ClassVar[str] = "CM104"
