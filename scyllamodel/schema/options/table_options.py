"""`TableOptions`: the options that a model declares for its table or view.

*In*: keywords, one for each CQL option of ScyllaDB and Cassandra. *Out*: the declared options in canonical form, and
problems for values that no server accepts. Undeclared options are absent, and are never compared or altered.
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeAlias, Union, cast

import attrs

from scyllamodel.errors import Problem
from scyllamodel.schema.facts.objects import FrozenMap
from scyllamodel.schema.options.canonical import OPTION_NAMES, canonical
from scyllamodel.schema.options.validation import option_fault


class _Sentinel(enum.Enum):
    UNDECLARED = "UNDECLARED"
    DOCSTRING = "DOCSTRING"

    def __repr__(self) -> str:
        return self.name


_Undeclared: TypeAlias = Literal[_Sentinel.UNDECLARED]
_UNDECLARED: Final = _Sentinel.UNDECLARED
DOCSTRING: Final = _Sentinel.DOCSTRING
"""``TableOptions(comment=DOCSTRING)`` uses the docstring of the class as the comment of the table."""

Setting: TypeAlias = Union[str, int, float, bool]
"""A value in a map option; servers store it as text."""

Settings: TypeAlias = Mapping[str, Setting]


def _freeze(value: Any) -> Any:
    return FrozenMap(cast("Settings", value)) if isinstance(value, Mapping) else value


@attrs.frozen(kw_only=True, repr=False)
class TableOptions:
    """Options of a table or view; an undeclared option is left to the server.

    >>> TableOptions(gc_grace_seconds=3600, compaction={"class": "LeveledCompactionStrategy"})
    TableOptions(compaction={'class': 'LeveledCompactionStrategy'}, gc_grace_seconds=3600)

    A map is declared as a whole, as in CQL: settings that it leaves out get the server's defaults.

    Parameters:
        additional_write_policy: Cassandra; same values as ``speculative_retry``.
        allow_auto_snapshot: Cassandra 5.0.
        bloom_filter_fp_chance: above 6.71e-5, at most 1.
        caching: ``keys`` and ``rows_per_partition``.
        cdc: a boolean, or Scylla's map with ``enabled``; Cassandra stores it only if CDC is enabled on the node.
        comment: a text, or `DOCSTRING`.
        compaction: with a ``class``, such as ``{"class": "LeveledCompactionStrategy"}``.
        compression: with a ``class``, or ``{"enabled": False}`` for none; written in the spelling of each server.
        crc_check_chance: 0 to 1; without effect on Scylla.
        default_time_to_live: seconds, 0 for none, at most 630720000 (20 years).
        gc_grace_seconds: seconds.
        incremental_backups: Cassandra 5.0.
        large_data_guardrails_enabled: Scylla 2026.3.
        max_index_interval: at least ``min_index_interval``.
        memtable: Cassandra 4.1 and later; the name of a configuration in cassandra.yaml.
        memtable_flush_period_in_ms: milliseconds; 0 for never, on Scylla else at least 60000.
        min_index_interval: at least 1.
        paxos_grace_seconds: Scylla; seconds.
        per_partition_rate_limit: Scylla; ``max_reads_per_second``, ``max_writes_per_second``.
        read_repair: Cassandra.
        speculative_retry: ``99p``, ``50ms``, ``ALWAYS``, ``NEVER``; on Cassandra also ``MIN(99p,50ms)``.
        storage_engine: Scylla 2026.2; can be set only when the table is created.
        synchronous_updates: Scylla; of a materialized view.
        tablets: Scylla 2025.2; hints such as ``min_tablet_count``.
        tombstone_gc: Scylla; ``mode`` and ``propagation_delay_in_seconds``.
        extra: options newer than this release, by name; sent when the table is created, and altered if the server
            stores another value.
    """

    additional_write_policy: str | _Undeclared = _UNDECLARED
    allow_auto_snapshot: bool | _Undeclared = _UNDECLARED
    bloom_filter_fp_chance: float | _Undeclared = _UNDECLARED
    caching: Settings | _Undeclared = attrs.field(default=_UNDECLARED, converter=_freeze)
    cdc: bool | Settings | _Undeclared = attrs.field(default=_UNDECLARED, converter=_freeze)
    comment: str | Literal[_Sentinel.DOCSTRING] | _Undeclared = _UNDECLARED
    compaction: Settings | _Undeclared = attrs.field(default=_UNDECLARED, converter=_freeze)
    compression: Settings | _Undeclared = attrs.field(default=_UNDECLARED, converter=_freeze)
    crc_check_chance: float | _Undeclared = _UNDECLARED
    default_time_to_live: int | _Undeclared = _UNDECLARED
    gc_grace_seconds: int | _Undeclared = _UNDECLARED
    incremental_backups: bool | _Undeclared = _UNDECLARED
    large_data_guardrails_enabled: bool | _Undeclared = _UNDECLARED
    max_index_interval: int | _Undeclared = _UNDECLARED
    memtable: str | _Undeclared = _UNDECLARED
    memtable_flush_period_in_ms: int | _Undeclared = _UNDECLARED
    min_index_interval: int | _Undeclared = _UNDECLARED
    paxos_grace_seconds: int | _Undeclared = _UNDECLARED
    per_partition_rate_limit: Settings | _Undeclared = attrs.field(default=_UNDECLARED, converter=_freeze)
    read_repair: Literal["BLOCKING", "NONE"] | _Undeclared = _UNDECLARED
    speculative_retry: str | _Undeclared = _UNDECLARED
    storage_engine: str | _Undeclared = _UNDECLARED
    synchronous_updates: bool | _Undeclared = _UNDECLARED
    tablets: Settings | _Undeclared = attrs.field(default=_UNDECLARED, converter=_freeze)
    tombstone_gc: Settings | _Undeclared = attrs.field(default=_UNDECLARED, converter=_freeze)
    extra: Mapping[str, Setting | Settings] = attrs.field(factory=FrozenMap, converter=_freeze)

    def __repr__(self) -> str:
        declared = self._declared() | ({"extra": self.extra} if self.extra else {})
        return f"TableOptions({', '.join(f'{name}={value!r}' for name, value in declared.items())})"

    @classmethod
    def merged(cls, base: TableOptions, derived: TableOptions) -> TableOptions:
        """The inherited options merged with those of the class, which win option by option.

        >>> TableOptions.merged(TableOptions(comment="a", cdc=True), TableOptions(comment="b"))
        TableOptions(cdc=True, comment='b')
        """
        construct = cast("Callable[..., TableOptions]", cls)
        return construct(**(base._declared() | derived._declared()), extra={**base.extra, **derived.extra})

    def declared(self, docstring: str | None = None) -> FrozenMap:
        """The canonical options, by name.

        Parameters:
            docstring: the docstring of the class; without one (``python -OO``) a comment of `DOCSTRING` is undeclared.

        Raises:
            ValueError: a value is invalid; see `problems`.
        """
        return FrozenMap({name: canonical(name, value) for name, value in sorted(self._values(docstring).items())})

    @property
    def names(self) -> frozenset[str]:
        """The names of the declared options."""
        return frozenset((*self._declared(), *self.extra))

    def problems(self, where: str) -> list[Problem]:
        """The problems with values that no server accepts, each with a fix.

        Parameters:
            where: the dotted name of the class, such as ``shop.models.Order``.
        """
        values = self._values("")
        faults = [*self._extra_faults(), *(option_fault(name, values[name], values) for name in sorted(values))]
        return [Problem("OP104", f"{where}.options", *fault_text) for fault_text in faults if fault_text is not None]

    def _declared(self) -> dict[str, Any]:
        fields = ((field.name, getattr(self, field.name)) for field in attrs.fields(TableOptions))
        return {name: value for name, value in fields if value is not _UNDECLARED and name != "extra"}

    def _values(self, docstring: str | None) -> dict[str, Any]:
        """Declared and extra options, with `DOCSTRING` replaced by the docstring."""
        values = {**self.extra, **self._declared()}
        if values.get("comment") is DOCSTRING:
            values["comment"] = None if docstring is None else inspect.cleandoc(docstring)
            if docstring is None:
                del values["comment"]
        return values

    def _extra_faults(self) -> list[tuple[str, str]]:
        known = sorted(OPTION_NAMES & set(self.extra))
        return [
            (f"extra contains the option {name!r}, which has a keyword", f"Write {name}=… instead.") for name in known
        ]
