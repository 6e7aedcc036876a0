"""The memory of a chaos run: how much belongs to its own record, and what references leaked objects.

*In*: the model and the writers of a run. *Out*: megabytes, and descriptions of leaked objects. The record grows
with each write whose outcome is unknown; all other memory belongs to the library and the driver.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import sys
import types
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import attrs

FOREIGN: Final = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType)
"""What a record refers to, and does not own."""


def resident() -> float:
    """The megabytes of this process, without memory that it has freed and could return."""
    gc.collect()
    with contextlib.suppress(AttributeError):  # of glibc
        ctypes.CDLL(None).malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def reachable(*roots: Any) -> dict[int, int]:
    """The bytes of some objects and of everything they reference, by the address of each."""
    sizes: dict[int, int] = {}
    waiting = list(roots)
    while waiting:
        item = waiting.pop()
        if id(item) not in sizes and not isinstance(item, FOREIGN):
            sizes[id(item)] = sys.getsizeof(item)
            waiting += gc.get_referents(item)
    return sizes


@attrs.frozen
class Moment:
    """The memory of a run while nothing is in flight.

    Attributes:
        resident: megabytes of the process.
        record: megabytes of its own record, as the interpreter counts them; the allocator needs more.
        kinds: the objects of the garbage collector outside the record, counted by class.
    """

    resident: float
    record: float
    kinds: Counter[str]

    @classmethod
    def of(cls, *record: Any) -> Moment:
        """The present moment."""
        size = resident()
        sizes = reachable(*record)
        kinds = Counter(type(obj).__name__ for obj in gc.get_objects() if id(obj) not in sizes)
        return cls(size, sum(sizes.values()) / 2**20, kinds)

    @property
    def others(self) -> int:
        """The number of objects outside the record."""
        return self.kinds.total()


@attrs.frozen
class Growth:
    """How the memory of a run grew between two moments."""

    first: Moment
    last: Moment

    @property
    def resident(self) -> float:
        """Megabytes by which the process grew."""
        return self.last.resident - self.first.resident

    @property
    def record(self) -> float:
        """Megabytes by which its record grew."""
        return self.last.record - self.first.record

    @property
    def others(self) -> int:
        """The number of new objects outside the record: those that the library or the driver keeps of its requests."""
        return self.last.others - self.first.others

    def __str__(self) -> str:
        halves = [
            f"{item.resident:.1f} MB ({item.record:.1f} of the record) and {item.others:,} other objects"
            for item in (self.first, self.last)
        ]
        grown = ", ".join(f"{name} {count:+,}" for name, count in (self.last.kinds - self.first.kinds).most_common(8))
        return f"{halves[0]} after one half, {halves[1]} after the other; most of them: {grown}"


def referrers(name: str, depth: int = 6) -> str:
    """The referrers of the objects of a class with this name, as far as they can be followed."""
    values = [obj for obj in gc.get_objects() if type(obj).__name__ == name]
    lines, known = [name], {id(values), id(locals())}
    for _ in range(depth):
        refer = [obj for obj in gc.get_referrers(*values) if id(obj) not in known and not _is_frame_of_ours(obj)]
        known |= {id(item) for item in refer} | {id(refer)}
        if not refer:
            break
        lines.append(", ".join(sorted({_shown(item) for item in refer})))
        values = refer
    return " < ".join(lines)


def _is_frame_of_ours(item: Any) -> bool:
    return isinstance(item, types.FrameType) and item.f_code.co_filename == __file__


def _shown(item: Any) -> str:
    if isinstance(item, types.FrameType):
        return f"frame of {item.f_code.co_qualname}"
    if isinstance(item, dict):
        return f"dict of {', '.join(map(str, list(item)[:4]))[:60]}"
    return (
        f"{type(item).__name__} {item!r:.60}" if isinstance(item, (types.MethodType, Iterable)) else type(item).__name__
    )
