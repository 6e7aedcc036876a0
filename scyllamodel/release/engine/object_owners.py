"""Objects of a keyspace that belong to other repos, by their ledgers and by loaded models.

*In*: the ledger of a repo and the models of this process. *Out*: owners by dotted name without the keyspace.
Applications may share a keyspace; neither may treat the other's objects as left over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs

from scyllamodel.driver.repo import Repo, live_repos
from scyllamodel.model.registry import registry
from scyllamodel.release.engine.ledger_access import repo_scope
from scyllamodel.release.ledger import Ledger
from scyllamodel.schema.changes.kinds import (
    AddColumns,
    AddIndex,
    AddTable,
    AddType,
    AddView,
    Change,
)
from scyllamodel.schema.changes.undo import inverse_of
from scyllamodel.schema.facts.objects import Table, View

Owners = dict[str, str]
"""Unquoted dotted name of an object to a phrase that names its owner."""


def other_owners(ledger: Ledger, repo: Repo) -> Owners:
    """Return owners of the objects of this keyspace that belong to other repos.

    Objects that this repo created as well are its own.

    Raises:
        LedgerError: the history could not be read.
    """
    prefix = f"{repo.keyspace}/"
    owners = _declared_owners(repo, ledger.scope)
    for other_scope in ledger.scopes():
        if other_scope != ledger.scope and other_scope.startswith(prefix):
            owner_phrase = f"the repo {other_scope.removeprefix(prefix)!r}, by its ledger"
            owners |= dict.fromkeys(_created_names(attrs.evolve(ledger, scope=other_scope)), owner_phrase)
    own_names = _created_names(ledger) if owners else set[str]()
    return {name: owner for name, owner in owners.items() if name not in own_names}


def _created_names(ledger: Ledger) -> set[str]:
    """Return names of the objects that a scope created and did not drop."""
    names: set[str] = set()
    for _, change in ledger.changes():
        names |= set(_added_names(change))
        names -= set(_added_names(inverse_of(change)))
    return names


def _added_names(change: Change | None) -> Iterable[str]:
    if isinstance(change, AddTable):
        return [change.table.name, *(f"{change.table.name}.{column.name}" for column in change.table)]
    if isinstance(change, AddColumns):
        return [f"{change.table}.{column.name}" for column in change.columns]
    if isinstance(change, AddIndex):
        return [change.index.name]
    if isinstance(change, AddView):
        return [change.view.name]
    return [change.type.name] if isinstance(change, AddType) else []


def _declared_owners(repo: Repo, own_scope: str) -> Owners:
    """Return objects that loaded models of other repos on this keyspace declare."""
    other_names = {
        other_repo.name
        for other_repo in live_repos()
        if other_repo.keyspace == repo.keyspace and repo_scope(other_repo) != own_scope
    }
    owners: Owners = {}
    for model in registry if other_names else ():
        fact: Table | View = model.__facts__
        if model.__repo__ in other_names and fact.keyspace in {None, repo.keyspace}:
            owners |= dict.fromkeys(_object_names(model, fact), f"the repo {model.__repo__!r}, whose models declare it")
    return owners


def _object_names(model: type, fact: Table | View) -> Iterator[str]:
    yield fact.name
    yield from (f"{fact.name}.{column.name}" for column in fact)
    if isinstance(fact, Table):
        yield from (index.name for index in fact.indexes)
    yield from (user_type.__facts__.name for user_type in getattr(model, "__user_types__", ()))
