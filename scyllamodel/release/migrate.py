"""Migrates schemas to their models, under the lock and with an entry in the ledger.

*In*: one repo (`migrate`), or several (`migrate_all`): a repo that fails does not stop the others. *Out*: a
`MigrationResult` for each. When nothing is missing, it only reads; otherwise the plan is computed again under the lock,
and that plan runs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from scyllamodel.driver.configured import configured_repos
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import MultipleReposFailed, ScyllaModelError
from scyllamodel.release.engine.locked_run import Timeouts
from scyllamodel.release.engine.migration_run import MigrationRun
from scyllamodel.release.engine.models import find_resources
from scyllamodel.release.engine.planning import MigrationRequest, PlannedMigration, Resources
from scyllamodel.release.engine.raw_steps import RawStep
from scyllamodel.release.engine.results import MigrationResult
from scyllamodel.schema.apply import OnEvent
from scyllamodel.schema.plan import Plan


def migrate(
    repo: Repo,
    *,
    resources: Resources = None,
    dry_run: bool = False,
    create_keyspace: bool | None = None,
    plan: Plan | None = None,
    allow: str | Collection[str] = (),
    steps: Iterable[RawStep] = (),
    lock_timeout: float = 60.0,
    agreement_timeout: float = 120.0,
    step_timeout: float = 120.0,
    wait_built: bool = False,
    on_event: OnEvent | None = None,
) -> MigrationResult:
    """Add what the models declare and the live schema lacks; a second call does nothing.

    Any number of processes may call it at once: one changes the schema, the others wait and find it in sync.

    Parameters:
        resources: classes or names to limit the migration to, with the types, views and indexes that they need.
        dry_run: stop before the first statement; the result's plan is the one that would have run, byte for byte.
        create_keyspace: whether to create a missing keyspace; None uses the setting of the repo.
        plan: a plan that was made earlier; nothing runs if a new plan would differ.
        allow: codes, or ``code:object``, of changes that are refused by default.
        steps: raw steps, which run before and after those that the models require.
        lock_timeout: seconds for which another run that holds the lock may make no progress.
        agreement_timeout: seconds that the nodes may take to agree on the schema, before the first and after the last
            statement; with ``wait_built`` also those in which no further index or view is finished.
        step_timeout: seconds until the effect of a statement must show in the schema.
        wait_built: whether to wait until new indexes and views hold the existing rows.
        on_event: called with each `Event`.

    Raises:
        ImpossibleChange, DestructiveChangeRefused: all refusals at once; nothing ran.
        KeyspaceError: the keyspace does not exist and may not be created, or cannot be created.
        StalePlan: ``plan`` no longer matches models and schema; nothing ran.
        LockTimeout: another run holds the lock and makes no progress; nothing ran.
        LockLost: this run was paused for so long that another one took over; it sent nothing more.
        SchemaDisagreement: the nodes did not agree in time.
        StepFailed: a statement failed; ``applied`` of them succeeded, ``result`` has the details. Calling it again
            resumes from there.
        BuildTimeout: all statements are applied, and an index or view is not built yet.
        DiscoveryError, ConnectionFailed, IntrospectionError, LedgerError: models or server cannot be read.
    """
    request = MigrationRequest.from_arguments(
        repo, resources, create_keyspace=create_keyspace, allow=allow, steps=steps
    )
    run = MigrationRun(
        Timeouts(lock_timeout, agreement_timeout, step_timeout), on_event, approved_plan=plan, wait_built=wait_built
    )
    return run.perform(PlannedMigration.from_request(request), dry_run=dry_run)


def migrate_all(repos: Iterable[Repo | str] | Repo | str | None = None, **keywords: Any) -> list[MigrationResult]:
    """Migrate each repo; a repo that fails does not stop the others.

    Parameters:
        repos: as in `find_resources`; None means all that are configured.
        **keywords: those of `migrate`, for each repo.

    Raises:
        UnknownRepo: with ``repos=None``, a model is bound to a repo that is not configured; nothing ran.
        MultipleReposFailed: at least one repo failed and another did not; with one repo, its own error.
    """
    chosen_repos = configured_repos(repos)
    if repos is None:
        find_resources()
    outcomes = {repo.name: _migrate_or_error(repo, keywords) for repo in chosen_repos}
    results = [outcome for outcome in outcomes.values() if isinstance(outcome, MigrationResult)]
    failures = {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, ScyllaModelError)}
    _raise_failures(failures, results, len(chosen_repos))
    return results


def _migrate_or_error(repo: Repo, keywords: Mapping[str, Any]) -> MigrationResult | ScyllaModelError:
    try:
        return migrate(repo, **keywords)
    except ScyllaModelError as error:
        return error


def _raise_failures(failures: Mapping[str, ScyllaModelError], results: Sequence[MigrationResult], count: int) -> None:
    if not failures:
        return
    if count == 1:
        raise next(iter(failures.values()))
    messages = "\n".join(f"{name}: {error}" for name, error in failures.items())
    raise MultipleReposFailed(
        f"{len(failures)} of {count} repos failed; the others are migrated. Fix these and run it again.\n{messages}",
        failures=failures,
        results=tuple(results),
    )
