"""`Index`: the declaration of a secondary index in a model, and its facts.

In: the indexes of a class and its bases, and its columns. Out: facts with CQL names, and problems for indexes that
servers refuse. ScyllaDB and Cassandra check the same rules with different messages (``CREATE INDEX``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

import attrs

from scyllamodel._identifiers import truncate_name
from scyllamodel._text import suggestion
from scyllamodel.model.field_declaration import FieldDeclaration, FieldDeclarations
from scyllamodel.model.validation.names import check_object_name
from scyllamodel.model.validation.problems import Problems
from scyllamodel.model.validation.user_types import walk_user_types
from scyllamodel.schema.facts.index_names import MAX_INDEX_NAME, with_digest_name
from scyllamodel.schema.facts.objects import FrozenMap, IndexTarget
from scyllamodel.schema.facts.objects import Index as IndexFacts
from scyllamodel.schema.options import TableOptions
from scyllamodel.schema.options.canonical import setting_text as stored_text
from scyllamodel.schema.server.profile import index_family, is_viewless
from scyllamodel.types.cql_types import (
    COUNTER,
    DURATION,
    CqlType,
    ListType,
    MapType,
    SetType,
    UserTypeName,
    is_multi_cell,
)

_CUSTOM_TARGET: Final = re.compile(r"\w{1,48}", re.ASCII)
"""The column names that a custom index supports; Cassandra 5.0 refuses others (SAI and SASI)."""


def _text_map(options: Mapping[str, Any] | None) -> FrozenMap:
    items = getattr(options or {}, "items", None)
    if items is None:
        raise TypeError(f"options= of an index must be a mapping of names to values, not {options!r}")
    return FrozenMap({name: stored_text(value) for name, value in items()})


def _names(value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError(f"filtering= of an index must be a list of attributes, not {value!r}")
    return tuple(cast("Sequence[str]", value))


def _is_text(_: Index, field: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{field.name}= of an index must be a str, not {value!r}")


def _is_table_options(_: Index, field: attrs.Attribute[Any], value: object) -> None:
    if not (value is None or isinstance(value, TableOptions)):
        raise TypeError(f"{field.name}= of an index must be TableOptions(…), not {value!r}")


@attrs.frozen
class Index:
    """A secondary index on one column of a model.

    >>> Index("status"), Index("lines", on="keys")
    (Index('status'), Index('lines', on='keys'))

    Parameters:
        column: the attribute.
        name: the CQL name; by default ``<table>_<column>_idx``, with ``_keys``, ``_entries`` or ``_full`` inserted.
        on: the indexed part of a collection: its ``values``; the ``keys`` or ``entries`` of a map; for a frozen
            collection only the whole (``full``).
        using: the index class, such as ``"sai"`` or ``"vector_index"``; None: the server's default, or any existing.
        options: the options of the class, as in ``WITH OPTIONS``.
        local: whether the index is local to each partition; ScyllaDB only.
        filtering: the attributes of additional columns for filters of a vector search; ScyllaDB only.
        view_options: options of the view behind the index; ScyllaDB 2026.1, for an index without ``using``.
    """

    column: str = attrs.field(validator=_is_text)
    name: str | None = attrs.field(default=None, kw_only=True, validator=attrs.validators.optional(_is_text))
    on: IndexTarget = attrs.field(default="values", kw_only=True)
    using: str | None = attrs.field(default=None, kw_only=True, validator=attrs.validators.optional(_is_text))
    options: Mapping[str, Any] | None = attrs.field(default=None, kw_only=True, converter=_text_map)
    local: bool = attrs.field(default=False, kw_only=True)
    filtering: Sequence[str] = attrs.field(default=(), kw_only=True, converter=_names)
    view_options: TableOptions | None = attrs.field(default=None, kw_only=True, validator=_is_table_options)

    def __repr__(self) -> str:
        arguments = [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in attrs.fields(Index)[1:]
            if getattr(self, field.name) not in (field.default, {})
        ]
        return f"Index({', '.join([repr(self.column), *arguments])})"


def index_facts(
    table: str, indexes: Iterable[Index], columns: FieldDeclarations, user_types: Iterable[type], problems: Problems
) -> tuple[IndexFacts, ...]:
    """Return the facts of these indexes, without those that have problems."""
    has_counters = any(column.type_mapping and column.type_mapping.type == COUNTER for column in columns.values())
    index_list: list[IndexFacts] = []
    for index in indexes:
        column = columns.get(index.column)
        if column is None:
            text = f"an index on {index.column!r}, which is not a column{suggestion(index.column, columns)}"
            problems.add("MD121", text, "Use the name of the attribute in the class body.", attribute="indexes")
        elif column.type_mapping is not None:
            faults = [
                *_faults(index, column, column.type_mapping.type, columns, user_types),
                *_filter_faults(index, columns),
            ]
            if has_counters:
                faults = [("MD122", "a table with counters cannot have indexes", "Remove the index.")]
            for code, text, advice in (*faults, *_view_faults(index)):
                problems.add(code, text, advice, attribute=column.name)
            view_problems = [] if index.view_options is None else index.view_options.problems(problems.class_name)
            problems.extend(view_problems)
            if not view_problems:
                index_list.append(_index_fact(table, index, column, columns))
    index_list = _with_distinct_names(table, index_list)
    _check_names(index_list, problems)
    return tuple(index_list)


def _with_distinct_names(table: str, indexes: list[IndexFacts]) -> list[IndexFacts]:
    """Give indexes on different columns different names; explicit names are kept."""
    counts = Counter(name for name, *_ in {(index.name, index.column, index.local) for index in indexes})
    return [with_digest_name(index, table) if counts[index.name] > 1 else index for index in indexes]


def _index_fact(table: str, index: Index, column: FieldDeclaration, columns: FieldDeclarations) -> IndexFacts:
    options = FrozenMap(index.options or {})
    name = index.name
    if name is None:
        ending = "_idx" if index.on == "values" else f"_{index.on}_idx"
        name = truncate_name(
            re.sub(r"\W", "", f"{table}_{column.db_name}", flags=re.ASCII) + ending, MAX_INDEX_NAME, ending
        )
    names = ", ".join([column.db_name, *(columns[other].db_name for other in index.filtering if other in columns)])
    view_options = FrozenMap() if index.view_options is None else index.view_options.declared("")
    return IndexFacts(
        name, names, index.on, index.using, options, index.local, named=index.name is not None,
        view_options=view_options,
    )  # fmt: skip


_Fault = tuple[str, str, str]


def _faults(
    index: Index, column: FieldDeclaration, cql_type: CqlType, columns: FieldDeclarations, user_types: Iterable[type]
) -> Iterator[_Fault]:
    yield from _column_faults(column, cql_type, columns, user_types)
    yield from _part_faults(index, cql_type)
    yield from _parameter_faults(index, column, cql_type)


def _column_faults(
    column: FieldDeclaration, cql_type: CqlType, columns: FieldDeclarations, user_types: Iterable[type]
) -> Iterator[_Fault]:
    """Yield problems of columns that cannot be indexed."""
    if (
        column.spec.kind == "partition_key"
        and sum(key_column.spec.kind == "partition_key" for key_column in columns.values()) == 1
    ):
        yield "MD122", "the only column of the partition key needs no index", "Remove the index."
    if DURATION in walk_user_types(cql_type, user_types):
        yield "MD122", "durations have no order, so they cannot be indexed", "Remove the index."
    if isinstance(cql_type, UserTypeName) and not cql_type.frozen:
        yield "MD122", "a user type can be indexed only if it is frozen", "Write Frozen[…] around it."


def _part_faults(index: Index, cql_type: CqlType) -> Iterator[_Fault]:
    """Yield problems of ``on``, by the rules of both servers."""
    is_collection = isinstance(cql_type, (ListType, SetType, MapType))
    if index.on not in ("values", "keys", "entries", "full"):
        yield "MD123", f"on={index.on!r} is not valid", "Write on='values', 'keys', 'entries' or 'full'."
    elif index.on == "full":
        if not is_collection or is_multi_cell(cql_type):
            yield "MD123", f"on='full' is for frozen collections, and this is {cql_type.cql}", "Omit on=."
    elif is_collection and not is_multi_cell(cql_type):
        yield "MD123", "a frozen collection can be indexed only as a whole", "Write on='full'."
    elif index.on != "values" and not isinstance(cql_type, MapType):
        yield "MD123", f"on={index.on!r} is for maps, and this is {cql_type.cql}", "Omit on=."


def _parameter_faults(index: Index, column: FieldDeclaration, cql_type: CqlType) -> Iterator[_Fault]:
    if index.using is not None and not index.using.strip():
        yield "MD125", "using= of an index must be the name of a class, and is empty", "Omit using=."
    if index.options and index.using is None:
        yield "MD125", "options= requires using=", "Write using=… too."
    if index.using is not None and not _CUSTOM_TARGET.fullmatch(column.db_name):
        text = (
            f"the column of an index with using= has a name of at most 48 letters, digits and _, not {column.db_name!r}"
        )
        yield "MD125", text, "Give the column another db_name."
    if index.local and (column.spec.kind == "static" or is_multi_cell(cql_type)):
        yield "MD125", "a local index cannot be on a static column or on a collection", "Omit local=."
    if index.local and column.spec.kind == "partition_key":
        yield "MD125", "a local index cannot be on a column of the partition key", "Omit local=."


def _filter_faults(index: Index, columns: FieldDeclarations) -> Iterator[_Fault]:
    """Yield problems of the additional columns of a vector index."""
    if index.filtering and not is_viewless(index.using):
        yield (
            "MD125",
            "only a vector index supports filtering=",
            "Write using='vector_index', or omit filtering.",
        )
    for name in index.filtering:
        if name not in columns:
            text = f"an index that filters by {name!r}, which is not a column{suggestion(name, columns)}"
            yield "MD121", text, "Use the name of the attribute in the class body."


_NO_VIEW_OPTIONS: Final = frozenset({"cdc", "default_time_to_live", "storage_engine", "tombstone_gc"})
"""Options that the view behind an index does not support, or whose default depends on its keyspace."""


def _view_faults(index: Index) -> Iterator[_Fault]:
    """Yield problems of view options that servers do not support."""
    if index.view_options is None:
        return
    if index.using is not None:
        yield "MD125", "an index with using= has no view with options", "Omit using= or view_options=."
    unsupported = index.view_options.names & _NO_VIEW_OPTIONS
    if unsupported:
        yield "MD125", f"view_options= of an index does not support {', '.join(sorted(unsupported))}", "Omit it."


def _check_names(indexes: list[IndexFacts], problems: Problems) -> None:
    index_by_key: dict[object, IndexFacts] = {}
    for index in indexes:
        check_object_name(index.name, "index", problems)
        target = (index.column, index.on, index_family(index.using or ""), index.local)
        if target in index_by_key and not (index.named and index_by_key[target].named and is_viewless(index.using)):
            problems.add("MD124", f"two indexes on {index.on} of {index.column!r}", "Keep one.", attribute="indexes")
        elif index.name in index_by_key:
            problems.add(
                "MD124",
                f"two indexes named {index.name!r}",
                "Choose another name for one of them.",
                attribute="indexes",
            )
        index_by_key[target] = index_by_key[index.name] = index
