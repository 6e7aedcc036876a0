"""Selects Maven repositories: those configured for Maven or jgo, by default Central."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from configparser import ConfigParser, Error
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

_LOCAL_HOSTS: Final = frozenset({"localhost", "127.0.0.1", "::1"})
CENTRAL = "https://repo.maven.apache.org/maven2"


def remote_repositories() -> dict[str, str]:
    """Return the addresses of repositories by name, in the order in which they are tried.

    The first that is set wins: the variable ``SCYLLAMODEL_MAVEN_URL``, a mirror of Central in ``~/.m2/settings.xml``,
    Central. Repositories of ``jgo.conf`` are tried after it, or instead of it if one is named ``central``.
    """
    configured = os.environ.get("SCYLLAMODEL_MAVEN_URL")
    if configured:
        return {"chosen": configured}
    mirror = _maven_mirror(Path.home() / ".m2" / "settings.xml")
    return {"central": mirror or CENTRAL, **_jgo_repositories()}


def check_secure_url(url: str) -> str:
    """Return the address if its responses cannot be altered in transit: over TLS, or on this machine.

    Raises:
        RuntimeError: the address is not secure.
    """
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOCAL_HOSTS):
        return url
    message = f"{url} is not used, since its responses could be altered in transit. Use an https:// address."
    raise RuntimeError(message)


def _maven_mirror(settings: Path) -> str | None:
    """Return the first mirror of Central in Maven's settings; None if there is none or they cannot be read."""
    try:
        root = ET.parse(settings).getroot()  # noqa: S314 - the user's own settings file
    except (OSError, ET.ParseError):
        return None
    for mirror in root.iterfind("{*}mirrors/{*}mirror"):
        names = {name.strip() for name in (mirror.findtext("{*}mirrorOf") or "").split(",")}
        address = (mirror.findtext("{*}url") or "").strip()
        if address and "!central" not in names and names & {"central", "*", "external:*"}:
            return address
    return None


def _jgo_repositories() -> dict[str, str]:
    configured = os.environ.get("JGO_CONFIG_FILE")
    config_home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    config_files = [Path(configured)] if configured else [config_home / "jgo.conf", Path.home() / ".jgorc"]
    parser = ConfigParser(interpolation=None)
    try:
        for config_file in config_files:
            if parser.read(config_file):
                break
    except (Error, UnicodeDecodeError):
        return {}
    return dict(parser["repositories"]) if parser.has_section("repositories") else {}
