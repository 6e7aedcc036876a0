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
from scyllamodel.model.definition import body_of, merged
from scyllamodel.model.expression import (
    CallTarget,
    ColumnTarget,
    ElementTarget,
    FieldTarget,
    Target,
    TupleTarget,
)
from scyllamodel.query.memory import memory_of
from scyllamodel.query.statement import Marker
from scyllamodel.types.converters import convert_each
from scyllamodel.types.display import Show, show_nothing
from scyllamodel.types.hints import TypeMapping, map_annotation, unwrapped_type
from scyllamodel.types.values import ListType, MapType, Native, SetType, TupleType, is_multi_cell

_INDEX: Final = map_annotation(int, type=Native("int"))
_UNKNOWN: Final = Marker("value")


def columns_of(model: type) -> Mapping[str, Column[Any]]:
    """The columns of a model or view, by the names of their attributes."""
    return memory_of(model).columns


def has_list(model: type, names: Iterable[str]) -> bool:
    """Whether one of these columns is a list each of whose elements is a cell."""
    columns = columns_of(model)
    types = [columns[name].hint.type for name in names]
    return any(isinstance(one, ListType) and is_multi_cell(one) for one in types)


def model_of(row: object) -> type[Any]:
    """The class of an instance."""
    return type(row)


def column_of(target: ColumnTarget) -> Column[Any]:
    """The column that a target speaks of."""
    return memory_of(target.model).columns[target.column]


def base_of(target: Target) -> ColumnTarget | None:
    """The column in which a target lies; None for the result of a function and for several columns."""
    if isinstance(target, (ElementTarget, FieldTarget)):
        return target.base
    return target if isinstance(target, ColumnTarget) else None


@attrs.frozen
class Parts:
    """The types inside of a column, as far as its annotation tells.

    Attributes:
        key: of a map; the position of a list.
        element: what a list, set or vector holds; the value of a map.
    """

    key: TypeMapping | None = None
    element: TypeMapping | None = None


def parts_of(column: Column[Any]) -> Parts:
    """What is inside of a column; with converters of its own its inside is unknown."""
    return memory_of(column.model).once(("parts", column.name), lambda: _parts(column))


def _parts(column: Column[Any]) -> Parts:
    if column.spec.load is not None or column.spec.dump is not None:
        return Parts()
    core = unwrapped_type(column.hint.python)
    args = typing.get_args(core)
    if isinstance(column.hint.type, MapType) and len(args) == 2:
        return Parts(map_annotation(args[0]), map_annotation(args[1]))
    if args and isinstance(column.hint.type, (ListType, SetType)):
        return Parts(_INDEX, map_annotation(args[0]))
    return Parts()


def field_of(column: Column[Any], attribute: str) -> tuple[str, TypeMapping]:
    """The name in CQL and the type of a field of a user type, by the name of its attribute.

    Raises:
        UnknownColumn: the type has no such field.
    """
    return memory_of(column.model).once(("field", column.name, attribute), lambda: _field(column, attribute))


def _field(column: Column[Any], attribute: str) -> tuple[str, TypeMapping]:
    cls = unwrapped_type(column.hint.python)
    bodies = {base: body.columns for base in cls.__mro__ if (body := body_of(base)) is not None}
    found = merged(cls.__mro__, bodies).get(attribute)
    if found is None or found.hint is None:
        names = ", ".join(merged(cls.__mro__, bodies))
        raise UnknownColumn(
            f"{column!r} is a {cls.__qualname__}, which has no field {attribute!r}; it has {names}", column=attribute
        )
    return found.db_name, found.hint


def marker(name: str, hint: TypeMapping | None, show: Show = repr) -> Marker:
    """The marker of a value of this type; None is whatever the server takes there.

    Parameters:
        show: how values of the column are shown in which it lies.
    """
    if hint is None:
        return Marker(name, show=show)
    return Marker(name, hint.type, hint.dump, show_nothing if show is show_nothing else hint.show)


def _marker(target: Target, hint: TypeMapping | None) -> Marker:
    return marker(str(target), hint, target.show)


def marker_of(target: Target) -> Marker:
    """The marker of a value for this target."""
    if isinstance(target, ColumnTarget):
        return memory_of(target.model).markers[target.column]
    if isinstance(target, ElementTarget):  # without the key, for the next statement of this shape has another
        return marker(f"{target.base}[…]", parts_of(column_of(target.base)).element, target.show)
    if isinstance(target, FieldTarget):
        return _marker(target, field_of(column_of(target.base), target.field)[1])
    if isinstance(target, TupleTarget):
        return _tuple_marker(target)
    return attrs.evolve(_UNKNOWN, name=str(target), show=target.show)


def _tuple_marker(target: TupleTarget) -> Marker:
    markers = [marker_of(column) for column in target.columns]
    types = [marker.type for marker in markers]
    whole = TupleType(tuple(one for one in types if one is not None))

    def dump(value: Any) -> tuple[Any, ...]:
        items = tuple(value)
        if len(items) != len(markers):
            raise ValueError(f"{len(markers)} values are needed, one for each of {target}")
        return tuple(m.dump(item) if m.dump else item for m, item in zip(markers, items, strict=True))

    return Marker(str(target), whole, dump, target.show)


def key_marker(target: ElementTarget) -> Marker:
    """The marker of the key or position inside of an element's target."""
    return marker(f"the key of {target.base}", parts_of(column_of(target.base)).key, target.show)


def inside_marker(target: Target, what: str) -> Marker:
    """The marker of one element (``"element"``) or key (``"key"``) that a collection is asked for."""
    base = base_of(target)
    parts = Parts() if base is None else parts_of(column_of(base))
    return _marker(target, parts.key if what == "key" else parts.element)


def keys_marker(target: Target) -> Marker:
    """The marker of a set of keys that are taken out of a map."""
    one = inside_marker(target, "key")
    return attrs.evolve(one, type=None if one.type is None else SetType(one.type), dump=convert_each(one.dump, set))


def many(one: Marker, *, nulls: bool = False) -> Marker:
    """The marker of a list of such values, as ``IN ?`` takes it.

    Parameters:
        nulls: whether some of them may be null, as in IF.
    """
    dump = _but_nulls(one.dump) if nulls and one.dump else convert_each(one.dump, None)
    if one.filled:
        dump = _none_empty(dump)
    listed = None if one.type is None else ListType(one.type)
    return attrs.evolve(one, type=listed, dump=dump, required=False, filled=False, holds_nulls=nulls)


def _none_empty(dump: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
    def dumped(values: Any) -> Any:
        found = values if dump is None else dump(values)
        if "" in found or b"" in found:
            raise ValueError("a partition key is not empty")
        return found

    return dumped


def _but_nulls(dump: Callable[[Any], Any]) -> Callable[[Any], Any]:
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
