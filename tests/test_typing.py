"""The types of the public interface: programs that type checkers accept, and mistakes that they report.

In ``typing/ok_*.py`` neither mypy nor pyright, both strict, reports anything. In ``typing/bad_*.py`` both report each
line that ends in ``# error``, and no other line; ``# error: mypy`` and ``# error: pyright`` mark lines that only that
checker can report.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = sorted((Path(__file__).parent / "typing").glob("*.py"))
_MARK = re.compile(r"# error(?:: (mypy|pyright))?$")

pytestmark = pytest.mark.checkers


def _run(*command, folder):
    result = subprocess.run([sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode in (0, 1), f"{command[0]} itself failed:\n{result.stdout}{result.stderr}"
    return result.stdout


def _mypy(folder):
    out = _run("mypy", "--strict", "--warn-unreachable", "--python-version=3.10", "--output=json", ".", folder=folder)
    documents = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    return {(Path(each["file"]).name, each["line"]) for each in documents if each["severity"] == "error"}


def _pyright(folder):
    settings = {"typeCheckingMode": "strict", "pythonVersion": "3.10"}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    document = json.loads(_run("pyright", "--outputjson", f"--pythonpath={sys.executable}", folder=folder))
    return {
        (Path(each["file"]).name, each["range"]["start"]["line"] + 1)
        for each in document["generalDiagnostics"]
        if each["severity"] == "error"
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The programs in a separate folder, away from the settings of this project."""
    folder = tmp_path_factory.mktemp("typing")
    for path in PROGRAMS:
        shutil.copy(path, folder)
    return folder


@pytest.mark.parametrize("checker", [_mypy, _pyright], ids=["mypy", "pyright"])
def test_reported_lines_are_the_marked_ones(folder, checker):
    """A strict checker reports exactly the lines that are marked for it."""
    name = checker.__name__.lstrip("_")
    marked = {
        (path.name, number)
        for path in PROGRAMS
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if (mark := _MARK.search(line)) and mark[1] in (None, name)
    }

    assert sorted(marked) == sorted(checker(folder))


@pytest.mark.parametrize("path", [path for path in PROGRAMS if path.name.startswith("ok_")], ids=lambda path: path.stem)
def test_accepted_programs_run(path):
    """Programs that the checkers accept run without errors."""
    result = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, check=False)

    assert "" == result.stderr
