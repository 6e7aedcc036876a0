"""How progress is shown while waiting."""

from __future__ import annotations

import io

from scyllamodel.local.progress import Progress, show_progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        """Say so."""
        return True


def test_plain_lines_show_the_start_and_the_end():
    """Without a terminal there is one line at the start and one at the end, however many reports there are."""
    stream = io.StringIO()
    with show_progress(stream) as show:
        for percent in range(101):
            show(Progress("jars", percent, 100))

    assert ["jars: 0 of 100", "jars: 100 of 100"] == stream.getvalue().splitlines()


def test_nothing_is_printed_when_nothing_is_reported():
    """Work that reports no progress prints nothing."""
    stream = io.StringIO()
    with show_progress(stream):
        pass

    assert "" == stream.getvalue()


def test_a_terminal_gets_a_bar():
    """On a terminal the reports are a progress bar that is full in the end."""
    stream = Terminal()
    with show_progress(stream) as show:
        show(Progress("jars", 0, 2))
        show(Progress("jars", 2, 2))

    assert "2/2" in stream.getvalue()
