"""The secrets that sign page tokens: configured ones, or the one in the internal tables.

In: settings. Out: `PageKey` values, the signing one first. Without a setting the secret is read once per keyspace of
internal tables, where the first migration stores it; every replica reads the same one.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import Any, Final

from scyllamodel._identifiers import qualified
from scyllamodel.config import Secret
from scyllamodel.config.settings import page_secrets
from scyllamodel.driver.data.messages import Operation
from scyllamodel.driver.data.operations import fetch_rows
from scyllamodel.driver.data.page_tokens import PageKey
from scyllamodel.errors import ConfigurationError, PermissionDenied, RequestRefused
from scyllamodel.query.statement import NO_EXECUTION_OPTIONS, CompiledStatement, ExecutionOptions, StatementTemplate

ENVIRONMENT_VARIABLE: Final = "SCYLLAMODEL_PAGE_SECRET"
"""The environment variable, for repos whose settings have no secret."""

TABLE: Final = "scyllamodel_page_secrets"
"""The internal table that stores the secret, in the row `ROW_NAME`."""

ROW_NAME: Final = "pages"


class PageSecrets:
    """The page keys of a repo, shared by its copies on other keyspaces.

    Parameters:
        configured: the secrets of the settings; empty means those of the environment variable.

    Raises:
        ConfigurationError: a secret of the environment is empty or too short.
    """

    def __init__(self, configured: Sequence[Secret]) -> None:
        configured = configured or page_secrets(os.environ.get(ENVIRONMENT_VARIABLE), ENVIRONMENT_VARIABLE)
        self._configured_keys = tuple(PageKey.from_secret(secret.reveal().encode()) for secret in configured)
        self._stored_keys: dict[tuple[str, ...], tuple[PageKey, ...]] = {}

    def cached_keys(self, keyspaces: tuple[str, ...]) -> tuple[PageKey, ...]:
        """Return the keys known without a request; empty where they must be read first.

        Parameters:
            keyspaces: those that may hold the internal tables, most likely first.
        """
        return self._configured_keys or self._stored_keys.get(keyspaces, ())

    def keys(self, keyspaces: tuple[str, ...]) -> Operation[tuple[PageKey, ...]]:
        """Return the keys, read if necessary.

        Raises:
            ConfigurationError: there is no secret, or the role may not read it.
        """
        page_keys = self.cached_keys(keyspaces)
        if not page_keys:
            secret = yield from _read_first_secret(keyspaces)
            page_keys = self._stored_keys[keyspaces] = (PageKey.from_secret(secret.encode()),)
        return page_keys


def _read_first_secret(keyspaces: tuple[str, ...]) -> Operation[str]:
    """Read the secret of the first keyspace that has one; the error is the first keyspace's."""
    first, *others = keyspaces
    try:
        return (yield from _read_secret(first))
    except ConfigurationError:
        for keyspace in others:
            with contextlib.suppress(ConfigurationError):
                return (yield from _read_secret(keyspace))
        raise


def _read_secret(keyspace: str) -> Operation[str]:
    cql = f"SELECT secret FROM {qualified(keyspace, TABLE)} WHERE name = '{ROW_NAME}'"  # noqa: S608 - an internal name
    template: StatementTemplate[Any] = StatementTemplate(cql, (), "select", None, keyspace)
    try:
        rows: list[Any] = yield from fetch_rows(CompiledStatement(template, (), NO_EXECUTION_OPTIONS))
        if not rows:  # a replica that lags; the row is written once and never changes
            rows = yield from fetch_rows(CompiledStatement(template, (), ExecutionOptions(consistency="QUORUM")))
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
        f"Page tokens are signed with the secret that a migration stores in {qualified(keyspace, TABLE)}, and "
        f"{reason}. Or give all replicas a secret, by page_secret= or {ENVIRONMENT_VARIABLE}; the guide page security "
        "compares the two.",
        setting="page_secret",
    )
