"""The server and its capabilities: the only module that distinguishes servers by name and version.

*In*: rows and version text read from the server. *Out*: a `ServerProfile`, whose properties the other modules use
instead of comparing versions.

A server that hides its version counts as the newest release; ScyllaDB shows it only to roles that may read
``system.versions``. Such a server reports unsupported features itself, while a rule for an old release would refuse
features that it may have.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import attrs

from scyllamodel._identifiers import MAX_PORTABLE_NAME_LENGTH, MAX_SERVER_NAME_LENGTH
from scyllamodel.schema.server.options import COMMON_OPTIONS, LIMITED_CLASSES, OPTIONS_BY_RELEASE, engine_of_sub_option

Feature: TypeAlias = Literal["counters", "cdc", "lwt", "views"]

_SCYLLA_INDEXES: Final[Mapping[str, tuple[int, ...]]] = {"vector_index": (2025, 4), "fulltext_index": (2026, 3)}
"""The index classes of ScyllaDB, with their first release (``index/secondary_index_manager.cc``)."""

SAI: Final = "storageattachedindex"
ORDINARY_INDEX: Final = "legacy_local_table"
"""Index families, as returned by `index_family`; the second is Cassandra 5.0's name for indexes without a class."""
_SASI: Final = "sasiindex"


_TABLET_FEATURES: Final[Mapping[Feature, tuple[str, tuple[int, ...]]]] = {
    "counters": ("COUNTERS_WITH_TABLETS", (2026, 1)),
    "cdc": ("CDC_WITH_TABLETS", (2025, 4)),
    "lwt": ("LWT_WITH_TABLETS", (2025, 4)),
    "views": ("VIEWS_WITH_TABLETS", (2025, 4)),
}
"""Features in a keyspace with tablets: the name of the cluster feature, and the first release that supports it."""


@attrs.frozen
class NodeSettings:
    """Settings of a ScyllaDB node; None where the role may not read them.

    Attributes:
        features: the features enabled on all nodes of the cluster; a rolling upgrade enables new ones at its end.
        tablets_mode: ``enabled``, ``disabled`` or ``enforced`` tablets for new keyspaces.
        min_replication_factor: the smallest replication factor allowed
            (``minimum_replication_factor_fail_threshold``); a negative value means no limit.
        most_factor: the largest one (``maximum_replication_factor_fail_threshold``); a negative value means no limit.
        refused_strategies: replication classes that are refused (``replication_strategy_fail_list``).
        discouraged_strategies: replication classes that cause a warning (``replication_strategy_warn_list``).
        endless_windows: whether TimeWindowCompactionStrategy without a default TTL is refused
            (``restrict_twcs_without_default_ttl``): ``true``, ``false`` or ``warn``.
        experimental: the enabled experimental features (``experimental_features``).
        max_time_windows: how many time windows a default TTL may span (``twcs_max_window_count``); 0 means no limit.
        rf_rack_valid: whether each keyspace has to be RF-rack-valid.
        requires_rack_lists: whether a replication on tablets has to list racks (``enforce_rack_list``).
    """

    features: frozenset[str] | None = None
    tablets_mode: str | None = None
    min_replication_factor: int | None = None
    max_time_windows: int | None = None
    rf_rack_valid: bool | None = None
    most_factor: int | None = None
    refused_strategies: frozenset[str] = frozenset()
    discouraged_strategies: frozenset[str] = frozenset()
    endless_windows: str | None = None
    experimental: frozenset[str] | None = None
    requires_rack_lists: bool = False


