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
from scyllamodel.driver.flows import Flow, rows_of
from scyllamodel.driver.pages import PageKey
from scyllamodel.errors import ConfigurationError, PermissionDenied, RequestRefused
from scyllamodel.query.statement import NO_OPTIONS, Compiled, Options, Shape

VARIABLE: Final = "SCYLLAMODEL_PAGE_SECRET"
"""The environment variable for a repo whose settings name no secret."""

TABLE: Final = "scyllamodel_page_secrets"
"""The internal table that keeps the secret, in the row called `NAME`."""

NAME: Final = "pages"


class PageSecrets:
    """Those of one repo, shared with the same repo on other keyspaces.

    Parameters:
        given: those of the settings; without any, those of the environment variable.

    Raises:
        ConfigurationError: a secret of the environment is empty or short.
    """

    def __init__(self, given: Sequence[Secret]) -> None:
        given = given or page_secrets(os.environ.get(VARIABLE), VARIABLE)
        self._given = tuple(PageKey.of(secret.reveal().encode()) for secret in given)
        self._stored: dict[tuple[str, ...], tuple[PageKey, ...]] = {}

    def known(self, keyspaces: tuple[str, ...]) -> tuple[PageKey, ...]:
        """The keys as far as they are known without a request; empty where they have to be read.

        Parameters:
            keyspaces: those that may hold the internal tables, the likeliest first.
        """
        return self._given or self._stored.get(keyspaces, ())

    def keys(self, keyspaces: tuple[str, ...]) -> Flow[tuple[PageKey, ...]]:
        """The keys, read if they are not known.

        Raises:
            ConfigurationError: there is none, or the role may not read it.
        """
        found = self.known(keyspaces)
        if not found:
            stored = yield from _first_stored(keyspaces)
            found = self._stored[keyspaces] = (PageKey.of(stored.encode()),)
        return found


def _first_stored(keyspaces: tuple[str, ...]) -> Flow[str]:
    """The secret of the first keyspace that has one; the error is that of the first."""
    first, *others = keyspaces
    try:
        return (yield from _stored(first))
    except ConfigurationError:
        for keyspace in others:
            with contextlib.suppress(ConfigurationError):
                return (yield from _stored(keyspace))
        raise


def _stored(keyspace: str) -> Flow[str]:
    cql = f"SELECT secret FROM {qualified(keyspace, TABLE)} WHERE name = '{NAME}'"  # noqa: S608 - a name of ours
    shape: Shape[Any] = Shape(cql, (), "select", None, keyspace)
    try:
        rows: list[Any] = yield from rows_of(Compiled(shape, (), NO_OPTIONS))
        if not rows:  # a replica that is behind; the row is written once and never changes
            rows = yield from rows_of(Compiled(shape, (), Options(consistency="QUORUM")))
    except PermissionDenied as error:
        why = f"this role may not read it: GRANT SELECT ON {qualified(keyspace, TABLE)} to it"
        raise _no_secret(keyspace, why) from error
    except RequestRefused as error:
        raise _no_secret(keyspace, "that table is missing: run scyllamodel migrate, or baseline") from error
    if not rows or not rows[0][0]:
        raise _no_secret(keyspace, "that table is empty: run scyllamodel migrate")
    return str(rows[0][0])


def _no_secret(keyspace: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"Page tokens are signed with the secret that a migration keeps in {qualified(keyspace, TABLE)}, and {why}. Or "
        f"give all replicas a secret, by page_secret= or {VARIABLE}; the guide page security compares the two.",
        setting="page_secret",
    )
