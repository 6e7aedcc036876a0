"""``python -m scyllamodel`` is the command ``scyllamodel``."""

from __future__ import annotations

import sys

from scyllamodel.cli import main

if __name__ == "__main__":
    sys.exit(main())
