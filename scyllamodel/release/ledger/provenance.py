"""Who runs a migration: host, user, process, release of the application."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Iterable
from functools import lru_cache

import attrs


@attrs.frozen
class Provenance:
    """Provenance of a version, for readers of the history.

    Attributes:
        actor: user of the process.
        app_version: version of the distribution with the models; empty if none is installed.
    """

    host: str = ""
    actor: str = ""
    pid: int = 0
    app_version: str = ""

    @classmethod
    def current(cls, packages: Iterable[str] = ()) -> Provenance:
        """Return the provenance of this process."""
        return cls(socket.gethostname(), _user(), os.getpid(), _app_version(tuple(packages)))


UNKNOWN_PROVENANCE = Provenance()
"""For runs without provenance."""


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # in a container the user often has a number and no name; KeyError until Python 3.12
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else ""


@lru_cache(maxsize=64)
def _app_version(packages: tuple[str, ...]) -> str:
    """Return the version of the distribution; reading the metadata of all of them is slow."""
    from importlib.metadata import (  # noqa: PLC0415 - slow, and only a migration needs it
        PackageNotFoundError,
        packages_distributions,
        version,
    )

    top_package = next((name.partition(".")[0] for name in packages), None)
    names = (
        packages_distributions().get(top_package, [top_package]) if top_package else []
    )  # an editable install does not list its packages
    try:
        return version(names[0]) if names else ""
    except PackageNotFoundError:
        return ""
