"""The models and user types of configured repos."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from scyllamodel.discovery import find_models, find_user_types
from scyllamodel.driver.configured import configured_repos
from scyllamodel.driver.repo import Repo


def find_resources(
    repos: Iterable[Repo | str] | Repo | str | None = None, *, packages: Iterable[str] | str | None = None
) -> list[type[Any]]:
    """The models and views bound to these repos, in a stable order, after importing their packages whole.

    Parameters:
        repos: repos, URLs or ``module:attribute``; None means all that are configured, and then a model bound to none
            of them is an error.
        packages: packages or modules to import instead of those the repos name.

    Raises:
        DiscoveryError: a module does not import; the error names it and holds the cause.
        NoModelsFound: everything imports, and no model is bound to these repos.
        UnknownRepo: with ``repos=None``, a model is bound to a repo that is not configured.
        DuplicateTable: two live classes describe one table of one repo.
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
    """The user types that a repo declares and no column of a model holds; its packages have been imported."""
    return find_user_types([repo.name], repo.models)
