"""The layers of the package: imports go to lower layers, and only the driver package imports the driver."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import scyllamodel

ROOT = Path(scyllamodel.__file__).parent

FLOORS = {
    "errors": 0.5,
    "_backoff": 0,
    "_cql": 0,
    "_json": 0,
    "_secret": 1,
    "_text": 1,
    "_version": 0,
    "_identifiers": 0,
    "_numbers": 0,
    "types": 1,
    "model.class_data": 1,
    "model._codegen": 2,
    "schema.facts": 2,
    "schema.diagnostics": 2,
    "schema.server": 2,
    "schema.server.detection": 3,
    "schema.server.virtual_columns": 3,
    "model.expression": 2,
    "model.registry": 2,
    "query": 5,
    "schema.changes.kinds": 3,
    "schema.options": 3,
    "model.column": 3,
    "schema": 4,
    "model": 4,
    "schema.plan": 5,
    "schema.expand_contract": 6,
    "schema.apply": 6,
    "discovery": 5,
    "config": 6,
    "driver._cassandra": 7,
    "driver.outcomes": 8,
    "driver.session": 9,
    "driver.cluster": 10,
    "driver.data": 10,
    "driver": 11,
    "release": 12,
    "_public": 13,
    "local": 13,
    "testing": 14,
    "demo": 15,
    "cli": 16,
    "__main__": 17,
    "": 14,
}
"""Module or package to floor; the longest prefix counts, and a package's modules may import one another."""

MODULES = sorted(path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".") for path in ROOT.rglob("*.py"))


def _room(module: str) -> str:
    """The entry of `FLOORS` that a module belongs to."""
    name = module.removesuffix("__init__").rstrip(".")
    while name and name not in FLOORS:
        name = name.rpartition(".")[0]
    return name


def _imports(module: str) -> list[tuple[int, str]]:
    """Return line and dotted name of every module of this package that it imports, those for type checkers included."""
    tree = ast.parse((ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8"))
    results = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "scyllamodel":
            base = node.module.removeprefix("scyllamodel").lstrip(".")
            for alias in node.names:
                inner = f"{base}.{alias.name}".lstrip(".")
                path = ROOT / inner.replace(".", "/")
                results.append((node.lineno, inner if path.is_dir() or path.with_suffix(".py").exists() else base))
        elif isinstance(node, ast.Import):
            results += [
                (node.lineno, a.name.removeprefix("scyllamodel.")) for a in node.names if "scyllamodel" in a.name
            ]
    return results


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down_the_floors(module):
    """A module imports from lower layers, or from its own package."""
    room = _room(module)
    mismatches = [
        f"{module}.py:{line} imports {name} ({FLOORS[_room(name)]}, from floor {FLOORS[room]})"
        for line, name in _imports(module)
        if _room(name) != room and FLOORS[_room(name)] >= FLOORS[room]
    ]

    assert [] == mismatches


@pytest.mark.parametrize("module", [m for m in MODULES if m.startswith("schema")])
def test_the_schema_room_knows_no_models(module):
    """Modules of schema import neither models nor queries: declarations are passed in as facts."""
    assert [] == [name for _, name in _imports(module) if name.split(".")[0] in {"model", "query"}]


@pytest.mark.parametrize("module", [m for m in MODULES if not m.startswith("driver")])
def test_only_the_driver_room_imports_the_driver(module):
    """The package ``cassandra`` is imported in ``scyllamodel/driver`` and nowhere else."""
    tree = ast.parse((ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8"))
    names = [
        name
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in ([a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""])
    ]

    assert [] == [name for name in names if name.split(".")[0] == "cassandra"]


def test_exec_is_called_in_one_module():
    """Only ``model/_codegen.py`` calls exec."""
    callers = [
        module
        for module in MODULES
        for node in ast.walk(ast.parse((ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "exec"
    ]

    assert {"model._codegen"} >= set(callers)


@pytest.mark.parametrize(
    ("call", "homes"),
    [
        # requests in flight, rounds of retries and a limit of rows a second: in loops that also send or await
        ("time.sleep(", {"driver.data.in_flight", "driver.data.bulk", "release.backfill.copier"}),
        # these list several names
        ("get_close_matches", {"_text", "model.desired_schema", "cli.commands.guide"}),
    ],
)
def test_pauses_and_suggestions_have_one_home(call, homes):
    """Pauses use `poll`, `retry` or a `Clock`, and suggestions use `closest`, in the listed modules only."""
    using = {m for m in MODULES if call in (ROOT / (m.replace(".", "/") + ".py")).read_text(encoding="utf-8")}

    assert homes == using - {"local.supervisor"}  # which runs without the package


@pytest.mark.parametrize("module", [m for m in MODULES if not m.startswith(("schema.server", "local", "testing"))])
def test_servers_differ_in_their_profile_alone(module):
    """A module checks the capabilities of a server, never its product or version."""
    text = (ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8")

    assert [] == [word for word in ("is_scylla", ".at_least(", ".engine ==") if word in text]
