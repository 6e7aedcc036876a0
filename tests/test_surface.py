"""The public names of the package exist, and nothing else is public."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import scyllamodel


def test_the_public_names_are_sorted_and_there():
    """``__all__`` is sorted, and every name in it can be imported."""
    names = scyllamodel.__all__

    assert sorted(names) == list(names)
    assert [] == [name for name in names if not hasattr(scyllamodel, name)]


WRITTEN_BY_PROGRAMS = """
    BackfillReport BulkReport Course Diagnostic Event Migration Page Plan Stage Status baseline check contract diff
    errors expand functions history inspect plan resolve snapshot status types unlock wait
""".split()
"""Names that programs have themselves, or that would hide a module."""


def test_a_star_import_takes_no_name_of_the_program():
    """A star import brings the main names, but none that programs commonly use for their own values."""
    namespace = dict.fromkeys(WRITTEN_BY_PROGRAMS, "mine")
    exec("from scyllamodel import *", namespace)

    assert {"mine"} == {namespace[name] for name in WRITTEN_BY_PROGRAMS}
    assert {"AsyncRepo", "Column", "Model", "Repo", "migrate", "select"} <= namespace.keys()


def test_every_public_name_can_be_imported():
    """Public names that a star import omits can be imported by name, and completion shows them."""
    assert [] == [name for name in scyllamodel._HOME if not hasattr(scyllamodel, name)]
    assert {*scyllamodel.__all__, "errors", "functions", "types"} < set(dir(scyllamodel))
    assert set(scyllamodel.__all__) < scyllamodel._HOME.keys()


def test_names_outside_all_are_exported_to_type_checkers():
    """A public name outside ``__all__`` is imported as itself, which type checkers need to treat it as exported."""
    tree = ast.parse(Path(scyllamodel.__file__).read_text(encoding="utf-8"))
    aliases = [alias for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names]
    loose = {alias.name for alias in aliases if alias.name in scyllamodel._HOME and alias.asname != alias.name}

    assert set(scyllamodel.__all__) == loose


def test_nothing_public_is_missing_from_the_table():
    """Every attribute of the package without an underscore is a documented name or a module."""
    loose = {
        name
        for name, value in vars(scyllamodel).items()
        if not name.startswith("_") and name not in scyllamodel._HOME and type(value).__name__ != "module"
    }

    assert {"annotations", "import_module", "TYPE_CHECKING", "Any", "Final"} >= loose


def test_names_are_loaded_from_where_checkers_look_for_them():
    """The table of lazy imports and the imports for type checkers agree."""
    tree = ast.parse(Path(scyllamodel.__file__).read_text(encoding="utf-8"))
    checked = {
        alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module.startswith("scyllamodel.")
        for alias in node.names
        if alias.name not in scyllamodel._MODULES
    }

    assert checked == scyllamodel._HOME


def test_a_class_statement_loads_no_driver():
    """Declaring models imports neither the driver nor the planner."""
    code = (
        "import sys; from scyllamodel import Column, MaterializedView, Model, UserType, partition_key, types; "
        "print([m for m in ('cassandra', 'scyllamodel.release', 'scyllamodel.schema.plan') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert "[]" == result.stdout.strip()


def test_every_error_is_public():
    """Every exception of this package can be imported from the top."""
    errors = importlib.import_module("scyllamodel.errors")
    tree = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.ScyllaModelError)
    }

    assert set() == tree - set(scyllamodel.__all__)


def test_importing_the_package_touches_nothing_else():
    """An import starts no thread and imports no optional dependency."""
    code = (
        "import sys, threading, scyllamodel; "
        "print(threading.active_count(), [m for m in ('rich', 'jgo', 'pytest', 'cattrs') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert "1 []" == result.stdout.strip()
