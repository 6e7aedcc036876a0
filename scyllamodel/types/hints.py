"""An annotation -> the CQL type it means, and how values go to the driver and come back.

Comes in: an annotation that is already evaluated, with ``Column[…]`` taken off. Goes out: a `Hint`. It is separate
because columns, fields of user types and columns of views read annotations alike.

========================================  ===========================  ==============================================
annotation                                CQL                          remarks
========================================  ===========================  ==============================================
``str int float bool bytes``              text bigint double boolean   other widths by name: ``cql.Int``, ``cql.Float``
                                          blob
``Decimal UUID datetime date time``       decimal uuid timestamp       datetimes are aware, in UTC when loaded
                                          date time
``IPv4Address | IPv6Address``, either     inet
``class E(str, Enum)``, ``IntEnum``       text, bigint                 by value
``Literal["a", "b"]``, ``Literal[1, 2]``  text, bigint                 checked when written
``list[A] set[A] dict[K, V]``             list set map                 null loads as empty
``frozenset[A]``, ``tuple[A, B]``         frozen
a ``UserType`` class                      its name
``cql.Frozen[A]``                         ``frozen<…>``
``Annotated[list[float], vector(3)]``     ``vector<float, 3>``
``A | None``                              A                            may be null
========================================  ===========================  ==============================================
"""

from __future__ import annotations

import enum
import typing
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from typing import Any, Final, Literal, Union
from uuid import UUID

import attrs

from scyllamodel.types import converters as to
from scyllamodel.types import faults
from scyllamodel.types.aliases import FROZEN, Counter, Float, VectorMark
from scyllamodel.types.display import Show, choose, holds_secrets
from scyllamodel.types.duration import Duration
from scyllamodel.types.faults import HintFault
from scyllamodel.types.parts import (
    Part,
    adopt,
    frozenset_part,
    list_part,
    map_part,
    natural,
    set_part,
    tuple_part,
    vector_part,
)
from scyllamodel.types.peel import CQL_TYPES, peel
from scyllamodel.types.user_values import dump_user_type, is_hashable, is_user_type, load_user_type
from scyllamodel.types.values import (
    COUNTER,
    DURATION,
    CqlType,
    Native,
    UserTypeName,
    freeze,
    user_types,
    walk,
)

__all__ = ["Hint", "HintFault", "core_of", "resolve"]


@attrs.frozen
class Hint:
    """What an annotation comes to.

    Attributes:
        type: the CQL type, in normal form.
        nullable: ``X | None`` at the top.
        python: the annotation itself.
        load: what the driver returns to the Python value, never called with None; None when the value is right.
        dump: the Python value to what the driver serialises, likewise.
        empty: makes what a null loads as, for a collection that is neither frozen nor nullable; else None.
        hashable: whether the values are, so that they can be elements of a set or keys of a map.
        secret: whether a user type inside it has a redacted field.
        custom: whether ``load`` or ``dump`` was given by the author of the column, so that nothing is known of the
            class of the values.
    """

    type: CqlType
    nullable: bool
    python: Any
    load: to.MaybeConvert = None
    dump: to.MaybeConvert = None
    empty: Callable[[], Any] | None = None
    hashable: bool = True
    secret: bool = False
    custom: bool = False

    @property
    def show(self) -> Show:
        """How values appear in reprs and errors, unless the whole column is redacted."""
        return choose(redact=False, secret=self.secret)


