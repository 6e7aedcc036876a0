"""Break the source in one place at a time, and see whether a unit test notices: ``python tests/tools/mutants.py``.

One change at a time is made to the source of a module, and the unit tests of its group that call the changed function
are run on it in a forked child. First the child has the package and its tests already, and only the code of a function
is replaced (`mutant_swaps.py`); what concerns the import of the package is tried in a child that imports it with that
one module changed. A mutant that no test notices then has survived: either a test is
missing, or the change makes no difference, and then it stands in `EQUIVALENT` with the reason. It exits with 1 when
fewer than 95 % of a group are caught.

Arguments choose groups by name or modules by a part of their paths, as in
``python tests/tools/mutants.py tracking driver/binder``.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import importlib.abc
import importlib.util
import json
import os
import random
import resource
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mutant_coverage import CallRecorder, Selection, test_function
from mutant_groups import EQUIVALENT, GROUPS, UNIT, group_of, selected_modules
from mutant_swaps import NOT_REPLACED, Host
from mutation import ROOT, Mutant, changed, mutants

FLOOR = 95.0
CPU_LIMIT = 180
"""Seconds of CPU time for the tests of one mutant, which other processes do not change. One that uses them up counts as
caught: it loops, or is far too slow."""

WAIT_LIMIT = 600.0
"""Seconds for the tests of one mutant, which may also wait for something that never happens."""

MEMORY = 4 << 30
"""Bytes that the tests of one mutant may take: a loop that never ends may collect without end."""


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module from a changed tree."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant
        self.name = mutant.name_of_module

    def find_spec(self, name: str, *_: Any) -> Any:
        return (
            importlib.util.spec_from_file_location(name, self.mutant.module, loader=self) if name == self.name else None
        )

    def exec_module(self, module: Any) -> None:
        exec(compile(changed(self.mutant), str(self.mutant.module), "exec"), module.__dict__)


class _Reporter:
    """A pytest plugin that writes the first test that fails."""

    def __init__(self, output: Path) -> None:
        self._output = output

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Write the test of this report if it failed."""
        if report.failed:
            self._output.write_text(test_function(report.nodeid), encoding="utf-8")


QUIET = ["-x", "-q", "-p", "no:cacheprovider", "--assert=plain", "--hypothesis-profile=mutants"]
"""Asserts are plain: pytest would import the package itself, to rewrite its asserts, and see nothing of the change."""

Start = Callable[[Mutant, Path], int]
"""Forks a child that tries a mutant, and writes the test that fails to a file. Returns its process id."""

Tell = Callable[[Mutant, int, str], None]
"""Takes a mutant that was tried, the exit code of its child, and the test that noticed it, if any."""


def run_tests(runs: list[list[str]], mutant: Mutant | None, plugin: object) -> int:
    """Run pytest with each list of arguments in this process, until one fails. Returns pytest's exit code."""
    import pytest  # noqa: PLC0415 - it is warm, and this process is about to import what it tests

    if mutant is not None:
        sys.meta_path.insert(0, _Changed(mutant))
    for run in runs:
        if code := int(pytest.main([*QUIET, *run], plugins=[plugin])):
            return code
    return 0


def recorded(files: list[str], recorder: CallRecorder) -> int:
    """Run all tests of these files, and record what they call. Returns pytest's exit code."""
    recorder.start()
    return run_tests([files], None, recorder)


def forked(work: Callable[[], int], *, is_limited: bool) -> int:
    """Fork a silent child that exits with the result of a function. Returns its process id."""
    pid = os.fork()
    if pid == 0:
        code = 70
        with contextlib.suppress(BaseException):
            os.setsid()
            with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
                for stream in (1, 2):
                    os.dup2(nowhere.fileno(), stream)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            if is_limited:
                resource.setrlimit(resource.RLIMIT_CPU, (CPU_LIMIT, CPU_LIMIT))
            code = work()
        os._exit(code)
    return pid


