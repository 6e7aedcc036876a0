"""Looking without touching: what would be done, whether anything would be, and what is there.

*In*: a repo. *Out*: answers. Nothing here writes a thing, not even a stamp.
"""

from __future__ import annotations

from collections.abc import Collection

import attrs

from scyllamodel.driver.repo import Repo
from scyllamodel.release.books import open_ledger
from scyllamodel.release.draft import Draft, Resources, Wish
from scyllamodel.release.ledger.superseded import superseded_note
from scyllamodel.release.look import Look
from scyllamodel.release.other_scopes import Owners, other_owners
from scyllamodel.release.results import CheckResult
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.facts import SchemaFacts
from scyllamodel.schema.plan import Plan


def plan(
    repo: Repo, *, resources: Resources = None, create_keyspace: bool | None = None, allow: str | Collection[str] = ()
) -> Plan:
    """What `migrate` would do now; nothing is written.

    Parameters:
        resources: classes or names to limit the plan to, with the types, views and indexes that they need.
        create_keyspace: whether a missing keyspace is part of it; None means what the repo says.
        allow: codes, or ``code:object``, of what is refused by default and may be done.

    Raises:
        DiscoveryError, ConnectionFailed, IntrospectionError: models or server cannot be read.
    """
    return Draft.of(Wish.of(repo, resources, create_keyspace=create_keyspace, allow=allow)).plan


def check(repo: Repo, *, resources: Resources = None, strict: bool = False) -> CheckResult:
    """Whether models and server agree; nothing is written.

    Parameters:
        resources: as of `plan`.
        strict: whether what is live and declared by no model counts as disagreement.

    Raises:
        DiscoveryError, ConnectionFailed, IntrospectionError, LedgerError: models or server cannot be read.
    """
    draft = Draft.of(Wish.of(repo, resources, create_keyspace=False))
    found = _with_owners(draft) if strict else draft.plan
    extra = strict and any(note.code == "BC103" for note in found.notes)
    if not found.is_empty:
        found = _with_superseded(found, draft)
    return CheckResult(found.is_empty and not extra, found)


def _with_owners(draft: Draft) -> Plan:
    """The plan, whose notes on live objects of other repos name these repos; with no such object nothing is read."""
    wish, look = draft.wish, draft.look
    if all(note.code != "BC103" for note in draft.plan.notes):
        return draft.plan
    ledger = open_ledger(wish.repo, look.coordinator, draft.books, look.server)
    owners = other_owners(ledger, wish.repo)
    return attrs.evolve(draft.plan, notes=tuple(_owned(note, owners) for note in draft.plan.notes))


def _owned(note: Diagnostic, owners: Owners) -> Diagnostic:
    owner = owners.get(note.object.partition(".")[2])
    if note.code != "BC103" or owner is None:
        return note
    return Diagnostic("BC105", "note", note.object, f"it belongs to {owner}; left as it is")


def _with_superseded(plan: Plan, draft: Draft) -> Plan:
    """The plan with a note where a later version, or a rollback, replaced these models."""
    wish, look = draft.wish, draft.look
    ledger = open_ledger(wish.repo, look.coordinator, draft.books, look.server)
    note = superseded_note(ledger.versions(), wish.models_fp)
    return plan if note is None else attrs.evolve(plan, notes=(*plan.notes, note))


def inspect(repo: Repo) -> SchemaFacts:
    """What the repo's keyspace holds, as facts.

    Raises:
        ConnectionFailed, IntrospectionError: the server cannot be read.
        KeyspaceError: the keyspace does not exist.
    """
    return Look.at(repo).existing(repo.keyspace)
