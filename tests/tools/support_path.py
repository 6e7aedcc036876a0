"""Lets a tool that runs as a script import ``tests/support``; for tests ``pythonpath`` of pytest does it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(1, str(Path(__file__).parents[1]))
