"""Interpretation of annotations: the CQL type, and the conversion of values to and from the driver.

In: an evaluated annotation, without ``Column[…]``. Out: its type mapping. Columns, fields of user types and columns of
views all use this module.

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

import builtins
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
from scyllamodel.types import errors
from scyllamodel.types.aliases import FROZEN, Counter, Float, VectorMark
from scyllamodel.types.codecs import (
    Codec,
    default_codec,
    frozenset_codec,
    list_codec,
    map_codec,
    override_type,
    set_codec,
    tuple_codec,
    vector_codec,
)
from scyllamodel.types.cql_types import (
    COUNTER,
    DURATION,
    CqlType,
    Native,
    UserTypeName,
    freeze,
    native,
    user_type_names,
    walk,
)
from scyllamodel.types.display import Show, display_for, has_redacted_fields
from scyllamodel.types.duration import Duration
from scyllamodel.types.errors import AnnotationError
from scyllamodel.types.unwrap import CQL_TYPES, unwrap
from scyllamodel.types.user_types import is_hashable, is_user_type, user_type_dumper, user_type_loader

__all__ = ["AnnotationError", "TypeMapping", "map_annotation", "unwrapped_type"]


@attrs.frozen
class TypeMapping:
    """The CQL type and the converters of an annotation.

    Attributes:
        type: the CQL type, in normal form.
        nullable: whether the annotation is ``X | None``.
        python: the annotation itself.
        load: converts the driver's value to the Python value; never called with None. None: no conversion.
        dump: converts the Python value to the driver's value; never called with None. None: no conversion.
        empty: returns the value for a null, for a collection that is neither frozen nor nullable; else None.
        hashable: whether the values are hashable, so that they can be elements of a set or keys of a map.
        secret: whether a user type inside it has a redacted field.
        custom: whether the column declares ``load`` or ``dump``; the class of the values is then unknown.
    """

    type: CqlType
    nullable: bool
    python: Any
    load: to.OptionalConverter = None
    dump: to.OptionalConverter = None
    empty: Callable[[], Any] | None = None
    hashable: bool = True
    secret: bool = False
    custom: bool = False

    @property
    def show(self) -> Show:
        """The function that shows values in reprs and errors, unless the whole column is redacted."""
        return display_for(redact=False, secret=self.secret)


def map_annotation(
    annotation: Any, *, type: CqlType | Any = None, load: to.OptionalConverter = None, dump: to.OptionalConverter = None
) -> TypeMapping:
    """Return the CQL type and the converters of an annotation.

    >>> map_annotation(dict[str, list[int] | None] | None)
    Traceback (most recent call last):
        ...
    scyllamodel.types.errors.AnnotationError: a map cannot contain nulls, so list[int] | None cannot be in it
      Write it without None.
    >>> map_annotation(dict[str, list[int]] | None).type.cql
    'map<text, frozen<list<bigint>>>'

    Parameters:
        annotation: the annotation; with ``load`` and ``dump`` it may be any class.
        type: the CQL type, as a value or as an annotation such as ``cql.Int``; None: the type of the annotation.
        load: converts the default Python value of the CQL type to a value of the annotation.
        dump: converts a value of the annotation to a value for the driver; its result is used unchanged.

    Raises:
        AnnotationError: the annotation cannot be a column.
    """
    if type is load is dump is None and annotation.__class__ is builtins.type and annotation in _SCALAR_MAPPINGS:
        return _SCALAR_MAPPINGS[annotation]
    core, nullable, marks = unwrap(annotation)
    custom = bool(load or dump)
    codec = _custom_codec(core, marks, type, load, dump) if custom else _annotated_codec(core, marks)
    if type is not None and not custom:
        codec = override_type(codec, _codec_of(type).type, errors.annotation_text(core))
    empty = None if nullable else codec.empty
    secret = has_redacted_fields(annotation) or has_redacted_fields(type)
    return TypeMapping(codec.type, nullable, annotation, codec.load, codec.dump, empty, codec.hashable, secret, custom)


def unwrapped_type(annotation: Any) -> Any:
    """Return the type in an annotation, without ``| None`` and the metadata of ``Annotated``."""
    return unwrap(annotation)[0]


def _custom_codec(
    core: Any, marks: list[Any], cql_type: Any, load: to.OptionalConverter, dump: to.OptionalConverter
) -> Codec:
    """Return the codec of a column that declares its own converters."""
    codec = _annotated_codec(core, marks) if cql_type is None else _codec_of(cql_type)
    if (load is None or dump is None) and cql_type is not None:
        codec = _inherited_codec(core, marks, codec.type)
    make_empty = codec.container and (partial(_load_empty, load, codec.container) if load else codec.container)
    hashable = codec.hashable if load is None else True  # the class of its result is unknown
    return attrs.evolve(
        codec, load=_chain(codec.load, load), dump=_custom_dump(codec, dump), container=make_empty, hashable=hashable
    )


def _custom_dump(codec: Codec, dump: to.OptionalConverter) -> to.OptionalConverter:
    """Return the converter to the driver's values for a custom type; its collections have the class that is read."""
    container: Any = codec.container
    if container is None or dump is None:
        return dump or _chain(container, codec.dump)
    return lambda value: None if (dumped := dump(value)) is None else container(dumped)


