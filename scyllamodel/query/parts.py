"""What a target of an expression is made of: its type, its converters, its name in CQL.

Comes in: a target, such as ``Order.lines["apple"]``. Goes out: a `Marker` for a value that is compared with it or put
there. It is separate because every statement asks, and the answer is worked out once for each column.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import attrs

from scyllamodel.errors import UnknownColumn
from scyllamodel.model.column import Column
from scyllamodel.model.definition import class_body_of, merge_columns
from scyllamodel.model.expression import (
    CallTarget,
    ColumnTarget,
    ElementTarget,
    FieldTarget,
    Target,
    TupleTarget,
)
from scyllamodel.query.memory import cache_for
from scyllamodel.query.statement import Marker
from scyllamodel.types.converters import convert_each
from scyllamodel.types.display import Show, show_nothing
from scyllamodel.types.hints import TypeMapping, map_annotation, unwrapped_type
from scyllamodel.types.values import ListType, MapType, Native, SetType, TupleType, is_multi_cell

_LIST_INDEX: Final = map_annotation(int, type=Native("int"))
_UNKNOWN: Final = Marker("value")


def columns_of(model: type) -> Mapping[str, Column[Any]]:
    """The columns of a model or view, by the names of their attributes."""
    return cache_for(model).columns


def has_list(model: type, names: Iterable[str]) -> bool:
    """Whether one of these columns is a list each of whose elements is a cell."""
    columns = columns_of(model)
    types = [columns[name].type_mapping.type for name in names]
    return any(isinstance(one, ListType) and is_multi_cell(one) for one in types)


def model_of(row: object) -> type[Any]:
    """The class of an instance."""
    return type(row)


def column_of(target: ColumnTarget) -> Column[Any]:
    """The column that a target speaks of."""
    return cache_for(target.model).columns[target.column]


def base_of(target: Target) -> ColumnTarget | None:
    """The column in which a target lies; None for the result of a function and for several columns."""
    if isinstance(target, (ElementTarget, FieldTarget)):
        return target.base
    return target if isinstance(target, ColumnTarget) else None


@attrs.frozen
class ElementTypes:
    """The types inside of a column, as far as its annotation tells.

    Attributes:
        key: of a map; the position of a list.
        element: what a list, set or vector holds; the value of a map.
    """

    key: TypeMapping | None = None
    element: TypeMapping | None = None


def element_types_of(column: Column[Any]) -> ElementTypes:
    """What is inside of a column; with converters of its own its inside is unknown."""
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
    """The name in CQL and the type of a field of a user type, by the name of its attribute.

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
    """The marker of a value of this type; None is whatever the server takes there.

    Parameters:
        show: how values of the column are shown in which it lies.
    """
    if type_mapping is None:
        return Marker(name, show=show)
    return Marker(
        name, type_mapping.type, type_mapping.dump, show_nothing if show is show_nothing else type_mapping.show
    )


def _target_marker(target: Target, type_mapping: TypeMapping | None) -> Marker:
    return make_marker(str(target), type_mapping, target.show)


def marker_of(target: Target) -> Marker:
    """The marker of a value for this target."""
    if isinstance(target, ColumnTarget):
        return cache_for(target.model).markers[target.column]
    if isinstance(target, ElementTarget):  # without the key, for the next statement of this shape has another
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
            raise ValueError(f"{len(markers)} values are needed, one for each of {target}")
        return tuple(element.dump(item) if element.dump else item for element, item in zip(markers, items, strict=True))

    return Marker(str(target), tuple_type, dump, target.show)


def key_marker(target: ElementTarget) -> Marker:
    """The marker of the key or position inside of an element's target."""
    return make_marker(f"the key of {target.base}", element_types_of(column_of(target.base)).key, target.show)


def element_marker(target: Target, role: str) -> Marker:
    """The marker of one element (``"element"``) or key (``"key"``) that a collection is asked for."""
    base = base_of(target)
    element_types = ElementTypes() if base is None else element_types_of(column_of(base))
    return _target_marker(target, element_types.key if role == "key" else element_types.element)


def map_keys_marker(target: Target) -> Marker:
    """The marker of a set of keys that are taken out of a map."""
    single = element_marker(target, "key")
    return attrs.evolve(
        single, type=None if single.type is None else SetType(single.type), dump=convert_each(single.dump, set)
    )


def list_marker(element_marker: Marker, *, nulls: bool = False) -> Marker:
    """The marker of a list of such values, as ``IN ?`` takes it.

    Parameters:
        nulls: whether some of them may be null, as in IF.
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
            raise ValueError("a partition key is not empty")
        return dumped_values

    return dumped


def _keeping_nulls(dump: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda values: [None if value is None else dump(value) for value in values]


def columns_in(targets: Iterable[Any]) -> Iterable[ColumnTarget]:
    """Every column that these targets speak of."""
    for target in targets:
        if isinstance(target, CallTarget):
            yield from columns_in(target.arguments)
        elif isinstance(target, TupleTarget):
            yield from target.columns
        elif isinstance(target, (ColumnTarget, ElementTarget, FieldTarget)):
            base = base_of(target)
            if base is not None:
                yield base
