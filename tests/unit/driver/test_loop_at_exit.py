"""The event loop of the driver at the end of a program that was interrupted early."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import threading
from cassandra.cluster import DefaultConnection
from scyllamodel.driver.session.connect import stop_event_loop
from scyllamodel.driver._cassandra import loop_modules

DefaultConnection.initialize_reactor()
for module in loop_modules():
    module._global_loop._thread = threading.Thread()  # made, and interrupted before it was started
stop_event_loop()
"""


def test_a_loop_whose_thread_never_started_ends_without_a_word():
    """A loop whose thread never started ends without the traceback that the driver's exit handler would print."""
    result = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)

    assert (0, "", "") == (result.returncode, result.stdout, result.stderr)
