"""Where a schema can be taken from: the models, the server, a lock file, nowhere; and what is different between two.

*In*: a repo and the name of a source, such as ``live`` or ``snapshot:schema.lock.json``. *Out*: facts, and a
`SchemaDiff`. A server is asked only where ``live`` is named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs

from scyllamodel._identifiers import INTERNAL_PREFIX
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ConfigurationError
from scyllamodel.release.look import Look, check_is_repo
from scyllamodel.release.resources import find_resources, find_types
from scyllamodel.release.rollback import schema_of
from scyllamodel.release.wanted import wanted_facts
from scyllamodel.schema.differences import Difference, as_declared, differences
from scyllamodel.schema.facts import KeyspaceFacts, SchemaFacts
from scyllamodel.schema.server import ServerProfile
from scyllamodel.schema.snapshot import FILE, read_snapshot, snapshot_dict, snapshot_facts


@attrs.frozen
class Source:
    """One side of a comparison.

    Attributes:
        name: as it was asked for.
        facts: what it holds.
        server: that it was read from; None for what is declared and not read.
    """

    name: str
    facts: SchemaFacts
    server: ServerProfile | None = None


@attrs.frozen
class SchemaDiff:
    """What is different between two sources."""

    before: str
    after: str
    differences: tuple[Difference, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether both sides are the same."""
        return not self.differences

    def to_dict(self) -> dict[str, Any]:
        """The differences as plain JSON values, by the schema ``diff.schema.json`` of this package."""
        return {
            "format": 1,
            "kind": "diff",
            "from": self.before,
            "to": self.after,
            "empty": self.is_empty,
            "differences": [found.to_dict() for found in self.differences],
        }


def snapshot(repos: Iterable[Repo | str] | Repo | str) -> dict[str, Any]:
    """What the models of these repos declare, as the document of a lock file; no server is asked.

    Raises:
        DiscoveryError, NoModelsFound, DuplicateTable: the models cannot be read.
        ConfigurationError: two repos share a name, so that a file could not tell them apart.
    """
    found: dict[str, tuple[str, SchemaFacts]] = {}
    for repo in [repos] if isinstance(repos, (Repo, str)) else list(repos):
        one = Repo.from_url(repo) if isinstance(repo, str) else repo
        if one.name in found:
            raise ConfigurationError(
                f"two repos are called {one.name!r}; name one keyspace for a snapshot", repo=one.name
            )
        found[one.name] = (one.keyspace, _models(one, "").facts)
    return snapshot_dict(found)


def diff(repo: Repo, before: str, after: str = "models") -> SchemaDiff:
    """What is different between two sources.

    Parameters:
        before: ``models``, ``live``, ``snapshot:FILE``, ``version:V`` or ``empty``.
        after: likewise.

    Raises:
        ConfigurationError: there is no such source, or it cannot be read.
        DiscoveryError, ConnectionFailed, IntrospectionError, KeyspaceError: models or server cannot be read.
    """
    check_is_repo(repo)
    one, two = source(repo, before), source(repo, after)
    return SchemaDiff(before, after, differences(_beside(one, two), _beside(two, one)))


def source(repo: Repo, name: str) -> Source:
    """The schema that a source holds.

    Raises:
        ConfigurationError: there is no such source, or its file cannot be read.
    """
    kind, _, rest = name.partition(":")
    read = SOURCES.get(kind)
    if read is None:
        known = "models, live, empty, snapshot:FILE and version:V"
        raise ConfigurationError(f"{name!r} is no source of a schema; there are {known}", source=name)
    return read(repo, rest)


def _models(repo: Repo, rest: str) -> Source:
    _no_more("models", rest)
    models = find_resources(repo)
    return Source("models", wanted_facts(models, repo.keyspace, types=find_types(repo)))


def _live(repo: Repo, rest: str) -> Source:
    _no_more("live", rest)
    look = Look.at(repo)
    facts = [_without_our_own(part) for part in look.existing(repo.keyspace)]
    return Source("live", SchemaFacts(facts), look.server)


def _without_our_own(facts: KeyspaceFacts) -> KeyspaceFacts:
    return attrs.evolve(facts, tables=[t for t in facts.tables if not t.name.startswith(INTERNAL_PREFIX)])


def _empty(repo: Repo, rest: str) -> Source:
    _no_more("empty", rest)
    return Source("empty", SchemaFacts([KeyspaceFacts(repo.keyspace)]))


def _snapshot(repo: Repo, rest: str) -> Source:
    path = Path(rest or FILE)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path} cannot be read: {error}. Write one with: scyllamodel snapshot"
        raise ConfigurationError(message, path=str(path)) from error
    document = read_snapshot(text, str(path))
    return Source(f"snapshot:{path}", snapshot_facts(document, repo.name, repo.keyspace, str(path)))


def _version(repo: Repo, rest: str) -> Source:
    return Source(f"version:{rest}", *schema_of(repo, rest))


def _no_more(kind: str, rest: str) -> None:
    if rest:
        raise ConfigurationError(f"the source {kind} takes nothing after it, and {rest!r} was given", source=kind)


def _beside(one: Source, other: Source) -> SchemaFacts:
    """The facts of one side as they are compared with the other: the live one speaks as the declared one does."""
    if one.server is None or other.server is not None:
        return one.facts
    return as_declared(one.facts, other.facts, one.server)


_Reader: TypeAlias = Callable[[Repo, str], Source]
SOURCES: Final[Mapping[str, _Reader]] = {
    "models": _models,
    "live": _live,
    "empty": _empty,
    "snapshot": _snapshot,
    "version": _version,
}
"""Reads a source, by what stands before the colon; gets the repo, and what stands after it."""
