"""The cache folder, locks, and files that appear whole or not at all."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from scyllamodel.local.folders import atomic_folder, cache_folder, try_lock, write_atomically
from scyllamodel.local.maven_repositories import CENTRAL, remote_repositories

HOLD = """
import sys
from contextlib import suppress
from pathlib import Path
from scyllamodel.local.folders import file_lock
with file_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"SCYLLAMODEL_CACHE": "/c", "XDG_CACHE_HOME": "/x"}, "/c"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/scyllamodel"),
        ({}, {"darwin": "/home/me/Library/Caches/scyllamodel"}.get(sys.platform, "/home/me/.cache/scyllamodel")),
    ],
)
def test_the_cache_is_where_the_environment_says(monkeypatch, variables, expected):
    """The variable of this package takes precedence over the desktop's, and both over the usual folder in the home."""
    for name in ("SCYLLAMODEL_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/me", **variables}.items():
        monkeypatch.setenv(name, value)

    assert Path(expected) == cache_folder()


def test_a_lock_ends_with_its_process(tmp_path):
    """A lock that another process holds cannot be acquired until that process is killed."""
    lock = tmp_path / "lock"
    other = subprocess.Popen([sys.executable, "-c", HOLD, lock], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with other:
        other.stdout.readline()
        with pytest.raises(BlockingIOError), try_lock(lock):
            pass
        other.kill()
    with try_lock(lock):
        is_locked = True

    assert is_locked


def test_a_folder_that_was_interrupted_never_appears(tmp_path):
    """If an error occurs while a folder is filled, neither the folder nor a part of it remains."""
    with suppress(RuntimeError), atomic_folder(tmp_path / "java") as unfinished:
        (unfinished / "half").write_text("")
        raise RuntimeError

    assert [] == list(tmp_path.iterdir())


def test_a_folder_appears_with_all_its_files(tmp_path):
    """The finished folder contains the files that were written into the unfinished one."""
    with atomic_folder(tmp_path / "java") as unfinished:
        (unfinished / "all").write_text("x")

    assert ["java", "java/all"] == sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*"))


def test_a_file_is_replaced_whole(tmp_path):
    """The file has the new content, and no other file remains."""
    write_atomically(tmp_path / "a", b"old")
    write_atomically(tmp_path / "a", b"new")

    assert [("a", b"new")] == [(path.name, path.read_bytes()) for path in tmp_path.iterdir()]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """An empty home, and no variable that names a repository."""
    for name in ("SCYLLAMODEL_MAVEN_URL", "XDG_CONFIG_HOME", "JGO_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def maven_settings(home, mirror_of):
    """A settings.xml with one mirror."""
    (home / ".m2").mkdir()
    mirror = f"<mirror><id>a</id><url>https://mirror.test/m2</url><mirrorOf>{mirror_of}</mirrorOf></mirror>"
    space = "http://maven.apache.org/SETTINGS/1.0.0"
    (home / ".m2" / "settings.xml").write_text(f'<settings xmlns="{space}"><mirrors>{mirror}</mirrors></settings>')


def test_central_is_the_default(home):
    """Without settings, Maven Central is the only repository."""
    assert {"central": CENTRAL} == remote_repositories()


@pytest.mark.parametrize(
    ("mirror_of", "expected"),
    [
        ("central", "https://mirror.test/m2"),
        ("*", "https://mirror.test/m2"),
        ("external:*, !other", "https://mirror.test/m2"),
        ("*,!central", CENTRAL),
        ("other", CENTRAL),
    ],
)
def test_a_mirror_of_central_in_mavens_settings_is_asked_instead(home, mirror_of, expected):
    """A mirror is used if it matches Central by name or by a wildcard and does not exclude it."""
    maven_settings(home, mirror_of)

    assert {"central": expected} == remote_repositories()


def test_our_variable_wins_over_every_settings_file(home, monkeypatch):
    """SCYLLAMODEL_MAVEN_URL is the only repository that is used."""
    maven_settings(home, "*")
    monkeypatch.setenv("SCYLLAMODEL_MAVEN_URL", "https://chosen.test")

    assert {"chosen": "https://chosen.test"} == remote_repositories()


def test_repositories_of_jgo_are_asked_too(home):
    """A repository in jgo.conf is used after Central, and one that is named central replaces it."""
    (home / ".config").mkdir()
    (home / ".config" / "jgo.conf").write_text("[repositories]\ncentral = https://a.test\nmore = https://b.test\n")

    assert {"central": "https://a.test", "more": "https://b.test"} == remote_repositories()
