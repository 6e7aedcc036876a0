"""Run ``python -m scyllamodel`` as the command ``scyllamodel``."""

from __future__ import annotations

import os
import sys

# Python puts the current folder first for -m, and a file there would shadow a package that this one imports. The
# commands that import models add the folder when everything else is imported.
if sys.path[0] == os.getcwd():  # noqa: PTH109 - pathlib itself must be imported from elsewhere
    del sys.path[0]

from scyllamodel.cli import main

if __name__ == "__main__":
    sys.exit(main())
