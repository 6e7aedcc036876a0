"""The secrets that page tokens are signed with: those of the settings, or the one that the internal tables keep.

*In*: settings. *Out*: `PageKey` values, the one that signs first. Without a setting the secret is read once for each
keyspace of internal tables, where the first migration put it; every replica reads the same one.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import Any, Final

from scyllamodel._identifiers import qualified
from scyllamodel.config import Secret
from scyllamodel.config.settings import page_secrets
from scyllamodel.driver.flows import Operation, fetch_rows
from scyllamodel.driver.pages import PageKey
from scyllamodel.errors import ConfigurationError, PermissionDenied, RequestRefused
from scyllamodel.query.statement import NO_OPTIONS, Compiled, Options, Shape

ENVIRONMENT_VARIABLE: Final = "SCYLLAMODEL_PAGE_SECRET"
"""The environment variable for a repo whose settings name no secret."""

TABLE: Final = "scyllamodel_page_secrets"
"""The internal table that keeps the secret, in the row called `ROW_NAME`."""

ROW_NAME: Final = "pages"


class PageSecrets:
    """Those of one repo, shared with the same repo on other keyspaces.

    Parameters:
        configured: those of the settings; without any, those of the environment variable.

    Raises:
        ConfigurationError: a secret of the environment is empty or short.
    """

    def __init__(self, configured: Sequence[Secret]) -> None:
        configured = configured or page_secrets(os.environ.get(ENVIRONMENT_VARIABLE), ENVIRONMENT_VARIABLE)
        self._configured_keys = tuple(PageKey.from_secret(secret.reveal().encode()) for secret in configured)
        self._stored_keys: dict[tuple[str, ...], tuple[PageKey, ...]] = {}

    def cached_keys(self, keyspaces: tuple[str, ...]) -> tuple[PageKey, ...]:
        """The keys as far as they are known without a request; empty where they have to be read.

        Parameters:
            keyspaces: those that may hold the internal tables, the likeliest first.
        """
        return self._configured_keys or self._stored_keys.get(keyspaces, ())

    def keys(self, keyspaces: tuple[str, ...]) -> Operation[tuple[PageKey, ...]]:
        """The keys, read if they are not known.

        Raises:
            ConfigurationError: there is none, or the role may not read it.
        """
        page_keys = self.cached_keys(keyspaces)
        if not page_keys:
            secret = yield from _read_first_secret(keyspaces)
            page_keys = self._stored_keys[keyspaces] = (PageKey.from_secret(secret.encode()),)
        return page_keys


def _read_first_secret(keyspaces: tuple[str, ...]) -> Operation[str]:
    """The secret of the first keyspace that has one; the error is that of the first."""
    first, *others = keyspaces
    try:
        return (yield from _read_secret(first))
    except ConfigurationError:
        for keyspace in others:
            with contextlib.suppress(ConfigurationError):
                return (yield from _read_secret(keyspace))
        raise


def _read_secret(keyspace: str) -> Operation[str]:
    cql = f"SELECT secret FROM {qualified(keyspace, TABLE)} WHERE name = '{ROW_NAME}'"  # noqa: S608 - a name of ours
    template: Shape[Any] = Shape(cql, (), "select", None, keyspace)
    try:
        rows: list[Any] = yield from fetch_rows(Compiled(template, (), NO_OPTIONS))
        if not rows:  # a replica that is behind; the row is written once and never changes
            rows = yield from fetch_rows(Compiled(template, (), Options(consistency="QUORUM")))
    except PermissionDenied as error:
        reason = f"this role may not read it: GRANT SELECT ON {qualified(keyspace, TABLE)} to it"
        raise _missing_secret(keyspace, reason) from error
    except RequestRefused as error:
        raise _missing_secret(keyspace, "that table is missing: run scyllamodel migrate, or baseline") from error
    if not rows or not rows[0][0]:
        raise _missing_secret(keyspace, "that table is empty: run scyllamodel migrate")
    return str(rows[0][0])


def _missing_secret(keyspace: str, reason: str) -> ConfigurationError:
    return ConfigurationError(
        f"Page tokens are signed with the secret that a migration keeps in {qualified(keyspace, TABLE)}, and {reason}. "
        "Or "
        f"give all replicas a secret, by page_secret= or {ENVIRONMENT_VARIABLE}; the guide page security compares the "
        "two.",
        setting="page_secret",
    )
