"""The version of the package. The build takes it from here, and reading it needs no metadata of the installation."""

from __future__ import annotations

__version__ = "0.1.0"
