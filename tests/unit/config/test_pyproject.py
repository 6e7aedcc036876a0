"""Where a ``pyproject.toml`` is searched for, whose files are trusted, and which folders a command imports from."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from scyllamodel.config import add_current_folder, configured_references
from scyllamodel.config.pyproject import find_pyprojects
from scyllamodel.errors import ConfigurationError
from support.shell import on_a_terminal

TABLE = '[tool.scyllamodel]\nrepos = ["shop.db:repo"]\n'
STRANGER = 54321


def names(folder):
    """The repos that are configured for a folder."""
    return [target.text for target in configured_references(environ={}, folder=folder)]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with a ``pyproject.toml`` of this package, and a folder below it, in which the test runs."""
    (tmp_path / "pyproject.toml").write_text(TABLE)
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    return tmp_path


@pytest.mark.parametrize(
    "mark", [lambda top: (top / ".git").mkdir(), lambda top: (top / ".git").write_text("gitdir: x")]
)
def test_the_search_ends_at_the_root_of_a_repository(project, mark):
    """A file at the root of the repository is used, and a file above it is not."""
    assert ["shop.db:repo"] == names(project / "below")

    mark(project)
    assert ["shop.db:repo"] == names(project / "below")

    mark(project / "below")
    with pytest.raises(ConfigurationError, match="no repo is configured"):
        names(project / "below")


def test_the_search_ends_at_the_home_folder(project, monkeypatch):
    """A file above the home folder is not the user's, so it is ignored."""
    monkeypatch.setenv("HOME", str(project))
    assert ["shop.db:repo"] == names(project / "below")

    monkeypatch.setenv("HOME", str(project / "below"))
    with pytest.raises(ConfigurationError, match="no repo is configured"):
        names(project / "below")


@pytest.fixture
def stranger(monkeypatch):
    """Give a file or folder to another user, or change the user of this process if it may not do so."""

    def give(path):
        if os.getuid() == 0:
            os.chown(path, STRANGER, -1, follow_symlinks=False)
        else:
            monkeypatch.setattr(os, "geteuid", lambda: STRANGER)

    return give


def _file(project):
    return project / "pyproject.toml"


def _folder(project):
    return project


def _link(project):
    """A symbolic link of another user to a file of this one."""
    (project / "pyproject.toml").rename(project / "mine.toml")
    (project / "pyproject.toml").symlink_to(project / "mine.toml")
    return project / "pyproject.toml"


@pytest.mark.parametrize("place", [_file, _folder, _link])
def test_a_file_of_another_user_is_refused(project, stranger, monkeypatch, place):
    """The file names code that is run, so it is refused with advice, and its folder is not imported from."""
    pyproject = place(project)
    stranger(pyproject)
    with pytest.raises(ConfigurationError, match="belongs to another user") as exc_info:
        names(project / "below")
    monkeypatch.setattr(sys, "path", ["/nowhere"])
    add_current_folder()

    assert [] == [
        part for part in (str(pyproject), "chown", "--repo", "SCYLLAMODEL_REPOS") if part not in str(exc_info.value)
    ]
    assert ["/nowhere", str(project / "below")] == sys.path


def test_the_user_behind_sudo_is_no_stranger(project, stranger, monkeypatch):
    """With sudo, files of the user who called it are trusted."""
    stranger(project / "pyproject.toml")
    monkeypatch.setenv("SUDO_UID", str(STRANGER))
    monkeypatch.setattr(os, "geteuid", lambda: 0)

    assert ["shop.db:repo"] == names(project / "below")


@pytest.mark.parametrize("mode", [0o1777, 0o777, 0o703, 0o702], ids=oct)
def test_a_folder_that_everybody_writes_is_not_trusted(project, monkeypatch, mode):
    """A folder that everybody can write to is refused, sticky bit or not: the named module may be another user's."""
    project.chmod(mode)
    with pytest.raises(ConfigurationError, match=r"open to all users, .* chmod o-w"):
        names(project / "below")
    monkeypatch.chdir(project)
    monkeypatch.setattr(sys, "path", ["/nowhere"])

    assert ([project], ["/nowhere"]) == (add_current_folder(), sys.path)


