"""Checks numbers given by callers: one check for builders, methods and settings.

In: the name of the parameter, the number, its bounds. Out: the number, or a ValueError that names all three.
"""

from __future__ import annotations

import math
import operator
from typing import Any, Final

MAX_INT: Final = 2**31 - 1
"""The largest value of CQL's ``int``, which limits and page sizes are sent as."""

MAX_BIGINT: Final = 2**63 - 1

MAX_TTL: Final = 20 * 365 * 24 * 60 * 60
"""The longest time to live that servers accept: 20 years (Cassandra ``Attributes.MAX_TTL``)."""


def check_integer(name: str, number: Any, *, minimum: int, maximum: int = MAX_INT) -> int:
    """Return the number if it is an integer within these bounds.

    >>> check_integer("limit", 20, minimum=1)
    20

    Raises:
        ValueError: it is out of bounds, or not an integer.
    """
    integer = None if isinstance(number, bool) or not hasattr(number, "__index__") else operator.index(number)
    if integer is None or not minimum <= integer <= maximum:
        raise ValueError(f"{name}={number!r}: expected an integer from {minimum:,} to {maximum:,}")
    return integer


def check_seconds(name: str, value: Any, *, allow_zero: bool = False) -> float:
    """Return the value if it is a time in seconds, more than 0.

    Parameters:
        allow_zero: whether 0 is allowed too.

    >>> check_seconds("timeout", 1.5)
    1.5

    Raises:
        ValueError: it is negative, not finite, or of another type.
    """
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or value < 0 or (value == 0 and not allow_zero):
        bound = "0 or more" if allow_zero else "more than 0"
        raise ValueError(f"{name}={value!r}: expected a number of seconds, {bound}")
    return float(value) if not isinstance(value, int) else value


def check_ttl(value: Any) -> int:
    """Return the value if it is a time to live in seconds; 0 means no expiry."""
    return check_integer("ttl", value, minimum=0, maximum=MAX_TTL)


def check_timestamp(value: Any) -> int:
    """Return the value if it is a write timestamp in microseconds since 1970; servers reserve the lowest number."""
    return check_integer("timestamp", value, minimum=-MAX_BIGINT, maximum=MAX_BIGINT)
