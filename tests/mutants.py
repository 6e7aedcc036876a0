"""Break each rule and comparator in turn, and see whether a test notices: ``python tests/mutants.py``.

One change at a time is made to the source of a module, and the tests of the schema are run on it in a forked child,
which imports the package anew with that one module changed. A mutant that no test notices has survived: either a test
is missing, or the change makes no difference, and then it stands in `EQUIVALENT` with the reason. It exits with 1 when
fewer than 95 % are caught.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.abc
import importlib.util
import json
import os
import random
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mutation import ROLLBACK, ROOT, SCHEMA, Mutant, changed, mutants

UNIT = ROOT / "tests" / "unit"
FLOOR = 95.0
TIMEOUT = 60.0

_PATTERNS = """
diff/*.py rules/*.py options/*.py reflect/*.py postcondition.py order.py inverse.py rewind.py effects.py
plan/contract.py plan/transition.py
""".split()

MODULES = sorted(
    path
    for path in (*(path for pattern in _PATTERNS for path in SCHEMA.glob(pattern)), *ROLLBACK.glob("*.py"))
    if path.name not in {"__init__.py", "catalogue.py", "recipes.py", "declare.py", "emit.py", "run.py"}
)
"""What is broken: all that compares, judges, reads and proves; not texts, not declarations, not what only connects."""

FIRST = {
    "diff": "test_diff_columns test_diff_tables test_diff_indexes test_diff_views test_diff_types test_diff_keyspaces",
    "rules": "test_rules_said test_rules",
    "options": "test_options test_options_compare",
    "reflect": "test_reflect test_reflect_targets",
    "postcondition": "test_postcondition",
    "order": "test_order",
    "inverse": "test_rollback test_changes",
    "rewind": "test_transition test_rollback",
    "effects": "test_effects test_changes",
    "contract": "test_plan test_rules",
    "transition": "test_transition test_rollback",
    "rollback": "test_rollback",
}
"""The tests that notice soonest, by folder or module; all others of `TESTS` follow."""

TESTS = """
test_diff_columns test_diff_tables test_diff_indexes test_diff_views test_diff_types test_diff_keyspaces test_rules
test_options test_options_compare test_reflect test_reflect_targets test_postcondition test_order test_diff_observed
test_rules_said test_plan test_effects test_changes test_transition test_rollback test_ddl test_diff test_server
test_source
""".split()

EQUIVALENT = {
    "options/stored.py 0 -> 1 in '0'": "any tuple without pairs stands for a value that nobody can compare",
}
"""Mutants that make no difference, by their names without the line; and why."""


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a changed tree."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant
        self.name = ".".join(mutant.module.relative_to(ROOT).with_suffix("").parts)

    def find_spec(self, name: str, *_: Any) -> Any:
        return (
            importlib.util.spec_from_file_location(name, self.mutant.module, loader=self) if name == self.name else None
        )

    def exec_module(self, module: Any) -> None:
        exec(compile(changed(self.mutant), str(self.mutant.module), "exec"), module.__dict__)


def child(mutant: Mutant | None) -> int:
    """Run the tests in this process, which ends with it. Returns pytest's exit code."""
    import pytest  # noqa: PLC0415 - it is warm, and this process is about to import what it tests

    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        for stream in (1, 2):
            os.dup2(nowhere.fileno(), stream)
    if mutant is not None:
        sys.meta_path.insert(0, _Changed(mutant))
    # Plain asserts: pytest would import the package itself, to rewrite its asserts, and see nothing of the change.
    quiet = ["-x", "-q", "-p", "no:cacheprovider", "--assert=plain"]
    return int(pytest.main([*quiet, "--hypothesis-profile=mutants", *_files(mutant)]))


def _files(mutant: Mutant | None) -> list[str]:
    near = [] if mutant is None else FIRST.get(mutant.module.stem, FIRST.get(mutant.module.parent.name, "")).split()
    if mutant is not None and f"test_{mutant.module.parent.name}_{mutant.module.stem}" in TESTS:
        near = [f"test_{mutant.module.parent.name}_{mutant.module.stem}", *near]
    return [str(UNIT / f"{name}.py") for name in dict.fromkeys([*near, *TESTS])]


def started(mutant: Mutant | None) -> int:
    """Fork a child for this mutant. Returns its process id."""
    pid = os.fork()
    if pid == 0:
        code = 70
        with contextlib.suppress(BaseException):
            os.setsid()
            code = child(mutant)
        os._exit(code)
    return pid


def judged(found: list[Mutant], workers: int, tell: Callable[[Mutant, bool], None]) -> None:
    """Run all of them, so many at a time; each is caught, or has survived."""
    waiting, running = list(reversed(found)), dict[int, tuple[Mutant, float]]()
    try:
        while waiting or running:
            while waiting and len(running) < workers:
                mutant = waiting.pop()
                running[started(mutant)] = mutant, time.monotonic()
            time.sleep(0.02)
            for pid, (mutant, began) in list(running.items()):
                ended, status = os.waitpid(pid, os.WNOHANG)
                if not ended and time.monotonic() - began > TIMEOUT:
                    os.killpg(pid, signal.SIGKILL)
                elif ended:
                    del running[pid]
                    tell(mutant, os.waitstatus_to_exitcode(status) != 0)
    finally:
        for pid in running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)


def main(argv: list[str] | None = None) -> int:
    """Break, run, report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", default="", metavar="TEXT", help="modules whose path holds this text")
    parser.add_argument("--sample", type=int, metavar="N", help="so many of them, always the same")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, metavar="N")
    parser.add_argument("--json", action="store_true", help="the result as JSON")
    settings = parser.parse_args(argv)
    every = [m for module in MODULES if settings.only in str(module) for m in mutants(module)]
    found = [mutant for mutant in every if mutant.key not in EQUIVALENT]
    if settings.sample and settings.sample < len(found):
        found = random.Random(20261127).sample(found, settings.sample)
    return report(found, settings, EQUIVALENT.keys() - {mutant.key for mutant in every} if not settings.only else set())


def report(found: list[Mutant], settings: argparse.Namespace, stale: set[str]) -> int:
    """Judge them, and print what came of it. Returns the exit code."""
    survivors, began = list[Mutant](), time.monotonic()
    caught: defaultdict[Path, list[bool]] = defaultdict(list)

    def tell(mutant: Mutant, is_caught: bool) -> None:
        caught[mutant.module].append(is_caught)
        done = sum(map(len, caught.values()))
        if not is_caught:
            survivors.append(mutant)
            print(f"{done}/{len(found)} survived: {mutant.name}", file=sys.stderr, flush=True)
        elif done % 25 == 0:
            print(f"{done}/{len(found)} after {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)

    sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
    os.chdir(ROOT)
    _warm()
    if os.waitstatus_to_exitcode(os.waitpid(started(None), 0)[1]) != 0:
        print("The tests fail on the unbroken package, so they would tell nothing.", file=sys.stderr)
        return 1
    judged(found, settings.workers, tell)
    ratio = 100 * sum(map(sum, caught.values())) / max(1, len(found))
    if settings.json:
        print(json.dumps({"mutants": len(found), "caught": ratio, "survivors": sorted(m.name for m in survivors)}))
    else:
        for module, marks in sorted(caught.items()):
            print(f"{sum(marks):>4} of {len(marks):>4}  {module.relative_to(ROOT)}")
        print(f"{ratio:.1f} % of {len(found)} mutants caught; {len(EQUIVALENT)} make no difference")
    for key in sorted(stale):
        print(f"no such mutant any more: {key}", file=sys.stderr)
    return 0 if ratio >= FLOOR and not stale else 1


def _warm() -> None:
    """Import what every child needs and no mutant touches."""
    for name in ("pytest", "hypothesis", "hypothesis.strategies", "attrs", "cassandra.cluster", "jsonschema", "cattrs"):
        importlib.import_module(name)


if __name__ == "__main__":
    sys.exit(main())
