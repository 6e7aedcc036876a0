"""Which tests run which functions, so that a mutant is tried with the tests that can notice it, the likeliest first.

In: the test files of a group, run once in a forked child. Out: a `Selection`.
"""

from __future__ import annotations

import ast
import functools
import json
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from pathlib import Path
from types import FrameType
from typing import Any, Final

from mutation import Mutant

AT_IMPORT: Final = ""
"""In place of a test: what a function does while modules are imported, and tests collected."""


def test_function(nodeid: str) -> str:
    """The test of a report, without its parameters."""
    return nodeid.partition("[")[0]


class CallRecorder:
    """A pytest plugin that notes the functions of some modules which each test calls, or which an import calls.

    Parameters:
        output: where the result is written at the end, as JSON: for each function, as ``PATH:LINE``, its tests, with
            `AT_IMPORT` among them if it was called before the first test. An empty text has all tests, the fastest
            first.
    """

    def __init__(self, modules: Collection[Path], output: Path) -> None:
        self._modules, self._output = frozenset(map(str, modules)), output
        self._test = AT_IMPORT
        self._tests: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._seconds: Counter[str] = Counter()

    def start(self) -> None:
        """Note calls from now on."""
        sys.settrace(self._trace)
        threading.settrace(self._trace)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Note calls for this test from now on."""
        self._test = test_function(nodeid)

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Note how long the test takes."""
        self._seconds[test_function(report.nodeid)] += report.duration

    def pytest_sessionfinish(self) -> None:
        """Write the result."""
        sys.settrace(None)
        order = sorted(self._seconds, key=self._seconds.__getitem__)
        result = {"": order, **{key: [*tests] for key, tests in self._tests.items()}}
        self._output.write_text(json.dumps(result), encoding="utf-8")

    def _trace(self, frame: FrameType, _event: str, _argument: Any) -> None:
        code = frame.f_code
        if code.co_filename in self._modules:
            self._tests[f"{code.co_filename}:{code.co_firstlineno}"][self._test] = None


class Selection:
    """The tests for each mutant of some modules.

    Parameters:
        files: of all tests.
        modules: those that the tests have to hold.
        tests: those that call each function, as `CallRecorder` wrote them.
    """

    def __init__(self, files: Collection[str], modules: Collection[Path], tests: Mapping[str, Collection[str]]) -> None:
        self.files, self.modules, self._tests = files, modules, tests
        self._order = {test: position for position, test in enumerate(tests[""])}
        self._successful: defaultdict[Path, list[str]] = defaultdict(list)

    def runs(self, mutant: Mutant) -> list[list[str]]:
        """The arguments of each run of pytest: first the tests that noticed another mutant of the module.

        What a module does when it is imported concerns every test.
        """
        if self.concerns_import(mutant):
            return [run for run in (self._successful[mutant.module], *([file] for file in self.files)) if run]
        return self.covering_runs(mutant)

    def covering_runs(self, mutant: Mutant) -> list[list[str]]:
        """The tests that call its function, or a function of its module; first those that noticed another mutant."""
        function = _function_of(mutant)
        keys = [f"{mutant.module}:{function}"]
        if function is None:
            keys = [key for key in self._tests if key.startswith(f"{mutant.module}:")]
        tests = {test for key in keys for test in self._tests.get(key, ()) if test != AT_IMPORT}
        covering = sorted(tests, key=self._order.__getitem__)
        likely = [test for test in self._successful[mutant.module] if test in covering]
        return [run for run in (likely, [test for test in covering if test not in likely]) if run]

    def concerns_import(self, mutant: Mutant) -> bool:
        """Whether the change may have an effect before the first test: it is made then, or its function is called."""
        function = _function_of(mutant)
        return function is None or AT_IMPORT in self._tests.get(f"{mutant.module}:{function}", ())

    def noticed(self, mutant: Mutant, test: str) -> None:
        """Prefer this test, if it is not empty, for other mutants of the module."""
        if not test:
            return
        tests = self._successful[mutant.module]
        if test in tests:
            tests.remove(test)
        tests.insert(0, test)
        del tests[5:]


def _function_of(mutant: Mutant) -> int | None:
    """The first line of the function that holds the mutant; None outside of functions."""
    starts = [start for start, end in _functions(mutant.module) if start <= mutant.line <= end]
    return max(starts, default=None)


@functools.cache
def _functions(module: Path) -> list[tuple[int, int]]:
    """The first and last line of each function; a decorator comes first."""
    return [
        (min(part.lineno for part in (node, *node.decorator_list)), node.end_lineno or node.lineno)
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
