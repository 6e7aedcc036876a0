"""What `mutants.py` breaks: groups of modules, each with the unit tests that have to notice, by room and module.

A group is what must reach the floor of caught mutants. Its tests need no server.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from mutation import ROLLBACK, ROOT, SCHEMA

PACKAGE = ROOT / "scyllamodel"
UNIT = ROOT / "tests" / "unit"


class Group(NamedTuple):
    """Modules with one floor.

    Attributes:
        modules: what is broken.
        tests: the files of tests that have to notice, below ``tests/unit``.
    """

    modules: tuple[Path, ...]
    tests: tuple[str, ...]


_TEXTS_AND_DECLARATIONS = {"__init__.py", "catalogue.py", "suggested_fixes.py", "run.py"}
"""Modules that hold no rule: texts, declarations, and what only connects others."""


def _modules(root: Path, patterns: str, without: str = "") -> tuple[Path, ...]:
    """The modules that match; a pattern that matches none is one whose modules have moved."""
    paths = set[Path]()
    for pattern in (*patterns.split(), *without.split()):
        matching = set(root.glob(pattern))
        if not matching:
            raise LookupError(f"no module {pattern} below {root}")
        paths = paths - matching if pattern in without.split() else paths | matching
    return tuple(sorted(path for path in paths if path.name not in _TEXTS_AND_DECLARATIONS))


_SCHEMA_TESTS = (
    *sorted(f"schema/{path.stem}" for path in (UNIT / "schema").glob("test_*.py")),
    *"""
release/test_rollback release/test_undo_progress release/test_raw_steps release/test_permissions
release/test_rollback_histories model/test_desired_schema test_cql
""".split(),
)
_VALUE_TESTS = tuple(
    """
model/test_change_tracking query/test_change_assignments types/test_identity driver/test_page_tokens
driver/test_collection_order driver/test_binder driver/test_refused_nulls model/test_nulls model/test_attrs_features
test_secrets model/test_user_type
""".split()
)


def _values(modules: str) -> Group:
    return Group(_modules(PACKAGE, modules), _VALUE_TESTS)


GROUPS: Mapping[str, Group] = {
    "schema": Group(
        _modules(
            SCHEMA,
            "compare/*.py diff/*.py rules/*.py options/*.py reflect/*.py changes/postconditions.py changes/effects.py"
            " facts/type_order.py",
            without="compare/comparison_report.py rules/undo.py options/table_options.py options/cql.py",
        ),
        _SCHEMA_TESTS,
    ),
    "rollback": Group(
        _modules(SCHEMA, "rules/undo.py changes/undo.py plan/contract.py plan/transition.py")
        + _modules(ROLLBACK, "*.py"),
        _SCHEMA_TESTS,
    ),
    "tracking": _values("model/change_tracking.py types/identity.py"),
    "differences": _values("query/change_assignments.py"),
    "binder": _values(
        "driver/data/binding/binder.py driver/data/binding/strict_values.py driver/data/binding/collection_order.py"
    ),
    "pages": _values("driver/data/page_tokens.py driver/data/binding/canonical_encoding.py"),
}

EQUIVALENT = {
    "scyllamodel/release/rollback/plan.py IsNot -> Is in 'stop.raw_step is not None'": "changes are also recorded "
    "where no step needs them, which takes time only",
    "scyllamodel/release/rollback/target.py Gt -> GtE in 'migration.version > target_version'": "an "
    "abandoned rollback cannot be a target",
    "scyllamodel/release/rollback/target.py Gt -> GtE in 'int(version) > versions[0].version'": "the newest version "
    "exists, so it has another reason",
    "scyllamodel/release/rollback/plan.py 0 -> 1 in '0'": "steps are numbered when the plan is complete",
    "scyllamodel/release/rollback/plan.py 0 -> 1 in '0' #2": "see above",
    "scyllamodel/release/rollback/raw_undo.py 0 -> 1 in '0'": "see above",
    "rules/undo.py yields nothing in '(yield from ())'": "it yields nothing",
    "options/stored.py 0 -> 1 in '0'": "any tuple without pairs represents a value that cannot be compared",
    "scyllamodel/driver/data/binding/binder.py without element 0 in \"('LongType', 'CounterColumnType')\"": "only "
    "faster",
    "scyllamodel/driver/data/binding/binder.py without element -1 in \"('LongType', 'CounterColumnType')\"": "only "
    "faster",
    "scyllamodel/driver/data/binding/binder.py without the first item in "
    "\"{'VarcharType': ('{}.encode()', None), 'UTF8Type': ('{}.encode()', Non\"": "only slower",
    "scyllamodel/driver/data/binding/collection_order.py without the first item in "
    "\"{**dict.fromkeys(('varchar', 'text', 'ascii'), str.encode), 'double': \"": "texts sort as their bytes do",
    "scyllamodel/driver/data/binding/collection_order.py without element 0 in \"('varchar', 'text', 'ascii')\"": "see "
    "above",
    "scyllamodel/driver/data/binding/collection_order.py without element -1 in \"('varchar', 'text', 'ascii')\"": "see "
    "above",
    "scyllamodel/driver/data/binding/canonical_encoding.py 4 -> 5 in '4'": "both versions of the protocol serialise "
    "alike",
    "scyllamodel/driver/data/binding/canonical_encoding.py 4 -> 5 in '4' #6": "lengths of any size keep values apart; "
    "none is read again",
    "scyllamodel/driver/data/binding/canonical_encoding.py 16 -> 17 in '16'": "random bytes, of any length",
    "scyllamodel/types/identity.py without the first item in \"{'double': 'd', 'float': 'f'}\"": "only faster",
}
"""Mutants that make no difference, by their names without the line; and why."""


def group_of(module: Path) -> str:
    """The name of the group that a module belongs to."""
    return next(name for name, group in GROUPS.items() if module in group.modules)


def selected_modules(texts: list[str]) -> list[Path]:
    """The modules of some groups, or those whose paths hold a text; all of them if nothing is asked for.

    Raises:
        LookupError: a text is neither.
    """
    all_modules = [module for group in GROUPS.values() for module in group.modules]
    values = set[Path]()
    for text in texts:
        modules = (
            GROUPS[text].modules
            if text in GROUPS
            else [item for item in all_modules if text in str(item.relative_to(ROOT))]
        )
        if not modules:
            raise LookupError(f"neither a group nor a part of the path of a module: {text}")
        values.update(modules)
    return [module for module in all_modules if not texts or module in values]
