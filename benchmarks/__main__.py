"""``python -m benchmarks [--only WORD] [--json FILE]``: run the benchmarks and print one table."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks import data, models, release, schema, server, yardsticks
from benchmarks.harness import Figure, format_figure, load, progress, report

GROUPS = {
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
    results: list[Figure] = []
    for name, figures in GROUPS.items():
        if chosen.only is None or name in chosen.only:
            for figure in figures():
                progress(f"{name}: {format_figure(figure)}")
                results.append(figure)
    report(results, chosen.json, load_before)


if __name__ == "__main__":
    main()
