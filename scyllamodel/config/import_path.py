"""The folders that a command imports models from.

*In*: the current folder. *Out*: entries of `sys.path`. For the command line alone; a library leaves it as it is.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from scyllamodel.config.pyproject import is_shared, pyprojects, stranger

_INSTALLED: Final = ("site-packages", "dist-packages")


def add_current_folder() -> list[Path]:
    """Let the current folder be imported from, as ``python -m`` does and a console script does not.

    So may be the folder of the ``pyproject.toml`` above it that configures repos, since its names are meant from there.
    They stand before installed packages, so that models are those of the folder, and after the standard library. A
    folder like ``/tmp``, into which every user may put files, is left out.

    Returns:
        The folders that are left out.
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
