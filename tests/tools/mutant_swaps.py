"""Try mutants in one process that has imported the package and collected the tests, by replacing code or constants.

In: mutants, the tests that call their functions. Out: a line of JSON for each mutant, with its exit code and the test
that noticed it. A child that is forked from here needs no import and no collection, which take longer than most tests.
A mutant that concerns what else a module does when it is imported cannot be tried in this way, and one that survives
here may have had its effect at import, if it is a constant or its function is called then: both are left to a fresh
import (`mutants.py`).
"""

from __future__ import annotations

import gc
import inspect
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

from mutant_coverage import test_function
from mutation import Mutant, changed

NOT_REPLACED = 69
"""The exit code of a child whose mutant is not in the code of a function that is there."""


class Functions:
    """The functions of some modules that exist in this process, by their code."""

    def __init__(self, modules: Collection[Path]) -> None:
        files = frozenset(map(str, modules))
        self._by_code: defaultdict[CodeType, list[FunctionType]] = defaultdict(list)
        for item in gc.get_objects():
            if isinstance(item, FunctionType) and item.__code__.co_filename in files:
                self._by_code[item.__code__].append(item)

    def replace(self, mutant: Mutant) -> bool:
        """Give the function of the mutant its changed code, or the constant its changed value, in this process.

        Returns:
            False if there is no such function or constant.
        """
        path = str(mutant.module)
        original = compile(mutant.module.read_text(encoding="utf-8"), path, "exec")
        new_code = compile(changed(mutant), path, "exec")
        pairs = _changed_functions(original, new_code)
        if pairs is None:
            return _replace_constants(mutant.name_of_module, new_code)
        functions = [(function, new) for old, new in pairs for function in self._by_code.get(old, ())]
        for function, new in functions:
            if len(new.co_freevars) != len(function.__code__.co_freevars):
                return False
            function.__code__ = new
        return bool(functions)


def _replace_constants(name: str, code: CodeType) -> bool:
    """Run a changed module, and give each of its constants that differs to all modules that have the old value."""
    module = sys.modules[name]
    namespace = {key: vars(module)[key] for key in ("__name__", "__package__", "__file__", "__spec__")}
    exec(code, namespace)
    modules = [item for key, item in sys.modules.items() if key.partition(".")[0] == name.partition(".")[0]]
    is_replaced = False
    for key, new in namespace.items():
        old = vars(module).get(key)
        if key.startswith("__") or isinstance(new, (type, FunctionType)) or old is new or repr(old) == repr(new):
            continue
        is_replaced = True
        for other in modules:
            for alias, value in list(vars(other).items()):
                if value is old:
                    setattr(other, alias, new)
    return is_replaced


def _changed_functions(old: CodeType, new: CodeType) -> list[tuple[CodeType, CodeType]] | None:
    """The outermost functions that differ; None if what runs at import differs."""
    if old == new:
        return []
    if old.co_flags & inspect.CO_OPTIMIZED:
        return [(old, new)]
    nested = [[item for item in code.co_consts if isinstance(item, CodeType)] for code in (old, new)]
    if _without_nested(old) != _without_nested(new) or len(nested[0]) != len(nested[1]):
        return None
    pairs = list[tuple[CodeType, CodeType]]()
    for part in map(_changed_functions, *nested):
        if part is None:
            return None
        pairs += part
    return pairs


def _without_nested(code: CodeType) -> CodeType:
    return code.replace(co_consts=tuple(item for item in code.co_consts if not isinstance(item, CodeType)))


class Host:
    """A pytest plugin that tries mutants with the tests that were collected, in place of running them all.

    Parameters:
        modules: those that mutants may change.
        judge: tries all mutants, each with the function that runs its tests in a forked child.
    """

    def __init__(self, modules: Collection[Path], judge: Callable[[Host], None]) -> None:
        self._modules, self._judge = modules, judge
        self._items: defaultdict[str, list[Any]] = defaultdict(list)
        self._functions: Functions
        self._failed: str | None = None

    def pytest_runtestloop(self, session: Any) -> bool:
        """Try the mutants."""
        for item in session.items:
            self._items[test_function(item.nodeid)].append(item)
        self._functions = Functions(self._modules)
        gc.freeze()
        self._judge(self)
        return True

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Remember the test of this report if it failed."""
        if report.failed:
            self._failed = test_function(report.nodeid)

    def first_failure(self, tests: Iterable[str]) -> str | None:
        """Run tests until one fails. Returns its name."""
        items = [item for test in tests for item in self._items[test]]
        for item, next_item in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=next_item)
            if self._failed is not None:
                break
        return self._failed

    def replace(self, mutant: Mutant) -> bool:
        """Change the package of this process, see `Functions.replace`."""
        return self._functions.replace(mutant)
