"""The option ``--slow-path``: repos of the run send all requests through the driver, unless a test sets the path.

It changes the default of `Repo(fast_path=)`; repos from a URL or in other processes are not affected.
"""

from __future__ import annotations

import pytest

from scyllamodel import Repo


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption("--slow-path", action="store_true", help="repos are made with fast_path=False")


def pytest_configure(config: pytest.Config) -> None:
    """Change the default."""
    if config.getoption("--slow-path"):
        defaults = Repo.__init__.__kwdefaults__
        assert defaults["fast_path"] is True
        defaults["fast_path"] = False
