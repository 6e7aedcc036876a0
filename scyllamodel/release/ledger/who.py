"""Who changes a schema: host, user, process, and the release of the application."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Iterable
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version

import attrs


@attrs.frozen
class Provenance:
    """Who does it, for the people who read the history.

    Attributes:
        actor: the name of the user that the process runs as.
        app_version: the version of the distribution that the models come from; empty where none is installed.
    """

    host: str = ""
    actor: str = ""
    pid: int = 0
    app_version: str = ""

    @classmethod
    def current(cls, packages: Iterable[str] = ()) -> Provenance:
        """This process, with models from these packages."""
        return cls(socket.gethostname(), _user(), os.getpid(), _app_version(tuple(packages)))


UNKNOWN_PROVENANCE = Provenance()
"""For those who keep it to themselves."""


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # in a container the user often has a number and no name; KeyError until Python 3.12
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else ""


@lru_cache(maxsize=64)
def _app_version(packages: tuple[str, ...]) -> str:
    """Asked of the metadata of all installed distributions, which takes longer than many a migration."""
    top_package = next((name.partition(".")[0] for name in packages), None)
    names = (
        packages_distributions().get(top_package, [top_package]) if top_package else []
    )  # an editable install does not list its packages
    try:
        return version(names[0]) if names else ""
    except PackageNotFoundError:
        return ""
