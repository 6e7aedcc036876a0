"""Where downloads and the state of background servers live, and a lock that dies with its process."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from scyllamodel.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Generator


PRIVATE: Final = 0o600
"""The permissions of a file that other users may not read."""

PRIVATE_FOLDER: Final = 0o700
"""The permissions of a folder that other users may not enter."""


def cache_folder() -> Path:
    """The folder that keeps jars, Java and state: ``$SCYLLAMODEL_CACHE``, or the user's own cache folder."""
    chosen = os.environ.get("SCYLLAMODEL_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    xdg = os.environ.get("XDG_CACHE_HOME")
    if xdg:
        return Path(xdg).expanduser().absolute() / "scyllamodel"
    caches = "Library/Caches" if sys.platform == "darwin" else ".cache"
    return Path.home() / caches / "scyllamodel"


def own_cache_folder() -> Path:
    """Make the cache folder one that other users may not enter, and return it; what is in it is run.

    Raises:
        ConfigurationError: it is another user's. One of root's that only root may write is taken as it is.
    """
    folder = cache_folder()
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_uid == os.geteuid():
        folder.chmod(PRIVATE_FOLDER)
    elif found.st_uid != 0 or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        message = (
            f"{folder} belongs to another user, {found.st_uid}, who could put any program into it that a local server "
            "runs. Name a folder of your own in SCYLLAMODEL_CACHE."
        )
        raise ConfigurationError(message, path=str(folder))
    return folder


@contextmanager
def locked(path: Path) -> Generator[None]:
    """Hold an exclusive lock on `path` (made when missing), waiting for whoever has it; a dead process holds none."""
    with try_lock(path, wait=True):
        yield


@contextmanager
def try_lock(path: Path, *, wait: bool = False) -> Generator[None]:
    """Hold an exclusive lock on `path`; without `wait`, raise BlockingIOError when another process has it."""
    path.parent.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def whole(target: Path) -> Generator[Path]:
    """A new folder beside `target` that becomes `target` when the block ends well, and vanishes when it does not.

    A process that dies inside the block leaves no `target`, so a half-made folder is never taken for a complete one.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield unfinished
        unfinished.chmod(0o755)  # mkdtemp makes it private, yet a shared cache is read by others
        unfinished.replace(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def private_folder(folder: Path) -> None:
    """Make a folder that no other user may enter, or close an existing one to them."""
    folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
    folder.chmod(PRIVATE_FOLDER)


def open_private(path: Path) -> IO[bytes]:
    """Open a file for writing, empty, that no other user may read."""
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "wb")


def write_whole(target: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write `content` to `target` so that a reader sees the old file or the new one, never half of one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    unfinished = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        unfinished.chmod(mode)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
