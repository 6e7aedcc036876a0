"""Reads ``[tool.scyllamodel]`` of the nearest trusted ``pyproject.toml``.

*In*: a folder. *Out*: the files that may have the table, and the table of one. The table names code that is imported,
so files above the project and files of other users are ignored or refused.
"""

from __future__ import annotations

import functools
import importlib
import os
import re
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from scyllamodel.errors import ConfigurationError

_TABLE: Final = re.compile(
    rb"^[ \t]*\[[ \t]*tool[ \t]*\.[ \t]*[\"']?scyllamodel|^[ \t]*scyllamodel[ \t]*[=.]", re.MULTILINE
)
_LONGEST: Final = 1 << 20
"""Maximum number of bytes that are read of a file."""


def pyprojects(folder: Path) -> Iterator[Path]:
    """Yield the files that may have the table, from a folder upwards; other files are not parsed.

    The search ends at the root of a repository, which has a ``.git``, and at the home folder.
    """
    home = Path(os.path.expanduser("~")).resolve()  # noqa: PTH111 - Path.home() raises for users without one
    for above in (folder, *folder.resolve().parents):
        path = above / "pyproject.toml"
        if _mentions_us(path):
            yield path
        if os.path.exists(above / ".git") or above.resolve() == home:  # noqa: PTH110 - Path.exists() raises
            return


def _mentions_us(path: Path) -> bool:
    try:
        return path.is_file() and _TABLE.search(_start(path)) is not None
    except OSError:
        return False


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_LONGEST)


def tool_table(path: Path) -> Any:
    """Return ``[tool.scyllamodel]`` of one file; None if it has none.

    Raises:
        ConfigurationError: the file belongs to another user, or is not valid TOML.
    """
    owner = stranger(path)
    if owner is not None:
        raise ConfigurationError(
            f"{path} is not used, since {owner}, so another user could execute code through it. If you trust the file, "
            "take ownership with chown, or restrict file and folder with chmod o-w; or select repos with --repo or "
            "SCYLLAMODEL_REPOS.",
            setting="repos",
        )
    try:
        return _loads(path)(_start(path).decode()).get("tool", {}).get("scyllamodel")
    except (ValueError, RecursionError) as error:
        why = "its values are nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ConfigurationError(f"{path} is not valid TOML: {why}. Correct the file.", setting="repos") from error


def stranger(path: Path) -> str | None:
    """Return why a file is not trusted: another user can write the file or its folder; None if it is trusted.

    Root and the user who called ``sudo`` are trusted.
    """
    known = {os.geteuid(), 0}
    if os.geteuid() == 0 and os.environ.get("SUDO_UID", "").isdecimal():
        known.add(int(os.environ["SUDO_UID"]))
    for place in (path, path.parent):
        owner = place.lstat().st_uid
        if owner not in known:
            return f"{place} belongs to another user, {owner}"
        if is_shared(place):
            return f"{place} is open to all users"
    return None


def is_shared(place: Path) -> bool:
    """Return whether every user can write a file, or create files in a folder, as in ``/tmp``."""
    return bool(place.stat().st_mode & stat.S_IWOTH)


def _loads(path: Path) -> Callable[[str], dict[str, Any]]:
    reader = toml_reader()
    if reader is None:
        raise ConfigurationError(
            f"{path} has [tool.scyllamodel], but Python {sys.version_info[0]}.{sys.version_info[1]} cannot read TOML. "
            "Run pip install tomli, or set SCYLLAMODEL_REPOS instead.",
            setting="repos",
        )
    return reader


@functools.lru_cache
def toml_reader() -> Callable[[str], dict[str, Any]] | None:
    """Return the parser of TOML; None on Python 3.10 without tomli, the backport of tomllib."""
    for name in ("tomllib", "tomli"):
        try:
            found: Callable[[str], dict[str, Any]] = importlib.import_module(name).loads
        except ImportError:
            continue
        return found
    return None
