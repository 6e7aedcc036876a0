"""Which repos the words of a command line mean.

*In*: settings from the parser. *Out*: `Repo` objects, with the command line's keyspaces and packages in place of their
own.
"""

from __future__ import annotations

import argparse
from typing import Any

import attrs

from scyllamodel.config import url_of_file, url_text
from scyllamodel.driver.configured import configured_repos
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ConfigurationError


def chosen_repos(settings: argparse.Namespace) -> list[Repo]:
    """The repos that a command is about: of ``--repo``, ``--url`` and ``--url-file``, else whatever is configured.

    With ``--keyspace a,b`` each of them stands here once for each keyspace.

    Raises:
        ConfigurationError: nothing is configured, or it cannot be used.
    """
    found = configured_repos([*settings.repo, *_urls(settings)])
    models = {"models": settings.models} if settings.models else {}
    keyspaces: list[dict[str, Any]] = [{"keyspace": name} for name in settings.keyspace] or [{}]
    return [_with(repo, **models, **keyspace) for repo in found for keyspace in keyspaces]


def _urls(settings: argparse.Namespace) -> list[str]:
    given = [url_text(settings.url, "--url")] if settings.url else []
    return given + ([url_of_file(settings.url_file, "--url-file")] if settings.url_file else [])


def _with(repo: Repo, **changes: Any) -> Repo:
    if not changes:
        return repo
    if repo.settings.borrowed:
        raise ConfigurationError(
            f"repo {repo.name!r} uses a session that the application lends it, so --{next(iter(changes))} cannot be "
            "given with it. Name a repo of your own, or use --url.",
            setting=next(iter(changes)),
        )
    return Repo.from_settings(attrs.evolve(repo.settings, **changes))
