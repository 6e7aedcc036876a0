"""A CQL ``duration`` as a value: months, days and nanoseconds, which cannot be converted into each other.

The driver's class is mutable, unhashable and untyped, so this module has its own; the driver serializes any value with
these three attributes. Sources: Cassandra ``cql3/Duration.java``, ScyllaDB ``duration.cc``.
"""

from __future__ import annotations

from typing import Any, Final

import attrs

_INT32: Final = 2**31
_INT64: Final = 2**63


def _in_range(limit: int) -> Any:
    def check(_: object, attribute: attrs.Attribute[int], value: object) -> None:
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"Duration({attribute.name}={value!r}): an int is required")
        if not -limit <= value < limit:
            raise ValueError(f"Duration({attribute.name}={value}): the range of CQL is {-limit} to {limit - 1}")

    return check


@attrs.frozen(order=False)  # explicit, since mypy assumes True by default
class Duration:
    """A span of calendar time, such as ``1mo2d3ns``.

    Months vary in days and days in hours, so durations have no order. Two durations are equal if all three parts are
    equal.

    Parameters:
        months: 32-bit.
        days: 32-bit.
        nanoseconds: 64-bit.

    Raises:
        ValueError: a part is out of range, or the parts have different signs, which servers refuse.

    >>> Duration(months=1, days=2, nanoseconds=3)
    Duration(months=1, days=2, nanoseconds=3)
    >>> print(Duration(days=-2), Duration(nanoseconds=5), Duration())
    -2d 5ns 0ns
    """

    months: int = attrs.field(default=0, validator=_in_range(_INT32))
    days: int = attrs.field(default=0, validator=_in_range(_INT32))
    nanoseconds: int = attrs.field(default=0, validator=_in_range(_INT64))

    def __attrs_post_init__(self) -> None:
        components = (self.months, self.days, self.nanoseconds)
        if min(components) < 0 < max(components):
            raise ValueError(f"{self!r}: months, days and nanoseconds must have the same sign; negate all or none")

    def __str__(self) -> str:
        """Return the duration as a CQL literal."""
        components = ((self.months, "mo"), (self.days, "d"), (self.nanoseconds, "ns"))
        text = "".join(f"{abs(count)}{unit}" for count, unit in components if count)
        return "-" + text if min(self.months, self.days, self.nanoseconds) < 0 else text or "0ns"
