"""What a server says of itself -> its `ServerProfile`.

*In*: version texts, rows and settings, as whoever reads them passes them in. *Out*: one profile.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from typing import Final

from scyllamodel.schema.server import ServerProfile


def profile_from(
    release_version: str | None,
    schema_columns: Iterable[tuple[str, str]],
    *,
    scylla_version: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> ServerProfile:
    """The profile of the server that said all this.

    >>> str(profile_from("3.0.8", [("scylla_tables", "table_name")], scylla_version="2025.4.1-0.20251120"))
    'scylla 2025.4.1'

    Parameters:
        release_version: of ``system.local``; Scylla reports a constant there, which is not used.
        schema_columns: ``(table_name, column_name)`` of ``system_schema.columns`` for keyspace ``system_schema``,
            which every user may read; `COLUMNS_QUERY`. It tells Scylla from Cassandra, and what there is to read.
        scylla_version: ``version`` of ``system.versions``, None where the user may not read it.
        settings: ``name`` to ``value`` of Cassandra's ``system_views.settings``, None where there is none.
    """
    known = frozenset(schema_columns)
    if any(table == "scylla_tables" for table, _ in known):
        return ServerProfile("scylla", _numbers(scylla_version), schema_columns=known)
    said = settings or {}
    views, masks = _switch(said, VIEW_SETTINGS), _switch(said, MASK_SETTINGS)
    return ServerProfile("cassandra", _numbers(release_version), views, masks, known)


COLUMNS_QUERY: Final = "SELECT table_name, column_name FROM system_schema.columns WHERE keyspace_name = 'system_schema'"
VIEW_SETTINGS: Final = ("materialized_views_enabled", "enable_materialized_views")
"""What ``system_views.settings`` calls the switch: Cassandra 4.1 and later, and 4.0."""

MASK_SETTINGS: Final = ("dynamic_data_masking_enabled",)
"""What it calls the switch of column masks: Cassandra 5.0 and later."""


def _switch(settings: Mapping[str, str], names: Iterable[str]) -> bool | None:
    """The first of these settings that the server has."""
    said = next((settings[name] for name in names if name in settings), None)
    return None if said is None else said.lower() == "true"


def _numbers(version: str | None) -> tuple[int, ...]:
    """The leading numbers of a version text; ``5.0-beta1`` is ``(5, 0)``."""
    found = re.match(r"[0-9.]{0,40}", version or "")
    return tuple(map(int, itertools.takewhile(bool, found.group().split(".")))) if found else ()
