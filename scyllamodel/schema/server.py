"""What the server at hand is and can do: one value, read once, and the only place where servers differ by name.

*In*: what the server says of itself (rows and version text, passed in). *Out*: a `ServerProfile` whose properties the
other modules ask, so that none of them compares versions.

A server that hides its version (Scylla shows it only to who may read ``system.versions``) counts as the newest one:
it refuses what it lacks with an error of its own, while a guess that it is old would refuse what it can do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

import attrs

from scyllamodel._identifiers import MAX_PORTABLE_NAME_LENGTH, MAX_SERVER_NAME_LENGTH
from scyllamodel.schema.server_options import COMMON_OPTIONS, LIMITED_CLASSES, OPTIONS_BY_RELEASE, engine_of_sub_option

Feature: TypeAlias = Literal["counters", "cdc", "lwt", "views"]

_SCYLLA_INDEXES: Final[Mapping[str, tuple[int, ...]]] = {"vector_index": (2025, 4), "fulltext_index": (2026, 3)}
"""The classes of index that ScyllaDB has, and since when (``index/secondary_index_manager.cc``)."""

SAI: Final = "storageattachedindex"
ORDINARY_INDEX: Final = "legacy_local_table"
"""Families of index, as `index_family` names them; the second is Cassandra 5.0's name for indexes without a class."""
_SASI: Final = "sasiindex"


_TABLET_FEATURES: Final[Mapping[Feature, tuple[str, tuple[int, ...]]]] = {
    "counters": ("COUNTERS_WITH_TABLETS", (2026, 1)),
    "cdc": ("CDC_WITH_TABLETS", (2025, 4)),
    "lwt": ("LWT_WITH_TABLETS", (2025, 4)),
    "views": ("VIEWS_WITH_TABLETS", (2025, 4)),
}
"""What a keyspace with tablets can hold: by which feature of the cluster, and since which release."""


