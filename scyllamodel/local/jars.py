"""The jars of a Cassandra version, from the cache or from a Maven repository.

SHA-256 digests of the offered versions ship in ``jars.json``; those of other versions are recorded at the first
download. All jars are verified at every start, on several threads, which takes a tenth of a second, so the cache need
not be trusted.

For other versions jgo resolves the POMs. This module downloads the files, since a missing or wrong checksum must be an
error, and files must appear atomically. One connection per thread is several times faster than a new one for each of
some 400 small requests.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import json
import logging
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any, Final, TypeAlias

from scyllamodel.local.errors import LocalServerError, MissingExtra
from scyllamodel.local.folders import file_lock, own_cache_folder, write_atomically
from scyllamodel.local.maven_repositories import check_secure_url, remote_repositories
from scyllamodel.local.progress import OnProgress, Progress, ignore_progress

Digests: TypeAlias = Mapping[str, str]
"""SHA-256 of each jar by its path in a repository, in the order of the class path."""

_THREADS = 8
_TIMEOUT = 60.0
"""Seconds without data before a download fails."""

_SHIPPED_DIGESTS: Final = Path(__file__).with_name("jars.json")

_log = logging.getLogger(__name__)


def jars(version: str, on_progress: OnProgress = ignore_progress) -> list[Path]:
    """Return the class path of an exact Cassandra version, downloaded if it is not in the cache.

    Two processes at once share one download.

    Raises:
        MissingExtra: jgo is needed and not installed.
        LocalServerError: a file could not be downloaded or has a wrong checksum; the message names it.
        ConfigurationError: the cache folder belongs to another user.
    """
    cache = own_cache_folder()
    listing, folder = cache / "cassandra" / f"{version}.json", cache / "maven"
    digests = shipped_digests(version) or _read_listing(listing)
    if digests is None or _mismatched_jars(folder, digests):
        with file_lock(listing.with_suffix(".lock")):
            digests = _fetch_missing(version, listing, folder, on_progress)
    return [folder / path for path in digests]


def shipped_digests(version: str) -> Digests | None:
    """Return the digests of an exact version that ship with this package; None if the version is not offered."""
    digests_by_version: dict[str, dict[str, str]] = json.loads(_SHIPPED_DIGESTS.read_text())
    return digests_by_version.get(version)


def _fetch_missing(version: str, listing: Path, folder: Path, on_progress: OnProgress) -> Digests:
    """Download the jars that are missing or differ."""
    label = f"jars of Cassandra {version}"
    digests = shipped_digests(version) or _read_listing(listing)
    try:
        if digests is None:
            return _download(version, listing, folder, on_progress)
        fetcher, mismatched = _Fetcher(), _mismatched_jars(folder, digests)
        downloads = [functools.partial(fetcher.fetch_file, path, folder / path, digests[path]) for path in mismatched]
        _fetch_all(downloads, label, on_progress)
    except (OSError, RuntimeError, ValueError) as error:
        raise _fetch_error(f"org.apache.cassandra:cassandra-all:{version}", error) from error
    return digests


def _read_listing(listing: Path) -> Digests | None:
    """Return the jars of a listing; None if it does not exist or has an older format."""
    try:
        digests: dict[str, Any] = json.loads(listing.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return digests if all(isinstance(digest, str) for digest in digests.values()) else None


def _mismatched_jars(folder: Path, digests: Digests) -> list[str]:
    """Return the jars that are missing or have another digest."""
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="scyllamodel-jars") as pool:
        actual = pool.map(_digest, (folder / path for path in digests))
        return [path for path, digest in zip(digests, actual, strict=True) if digest != digests[path]]


def _digest(jar: Path) -> str | None:
    try:
        return hashlib.sha256(jar.read_bytes()).hexdigest()
    except OSError:
        return None


def _download(version: str, listing: Path, folder: Path, on_progress: OnProgress) -> Digests:
    label = f"list of jars of Cassandra {version}"
    on_progress(Progress(label, 0, 1))
    artifacts = _artifacts(folder, f"org.apache.cassandra:cassandra-all:{version}")
    on_progress(Progress(label, 1, 1))
    jar_files = _fetch_all([artifact.resolve for artifact in artifacts], f"jars of Cassandra {version}", on_progress)
    digests = {jar.relative_to(folder).as_posix(): hashlib.sha256(jar.read_bytes()).hexdigest() for jar in jar_files}
    write_atomically(listing, json.dumps(digests, indent=1).encode())
    return digests


def _fetch_error(coordinate: str, error: Exception) -> LocalServerError:
    repositories = ", ".join(remote_repositories().values())
    message = (
        f"The jars of {coordinate} could not be downloaded from {repositories}:\n  {error}\n"
        "Check the network and the proxy variables, or set a Maven mirror in SCYLLAMODEL_MAVEN_URL or in "
        f"~/.m2/settings.xml. Without network access, copy {own_cache_folder()} from another machine."
    )
    return LocalServerError(message, coordinate=coordinate)


def _missing_jgo_error() -> MissingExtra:
    return MissingExtra('A local server needs jgo, which is not installed.\nRun  pip install "scyllamodel[local]"')


def _artifacts(folder: Path, coordinate: str) -> list[Any]:
    """Return the artifacts of a class path, the root first; only POMs are downloaded."""
    try:
        maven: Any = importlib.import_module("jgo.maven")
    except ImportError as error:
        raise _missing_jgo_error() from error
    resolver = maven.PythonResolver()
    resolver.download = _Fetcher().fetch_artifact
    context = maven.MavenContext(resolver=resolver, repo_cache=folder, remote_repos=remote_repositories())
    roots, dependencies = resolver.resolve([context.create_dependency(coordinate)])
    return [dependency.artifact for dependency in [*roots, *dependencies]]


def _fetch_all(downloads: Iterable[Callable[[], Path]], label: str, on_progress: OnProgress) -> list[Path]:
    """Run downloads in threads and return their files in order; the first failure stops them."""
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="scyllamodel-jars")
    try:
        futures = [pool.submit(download) for download in downloads]
        on_progress(Progress(label, 0, len(futures)))
        for done, future in enumerate(as_completed(futures), start=1):
            future.result()
            on_progress(Progress(label, done, len(futures)))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return [future.result() for future in futures]


class _Fetcher:
    """Downloads, verifies and stores files."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._ssl_context = ssl.create_default_context()

    def fetch_artifact(self, artifact: Any) -> Path:
        """Download an artifact for jgo, verified by the checksum file beside it."""
        path = f"{artifact.component.path_prefix.as_posix()}/{artifact.filename}"
        target: Path = artifact.cached_path
        return self.fetch_file(path, target, None)

    def fetch_file(self, path: str, target: Path, digest: str | None) -> Path:
        """Download a file.

        Parameters:
            digest: its SHA-256, if known.

        Raises:
            RuntimeError: no repository has the file, or it is damaged.
        """
        for base in remote_repositories().values():
            url = check_secure_url(f"{base.rstrip('/')}/{path}")
            content = self._content(url)
            if content is not None:
                self._check(url, content, digest)
                write_atomically(target, content)
                return target
        message = f"{path} is not in any repository."
        raise RuntimeError(message)

    def _check(self, url: str, content: bytes, digest: str | None) -> None:
        if digest is not None:
            expected, actual = digest, hashlib.sha256(content).hexdigest()
        else:
            checksum = (self._content(f"{url}.sha1") or b"").decode("ascii", "replace").split()
            if not checksum:
                message = f"{url} has no checksum file, so it cannot be verified."
                raise RuntimeError(message)
            expected, actual = checksum[0].lower(), hashlib.sha1(content, usedforsecurity=False).hexdigest()
        if expected != actual:
            message = f"{url} is damaged or another file: its checksum is not {expected}."
            raise RuntimeError(message)

    def _content(self, url: str) -> bytes | None:
        _log.debug("GET %s", url)
        response = self._session.get(url, timeout=_TIMEOUT)
        check_secure_url(response.url)
        if response.status_code in {403, 404}:  # some mirrors answer 403 for missing files
            return None
        response.raise_for_status()
        content: bytes = response.content
        return content

    @property
    def _session(self) -> Any:
        session = getattr(self._local, "session", None)
        if session is None:
            try:
                requests: Any = importlib.import_module("requests")  # it comes with jgo
            except ImportError as error:
                raise _missing_jgo_error() from error
            retry: Any = importlib.import_module("urllib3").Retry
            session = self._local.session = requests.Session()
            retries = retry(total=3, backoff_factor=0.5, status_forcelist=(429, 500, 502, 503, 504))
            adapter = requests.adapters.HTTPAdapter(max_retries=retries)
            # Trust the system's certificates too: that of a company is often only there.
            adapter.init_poolmanager(1, 1, ssl_context=self._ssl_context)
            session.mount("https://", adapter)
        return session
