"""Serialised values -> bytes in which the elements of sets and the keys of maps have one order.

The driver serialises a set in the order in which Python iterates it, which differs from process to process. What is
compared across processes, such as a page token, compares these bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any


def canonical(driver_type: Any, data: bytes | None) -> bytes | None:
    """The bytes of a value in a fixed order, each element of a set once.

    Parameters:
        driver_type: the driver's class of the type.
        data: as that class has serialised it; None is a null.
    """
    if data is None:
        return None
    kind: str = driver_type.typename
    inside: Sequence[Any] = getattr(driver_type, "subtypes", ())
    if kind == "frozen":
        return canonical(inside[0], data)
    if kind in ("list", "set"):
        items = [canonical(inside[0], item) for item in _items(data, 4)]
        return data[:4] + _joined(items) if kind == "list" else _joined(_ordered(items))
    if kind == "map":
        found = list(_items(data, 4))
        pairs = zip(found[::2], found[1::2], strict=True)
        return _joined(_ordered(_joined([canonical(inside[0], k), canonical(inside[1], v)]) for k, v in pairs))
    if inside and kind != "vector":  # a tuple or a user type
        return _joined([canonical(part, item) for part, item in zip(inside, _items(data, 0), strict=False)])
    return data


def _items(data: bytes, start: int) -> Iterator[bytes | None]:
    """What stands behind its length, from here to the end; a negative length is that of a null."""
    while start < len(data):
        length = int.from_bytes(data[start : start + 4], "big", signed=True)
        start += 4
        yield None if length < 0 else data[start : start + length]
        start += max(length, 0)


def _joined(items: Iterable[bytes | None]) -> bytes:
    return b"".join([b"\xff\xff\xff\xff" if item is None else len(item).to_bytes(4, "big") + item for item in items])


def _ordered(items: Iterable[bytes | None]) -> list[bytes | None]:
    return sorted(set(items), key=lambda item: item or b"")
