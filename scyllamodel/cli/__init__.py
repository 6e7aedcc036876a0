"""The command line: a thin layer over `scyllamodel.release`, which does the work."""

from scyllamodel.cli.main import main as main

__all__ = ["main"]
