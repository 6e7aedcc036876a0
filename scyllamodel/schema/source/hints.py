"""CQL types -> annotations as an author would write them.

*In*: a type, and the classes of the user types. *Out*: the annotation, and what `column` has to be told besides where
no annotation says it all: a set of lists is no Python set, and a class of the server's own no Python class.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs

from scyllamodel.schema.facts import UserType
from scyllamodel.types.values import (
    CqlType,
    CustomType,
    ListType,
    MapType,
    Native,
    SetType,
    TupleType,
    UserTypeName,
    VectorType,
    is_frozen,
    parts,
    user_types,
)

_NATIVE: Final = {
    "ascii": "cql.Ascii", "bigint": "int", "blob": "bytes", "boolean": "bool", "counter": "cql.Counter",
    "date": "date", "decimal": "Decimal", "double": "float", "duration": "cql.Duration", "float": "cql.Float",
    "inet": "cql.Inet", "int": "cql.Int", "smallint": "cql.SmallInt", "text": "str", "time": "time",
    "timestamp": "datetime", "timeuuid": "cql.TimeUUID", "tinyint": "cql.TinyInt", "uuid": "UUID",
    "varint": "cql.VarInt",
}  # fmt: skip


@attrs.frozen
class Classes:
    """The user types of a keyspace and the classes that stand for them.

    Attributes:
        types: by raw name.
        names: of the class, by raw name; what has none cannot be declared.
    """

    types: Mapping[str, UserType]
    names: Mapping[str, str]


@attrs.frozen
class Spelling:
    """How a class body says a type.

    Attributes:
        hint: the annotation.
        settings: arguments of `column`.
    """

    hint: str
    settings: tuple[str, ...] = ()


def spell(cql_type: CqlType, classes: Classes) -> Spelling:
    """The annotation of this type, and the arguments without which it would not be the type.

    >>> from scyllamodel.types.parse import parse_type
    >>> spell(parse_type("map<text, frozen<set<int>>>"), Classes({}, {})).hint
    'dict[str, frozenset[cql.Int]]'
    >>> spell(parse_type("set<frozen<list<int>>>"), Classes({}, {}))
    Spelling(hint='Any', settings=("type=cql.parse_type('set<frozen<list<int>>>')", 'load=as_is', 'dump=as_is'))
    """
    if _has_values(cql_type, classes):
        return Spelling(_hint(cql_type, classes))
    mentioned = [classes.names[name] for name in user_types(cql_type)]
    # A model learns of a user type by its class, so an annotation that says nothing else mentions it.
    hint = f"Annotated[{', '.join(['Any', *mentioned])}]" if mentioned else "Any"
    return Spelling(hint, (f"type=cql.parse_type({cql_type.cql!r})", "load=as_is", "dump=as_is"))


def _has_values(cql_type: CqlType, classes: Classes) -> bool:
    """Whether Python has values for it."""
    if isinstance(cql_type, (Native, UserTypeName)):
        return not isinstance(cql_type, Native) or cql_type.name in _NATIVE
    if isinstance(cql_type, CustomType) or (isinstance(cql_type, VectorType) and user_types(cql_type)):
        return False
    inside = parts(cql_type)
    keyed = isinstance(cql_type, (SetType, MapType))
    return all(_has_values(part, classes) for part in inside) and (not keyed or _is_hashable(inside[0], classes))


def _is_hashable(cql_type: CqlType, classes: Classes) -> bool:
    if isinstance(cql_type, TupleType):
        return all(_is_hashable(part, classes) for part in cql_type.elements)
    if isinstance(cql_type, UserTypeName):
        fields = classes.types[cql_type.name].fields
        return all(_is_hashable(part, classes) and _has_values(part, classes) for _, part in fields)
    if isinstance(cql_type, SetType):
        return cql_type.frozen and _is_hashable(cql_type.element, classes)
    return isinstance(cql_type, Native)


def _hint(cql_type: CqlType, classes: Classes) -> str:
    """The annotation of a type that has values."""
    if isinstance(cql_type, Native):
        return _NATIVE[cql_type.name]
    if isinstance(cql_type, UserTypeName):
        return _frozen(classes.names[cql_type.name], cql_type)
    inside = [_inside(part, classes) for part in parts(cql_type)]
    if isinstance(cql_type, VectorType):
        return _vector(cql_type, inside[0])
    if isinstance(cql_type, TupleType):
        return f"tuple[{', '.join(f'{part} | None' for part in inside)}]"
    if isinstance(cql_type, SetType):
        return f"{'frozenset' if cql_type.frozen else 'set'}[{inside[0]}]"
    outer = "list" if isinstance(cql_type, ListType) else "dict"
    return _frozen(f"{outer}[{', '.join(inside)}]", cql_type)


def _inside(cql_type: CqlType, classes: Classes) -> str:
    """What is inside something frozen or a collection is frozen anyway, so it need not be said."""
    loose = (
        attrs.evolve(cql_type, frozen=False) if isinstance(cql_type, (ListType, MapType, UserTypeName)) else cql_type
    )
    return _hint(loose, classes)


def _frozen(hint: str, cql_type: CqlType) -> str:
    return f"cql.Frozen[{hint}]" if is_frozen(cql_type) else hint


def _vector(cql_type: VectorType, element: str) -> str:
    if cql_type.element == Native("float"):
        return f"Annotated[list[float], cql.vector({cql_type.dimension})]"
    return f"Annotated[list[{element}], cql.vector({cql_type.dimension}, of={element})]"
