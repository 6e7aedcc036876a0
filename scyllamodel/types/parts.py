"""Codecs: a CQL type with the converters of its values, and how codecs are composed.

`default_codec` gives the codec of a CQL type when no annotation says more; `override_type` replaces the CQL type that
an annotation alone would mean, where the values are of the same kind: ``int`` fits ``int`` and ``varint``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs

from scyllamodel.types import converters as to
from scyllamodel.types.faults import AnnotationError
from scyllamodel.types.values import (
    CqlType,
    ListType,
    MapType,
    Native,
    SetType,
    TupleType,
    UserTypeName,
    VectorType,
    element_types,
    is_multi_cell,
)


@attrs.frozen
class Codec:
    """What one annotation, or a piece of one, comes to.

    Attributes:
        type: in normal form.
        load: driver value to Python value; None when it is right as it comes.
        dump: Python value to what the driver serialises; None likewise.
        container: the Python container; None for what is no collection.
        hashable: whether its Python values are.
    """

    type: CqlType
    load: to.OptionalConverter = None
    dump: to.OptionalConverter = None
    container: Callable[[], Any] | None = None
    hashable: bool = True

    @property
    def empty(self) -> Callable[[], Any] | None:
        """What makes the value that a null stands for: servers keep an empty collection as null unless it is frozen."""
        return self.container if is_multi_cell(self.type) else None


def list_codec(element: Codec) -> Codec:
    """``list<element>``; loaded as a copy, so that a change in place is seen beside the row it came in."""
    return Codec(
        ListType(element.type),
        to.convert_each(element.load, list),
        to.collection_dumper(element.dump, list),
        list,
        hashable=False,
    )


def vector_codec(element: Codec, dimension: int) -> Codec:
    """``vector<element, dimension>``, whose values are lists."""
    return attrs.evolve(list_codec(element), type=VectorType(element.type, dimension))


def set_codec(element: Codec) -> Codec:
    """``set<element>``."""
    dump = to.collection_dumper(element.dump, set)
    return Codec(SetType(element.type), to.convert_each(element.load, set), dump, set, hashable=False)


def frozenset_codec(element: Codec) -> Codec:
    """``frozen<set<element>>``."""
    dump = to.collection_dumper(element.dump, frozenset)
    return Codec(SetType(element.type, frozen=True), to.convert_each(element.load, frozenset), dump, frozenset)


def map_codec(key: Codec, value: Codec) -> Codec:
    """``map<key, value>``."""
    load, dump = to.map_loader(key.load, value.load), to.map_dumper(key.dump, value.dump)
    return Codec(MapType(key.type, value.type), load, dump, dict, hashable=False)


def tuple_codec(elements: Sequence[Codec]) -> Codec:
    """``frozen<tuple<…>>``, whose elements may be None."""
    load = to.tuple_converter([element.load for element in elements])
    dump = to.tuple_converter([element.dump for element in elements])
    cql_type = TupleType(tuple(element.type for element in elements))
    return Codec(cql_type, load, dump, hashable=all(element.hashable for element in elements))


_DEFAULT_CONVERTERS: Final = {
    "date": (to.load_date, to.dump_date),
    "time": (to.load_time, to.dump_time),
    "timestamp": (to.load_timestamp, to.dump_timestamp),
    "inet": (to.load_inet, to.dump_inet),
    "duration": (to.load_duration, None),
}


def default_codec(cql_type: CqlType) -> Codec:
    """The part of a CQL type when no annotation says more: its values in Python's own types.

    A user type has no class here, so its values stay what the driver makes of them, which may hold a list and so be
    unfit for a Python set; sets and maps of what cannot be hashed stay the driver's too.
    """
    if isinstance(cql_type, Native):
        return Codec(cql_type, *_DEFAULT_CONVERTERS.get(cql_type.name, (None, None)))
    element_codecs = [default_codec(element_type) for element_type in element_types(cql_type)]
    needs_hashable = isinstance(cql_type, (SetType, MapType))
    if not element_codecs or (needs_hashable and not element_codecs[0].hashable):
        return Codec(cql_type, hashable=False)
    if isinstance(cql_type, (ListType, VectorType)):
        codec = list_codec(element_codecs[0])
    elif isinstance(cql_type, TupleType):
        codec = tuple_codec(element_codecs)
    else:
        codec = (
            set_codec(element_codecs[0])
            if isinstance(cql_type, SetType)
            else map_codec(element_codecs[0], element_codecs[1])
        )
    return attrs.evolve(codec, type=cql_type)


_PYTHON_CLASSES: Final = {
    name: family
    for family, names in {
        "int": "tinyint smallint int bigint varint counter",
        "float": "float double",
        "str": "ascii text",
        "UUID": "uuid timeuuid",
    }.items()
    for name in names.split()
}


def _has_same_python_class(source: CqlType, target: CqlType) -> bool:
    """Whether values of the one are of the same Python kind as values of the other."""
    if isinstance(source, Native) and isinstance(target, Native):
        return _PYTHON_CLASSES.get(source.name, source.name) == _PYTHON_CLASSES.get(target.name, target.name)
    if isinstance(source, UserTypeName) and isinstance(target, UserTypeName):
        return source.name == target.name
    if isinstance(source, ListType) and isinstance(target, VectorType):
        return _has_same_python_class(source.element, target.element)
    if isinstance(source, VectorType) and isinstance(target, VectorType) and source.dimension != target.dimension:
        return False
    source_parts, target_parts = element_types(source), element_types(target)
    return (
        type(source) is type(target)
        and len(source_parts) == len(target_parts) > 0
        and all(map(_has_same_python_class, source_parts, target_parts))
    )


def override_type(codec: Codec, cql_type: CqlType, annotation: str) -> Codec:
    """The part with the wanted type in place of its own.

    Raises:
        AnnotationError: values of the annotation, given as ``annotation``, are not values of that type.
    """
    if not _has_same_python_class(codec.type, cql_type):
        raise AnnotationError(
            f"{annotation} is {codec.type.cql}, whose values are not those of {cql_type.cql}",
            f"Write an annotation that fits {cql_type.cql}, or give column() load= and dump= as well.",
        )
    return attrs.evolve(codec, type=cql_type)