def _inherited_codec(core: Any, marks: list[Any], cql_type: CqlType) -> Codec:
    """Return the codec of the annotation, which supplies the converter that the column does not declare."""
    try:
        return override_type(_annotated_codec(core, marks), cql_type, errors.annotation_text(core))
    except AnnotationError as error:
        raise AnnotationError(error.text, "Give column() both load= and dump=.") from error


def _chain(first: to.OptionalConverter, second: to.OptionalConverter) -> to.OptionalConverter:
    if first is None or second is None:
        return second or first
    return lambda value: second(first(value))


def _load_empty(load: to.Converter, make_empty: Callable[[], Any]) -> Any:
    return load(make_empty())


_ADDRESSES: Final = {IPv4Address, IPv6Address}
_SCALAR_CODECS: Final[dict[Any, Codec]] = {
    str: Codec(native("text")),
    int: Codec(native("bigint")),
    float: Codec(native("double")),
    bool: Codec(native("boolean")),
    bytes: Codec(native("blob")),
    Decimal: Codec(native("decimal")),
    UUID: Codec(native("uuid")),
    datetime: default_codec(native("timestamp")),
    date: default_codec(native("date")),
    time: default_codec(native("time")),
    IPv4Address: Codec(native("inet"), to.load_ipv4, to.dump_ipv4),
    IPv6Address: Codec(native("inet"), to.load_ipv6, to.dump_ipv6),
    Duration: default_codec(DURATION),
    Counter: Codec(COUNTER),
}
_SCALAR_MAPPINGS: Final[dict[Any, TypeMapping]] = {
    scalar: TypeMapping(codec.type, False, scalar, codec.load, codec.dump)  # noqa: FBT003 - not nullable
    for scalar, codec in _SCALAR_CODECS.items()
}
"""Those of plain scalar annotations, which nearly all columns have, made once."""


def _codec_of(annotation: Any) -> Codec:
    """Return the codec of a type that is given as a value or as an annotation."""
    if isinstance(annotation, CQL_TYPES):
        return default_codec(annotation)
    core, _, marks = unwrap(annotation)
    return _annotated_codec(core, marks)


def _annotated_codec(core: Any, marks: list[Any]) -> Codec:
    vector = next((mark for mark in marks if isinstance(mark, VectorMark)), None)
    codec = _unannotated_codec(core) if vector is None else _vector_codec(core, vector)
    for mark in marks:
        if mark is FROZEN:
            codec = _frozen_codec(codec, core)
        elif mark is not vector:
            codec = override_type(codec, mark, errors.annotation_text(core))
    return codec


def _frozen_codec(codec: Codec, core: Any) -> Codec:
    if isinstance(codec.type, Native):
        raise AnnotationError(
            f"{codec.type.cql} cannot be frozen", f"Write {errors.annotation_text(core)} without Frozen."
        )
    return attrs.evolve(codec, type=freeze(codec.type))


