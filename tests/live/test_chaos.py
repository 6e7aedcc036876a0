"""A short chaos run, with every kind of call, and every kind of fault that a proxy in front of one server can make."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.live

CHAOS = Path(__file__).parent.parent / "chaos.py"
SECONDS, SEED = 40, 20261129


def test_nothing_is_lost_doubled_late_or_left(scylla_cluster):
    """The run says of itself what is wrong, and ends with it."""
    words = [sys.executable, str(CHAOS), "--scylla", scylla_cluster.contact_points[0]]
    words += ["--seconds", str(SECONDS), "--seed", str(SEED)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=280, check=False)

    assert 0 == done.returncode, f"{done.stdout[-20000:]}\n{done.stderr[-5000:]}"