@attrs.frozen
class ServerProfile:
    """The capabilities of one server.

    Attributes:
        engine: ``cassandra`` or ``scylla``.
        version: the release as numbers, such as ``(5, 0, 6)`` or ``(2025, 4, 1)``; ``()`` if the server hides it.
        views_enabled: whether the node's settings allow materialized views; None if unknown.
        masks_enabled: whether they allow masks on columns; None if unknown.
        node: the settings of a ScyllaDB node.
        schema_columns: ``(table, column)`` of every ``system_schema`` table, as the server lists them; empty if they
            were not read; not compared.
    """

    engine: Literal["cassandra", "scylla"] = "cassandra"
    version: tuple[int, ...] = (5, 0)
    views_enabled: bool | None = None
    masks_enabled: bool | None = None
    node: NodeSettings = NodeSettings()
    schema_columns: frozenset[tuple[str, str]] = attrs.field(default=frozenset(), eq=False, repr=False)

    def __str__(self) -> str:
        return " ".join(filter(None, (self.engine, ".".join(map(str, self.version)))))

    @property
    def is_scylla(self) -> bool:
        """Whether this is ScyllaDB."""
        return self.engine == "scylla"

    def at_least(self, *version: int) -> bool:
        """Whether the release is this one or newer; a hidden version counts as the newest."""
        return not self.version or self.version >= version

    @property
    def has_vectors(self) -> bool:
        """Whether the type ``vector<…>`` exists."""
        return self.at_least(2025, 2) if self.is_scylla else self.at_least(5, 0)

    @property
    def has_sai(self) -> bool:
        """Whether columns other than vectors can have a storage-attached index; ScyllaDB has them on vectors only."""
        return not self.is_scylla and self.at_least(5, 0)

    @property
    def has_vector_index(self) -> bool:
        """Whether vectors can be indexed."""
        return self.at_least(2025, 4) if self.is_scylla else self.at_least(5, 0)

    @property
    def has_local_indexes(self) -> bool:
        """Whether an index can be local to a partition."""
        return self.is_scylla

    @property
    def has_masks(self) -> bool:
        """Whether the values of a column can be masked (``system_schema.column_masks``)."""
        return not self.is_scylla and self.at_least(5, 0)

    @property
    def has_tablets(self) -> bool:
        """Whether a keyspace can use tablets."""
        return self.is_scylla

    @property
    def migrates_to_tablets(self) -> bool:
        """Whether an operator can migrate a keyspace from vnodes to tablets (``nodetool migrate-to-tablets``)."""
        return self.is_scylla and self.at_least(2026, 2)

    @property
    def unsupported_with_tablets(self) -> frozenset[Feature]:
        """Features that a keyspace with tablets cannot use: by the cluster's features if known, else by the release."""
        if not self.is_scylla:
            return frozenset()
        return frozenset(
            feature for feature, (name, release) in _TABLET_FEATURES.items() if not self._has_feature(name, *release)
        )

    def _has_feature(self, name: str, *since: int) -> bool:
        """Whether the cluster has enabled a feature; if unknown, whether the release supports it."""
        known = self.node.features
        return self.at_least(*since) if known is None else name in known

    @property
    def views_need_rack_setting(self) -> bool:
        """Whether views on tablets need ``rf_rack_valid_keyspaces: true``, which is not the default (2025.4)."""
        release = self.at_least(2025, 4) and not self.at_least(2026, 1)
        return self.is_scylla and release and not self.node.rf_rack_valid

    @property
    def views_need_valid_racks(self) -> bool:
        """Whether views on tablets need as many copies as racks, or one; also if the node's setting requires it."""
        return self.is_scylla and (self.at_least(2025, 4) or self.node.rf_rack_valid is True)

    def makes_tablets(self, strategy: str, *, tablets: bool | None) -> bool | None:
        """Whether a new keyspace has tablets; None if the role may not read the deciding setting.

        Parameters:
            strategy: the short name of its replication class.
            tablets: the requested value; None leaves it to the server.
        """
        if tablets is not None or not self.has_tablets:
            return bool(tablets)
        if strategy not in {"", "NetworkTopologyStrategy"}:
            return False
        return None if self.node.tablets_mode is None else self.node.tablets_mode != "disabled"

    def refuses_strategy(self, strategy: str, *, tablets: bool | None) -> bool:
        """Whether a new keyspace is refused because it would have tablets, which need NetworkTopologyStrategy.

        ScyllaDB 2025.1 created such a keyspace without tablets; 2026.2 and 2026.3 refuse it (observed).
        """
        if not self.has_tablets or strategy in {"", "NetworkTopologyStrategy"}:
            return False
        by_default = self.at_least(2026, 1) and self.node.tablets_mode in {"enabled", "enforced"}
        return bool(tablets) or (tablets is None and by_default)

    @property
    def has_companion_keyspaces(self) -> bool:
        """Whether lock and ledger may need another keyspace, because early releases have no LWT on tablets."""
        return self.is_scylla

    @property
    def has_rack_lists(self) -> bool:
        """Whether a replication can name the racks of a data centre instead of their number."""
        return self.is_scylla and self.at_least(2026, 1)

    @property
    def expands_factors(self) -> bool:
        """Whether the number of copies of a new keyspace with tablets becomes a list of as many racks.

        Only a list of racks changes such a keyspace (``cql3/statements/ks_prop_defs.cc``, expand_to_racks).
        """
        return self.has_rack_lists and (self.node.requires_rack_lists or self.node.rf_rack_valid is True)

    @property
    def keyspace_columns(self) -> Mapping[str, frozenset[str]]:
        """The columns that store a keyspace, besides replication and tablets (``db/schema_tables.cc``)."""
        newer_columns = {"replication_v2"} if self.has_rack_lists else set[str]()
        newer_columns |= {"next_replication"} if self.at_least(2026, 2) else set()
        scylla_columns = {"storage_type", "storage_options"} | (
            {"consistency"} if self.at_least(2026, 1) else set[str]()
        )
        return {"keyspaces": frozenset(newer_columns), "scylla_keyspaces": frozenset(scylla_columns)}

    @property
    def alters_replication_stepwise(self) -> bool:
        """Whether a keyspace with tablets changes by one copy in one data centre at a time, listing all of them."""
        return self.is_scylla

    @property
    def has_transient_replication(self) -> bool:
        """Whether a factor can be ``3/1``: the copies, and how many of them are transient."""
        return not self.is_scylla

    @property
    def fills_in_factors(self) -> bool:
        """Whether NetworkTopologyStrategy without a factor means as many copies as racks, in each data centre."""
        return self.is_scylla and self.at_least(2026, 1)

    @property
    def refuses_missing_centres(self) -> bool:
        """Whether an ``ALTER KEYSPACE`` on tablets is refused if it omits a data centre with copies.

        ScyllaDB 2025.1 keeps such a data centre unchanged (observed); 2026.3 refuses the statement.
        """
        return self.is_scylla and self.at_least(2026, 1)

    @property
    def table_options(self) -> frozenset[str]:
        """The table and view options that this server accepts."""
        newer = (names.split() for since, names in OPTIONS_BY_RELEASE[self.engine] if self.at_least(*since))
        return COMMON_OPTIONS.union(*newer)

    def has_class(self, name: str) -> bool:
        """Whether a compaction or compression class can exist: by its short name, or with a package."""
        if "." in name:
            return self.loads_classes
        engine, added, removed = LIMITED_CLASSES.get(name, (self.engine, (), ()))
        is_removed = bool(removed and self.version) and self.version >= removed
        return engine == self.engine and self.at_least(*added) and not is_removed

    @property
    def loads_classes(self) -> bool:
        """Whether compaction and compression can use classes installed on the nodes."""
        return not self.is_scylla

    def has_sub_option(self, option: str, name: str) -> bool:
        """Whether ``compaction`` or ``compression`` can have this sub-option; True for unknown ones."""
        return engine_of_sub_option(option, name) in {None, self.engine}

    @property
    def max_chunk_length(self) -> int | None:
        """The largest ``chunk_length_in_kb`` of a compression; None if any power of two is allowed."""
        return 128 if self.is_scylla else None

    @property
    def timestamp_resolutions(self) -> frozenset[str]:
        """The units that ``timestamp_resolution`` accepts."""
        known = {"MICROSECONDS", "MILLISECONDS"}
        return frozenset(known if self.is_scylla else known | {"NANOSECONDS", "SECONDS", "MINUTES", "HOURS"})

    @property
    def bounds_buckets(self) -> bool:
        """Whether ``bucket_low`` has to be below 1 and ``bucket_high`` above it."""
        return self.is_scylla

    @property
    def min_flush_period(self) -> int:
        """The shortest ``memtable_flush_period_in_ms`` besides 0."""
        return 60_000 if self.is_scylla else 0

    @property
    def repairs_single_copies(self) -> bool:
        """Whether ``tombstone_gc`` can be ``repair`` in a keyspace with one copy, or with a local strategy."""
        return not self.is_scylla or self.at_least(2026, 2)

    @property
    def colocates_views(self) -> bool:
        """Whether a view with the partition key of its table shares its tablets, and cannot be repaired alone."""
        return self.is_scylla and self.at_least(2025, 4)

    @property
    def max_time_windows(self) -> int | None:
        """How many time windows a default TTL may span; None without a limit."""
        if not self.is_scylla or self.node.max_time_windows == 0:
            return None
        return 50 if self.node.max_time_windows is None else self.node.max_time_windows

    @property
    def has_log_storage(self) -> bool | None:
        """Whether ``storage_engine`` can be ``logstor``, an experimental feature of the nodes; None if unknown."""
        known = self.node.experimental
        return None if known is None else "logstor" in known

    @property
    def default_compressor(self) -> str:
        """The compressor of a new table without compression options."""
        return "LZ4WithDictsCompressor" if self.is_scylla and self.at_least(2025, 4) else "LZ4Compressor"

    @property
    def default_tombstone_gc(self) -> str:
        """The default mode of ``tombstone_gc`` in a keyspace without tablets."""
        return "repair" if self.at_least(2026, 2) else "timeout"

    @property
    def compression_key(self) -> str:
        """The key of the compression class; ScyllaDB refuses ``class``, Cassandra 5.0 the other one."""
        return "sstable_compression" if self.is_scylla else "class"

    @property
    def chunk_length_in_kb(self) -> str:
        """The default chunk length of a compression; stored by Cassandra only."""
        return "4" if self.is_scylla else "16"

    @property
    def default_caching(self) -> str:
        """The value of ``keys`` and ``rows_per_partition`` when a caching map omits them."""
        return "ALL" if self.is_scylla else "NONE"

    @property
    def has_cdc_log(self) -> bool:
        """Whether ``cdc`` is a map of settings; on Cassandra it is a boolean, stored only if CDC is enabled."""
        return self.is_scylla

    @property
    def alters_write_policy_alone(self) -> bool:
        """Whether ``ALTER`` can set only ``additional_write_policy``; 4.0 and 4.1 ignore it then (observed)."""
        return self.at_least(5, 0)

    @property
    def keeps_indexes_in_views(self) -> bool:
        """Whether an ordinary index is stored in a view named ``<index>_index``."""
        return self.is_scylla

    @property
    def takes_index_view_options(self) -> bool:
        """Whether ``CREATE INDEX … WITH`` accepts options of the view behind the index."""
        return self.is_scylla and self.at_least(2026, 1)

    @property
    def stores_extensions(self) -> bool:
        """Whether some options are stored in the blobs of ``extensions``, and in additional system tables."""
        return self.is_scylla

    @property
    def leaves_defaults_out(self) -> bool:
        """Whether nothing is stored for an undeclared option; Cassandra stores its default, or a null."""
        return self.is_scylla

    def may_have_option(self, name: str) -> bool:
        """Whether the server may accept an unknown option: a newer ScyllaDB, or a build with encryption at rest.

        Cassandra lists every option that it accepts as a column of ``system_schema.tables``.
        """
        is_newer = not self.version or self.version >= (2026, 4)
        return self.is_scylla and (is_newer or name == "scylla_encryption_options")

    @property
    def disabled_compression(self) -> Mapping[str, str]:
        """The map that disables compression."""
        return {"sstable_compression": ""} if self.is_scylla else {"enabled": "false"}

    @property
    def uses_long_retry_names(self) -> bool:
        """Whether the server accepts ``99PERCENTILE`` and ``NONE``, but not ``99p`` and ``NEVER``."""
        return self.is_scylla

    @property
    def has_retry_ranges(self) -> bool:
        """Whether a retry policy can be the minimum or maximum of a percentile and a time."""
        return not self.is_scylla

    @property
    def cuts_retry_times(self) -> bool:
        """Whether the milliseconds of a retry policy are truncated, not rounded, to `retry_precision`."""
        return not self.is_scylla

    @property
    def retry_precision(self) -> tuple[str, str]:
        """The precision of percentiles and milliseconds in retry policies.

        Cassandra truncates milliseconds and rounds percentiles to four decimals (observed); ScyllaDB rounds to one
        decimal of a percentile and two of milliseconds (``speculative_retry::to_sstring``).
        """
        return ("0.1", "0.01") if self.is_scylla else ("0.0001", "1")

    @property
    def alters_types(self) -> bool:
        """Whether ``ALTER … TYPE`` works between some types (``types/types.cc``, is_value_compatible_with)."""
        return self.is_scylla

    @property
    def renames_fields_in_keys(self) -> bool:
        """Whether the fields of a type in a partition key can be renamed; ScyllaDB refuses it (observed)."""
        return not self.is_scylla

    @property
    def drops_unfrozen_user_types(self) -> bool:
        """Whether a column with a non-frozen user type can be dropped; Cassandra refuses it (observed)."""
        return self.is_scylla

    @property
    def drops_columns_beside_views(self) -> bool:
        """Whether a column that no view needs can be dropped from a table with views."""
        return self.is_scylla

    @property
    def late_apply_seconds(self) -> float:
        """Seconds for which a schema change with a lost answer may still be applied.

        A ScyllaDB node without a majority keeps it for 60 seconds, and applies it when a node returns (observed).
        """
        return 65.0 if self.is_scylla else 0.0

    @property
    def has_cluster_status(self) -> bool:
        """Whether ``system.cluster_status`` shows the state of each node; on Cassandra gossip does."""
        return self.is_scylla

    @property
    def uses_crc_check_chance(self) -> bool:
        """Whether ``crc_check_chance`` has an effect; ScyllaDB accepts and ignores it."""
        return not self.is_scylla

    @property
    def loads_index_classes(self) -> bool:
        """Whether indexes can use classes installed on the nodes."""
        return not self.is_scylla

    def has_index_class(self, using: str, *, on_vector: bool) -> bool:
        """Whether an index of this class, in any spelling, can exist.

        >>> ServerProfile("scylla", (2025, 1)).has_index_class("SASI", on_vector=False)
        False
        """
        family = index_family(self.index_class(using, on_vector=on_vector))
        if not self.loads_index_classes:
            release = _SCYLLA_INDEXES.get(family)
            return family == ORDINARY_INDEX or (release is not None and self.at_least(*release))
        return family != SAI or self.has_sai

    @property
    def max_name_length(self) -> int:
        """The maximum length of an object name (``schema::NAME_LENGTH``, ``SchemaConstants``)."""
        return MAX_SERVER_NAME_LENGTH if self.is_scylla and self.at_least(2025, 2) else MAX_PORTABLE_NAME_LENGTH

    @property
    def max_safe_index_name(self) -> int | None:
        """The maximum length of an index name that a node survives; None if every length is safe.

        ScyllaDB stores the index in a directory ``<index>_index-<32 digits>``, and a node that cannot create it stops
        and does not start again. It does not check generated names; it checks given names since 2025.2.
        """
        return 216 if self.is_scylla else None

    @property
    def checks_given_names(self) -> bool:
        """Whether the server refuses names of indexes and views that are too long, instead of crashing."""
        return not self.is_scylla or self.at_least(2025, 2)

    @property
    def fails_static_writes(self) -> bool:
        """Whether an index on a collection makes writes fail in a table with static and regular columns.

        Fixed in ScyllaDB 2025.4.11, 2026.1.6 and 2026.2.0 (``db/view/view.cc``); not in 2025.1 to 2025.3.
        """
        fixed: dict[tuple[int, ...], tuple[int, ...]] = {(2025, 4): (2025, 4, 11), (2026, 1): (2026, 1, 6)}
        first = fixed.get(self.version[:2], (2026, 2))
        return self.is_scylla and not self.at_least(*first)

    @property
    def resets_durable_writes(self) -> bool:
        """Whether an ``ALTER KEYSPACE`` without ``durable_writes`` sets it to true."""
        return self.is_scylla

    @property
    def drops_indexed_collections(self) -> bool:
        """Whether the server drops a non-frozen collection that has an index, and crashes at the next write."""
        return self.is_scylla

    @property
    def breaks_at_negative_tablets(self) -> bool:
        """Whether tables cannot be created in a keyspace with ``tablets = {'initial': -1}``."""
        return self.is_scylla and not self.at_least(2025, 2)

    @property
    def has_ttl_columns(self) -> bool:
        """Whether a column can hold the time at which its row expires (``timestamp TTL``)."""
        return self.is_scylla and self.at_least(2026, 2)

    @property
    def accepts_any_ttl(self) -> bool:
        """Whether the server accepts a ``default_time_to_live`` above 20 years, and cannot read the rows."""
        return self.is_scylla

    @property
    def accepts_any_id(self) -> bool:
        """Whether the server accepts ``id`` in ``WITH``, even that of another table, and does not start again."""
        return not self.is_scylla

    @property
    def breaks_drivers(self) -> bool:
        """Whether some answers cannot be decoded by drivers, which close the connection."""
        return self.is_scylla

    @property
    def takes_several_viewless_indexes(self) -> bool:
        """Whether one column may have several named indexes of such a class (``create_index_statement.cc``)."""
        return self.is_scylla and self.at_least(2026, 2)

    def index_class(self, using: str, *, on_vector: bool) -> str:
        """The class of a custom index, in the spelling of this server.

        >>> ServerProfile().index_class("SASI", on_vector=False)
        'org.apache.cassandra.index.sasi.SASIIndex'
        >>> ServerProfile("scylla", (2025, 4)).index_class("sai", on_vector=True)
        'vector_index'
        """
        family = index_family(using)
        if family == _SASI:
            return "org.apache.cassandra.index.sasi.SASIIndex"
        if self.is_scylla and on_vector and family == SAI:
            return "vector_index"
        return using


def is_viewless(using: str | None) -> bool:
    """Whether an index of this class is stored in a service outside ScyllaDB's nodes, and not in a view.

    >>> is_viewless("VECTOR_INDEX"), is_viewless("sai"), is_viewless(None)
    (True, False, False)
    """
    return using is not None and index_family(using) in _SCYLLA_INDEXES


def index_family(using: str) -> str:
    """Return one name for each class of custom index, in any spelling; for comparison, not for CQL.

    >>> index_family("sai") == index_family("org.apache.cassandra.index.sai.StorageAttachedIndex")
    True
    """
    class_name = using.rpartition(".")[2].lower()
    return {"sai": SAI, "sasi": _SASI}.get(class_name, class_name)
