"""The configured repos: those of a call, of the environment, or of ``pyproject.toml``.

In: what the call names. Out: `Repo` objects with distinct names. `scyllamodel.config.configured_references` defines the
places and their order; this module is separate because only the driver layer knows `Repo`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import cast

from scyllamodel.config import RepoReference, configured_references, is_url, load_object
from scyllamodel.driver.repo import Repo
from scyllamodel.errors import ConfigurationError, ScyllaModelError


def configured_repos(
    named: Iterable[Repo | str] | Repo | str | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> list[Repo]:
    """Return the repos to work with, in the order in which they were named.

    The first of these places that names any: ``named``; ``SCYLLAMODEL_REPOS="shop.db:repo,shop.db:audit"``;
    ``SCYLLAMODEL_URL``, or the file that ``SCYLLAMODEL_URL_FILE`` names; ``[tool.scyllamodel]`` in the nearest
    ``pyproject.toml`` that has it.

    Parameters:
        named: repos, URLs, or ``module:attribute`` of a repo or of a function that returns one.
        environ: replaces `os.environ`.
        folder: where the search for ``pyproject.toml`` starts; the current folder by default.

    Raises:
        ConfigurationError: nothing is configured, a target is not a repo, or two repos share a name.
        DiscoveryError: a named module exists and its import fails.
    """
    sources = [named] if isinstance(named, (Repo, str)) or not hasattr(named or (), "__iter__") else list(named or ())
    if sources:
        resolved_repos = [
            source if isinstance(source, Repo) else _load_repo(RepoReference(_target_text(source), "the call"))
            for source in sources
        ]
    else:
        resolved_repos = [_load_repo(target) for target in configured_references(environ=environ, folder=folder)]
    return _unique_by_name(resolved_repos)


def _target_text(value: object) -> str:
    if isinstance(value, str):
        return value
    message = f"the call names an object of type {type(value).__name__!r}; expected a Repo or the name of one."
    raise ConfigurationError(message, setting="repos")


def _load_repo(target: RepoReference) -> Repo:
    if is_url(target.text):
        return Repo.from_url(target.text)
    value = load_object(target)
    if not isinstance(value, Repo) and callable(value):
        value = _call_factory(target, cast("Callable[[], object]", value))
    if not isinstance(value, Repo):
        raise ConfigurationError(
            f"{target.source} names {target.text!r}: expected a Repo, got {type(value).__name__!r}. Name a Repo, or a "
            "function without parameters that returns one.",
            setting="repos",
        )
    return value


def _call_factory(target: RepoReference, factory: Callable[[], object]) -> object:
    try:
        return factory()
    except ScyllaModelError:
        raise
    except Exception as error:
        raise ConfigurationError(
            f"{target.source} names {target.text!r}, and calling it failed: {type(error).__name__}: {error}.",
            setting="repos",
        ) from error


def _unique_by_name(repos: Iterable[Repo]) -> list[Repo]:
    """Return the repos without duplicates; models are bound by repo name, so names must be unique."""
    by_name: dict[str, Repo] = {}
    for repo in repos:
        if by_name.setdefault(repo.name, repo) is not repo:
            raise ConfigurationError(
                f"two repos are named {repo.name!r}: {by_name[repo.name]!r} and {repo!r}. Give one of them another "
                'name: Repo("audit", …), or ?name=audit in a URL.',
                setting="name",
            )
    return list(by_name.values())