def resolve(
    hint: Any, *, type: CqlType | Any = None, load: to.MaybeConvert = None, dump: to.MaybeConvert = None
) -> Hint:
    """What this annotation means.

    >>> resolve(dict[str, list[int] | None] | None)
    Traceback (most recent call last):
        ...
    scyllamodel.types.faults.HintFault: a map holds no nulls, so list[int] | None cannot be in it
      Write it without None.
    >>> resolve(dict[str, list[int]] | None).type.cql
    'map<text, frozen<list<bigint>>>'

    Parameters:
        hint: the annotation; with ``load`` and ``dump`` it may be any class.
        type: the CQL type, as a value or as an annotation such as ``cql.Int``; None: what the annotation says.
        load: from the natural Python value of the CQL type to a value of the annotation.
        dump: from a value of the annotation to what the driver takes; its result is used as it is.

    Raises:
        HintFault: this cannot be a column.
    """
    core, nullable, marks = peel(hint)
    custom = bool(load or dump)
    part = _custom(core, marks, type, load, dump) if custom else _marked(core, marks)
    if type is not None and not custom:
        part = adopt(part, _part_of(type).type, faults.shown(core))
    empty = None if nullable else part.empty
    secret = holds_secrets(hint) or holds_secrets(type)
    return Hint(part.type, nullable, hint, part.load, part.dump, empty, part.hashable, secret, custom)


def core_of(hint: Any) -> Any:
    """The type inside an annotation, with what says that it may be null or is frozen taken off."""
    return peel(hint)[0]


def _custom(core: Any, marks: list[Any], type_: Any, load: to.MaybeConvert, dump: to.MaybeConvert) -> Part:
    """The part of a column with converters of its own."""
    part = _marked(core, marks) if type_ is None else _part_of(type_)
    if (load is None or dump is None) and type_ is not None:
        part = _half_custom(core, marks, part.type)
    make = part.make and (partial(_made, load, part.make) if load else part.make)
    hashable = part.hashable if load is None else True  # nobody knows what it makes
    return attrs.evolve(part, load=_after(part.load, load), dump=_dumped(part, dump), make=make, hashable=hashable)


def _dumped(part: Part, dump: to.MaybeConvert) -> to.MaybeConvert:
    """What makes the driver's values of those of a custom type, collections of the class that is read."""
    make: Any = part.make
    if make is None or dump is None:
        return dump or _after(make, part.dump)
    return lambda value: None if (found := dump(value)) is None else make(found)


def _half_custom(core: Any, marks: list[Any], cql_type: CqlType) -> Part:
    """With one converter only, the other way must be that of the annotation itself."""
    try:
        return adopt(_marked(core, marks), cql_type, faults.shown(core))
    except HintFault as fault:
        raise HintFault(fault.text, "Give column() both load= and dump=.") from fault


def _after(first: to.MaybeConvert, then: to.MaybeConvert) -> to.MaybeConvert:
    if first is None or then is None:
        return then or first
    return lambda value: then(first(value))


def _made(load: to.Convert, make: Callable[[], Any]) -> Any:
    return load(make())


_ADDRESSES: Final = {IPv4Address, IPv6Address}
_SCALARS: Final[dict[Any, Part]] = {
    str: Part(Native("text")),
    int: Part(Native("bigint")),
    float: Part(Native("double")),
    bool: Part(Native("boolean")),
    bytes: Part(Native("blob")),
    Decimal: Part(Native("decimal")),
    UUID: Part(Native("uuid")),
    datetime: natural(Native("timestamp")),
    date: natural(Native("date")),
    time: natural(Native("time")),
    IPv4Address: Part(Native("inet"), to.load_ipv4, to.dump_ipv4),
    IPv6Address: Part(Native("inet"), to.load_ipv6, to.dump_ipv6),
    Duration: natural(DURATION),
    Counter: Part(COUNTER),
}


def _part_of(hint: Any) -> Part:
    """The part of a type that was given as a value or as an annotation."""
    if isinstance(hint, CQL_TYPES):
        return natural(hint)
    core, _, marks = peel(hint)
    return _marked(core, marks)


def _marked(core: Any, marks: list[Any]) -> Part:
    vector = next((mark for mark in marks if isinstance(mark, VectorMark)), None)
    part = _plain(core) if vector is None else _vector(core, vector)
    for mark in marks:
        if mark is FROZEN:
            part = _frozen(part, core)
        elif mark is not vector:
            part = adopt(part, mark, faults.shown(core))
    return part


