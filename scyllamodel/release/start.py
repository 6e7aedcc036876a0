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
from scyllamodel.release.draft import Draft, Resources, Wish
from scyllamodel.release.guard import Patience
from scyllamodel.release.look import check_is_repo
from scyllamodel.release.migrate import Run
from scyllamodel.release.results import MigrationResult
from scyllamodel.release.stamps import is_stamped
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


VARIABLE: Final = "SCYLLAMODEL_SYNC"
"""The environment variable that names the mode where the call does not."""

_PAUSE: Final = 1.0


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
    chosen = _mode(mode)
    if chosen == "off":
        return _off(repo)
    named = None if resources is None else list(resources)
    patience = Patience(lock_timeout, agreement_timeout, step_timeout)
    run = Run(patience, on_event, wait_built=wait_built, kind="sync")
    models_fp = _known(repo, named)
    if models_fp is not None and not wait_built and is_stamped(repo, models_fp):
        return run.answer(run.result("in_sync", _unread(repo, models_fp), repo))
    wish = Wish.of(repo, named, create_keyspace=create_keyspace if chosen == "apply" else False)
    found_fp = wish.models_fp
    _seen[repo] = (_key(named), found_fp)
    if models_fp != found_fp and not wait_built and is_stamped(repo, found_fp):
        return run.answer(run.result("in_sync", _unread(repo, found_fp), repo))
    draft = Draft.of(wish)
    if chosen == "wait":
        draft = _awaited(draft, lock_timeout)
    if chosen != "apply":
        _check(draft.plan, repo)
    return run.go(draft)


def _mode(given: str | None) -> Mode:
    found, known = given or os.environ.get(VARIABLE) or "apply", get_args(Mode)
    if found not in known:
        where = "mode=" if given else VARIABLE
        raise ConfigurationError(
            f"{where} is {found!r}, and there are: {', '.join(known)}.", setting="mode" if given else VARIABLE
        )
    return cast("Mode", found)


def _off(repo: Repo) -> MigrationResult:
    """Nothing was looked at."""
    note = Diagnostic("SY101", "note", repo.keyspace, "sync is off: nobody looked whether the schema fits the models")
    return MigrationResult("in_sync", Plan(repo.keyspace, "", "", "", notes=(note,)), repo=repo.name)


def _unread(repo: Repo, models_fp: str) -> Plan:
    """The plan of models that a stamp proves in sync: nothing to do, and the server was not asked what it is."""
    return Plan(repo.keyspace, "", models_fp, models_fp)


_seen: Final[WeakKeyDictionary[Repo, tuple[object, str]]] = WeakKeyDictionary()
"""The fingerprint of the models of a repo's last sync, good for as long as no class comes or goes."""


def _key(resources: list[Any] | None) -> object:
    names = None if resources is None else [one if isinstance(one, str) else id(one) for one in resources]
    return registry.generation, declared_types.generation, names


def _known(repo: Repo, resources: list[Any] | None) -> str | None:
    """The fingerprint of the models, if they are those of the last sync: then nobody has to look for them again."""
    key, models_fp = _seen.get(repo, (None, ""))
    return models_fp if key == _key(resources) else None


def _check(plan: Plan, repo: Repo) -> None:
    plan.raise_refused()
    if not plan.is_empty:
        raise OutOfSync(
            f"The schema of {repo.keyspace} lacks what the models need, and this start may not change it. Run: "
            f"scyllamodel migrate. What is missing:\n"
            + "\n".join(printable_cql(step.cql, "  ") for step in plan.steps),
            plan=plan,
        )


def _awaited(
    draft: Draft,
    timeout: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Draft:
    """The draft once nothing is missing, or once what is missing has not changed for so many seconds.

    The version of the schema alone says nothing: on ScyllaDB the first lightweight transaction of a table moves it.
    """
    moved = clock()
    while not draft.plan.is_empty and clock() - moved < timeout:
        sleep(min(_PAUSE, timeout))
        if draft.look.schema_version() != draft.version:
            found = draft.again(draft.look)
            draft, moved = found, moved if found.plan.cql == draft.plan.cql else clock()
    return draft
