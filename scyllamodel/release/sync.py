"""Syncs the schema when an application starts, in every replica at once, in one of four modes.

*In*: a repo. *Out*: a `MigrationResult`, or an error that keeps the application from starting with a wrong schema.
Unlike `migrate`, it costs two reads when nothing changed, and it does not restore superseded models.
"""

from __future__ import annotations

import os
from typing import Any, Final, Literal, TypeAlias, TypedDict, cast, get_args
from weakref import WeakKeyDictionary

from scyllamodel._backoff import SYSTEM_CLOCK, Backoff, Clock, poll
from scyllamodel._text import printable_cql
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ConfigurationError, OutOfSync
from scyllamodel.model.registry import declared_types, registry
from scyllamodel.release.engine.cluster_view import check_is_repo
from scyllamodel.release.engine.locked_run import Timeouts
from scyllamodel.release.engine.migration_run import MigrationRun
from scyllamodel.release.engine.planning import MigrationRequest, PlannedMigration, Resources
from scyllamodel.release.engine.results import MigrationResult
from scyllamodel.release.engine.sync_marker import is_marked_in_sync
from scyllamodel.schema.apply import OnEvent
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.plan import Plan

Mode: TypeAlias = Literal["apply", "verify", "wait", "off"]


class SyncOptions(TypedDict, total=False):
    """Keyword arguments of `sync`."""

    mode: Mode | None
    resources: Resources
    create_keyspace: bool | None
    lock_timeout: float
    agreement_timeout: float
    step_timeout: float
    wait_built: bool
    on_event: OnEvent | None


MODE_VARIABLE: Final = "SCYLLAMODEL_SYNC"
"""The environment variable that selects the mode when the call does not."""

_BACKOFF: Final = Backoff(1.0, 1.0)


def sync(
    repo: Repo,
    *,
    mode: Mode | None = None,
    resources: Resources = None,
    create_keyspace: bool | None = None,
    lock_timeout: float = 60.0,
    agreement_timeout: float = 120.0,
    step_timeout: float = 120.0,
    wait_built: bool = False,
    on_event: OnEvent | None = None,
) -> MigrationResult:
    """Add what the models declare and the live schema lacks when an application starts.

    Parameters:
        mode: ``apply`` applies what is missing; ``verify`` only checks; ``wait`` waits until another process has
            applied
            it, for up to ``lock_timeout`` without a change; ``off`` does not connect. None uses the environment
            variable
            SCYLLAMODEL_SYNC, or ``apply``.

    The other parameters and errors are those of `migrate`. In addition:

    Raises:
        OutOfSync: something is missing, in the modes ``verify`` and ``wait``.
        SupersededModels: later models, or a rollback, replaced these, and something that they need is missing.
        ConfigurationError: the mode is unknown.
    """
    check_is_repo(repo)
    effective_mode = _effective_mode(mode)
    if effective_mode == "off":
        return _off_result(repo)
    selection = None if resources is None else list(resources)
    timeouts = Timeouts(lock_timeout, agreement_timeout, step_timeout)
    run = MigrationRun(timeouts, on_event, wait_built=wait_built, kind="sync")
    models_fp = _cached_models_fp(repo, selection)
    if models_fp is not None and not wait_built and is_marked_in_sync(repo, models_fp):
        return run.finish(run.result("in_sync", _in_sync_plan(repo, models_fp), repo))
    request = MigrationRequest.from_arguments(
        repo, selection, create_keyspace=create_keyspace if effective_mode == "apply" else False
    )
    current_fp = request.models_fp
    _last_syncs[repo] = (_registry_key(selection), current_fp)
    if models_fp != current_fp and not wait_built and is_marked_in_sync(repo, current_fp):
        return run.finish(run.result("in_sync", _in_sync_plan(repo, current_fp), repo))
    planned = PlannedMigration.from_request(request)
    if effective_mode == "wait":
        planned = _wait_until_in_sync(planned, lock_timeout)
    if effective_mode != "apply":
        _check_in_sync(planned.plan, repo)
    return run.perform(planned)


def _effective_mode(requested: str | None) -> Mode:
    mode, modes = requested or os.environ.get(MODE_VARIABLE) or "apply", get_args(Mode)
    if mode not in modes:
        origin = "mode=" if requested else MODE_VARIABLE
        raise ConfigurationError(
            f"{origin} is {mode!r}; known modes are {', '.join(modes)}.", setting="mode" if requested else MODE_VARIABLE
        )
    return cast("Mode", mode)


def _off_result(repo: Repo) -> MigrationResult:
    """Return the result in mode ``off``: nothing was read."""
    note = Diagnostic("SY101", "note", repo.keyspace, "sync is off: the schema was not compared with the models")
    return MigrationResult("in_sync", Plan(repo.keyspace, "", "", "", notes=(note,)), repo=repo.name)


def _in_sync_plan(repo: Repo, models_fp: str) -> Plan:
    """Return the plan of models that a sync marker proves in sync: empty, without a server profile."""
    return Plan(repo.keyspace, "", models_fp, models_fp)


_last_syncs: Final[WeakKeyDictionary[Repo, tuple[object, str]]] = WeakKeyDictionary()
"""Fingerprint of the models at the last sync of a repo, valid while no class is added or removed."""


def _registry_key(resources: list[Any] | None) -> object:
    selection = (
        None
        if resources is None
        else [resource if isinstance(resource, str) else id(resource) for resource in resources]
    )
    return registry.generation, declared_types.generation, selection


def _cached_models_fp(repo: Repo, resources: list[Any] | None) -> str | None:
    """Return the fingerprint of the models if they are those of the last sync, so that they need not be found again."""
    key, models_fp = _last_syncs.get(repo, (None, ""))
    return models_fp if key == _registry_key(resources) else None


def _check_in_sync(plan: Plan, repo: Repo) -> None:
    plan.raise_refused()
    if not plan.is_empty:
        raise OutOfSync(
            f"The schema of {repo.keyspace} lacks what the models need, and this sync may not change it. Run: "
            f"scyllamodel migrate. Missing:\n" + "\n".join(printable_cql(step.cql, "  ") for step in plan.steps),
            plan=plan,
        )


def _wait_until_in_sync(planned: PlannedMigration, timeout: float, clock: Clock = SYSTEM_CLOCK) -> PlannedMigration:
    """Wait until nothing is missing, or until what is missing has not changed for ``timeout`` seconds.

    The schema version alone proves nothing: on ScyllaDB the first lightweight transaction of a table changes it.
    """

    def replan() -> PlannedMigration:
        nonlocal planned
        if planned.cluster.schema_version() != planned.schema_version:
            planned = planned.replan(planned.cluster)
        return planned

    if planned.plan.is_empty:
        return planned
    return poll(
        replan,
        until=lambda current: current.plan.is_empty,
        timeout=timeout,
        backoff=_BACKOFF,
        clock=clock,
        progress=lambda current: current.plan.cql,
    )
