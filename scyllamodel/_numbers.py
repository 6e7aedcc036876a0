"""Numbers that a caller gives: one check for builders, verbs and settings.

Comes in: the name of the parameter, the number, its bounds. Goes out: the number, or a ValueError that names all three.
"""

from __future__ import annotations

import math
import operator
from typing import Any, Final

MAX_INT: Final = 2**31 - 1
"""The largest value of CQL's ``int``, which limits and page sizes are sent as."""

MAX_BIGINT: Final = 2**63 - 1

MAX_TTL: Final = 20 * 365 * 24 * 60 * 60
"""The longest time to live that servers take: 20 years (Cassandra ``Attributes.MAX_TTL``)."""


def check_integer(name: str, number: Any, *, least: int, most: int = MAX_INT) -> int:
    """An integer within these bounds.

    >>> check_integer("limit", 20, least=1)
    20

    Raises:
        ValueError: it is another number, or of another type.
    """
    found = None if isinstance(number, bool) or not hasattr(number, "__index__") else operator.index(number)
    if found is None or not least <= found <= most:
        raise ValueError(f"{name}={number!r}: expected an integer from {least:,} to {most:,}")
    return found


def check_seconds(name: str, given: Any, *, zero: bool = False) -> float:
    """A time in seconds, more than 0.

    Parameters:
        zero: whether 0 is allowed too.

    >>> check_seconds("timeout", 1.5)
    1.5

    Raises:
        ValueError: it is negative, not finite, or of another type.
    """
    is_number = isinstance(given, (int, float)) and not isinstance(given, bool) and math.isfinite(given)
    if not is_number or given < 0 or (given == 0 and not zero):
        bound = "0 or more" if zero else "more than 0"
        raise ValueError(f"{name}={given!r}: expected a number of seconds, {bound}")
    return float(given) if not isinstance(given, int) else given


def check_ttl(given: Any) -> int:
    """A time to live in seconds; 0 is no expiry."""
    return check_integer("ttl", given, least=0, most=MAX_TTL)


def check_timestamp(given: Any) -> int:
    """The time of a write in microseconds since 1970; servers keep the lowest number for themselves."""
    return check_integer("timestamp", given, least=-MAX_BIGINT, most=MAX_BIGINT)
