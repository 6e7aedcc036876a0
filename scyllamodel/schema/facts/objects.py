"""Facts of a schema: plain values, equal whether they come from model classes or from ``system_schema``.

They compare with ``==``, hash and pickle, and depend on no server and no class.

A fact that a model leaves open (its keyspace, an index class, an undeclared option) is absent, which means "any value".
Names are raw: unquoted, in the case that the server stores.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from itertools import chain
from operator import attrgetter
from typing import Any, Final, Literal, Protocol, TypeAlias, TypeVar, cast

import attrs

from scyllamodel.errors import IntrospectionError
from scyllamodel.types.cql_types import COUNTER, CqlType, user_type_names

ColumnKind: TypeAlias = Literal["partition_key", "clustering", "static", "regular"]
IndexTarget: TypeAlias = Literal["values", "keys", "entries", "full"]


class FrozenMap(Mapping[str, Any]):
    """An immutable, hashable map of settings by name; maps inside it are frozen, too.

    >>> FrozenMap({"class": "LZ4Compressor"}) == {"class": "LZ4Compressor"}
    True
    """

    __slots__ = ("_hash", "_items")

    def __init__(self, items: Mapping[str, Any] | Iterable[tuple[str, Any]] = ()) -> None:
        # A schema has thousands of facts: scalars are not converted, and a hash is kept.
        self._hash: int | None = None
        self._items: dict[str, Any] = {k: v if type(v) in _SCALARS else _frozen(v) for k, v in dict(items).items()}

    def __getitem__(self, key: str) -> Any:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset(self._items.items()))
        return self._hash

    def __repr__(self) -> str:
        return repr(self._items)

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenMap, (self._items,)


_SCALARS: Final = frozenset({str, int, float, bool, FrozenMap, type(None)})


def _frozen(value: Any) -> Any:
    return FrozenMap(cast("Mapping[str, Any]", value)) if isinstance(value, Mapping) else value


def _frozen_map(items: Mapping[str, Any]) -> FrozenMap:
    return items if isinstance(items, FrozenMap) else FrozenMap(items)


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_N = TypeVar("_N", bound=_Named)


_name: Final = attrgetter("name")


def _sorted_by_name(facts: Iterable[_N]) -> tuple[_N, ...]:
    return tuple(sorted(facts, key=_name))


@attrs.frozen
class TableColumn:
    """One column of a table or view.

    Attributes:
        name: raw name.
        type: its CQL type, in normal form.
        kind: ``partition_key``, ``clustering``, ``static`` or ``regular``.
        descending: the clustering order; False for ascending and for all other kinds.
        renamed_from: the earlier name, when a model declares one; not compared.
        loads_none: whether a model loads a null as None although its annotation excludes None; not compared.
        has_default: whether a model gives a default to new instances; not compared.
        attribute: the attribute of the model, for texts that show Python; empty from a server; not compared.
        mask: the function that hides values from roles without UNMASK, in the form of
            `scyllamodel.schema.facts.masks`; None without a mask, and in views, which use the mask of their table.
    """

    name: str
    type: CqlType
    kind: ColumnKind = "regular"
    descending: bool = False
    renamed_from: str | None = attrs.field(default=None, eq=False)
    loads_none: bool = attrs.field(default=False, eq=False)
    has_default: bool = attrs.field(default=False, eq=False)
    attribute: str = attrs.field(default="", eq=False, repr=False)
    mask: str | None = None

    @property
    def in_key(self) -> bool:
        """Whether the column is part of the primary key."""
        return self.kind in ("partition_key", "clustering")


def _user_types(types: Iterable[CqlType]) -> tuple[str, ...]:
    """The names of the user types in these types, once each, in their order."""
    return tuple(dict.fromkeys(name for cql_type in types for name in user_type_names(cql_type)))


def _strings(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(texts)


@attrs.frozen
class Index:
    """A secondary index.

    Attributes:
        name: raw name, unique in the keyspace.
        column: the indexed column. A custom index over several columns has their names joined by ``", "``, such as a
            vector index with the columns by which it filters; one without a column has an empty text.
        on: the indexed part of a collection: ``values`` (also for plain columns), ``keys``, ``entries`` or ``full``.
        using: the class of a custom index as declared or stored; None for an ordinary index, or for any class.
        options: the other options of the index, as text.
        local: whether it is Scylla's index within a partition.
        named: whether the user chose the name, so that it is part of the index's identity; not compared.
        partition: the columns within which a vector index searches (ScyllaDB), if they are not the partition key;
            empty on a model.
        view_options: options of the view behind the index (ScyllaDB): on a model the declared ones, from a server those
            that are not defaults; not compared.
    """

    name: str
    column: str
    on: IndexTarget = "values"
    using: str | None = None
    options: FrozenMap = attrs.field(factory=FrozenMap, converter=_frozen_map)
    local: bool = False
    named: bool = attrs.field(default=True, eq=False)
    partition: tuple[str, ...] = attrs.field(default=(), converter=_strings)
    view_options: FrozenMap = attrs.field(factory=FrozenMap, converter=_frozen_map, eq=False)

    def names(self, known: Container[str]) -> tuple[str, ...]:
        """The columns of the index, the indexed one first; a name with a comma may be one column.

        Parameters:
            known: the columns of its table.
        """
        return (self.column,) if self.column in known else tuple(filter(None, self.column.split(", ")))


@attrs.frozen
class Trigger:
    """A trigger of a table (Cassandra): a Java class that is called for its writes."""

    name: str
    using: str


@attrs.frozen
class Function:
    """A user-defined function; several may share a name, with different arguments.

    Attributes:
        arguments: names and types, in order.
        null_input: whether it is called with nulls; if not, one null argument gives null.
    """

    name: str
    arguments: tuple[tuple[str, CqlType], ...]
    returns: CqlType
    language: str
    body: str
    null_input: bool = False

    @property
    def signature(self) -> str:
        """The name with the argument types, which identify it."""
        return signature(self.name, (kind for _, kind in self.arguments))

    @property
    def user_types(self) -> tuple[str, ...]:
        """The names of the user types of its arguments and its result."""
        return _user_types((*(kind for _, kind in self.arguments), self.returns))


@attrs.frozen
class Aggregate:
    """A user-defined aggregate, built from functions.

    Attributes:
        arguments: the types of the arguments, in order.
        state_function: called for each row with the state and the arguments.
        initial: the initial state as a CQL literal; None for null.
        final_function: computes the result from the last state; None if the state is the result.
        reduce_function: joins two states (Scylla), or None.
    """

    name: str
    arguments: tuple[CqlType, ...]
    state_function: str
    state_type: CqlType
    initial: str | None = None
    final_function: str | None = None
    reduce_function: str | None = None

    @property
    def signature(self) -> str:
        """The name with the argument types, which identify it."""
        return signature(self.name, self.arguments)

    @property
    def user_types(self) -> tuple[str, ...]:
        """The names of the user types of its arguments and its state."""
        return _user_types((*self.arguments, self.state_type))


def signature(name: str, types: Iterable[CqlType]) -> str:
    """The signature in errors and ``DROP FUNCTION``: ``plus(int, int)``."""
    return f"{name}({', '.join(cql_type.cql for cql_type in types)})"


_signature: Final = attrgetter("signature")


def _functions(facts: Iterable[Function]) -> tuple[Function, ...]:
    return tuple(sorted(facts, key=_signature))


def _aggregates(facts: Iterable[Aggregate]) -> tuple[Aggregate, ...]:
    return tuple(sorted(facts, key=_signature))


def _triggers(facts: Iterable[Trigger]) -> tuple[Trigger, ...]:
    return _sorted_by_name(facts)


def _in_key_order(columns: Iterable[TableColumn]) -> tuple[TableColumn, ...]:
    """The partition and clustering keys in key order, then the other columns by name, which have no order in CQL."""
    kinds: dict[ColumnKind, list[TableColumn]] = {"partition_key": [], "clustering": [], "static": [], "regular": []}
    for column in columns:
        kinds[column.kind].append(column)
    for kind in ("static", "regular"):
        kinds[kind].sort(key=_name)
    return tuple(chain.from_iterable(kinds.values()))


def _indexes(facts: Iterable[Index]) -> tuple[Index, ...]:
    return _sorted_by_name(facts)


@attrs.frozen
class _Columns:
    """The common base of tables and views; columns are in the order of ``SELECT *``."""

    name: str
    columns: tuple[TableColumn, ...] = attrs.field(converter=_in_key_order)
    _known: Mapping[str, TableColumn] | None = attrs.field(default=None, init=False, eq=False, repr=False)
    """The columns by name, set by the first look-up."""

    def get(self, name: str) -> TableColumn | None:
        """The column of this name, or None."""
        if self._known is None:
            object.__setattr__(self, "_known", {column.name: column for column in reversed(self.columns)})
        return self._known.get(name) if self._known is not None else None

    def __getitem__(self, name: str) -> TableColumn:
        column = self.get(name)
        if column is None:
            raise KeyError(f"{self.name} has no column {name!r}")
        return column

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[TableColumn]:
        return iter(self.columns)

    @property
    def partition_key(self) -> tuple[TableColumn, ...]:
        """The columns of the partition key, in order."""
        return tuple(c for c in self.columns if c.kind == "partition_key")

    @property
    def clustering_key(self) -> tuple[TableColumn, ...]:
        """The columns of the clustering key, in order."""
        return tuple(c for c in self.columns if c.kind == "clustering")


@attrs.frozen
class Table(_Columns):
    """A table.

    Attributes:
        keyspace: the keyspace; None on a model that leaves it to its repo.
        options: the declared options on a model, all stored options from a server; canonical names and values, as in
            `scyllamodel.schema.options`.
        indexes: the secondary indexes, by name.
        flags: the layout flags that the server stores (``compound``, ``dense`` …); empty on a model; not compared.
        renamed_from: the earlier name, when a model declares one; not compared.
        triggers: the triggers, which models cannot declare; not compared.
        ttl_column: the column that decides when each row expires (ScyllaDB, ``timestamp TTL``), or None.
        class_name: the name of the model, for texts that show Python; empty from a server; not compared.
    """

    keyspace: str | None = None
    options: FrozenMap = attrs.field(factory=FrozenMap, converter=_frozen_map)
    indexes: tuple[Index, ...] = attrs.field(default=(), converter=_indexes)
    flags: frozenset[str] = attrs.field(default=frozenset(), eq=False)
    renamed_from: str | None = attrs.field(default=None, eq=False)
    dropped: FrozenMap = attrs.field(factory=FrozenMap, converter=_frozen_map, eq=False)
    """The columns dropped so far: name to ``"kind type"`` (kind empty on Scylla); not compared."""
    triggers: tuple[Trigger, ...] = attrs.field(default=(), converter=_triggers, eq=False)
    ttl_column: str | None = None
    class_name: str = attrs.field(default="", eq=False, repr=False)

    @property
    def is_counter(self) -> bool:
        """Whether the table holds counters."""
        return any(column.type == COUNTER for column in self.columns)

    @property
    def user_types(self) -> tuple[str, ...]:
        """The names of the user types that its columns use directly."""
        return _user_types(column.type for column in self.columns)


@attrs.frozen
class View(_Columns):
    """A materialized view.

    Attributes:
        base: the raw name of its table, in the same keyspace.
        keyspace: the keyspace; None on a model that leaves it to its repo.
        all_columns: whether it was created with ``SELECT *``, so that it gains the new columns of its table.
        where: the filter as the server prints it; empty on a model, which means "every key IS NOT NULL".
        options: the declared options on a model, all stored options from a server.
        class_name: the name of the class, for texts that show Python; empty from a server; not compared.
    """

    base: str = ""
    keyspace: str | None = None
    all_columns: bool = False
    where: str = ""
    options: FrozenMap = attrs.field(factory=FrozenMap, converter=_frozen_map)
    class_name: str = attrs.field(default="", eq=False, repr=False)


@attrs.frozen
class UserType:
    """A user type.

    Attributes:
        fields: raw names and types in declared order, which is significant.
        renamed: the earlier names of fields that a model declares, by current name; not compared.
    """

    name: str
    fields: tuple[tuple[str, CqlType], ...]
    keyspace: str | None = None
    renamed: FrozenMap = attrs.field(factory=FrozenMap, converter=_frozen_map, eq=False)

    @property
    def user_types(self) -> tuple[str, ...]:
        """The names of the user types that its fields use directly."""
        return _user_types(field_type for _, field_type in self.fields)


@attrs.frozen
class Keyspace:
    """The properties of a keyspace.

    Attributes:
        replication: ``class`` (its last dotted part) and the factors: numbers as text, or rack names as a tuple
            (Scylla); None if not given.
        durable_writes: whether writes go to the commit log.
        tablets: whether the keyspace uses tablets (Scylla); None if not given, and on Cassandra.
        consistency: the mode of strongly consistent tables (Scylla, experimental); None if not given; not compared.
        storage: the storage of the tables if not local disks (Scylla); not compared.
        changing: whether a change of its replication is not finished (Scylla); not compared.
    """

    name: str
    replication: FrozenMap | None = None
    durable_writes: bool = True
    tablets: bool | None = None
    consistency: str | None = attrs.field(default=None, eq=False)
    storage: FrozenMap | None = attrs.field(default=None, eq=False)
    changing: bool = attrs.field(default=False, eq=False)


@attrs.frozen
class Unreadable:
    """A live object that this release cannot read.

    Attributes:
        kind: ``table``, ``view``, ``type``, ``function`` or ``aggregate``.
        reason: what could not be read.
        error: the message of the error that is raised when the object is needed.
        is_partial: whether rows of it were missing, as happens while a server writes them.
    """

    kind: str
    name: str
    reason: str
    error: str = attrs.field(default="", repr=False)
    is_partial: bool = attrs.field(default=False, repr=False)


@attrs.frozen
class Addition:
    """A part of the schema that a newer server stores and this release does not interpret, such as a constraint.

    Attributes:
        what: the column or table of ``system_schema`` in which it is stored, in words.
        name: the raw dotted name of the object to which it belongs.
        value: the stored value as text.
    """

    what: str
    name: str
    value: str


def _additions(additions: Iterable[Addition]) -> tuple[Addition, ...]:
    return tuple(sorted(additions, key=attrgetter("name", "what", "value")))


def _unreadable(facts: Iterable[Unreadable]) -> tuple[Unreadable, ...]:
    return _sorted_by_name(facts)


def _types(facts: Iterable[UserType]) -> tuple[UserType, ...]:
    return _sorted_by_name(facts)


def _tables(facts: Iterable[Table]) -> tuple[Table, ...]:
    return _sorted_by_name(facts)


def _views(facts: Iterable[View]) -> tuple[View, ...]:
    return _sorted_by_name(facts)


@attrs.frozen
class KeyspaceFacts:
    """One keyspace with its objects, sorted by raw name within each kind.

    Attributes:
        keyspace: None when the live keyspace does not exist, or when no repo describes it.
        functions, aggregates: user-defined ones, which models cannot declare; not compared.
        unreadable: live objects that could not be read; not compared.
        additions: what a newer server stores besides, kept unchanged; not compared.
    """

    name: str
    keyspace: Keyspace | None = None
    types: tuple[UserType, ...] = attrs.field(default=(), converter=_types)
    tables: tuple[Table, ...] = attrs.field(default=(), converter=_tables)
    views: tuple[View, ...] = attrs.field(default=(), converter=_views)
    functions: tuple[Function, ...] = attrs.field(default=(), converter=_functions, eq=False)
    aggregates: tuple[Aggregate, ...] = attrs.field(default=(), converter=_aggregates, eq=False)
    unreadable: tuple[Unreadable, ...] = attrs.field(default=(), converter=_unreadable, eq=False)
    additions: tuple[Addition, ...] = attrs.field(default=(), converter=_additions, eq=False)

    def type(self, name: str) -> UserType | None:
        """The user type of this raw name, or None.

        Raises:
            IntrospectionError: it exists and could not be read. `table` and `view` raise it, too.
        """
        self.check_readable((), (name,))
        return next((user_type for user_type in self.types if user_type.name == name), None)

    def table(self, name: str) -> Table | None:
        """The table of this raw name, or None."""
        self.check_readable((name,))
        return next((table for table in self.tables if table.name == name), None)

    def view(self, name: str) -> View | None:
        """The view of this raw name, or None."""
        self.check_readable((name,))
        return next((view for view in self.views if view.name == name), None)

    def check_readable(self, relations: Collection[str], types: Collection[str] = ()) -> None:
        """Raise if one of these tables, views or user types could not be read.

        Raises:
            IntrospectionError: one of them could not be read.
        """
        for item in self.unreadable:
            names = {"table": relations, "view": relations, "type": types}.get(item.kind, ())
            if item.name in names:
                raise IntrospectionError(item.error, object=f"{self.name}.{item.name}")


def _keyspaces(facts: Iterable[KeyspaceFacts]) -> tuple[KeyspaceFacts, ...]:
    return _sorted_by_name(facts)


@attrs.frozen
class SchemaFacts:
    """Several keyspaces by name: the models of one repo, or one read of a server."""

    keyspaces: tuple[KeyspaceFacts, ...] = attrs.field(default=(), converter=_keyspaces)

    def __getitem__(self, name: str) -> KeyspaceFacts:
        for keyspace in self.keyspaces:
            if keyspace.name == name:
                return keyspace
        raise KeyError(f"no facts of the keyspace {name!r}")

    def __iter__(self) -> Iterator[KeyspaceFacts]:
        return iter(self.keyspaces)
