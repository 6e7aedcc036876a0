"""The sync at the start of an application: in every replica, at the same moment, in one of four modes.

*In*: a repo. *Out*: a `MigrationResult`, or an error that keeps the application from starting on a wrong schema. It
differs from `migrate` in two ways: nothing to do costs two reads, and superseded models are not brought back.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, Final, Literal, TypeAlias, TypedDict, cast, get_args
from weakref import WeakKeyDictionary

from scyllamodel._text import printable_cql
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ConfigurationError, OutOfSync
from scyllamodel.model.registry import declared_types, registry
from scyllamodel.release.draft import MigrationRequest, PlannedMigration, Resources
from scyllamodel.release.guard import Timeouts
from scyllamodel.release.look import check_is_repo
from scyllamodel.release.migrate import MigrationRun
from scyllamodel.release.results import MigrationResult
from scyllamodel.release.stamps import is_marked_in_sync
from scyllamodel.schema.apply import OnEvent
from scyllamodel.schema.diagnostics import Diagnostic
from scyllamodel.schema.plan import Plan

Mode: TypeAlias = Literal["apply", "verify", "wait", "off"]


class SyncOptions(TypedDict, total=False):
    """The keywords of `sync`."""

    mode: Mode | None
    resources: Resources
    create_keyspace: bool | None
    lock_timeout: float
    agreement_timeout: float
    step_timeout: float
    wait_built: bool
    on_event: OnEvent | None


MODE_VARIABLE: Final = "SCYLLAMODEL_SYNC"
"""The environment variable that names the mode where the call does not."""

_POLL_INTERVAL: Final = 1.0


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
    """Bring the schema up to the models at the start of an application.

    Parameters:
        mode: ``apply`` does what is missing; ``verify`` looks and changes nothing; ``wait`` looks until another process
            has done it, for as long as ``lock_timeout`` without any change; ``off`` does not even connect. None means
            the environment variable SCYLLAMODEL_SYNC, else ``apply``.

    The other parameters and errors are those of `migrate`. Also

    Raises:
        OutOfSync: something is missing, in the modes ``verify`` and ``wait``.
        SupersededModels: later models, or a rollback, replaced these, and something that they need is missing.
        ConfigurationError: there is no such mode.
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
            f"{origin} is {mode!r}, and there are: {', '.join(modes)}.", setting="mode" if requested else MODE_VARIABLE
        )
    return cast("Mode", mode)


def _off_result(repo: Repo) -> MigrationResult:
    """Nothing was looked at."""
    note = Diagnostic("SY101", "note", repo.keyspace, "sync is off: nobody looked whether the schema fits the models")
    return MigrationResult("in_sync", Plan(repo.keyspace, "", "", "", notes=(note,)), repo=repo.name)


def _in_sync_plan(repo: Repo, models_fp: str) -> Plan:
    """The plan of models that a stamp proves in sync: nothing to do, and the server was not asked what it is."""
    return Plan(repo.keyspace, "", models_fp, models_fp)


_last_syncs: Final[WeakKeyDictionary[Repo, tuple[object, str]]] = WeakKeyDictionary()
"""The fingerprint of the models of a repo's last sync, good for as long as no class comes or goes."""


def _registry_key(resources: list[Any] | None) -> object:
    selection = (
        None
        if resources is None
        else [resource if isinstance(resource, str) else id(resource) for resource in resources]
    )
    return registry.generation, declared_types.generation, selection


def _cached_models_fp(repo: Repo, resources: list[Any] | None) -> str | None:
    """The fingerprint of the models, if they are those of the last sync: then nobody has to look for them again."""
    key, models_fp = _last_syncs.get(repo, (None, ""))
    return models_fp if key == _registry_key(resources) else None


def _check_in_sync(plan: Plan, repo: Repo) -> None:
    plan.raise_refused()
    if not plan.is_empty:
        raise OutOfSync(
            f"The schema of {repo.keyspace} lacks what the models need, and this start may not change it. Run: "
            f"scyllamodel migrate. What is missing:\n"
            + "\n".join(printable_cql(step.cql, "  ") for step in plan.steps),
            plan=plan,
        )


def _wait_until_in_sync(
    planned: PlannedMigration,
    timeout: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> PlannedMigration:
    """The draft once nothing is missing, or once what is missing has not changed for so many seconds.

    The version of the schema alone says nothing: on ScyllaDB the first lightweight transaction of a table moves it.
    """
    last_change = clock()
    while not planned.plan.is_empty and clock() - last_change < timeout:
        sleep(min(_POLL_INTERVAL, timeout))
        if planned.cluster.schema_version() != planned.schema_version:
            replanned = planned.replan(planned.cluster)
            planned, last_change = replanned, last_change if replanned.plan.cql == planned.plan.cql else clock()
    return planned
