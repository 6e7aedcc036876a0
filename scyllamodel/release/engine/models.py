"""Models and user types of configured repos."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scyllamodel.discovery import find_models, find_user_types
from scyllamodel.driver.configured import configured_repos
from scyllamodel.driver.repo import Repo


def find_resources(
    repos: Iterable[Repo | str] | Repo | str | None = None, *, packages: Iterable[str] | str | None = None
) -> list[type[Any]]:
    """Return models and views of these repos, in a stable order; their packages are imported with all submodules.

    Parameters:
        repos: repos, URLs or ``module:attribute``; None means all configured repos, and a model of another repo is then
            an error.
        packages: packages or modules to import instead of those of the repos.

    Raises:
        DiscoveryError: a module cannot be imported; the error names it and has the cause.
        NoModelsFound: no imported model belongs to these repos.
        UnknownRepo: with ``repos=None``, a model is bound to a repo that is not configured.
        DuplicateTable: two classes describe one table of one repo.
        ConfigurationError: no repo is configured.
    """
    selected = configured_repos(repos)
    given_packages = [packages] if isinstance(packages, str) else packages
    package_names = (
        list(dict.fromkeys(package for repo in selected for package in repo.models))
        if given_packages is None
        else list(given_packages)
    )
    names = [repo.name for repo in selected]
    return find_models(names, package_names, known_repos=names if repos is None else None)


def find_types(repo: Repo) -> list[type[Any]]:
    """Return user types that a repo declares and no model uses; its packages must be imported already."""
    return find_user_types([repo.name], repo.models)
