"""Migrates several repos, one after the other; a repo that fails does not stop the others.

*In*: repos, or None for all configured ones. *Out*: one result per repo.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from scyllamodel.driver.configured import configured_repos
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import MultipleReposFailed, ScyllaModelError
from scyllamodel.release.engine.models import find_resources
from scyllamodel.release.engine.results import MigrationResult
from scyllamodel.release.migrate import migrate


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
