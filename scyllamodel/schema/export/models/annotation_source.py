"""Annotations for CQL types, as an author would write them.

*In*: a type, and the classes of the user types. *Out*: the annotation, and the arguments of `column` where an
annotation is not enough: a set of lists is not a Python set, and a server-side class has no Python class.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from scyllamodel.schema.facts.objects import UserType
from scyllamodel.types.cql_types import (
    CqlType,
    CustomType,
    ListType,
    MapType,
    Native,
    SetType,
    TupleType,
    UserTypeName,
    VectorType,
    element_types,
    is_frozen,
    user_type_names,
)

_NATIVE_ANNOTATIONS: Final = {
    "ascii": "cql.Ascii", "bigint": "int", "blob": "bytes", "boolean": "bool", "counter": "cql.Counter",
    "date": "date", "decimal": "Decimal", "double": "float", "duration": "cql.Duration", "float": "cql.Float",
    "inet": "cql.Inet", "int": "cql.Int", "smallint": "cql.SmallInt", "text": "str", "time": "time",
    "timestamp": "datetime", "timeuuid": "cql.TimeUUID", "tinyint": "cql.TinyInt", "uuid": "UUID",
    "varint": "cql.VarInt",
}  # fmt: skip


@attrs.frozen
class UserTypeClasses:
    """The user types of a keyspace, and the names of their classes.

    Attributes:
        types: the user types, by raw name.
        names: the class names, by raw name; a type without one cannot be declared.
    """

    types: Mapping[str, UserType]
    names: Mapping[str, str]


@attrs.frozen
class AnnotationSource:
    """The source of a type in a class body.

    Attributes:
        annotation: the annotation.
        arguments: the arguments of `column`.
    """

    annotation: str
    arguments: tuple[str, ...] = ()


def annotation_for(cql_type: CqlType, classes: UserTypeClasses) -> AnnotationSource:
    """The annotation of a type, and the arguments that it needs besides.

    >>> from scyllamodel.types.parser import parse_type
    >>> annotation_for(parse_type("map<text, frozen<set<int>>>"), UserTypeClasses({}, {})).annotation
    'dict[str, frozenset[cql.Int]]'
    >>> annotation_for(parse_type("set<frozen<list<int>>>"), UserTypeClasses({}, {})).arguments
    ("type=cql.parse_type('set<frozen<list<int>>>')", 'load=as_is', 'dump=as_is')
    """
    if _has_python_values(cql_type, classes):
        return AnnotationSource(_annotation(cql_type, classes))
    class_names = [classes.names[name] for name in user_type_names(cql_type)]
    # A model finds its user types through their classes, so even an annotation with Any has to mention them.
    annotation = f"Annotated[{', '.join(['Any', *class_names])}]" if class_names else "Any"
    return AnnotationSource(annotation, (f"type=cql.parse_type({cql_type.cql!r})", "load=as_is", "dump=as_is"))


def _has_python_values(cql_type: CqlType, classes: UserTypeClasses) -> bool:
    """Whether Python can represent the values of the type."""
    if isinstance(cql_type, (Native, UserTypeName)):
        return not isinstance(cql_type, Native) or cql_type.name in _NATIVE_ANNOTATIONS
    if isinstance(cql_type, CustomType) or (isinstance(cql_type, VectorType) and user_type_names(cql_type)):
        return False
    elements = element_types(cql_type)
    needs_hashable = isinstance(cql_type, (SetType, MapType))
    return all(_has_python_values(part, classes) for part in elements) and (
        not needs_hashable or _is_hashable(elements[0], classes)
    )


def _is_hashable(cql_type: CqlType, classes: UserTypeClasses) -> bool:
    if isinstance(cql_type, TupleType):
        return all(_is_hashable(part, classes) for part in cql_type.elements)
    if isinstance(cql_type, UserTypeName):
        fields = classes.types[cql_type.name].fields
        return all(_is_hashable(part, classes) and _has_python_values(part, classes) for _, part in fields)
    if isinstance(cql_type, SetType):
        return cql_type.frozen and _is_hashable(cql_type.element, classes)
    return isinstance(cql_type, Native)


def _annotation(cql_type: CqlType, classes: UserTypeClasses) -> str:
    """The annotation of a type that Python can represent."""
    if isinstance(cql_type, Native):
        return _NATIVE_ANNOTATIONS[cql_type.name]
    if isinstance(cql_type, UserTypeName):
        return _maybe_frozen(classes.names[cql_type.name], cql_type)
    elements = [_element_annotation(part, classes) for part in element_types(cql_type)]
    if isinstance(cql_type, VectorType):
        return _vector_annotation(cql_type, elements[0])
    if isinstance(cql_type, TupleType):
        return f"tuple[{', '.join(f'{part} | None' for part in elements)}]"
    if isinstance(cql_type, SetType):
        return f"{'frozenset' if cql_type.frozen else 'set'}[{elements[0]}]"
    container = "list" if isinstance(cql_type, ListType) else "dict"
    return _maybe_frozen(f"{container}[{', '.join(elements)}]", cql_type)


def _element_annotation(cql_type: CqlType, classes: UserTypeClasses) -> str:
    """The annotation of an element; elements of collections are frozen anyway, so ``Frozen`` is left out."""
    unfrozen = (
        attrs.evolve(cql_type, frozen=False) if isinstance(cql_type, (ListType, MapType, UserTypeName)) else cql_type
    )
    return _annotation(unfrozen, classes)


def _maybe_frozen(annotation: str, cql_type: CqlType) -> str:
    return f"cql.Frozen[{annotation}]" if is_frozen(cql_type) else annotation


def _vector_annotation(cql_type: VectorType, element: str) -> str:
    if cql_type.element == Native("float"):
        return f"Annotated[list[float], cql.vector({cql_type.dimension})]"
    return f"Annotated[list[{element}], cql.vector({cql_type.dimension}, of={element})]"