def judged(mutants_to_try: list[Mutant], start: Start, workers: int, tell: Tell) -> None:
    """Try all of them, so many at a time."""
    waiting, running = list(reversed(mutants_to_try)), dict[int, tuple[Mutant, float, Path]]()
    with tempfile.TemporaryDirectory() as folder:
        try:
            while waiting or running:
                while waiting and len(running) < workers:
                    mutant, output = waiting.pop(), Path(folder, str(len(waiting)))
                    running[start(mutant, output)] = mutant, time.monotonic(), output
                time.sleep(0.02)
                for pid, (mutant, began, output) in list(running.items()):
                    exited_pid, status = os.waitpid(pid, os.WNOHANG)
                    if not exited_pid and time.monotonic() - began > WAIT_LIMIT:
                        os.killpg(pid, signal.SIGKILL)
                    elif exited_pid:
                        del running[pid]
                        test = output.read_text(encoding="utf-8") if output.exists() else ""
                        tell(mutant, os.waitstatus_to_exitcode(status), test)
        finally:
            for pid in running:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)


def judged_in_place(values: list[Mutant], selection: Selection, workers: int, tell: Tell) -> list[Mutant]:
    """Try the mutants of one set of tests in a host, which has imported the package. Returns those it cannot judge."""

    def judge(host: Host) -> None:
        def start(mutant: Mutant, output: Path) -> int:
            def work() -> int:
                if not host.replace(mutant):
                    return NOT_REPLACED
                test = host.first_failure(test for run in selection.covering_runs(mutant) for test in run)
                output.write_text(test or "", encoding="utf-8")
                return int(test is not None)

            return forked(work, is_limited=True)

        def write(mutant: Mutant, exit_code: int, test: str) -> None:
            selection.noticed(mutant, test)
            os.write(writing, f"{json.dumps([values.index(mutant), exit_code, test])}\n".encode())

        judged(values, start, workers, write)

    modules = {mutant.module for mutant in values}
    reading, writing = os.pipe()
    pid = forked(lambda: run_tests([["-s", *selection.files]], None, Host(modules, judge)), is_limited=False)
    os.close(writing)
    left = set(range(len(values)))
    try:
        with os.fdopen(reading, encoding="utf-8") as outcomes:
            for line in outcomes:
                index, exit_code, test = json.loads(line)
                is_final = not selection.concerns_import(values[index]) if exit_code == 0 else exit_code != NOT_REPLACED
                if is_final:
                    left.remove(index)
                    selection.noticed(values[index], test)
                    tell(values[index], exit_code, test)
    finally:
        os.killpg(pid, signal.SIGINT)
        os.waitpid(pid, 0)
    return [values[index] for index in sorted(left)]


