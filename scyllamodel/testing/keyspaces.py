"""Keyspaces for tests: create, truncate, drop."""

from __future__ import annotations

import contextlib
import re
import secrets
from collections.abc import Generator, Iterable, Mapping
from typing import Any, Final

import attrs

from scyllamodel._identifiers import is_internal_table, qualified, quote
from scyllamodel.discovery import find_user_types, import_packages
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import LoadError
from scyllamodel.model.class_data import forget_class_data
from scyllamodel.model.registry import declared_types, registry

_TIMEOUT: Final = 60.0
"""Seconds for one statement: a first CREATE or a DROP on a busy machine takes longer than the driver's 10."""


def unique_name(module: str) -> str:
    """Return a unique keyspace name: part of the module's name, and 8 random characters."""
    base = re.sub(r"\W+", "_", module.removeprefix("test_"), flags=re.ASCII).lower()[:30]
    return f"test_{base}_{secrets.token_hex(4)}"


def create(repo: Repo) -> None:
    """Create the keyspace of a repo with one replica in the data centre of the connected node."""
    (row,) = repo.session.execute("SELECT data_center FROM system.local")
    replication = f"{{'class': 'NetworkTopologyStrategy', '{row[0]}': 1}}"
    cql = f"CREATE KEYSPACE {quote(repo.keyspace)} WITH replication = {replication}"
    if repo.settings.tablets is not None:
        cql += f" AND tablets = {{'enabled': {str(repo.settings.tablets).lower()}}}"
    repo.session.execute(cql, timeout=_TIMEOUT)


def drop(repo: Repo) -> None:
    """Drop the keyspace of a repo if it exists."""
    repo.session.execute(f"DROP KEYSPACE IF EXISTS {quote(repo.keyspace)}", timeout=_TIMEOUT)


@contextlib.contextmanager
def own_keyspaces(repo: Repo) -> Generator[list[Repo], None, None]:
    """Replace each keyspace that models of the repo set with ``keyspace=`` by a new one, which is dropped at the end.

    The facts of the classes are changed in place, and restored at the end. Classes that are defined inside the block
    keep their keyspace.

    Yields:
        A repo on each of the new keyspaces.

    Raises:
        DiscoveryError: a package of models cannot be imported.
    """
    import_packages(repo.models)
    classes = _classes_with_keyspaces(repo)
    names = {name: unique_name(name) for name in dict.fromkeys(cls.__facts__.keyspace for cls in classes)}
    repos = [repo.in_keyspace(name) for name in names.values()]
    try:
        for stand_in in repos:
            create(stand_in)
        _move(classes, names)
        yield repos
    finally:
        _move(classes, {name: declared for declared, name in names.items()})
        for stand_in in repos:
            drop(stand_in)


def _classes_with_keyspaces(repo: Repo) -> list[type[Any]]:
    """Return the models, views and user types of a repo that set a keyspace."""
    models = [cls for cls in registry if cls.__repo__ == repo.name]
    types = find_user_types([repo.name], repo.models)
    user_types = (user_type for cls in (*models, *types) for user_type in cls.__user_types__)
    return [cls for cls in dict.fromkeys((*models, *types, *user_types)) if cls.__facts__.keyspace is not None]


def _move(classes: Iterable[type[Any]], names: Mapping[str, str]) -> None:
    """Move classes from each of these keyspaces to the keyspace that it is mapped to."""
    for cls in classes:
        facts: Any = getattr(cls, "__facts__")  # noqa: B009 - a bare type has none
        if facts.keyspace in names:
            setattr(cls, "__facts__", attrs.evolve(facts, keyspace=names[facts.keyspace]))  # noqa: B010
            forget_class_data(cls)
    registry.touch()
    declared_types.touch()


def empty(repo: Repo) -> list[str]:
    """Truncate all tables of the repo's keyspace that have rows, and return their names."""
    query = "SELECT table_name FROM system_schema.tables WHERE keyspace_name = %s"
    tables = [row[0] for row in repo.session.execute(query, (repo.keyspace,))]
    non_empty = [name for name in tables if not is_internal_table(name) and _holds_rows(repo, name)]
    for name in non_empty:
        repo.session.execute(f"TRUNCATE {qualified(repo.keyspace, name)}", timeout=_TIMEOUT)
    return non_empty


def _holds_rows(repo: Repo, table: str) -> bool:
    try:
        return bool(repo.raw(f"SELECT * FROM {qualified(repo.keyspace, table)} LIMIT 1"))  # noqa: S608
    except LoadError:  # a test wrote a row that cannot be loaded
        return True
