"""Codecs: a CQL type with the converters of its values, and the composition of codecs.

One function returns the default codec of a CQL type, another replaces the CQL type of a codec with one whose values
have the same Python class: an ``int`` can be ``int`` or ``varint``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import attrs

from scyllamodel.types import converters as to
from scyllamodel.types.cql_types import (
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
from scyllamodel.types.errors import AnnotationError


@attrs.frozen
class Codec:
    """The CQL type and the converters of an annotation or of a part of one.

    Attributes:
        type: the CQL type, in normal form.
        load: converts the driver's value to the Python value; None: no conversion.
        dump: converts the Python value to the driver's value; None: no conversion.
        container: the Python container of a collection; None for other types.
        hashable: whether the Python values are hashable.
    """

    type: CqlType
    load: to.OptionalConverter = None
    dump: to.OptionalConverter = None
    container: Callable[[], Any] | None = None
    hashable: bool = True

    @property
    def empty(self) -> Callable[[], Any] | None:
        """The function that returns the value for a null, which is how servers store an empty non-frozen collection."""
        return self.container if is_multi_cell(self.type) else None


def list_codec(element: Codec) -> Codec:
    """Return the codec of ``list<element>``; lists are loaded as copies, so that changes in place are detected."""
    return Codec(
        ListType(element.type),
        to.convert_each(element.load, list),
        to.collection_dumper(element.dump, list),
        list,
        hashable=False,
    )


def vector_codec(element: Codec, dimension: int) -> Codec:
    """Return the codec of ``vector<element, dimension>``, whose values are lists."""
    return attrs.evolve(list_codec(element), type=VectorType(element.type, dimension))


def set_codec(element: Codec) -> Codec:
    """Return the codec of ``set<element>``."""
    dump = to.collection_dumper(element.dump, set)
    return Codec(SetType(element.type), to.convert_each(element.load, set), dump, set, hashable=False)


def frozenset_codec(element: Codec) -> Codec:
    """Return the codec of ``frozen<set<element>>``."""
    dump = to.collection_dumper(element.dump, frozenset)
    return Codec(SetType(element.type, frozen=True), to.convert_each(element.load, frozenset), dump, frozenset)


def map_codec(key: Codec, value: Codec) -> Codec:
    """Return the codec of ``map<key, value>``."""
    load, dump = to.map_loader(key.load, value.load), to.map_dumper(key.dump, value.dump)
    return Codec(MapType(key.type, value.type), load, dump, dict, hashable=False)


def tuple_codec(elements: Sequence[Codec]) -> Codec:
    """Return the codec of ``frozen<tuple<…>>``, whose elements may be None."""
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
    """Return the default codec of a CQL type, for values in Python's own types.

    A user type has no class here, so its values remain those of the driver. They may contain a list and thus be
    unhashable; sets and maps of unhashable values remain those of the driver too.
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
    """Whether the values of both types have the same Python class."""
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
    """Return a codec with its CQL type replaced.

    Raises:
        AnnotationError: the values of the annotation are not values of that type.
    """
    if not _has_same_python_class(codec.type, cql_type):
        raise AnnotationError(
            f"{annotation} is {codec.type.cql}, whose values do not fit {cql_type.cql}",
            f"Write an annotation that fits {cql_type.cql}, or pass load= and dump= to column().",
        )
    return attrs.evolve(codec, type=cql_type)
