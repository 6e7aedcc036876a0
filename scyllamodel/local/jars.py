"""The jars of one Cassandra version: from the user's cache, or from a Maven repository into it.

jgo reads the POMs and decides which artifacts are needed; the files come through a resolver of our own, because a
checksum that does not match must be an error here, a file must appear whole or not at all, and one kept connection
per thread is several times faster than a new one for each of some 400 small requests. No JDK is fetched for it.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import logging
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any

from scyllamodel.local.errors import LocalServerError, MissingExtra
from scyllamodel.local.folders import cache_folder, locked, write_whole
from scyllamodel.local.mirrors import remote_repositories
from scyllamodel.local.progress import OnProgress, Progress, silent

if TYPE_CHECKING:
    from pathlib import Path

_THREADS = 8
_TIMEOUT = 60.0
"""Seconds without a byte before a download is given up."""

_log = logging.getLogger(__name__)


def jars(version: str, on_progress: OnProgress = silent) -> list[Path]:
    """The class path of one exact Cassandra version, downloaded when it is not in the cache yet.

    Two processes that ask at once share one download.

    Raises:
        MissingExtra: jgo is needed and not installed.
        LocalServerError: something could not be fetched; the message names it.
    """
    listing = cache_folder() / "cassandra" / f"{version}.json"
    found = _listed(listing)
    if found is None:
        with locked(listing.with_suffix(".lock")):
            found = _listed(listing) or _download(version, listing, on_progress)
    return found


def _listed(listing: Path) -> list[Path] | None:
    """The jars that a listing names, or None when it is not there or a jar of it is gone."""
    try:
        names: dict[str, int] = json.loads(listing.read_text())
    except (FileNotFoundError, ValueError):
        return None
    folder = listing.parent.parent / "maven"
    found = [folder / name for name in names]
    complete = all(
        jar.is_file() and jar.stat().st_size == size for jar, size in zip(found, names.values(), strict=True)
    )
    return found if complete else None


def _download(version: str, listing: Path, on_progress: OnProgress) -> list[Path]:
    folder = listing.parent.parent / "maven"
    coordinate = f"org.apache.cassandra:cassandra-all:{version}"
    on_progress(Progress(f"list of jars of Cassandra {version}", 0, 1))
    try:
        artifacts = _artifacts(folder, coordinate)
        on_progress(Progress(f"list of jars of Cassandra {version}", 1, 1))
        found = _fetch_all(artifacts, f"jars of Cassandra {version}", on_progress)
    except (OSError, RuntimeError, ValueError) as error:
        raise _not_fetched(coordinate, error) from error
    sizes = {jar.relative_to(folder).as_posix(): jar.stat().st_size for jar in found}
    write_whole(listing, json.dumps(sizes, indent=1).encode())
    return found


def _not_fetched(coordinate: str, error: Exception) -> LocalServerError:
    tried = ", ".join(remote_repositories().values())
    message = (
        f"The jars of {coordinate} could not be fetched from {tried}:\n  {error}\n"
        "Look at the network and at the proxy variables, or name a Maven mirror in SCYLLAMODEL_MAVEN_URL or in "
        f"~/.m2/settings.xml. On a machine without network, copy {cache_folder()} from one that has it."
    )
    return LocalServerError(message, coordinate=coordinate)


def _artifacts(folder: Path, coordinate: str) -> list[Any]:
    """The artifacts that make a class path, itself first; only POMs are downloaded for it."""
    try:
        maven: Any = importlib.import_module("jgo.maven")
    except ImportError as error:
        message = 'A local server needs jgo, which is not installed.\nRun  pip install "scyllamodel[local]"'
        raise MissingExtra(message) from error
    resolver = maven.PythonResolver()
    resolver.download = _Fetch()
    context = maven.MavenContext(resolver=resolver, repo_cache=folder, remote_repos=remote_repositories())
    wanted, needed = resolver.resolve([context.create_dependency(coordinate)])
    return [dependency.artifact for dependency in [*wanted, *needed]]


def _fetch_all(artifacts: list[Any], what: str, on_progress: OnProgress) -> list[Path]:
    """The files of all artifacts, in their order; the first one that fails ends it."""
    on_progress(Progress(what, 0, len(artifacts)))
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="scyllamodel-jars")
    try:
        waiting = [pool.submit(artifact.resolve) for artifact in artifacts]
        for done, future in enumerate(as_completed(waiting), start=1):
            future.result()
            on_progress(Progress(what, done, len(artifacts)))
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return [future.result() for future in waiting]


class _Fetch:
    """Downloads one artifact, checks it, and puts it in place whole."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._trust = ssl.create_default_context()

    def __call__(self, artifact: Any) -> Path:
        path = f"{artifact.component.path_prefix.as_posix()}/{artifact.filename}"
        for base in artifact.context.remote_repos.values():
            content = self._get(f"{base.rstrip('/')}/{path}")
            if content is not None:
                target: Path = artifact.cached_path
                write_whole(target, content)
                return target
        message = f"{path} is in none of the repositories."
        raise RuntimeError(message)

    def _get(self, url: str) -> bytes | None:
        content = self._content(url)
        if content is None:
            return None
        checksum = self._content(f"{url}.sha1")
        wanted = (checksum or b"").decode("ascii", "replace").split()
        if wanted and wanted[0].lower() != hashlib.sha1(content, usedforsecurity=False).hexdigest():
            message = f"{url} arrived damaged: its checksum is not {wanted[0]}."
            raise RuntimeError(message)
        return content

    def _content(self, url: str) -> bytes | None:
        _log.debug("GET %s", url)
        answer = self._session.get(url, timeout=_TIMEOUT)
        if answer.status_code in {403, 404}:  # some mirrors say "forbidden" for what they do not have
            return None
        answer.raise_for_status()
        content: bytes = answer.content
        return content

    @property
    def _session(self) -> Any:
        session = getattr(self._local, "session", None)
        if session is None:
            requests: Any = importlib.import_module("requests")  # it comes with jgo
            retry: Any = importlib.import_module("urllib3").Retry
            session = self._local.session = requests.Session()
            again = retry(total=3, backoff_factor=0.5, status_forcelist=(429, 500, 502, 503, 504))
            adapter = requests.adapters.HTTPAdapter(max_retries=again)
            # The system's certificates count beside those of requests: a company's own is only known to the system.
            adapter.init_poolmanager(1, 1, ssl_context=self._trust)
            session.mount("https://", adapter)
        return session
