"""Cache and state folders, and file locks that end with their process."""

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


PRIVATE_FILE_MODE: Final = 0o600
"""The permissions of a file that other users may not read."""

PRIVATE_FOLDER_MODE: Final = 0o700
"""The permissions of a folder that other users may not enter."""


def cache_folder() -> Path:
    """Return the folder of jars, Java and state: ``$SCYLLAMODEL_CACHE``, or the cache folder of the user."""
    configured = os.environ.get("SCYLLAMODEL_CACHE")
    if configured:
        return Path(configured).expanduser().absolute()
    xdg = os.environ.get("XDG_CACHE_HOME")
    if xdg:
        return Path(xdg).expanduser().absolute() / "scyllamodel"
    caches = "Library/Caches" if sys.platform == "darwin" else ".cache"
    return Path.home() / caches / "scyllamodel"


def own_cache_folder() -> Path:
    """Create the cache folder, or make it private, and return it; programs in it are executed.

    Raises:
        ConfigurationError: it belongs to another user. A folder of root that only root can write is accepted.
    """
    folder = cache_folder()
    folder.mkdir(mode=PRIVATE_FOLDER_MODE, parents=True, exist_ok=True)
    folder_stat = folder.stat()
    if folder_stat.st_uid == os.geteuid():
        folder.chmod(PRIVATE_FOLDER_MODE)
    elif folder_stat.st_uid != 0 or folder_stat.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        message = (
            f"{folder} belongs to another user, {folder_stat.st_uid}, who could replace the programs that a local "
            "server runs. Set SCYLLAMODEL_CACHE to a folder that you own."
        )
        raise ConfigurationError(message, path=str(folder))
    return folder


@contextmanager
def file_lock(path: Path) -> Generator[None]:
    """Hold an exclusive lock on the file `path`, which is created if missing; wait for other processes."""
    with try_lock(path, wait=True):
        yield


@contextmanager
def try_lock(path: Path, *, wait: bool = False) -> Generator[None]:
    """Hold an exclusive lock on `path`; without `wait`, raise BlockingIOError if another process has it."""
    path.parent.mkdir(mode=PRIVATE_FOLDER_MODE, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def atomic_folder(target: Path) -> Generator[Path]:
    """Provide a temporary folder that replaces `target` if the block succeeds, and is deleted if it fails.

    If the process dies inside the block, there is no `target`, so an incomplete folder is never used.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        yield unfinished
        unfinished.chmod(0o755)  # mkdtemp creates a private folder, but others read a shared cache
        unfinished.replace(target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def private_folder(folder: Path) -> None:
    """Create a private folder, or make an existing one private."""
    folder.mkdir(mode=PRIVATE_FOLDER_MODE, parents=True, exist_ok=True)
    folder.chmod(PRIVATE_FOLDER_MODE)


def open_private(path: Path) -> IO[bytes]:
    """Open a new private file for writing; an existing one is replaced."""
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE_MODE), "wb")


def write_atomically(target: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write `content` to `target` atomically: readers see the old file or the new one."""
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