def _vector_codec(core: Any, mark: VectorMark) -> Codec:
    if typing.get_origin(core) is not list:
        raise AnnotationError(
            f"a vector is a list, not {errors.annotation_text(core)}", "Write Annotated[list[float], cql.vector(3)]."
        )
    (element,) = typing.get_args(core)
    codec = _element_codec(Float if element is float else element, "a vector")
    if mark.of is not None:
        codec = override_type(codec, _codec_of(mark.of).type, errors.annotation_text(element))
    if user_type_names(codec.type):
        raise errors.vector_of_user_type(element)
    return vector_codec(codec, mark.dimension)


def _unannotated_codec(core: Any) -> Codec:
    """Return the codec of a type without metadata."""
    origin, arguments = typing.get_origin(core), typing.get_args(core)
    if origin in _CONTAINER_CODECS and arguments:
        return _CONTAINER_CODECS[origin](arguments)
    if origin is Literal:
        return _literal_codec(core, arguments)
    if origin is Union:
        if set(arguments) == _ADDRESSES:
            return default_codec(native("inet"))
        raise errors.unsupported_union(core)
    if isinstance(core, typing.Hashable) and core in _SCALAR_CODECS:
        return _SCALAR_CODECS[core]
    if is_user_type(core):
        load, dump = user_type_loader(core), user_type_dumper(core)
        return Codec(UserTypeName(core.__cql_name__), load, dump, hashable=is_hashable(core))
    if isinstance(core, type) and issubclass(core, enum.Enum) and issubclass(core, (str, int)):
        cql_type = native("text" if issubclass(core, str) else "bigint")
        return Codec(cql_type, to.enum_loader(core), to.enum_dumper(core))
    raise errors.unsupported_class(core if origin not in _CONTAINER_CODECS else origin)


def _literal_codec(core: Any, arguments: tuple[Any, ...]) -> Codec:
    """Return the codec of ``Literal[…]``: that of the class of its values, which are checked on writing."""
    classes: set[type[Any]] = {literal.__class__ for literal in arguments}
    if len(classes) != 1:
        raise AnnotationError(
            f"{errors.annotation_text(core)} has values of several types", "Write values of one type, or an enum."
        )
    codec = _unannotated_codec(classes.pop())
    return attrs.evolve(codec, dump=to.literal_dumper(arguments, codec.dump))


def _element_codec(annotation: Any, container: str) -> Codec:
    """Return the codec of an element of a collection, tuple or vector."""
    core, nullable, marks = unwrap(annotation)
    if nullable and container != "a tuple":
        raise errors.nullable_element(annotation, container)
    codec = _annotated_codec(core, marks)
    if codec.type == COUNTER:
        raise errors.forbidden_element("counter", container)
    return codec


def _key_codec(annotation: Any, container: str, role: str) -> Codec:
    """Return the codec of a set element or map key, which must be hashable in Python and ordered on the server."""
    codec = _element_codec(annotation, container)
    if not codec.hashable:
        raise errors.unhashable_element(annotation, typing.get_origin(unwrap(annotation)[0]), role)
    if DURATION in walk(codec.type):
        raise errors.forbidden_element("duration", role)
    return codec


def _tuple_codec(arguments: tuple[Any, ...]) -> Codec:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        raise errors.variable_length_tuple(arguments[0])
    return tuple_codec([_element_codec(argument, "a tuple") for argument in arguments])


_CONTAINER_CODECS: Final[dict[Any, Callable[[tuple[Any, ...]], Codec]]] = {
    list: lambda args: list_codec(_element_codec(args[0], "a list")),
    set: lambda args: set_codec(_key_codec(args[0], "a set", "an element of a set")),
    frozenset: lambda args: frozenset_codec(_key_codec(args[0], "a set", "an element of a set")),
    dict: lambda args: map_codec(_key_codec(args[0], "a map", "the key of a map"), _element_codec(args[1], "a map")),
    tuple: _tuple_codec,
}
