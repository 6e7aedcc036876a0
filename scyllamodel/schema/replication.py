"""Names of replication classes, checked before a server is asked."""

from __future__ import annotations

import difflib
from typing import Final

_STRATEGIES: Final = ("NetworkTopologyStrategy", "SimpleStrategy", "EverywhereStrategy", "LocalStrategy")
_PACKAGE: Final = "org.apache.cassandra.locator."


def strategy_fault(name: str) -> str | None:
    """Return why a replication class cannot be one, or None; a class with a package of its own is not looked at.

    >>> strategy_fault("NetworkTopologyStratgy")
    "there is no replication class 'NetworkTopologyStratgy'; did you mean 'NetworkTopologyStrategy'?"
    """
    short = name.removeprefix(_PACKAGE)
    if short in _STRATEGIES or "." in short:
        return None
    lower = {known.lower(): known for known in _STRATEGIES}
    near = difflib.get_close_matches(short.lower(), lower, 1)
    advice = f"did you mean {lower[near[0]]!r}?" if near else f"known are {', '.join(_STRATEGIES)}."
    return f"there is no replication class {short!r}; {advice}"
