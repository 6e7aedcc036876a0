"""Jars from a local Maven repository: downloaded once, verified, and named when they are missing."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

import scyllamodel.local.jars as jars_module
from scyllamodel import ConfigurationError
from scyllamodel.local.errors import LocalServerError, MissingExtra
from scyllamodel.local.jars import jars, shipped_digests
from scyllamodel.local.versions import RELEASES

POM = """<project><modelVersion>4.0.0</modelVersion>
<groupId>{group}</groupId><artifactId>{name}</artifactId><version>{version}</version>
<dependencies>{dependencies}</dependencies></project>"""
NEEDS = "<dependency><groupId>org.test</groupId><artifactId>{0}</artifactId><version>1</version></dependency>"
FETCH = "from scyllamodel.local.jars import jars; print(len(jars('5.0.6')))"


class Mirror(ThreadingHTTPServer):
    """A repository in a folder, which records its requests."""

    daemon_threads = True

    def __init__(self, folder):
        self.folder, self.requests = folder, []
        super().__init__(("127.0.0.1", 0), partial(Handler, directory=folder))

    def add(self, group, name, version, *needs):
        """Publish an artifact with these dependencies."""
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
    """Serve the folder silently."""

    def log_message(self, *_):
        """Record the path instead of printing it."""
        self.server.requests.append(self.path)


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A repository with Cassandra, which depends on two jars, and an empty cache."""
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
    """The class path starts with Cassandra and has each of its dependencies once."""
    result = jars("5.0.6")

    assert ["cassandra-all-5.0.6.jar", "one-1.jar", "two-1.jar"] == [jar.name for jar in result]


def test_what_is_in_the_cache_is_not_asked_for(mirror):
    """The second call sends no request, and needs no network."""
    first = jars("5.0.6")
    mirror.requests.clear()

    assert (first, []) == (jars("5.0.6"), mirror.requests)


def test_a_jar_that_vanished_is_fetched_again(mirror):
    """A cache that lost a file is repaired automatically."""
    jars("5.0.6")[1].unlink()

    assert b"jar of one" == jars("5.0.6")[1].read_bytes()


def test_progress_counts_the_jars(mirror):
    """The last progress report says that all jars are present."""
    reports = []
    jars("5.0.6", reports.append)

    assert ("jars of Cassandra 5.0.6", 3, 3) == (reports[-1].label, reports[-1].done, reports[-1].total)


def test_a_damaged_jar_is_an_error_and_stays_out_of_the_cache(mirror, tmp_path):
    """A file that does not match its checksum is never used, and the next attempt can succeed."""
    checksum = mirror.folder / "org/test/two/1/two-1.jar.sha1"
    right = checksum.read_text()
    checksum.write_text("0" * 40)
    with pytest.raises(LocalServerError, match=r"two-1\.jar is damaged"):
        jars("5.0.6")
    checksum.write_text(right)

    assert 3 == len(jars("5.0.6"))


def test_a_missing_artifact_is_named_with_what_to_do(mirror):
    """The error names the file, the address, and the variable that sets a mirror."""
    (mirror.folder / "org/test/two/1/two-1.jar").unlink()
    with pytest.raises(LocalServerError, match=r"(?s)org/test/two/1/two-1\.jar.*SCYLLAMODEL_MAVEN_URL"):
        jars("5.0.6")


