"""The types, converters and CQL names of the targets of expressions.

In: a target, such as ``Order.lines["apple"]``. Out: a `Marker` for a value that is compared with it or assigned to it.
All statements use this module; the results are computed once for each column.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import attrs

from scyllamodel.errors import UnknownColumn
from scyllamodel.model.class_body import class_body_of, merge_columns
from scyllamodel.model.column import Column
from scyllamodel.model.expression import (
    CallTarget,
    ColumnTarget,
    ElementTarget,
    FieldTarget,
    Target,
    TupleTarget,
)
from scyllamodel.query.model_cache import cache_for
from scyllamodel.query.statement import Marker
from scyllamodel.types.annotations import TypeMapping, map_annotation, unwrapped_type
from scyllamodel.types.converters import convert_each
from scyllamodel.types.cql_types import ListType, MapType, Native, SetType, TupleType, is_multi_cell
from scyllamodel.types.display import Show, show_nothing

_LIST_INDEX: Final = map_annotation(int, type=Native("int"))
_UNKNOWN: Final = Marker("value")


def columns_of(model: type) -> Mapping[str, Column[Any]]:
    """Return the columns of a model or view, by attribute."""
    return cache_for(model).columns


def has_list(model: type, names: Iterable[str]) -> bool:
    """Whether one of these columns is a non-frozen list."""
    columns = columns_of(model)
    types = [columns[name].type_mapping.type for name in names]
    return any(isinstance(cql_type, ListType) and is_multi_cell(cql_type) for cql_type in types)


def model_of(row: object) -> type[Any]:
    """Return the class of an instance."""
    return type(row)


def column_of(target: ColumnTarget) -> Column[Any]:
    """Return the column of a target."""
    return cache_for(target.model).columns[target.column]


def base_of(target: Target) -> ColumnTarget | None:
    """Return the column that contains a target; None for function results and for several columns."""
    if isinstance(target, (ElementTarget, FieldTarget)):
        return target.base
    return target if isinstance(target, ColumnTarget) else None


@attrs.frozen
class ElementTypes:
    """The types inside a column, as far as its annotation declares them.

    Attributes:
        key: the key type of a map; the index type of a list.
        element: the element type of a list, set or vector; the value type of a map.
    """

    key: TypeMapping | None = None
    element: TypeMapping | None = None


def element_types_of(column: Column[Any]) -> ElementTypes:
    """Return the types inside a column; they are unknown for a column with its own converters."""
    return cache_for(column.model).computed(("parts", column.name), lambda: _element_types(column))


def _element_types(column: Column[Any]) -> ElementTypes:
    if column.spec.load is not None or column.spec.dump is not None:
        return ElementTypes()
    core = unwrapped_type(column.type_mapping.python)
    arguments = typing.get_args(core)
    if isinstance(column.type_mapping.type, MapType) and len(arguments) == 2:
        return ElementTypes(map_annotation(arguments[0]), map_annotation(arguments[1]))
    if arguments and isinstance(column.type_mapping.type, (ListType, SetType)):
        return ElementTypes(_LIST_INDEX, map_annotation(arguments[0]))
    return ElementTypes()


def field_of(column: Column[Any], attribute: str) -> tuple[str, TypeMapping]:
    """Return the CQL name and the type of a field of a user type, by attribute.

    Raises:
        UnknownColumn: the type has no such field.
    """
    return cache_for(column.model).computed(
        ("field", column.name, attribute), lambda: _user_type_field(column, attribute)
    )


def _user_type_field(column: Column[Any], attribute: str) -> tuple[str, TypeMapping]:
    cls = unwrapped_type(column.type_mapping.python)
    bodies = {base: body.columns for base in cls.__mro__ if (body := class_body_of(base)) is not None}
    declaration = merge_columns(cls.__mro__, bodies).get(attribute)
    if declaration is None or declaration.type_mapping is None:
        names = ", ".join(merge_columns(cls.__mro__, bodies))
        raise UnknownColumn(
            f"{column!r} is a {cls.__qualname__}, which has no field {attribute!r}; it has {names}", column=attribute
        )
    return declaration.db_name, declaration.type_mapping


def make_marker(name: str, type_mapping: TypeMapping | None, show: Show = repr) -> Marker:
    """Return the marker of a value of this type; None: the type that the server reports.

    Parameters:
        show: how values of the column are shown.
    """
    if type_mapping is None:
        return Marker(name, show=show)
    return Marker(
        name, type_mapping.type, type_mapping.dump, show_nothing if show is show_nothing else type_mapping.show
    )


def _target_marker(target: Target, type_mapping: TypeMapping | None) -> Marker:
    return make_marker(str(target), type_mapping, target.show)


def marker_of(target: Target) -> Marker:
    """Return the marker of a value for this target."""
    if isinstance(target, ColumnTarget):
        return cache_for(target.model).markers[target.column]
    if isinstance(target, ElementTarget):  # without the key, which differs in the next statement with this template
        return make_marker(f"{target.base}[…]", element_types_of(column_of(target.base)).element, target.show)
    if isinstance(target, FieldTarget):
        return _target_marker(target, field_of(column_of(target.base), target.field)[1])
    if isinstance(target, TupleTarget):
        return _tuple_marker(target)
    return attrs.evolve(_UNKNOWN, name=str(target), show=target.show)


def _tuple_marker(target: TupleTarget) -> Marker:
    markers = [marker_of(column) for column in target.columns]
    types = [marker.type for marker in markers]
    tuple_type = TupleType(tuple(element_type for element_type in types if element_type is not None))

    def dump(value: Any) -> tuple[Any, ...]:
        items = tuple(value)
        if len(items) != len(markers):
            raise ValueError(f"{len(markers)} values are expected, one for each of {target}")
        return tuple(element.dump(item) if element.dump else item for element, item in zip(markers, items, strict=True))

    return Marker(str(target), tuple_type, dump, target.show)


def key_marker(target: ElementTarget) -> Marker:
    """Return the marker of the key or index of an element."""
    return make_marker(f"the key of {target.base}", element_types_of(column_of(target.base)).key, target.show)


def element_marker(target: Target, role: str) -> Marker:
    """Return the marker of one element (``"element"``) or key (``"key"``) that a condition searches in a collection."""
    base = base_of(target)
    element_types = ElementTypes() if base is None else element_types_of(column_of(base))
    return _target_marker(target, element_types.key if role == "key" else element_types.element)


def map_keys_marker(target: Target) -> Marker:
    """Return the marker of a set of keys that are removed from a map."""
    single = element_marker(target, "key")
    return attrs.evolve(
        single, type=None if single.type is None else SetType(single.type), dump=convert_each(single.dump, set)
    )


def list_marker(element_marker: Marker, *, nulls: bool = False) -> Marker:
    """Return the marker of a list of such values, for ``IN ?``.

    Parameters:
        nulls: whether elements may be null, as in IF.
    """
    dump = (
        _keeping_nulls(element_marker.dump)
        if nulls and element_marker.dump
        else convert_each(element_marker.dump, None)
    )
    if element_marker.not_empty:
        dump = _without_empty_keys(dump)
    list_type = None if element_marker.type is None else ListType(element_marker.type)
    return attrs.evolve(element_marker, type=list_type, dump=dump, required=False, not_empty=False, holds_nulls=nulls)


def _without_empty_keys(dump: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
    def dumped(values: Any) -> Any:
        dumped_values = values if dump is None else dump(values)
        if "" in dumped_values or b"" in dumped_values:
            raise ValueError("a partition key cannot be empty")
        return dumped_values

    return dumped


def _keeping_nulls(dump: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda values: [None if value is None else dump(value) for value in values]


def columns_in(targets: Iterable[Any]) -> Iterable[ColumnTarget]:
    """Yield every column in these targets."""
    for target in targets:
        if isinstance(target, CallTarget):
            yield from columns_in(target.arguments)
        elif isinstance(target, TupleTarget):
            yield from target.columns
        elif isinstance(target, (ColumnTarget, ElementTarget, FieldTarget)):
            base = base_of(target)
            if base is not None:
                yield base
