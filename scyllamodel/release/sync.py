"""Plan, migrate, check: the road from the models of a repo to its tables.

*In*: a repo. *Out*: results. Every function here goes the same way: find the models, look at the server through the one
node that all runs choose, plan, and then stop or go on.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import attrs

from scyllamodel.driver.configured import configured_repos
from scyllamodel.driver.executor import DdlExecutor
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import SchemaDisagreement, ScyllaModelError, SeveralFailed, StalePlan, StepFailed
from scyllamodel.release.look import Look, check_is_repo, described
from scyllamodel.release.resources import find_resources
from scyllamodel.release.results import CheckResult, MigrationResult
from scyllamodel.release.wanted import chosen, wanted_facts
from scyllamodel.schema.apply import Event, OnEvent, Outcome, apply, tell
from scyllamodel.schema.facts import SchemaFacts
from scyllamodel.schema.plan import Plan, make_plan

Resources: TypeAlias = Iterable[type[Any] | str] | None


@attrs.frozen
class _Draft:
    """A plan, and what it was made from, so that it can be made again."""

    repo: Repo
    look: Look
    wanted: SchemaFacts
    create: bool
    allow: Collection[str]
    plan: Plan

    @classmethod
    def of(
        cls, repo: Repo, resources: Resources, *, create_keyspace: bool | None, allow: Collection[str] = ()
    ) -> _Draft:
        """Find the models, look at the server, and plan."""
        check_is_repo(repo)
        wanted = wanted_facts(chosen(find_resources(repo), resources), repo.keyspace, described(repo))
        create = repo.settings.create_keyspace if create_keyspace is None else create_keyspace
        look = Look.at(repo)
        return cls(repo, look, wanted, create, allow, _plan(look, wanted, create=create, allow=allow))

    def again(self, look: Look) -> Plan:
        """The plan as it would be made now, by what another node holds if the first one is gone."""
        return _plan(look, self.wanted, create=self.create, allow=self.allow)


def _plan(look: Look, wanted: SchemaFacts, *, create: bool, allow: Collection[str]) -> Plan:
    found = look.found(part.name for part in wanted)
    missing = any(part.keyspace is None for part in found)
    topology = look.topology() if create and missing else None
    return make_plan(wanted, found, look.server, topology=topology, create_keyspace=create, allow=allow)


def plan(repo: Repo, *, resources: Resources = None, create_keyspace: bool | None = None) -> Plan:
    """What `migrate` would do now; nothing is written.

    Parameters:
        resources: classes or names to limit the plan to, with the types, views and indexes that they need.
        create_keyspace: whether a missing keyspace is part of it; None means what the repo says.

    Raises:
        DiscoveryError, ConnectionFailed, IntrospectionError: models or server cannot be read.
    """
    return _Draft.of(repo, resources, create_keyspace=create_keyspace).plan


def check(repo: Repo, *, resources: Resources = None, strict: bool = False) -> CheckResult:
    """Whether models and server agree; nothing is written.

    Parameters:
        resources: as of `plan`.
        strict: whether what is live and declared by no model counts as disagreement.

    Raises:
        DiscoveryError, ConnectionFailed, IntrospectionError: models or server cannot be read.
    """
    found = plan(repo, resources=resources, create_keyspace=False)
    extra = strict and any(note.code == "BC103" for note in found.notes)
    return CheckResult(found.is_empty and not extra, found)


def inspect(repo: Repo) -> SchemaFacts:
    """What the repo's keyspace holds, as facts.

    Raises:
        ConnectionFailed, IntrospectionError: the server cannot be read.
        KeyspaceError: the keyspace does not exist.
    """
    return Look.at(repo).existing(repo.keyspace)


def migrate(
    repo: Repo,
    *,
    resources: Resources = None,
    dry_run: bool = False,
    create_keyspace: bool | None = None,
    plan: Plan | None = None,
    allow: Collection[str] = (),
    agreement_timeout: float = 120.0,
    step_timeout: float = 120.0,
    on_event: OnEvent | None = None,
) -> MigrationResult:
    """Bring the live schema up to the models, by adding; a second call does nothing.

    Parameters:
        resources: classes or names to limit it to, with the types, views and indexes that they need.
        dry_run: stop before the first statement; the result's plan is the one that would have run, byte for byte.
        create_keyspace: whether to make a missing keyspace; None means what the repo says.
        plan: a plan that was made before; if it is no longer what would be planned, nothing runs.
        allow: codes, or ``code:object``, of what is refused by default and may be done.
        agreement_timeout: seconds that the nodes may take to agree on the schema, before the first and after the last
            statement.
        step_timeout: seconds that one statement may take to be seen applied.
        on_event: called with each `Event`.

    Raises:
        ImpossibleChange, DestructiveChangeRefused: all refusals at once; nothing ran.
        KeyspaceError: the keyspace does not exist and was not asked for, or cannot be made.
        StalePlan: ``plan`` does not fit any more; nothing ran.
        SchemaDisagreement: the nodes did not agree in time.
        StepFailed: a statement failed; ``applied`` of them went through, ``result`` tells all. Running it again goes
            on from there.
        DiscoveryError, ConnectionFailed, IntrospectionError: models or server cannot be read.
    """
    begun = time.monotonic()
    draft = _Draft.of(repo, resources, create_keyspace=create_keyspace, allow=allow)
    if plan is not None:
        _still_fits(plan, draft.plan)
    tell(on_event, Event("plan_ready", draft.plan))
    draft.plan.raise_refused()
    if draft.plan.is_empty or dry_run:
        result = _result("in_sync" if draft.plan.is_empty else "planned", draft, begun)
    else:
        how = {"step_timeout": step_timeout, "agreement_timeout": agreement_timeout, "on_event": on_event}
        result = _run(draft, how, begun)
    tell(on_event, Event("finished", draft.plan, result=result))
    return result


def _run(draft: _Draft, how: Mapping[str, Any], begun: float) -> MigrationResult:
    """Apply the plan, then look once more; an error tells what went through."""
    patience = how["agreement_timeout"]
    with DdlExecutor(draft.look.coordinator, draft.look.server, agreement_timeout=patience) as executor:
        try:
            done = apply(draft.plan, executor, **how)
        except (StepFailed, SchemaDisagreement) as error:
            error.result = _result("partial", draft, begun, error.result)
            raise
        left = draft.again(Look(executor.coordinator, executor.server))
    result = _result("applied", draft, begun, done)
    _reached(left, result)
    return result


def _result(status: Any, draft: _Draft, begun: float, outcome: Outcome | None = None) -> MigrationResult:
    return MigrationResult(
        status=status,
        plan=draft.plan,
        steps=() if outcome is None else outcome.steps,
        duration_ms=round((time.monotonic() - begun) * 1000),
        repo=draft.repo.name,
    )


def _still_fits(given: Plan, now: Plan) -> None:
    if given.fingerprint == now.fingerprint:
        return
    before, after = [*given.cql], [*now.cql]
    gone = [f"- {cql}" for cql in before if cql not in after]
    new = [f"+ {cql}" for cql in after if cql not in before]
    moved = "\n".join([*gone, *new]) or "the live schema or the models changed otherwise"
    raise StalePlan(
        f"The plan for {given.keyspace} was made for another state of schema and models. Nothing ran. "
        f"What moved:\n{moved}\nMake the plan again and look at it.",
        moved=(*gone, *new),
    )


def _reached(left: Plan, result: MigrationResult) -> None:
    """The last look: after all statements the live schema has what the models want."""
    if not left.is_empty:
        raise StepFailed(
            f"All {len(result.steps)} statements went through, and still the schema of {left.keyspace} is not what the "
            f"models want. Something else changed it meanwhile. What is left:\n{left.render()}",
            step=None,
            applied=len(result.steps),
            result=attrs.evolve(result, status="partial"),
        )


def migrate_all(repos: Iterable[Repo | str] | Repo | str | None = None, **keywords: Any) -> list[MigrationResult]:
    """Migrate repo by repo; one that fails does not stop the others.

    Parameters:
        repos: as of `find_resources`; None means all that are configured.
        **keywords: those of `migrate`, for every repo.

    Raises:
        UnknownRepo: with ``repos=None``, a model is bound to a repo that is not configured; nothing ran.
        SeveralFailed: at least one repo failed and another did not; with one repo, its own error.
    """
    chosen_repos = configured_repos(repos)
    if repos is None:
        find_resources()
    answers = {repo.name: _migrated(repo, keywords) for repo in chosen_repos}
    results = [answer for answer in answers.values() if isinstance(answer, MigrationResult)]
    failures = {name: answer for name, answer in answers.items() if isinstance(answer, ScyllaModelError)}
    _raise_failures(failures, results, len(chosen_repos))
    return results


def _migrated(repo: Repo, keywords: Mapping[str, Any]) -> MigrationResult | ScyllaModelError:
    try:
        return migrate(repo, **keywords)
    except ScyllaModelError as error:
        return error


def _raise_failures(failures: Mapping[str, ScyllaModelError], results: Sequence[MigrationResult], repos: int) -> None:
    if not failures:
        return
    if repos == 1:
        raise next(iter(failures.values()))
    listed = "\n".join(f"{name}: {error}" for name, error in failures.items())
    raise SeveralFailed(
        f"{len(failures)} of {repos} repos failed, the others are done; run it again when these are mended.\n{listed}",
        failures=failures,
        results=tuple(results),
    )
