"""Makes the current folder importable for commands.

*In*: the current folder. *Out*: entries of `sys.path`. Only the command line uses it.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from scyllamodel.config.pyproject import is_shared, pyprojects, stranger

_INSTALLED: Final = ("site-packages", "dist-packages")


def add_current_folder() -> list[Path]:
    """Add the current folder to `sys.path`, as ``python -m`` does and a console script does not.

    The folder of the nearest ``pyproject.toml`` that configures repos is added too, since its names are relative to it.
    Both are searched before installed packages, so that models of the folder are found first, and after the standard
    library. Folders that every user can write, such as ``/tmp``, are left out.

    Returns:
        The folders that were left out.
    """
    here = Path.cwd()
    above = next((path.parent for path in pyprojects(here) if stranger(path) is None), here)
    folders = dict.fromkeys((here, above))
    shared = [folder for folder in folders if is_shared(folder)]
    wanted = [str(folder) for folder in folders if folder not in shared]
    known = {str(Path(entry or ".").absolute()) for entry in sys.path}
    at = next((i for i, entry in enumerate(sys.path) if Path(entry).name in _INSTALLED), len(sys.path))
    sys.path[at:at] = [folder for folder in wanted if folder not in known]
    return shared
