"""Interleaved rounds of two sides, the median ratio of their times, and a table of these."""

from __future__ import annotations

import gc
import json
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import attrs

from scyllamodel.local.versions import DEFAULT, RELEASES

Side = Callable[[], Any]


@attrs.frozen
class Figure:
    """One line of the table.

    Attributes:
        work: the measured work.
        against: the work of the other side; empty if the target is a time.
        ours: median milliseconds of our side, for one repetition.
        theirs: median milliseconds of the other side; None without one.
        wall: median ratio of wall times, round by round; None without another side.
        cpu: median ratio of the CPU times of this process and of those that it runs; None without another side.
        target: the design target, such as ``wall <= 1.2``.
        note: round trips, statements, or other details of the figure.
    """

    work: str
    against: str
    ours: float
    theirs: float | None = None
    wall: float | None = None
    cpu: float | None = None
    target: str = ""
    note: str = ""


def compare(
    work: str, against: str, ours: Side, theirs: Side, *, target: str, rounds: int = 9, number: int = 1, note: str = ""
) -> Figure:
    """Run both sides in turn, the order changing every round, and take medians.

    Parameters:
        ours, theirs: called ``number`` times in each of ``rounds`` rounds, after one round that is not counted.
    """
    samples: list[tuple[tuple[float, float], tuple[float, float]]] = []
    for turn in range(rounds + 1):
        first, second = (ours, theirs) if turn % 2 else (theirs, ours)
        one, two = _timed(first, number), _timed(second, number)
        if turn:
            samples.append((one, two) if turn % 2 else (two, one))
    return Figure(
        work,
        against,
        _median(mine[0] for mine, _ in samples) / number,
        _median(other[0] for _, other in samples) / number,
        _median(mine[0] / other[0] for mine, other in samples),
        _median(mine[1] / other[1] for mine, other in samples if other[1]),
        target,
        note,
    )


def alone(work: str, ours: Side, *, target: str, rounds: int = 5, note: str = "") -> Figure:
    """Time one side alone, if the target is a time."""
    return Figure(work, "", _median(_timed(ours, 1)[0] for _ in range(rounds)), target=target, note=note)


def _timed(side: Side, number: int) -> tuple[float, float]:
    """Wall-clock and CPU milliseconds of ``number`` calls."""
    gc.collect()
    wall, cpu = time.perf_counter(), _cpu_seconds()
    for _ in range(number):
        side()
    return (time.perf_counter() - wall) * 1e3, (_cpu_seconds() - cpu) * 1e3


def _cpu_seconds() -> float:
    """The CPU time of this process, and of those that it ran to their end."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _median(value: Any) -> float:
    values = list(value)
    return statistics.median(values) if values else float("nan")


def machine(load_before: str) -> dict[str, Any]:
    """The machine of the figures and how busy it was: a load above the number of cores spoils wall times.

    Parameters:
        load_before: the load before the first figure, from `load`.
    """
    return {
        "scyllamodel": version("scyllamodel"),
        "scylla-driver": version("scylla-driver"),
        "cassandra": RELEASES[DEFAULT],
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "load": f"{load_before} before, {load()} after",
    }


def load() -> str:
    """The load of the machine over the last 1, 5 and 15 minutes."""
    return " ".join(f"{average:.1f}" for average in os.getloadavg())


def report(figures: list[Figure], path: Path, load_before: str) -> None:
    """Print the table with a description of the machine, and write the figures as JSON."""
    measured_on = machine(load_before)
    head = ("work", "against", "ours ms", "theirs ms", "wall", "cpu", "target", "note")
    rows = [head, *(tuple(map(_cell, attrs.astuple(figure))) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print(*(f"{name}: {value}" for name, value in measured_on.items()), sep=" · ")
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"machine": measured_on, "figures": [attrs.asdict(figure) for figure in figures]}
    path.write_text(json.dumps(document, indent=1), encoding="utf-8")


def format_figure(figure: Figure) -> str:
    """A figure as one line, printed before the table is complete."""
    ratio = "" if figure.wall is None else f", wall {_cell(figure.wall)}"
    return f"{figure.work}: {_cell(figure.ours)} ms{ratio}"


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return (
        f"{value:.3g}"
        if isinstance(value, float) and value < 100
        else f"{value:.0f}"
        if isinstance(value, float)
        else str(value)
    )


def progress(text: str) -> None:
    """Print the current benchmark on standard error."""
    print(f"… {text}", file=sys.stderr, flush=True)