def _frozen(part: Part, core: Any) -> Part:
    if isinstance(part.type, Native):
        raise HintFault(f"{part.type.cql} cannot be frozen", f"Write {faults.shown(core)} without Frozen.")
    return attrs.evolve(part, type=freeze(part.type))


def _vector(core: Any, mark: VectorMark) -> Part:
    if typing.get_origin(core) is not list:
        raise HintFault(f"a vector is a list, not {faults.shown(core)}", "Write Annotated[list[float], cql.vector(3)].")
    (element,) = typing.get_args(core)
    part = _inside(Float if element is float else element, "a vector")
    if mark.of is not None:
        part = adopt(part, _part_of(mark.of).type, faults.shown(element))
    if user_types(part.type):
        raise faults.refuse_user_type_in_vector(element)
    return vector_part(part, mark.dimension)


def _plain(core: Any) -> Part:
    """The part of a type without marks."""
    origin, args = typing.get_origin(core), typing.get_args(core)
    if origin in _CONTAINERS and args:
        return _CONTAINERS[origin](args)
    if origin is Literal:
        return _literal(core, args)
    if origin is Union:
        if set(args) == _ADDRESSES:
            return natural(Native("inet"))
        raise faults.refuse_union(core)
    if isinstance(core, typing.Hashable) and core in _SCALARS:
        return _SCALARS[core]
    if is_user_type(core):
        load, dump = load_user_type(core), dump_user_type(core)
        return Part(UserTypeName(core.__cql_name__), load, dump, hashable=is_hashable(core))
    if isinstance(core, type) and issubclass(core, enum.Enum) and issubclass(core, (str, int)):
        cql_type = Native("text" if issubclass(core, str) else "bigint")
        return Part(cql_type, to.load_enum(core), to.dump_enum(core))
    raise faults.refuse_class(core if origin not in _CONTAINERS else origin)


def _literal(core: Any, args: tuple[Any, ...]) -> Part:
    """The part of ``Literal[…]``: of the type of its values, which are checked when they are written."""
    classes: set[type[Any]] = {one.__class__ for one in args}
    if len(classes) != 1:
        raise HintFault(f"{faults.shown(core)} has values of several types", "Write values of one type, or an enum.")
    part = _plain(classes.pop())
    return attrs.evolve(part, dump=to.dump_literal(args, part.dump))


def _inside(hint: Any, where: str) -> Part:
    """The part of what is inside a collection, tuple or vector."""
    core, nullable, marks = peel(hint)
    if nullable and where != "a tuple":
        raise faults.refuse_null_inside(hint, where)
    part = _marked(core, marks)
    if part.type == COUNTER:
        raise faults.refuse_inside("counter", where)
    return part


def _key(hint: Any, where: str, role: str) -> Part:
    """The part of a set element or map key, which must be hashable here and have an order there."""
    part = _inside(hint, where)
    if not part.hashable:
        raise faults.refuse_unhashable(hint, typing.get_origin(peel(hint)[0]), role)
    if DURATION in walk(part.type):
        raise faults.refuse_inside("duration", role)
    return part


def _tuple(args: tuple[Any, ...]) -> Part:
    if len(args) == 2 and args[1] is Ellipsis:
        raise faults.refuse_any_length(args[0])
    return tuple_part([_inside(arg, "a tuple") for arg in args])


_CONTAINERS: Final[dict[Any, Callable[[tuple[Any, ...]], Part]]] = {
    list: lambda args: list_part(_inside(args[0], "a list")),
    set: lambda args: set_part(_key(args[0], "a set", "an element of a set")),
    frozenset: lambda args: frozenset_part(_key(args[0], "a set", "an element of a set")),
    dict: lambda args: map_part(_key(args[0], "a map", "the key of a map"), _inside(args[1], "a map")),
    tuple: _tuple,
}
