"""Two minutes of the chaos run: every kind of call, and every kind of fault that a proxy before one server makes."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.live

CHAOS = Path(__file__).parent.parent / "chaos.py"
SECONDS = 120


@pytest.mark.timeout(600)
def test_nothing_is_lost_doubled_late_or_left(scylla_cluster):
    """The run says what is wrong, and with which seed it can be played again."""
    seed = random.SystemRandom().randrange(10**6)
    words = [sys.executable, str(CHAOS), "--scylla", scylla_cluster.contact_points[0]]
    words += ["--seconds", str(SECONDS), "--seed", str(seed)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=550, check=False)
    print(done.stdout[-20000:], done.stderr[-5000:])  # noqa: T201 - pytest shows it when the test fails, or with -rP

    assert 0 == done.returncode, f"replay it with: {' '.join(['python', 'tests/chaos.py', *words[2:]])}"