def main(argv: list[str] | None = None) -> int:
    """Break, run, report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "what", nargs="*", metavar="GROUP|PATH", help=f"one of {', '.join(GROUPS)}, or a part of the paths of modules"
    )
    parser.add_argument("--sample", type=int, metavar="N", help="so many of them, always the same")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, metavar="N")
    parser.add_argument("--json", action="store_true", help="the result as JSON")
    settings = parser.parse_args(argv)
    try:
        modules = selected_modules(settings.what)
    except LookupError as error:
        parser.error(str(error))
    every = [mutant for module in modules for mutant in mutants(module)]
    values = [mutant for mutant in every if mutant.key not in EQUIVALENT]
    if settings.sample and settings.sample < len(values):
        values = random.Random(20261127).sample(values, settings.sample)
    selections = selected(sorted({group_of(module) for module in modules}))
    if selections is None:
        return 1
    result = Result(len(values))
    left = list[Mutant]()
    for selection in selections:
        concerned = [mutant for mutant in values if mutant.module in selection.modules]
        left += judged_in_place(concerned, selection, settings.workers, result.tell)

    def start(mutant: Mutant, output: Path) -> int:
        (selection,) = (item for item in selections if mutant.module in item.modules)
        return forked(lambda: run_tests(selection.runs(mutant), mutant, _Reporter(output)), is_limited=True)

    def tell(mutant: Mutant, exit_code: int, test: str) -> None:
        for selection in selections:
            if mutant.module in selection.modules:
                selection.noticed(mutant, test)
        result.tell(mutant, exit_code, test)

    judged(left, start, settings.workers, tell)
    print(json.dumps(result.as_json()) if settings.json else result)
    stale = sorted(EQUIVALENT.keys() - {mutant.key for mutant in every}) if not settings.what else []
    for key in stale:
        print(f"no such mutant any more: {key}", file=sys.stderr)
    return 0 if result.is_enough and not stale else 1


def selected(groups: list[str]) -> list[Selection] | None:
    """Run each set of tests once on the unbroken package. None if they fail, since they would prove nothing."""
    sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "tools")]
    os.chdir(ROOT)
    for name in ("pytest", "hypothesis", "hypothesis.strategies", "attrs", "cassandra.cluster", "jsonschema", "cattrs"):
        importlib.import_module(name)  # what every child needs and no mutant touches
    selections = list[Selection]()
    for tests in dict.fromkeys(GROUPS[name].tests for name in groups):
        modules = [module for name in groups if GROUPS[name].tests == tests for module in GROUPS[name].modules]
        files = [str(UNIT / f"{test}.py") for test in tests]
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder, "calls.json")
            recorder = CallRecorder(modules, output)
            pid = forked(functools.partial(recorded, files, recorder), is_limited=False)
            if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0:
                print(f"The tests fail on the unbroken package: {' '.join(tests)}", file=sys.stderr)
                return None
            selections.append(Selection(files, modules, json.loads(output.read_text(encoding="utf-8"))))
    return selections


class Result:
    """The outcomes of the mutants so far; its text is the report."""

    def __init__(self, total: int) -> None:
        self.total, self.began, self.timeouts = total, time.monotonic(), 0
        self.survivors: list[Mutant] = []
        self.marks: defaultdict[Path, list[bool]] = defaultdict(list)

    def tell(self, mutant: Mutant, exit_code: int, _test: str) -> None:
        """Count a mutant; print survivors, and from time to time how far it is."""
        is_caught = exit_code != 0
        self.marks[mutant.module].append(is_caught)
        self.timeouts += exit_code in {-signal.SIGKILL, -signal.SIGXCPU}
        done, passed = sum(map(len, self.marks.values())), time.monotonic() - self.began
        if not is_caught:
            self.survivors.append(mutant)
            print(f"{done}/{self.total} survived: {mutant.name}", file=sys.stderr, flush=True)
        elif done % 25 == 0:
            left = passed / done * (self.total - done) / 60
            print(f"{done}/{self.total} after {passed:.0f} s, {left:.0f} min left", file=sys.stderr, flush=True)

    def ratios(self) -> dict[str, float]:
        """The percentage of caught mutants of each group."""
        groups: defaultdict[str, list[bool]] = defaultdict(list)
        for module, marks in self.marks.items():
            groups[group_of(module)] += marks
        return {name: 100 * sum(marks) / len(marks) for name, marks in groups.items()}

    @property
    def is_enough(self) -> bool:
        """Whether each group reaches the floor."""
        return all(ratio >= FLOOR for ratio in self.ratios().values())

    def as_json(self) -> dict[str, Any]:
        """The report as JSON values."""
        survivors = sorted(mutant.name for mutant in self.survivors)
        return {"mutants": self.total, "caught": self.ratios(), "survivors": survivors, "timeouts": self.timeouts}

    def __str__(self) -> str:
        lines = [
            f"{sum(marks):>4} of {len(marks):>4}  {module.relative_to(ROOT)}"
            for module, marks in sorted(self.marks.items())
        ]
        lines += [f"{ratio:5.1f} % caught of {name}" for name, ratio in self.ratios().items()]
        detected = self.total - len(self.survivors)
        lines += [f"{detected} of {self.total} mutants caught, {self.timeouts} of them by taking too long"]
        return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
