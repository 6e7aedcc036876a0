"""CQL types as frozen values, in the normal form in which servers store them.

Values of this module are always in normal form: types inside a frozen type are frozen, tuples are frozen, and vectors
never are. Two types are therefore the same for a server exactly if the values are equal. Sources: Cassandra
``cql3/CQL3Type.java``, ScyllaDB ``types/types.cc`` (cql3_type_name), and real nodes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, TypeAlias, Union

import attrs

from scyllamodel._identifiers import quote_type, string_literal

if TYPE_CHECKING:
    from collections.abc import Iterator

NATIVE_NAMES: Final = frozenset(
    """
    ascii bigint blob boolean counter date decimal double duration float inet int smallint text time timestamp timeuuid
    tinyint uuid varint empty
    """.split()
)
"""The native types of both servers; ``varchar`` is another spelling of ``text``."""


@attrs.frozen
class Native:
    """A type without parameters, such as ``int``."""

    name: str

    @property
    def cql(self) -> str:
        """The type as CQL text."""
        return self.name


COUNTER: Final = Native("counter")
DURATION: Final = Native("duration")
"""The two native types with special rules: a counter excludes other columns, and durations have no order."""

TTL_TYPES: Final = frozenset({Native("timestamp"), Native("bigint"), Native("int")})
"""The types of columns by which the rows of a table can expire (ScyllaDB)."""


@attrs.frozen
class ListType:
    """``list<element>``."""

    element: CqlType
    frozen: bool = False

    def __attrs_post_init__(self) -> None:
        _freeze_elements(self, "element")

    @property
    def cql(self) -> str:
        """The type as CQL text."""
        return _frozen_text(f"list<{self.element.cql}>", self.frozen)


@attrs.frozen
class SetType:
    """``set<element>``."""

    element: CqlType
    frozen: bool = False

    def __attrs_post_init__(self) -> None:
        _freeze_elements(self, "element")

    @property
    def cql(self) -> str:
        """The type as CQL text."""
        return _frozen_text(f"set<{self.element.cql}>", self.frozen)


@attrs.frozen
class MapType:
    """``map<key, value>``."""

    key: CqlType
    value: CqlType
    frozen: bool = False

    def __attrs_post_init__(self) -> None:
        _freeze_elements(self, "key", "value")

    @property
    def cql(self) -> str:
        """The type as CQL text."""
        return _frozen_text(f"map<{self.key.cql}, {self.value.cql}>", self.frozen)


@attrs.frozen
class TupleType:
    """``frozen<tuple<…>>``; servers freeze every tuple."""

    elements: tuple[CqlType, ...]

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "elements", tuple(freeze(element) for element in self.elements))

    @property
    def cql(self) -> str:
        """The type as CQL text."""
        return f"frozen<tuple<{', '.join(element.cql for element in self.elements)}>>"


@attrs.frozen
class VectorType:
    """``vector<element, dimension>``; never printed as frozen, though it is always written whole."""

    element: CqlType
    dimension: int

    def __attrs_post_init__(self) -> None:
        _freeze_elements(self, "element")

    @property
    def cql(self) -> str:
        """The type as CQL text."""
        return f"vector<{self.element.cql}, {self.dimension}>"


@attrs.frozen
class UserTypeName:
    """A reference by name to a user type of the same keyspace; its fields are not part of this value."""

    name: str
    frozen: bool = False

    @property
    def cql(self) -> str:
        """The type as CQL text, with the name quoted if necessary."""
        return _frozen_text(quote_type(self.name), self.frozen)


@attrs.frozen
class CustomType:
    """A server-side Java class, as in old Cassandra tables; read from servers, never created by scyllamodel."""

    class_name: str

    @property
    def cql(self) -> str:
        """The type as CQL text."""
        return string_literal(self.class_name)


CqlType: TypeAlias = Union[Native, ListType, SetType, MapType, TupleType, VectorType, UserTypeName, CustomType]


def freeze(cql_type: CqlType) -> CqlType:
    """Return the type, frozen if CQL distinguishes it.

    >>> freeze(ListType(SetType(Native("int")))).cql
    'frozen<list<frozen<set<int>>>>'
    """
    if isinstance(cql_type, (ListType, SetType, MapType, UserTypeName)) and not cql_type.frozen:
        return attrs.evolve(cql_type, frozen=True)
    return cql_type


def is_frozen(cql_type: CqlType) -> bool:
    """Whether a value of this type is always written whole."""
    return not isinstance(cql_type, (ListType, SetType, MapType, UserTypeName)) or cql_type.frozen


def is_multi_cell(cql_type: CqlType) -> bool:
    """Whether the type is a collection or user type whose elements are written separately."""
    return not is_frozen(cql_type)


def element_types(cql_type: CqlType) -> tuple[CqlType, ...]:
    """Return the types directly inside this one."""
    if isinstance(cql_type, (ListType, SetType, VectorType)):
        return (cql_type.element,)
    if isinstance(cql_type, MapType):
        return (cql_type.key, cql_type.value)
    return cql_type.elements if isinstance(cql_type, TupleType) else ()


def walk(cql_type: CqlType) -> Iterator[CqlType]:
    """Return this type and every type inside it, outermost first."""
    yield cql_type
    for part in element_types(cql_type):
        yield from walk(part)


def user_type_names(cql_type: CqlType) -> tuple[str, ...]:
    """Return the names of the user types in this type, in order of appearance."""
    if isinstance(cql_type, Native):
        return ()
    return tuple(dict.fromkeys(part.name for part in walk(cql_type) if isinstance(part, UserTypeName)))


def with_renamed_user_types(cql_type: CqlType, names: dict[str, str]) -> CqlType:
    """Return the type with renamed user types.

    >>> with_renamed_user_types(MapType(Native("int"), ListType(UserTypeName("a"))), {"a": "a_2"}).cql
    'map<int, frozen<list<frozen<a_2>>>>'
    """
    if isinstance(cql_type, UserTypeName):
        return attrs.evolve(cql_type, name=names.get(cql_type.name, cql_type.name))
    if isinstance(cql_type, (ListType, SetType, VectorType)):
        return attrs.evolve(cql_type, element=with_renamed_user_types(cql_type.element, names))
    if isinstance(cql_type, MapType):
        return attrs.evolve(
            cql_type,
            key=with_renamed_user_types(cql_type.key, names),
            value=with_renamed_user_types(cql_type.value, names),
        )
    if isinstance(cql_type, TupleType):
        return attrs.evolve(
            cql_type, elements=tuple(with_renamed_user_types(part, names) for part in cql_type.elements)
        )
    return cql_type


@lru_cache(maxsize=64)  # equal types are one object, so that the columns of tables are compared faster
def native(name: str) -> Native:
    """Return a native type by any of its names.

    >>> native("varchar")
    Native(name='text')

    Raises:
        ValueError: no server has a native type of this name.
    """
    name = "text" if name == "varchar" else name
    if name not in NATIVE_NAMES:
        raise ValueError(f"{name!r} is not a native CQL type")
    return Native(name)


def _freeze_elements(cql_type: CqlType, *names: str) -> None:
    """Freeze the element types: CQL requires it in a collection, and a frozen collection prints it."""
    for name in names:
        object.__setattr__(cql_type, name, freeze(getattr(cql_type, name)))


def _frozen_text(text: str, frozen: bool) -> str:  # noqa: FBT001 - private, one meaning
    return f"frozen<{text}>" if frozen else text
