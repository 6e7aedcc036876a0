"""Makes ``tests/support`` importable for a tool that runs as a script; for tests, pytest's ``pythonpath`` does it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(1, str(Path(__file__).parents[1]))