@attrs.frozen
class NodeSettings:
    """What a ScyllaDB node says of itself beside its version; None for what the role may not read.

    Attributes:
        features: those that all nodes of the cluster have on, which a rolling upgrade turns on at its end.
        tablets_mode: ``enabled``, ``disabled`` or ``enforced`` tablets for new keyspaces.
        min_replication_factor: the smallest replication factor that it takes
            (``minimum_replication_factor_fail_threshold``); a negative one is no limit.
        most_factor: the largest one (``maximum_replication_factor_fail_threshold``); a negative one is no limit.
        refused_strategies: replication classes that it refuses (``replication_strategy_fail_list``).
        discouraged_strategies: those that it warns of (``replication_strategy_warn_list``).
        endless_windows: whether it refuses TimeWindowCompactionStrategy without a default TTL
            (``restrict_twcs_without_default_ttl``): ``true``, ``false`` or ``warn``.
        experimental: experimental features that are on (``experimental_features``).
        max_time_windows: how many time windows a default TTL may span (``twcs_max_window_count``); 0 is any number.
        rf_rack_valid: whether each keyspace has to be RF-rack-valid.
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


@attrs.frozen
class ServerProfile:
    """One server's abilities.

    Attributes:
        engine: ``cassandra`` or ``scylla``.
        version: the release as numbers, such as ``(5, 0, 6)`` or ``(2025, 4, 1)``; ``()`` when the server hides it.
        views_enabled: whether the node's settings allow materialized views; None when it did not say.
        masks_enabled: whether they allow masks on columns; None when it did not say.
        node: what a ScyllaDB node says of its settings and of the cluster.
        schema_columns: ``(table, column)`` of every ``system_schema`` table, as the server lists them; empty when
            nobody asked; no part of equality.
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
        """Whether the release is this one or newer; a hidden one is taken for the newest."""
        return not self.version or self.version >= version

    @property
    def has_vectors(self) -> bool:
        """Whether ``vector<…>`` is a type here."""
        return self.at_least(2025, 2) if self.is_scylla else self.at_least(5, 0)

    @property
    def has_sai(self) -> bool:
        """Whether columns that hold no vector can have a storage-attached index; Scylla has them on vectors only."""
        return not self.is_scylla and self.at_least(5, 0)

    @property
    def has_vector_index(self) -> bool:
        """Whether vectors can be indexed."""
        return self.at_least(2025, 4) if self.is_scylla else self.at_least(5, 0)

    @property
    def has_local_indexes(self) -> bool:
        """Whether an index can live within a partition."""
        return self.is_scylla

    @property
    def has_masks(self) -> bool:
        """Whether the values of a column can be masked (``system_schema.column_masks``)."""
        return not self.is_scylla and self.at_least(5, 0)

    @property
    def has_tablets(self) -> bool:
        """Whether a keyspace can be spread by tablets."""
        return self.is_scylla

    @property
    def migrates_to_tablets(self) -> bool:
        """Whether an operator can migrate a keyspace from vnodes to tablets (``nodetool migrate-to-tablets``)."""
        return self.is_scylla and self.at_least(2026, 2)

    @property
    def unsupported_with_tablets(self) -> frozenset[Feature]:
        """What a keyspace spread by tablets cannot hold: by the cluster's features, else by the release."""
        if not self.is_scylla:
            return frozenset()
        return frozenset(
            feature for feature, (name, release) in _TABLET_FEATURES.items() if not self._has_feature(name, *release)
        )

    def _has_feature(self, name: str, *since: int) -> bool:
        """Whether the cluster has a feature on; where that is not known, whether the release has it."""
        known = self.node.features
        return self.at_least(*since) if known is None else name in known

    @property
    def views_need_rack_setting(self) -> bool:
        """Whether views on tablets need ``rf_rack_valid_keyspaces: true``, which is not the default (2025.4)."""
        release = self.at_least(2025, 4) and not self.at_least(2026, 1)
        return self.is_scylla and release and not self.node.rf_rack_valid

    @property
    def views_need_valid_racks(self) -> bool:
        """Whether views on tablets need as many copies as racks, or one; also where the setting enforces it."""
        return self.is_scylla and (self.at_least(2025, 4) or self.node.rf_rack_valid is True)

    def makes_tablets(self, strategy: str, *, tablets: bool | None) -> bool | None:
        """Whether a new keyspace gets tablets; None when the role may not read the setting that decides.

        Parameters:
            strategy: the short name of its replication class.
            tablets: what is asked for; None leaves it to the server.
        """
        if tablets is not None or not self.has_tablets:
            return bool(tablets)
        if strategy not in {"", "NetworkTopologyStrategy"}:
            return False
        return None if self.node.tablets_mode is None else self.node.tablets_mode != "disabled"

    def refuses_strategy(self, strategy: str, *, tablets: bool | None) -> bool:
        """Whether a new keyspace is refused since it would get tablets, which only NetworkTopologyStrategy can have.

        ScyllaDB 2025.1 made such a keyspace without tablets; 2026.2 and 2026.3 refuse it (seen).
        """
        if not self.has_tablets or strategy in {"", "NetworkTopologyStrategy"}:
            return False
        by_default = self.at_least(2026, 1) and self.node.tablets_mode in {"enabled", "enforced"}
        return bool(tablets) or (tablets is None and by_default)

    @property
    def has_companion_keyspaces(self) -> bool:
        """Whether lock and ledger may have to be kept apart from a keyspace, since tablets had no LWT once."""
        return self.is_scylla

    @property
    def has_rack_lists(self) -> bool:
        """Whether a replication can name the racks of a data centre instead of their number."""
        return self.is_scylla and self.at_least(2026, 1)

    @property
    def keyspace_columns(self) -> Mapping[str, frozenset[str]]:
        """What it stores of a keyspace beside replication and tablets (``db/schema_tables.cc``)."""
        newer_columns = {"replication_v2"} if self.has_rack_lists else set[str]()
        newer_columns |= {"next_replication"} if self.at_least(2026, 2) else set()
        scylla_columns = {"storage_type", "storage_options"} | (
            {"consistency"} if self.at_least(2026, 1) else set[str]()
        )
        return {"keyspaces": frozenset(newer_columns), "scylla_keyspaces": frozenset(scylla_columns)}

    @property
    def alters_replication_stepwise(self) -> bool:
        """Whether a keyspace with tablets changes by one copy and one data centre at a time, naming all of them."""
        return self.is_scylla

    @property
    def has_transient_replication(self) -> bool:
        """Whether a factor can be ``3/1``: copies, and how many of them are transient."""
        return not self.is_scylla

    @property
    def fills_in_factors(self) -> bool:
        """Whether NetworkTopologyStrategy without a factor means as many copies as racks, in each data centre."""
        return self.is_scylla and self.at_least(2026, 1)

    @property
    def refuses_missing_centres(self) -> bool:
        """Whether an ``ALTER KEYSPACE`` on tablets is refused that leaves a data centre with copies out.

        ScyllaDB 2025.1 kept such a data centre as it was (seen); 2026.3 refuses.
        """
        return self.is_scylla and self.at_least(2026, 1)

    @property
    def table_options(self) -> frozenset[str]:
        """The table and view options that this server takes."""
        newer = (names.split() for since, names in OPTIONS_BY_RELEASE[self.engine] if self.at_least(*since))
        return COMMON_OPTIONS.union(*newer)

    def has_class(self, name: str) -> bool:
        """Whether a compaction or compression class can exist here: by its short name, or with a package of its own."""
        if "." in name:
            return self.loads_classes
        engine, added, removed = LIMITED_CLASSES.get(name, (self.engine, (), ()))
        is_removed = bool(removed and self.version) and self.version >= removed
        return engine == self.engine and self.at_least(*added) and not is_removed

    @property
    def loads_classes(self) -> bool:
        """Whether compaction and compression can be of a class that somebody installed on the nodes."""
        return not self.is_scylla

    def has_sub_option(self, option: str, name: str) -> bool:
        """Whether ``compaction`` or ``compression`` can have this sub-option here; unknown ones may."""
        return engine_of_sub_option(option, name) in {None, self.engine}

    @property
    def max_chunk_length(self) -> int | None:
        """The largest ``chunk_length_in_kb`` of a compression; None where any power of two is taken."""
        return 128 if self.is_scylla else None

    @property
    def timestamp_resolutions(self) -> frozenset[str]:
        """The units of ``timestamp_resolution`` that it knows."""
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
        """Whether ``tombstone_gc`` can be ``repair`` where a keyspace has one copy, or a local strategy."""
        return not self.is_scylla or self.at_least(2026, 2)

    @property
    def colocates_views(self) -> bool:
        """Whether a view with the partition key of its table shares its tablets, and cannot be repaired alone."""
        return self.is_scylla and self.at_least(2025, 4)

    @property
    def max_time_windows(self) -> int | None:
        """How many time windows a default TTL may span; None where nothing limits them."""
        if not self.is_scylla or self.node.max_time_windows == 0:
            return None
        return 50 if self.node.max_time_windows is None else self.node.max_time_windows

    @property
    def has_log_storage(self) -> bool | None:
        """Whether ``storage_engine`` can be ``logstor``, an experimental feature of the nodes; None if nobody knows."""
        known = self.node.experimental
        return None if known is None else "logstor" in known

    @property
    def default_compressor(self) -> str:
        """The class with which it creates a table that names none."""
        return "LZ4WithDictsCompressor" if self.is_scylla and self.at_least(2025, 4) else "LZ4Compressor"

    @property
    def default_tombstone_gc(self) -> str:
        """The mode of ``tombstone_gc`` that it gives a table that names none, in a keyspace without tablets."""
        return "repair" if self.at_least(2026, 2) else "timeout"

    @property
    def compression_key(self) -> str:
        """How the class of a compression is called; Scylla refuses ``class``, Cassandra 5.0 the other one."""
        return "sstable_compression" if self.is_scylla else "class"

    @property
    def chunk_length_in_kb(self) -> str:
        """The chunk length of a compression that names none; stored by Cassandra only."""
        return "4" if self.is_scylla else "16"

    @property
    def default_caching(self) -> str:
        """What a caching map means by leaving ``keys`` or ``rows_per_partition`` out."""
        return "ALL" if self.is_scylla else "NONE"

    @property
    def has_cdc_log(self) -> bool:
        """Whether ``cdc`` is a map of settings; elsewhere it is a boolean, stored only where the node has cdc on."""
        return self.is_scylla

    @property
    def alters_write_policy_alone(self) -> bool:
        """Whether ``additional_write_policy`` can be the one option of an ``ALTER``; 4.0 and 4.1 forget it (seen)."""
        return self.at_least(5, 0)

    @property
    def keeps_indexes_in_views(self) -> bool:
        """Whether an ordinary index is kept in a view ``<index>_index``, which takes that name."""
        return self.is_scylla

    @property
    def takes_index_view_options(self) -> bool:
        """Whether ``CREATE INDEX … WITH`` takes the options of the view behind the index."""
        return self.is_scylla and self.at_least(2026, 1)

    @property
    def stores_extensions(self) -> bool:
        """Whether some options are in the blobs of ``extensions``, and in tables of the server's own beside."""
        return self.is_scylla

    @property
    def leaves_defaults_out(self) -> bool:
        """Whether nothing is stored for an option that nobody gave; Cassandra stores its default, or a null."""
        return self.is_scylla

    def may_have_option(self, name: str) -> bool:
        """Whether it may take an option that is unknown here: a newer ScyllaDB, or a build with encryption at rest.

        Cassandra shows every option that it takes as a column of ``system_schema.tables``.
        """
        is_newer = not self.version or self.version >= (2026, 4)
        return self.is_scylla and (is_newer or name == "scylla_encryption_options")

    @property
    def disabled_compression(self) -> Mapping[str, str]:
        """The map that switches compression off."""
        return {"sstable_compression": ""} if self.is_scylla else {"enabled": "false"}

    @property
    def uses_long_retry_names(self) -> bool:
        """Whether it takes ``99PERCENTILE`` and ``NONE``, and neither ``99p`` nor ``NEVER``."""
        return self.is_scylla

    @property
    def has_retry_ranges(self) -> bool:
        """Whether a retry policy can be the lesser or the greater of a percentile and a time."""
        return not self.is_scylla

    @property
    def cuts_retry_times(self) -> bool:
        """Whether the milliseconds of a retry policy are cut, not rounded, to `retry_precision`."""
        return not self.is_scylla

    @property
    def retry_precision(self) -> tuple[str, str]:
        """How exact it keeps percentiles and milliseconds of retry policies.

        Cassandra cuts fractions of milliseconds and rounds percentiles to four decimals (seen); Scylla rounds to one
        decimal of a percentile and two of milliseconds (``speculative_retry::to_sstring``).
        """
        return ("0.1", "0.01") if self.is_scylla else ("0.0001", "1")

    @property
    def alters_types(self) -> bool:
        """Whether it runs ``ALTER … TYPE`` between some types (``types/types.cc``, is_value_compatible_with)."""
        return self.is_scylla

    @property
    def renames_fields_in_keys(self) -> bool:
        """Whether the fields of a type in a partition key can be renamed; Scylla refuses (seen)."""
        return not self.is_scylla

    @property
    def drops_unfrozen_user_types(self) -> bool:
        """Whether a column of a user type that is not frozen can be dropped; Cassandra refuses (seen)."""
        return self.is_scylla

    @property
    def drops_columns_beside_views(self) -> bool:
        """Whether a table with views can lose a column that none of them needs."""
        return self.is_scylla

    @property
    def late_apply_seconds(self) -> float:
        """Seconds for which a schema change whose answer was lost may still be applied.

        A ScyllaDB node without a majority holds it for 60 seconds, and applies it when a node comes back (seen).
        """
        return 65.0 if self.is_scylla else 0.0

    @property
    def has_cluster_status(self) -> bool:
        """Whether ``system.cluster_status`` tells the state of each node; on Cassandra gossip does."""
        return self.is_scylla

    @property
    def uses_crc_check_chance(self) -> bool:
        """Whether ``crc_check_chance`` has any effect; Scylla takes it and forgets it."""
        return not self.is_scylla

    @property
    def loads_index_classes(self) -> bool:
        """Whether an index can be of a class that somebody installed on the nodes."""
        return not self.is_scylla

    def has_index_class(self, using: str, *, on_vector: bool) -> bool:
        """Whether an index of this class, however it is spelled, can exist here.

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
        """Longest name of a keyspace, table, view or index (``schema::NAME_LENGTH``, ``SchemaConstants``)."""
        return MAX_SERVER_NAME_LENGTH if self.is_scylla and self.at_least(2025, 2) else MAX_PORTABLE_NAME_LENGTH

    @property
    def max_safe_index_name(self) -> int | None:
        """Longest index name that a node survives; None where any is safe.

        ScyllaDB keeps the index in a directory ``<index>_index-<32 digits>``, and a node that cannot create it stops
        and does not start again. It does not check names that it makes up; names that are given, since 2025.2.
        """
        return 216 if self.is_scylla else None

    @property
    def checks_given_names(self) -> bool:
        """Whether it refuses names of indexes and views that are too long, instead of stopping at them."""
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
        """Whether an ``ALTER KEYSPACE`` that does not name ``durable_writes`` sets it to true."""
        return self.is_scylla

    @property
    def drops_indexed_collections(self) -> bool:
        """Whether it drops a non-frozen collection that has an index, and dies of the next write."""
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
        """Whether it takes a ``default_time_to_live`` above 20 years, and cannot read the rows."""
        return self.is_scylla

    @property
    def accepts_any_id(self) -> bool:
        """Whether it takes ``id`` in ``WITH``, also that of another table, and does not start again."""
        return not self.is_scylla

    @property
    def breaks_drivers(self) -> bool:
        """Whether some answers cannot be decoded by drivers, which close the connection."""
        return self.is_scylla

    @property
    def takes_several_viewless_indexes(self) -> bool:
        """Whether named indexes of such a class may be on one column (``create_index_statement.cc``)."""
        return self.is_scylla and self.at_least(2026, 2)

    def index_class(self, using: str, *, on_vector: bool) -> str:
        """The class of a custom index, spelled as this server takes it.

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
    """Whether an index of this class is kept by a service beside ScyllaDB's nodes, and not in a view.

    >>> is_viewless("VECTOR_INDEX"), is_viewless("sai"), is_viewless(None)
    (True, False, False)
    """
    return using is not None and index_family(using) in _SCYLLA_INDEXES


def index_family(using: str) -> str:
    """One name for each class of custom index, whichever way it was spelled; for comparing, not for CQL.

    >>> index_family("sai") == index_family("org.apache.cassandra.index.sai.StorageAttachedIndex")
    True
    """
    class_name = using.rpartition(".")[2].lower()
    return {"sai": SAI, "sasi": _SASI}.get(class_name, class_name)
