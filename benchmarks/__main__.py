"""``python -m benchmarks [--only WORD] [--json FILE]``: run the benchmarks and print one table.

Each group runs in a process of its own: the objects that one leaves behind would be visited by the garbage collector in
the rounds of the next one.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import data, models, release, schema, server, start, yardsticks
from benchmarks.harness import Figure, format_figure, load, progress, report

GROUPS = {
    "start": start.figures,
    "models": models.figures,
    "schema": schema.figures,
    "server": server.figures,
    "release": release.figures,
    "data": data.figures,
    "yardsticks": yardsticks.figures,
}


def main() -> None:
    """Run the chosen groups."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", choices=sorted(GROUPS), action="append", help="run this group alone (repeatable)")
    parser.add_argument("--json", type=Path, default=Path("benchmarks/results/latest.json"), help="where figures go")
    chosen = parser.parse_args()
    load_before = load()
    names = chosen.only or list(GROUPS)
    results = list(_group(names[0])) if len(names) == 1 else [figure for name in names for figure in _alone(name)]
    report(results, chosen.json, load_before)


def _group(name: str) -> Iterator[Figure]:
    """Run one group in this process."""
    for figure in GROUPS[name]():
        progress(f"{name}: {format_figure(figure)}")
        yield figure


def _alone(name: str) -> list[Figure]:
    """Run one group in a new process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "figures.json"
        command = (sys.executable, "-m", "benchmarks", "--only", name, "--json", str(path))
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return [Figure(**figure) for figure in json.loads(path.read_text(encoding="utf-8"))["figures"]]


if __name__ == "__main__":
    main()
