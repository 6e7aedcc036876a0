"""Jars from a Maven repository on this machine: fetched once, checked, and named when they are missing."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from scyllamodel.local.errors import LocalServerError, MissingExtra
from scyllamodel.local.jars import jars

POM = """<project><modelVersion>4.0.0</modelVersion>
<groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version>
<dependencies>{dependencies}</dependencies></project>"""
NEEDS = "<dependency><groupId>org.test</groupId><artifactId>{0}</artifactId><version>1</version></dependency>"
FETCH = "from scyllamodel.local.jars import jars; print(len(jars('5.0.6')))"


class Mirror(ThreadingHTTPServer):
    """A repository in a folder, which remembers what it was asked for."""

    daemon_threads = True

    def __init__(self, folder):
        self.folder, self.asked = folder, []
        super().__init__(("127.0.0.1", 0), partial(Handler, directory=folder))

    def add(self, group, name, version, *needs):
        """Publish an artifact that needs others."""
        pom = POM.format(
            group=group, name=name, version=version, dependencies="".join(NEEDS.format(other) for other in needs)
        )
        base = f"{group.replace('.', '/')}/{name}/{version}/{name}-{version}"
        self.put(f"{base}.pom", pom.encode())
        self.put(f"{base}.jar", f"jar of {name}".encode())

    def put(self, path, content):
        """Publish one file with its checksum."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        file.with_name(f"{file.name}.sha1").write_text(hashlib.sha1(content).hexdigest())


class Handler(SimpleHTTPRequestHandler):
    """Serves the folder, silently."""

    def log_message(self, *_):
        """Remember the path instead of printing it."""
        self.server.asked.append(self.path)


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A repository with Cassandra, which needs two jars, and an empty cache to fetch them into."""
    (tmp_path / "mirror").mkdir()
    with Mirror(tmp_path / "mirror") as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("SCYLLAMODEL_MAVEN_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("SCYLLAMODEL_CACHE", str(tmp_path / "cache"))
        server.add("org.apache.cassandra", "cassandra-all", "5.0.6", "one", "two")
        server.add("org.test", "one", "1", "two")
        server.add("org.test", "two", "1")
        yield server
        server.shutdown()


def test_all_that_cassandra_needs_is_fetched(mirror):
    """The class path starts with Cassandra and holds what it needs, once."""
    found = jars("5.0.6")

    assert ["cassandra-all-5.0.6.jar", "one-1.jar", "two-1.jar"] == [jar.name for jar in found]


def test_what_is_in_the_cache_is_not_asked_for(mirror):
    """The second call makes no request, and needs no network."""
    first = jars("5.0.6")
    mirror.asked.clear()

    assert (first, []) == (jars("5.0.6"), mirror.asked)


def test_a_jar_that_vanished_is_fetched_again(mirror):
    """A cache that lost a file mends itself."""
    jars("5.0.6")[1].unlink()

    assert b"jar of one" == jars("5.0.6")[1].read_bytes()


def test_progress_counts_the_jars(mirror):
    """The last report says that all jars are there."""
    reports = []
    jars("5.0.6", reports.append)

    assert ("jars of Cassandra 5.0.6", 3, 3) == (reports[-1].what, reports[-1].done, reports[-1].total)


def test_a_damaged_jar_is_an_error_and_stays_out_of_the_cache(mirror, tmp_path):
    """A file that does not match its checksum is never used, and the next try can succeed."""
    checksum = mirror.folder / "org/test/two/1/two-1.jar.sha1"
    right = checksum.read_text()
    checksum.write_text("0" * 40)
    with pytest.raises(LocalServerError, match=r"two-1\.jar arrived damaged"):
        jars("5.0.6")
    checksum.write_text(right)

    assert 3 == len(jars("5.0.6"))


def test_a_missing_artifact_is_named_with_what_to_do(mirror):
    """The error names the file, where it was looked for, and the variable that names a mirror."""
    (mirror.folder / "org/test/two/1/two-1.jar").unlink()
    with pytest.raises(LocalServerError, match=r"(?s)org/test/two/1/two-1\.jar.*SCYLLAMODEL_MAVEN_URL"):
        jars("5.0.6")


def test_no_network_says_what_could_not_be_fetched(tmp_path, monkeypatch):
    """Where nothing answers, the error names the artifact and the address."""
    monkeypatch.setenv("SCYLLAMODEL_MAVEN_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("SCYLLAMODEL_CACHE", str(tmp_path))
    with pytest.raises(
        LocalServerError, match=r"cassandra-all:5\.0\.6 could not be fetched from http://127\.0\.0\.1:1"
    ):
        jars("5.0.6")


def test_without_jgo_the_error_names_the_extra(tmp_path, monkeypatch):
    """A missing jgo is an ImportError that says what to install."""
    monkeypatch.setenv("SCYLLAMODEL_CACHE", str(tmp_path))
    monkeypatch.setitem(sys.modules, "jgo.maven", None)
    with pytest.raises(MissingExtra, match=r'pip install "scyllamodel\[local\]"'):
        jars("5.0.6")


def test_two_processes_share_one_download(mirror):
    """Of two processes that ask at once, one fetches and the other waits for it."""
    both = [subprocess.Popen([sys.executable, "-c", FETCH], stdout=subprocess.PIPE, env=os.environ) for _ in range(2)]
    said = [process.communicate(timeout=60)[0] for process in both]
    asked = [path for path in mirror.asked if path.endswith("/two-1.jar")]

    assert ([b"3\n", b"3\n"], 1) == (said, len(asked))
