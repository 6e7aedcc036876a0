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

_TOOL_TABLE: Final = re.compile(
    rb"^[ \t]*\[[ \t]*tool[ \t]*\.[ \t]*[\"']?scyllamodel|^[ \t]*scyllamodel[ \t]*[=.]", re.MULTILINE
)
_MAX_BYTES: Final = 1 << 20
"""Maximum number of bytes that are read of a file."""


def find_pyprojects(folder: Path) -> Iterator[Path]:
    """Yield the files that may have the table, from a folder upwards; other files are not parsed.

    The search ends at the root of a repository, which has a ``.git``, and at the home folder.
    """
    home = Path(os.path.expanduser("~")).resolve()  # noqa: PTH111 - Path.home() raises for users without one
    for directory in (folder, *folder.resolve().parents):
        path = directory / "pyproject.toml"
        if _has_tool_table(path):
            yield path
        if os.path.exists(directory / ".git") or directory.resolve() == home:  # noqa: PTH110 - Path.exists() raises
            return


def _has_tool_table(path: Path) -> bool:
    try:
        return path.is_file() and _TOOL_TABLE.search(_read_start(path)) is not None
    except OSError:
        return False


def _read_start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MAX_BYTES)


def tool_table(path: Path) -> Any:
    """Return ``[tool.scyllamodel]`` of one file; None if it has none.

    Raises:
        ConfigurationError: the file belongs to another user, or is not valid TOML.
    """
    owner = distrust_reason(path)
    if owner is not None:
        raise ConfigurationError(
            f"{path} is not used, since {owner}, so another user could execute code through it. If you trust the file, "
            "take ownership with chown, or restrict file and folder with chmod o-w; or select repos with --repo or "
            "SCYLLAMODEL_REPOS.",
            setting="repos",
        )
    try:
        return _toml_loads(path)(_read_start(path).decode()).get("tool", {}).get("scyllamodel")
    except (ValueError, RecursionError) as error:
        reason = "its values are nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise ConfigurationError(f"{path} is not valid TOML: {reason}. Correct the file.", setting="repos") from error


def distrust_reason(path: Path) -> str | None:
    """Return why a file is not trusted: another user can write the file or its folder; None if it is trusted.

    Root and the user who called ``sudo`` are trusted.
    """
    trusted = {os.geteuid(), 0}
    if os.geteuid() == 0 and os.environ.get("SUDO_UID", "").isdecimal():
        trusted.add(int(os.environ["SUDO_UID"]))
    for location in (path, path.parent):
        owner = location.lstat().st_uid
        if owner not in trusted:
            return f"{location} belongs to another user, {owner}"
        if is_world_writable(location):
            return f"{location} is open to all users"
    return None


def is_world_writable(path: Path) -> bool:
    """Return whether every user can write a file, or create files in a folder, as in ``/tmp``."""
    return bool(path.stat().st_mode & stat.S_IWOTH)


def _toml_loads(path: Path) -> Callable[[str], dict[str, Any]]:
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
            loads: Callable[[str], dict[str, Any]] = importlib.import_module(name).loads
        except ImportError:
            continue
        return loads
    return None
