"""Finds configured repos, and loads ``module:attribute`` references.

*In*: the environment, the current folder, the text of a target. *Out*: targets, each a URL or ``module:attribute`` with
the place where it was found, and the objects of the latter. The driver package checks the type of these objects.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

import attrs

from scyllamodel.config.pyproject import find_pyprojects, tool_table
from scyllamodel.config.settings import choices_hint
from scyllamodel.config.url import check_url, read_url_file
from scyllamodel.errors import ConfigurationError, DiscoveryError, ScyllaModelError

HELP: Final = """Configure a repo in one of these ways:
  in the call:          migrate(Repo(nodes=["10.0.0.1:9042"], keyspace="shop", models=["shop.models"]))
  on the command line:  --repo shop.db:repo, or --url scylla://host:9042/shop?models=shop.models
  in the environment:   SCYLLAMODEL_REPOS="shop.db:repo,shop.db:audit", or
                        SCYLLAMODEL_URL="scylla://host:9042/shop?models=shop.models", or
                        SCYLLAMODEL_URL_FILE=/run/secrets/scylla-url, a file with such a URL
  in pyproject.toml:    [tool.scyllamodel]
                        repos = ["shop.db:repo"]"""

_SEPARATOR: Final = re.compile(r",(?=\s*(?:[A-Za-z]+://|[^\W\d][\w.]*:[^\W\d]|$))")
"""The comma before another URL or ``module:attribute``; a URL has commas of its own, before hosts and models."""


@attrs.frozen
class RepoReference:
    """A reference to a repo: ``text`` is a URL or ``module:attribute``, ``source`` the place where it was found."""

    text: str = attrs.field(repr=False)  # a URL can hold a password
    source: str


def configured_references(
    *, environ: Mapping[str, str] | None = None, folder: Path | None = None
) -> tuple[RepoReference, ...]:
    """Return the configured repos, from the first place that has any.

    The places, in order: ``SCYLLAMODEL_REPOS``, ``SCYLLAMODEL_URL`` or ``SCYLLAMODEL_URL_FILE``, and
    ``[tool.scyllamodel]`` in the nearest ``pyproject.toml`` that has such a table, from ``folder`` upwards.

    Parameters:
        environ: environment variables; None uses `os.environ`.
        folder: folder to start from; None uses the current folder.

    Raises:
        ConfigurationError: no repo is configured, or a place cannot be read.
    """
    references = _from_environment(os.environ if environ is None else environ)
    references = references or _from_pyproject(Path.cwd() if folder is None else folder)
    if not references:
        raise ConfigurationError(f"no repo is configured. {HELP}", setting="repos")
    return references


def _from_environment(environ: Mapping[str, str]) -> tuple[RepoReference, ...]:
    names = [name.strip() for name in _SEPARATOR.split(environ.get("SCYLLAMODEL_REPOS", ""))]
    references = tuple(RepoReference(name, "SCYLLAMODEL_REPOS") for name in names if name)
    return references or _url_of_environment(environ)


def _url_of_environment(environ: Mapping[str, str]) -> tuple[RepoReference, ...]:
    url, file = (environ.get(name, "").strip() for name in ("SCYLLAMODEL_URL", "SCYLLAMODEL_URL_FILE"))
    if url and file:
        raise ConfigurationError("SCYLLAMODEL_URL and SCYLLAMODEL_URL_FILE are both set: unset one.", setting="url")
    if file:
        return (RepoReference(read_url_file(file, "SCYLLAMODEL_URL_FILE"), "SCYLLAMODEL_URL_FILE"),)
    return (RepoReference(check_url(url, "SCYLLAMODEL_URL"), "SCYLLAMODEL_URL"),) if url else ()


def _from_pyproject(folder: Path) -> tuple[RepoReference, ...]:
    for path in find_pyprojects(folder):
        table = tool_table(path)
        if table is not None:
            return _references_in(table, path)
    return ()


def _references_in(table: Any, path: Path) -> tuple[RepoReference, ...]:
    source = f"[tool.scyllamodel] in {path}"
    if not isinstance(table, dict):
        raise ConfigurationError(f'{source} is not a table. Write repos = ["shop.db:repo"] below it.', setting="repos")
    settings = cast("dict[str, Any]", table)
    for key in settings.keys() - {"repos", "url"}:
        raise ConfigurationError(
            f"{source}: unknown setting {key!r}{choices_hint(key, ('repos', 'url'))}.", setting=key
        )
    url = settings.get("url")
    repos: Any = settings.get("repos", [] if url is None else [url])
    if not isinstance(repos, list) or not all(isinstance(name, str) for name in cast("list[object]", repos)):
        raise ConfigurationError(f'{source}: repos must be a list of texts, such as ["shop.db:repo"].', setting="repos")
    return tuple(RepoReference(name, source) for name in cast("list[str]", repos))


def _quoted(reference: RepoReference) -> str:
    """Return the text, unless it may be a URL without its scheme, which could contain a password."""
    return "a text with an @ or a / in it" if set("@/") & set(reference.text) else repr(reference.text)


def load_object(reference: RepoReference) -> object:
    """Load the object of a ``module:attribute`` reference; the attribute may be dotted.

    Raises:
        ConfigurationError: the text is not such a reference, or the module or attribute does not exist.
        DiscoveryError: the module cannot be imported; ``module`` is its name, and the cause is attached.
    """
    module_name, colon, path = reference.text.partition(":")
    if not colon or not all(part.isidentifier() for part in (*module_name.split("."), *path.split("."))):
        raise ConfigurationError(
            f"{reference.source} names {_quoted(reference)}, which is neither module:attribute, such as shop.db:repo, "
            "nor a URL, such as scylla://host:9042/shop.",
            setting="repos",
        )
    value: Any = _import_module(module_name, reference)
    for name in path.split("."):
        if not hasattr(value, name):
            names = [attribute for attribute in dir(value) if not attribute.startswith("_")]
            problem = f"{module_name} has no {name!r}{choices_hint(name, names)}"
            raise ConfigurationError(f"{reference.source} names {reference.text!r}, but {problem}.", setting="repos")
        value = getattr(value, name)
    return value


def _import_module(name: str, reference: RepoReference) -> object:
    try:
        return importlib.import_module(name)
    except ScyllaModelError:
        raise
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise _import_error(name, reference, error) from error
        raise ConfigurationError(
            f"{reference.source} names {reference.text!r}, but there is no module {error.name!r}. Check the "
            "spelling, and that the package is installed or its parent is the current folder.",
            setting="repos",
        ) from error
    except Exception as error:
        raise _import_error(name, reference, error) from error


def _import_error(name: str, reference: RepoReference, error: Exception) -> DiscoveryError:
    return DiscoveryError(
        f"{reference.source} names {reference.text!r}, but importing {name} failed: {type(error).__name__}: {error}. "
        f"Try python -c 'import {name}'.",
        module=name,
    )
