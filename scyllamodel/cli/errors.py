"""Errors of the command line, and the message for an invalid one with the nearest valid word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from scyllamodel._text import closest
from scyllamodel.cli.exit_codes import INTERRUPTED, USAGE
from scyllamodel.errors import ScyllaModelError, StepFailed


class UsageError(ScyllaModelError):
    """The command line is not valid."""

    code: ClassVar[str] = "CM101"
    exit_code: ClassVar[int] = USAGE


class Interrupted(ScyllaModelError):
    """The user (Ctrl-C) or the system (SIGTERM) stopped the command before it changed anything."""

    code: ClassVar[str] = "CM102"
    exit_code: ClassVar[int] = INTERRUPTED


class Stopped(StepFailed):
    """The user or the system stopped a migration after ``applied`` of ``total`` steps; the next run resumes."""

    code: ClassVar[str] = "CM103"


class ResultLost(ScyllaModelError):
    """The command did its work, but its output could not be written, for example because the disk is full."""

    code: ClassVar[str] = "CM104"


def invalid_arguments(prog: str, message: str, known_words: Sequence[str]) -> UsageError:
    """Return the error for a message of argparse.

    Parameters:
        known_words: all words that the parser accepts.
    """
    return UsageError(f"{_without_urls(message)}\n{_advice(prog, message, known_words)}")


def _without_urls(message: str) -> str:
    """Remove the URLs that argparse quotes from its message, since they may contain passwords."""
    return re.sub(r"://\S+", "://…", message)


def _advice(prog: str, message: str, known_words: Sequence[str]) -> str:
    """Return the nearest valid word, and how to show the help."""
    typed_words = [word.strip("'\",():").partition("=")[0] for word in message.split()]
    unknown_words = [word for word in typed_words if word not in known_words]
    nearest = next(filter(None, (closest(word, known_words, cutoff=0.7) for word in unknown_words)), None)
    return f"{'' if nearest is None else f'Did you mean {nearest}? '}See {prog} --help"