def test_a_file_that_everybody_writes_is_not_trusted(project):
    """Every user may have written the content of such a file, regardless of its owner."""
    _file(project).chmod(0o666)
    with pytest.raises(ConfigurationError, match=r"pyproject.toml is open to all users"):
        names(project / "below")


@pytest.mark.parametrize("text", [b"\xff\xfe", b"[tool.other]", b"x" * 5_000_000 + TABLE.encode(), b"\n" * 1_000_000])
def test_other_files_are_passed_over(project, text):
    """A ``pyproject.toml`` without settings of this package is ignored, whatever its contents and size."""
    (project / "below" / "pyproject.toml").write_bytes(text)

    assert [project / "pyproject.toml"] == list(find_pyprojects(project / "below"))[:1]
    assert ["shop.db:repo"] == names(project / "below")


@pytest.mark.parametrize("text", ["a = " + "[" * 50_000 + "]" * 50_000, "a = " + "{b=" * 50_000])
def test_a_file_that_nests_too_deep_is_no_toml(project, text):
    """The error belongs to this package and names the file."""
    (project / "pyproject.toml").write_text(f"{TABLE}{text}\n")
    with pytest.raises(ConfigurationError, match=r"pyproject.toml is not valid TOML"):
        names(project)


def test_a_folder_that_cannot_be_looked_into_has_no_file(tmp_path):
    """A folder name that is too long, or that belongs to a file, is ignored."""
    assert [] == [path for path in find_pyprojects(tmp_path / ("x" * 300)) if path.is_relative_to(tmp_path)]


def test_folders_are_added_once_before_what_is_installed(project, monkeypatch):
    """Folders are added once, after the standard library and before installed packages."""
    (lib,) = {str(Path(os.__file__).parent)}
    monkeypatch.setattr(sys, "path", [lib, "/venv/lib/site-packages", "/more"])
    add_current_folder()
    add_current_folder()

    assert [lib, str(project / "below"), str(project), "/venv/lib/site-packages", "/more"] == sys.path


@pytest.mark.parametrize("text", ["[tool.scyllamodel\n", TABLE])
def test_the_folder_of_pyproject_is_added(project, monkeypatch, text):
    """The names in the file are relative to its folder, which is added even if the file is invalid."""
    (project / "pyproject.toml").write_text(text)
    monkeypatch.setattr(sys, "path", ["/nowhere"])
    add_current_folder()

    assert ["/nowhere", str(project / "below"), str(project)] == sys.path


HOSTILE = "import pathlib; pathlib.Path(__file__).with_suffix('.ran').touch(); raise SystemExit('hostile')"
NAMES = ("rich", "attrs", "attr", "cassandra", "tomllib", "queue", "stringprep", "jgo", "uuid")


@pytest.fixture
def hostile(tmp_path):
    """A folder whose files have the names of installed packages, with a module of models."""
    for name in NAMES:
        (tmp_path / f"{name}.py").write_text(HOSTILE)
    (tmp_path / "app.py").write_text(
        "from scyllamodel import Column, Model, partition_key\nclass A(Model):\n    id: Column[int] = partition_key()\n"
    )
    return tmp_path


SCRIPT = "import sys; sys.path.remove(''); from scyllamodel.cli import main; sys.exit(main())"


@pytest.mark.parametrize(
    ("start", "arguments", "code"),
    [
        (["-c", SCRIPT], ["local", "status"], 0),
        (["-c", SCRIPT], ["lint", "--models", "app"], 0),
        (["-m", "scyllamodel"], ["explain", "DS101"], 0),
        (["-m", "scyllamodel"], ["plan", "--url", "scylla://127.0.0.1:1/k?models=app"], 1),
    ],
    ids=["local", "lint", "explain", "plan"],
)
def test_no_file_of_the_current_folder_stands_in_for_a_package(hostile, start, arguments, code):
    """Files of the current folder do not shadow packages, with either way to start the command, also during imports."""
    exit_code, output = on_a_terminal(
        [sys.executable, *start, *arguments], hostile, XDG_CACHE_HOME=str(hostile), TERM="xterm"
    )

    assert ([], code) == (sorted(path.name for path in hostile.glob("*.ran")), exit_code), output
