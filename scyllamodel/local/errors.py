"""Errors of local servers, in a module that all others can import."""

from __future__ import annotations

from typing import ClassVar

from scyllamodel.errors import ScyllaModelError


class LocalServerError(ScyllaModelError):
    """A local server could not be downloaded, did not start, or stopped unexpectedly.

    If a log has details, the message ends with its last lines, which are also in ``log_tail``.
    """

    code: ClassVar[str] = "LC101"


class MissingExtra(LocalServerError, ImportError):
    """The extra ``local`` is not installed; the message contains the command that installs it."""

    code: ClassVar[str] = "LC102"
