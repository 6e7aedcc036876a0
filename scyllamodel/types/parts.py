"""The parts of a hint: a CQL type with the two ways of its values, and how parts are put together.

`natural` gives the part of a CQL type when no annotation says more; `adopt` puts a CQL type in the place of the one
that an annotation would mean by itself, where the values are of the same kind: ``int`` fits ``int`` and ``varint``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs

from scyllamodel.types import converters as to
from scyllamodel.types.faults import HintFault
from scyllamodel.types.values import (
    CqlType,
    ListType,
    MapType,
    Native,
    SetType,
    TupleType,
    UserTypeName,
    VectorType,
    is_multi_cell,
    parts,
)


@attrs.frozen
class Part:
    """What one annotation, or a piece of one, comes to.

    Attributes:
        type: in normal form.
        load: driver value to Python value; None when it is right as it comes.
        dump: Python value to what the driver serialises; None likewise.
        make: the Python container; None for what is no collection.
        hashable: whether its Python values are.
    """

    type: CqlType
    load: to.MaybeConvert = None
    dump: to.MaybeConvert = None
    make: Callable[[], Any] | None = None
    hashable: bool = True

    @property
    def empty(self) -> Callable[[], Any] | None:
        """What makes the value that a null stands for: servers keep an empty collection as null unless it is frozen."""
        return self.make if is_multi_cell(self.type) else None


def list_part(element: Part) -> Part:
    """``list<element>``; loaded as a copy, so that a change in place is seen beside the row it came in."""
    return Part(
        ListType(element.type), to.each(element.load, list), to.dump_each(element.dump, list), list, hashable=False
    )


def vector_part(element: Part, dimension: int) -> Part:
    """``vector<element, dimension>``, whose values are lists."""
    return attrs.evolve(list_part(element), type=VectorType(element.type, dimension))


def set_part(element: Part) -> Part:
    """``set<element>``."""
    dump = to.dump_each(element.dump, set)
    return Part(SetType(element.type), to.each(element.load, set), dump, set, hashable=False)


def frozenset_part(element: Part) -> Part:
    """``frozen<set<element>>``."""
    dump = to.dump_each(element.dump, frozenset)
    return Part(SetType(element.type, frozen=True), to.each(element.load, frozenset), dump, frozenset)


def map_part(key: Part, value: Part) -> Part:
    """``map<key, value>``."""
    load, dump = to.load_map(key.load, value.load), to.dump_map(key.dump, value.dump)
    return Part(MapType(key.type, value.type), load, dump, dict, hashable=False)


def tuple_part(elements: Sequence[Part]) -> Part:
    """``frozen<tuple<…>>``, whose elements may be None."""
    load = to.tuple_items([element.load for element in elements])
    dump = to.tuple_items([element.dump for element in elements])
    cql_type = TupleType(tuple(element.type for element in elements))
    return Part(cql_type, load, dump, hashable=all(element.hashable for element in elements))


_NATURAL: Final = {
    "date": (to.load_date, to.dump_date),
    "time": (to.load_time, to.dump_time),
    "timestamp": (to.load_timestamp, to.dump_timestamp),
    "inet": (to.load_inet, to.dump_inet),
    "duration": (to.load_duration, None),
}


def natural(cql_type: CqlType) -> Part:
    """The part of a CQL type when no annotation says more: its values in Python's own types.

    A user type has no class here, so its values stay what the driver makes of them, which may hold a list and so be
    unfit for a Python set; sets and maps of what cannot be hashed stay the driver's too.
    """
    if isinstance(cql_type, Native):
        return Part(cql_type, *_NATURAL.get(cql_type.name, (None, None)))
    inside = [natural(part) for part in parts(cql_type)]
    keyed = isinstance(cql_type, (SetType, MapType))
    if not inside or (keyed and not inside[0].hashable):
        return Part(cql_type, hashable=False)
    if isinstance(cql_type, (ListType, VectorType)):
        made = list_part(inside[0])
    elif isinstance(cql_type, TupleType):
        made = tuple_part(inside)
    else:
        made = set_part(inside[0]) if isinstance(cql_type, SetType) else map_part(inside[0], inside[1])
    return attrs.evolve(made, type=cql_type)


_FAMILIES: Final = {
    name: family
    for family, names in {
        "int": "tinyint smallint int bigint varint counter",
        "float": "float double",
        "str": "ascii text",
        "UUID": "uuid timeuuid",
    }.items()
    for name in names.split()
}


def _alike(own: CqlType, wanted: CqlType) -> bool:
    """Whether values of the one are of the same Python kind as values of the other."""
    if isinstance(own, Native) and isinstance(wanted, Native):
        return _FAMILIES.get(own.name, own.name) == _FAMILIES.get(wanted.name, wanted.name)
    if isinstance(own, UserTypeName) and isinstance(wanted, UserTypeName):
        return own.name == wanted.name
    if isinstance(own, ListType) and isinstance(wanted, VectorType):
        return _alike(own.element, wanted.element)
    if isinstance(own, VectorType) and isinstance(wanted, VectorType) and own.dimension != wanted.dimension:
        return False
    ours, theirs = parts(own), parts(wanted)
    return type(own) is type(wanted) and len(ours) == len(theirs) > 0 and all(map(_alike, ours, theirs))


def adopt(part: Part, wanted: CqlType, shown: str) -> Part:
    """The part with the wanted type in place of its own.

    Raises:
        HintFault: values of the annotation, given as ``shown``, are not values of that type.
    """
    if not _alike(part.type, wanted):
        raise HintFault(
            f"{shown} is {part.type.cql}, whose values are not those of {wanted.cql}",
            f"Write an annotation that fits {wanted.cql}, or give column() load= and dump= as well.",
        )
    return attrs.evolve(part, type=wanted)
