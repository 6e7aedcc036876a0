"""The command line: a thin shell over `scyllamodel.release`, which does the work and knows no terminal."""

from scyllamodel.cli.main import main as main

__all__ = ["main"]
