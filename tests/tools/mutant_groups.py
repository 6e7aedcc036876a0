"""What `mutants.py` breaks: groups of modules, each with the unit tests that have to notice, by room and module.

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
        names = (f"test_{module.parent.name}_{module.stem}", f"test_{module.stem}")
        own = [test for test in self.tests if test.rpartition("/")[2] in names]
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
schema/test_diff_columns schema/test_diff_tables schema/test_diff_indexes schema/test_diff_views
schema/test_diff_types schema/test_diff_keyspaces schema/test_rules schema/test_options schema/test_compare_options
schema/test_reflect schema/test_reflect_targets schema/test_changes_postconditions schema/test_facts_type_order
schema/test_diff_observed schema/test_rules_texts schema/test_plan schema/test_rules_allow schema/test_masks
schema/test_changes_effects schema/test_changes schema/test_plan_transition schema/test_changes_undo
release/test_rollback schema/test_ddl schema/test_diff schema/test_server schema/test_export_models
schema/test_cassandra_6 schema/test_scylla_breaking_changes schema/test_index_view_options schema/test_unsupported
release/test_raw_steps schema/test_raw_statements schema/test_raw_statement_drops schema/test_replication
release/test_permissions schema/test_row_ttl schema/test_scylla_keyspaces schema/test_scylla_options
schema/test_scylla_statements schema/test_options_sub_options schema/test_unreadable
schema/test_changes_keyspace_state schema/test_search_indexes model/test_desired_schema test_cql
schema/test_rules_recipes
""".split()
)
_SCHEMA_FIRST = {
    "diff": "schema/test_diff_columns schema/test_diff_tables schema/test_diff_indexes schema/test_diff_views "
    "schema/test_diff_types schema/test_diff_keyspaces",
    "rules": "schema/test_rules_texts schema/test_rules",
    "options": "schema/test_options schema/test_compare_options",
    "reflect": "schema/test_reflect schema/test_reflect_targets",
    "postconditions": "schema/test_changes_postconditions",
    "type_order": "schema/test_facts_type_order",
    "changes/undo": "schema/test_plan_transition release/test_rollback",
    "rules/undo": "schema/test_changes_undo release/test_rollback schema/test_changes schema/test_cassandra_6",
    "effects": "schema/test_changes_effects schema/test_changes",
    "contract": "schema/test_rules_allow schema/test_plan schema/test_rules",
    "transition": "schema/test_plan_transition release/test_rollback",
    "rollback": "release/test_rollback",
}
_VALUE_TESTS = tuple(
    """
model/test_change_tracking query/test_change_assignments types/test_identity driver/test_page_tokens
driver/test_collection_order driver/test_binder driver/test_refused_nulls model/test_nulls model/test_attrs_features
test_secrets model/test_user_type
""".split()
)
_VALUE_FIRST = {
    "change_tracking": "model/test_change_tracking query/test_change_assignments driver/test_refused_nulls",
    "identity": "types/test_identity query/test_change_assignments",
    "change_assignments": "query/test_change_assignments",
    "binder": "driver/test_binder driver/test_refused_nulls test_secrets",
    "strict_values": "driver/test_binder",
    "collection_order": "driver/test_collection_order driver/test_binder",
    "canonical_encoding": "driver/test_page_tokens types/test_identity",
    "page_tokens": "driver/test_page_tokens",
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
    values = set[Path]()
    for text in texts:
        named = GROUPS[text].modules if text in GROUPS else [one for one in every if text in str(one.relative_to(ROOT))]
        if not named:
            raise LookupError(f"neither a group nor a part of the path of a module: {text}")
        values.update(named)
    return [module for module in every if not texts or module in values]
