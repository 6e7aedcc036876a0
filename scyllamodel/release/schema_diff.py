"""Schemas by source (models, server, snapshot file, ledger version, empty), and the differences between two of them.

*In*: a repo and the name of a source, such as ``live`` or ``snapshot:schema.lock.json``. *Out*: facts, and a
`SchemaDiff`. Only ``live`` and ``version`` ask a server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import attrs

from scyllamodel._identifiers import INTERNAL_PREFIX
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ConfigurationError
from scyllamodel.model.desired_schema import desired_facts
from scyllamodel.release.engine.cluster_view import ClusterView, check_is_repo
from scyllamodel.release.engine.models import find_resources, find_types
from scyllamodel.release.rollback import schema_of_version
from scyllamodel.schema.compare.comparison_report import ReportedDifference, compare_schemas, normalized_to_declared
from scyllamodel.schema.export.snapshot import FILE, facts_from_snapshot, read_snapshot, snapshot_document
from scyllamodel.schema.facts.objects import KeyspaceFacts, SchemaFacts
from scyllamodel.schema.server.profile import ServerProfile


@attrs.frozen
class SchemaSource:
    """One side of a comparison.

    Attributes:
        name: as it was given.
        facts: the schema.
        server: the profile of the server it was read from; None for a declared schema.
    """

    name: str
    facts: SchemaFacts
    server: ServerProfile | None = None


@attrs.frozen
class SchemaDiff:
    """The differences between two schema sources.

    Attributes:
        before, after: the sources.
        differences: in a stable order.
    """

    before: str
    after: str
    differences: tuple[ReportedDifference, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the two sources are equal."""
        return not self.differences

    def to_dict(self) -> dict[str, Any]:
        """Return the differences as plain JSON values, by the schema ``diff.schema.json`` of this package."""
        return {
            "format": 1,
            "kind": "diff",
            "from": self.before,
            "to": self.after,
            "empty": self.is_empty,
            "differences": [difference.to_dict() for difference in self.differences],
        }


def snapshot(repos: Iterable[Repo | str] | Repo | str) -> dict[str, Any]:
    """Return the declarations of the models of these repos, as the document of a snapshot file; no server is asked.

    Raises:
        DiscoveryError, NoModelsFound, DuplicateTable: the models cannot be read.
        ConfigurationError: two repos have the same name.
    """
    schemas: dict[str, tuple[str, SchemaFacts]] = {}
    for repo in [repos] if isinstance(repos, (Repo, str)) else list(repos):
        declared = Repo.from_url(repo) if isinstance(repo, str) else repo
        if declared.name in schemas:
            raise ConfigurationError(
                f"two repos are named {declared.name!r}: select one keyspace for a snapshot", repo=declared.name
            )
        schemas[declared.name] = (declared.keyspace, _read_models(declared, "").facts)
    return snapshot_document(schemas)


def diff(repo: Repo, before: str, after: str = "models") -> SchemaDiff:
    """Compare two schema sources.

    Parameters:
        before: ``models``, ``live``, ``snapshot:FILE``, ``version:V`` or ``empty``.
        after: one of the same.

    Raises:
        ConfigurationError: the source is unknown or cannot be read.
        DiscoveryError, ConnectionFailed, IntrospectionError, KeyspaceError: models or server cannot be read.
    """
    check_is_repo(repo)
    before_source, after_source = read_source(repo, before), read_source(repo, after)
    return SchemaDiff(
        before,
        after,
        compare_schemas(_comparable_facts(before_source, after_source), _comparable_facts(after_source, before_source)),
    )


def read_source(repo: Repo, name: str) -> SchemaSource:
    """Read the schema of a source.

    Raises:
        ConfigurationError: the source is unknown, or its file cannot be read.
    """
    kind, _, argument = name.partition(":")
    reader = SOURCE_READERS.get(kind)
    if reader is None:
        choices = "models, live, empty, snapshot:FILE and version:V"
        raise ConfigurationError(f"unknown schema source {name!r}; known are {choices}", source=name)
    return reader(repo, argument)


def _read_models(repo: Repo, argument: str) -> SchemaSource:
    _refuse_argument("models", argument)
    models = find_resources(repo)
    return SchemaSource("models", desired_facts(models, repo.keyspace, types=find_types(repo)))


def _read_live(repo: Repo, argument: str) -> SchemaSource:
    _refuse_argument("live", argument)
    cluster = ClusterView.connect(repo)
    facts = [_without_internal_tables(part) for part in cluster.introspect_existing(repo.keyspace)]
    return SchemaSource("live", SchemaFacts(facts), cluster.server)


def _without_internal_tables(facts: KeyspaceFacts) -> KeyspaceFacts:
    return attrs.evolve(facts, tables=[table for table in facts.tables if not table.name.startswith(INTERNAL_PREFIX)])


def _read_empty(repo: Repo, argument: str) -> SchemaSource:
    _refuse_argument("empty", argument)
    return SchemaSource("empty", SchemaFacts([KeyspaceFacts(repo.keyspace)]))


def _read_snapshot(repo: Repo, argument: str) -> SchemaSource:
    path = Path(argument or FILE)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path} cannot be read: {error}. Write one with: scyllamodel snapshot"
        raise ConfigurationError(message, path=str(path)) from error
    document = read_snapshot(text, str(path))
    return SchemaSource(f"snapshot:{path}", facts_from_snapshot(document, repo.name, repo.keyspace, str(path)))


def _read_version(repo: Repo, argument: str) -> SchemaSource:
    return SchemaSource(f"version:{argument}", *schema_of_version(repo, argument))


def _refuse_argument(kind: str, argument: str) -> None:
    if argument:
        raise ConfigurationError(f"the source {kind} takes no argument, got {argument!r}", source=kind)


def _comparable_facts(side: SchemaSource, opposite: SchemaSource) -> SchemaFacts:
    """Return the facts of one side for a comparison: live facts are reduced to what the declared side declares."""
    if side.server is None or opposite.server is not None:
        return side.facts
    return normalized_to_declared(side.facts, opposite.facts, side.server)


_SourceReader: TypeAlias = Callable[[Repo, str], SchemaSource]
SOURCE_READERS: Final[Mapping[str, _SourceReader]] = {
    "models": _read_models,
    "live": _read_live,
    "empty": _read_empty,
    "snapshot": _read_snapshot,
    "version": _read_version,
}
"""Reads a source, by the word before the colon; receives the repo and the text after the colon."""
