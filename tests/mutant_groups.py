"""What `mutants.py` breaks: groups of modules, each with the unit tests that have to notice.

A group is what must reach the floor of caught mutants. Its tests need no server, and run in the order given here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from mutation import ROLLBACK, ROOT, SCHEMA

PACKAGE = ROOT / "scyllamodel"


class Group(NamedTuple):
    """Modules with one floor.

    Attributes:
        modules: what is broken.
        tests: the tests of all of them.
        first: those that notice soonest, by module, with its folder where two have one name, or by folder.
    """

    modules: tuple[Path, ...]
    tests: tuple[str, ...]
    first: Mapping[str, str] = {}

    def tests_of(self, module: Path) -> list[str]:
        """The tests for a module, the nearest first."""
        keys = (f"{module.parent.name}/{module.stem}", module.stem, module.parent.name)
        near = next((self.first[key] for key in keys if key in self.first), "").split()
        own = [name for name in (f"test_{module.parent.name}_{module.stem}",) if name in self.tests]
        return list(dict.fromkeys([*own, *near, *self.tests]))


_TEXTS_AND_DECLARATIONS = {"__init__.py", "catalogue.py", "suggested_fixes.py", "run.py"}
"""Modules that hold no rule: texts, declarations, and what only connects others."""


def _found(root: Path, patterns: str, without: str = "") -> tuple[Path, ...]:
    """The modules that match; a pattern that matches none is one whose modules have moved."""
    paths = set[Path]()
    for pattern in (*patterns.split(), *without.split()):
        matching = set(root.glob(pattern))
        if not matching:
            raise LookupError(f"no module {pattern} below {root}")
        paths = paths - matching if pattern in without.split() else paths | matching
    return tuple(sorted(path for path in paths if path.name not in _TEXTS_AND_DECLARATIONS))


_SCHEMA_TESTS = tuple(
    """
test_diff_columns test_diff_tables test_diff_indexes test_diff_views test_diff_types test_diff_keyspaces test_rules
test_options test_options_compare test_reflect test_reflect_targets test_postcondition test_order test_diff_observed
test_rules_said test_plan test_allow test_masks test_effects test_changes test_transition test_inverse test_rollback
test_ddl test_diff test_server test_source test_additions test_breaking_changes test_index_view_options test_left_out
test_raw_steps test_handwritten test_handwritten_drops test_replication test_rights test_row_ttl test_scylla_keyspaces
test_scylla_options test_scylla_statements test_sub_options test_unreadable test_vicinity test_viewless_indexes
test_wanted test_cql test_recipes
""".split()
)
_SCHEMA_FIRST = {
    "diff": "test_diff_columns test_diff_tables test_diff_indexes test_diff_views test_diff_types test_diff_keyspaces",
    "rules": "test_rules_said test_rules",
    "options": "test_options test_options_compare",
    "reflect": "test_reflect test_reflect_targets",
    "postconditions": "test_postcondition",
    "type_order": "test_order",
    "changes/undo": "test_transition test_rollback",
    "rules/undo": "test_inverse test_rollback test_changes test_additions",
    "effects": "test_effects test_changes",
    "contract": "test_allow test_plan test_rules",
    "transition": "test_transition test_rollback",
    "rollback": "test_rollback",
}
_VALUE_TESTS = tuple(
    """
test_state test_differences test_identity test_pages test_ordering test_binder test_null_refused
test_nulls test_assignment test_secrets test_usertype
""".split()
)
_VALUE_FIRST = {
    "change_tracking": "test_state test_differences test_null_refused",
    "identity": "test_identity test_differences",
    "change_assignments": "test_differences",
    "binder": "test_binder test_null_refused test_secrets",
    "strict_values": "test_binder",
    "collection_order": "test_ordering test_binder",
    "canonical_encoding": "test_pages test_identity",
    "page_tokens": "test_pages",
}


def _values(modules: str) -> Group:
    return Group(_found(PACKAGE, modules), _VALUE_TESTS, _VALUE_FIRST)


GROUPS: Mapping[str, Group] = {
    "schema": Group(
        _found(
            SCHEMA,
            "diff/*.py rules/*.py options/*.py reflect/*.py changes/postconditions.py changes/effects.py"
            " facts/type_order.py",
            without="rules/undo.py options/table_options.py options/cql.py",
        ),
        _SCHEMA_TESTS,
        _SCHEMA_FIRST,
    ),
    "rollback": Group(
        _found(SCHEMA, "rules/undo.py changes/undo.py plan/contract.py plan/transition.py") + _found(ROLLBACK, "*.py"),
        _SCHEMA_TESTS,
        _SCHEMA_FIRST,
    ),
    "tracking": _values("model/change_tracking.py types/identity.py"),
    "differences": _values("query/change_assignments.py"),
    "binder": _values(
        "driver/data/binding/binder.py driver/data/binding/strict_values.py driver/data/binding/collection_order.py"
    ),
    "pages": _values("driver/data/page_tokens.py driver/data/binding/canonical_encoding.py"),
}

EQUIVALENT = {
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


def chosen(texts: list[str]) -> list[Path]:
    """The modules of some groups, or those whose paths hold a text; all of them if nothing is asked for.

    Raises:
        LookupError: a text is neither.
    """
    every = [module for group in GROUPS.values() for module in group.modules]
    found = set[Path]()
    for text in texts:
        named = GROUPS[text].modules if text in GROUPS else [one for one in every if text in str(one.relative_to(ROOT))]
        if not named:
            raise LookupError(f"neither a group nor a part of the path of a module: {text}")
        found.update(named)
    return [module for module in every if not texts or module in found]
