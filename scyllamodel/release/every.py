"""Many repos, one after the other; one that fails does not stop the others.

*In*: repos, or nothing for all that are configured. *Out*: a result of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from scyllamodel.driver.configured import configured_repos
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ScyllaModelError, SeveralFailed
from scyllamodel.release.migrate import migrate
from scyllamodel.release.resources import find_resources
from scyllamodel.release.results import MigrationResult


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
