"""A plan with what it was made from, so that it can be made again: under the lock, after the last statement.

*In*: a repo, and what the caller chose. *Out*: a `Draft`. It looks at the server and writes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeAlias
from uuid import UUID

import attrs

from scyllamodel.driver.permissions import read_permissions
from scyllamodel.driver.repo import Repo
from scyllamodel.release.application_role import application_needs, application_role, grant_steps, remarks_on_role
from scyllamodel.release.books import internal_keyspace, open_ledger
from scyllamodel.release.companion import like_the_repos, with_internal_keyspace
from scyllamodel.release.ledger.undone import ran_by_hand
from scyllamodel.release.ledger.values import LedgerStep, Migration
from scyllamodel.release.look import Look, check_is_repo, described
from scyllamodel.release.models_fp import models_fingerprint
from scyllamodel.release.other_scopes import other_owners
from scyllamodel.release.raw import RawStep, doubts, notes_on_roles, with_raw
from scyllamodel.release.renamed_keys import with_renames
from scyllamodel.release.resources import find_resources, find_types
from scyllamodel.release.tables import missing_tables
from scyllamodel.release.wanted import check_bound, chosen, wanted_facts
from scyllamodel.schema.apply import StatementFailure
from scyllamodel.schema.facts import KeyspaceFacts, SchemaFacts
from scyllamodel.schema.plan import Plan, Step, contract_plan, make_plan
from scyllamodel.schema.rules.allow import checked, unused
from scyllamodel.schema.rules.handwritten import StatementJudge, changes_keyspaces, keyspaces_of

Resources: TypeAlias = Iterable[type[Any] | str] | None


@attrs.frozen
class Wish:
    """What a caller wants of a repo, before anybody looked at the server.

    Attributes:
        models: the classes that count.
        types: user types that are declared although no column holds them.
        create: whether a missing keyspace is to be made.
        allow: codes, or ``code:object``, of what may be done although it is refused by default.
        raw: statements written by hand.
        contracts: whether to remove what no model declares, instead of adding what is missing.
    """

    repo: Repo
    models: tuple[type[Any], ...]
    create: bool = False
    allow: tuple[str, ...] = ()
    raw: tuple[RawStep, ...] = ()
    types: tuple[type[Any], ...] = ()
    contracts: bool = False

    @classmethod
    def of(
        cls,
        repo: Repo,
        resources: Resources,
        *,
        create_keyspace: bool | None,
        allow: str | Collection[str] = (),
        steps: Iterable[RawStep] = (),
    ) -> Wish:
        """Find the models.

        Raises:
            DiscoveryError, NoModelsFound, DuplicateTable, ConfigurationError: they cannot be found, or make no sense.
        """
        check_is_repo(repo)
        check_bound(resources, repo.name)
        models = tuple(chosen(find_resources(repo), resources))
        create = repo.settings.create_keyspace if create_keyspace is None else create_keyspace
        types = find_types(repo) if resources is None else ()
        return cls(repo, models, create, checked(allow), tuple(steps), tuple(types))

    @property
    def models_fp(self) -> str:
        """The fingerprint of the models."""
        return models_fingerprint((*self.models, *self.types), self.repo.keyspace)

    def facts(self) -> SchemaFacts:
        """What the models want."""
        return wanted_facts(self.models, self.repo.keyspace, described(self.repo), self.types)


@attrs.frozen
class Draft:
    """The plan as it is now.

    Attributes:
        books: the keyspace of the ledger, our own tables included.
        version: of the schema, if it stood still while it was read.
    """

    wish: Wish
    look: Look
    wanted: SchemaFacts
    books: KeyspaceFacts
    version: UUID | None
    plan: Plan

    @classmethod
    def of(cls, wish: Wish, look: Look | None = None, wanted: SchemaFacts | None = None) -> Draft:
        """Look at the server, and plan.

        Raises:
            ConnectionFailed, IntrospectionError, LedgerError: the server cannot be read.
        """
        look = look or Look.at(wish.repo)
        wanted = wanted or wish.facts()
        home = internal_keyspace(wish.repo, look.coordinator, look.server)
        found, version = look.seen([*(part.name for part in wanted), home], books=home)
        named = home == wish.repo.settings.ledger_keyspace and home not in {part.name for part in wanted}
        if named and found[home].keyspace is None:
            wanted = SchemaFacts([*wanted, KeyspaceFacts(home, like_the_repos(wish.repo, look, home))])
        books = found[home]
        plan = look.checked(_plan(wish, look, wanted, found, books), found, by_hand=bool(wish.raw))
        plan = _with_grants(plan, wish, wanted, look, books)
        plan = _complete(plan, wish, look, found, books)
        if plan.refusals:
            plan = with_renames(plan, open_ledger(wish.repo, look.coordinator, books, look.server))
        return cls(wish, look, wanted, books, version, plan)

    def again(self, look: Look) -> Draft:
        """The same, as it is by now."""
        return Draft.of(self.wish, look, self.wanted)

    def after(self, bootstrap: tuple[Step, ...]) -> Draft:
        """The same plan behind a bootstrap that was done meanwhile."""
        return attrs.evolve(self, plan=attrs.evolve(self.plan, bootstrap=bootstrap))

    @property
    def keyspaces(self) -> list[str]:
        """Those that it may change, sorted; each has a lock."""
        return sorted({self.wish.repo.keyspace, *(part.name for part in self.wanted)})


def _plan(wish: Wish, look: Look, wanted: SchemaFacts, found: SchemaFacts, books: KeyspaceFacts) -> Plan:
    if wish.contracts:
        ledger = open_ledger(wish.repo, look.coordinator, books, look.server)
        owners = other_owners(ledger, wish.repo)
        return contract_plan(wanted, found, look.server, allow=wish.allow, owners=owners)
    missing = wish.create and any(found[part.name].keyspace is None for part in wanted)
    topology = look.topology() if missing else None
    return make_plan(
        wanted,
        found,
        look.server,
        topology=topology,
        racks=look.racks(found),
        create_keyspace=wish.create,
        allow=wish.allow,
    )


def _complete(plan: Plan, wish: Wish, look: Look, found: SchemaFacts, books: KeyspaceFacts) -> Plan:
    """The plan with what is written by hand, and, if there is anything to do, with our own tables first."""
    if wish.raw:
        versions = _history(wish, look, books)
        ran = ran_by_hand(versions, wish.repo.models)
        pending = [raw for raw in wish.raw if not _is_done(raw, look, ran)]
        texts = [cql for one in pending for cql in (one.cql, one.undo) if cql is not None]
        others = {name for cql in texts for name in keyspaces_of(cql)} - {part.name for part in found}
        every = SchemaFacts((*found, *look.found(sorted(others))))
        topology, racks = look.places(every) if any(map(changes_keyspaces, texts)) else (None, None)
        judge = StatementJudge(wish.repo.keyspace, every, look.server, topology=topology, racks=racks)
        plan = with_raw(plan, pending, {wish.repo.keyspace, books.name}, wish.allow, judge)
        refusals = (*plan.refusals, *doubts(pending, versions, wish.allow))
        plan = attrs.evolve(plan, refusals=refusals, notes=(*plan.notes, *notes_on_roles(wish.raw, ran)))
    if not wish.contracts:
        said = (*plan.lints, *plan.refusals, *plan.notes)
        plan = attrs.evolve(plan, notes=(*plan.notes, *unused(wish.allow, said, {})))
    if plan.is_empty:
        return plan
    plan = with_internal_keyspace(plan, wish.repo, look, books)
    first = (*plan.bootstrap, *missing_tables(books.name, books, look.server))
    numbered = (attrs.evolve(step, seq=seq) for seq, step in enumerate(first, 1 - len(first)))
    return attrs.evolve(plan, bootstrap=tuple(numbered))


def _with_grants(plan: Plan, wish: Wish, wanted: SchemaFacts, look: Look, books: KeyspaceFacts) -> Plan:
    """The plan with the permissions that the application's role lacks, after what makes the tables."""
    role = None if wish.contracts else application_role(wish.repo)
    if role is None:
        return plan
    found = read_permissions(look.coordinator, role)
    if not found.is_enforced:
        return plan
    remarks = list(remarks_on_role(role, found, books.name))
    refusals = tuple(one for one in remarks if one.severity == "error")
    granted = () if refusals else grant_steps(role, application_needs(wanted, books.name), found)
    steps = (*plan.steps, *(attrs.evolve(step, seq=seq) for seq, step in enumerate(granted, len(plan.steps) + 1)))
    notes = tuple(one for one in remarks if one.severity != "error")
    return attrs.evolve(plan, steps=steps, refusals=(*plan.refusals, *refusals), notes=(*plan.notes, *notes))


def _is_done(raw: RawStep, look: Look, ran: Mapping[str, LedgerStep]) -> bool:
    """Whether a hand-written step is proved done: by its own word, or else by the ledger."""
    if raw.post_condition is None:
        return raw.recorded(ran) is not None
    if callable(raw.post_condition):
        return raw.post_condition()
    try:
        return look.answers(raw.post_condition)
    except StatementFailure:  # it may speak of a table that this very plan makes
        return False


def _history(wish: Wish, look: Look, books: KeyspaceFacts) -> list[Migration]:
    """The versions with their steps, where a hand-written step is known by its row alone."""
    if all(raw.post_condition is not None for raw in wish.raw):
        return []
    ledger = open_ledger(wish.repo, look.coordinator, books, look.server)
    return ledger.with_steps(ledger.versions())
