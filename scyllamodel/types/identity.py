"""Identity of values: two Python values are identical if the server stores the same bytes for them.

In: a type mapping. Out: an `Identity`, which compares changes, collections, keys and instances. Python's ``==`` is a
different relation: it treats ``-0.0`` as ``0.0`` and ``Decimal("9.90")`` as ``Decimal("9.9")``, distinguishes two
datetimes within a millisecond, ignores ``fold`` within one time zone, and depends on ``__eq__`` for objects of unknown
classes.

NaN is the exception: all its bit patterns are one value, as in the order of servers. A set stores one NaN, with an
unspecified bit pattern.
"""

from __future__ import annotations

import math
import socket
import struct
from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from operator import eq, is_
from typing import Any, Final, TypeAlias, cast
from uuid import UUID

import attrs

from scyllamodel.types.annotations import TypeMapping
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
    freeze,
    is_multi_cell,
    walk,
)
from scyllamodel.types.user_types import user_types_in

Form: TypeAlias = Callable[[Any], Hashable]
"""A function from a value (not None) to a hashable representation; it may raise for values that cannot be stored."""


@attrs.frozen(eq=False)
class Identity:
    """The comparison of the values of one type.

    Attributes:
        equal: whether two values have the same stored bytes, or are NaN. It may raise for values that cannot be stored.
        stored: a representation that is equal exactly for identical values; None: the value itself.
        cell: a representation by the server's order, in which it finds elements, keys and rows; None: the value itself.
        element_identities: the identities of the elements, of keys and values, or of fields.
    """

    equal: Callable[[Any, Any], bool]
    stored: Form | None = None
    cell: Form | None = None
    element_identities: tuple[Identity, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether ``==`` gives the same result for all values that can be stored."""
        return self.equal is eq


BUILTIN_EQUALITY: Final = Identity(eq)
"""The identity of texts, integers, UUIDs and booleans."""


def is_same(identity: Identity, left: Any, right: Any) -> bool:
    """Whether two values are stored alike; a value that cannot be stored equals no other, and no error is raised."""
    try:
        return left is right or bool(identity.equal(left, right))
    except Exception:  # noqa: BLE001 - values of any class; binding reports those that cannot be stored
        return False


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECOND: Final = timedelta(milliseconds=1)
_DAY_ZERO: Final = date(1970, 1, 1).toordinal()


def _timestamp(value: Any) -> int:
    """Return milliseconds since 1970, rounded down as in the driver."""
    try:
        return int((value - _EPOCH) // _MILLISECOND)
    except TypeError:
        if isinstance(value, datetime):
            return (value.replace(tzinfo=timezone.utc) - _EPOCH) // _MILLISECOND
        if isinstance(value, date):
            return (value.toordinal() - _DAY_ZERO) * 86_400_000
        return int(value)


def _same_timestamp(left: Any, right: Any) -> bool:
    # Within one time zone `==` ignores `fold`; in UTC it does not matter.
    if left.tzinfo is timezone.utc and left == right:
        return True
    return _timestamp(left) == _timestamp(right)


def _date(value: Any) -> int:
    return value.toordinal() - _DAY_ZERO if isinstance(value, date) else int(value.days_from_epoch)


def _time(value: Any) -> int:
    try:
        return int(value.nanosecond_time)
    except AttributeError:
        seconds = (value.hour * 60 + value.minute) * 60 + value.second
        return int(seconds * 1_000_000 + value.microsecond) * 1000


def _decimal(value: Any) -> Hashable:
    sign, digits, exponent = Decimal(value).as_tuple()
    return (exponent, digits, sign and digits != (0,))


_MAPPED_IPV4_PREFIX: Final = bytes(10) + b"\xff\xff"
"""The prefix of an IPv4 address that is given as an IPv6 address; it is stored as an IPv4 address."""


def _inet(value: Any) -> bytes:
    if isinstance(value, str):
        packed = socket.inet_pton(socket.AF_INET6, value) if ":" in value else socket.inet_aton(value)
    else:
        packed = value.packed
    return packed[12:] if packed[:12] == _MAPPED_IPV4_PREFIX else packed


def _duration(value: Any) -> tuple[int, int, int]:
    return (value.months, value.days, value.nanoseconds)


_PACK: Final[Mapping[str, Callable[[Any], bytes]]] = {
    "double": struct.Struct(">d").pack,
    "float": struct.Struct(">f").pack,
}


def _or_nan(pack: Callable[[Any], bytes]) -> Form:
    return lambda value: pack(value) if value == value else b"NaN"  # noqa: PLR0124 - a NaN differs from itself


def _floating_point(pack: Callable[[Any], bytes]) -> Identity:
    def equal(left: Any, right: Any) -> bool:
        return pack(left) == pack(right) or (left != left and right != right)  # noqa: PLR0124

    return Identity(equal, _or_nan(pack), _or_nan(pack))


def _with_positive_zero(pack: Callable[[Any], bytes]) -> Form:
    return _or_nan(lambda value: pack(value + 0.0))


def _by_stored_form(stored: Form, cell: Form | None, elements: tuple[Identity, ...] = ()) -> Identity:
    return Identity(lambda left, right: stored(left) == stored(right), stored, cell, elements)


NATIVE: Final[Mapping[str, Identity]] = {
    "timestamp": Identity(_same_timestamp, _timestamp, _timestamp),
    "date": _by_stored_form(_date, _date),
    "time": _by_stored_form(_time, _time),
    "decimal": _by_stored_form(_decimal, None),
    "inet": _by_stored_form(_inet, _inet),
    "duration": _by_stored_form(_duration, _duration),
    "blob": Identity(eq, bytes, bytes),
    **{name: _floating_point(pack) for name, pack in _PACK.items()},
}
"""Identities by stored bytes; native types that are missing here compare by ``==``."""

IN_PYTHON: Final[Mapping[str, Identity]] = {
    **NATIVE,
    **{name: attrs.evolve(NATIVE[name], cell=_with_positive_zero(pack)) for name, pack in _PACK.items()},
}
"""Identities for ``==`` and hashes of instances: the two zeros are equal, as in every Python set and those of the
driver.
"""

_PACKING_CODES: Final = {"double": "d", "float": "f"}


def _each_element(form: Form | None, container: Callable[[Iterable[Hashable]], Hashable]) -> Form:
    return container if form is None else lambda value: container([form(item) for item in value])


def sequence_identity(element: Identity) -> Identity:
    """Return the identity of lists and vectors, which compares element by element."""
    stored, cell, equal_elements = (
        _each_element(element.stored, tuple),
        _each_element(element.cell, tuple),
        element.equal,
    )

    def equal(left: Any, right: Any) -> bool:
        return len(left) == len(right) and (all(map(is_, left, right)) or all(map(equal_elements, left, right)))

    return Identity(eq if element.is_plain else equal, stored, cell, (element,))


def _packed(code: str, element: Identity) -> Identity:
    """Return the identity of lists of floating-point numbers, at a tenth of the cost."""

    def stored(value: Any) -> bytes:
        total = sum(value, 0.0)
        if total != total:  # noqa: PLR0124 - the list contains a NaN, or infinities of both signs
            value = [number if number == number else math.nan for number in value]  # noqa: PLR0124
        return struct.pack(f">{len(value)}{code}", *value)

    def equal(left: Any, right: Any) -> bool:
        if left.__class__ is list and left == right and 0 not in left:
            return True
        return stored(left) == stored(right)

    return Identity(equal, stored, _each_element(element.cell, tuple), (element,))


def set_identity(element: Identity) -> Identity:
    """Return the identity of sets."""
    stored, cell = _each_element(element.stored, frozenset), _each_element(element.cell, frozenset)
    return _by_form_unless_trivial(stored, cell, (element,))


def map_identity(key: Identity, value: Identity) -> Identity:
    """Return the identity of maps."""
    stored, cell = (_pairs(key.stored, value.stored), _pairs(key.cell, value.cell))
    return _by_form_unless_trivial(stored, cell, (key, value))


def _pairs(key: Form | None, value: Form | None) -> Form:
    key, value = key or _unchanged, value or _unchanged
    return lambda mapping: frozenset([(key(k), value(v)) for k, v in mapping.items()])


def tuple_identity(items: tuple[Identity, ...]) -> Identity:
    """Return the identity of tuples, whose items may be None."""
    stored, cell = _items([identity.stored for identity in items]), _items([identity.cell for identity in items])
    return _by_form_unless_trivial(stored, cell, items)


def _items(forms: list[Form | None]) -> Form:
    if not any(forms):
        return tuple
    return lambda value: tuple(
        [item if item is None or form is None else form(item) for item, form in zip(value, forms, strict=True)]
    )


def _by_form_unless_trivial(stored: Form, cell: Form, elements: tuple[Identity, ...]) -> Identity:
    if all(identity.is_plain for identity in elements):
        return Identity(eq, stored, cell, elements)
    return _by_stored_form(stored, cell, elements)


def _unchanged(value: Any) -> Any:
    return value


def _as_hashable(value: Any) -> Hashable:
    """Return a hashable form of a value whose element types are unknown, such as a user type without a class."""
    if isinstance(value, (list, tuple)):
        return tuple([_as_hashable(item) for item in cast("list[object]", value)])
    if isinstance(value, Mapping):
        return frozenset(
            [(_as_hashable(k), _as_hashable(v)) for k, v in cast("Mapping[object, object]", value).items()]
        )
    if isinstance(value, (set, frozenset)):
        return frozenset(map(_as_hashable, cast("frozenset[object]", value)))
    hashable: Hashable = value
    return hashable


_UNKNOWN: Final = _by_stored_form(_as_hashable, _as_hashable)


def type_identity(cql_type: CqlType, classes: Mapping[str, Any], natives: Mapping[str, Identity] = NATIVE) -> Identity:
    """Return the identity of the values of a CQL type, in the Python types that the driver accepts.

    Parameters:
        classes: the classes of user types, by their CQL names.
        natives: `NATIVE_SERIALIZERS` or `IN_PYTHON`.
    """
    if isinstance(cql_type, Native):
        return natives.get(cql_type.name, BUILTIN_EQUALITY)
    if isinstance(cql_type, UserTypeName) and cql_type.name in classes:
        cls = classes[cql_type.name]
        identity: Identity = cls.__equality__ if natives is IN_PYTHON else cls.__identity__
        return identity
    elements = tuple([type_identity(element_type, classes, natives) for element_type in element_types(cql_type)])
    if isinstance(cql_type, (ListType, VectorType)):
        packing_code = _PACKING_CODES.get(cql_type.element.name) if isinstance(cql_type.element, Native) else None
        return sequence_identity(*elements) if packing_code is None else _packed(packing_code, *elements)
    if isinstance(cql_type, SetType):
        return set_identity(*elements)
    if isinstance(cql_type, MapType):
        return map_identity(*elements)
    return tuple_identity(elements) if isinstance(cql_type, TupleType) else _UNKNOWN


def identity_of(type_mapping: TypeMapping, natives: Mapping[str, Identity] = NATIVE) -> Identity:
    """Return the identity of the values of a column or field.

    A value without any cell in the row is identical to None if it may be null: an empty non-frozen collection, and a
    non-frozen user type whose fields are all None.
    """
    classes = (
        {}
        if type_mapping.custom
        else {identity.__cql_name__: identity for identity in user_types_in((type_mapping.python,))}
    )
    user_type = type_identity(type_mapping.type, classes, natives)
    if is_multi_cell(type_mapping.type) and (type_mapping.nullable or isinstance(type_mapping.type, UserTypeName)):
        user_type = _multi_cell(user_type, isinstance(type_mapping.type, UserTypeName))
    return _custom_type(user_type, type_mapping.dump) if type_mapping.custom else user_type


def as_field_mapping(type_mapping: TypeMapping) -> TypeMapping:
    """Return the type mapping of a field of a user type: fields are written whole, as if they were frozen."""
    return attrs.evolve(type_mapping, type=freeze(type_mapping.type))


def _multi_cell(inner: Identity, is_user_type: bool) -> Identity:  # noqa: FBT001 - private, one meaning
    def form(convert: Form) -> Form:
        def collection(value: Any) -> Hashable:
            return convert(value) if value else None

        def fields(value: Any) -> Hashable:
            converted: Any = None if value is None else convert(value)
            return None if converted is None or all(item is None for item in converted) else converted

        return fields if is_user_type else collection

    stored, cell = form(inner.stored or _unchanged), form(inner.cell or _unchanged)

    def equal(left: Any, right: Any) -> bool:
        return inner.equal(left, right) if left and right else not left and not right

    if is_user_type:
        return _by_stored_form(stored, cell, inner.element_identities)
    return Identity(equal, stored, cell, inner.element_identities)


_BUILTIN: Final = frozenset({str, bytes, int, bool, UUID})
"""Classes whose equal values are dumped alike."""


def _custom_type(inner: Identity, dump: Callable[[Any], Any] | None) -> Identity:
    """Return the identity of a custom type: by the result of its ``dump=``, since the meaning of ``==`` is unknown.

    Equal values of a few builtin classes are identical before ``dump=`` is called, since its results may differ from
    call to call, as for encrypted text.
    """

    def form(convert: Form | None) -> Form:
        def form_of_dump(value: Any) -> Hashable:
            dumped = value if value is None or dump is None else dump(value)
            return dumped if dumped is None or convert is None else convert(dumped)

        return form_of_dump

    stored = form(inner.stored)

    def equal(left: Any, right: Any) -> bool:
        if left.__class__ is right.__class__ and left.__class__ in _BUILTIN and left == right:
            return True
        return stored(left) == stored(right)

    return Identity(equal, stored, form(inner.cell))


def stored_form(identity: Identity, value: Any) -> Hashable:
    """Return the stored form of a value or None; for a value that cannot be stored, an object unequal to all others."""
    return _hashable_form(identity.stored, value)


def cell_form(identity: Identity, value: Any) -> Hashable:
    """Return the representation by which the server finds a value or None; see `stored_form`."""
    return _hashable_form(identity.cell, value)


def _hashable_form(form: Form | None, value: Any) -> Hashable:
    try:
        converted: Hashable = value if value is None or form is None else form(value)
        hash(converted)
    except Exception:  # noqa: BLE001 - values of any class; binding reports those that cannot be stored
        return object()
    return converted


_CHANGED_WHEN_READ: Final = frozenset({"timestamp", "float", "double", "inet"})
"""Types whose values may differ, by ``==``, between writing and reading."""


def equality_key(type_mapping: TypeMapping) -> Callable[[Any], Any] | None:
    """Return the key by which attrs compares values, or None if ``==`` suffices.

    With this key, a value that is read equals the value that was written.

    The key is coarser than identity: decimals of one number are equal, and so are the two zeros. A set of user types
    must not contain two that the driver reads as one, since it reads sets into a set that compares with ``==``.
    """
    changes_when_read = any(
        isinstance(part, Native) and part.name in _CHANGED_WHEN_READ for part in walk(type_mapping.type)
    )
    if not (changes_when_read or type_mapping.custom or (type_mapping.nullable and is_multi_cell(type_mapping.type))):
        return None
    cached: list[Identity] = []
    key_class = _CustomComparisonKey if type_mapping.custom else _ComparisonKey

    def key(value: Any) -> Any:
        if not cached:  # on the first comparison, when all user types are complete
            cached.append(identity_of(type_mapping, IN_PYTHON))
        return key_class(cached[0], value)

    return key


class _ComparisonKey:
    """A value that is compared by its identity; values that cannot be stored are compared with each other by ``==``."""

    __slots__ = ("identity", "value")

    def __init__(self, identity: Identity, value: Any) -> None:
        self.identity, self.value = identity, value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _ComparisonKey):
            return NotImplemented
        if is_same(self.identity, self.value, other.value):
            return True
        (form, is_stored), (other_form, is_other_stored) = self._form(), other._form()
        try:
            return is_stored is is_other_stored and bool(form == other_form)
        except Exception:  # noqa: BLE001 - values of any class, some of which have no truth value
            return False

    def __hash__(self) -> int:
        form, is_stored = self._form()
        return hash(form) if is_stored else 0

    def _form(self) -> tuple[Any, bool]:
        """Return the representation of the value, and whether the value can be stored."""
        cell, value = self.identity.cell, self.value
        try:
            converted: Any = value if value is None or cell is None else cell(value)
            hash(converted)
        except Exception:  # noqa: BLE001 - values of any class; binding reports those that cannot be stored
            return value, False
        return converted, True


class _CustomComparisonKey(_ComparisonKey):
    """A value of a custom type, whose equal values may be dumped differently, as encrypted texts are."""

    __slots__ = ()

    def __hash__(self) -> int:
        return 0 if isinstance(self.value, tuple(_BUILTIN)) else super().__hash__()