def test_no_network_says_what_could_not_be_fetched(tmp_path, monkeypatch):
    """Without a network, the error names the artifact and the address."""
    monkeypatch.setenv("SCYLLAMODEL_MAVEN_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("SCYLLAMODEL_CACHE", str(tmp_path))
    with pytest.raises(
        LocalServerError, match=r"cassandra-all:5\.0\.6 could not be downloaded from http://127\.0\.0\.1:1"
    ):
        jars("5.0.6")


def test_without_jgo_the_error_names_the_extra(tmp_path, monkeypatch):
    """Without jgo, the error is an ImportError that says what to install."""
    monkeypatch.setenv("SCYLLAMODEL_CACHE", str(tmp_path))
    monkeypatch.setitem(sys.modules, "jgo.maven", None)
    with pytest.raises(MissingExtra, match=r'pip install "scyllamodel\[local\]"'):
        jars("5.0.6")


def test_two_processes_share_one_download(mirror):
    """If two processes start at once, one downloads and the other one waits for it."""
    both = [subprocess.Popen([sys.executable, "-c", FETCH], stdout=subprocess.PIPE, env=os.environ) for _ in range(2)]
    messages = [process.communicate(timeout=60)[0] for process in both]
    requests = [path for path in mirror.requests if path.endswith("/two-1.jar")]

    assert ([b"3\n", b"3\n"], 1) == (messages, len(requests))


def test_a_jar_without_a_checksum_is_an_error(mirror):
    """A jar without a published checksum is refused, since its download cannot be verified."""
    (mirror.folder / "org/test/two/1/two-1.jar.sha1").unlink()
    with pytest.raises(LocalServerError, match=r"two-1\.jar has no checksum file"):
        jars("5.0.6")


def test_a_jar_that_was_altered_in_the_cache_is_fetched_again(mirror):
    """Every jar is compared with its SHA-256 whenever a server starts, not only by its size."""
    altered = jars("5.0.6")[1]
    times = altered.stat()
    altered.write_bytes(b"JAR OF ONE")
    os.utime(altered, ns=(times.st_atime_ns, times.st_mtime_ns))

    assert b"jar of one" == jars("5.0.6")[1].read_bytes()


def test_a_jar_that_is_another_one_at_the_repository_is_an_error(mirror):
    """A known jar is verified by its own digest, whatever checksum the repository publishes."""
    jars("5.0.6")[1].unlink()
    mirror.put("org/test/one/1/one-1.jar", b"another jar")
    with pytest.raises(LocalServerError, match=r"one-1\.jar is damaged or another file"):
        jars("5.0.6")


def test_a_listing_of_an_older_release_is_made_again(mirror, tmp_path):
    """A listing of an older release, which has sizes only, is replaced."""
    jars("5.0.6")
    listing = tmp_path / "cache" / "cassandra" / "5.0.6.json"
    listing.write_text(json.dumps(dict.fromkeys(json.loads(listing.read_text()), 10)))

    assert 3 == len(jars("5.0.6"))
    assert {64} == {len(digest) for digest in json.loads(listing.read_text()).values()}


@pytest.fixture
def offered(mirror, tmp_path, monkeypatch):
    """A mirror with a jar of an offered version, whose digests are part of the package."""
    content = b"jar of Cassandra"
    path = "org/apache/cassandra/cassandra-all/5.0.9/cassandra-all-5.0.9.jar"
    mirror.put(path, content)
    known = tmp_path / "jars.json"
    known.write_text(json.dumps({"5.0.9": {path: hashlib.sha256(content).hexdigest()}}))
    monkeypatch.setattr(jars_module, "_SHIPPED_DIGESTS", known)
    return path


def test_jars_of_an_offered_version_are_those_that_are_shipped(offered, mirror):
    """The jars of an offered version are downloaded by the list in the package, without resolving dependencies."""
    (jar,) = jars("5.0.9")

    assert (b"jar of Cassandra", [f"/{offered}"]) == (jar.read_bytes(), mirror.requests)


def test_another_jar_of_an_offered_version_is_refused(offered, mirror):
    """Another jar for an offered version is refused, also with its own checksum published."""
    mirror.put(offered, b"another jar")
    with pytest.raises(LocalServerError, match="or another file"):
        jars("5.0.9")


def test_every_offered_version_is_shipped():
    """The package contains the SHA-256 of each jar on the class path of every offered version, Cassandra first."""
    for version in RELEASES.values():
        result = shipped_digests(version)
        paths, digests = list(result), list(result.values())

        assert f"org/apache/cassandra/cassandra-all/{version}/cassandra-all-{version}.jar" == paths[0]
        assert len(paths) > 50
        assert {64} == {len(digest) for digest in digests}
        assert [] == [path for path in paths if path.startswith("/") or ".." in path.split("/")]


@pytest.mark.parametrize("url", ["http://192.0.2.1/maven2", "ftp://127.0.0.1/maven2", "file:///maven2"])
def test_an_address_that_others_could_answer_for_is_not_asked(tmp_path, monkeypatch, url):
    """An address that is neither https nor plain http on this machine is refused."""
    monkeypatch.setenv("SCYLLAMODEL_CACHE", str(tmp_path))
    monkeypatch.setenv("SCYLLAMODEL_MAVEN_URL", url)
    with pytest.raises(LocalServerError, match="Use an https:// address"):
        jars("5.0.6")


def test_the_cache_is_closed_to_other_users(mirror, tmp_path):
    """Other users cannot write to the cache, since its files are executed."""
    (tmp_path / "cache").mkdir(mode=0o777)
    (tmp_path / "cache").chmod(0o777)
    jars("5.0.6")

    assert 0o700 == (tmp_path / "cache").stat().st_mode & 0o777


def test_a_cache_of_another_user_is_refused(tmp_path, monkeypatch):
    """A cache that belongs to another user is refused, with advice."""
    (tmp_path / "cache").mkdir()
    monkeypatch.setenv("SCYLLAMODEL_CACHE", str(tmp_path / "cache"))
    if os.getuid() == 0:
        os.chown(tmp_path / "cache", 54321, -1)
    else:
        monkeypatch.setattr(os, "geteuid", lambda: 54321)
    with pytest.raises(ConfigurationError, match=r"belongs to another user.*SCYLLAMODEL_CACHE"):
        jars("5.0.6")
