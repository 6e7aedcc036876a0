"""Makes the current folder importable for commands.

*In*: the current folder. *Out*: entries of `sys.path`. Only the command line uses it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from scyllamodel.config.pyproject import distrust_reason, find_pyprojects, is_world_writable

_SITE_PACKAGES: Final = ("site-packages", "dist-packages")


def add_current_folder() -> list[Path]:
    """Add the current folder to `sys.path`, as ``python -m`` does and a console script does not.

    The folder of the nearest ``pyproject.toml`` that configures repos is added too, since its names are relative to it.
    Both are searched before installed packages, so that models of the folder are found first, and after the standard
    library. Folders that every user can write, such as ``/tmp``, are left out.

    Returns:
        The folders that were left out.
    """
    current = Path.cwd()
    project = next((path.parent for path in find_pyprojects(current) if distrust_reason(path) is None), current)
    folders = dict.fromkeys((current, project))
    shared = [folder for folder in folders if is_world_writable(folder)]
    candidates = [str(folder) for folder in folders if folder not in shared]
    existing = {str(Path(entry or ".").absolute()) for entry in sys.path}
    position = next(
        (index for index, entry in enumerate(sys.path) if Path(entry).name in _SITE_PACKAGES), len(sys.path)
    )
    sys.path[position:position] = [folder for folder in candidates if folder not in existing]
    return shared
