"""Selects the repos of a command line.

*In*: settings from the parser. *Out*: `Repo` objects, whose keyspaces and packages are replaced by those of the
command line.
"""

from __future__ import annotations

import argparse
from typing import Any

import attrs

from scyllamodel.config import check_url, read_url_file
from scyllamodel.driver.configured import configured_repos
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ConfigurationError


def select_repos(settings: argparse.Namespace) -> list[Repo]:
    """Return the repos of ``--repo``, ``--url`` and ``--url-file``, else the configured ones.

    With ``--keyspace a,b`` each repo is returned once for each keyspace.

    Raises:
        ConfigurationError: no repo is configured, or a setting is not valid.
    """
    repos = configured_repos([*settings.repo, *_urls(settings)])
    models = {"models": settings.models} if settings.models else {}
    keyspaces: list[dict[str, Any]] = [{"keyspace": name} for name in settings.keyspace] or [{}]
    return [_with_overrides(repo, **models, **keyspace) for repo in repos for keyspace in keyspaces]


def _urls(settings: argparse.Namespace) -> list[str]:
    urls = [check_url(settings.url, "--url")] if settings.url else []
    return urls + ([read_url_file(settings.url_file, "--url-file")] if settings.url_file else [])


def _with_overrides(repo: Repo, **changes: Any) -> Repo:
    if not changes:
        return repo
    if repo.settings.borrowed:
        raise ConfigurationError(
            f"repo {repo.name!r} uses a session of the application, so --{next(iter(changes))} cannot be used with "
            "it. Select another repo, or use --url.",
            setting=next(iter(changes)),
        )
    return Repo.from_settings(attrs.evolve(repo.settings, **changes))
