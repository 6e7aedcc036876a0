"""What README shows is what happens."""

from __future__ import annotations

import subprocess
import sys

import pytest
import readme


@pytest.mark.parametrize("page", readme.PAGES, ids=lambda page: page.stem)
def test_sessions_without_a_server(page):
    """Every session that needs no server prints what README and the pages of the guide print."""
    report = readme.run(readme.sessions(page, live=False))

    assert not report, report


def test_readme_has_sessions():
    """The sessions of README are found."""
    assert len(readme.sessions(live=False)) > 1


def test_the_first_model_can_be_pasted(tmp_path):
    """The first block of Python is a module that imports, and lints without a complaint."""
    text = readme.README.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    (tmp_path / "pasted.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "scyllamodel", "lint", "--models", "pasted"]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (0, "") == (answer.returncode, answer.stderr)
