"""Each package has a table of contents, and it is complete."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import scyllamodel

ROOT = Path(scyllamodel.__file__).parent
PACKAGES = sorted(path.parent for path in ROOT.rglob("__init__.py") if path.parent != ROOT)


def entries(package):
    """The names that the section ``Modules:`` of its docstring lists, one line each."""
    text = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8"))) or ""
    _, _, listed = text.partition("\nModules:\n")
    return re.findall(r"^ {4}(\w+): \S.*\.$", listed, re.MULTILINE)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_package_lists_its_modules(package):
    """A package's docstring lists exactly the modules and packages in its folder, in that order."""
    modules = {path.stem for path in package.glob("*.py")} | {
        path.parent.name for path in package.glob("*/__init__.py")
    }

    assert sorted(name for name in modules if not name.startswith("__")) == entries(package)
