"""The errors of a local server, apart from the modules that raise them so that all of those can import it."""

from __future__ import annotations

from typing import ClassVar

from scyllamodel.errors import ScyllaModelError


class LocalServerError(ScyllaModelError):
    """A local server could not be fetched, did not come up, or went down by itself.

    Where a log says more, the message ends with its last lines, and ``log_tail`` holds them.
    """

    code: ClassVar[str] = "LC101"


class MissingExtra(LocalServerError, ImportError):
    """The extra ``local`` is not installed; the message holds the command that installs it."""

    code: ClassVar[str] = "LC102"
