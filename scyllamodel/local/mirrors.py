"""Which Maven repositories to ask: what the user has set up for Maven or jgo is followed, Central is the default."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from configparser import ConfigParser, Error
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

_HERE: Final = frozenset({"localhost", "127.0.0.1", "::1"})
CENTRAL = "https://repo.maven.apache.org/maven2"


def remote_repositories() -> dict[str, str]:
    """Name to address, in the order to ask.

    The first that is set wins: the variable ``SCYLLAMODEL_MAVEN_URL``; a mirror of Central in ``~/.m2/settings.xml``;
    Central itself. Repositories of ``jgo.conf`` are asked after it, or in its place when one is named ``central``.
    """
    chosen = os.environ.get("SCYLLAMODEL_MAVEN_URL")
    if chosen:
        return {"chosen": chosen}
    mirror = _maven_mirror(Path.home() / ".m2" / "settings.xml")
    return {"central": mirror or CENTRAL, **_jgo_repositories()}


def secure(url: str) -> str:
    """The address, if nobody on the way can change what it answers: over TLS, or on this machine.

    Raises:
        RuntimeError: it is another address.
    """
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _HERE):
        return url
    message = f"{url} is not asked, since anybody on the way could answer. Use an address that begins with https://"
    raise RuntimeError(message)


def _maven_mirror(settings: Path) -> str | None:
    """The address of the first mirror of Central that Maven's settings name; unreadable settings name none."""
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
    places = [Path(configured)] if configured else [config_home / "jgo.conf", Path.home() / ".jgorc"]
    parser = ConfigParser(interpolation=None)
    try:
        for place in places:
            if parser.read(place):
                break
    except (Error, UnicodeDecodeError):
        return {}
    return dict(parser["repositories"]) if parser.has_section("repositories") else {}
