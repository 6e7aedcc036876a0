"""Detection of the server's profile.

*In*: version texts, rows and settings, passed in by the code that reads them. *Out*: one `ServerProfile`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from typing import Final, cast

from scyllamodel._json import read_json
from scyllamodel.schema.server.profile import NodeSettings, ServerProfile


def profile_from(
    release_version: str | None,
    schema_columns: Iterable[tuple[str, str]],
    *,
    scylla_version: str | None = None,
    settings: Mapping[str, str] | None = None,
    features: Iterable[str] | None = None,
) -> ServerProfile:
    """The profile of the server with these versions, settings and features.

    >>> str(profile_from("3.0.8", [("scylla_tables", "table_name")], scylla_version="2025.4.1-0.20251120"))
    'scylla 2025.4.1'

    Parameters:
        release_version: ``release_version`` of ``system.local``; not used for Scylla, which reports a constant.
        schema_columns: ``(table_name, column_name)`` of ``system_schema.columns`` for keyspace ``system_schema``,
            which every user may read; see `COLUMNS_QUERY`. It distinguishes Scylla from Cassandra, and lists the
            columns that can be read.
        scylla_version: ``version`` of ``system.versions``; None if the role may not read it.
        settings: ``name`` to ``value`` of Cassandra's ``system_views.settings`` or ScyllaDB's ``system.config``; None
            if they cannot be read.
        features: the features of the cluster; None if they cannot be read.
    """
    known = frozenset(schema_columns)
    if any(table == "scylla_tables" for table, _ in known):
        node = _node_settings(settings or {}, features)
        return ServerProfile("scylla", _version_numbers(scylla_version), node=node, schema_columns=known)
    known_settings = settings or {}
    views_enabled, masks_enabled = (
        _boolean_setting(known_settings, VIEW_SETTINGS),
        _boolean_setting(known_settings, MASK_SETTINGS),
    )
    return ServerProfile(
        "cassandra", _version_numbers(release_version), views_enabled, masks_enabled, schema_columns=known
    )


COLUMNS_QUERY: Final = "SELECT table_name, column_name FROM system_schema.columns WHERE keyspace_name = 'system_schema'"
VIEW_SETTINGS: Final = ("materialized_views_enabled", "enable_materialized_views")
"""The setting that enables views in ``system_views.settings``: its name since Cassandra 4.1, and in 4.0."""

MASK_SETTINGS: Final = ("dynamic_data_masking_enabled",)
"""The setting that enables column masks, since Cassandra 5.0."""


NODE_SETTINGS: Final = (
    "tablets_mode_for_new_keyspaces",
    "enable_tablets",
    "minimum_replication_factor_fail_threshold",
    "twcs_max_window_count",
    "rf_rack_valid_keyspaces",
    "enforce_rack_list",
    "maximum_replication_factor_fail_threshold",
    "replication_strategy_fail_list",
    "replication_strategy_warn_list",
    "restrict_twcs_without_default_ttl",
    "experimental_features",
)
"""The settings that are read from ScyllaDB's ``system.config``, whose values are JSON texts."""


RESTRICTED_TABLES: Final = ("versions", "topology", "config", "cluster_status", "tablets")
"""Tables of ``system`` that ScyllaDB shows to an ordinary role after a GRANT only; plans work without them."""

BUILD_TABLES: Final = ("built_views", "IndexInfo")
"""Tables of ``system`` that list completed views and indexes; both servers show them after a GRANT only."""


def _node_settings(settings: Mapping[str, str], features: Iterable[str] | None) -> NodeSettings:
    values = {name: _setting_value(settings.get(name)) for name in NODE_SETTINGS}
    rack_valid = values["rf_rack_valid_keyspaces"]
    endless_windows = _text(values["restrict_twcs_without_default_ttl"])
    return NodeSettings(
        features=None if features is None else frozenset(features),
        tablets_mode=_tablets_mode(values["tablets_mode_for_new_keyspaces"], values["enable_tablets"]),
        min_replication_factor=_number(values["minimum_replication_factor_fail_threshold"]),
        max_time_windows=_number(values["twcs_max_window_count"]),
        rf_rack_valid=rack_valid if isinstance(rack_valid, bool) else None,
        requires_rack_lists=values["enforce_rack_list"] is True,
        most_factor=_number(values["maximum_replication_factor_fail_threshold"]),
        refused_strategies=_names(values["replication_strategy_fail_list"]) or frozenset(),
        discouraged_strategies=_names(values["replication_strategy_warn_list"]) or frozenset(),
        endless_windows=_RESTRICTIONS.get(str(endless_windows), endless_windows),
        experimental=_names(values["experimental_features"]),
    )


_TABLETS_MODES: Final = {"0": "disabled", "1": "enabled", "2": "enforced"}
_RESTRICTIONS: Final = {"0": "false", "1": "true"}
"""Numbers that scylla.yaml accepts as names of a mode; ``system.config`` shows them as they were written."""


def _tablets_mode(mode: object, enable_tablets: object) -> str | None:
    """The mode of new keyspaces: where it is not set, the older setting ``enable_tablets`` decides.

    A node with a scylla.yaml of an older release has the mode ``?unknown`` (``db/config.hh``).

    >>> _tablets_mode("?unknown", False), _tablets_mode("1", False)
    ('disabled', 'enabled')
    """
    name = _TABLETS_MODES.get(str(mode), str(mode))
    if name in _TABLETS_MODES.values():
        return name
    return {True: "enabled", False: "disabled"}.get(enable_tablets) if isinstance(enable_tablets, bool) else None


def _text(value: object) -> str | None:
    """An enumerated setting as text; ``true`` and ``false`` may be stored as booleans."""
    return str(value).lower() if isinstance(value, bool) else value if isinstance(value, str) else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _names(value: object) -> frozenset[str] | None:
    return frozenset(map(str, cast("list[object]", value))) if isinstance(value, list) else None


def _setting_value(text: str | None) -> object:
    """The value of a setting; None if it is missing or has an unknown form."""
    try:
        return None if text is None else read_json(text)
    except ValueError:
        return None


def common_features(texts: Iterable[str | None]) -> frozenset[str] | None:
    """The features of all nodes, from ``supported_features`` in ``system.local`` and ``system.peers``.

    >>> sorted(common_features(["LWT,TABLETS,CDC", "CDC,LWT"]))
    ['CDC', 'LWT']
    """
    known = [frozenset(text.split(",")) for text in texts if text]
    return known[0].intersection(*known) if known else None


def _boolean_setting(settings: Mapping[str, str], names: Iterable[str]) -> bool | None:
    """The first of these settings that the server has, as a boolean."""
    value = next((settings[name] for name in names if name in settings), None)
    return None if value is None else value.lower() == "true"


def _version_numbers(version: str | None) -> tuple[int, ...]:
    """The leading numbers of a version text; ``5.0-beta1`` is ``(5, 0)``."""
    match = re.match(r"[0-9.]{0,40}", version or "")
    return tuple(map(int, itertools.takewhile(bool, match.group().split(".")))) if match else ()
