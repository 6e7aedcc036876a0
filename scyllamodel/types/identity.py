"""Identity of values: two Python values are the same when the server stores the same bytes for them.

Comes in: a `Hint`. Goes out: an `Identity`, by which changes, differences of collections, keys and instances are
compared. Python's ``==`` is another relation: it takes ``-0.0`` for ``0.0`` and ``Decimal("9.90")`` for
``Decimal("9.9")``, tells two datetimes within a millisecond apart, ignores ``fold`` within one time zone, and says of
objects of unknown classes whatever their authors wanted.

NaN is the exception: it has many bit patterns, and all of them are one value, as they are in the order of servers. A
set is stored with one NaN, and which bits it has is not specified.
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

from scyllamodel.types.hints import Hint
from scyllamodel.types.user_values import mentioned
from scyllamodel.types.values import (
    CqlType,
    ListType,
    MapType,
    Native,
    SetType,
    TupleType,
    UserTypeName,
    VectorType,
    freeze,
    is_multi_cell,
    parts,
    walk,
)

Form: TypeAlias = Callable[[Any], Hashable]
"""A value, which is not None, to a hashable value that stands for it. It may raise for what cannot be stored."""


@attrs.frozen(eq=False)
class Identity:
    """How the values of one type are compared.

    Attributes:
        same: whether two values have the same stored bytes, or are NaN. It may raise for what cannot be stored.
        stored: a form that is equal for two values exactly when they are the same; None: the value is that form.
        cell: a form that is equal exactly when the server's order takes two values for one, by which it finds elements
            of sets, keys of maps and rows of a partition: decimals compare by number. None: the value is that form.
        parts: the identities of what is inside: of elements, of keys and values, of fields.
    """

    same: Callable[[Any, Any], bool]
    stored: Form | None = None
    cell: Form | None = None
    parts: tuple[Identity, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether ``==`` of values that can be stored gives the answer of `same`."""
        return self.same is eq


PLAIN: Final = Identity(eq)
"""Of texts, whole numbers, UUIDs and truth values."""


def is_same(identity: Identity, one: Any, other: Any) -> bool:
    """Whether two values are stored alike; what cannot be stored is the same as nothing else, and nothing is raised."""
    try:
        return one is other or bool(identity.same(one, other))
    except Exception:  # noqa: BLE001 - values of any class; the binder names those that cannot be stored
        return False


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MILLISECOND: Final = timedelta(milliseconds=1)
_DAY_ZERO: Final = date(1970, 1, 1).toordinal()


def _timestamp(value: Any) -> int:
    """Milliseconds since 1970, rounded towards the past as they are when they are sent."""
    try:
        return int((value - _EPOCH) // _MILLISECOND)
    except TypeError:
        if isinstance(value, datetime):
            return (value.replace(tzinfo=timezone.utc) - _EPOCH) // _MILLISECOND
        if isinstance(value, date):
            return (value.toordinal() - _DAY_ZERO) * 86_400_000
        return int(value)


def _same_timestamp(one: Any, other: Any) -> bool:
    # Within one time zone `==` ignores `fold`; in UTC it does not matter.
    if one.tzinfo is timezone.utc and one == other:
        return True
    return _timestamp(one) == _timestamp(other)


def _date(value: Any) -> int:
    return value.toordinal() - _DAY_ZERO if isinstance(value, date) else int(value.days_from_epoch)


def _time(value: Any) -> int:
    try:
        return int(value.nanosecond_time)
    except AttributeError:
        whole = (value.hour * 60 + value.minute) * 60 + value.second
        return int(whole * 1_000_000 + value.microsecond) * 1000


def _decimal(value: Any) -> Hashable:
    sign, digits, exponent = Decimal(value).as_tuple()
    return (exponent, digits, sign and digits != (0,))


_MAPPED: Final = bytes(10) + b"\xff\xff"
"""What stands before the bytes of an IPv4 address that is given as an IPv6 address; it is stored as IPv4 address."""


def _inet(value: Any) -> bytes:
    if isinstance(value, str):
        packed = socket.inet_pton(socket.AF_INET6, value) if ":" in value else socket.inet_aton(value)
    else:
        packed = value.packed
    return packed[12:] if packed[:12] == _MAPPED else packed


def _duration(value: Any) -> tuple[int, int, int]:
    return (value.months, value.days, value.nanoseconds)


_PACK: Final[Mapping[str, Callable[[Any], bytes]]] = {
    "double": struct.Struct(">d").pack,
    "float": struct.Struct(">f").pack,
}


def _or_nan(pack: Callable[[Any], bytes]) -> Form:
    return lambda value: pack(value) if value == value else b"NaN"  # noqa: PLR0124 - a NaN differs from itself


def _number(pack: Callable[[Any], bytes]) -> Identity:
    def same(one: Any, other: Any) -> bool:
        return pack(one) == pack(other) or (one != one and other != other)  # noqa: PLR0124

    return Identity(same, _or_nan(pack), _or_nan(pack))


def _one_zero(pack: Callable[[Any], bytes]) -> Form:
    return _or_nan(lambda value: pack(value + 0.0))


def _by_form(stored: Form, cell: Form | None, inside: tuple[Identity, ...] = ()) -> Identity:
    return Identity(lambda one, other: stored(one) == stored(other), stored, cell, inside)


NATIVE: Final[Mapping[str, Identity]] = {
    "timestamp": Identity(_same_timestamp, _timestamp, _timestamp),
    "date": _by_form(_date, _date),
    "time": _by_form(_time, _time),
    "decimal": _by_form(_decimal, None),
    "inet": _by_form(_inet, _inet),
    "duration": _by_form(_duration, _duration),
    "blob": Identity(eq, bytes, bytes),
    **{name: _number(pack) for name, pack in _PACK.items()},
}
"""By what is stored; native types that are missing are plain."""

IN_PYTHON: Final[Mapping[str, Identity]] = {
    **NATIVE,
    **{name: attrs.evolve(NATIVE[name], cell=_one_zero(pack)) for name, pack in _PACK.items()},
}
"""For ``==`` and hashes of instances: the zeros are one, as for every Python set, that of the driver included."""

_PACKED: Final = {"double": "d", "float": "f"}


def _each(form: Form | None, make: Callable[[Iterable[Hashable]], Hashable]) -> Form:
    return make if form is None else lambda value: make([form(item) for item in value])


def sequence(element: Identity) -> Identity:
    """Of lists and vectors: element by element, in their order."""
    stored, cell, compare = _each(element.stored, tuple), _each(element.cell, tuple), element.same

    def same(one: Any, other: Any) -> bool:
        return len(one) == len(other) and (all(map(is_, one, other)) or all(map(compare, one, other)))

    return Identity(eq if element.is_plain else same, stored, cell, (element,))


def _packed(code: str, element: Identity) -> Identity:
    """Of lists of floating-point numbers, at a tenth of the cost."""

    def stored(value: Any) -> bytes:
        total = sum(value, 0.0)
        if total != total:  # noqa: PLR0124 - a NaN is among them, or infinities of both signs
            value = [number if number == number else math.nan for number in value]  # noqa: PLR0124
        return struct.pack(f">{len(value)}{code}", *value)

    def same(one: Any, other: Any) -> bool:
        if one.__class__ is list and one == other and 0 not in one:
            return True
        return stored(one) == stored(other)

    return Identity(same, stored, _each(element.cell, tuple), (element,))


def set_of(element: Identity) -> Identity:
    """Of sets."""
    stored, cell = _each(element.stored, frozenset), _each(element.cell, frozenset)
    return _by_form_unless_plain(stored, cell, (element,))


def map_of(key: Identity, value: Identity) -> Identity:
    """Of maps."""
    stored, cell = (_pairs(key.stored, value.stored), _pairs(key.cell, value.cell))
    return _by_form_unless_plain(stored, cell, (key, value))


def _pairs(key: Form | None, value: Form | None) -> Form:
    key, value = key or _itself, value or _itself
    return lambda given: frozenset([(key(k), value(v)) for k, v in given.items()])


def tuple_of(items: tuple[Identity, ...]) -> Identity:
    """Of tuples, whose items may be None."""
    stored, cell = _items([one.stored for one in items]), _items([one.cell for one in items])
    return _by_form_unless_plain(stored, cell, items)


def _items(forms: list[Form | None]) -> Form:
    if not any(forms):
        return tuple
    return lambda value: tuple(
        [item if item is None or form is None else form(item) for item, form in zip(value, forms, strict=True)]
    )


def _by_form_unless_plain(stored: Form, cell: Form, inside: tuple[Identity, ...]) -> Identity:
    if all(one.is_plain for one in inside):
        return Identity(eq, stored, cell, inside)
    return _by_form(stored, cell, inside)


def _itself(value: Any) -> Any:
    return value


def _frozen(value: Any) -> Hashable:
    """A value of a type whose parts are not known here, such as a user type without a class."""
    if isinstance(value, (list, tuple)):
        return tuple([_frozen(item) for item in cast("list[object]", value)])
    if isinstance(value, Mapping):
        return frozenset([(_frozen(k), _frozen(v)) for k, v in cast("Mapping[object, object]", value).items()])
    if isinstance(value, (set, frozenset)):
        return frozenset(map(_frozen, cast("frozenset[object]", value)))
    found: Hashable = value
    return found


_UNKNOWN: Final = _by_form(_frozen, _frozen)


def of_type(cql_type: CqlType, classes: Mapping[str, Any], natives: Mapping[str, Identity] = NATIVE) -> Identity:
    """The identity of values in Python's own types, such as the driver takes.

    Parameters:
        classes: of user types, by their names in CQL.
        natives: `NATIVE_SERIALIZERS` or `IN_PYTHON`.
    """
    if isinstance(cql_type, Native):
        return natives.get(cql_type.name, PLAIN)
    if isinstance(cql_type, UserTypeName) and cql_type.name in classes:
        cls = classes[cql_type.name]
        found: Identity = cls.__equality__ if natives is IN_PYTHON else cls.__identity__
        return found
    inside = tuple([of_type(part, classes, natives) for part in parts(cql_type)])
    if isinstance(cql_type, (ListType, VectorType)):
        packed = _PACKED.get(cql_type.element.name) if isinstance(cql_type.element, Native) else None
        return sequence(*inside) if packed is None else _packed(packed, *inside)
    if isinstance(cql_type, SetType):
        return set_of(*inside)
    if isinstance(cql_type, MapType):
        return map_of(*inside)
    return tuple_of(inside) if isinstance(cql_type, TupleType) else _UNKNOWN


def identity_of(hint: Hint, natives: Mapping[str, Identity] = NATIVE) -> Identity:
    """How the values of a column or field are compared.

    A value that has no cell of its own in the row is the same as None, where there may be one: an empty collection that
    is not frozen, and a user type that is not frozen with no value in any field.
    """
    classes = {} if hint.custom else {found.__cql_name__: found for found in mentioned((hint.python,))}
    found = of_type(hint.type, classes, natives)
    if is_multi_cell(hint.type) and (hint.nullable or isinstance(hint.type, UserTypeName)):
        found = _many_cells(found, isinstance(hint.type, UserTypeName))
    return _dumped(found, hint.dump) if hint.custom else found


def inside_of_value(hint: Hint) -> Hint:
    """The hint of a field of a user type: whatever a field holds is written whole, as if it were frozen."""
    return attrs.evolve(hint, type=freeze(hint.type))


def _many_cells(inner: Identity, is_user_type: bool) -> Identity:  # noqa: FBT001 - private, one meaning
    def form(inside: Form) -> Form:
        def collection(value: Any) -> Hashable:
            return inside(value) if value else None

        def fields(value: Any) -> Hashable:
            found: Any = None if value is None else inside(value)
            return None if found is None or all(item is None for item in found) else found

        return fields if is_user_type else collection

    stored, cell = form(inner.stored or _itself), form(inner.cell or _itself)

    def same(one: Any, other: Any) -> bool:
        return inner.same(one, other) if one and other else not one and not other

    if is_user_type:
        return _by_form(stored, cell, inner.parts)
    return Identity(same, stored, cell, inner.parts)


_BUILTIN: Final = frozenset({str, bytes, int, bool, UUID})
"""Classes whose equal values are dumped alike."""


def _dumped(inner: Identity, dump: Callable[[Any], Any] | None) -> Identity:
    """Of a custom type: by what its ``dump=`` makes; nothing is known of its ``==``.

    Equal values of a few builtin classes are the same before that, since what ``dump=`` makes of them may differ from
    call to call, as an encrypted text does.
    """

    def form(inside: Form | None) -> Form:
        def made(value: Any) -> Hashable:
            dumped = value if value is None or dump is None else dump(value)
            return dumped if dumped is None or inside is None else inside(dumped)

        return made

    stored = form(inner.stored)

    def same(one: Any, other: Any) -> bool:
        if one.__class__ is other.__class__ and one.__class__ in _BUILTIN and one == other:
            return True
        return stored(one) == stored(other)

    return Identity(same, stored, form(inner.cell))


def stored_form(identity: Identity, value: Any) -> Hashable:
    """The stored form of a value, None included; of what cannot be stored something that equals nothing else."""
    return _made_form(identity.stored, value)


def cell_form(identity: Identity, value: Any) -> Hashable:
    """What the server finds a value by, None included; see `stored_form`."""
    return _made_form(identity.cell, value)


def _made_form(form: Form | None, value: Any) -> Hashable:
    try:
        found: Hashable = value if value is None or form is None else form(value)
        hash(found)
    except Exception:  # noqa: BLE001 - values of any class; the binder names those that cannot be stored
        return object()
    return found


_READ_OTHERWISE: Final = frozenset({"timestamp", "float", "double", "inet"})
"""Types whose values may be read as values that differ from those written, by Python's ``==``."""


def equality_key(hint: Hint) -> Callable[[Any], Any] | None:
    """What attrs compares values by, so that what is read equals what was written; None where ``==`` says so.

    It is coarser than identity: decimals of one number are equal, and so are the zeros. A set of user types must not
    hold two that the driver reads as one, for it reads sets into a set of Python's own comparison.
    """
    read_otherwise = any(isinstance(one, Native) and one.name in _READ_OTHERWISE for one in walk(hint.type))
    if not (read_otherwise or hint.custom or (hint.nullable and is_multi_cell(hint.type))):
        return None
    known: list[Identity] = []
    kind = _DumpedKey if hint.custom else _Key

    def key(value: Any) -> Any:
        if not known:  # the first comparison: user types are whole by now
            known.append(identity_of(hint, IN_PYTHON))
        return kind(known[0], value)

    return key


class _Key:
    """A value that is compared by its identity; one that cannot be stored by ``==``, with others that cannot."""

    __slots__ = ("identity", "value")

    def __init__(self, identity: Identity, value: Any) -> None:
        self.identity, self.value = identity, value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Key):
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
        """What stands for the value, and whether it can be stored."""
        cell, value = self.identity.cell, self.value
        try:
            found: Any = value if value is None or cell is None else cell(value)
            hash(found)
        except Exception:  # noqa: BLE001 - values of any class; the binder names those that cannot be stored
            return value, False
        return found, True


class _DumpedKey(_Key):
    """A value of a custom type. Equal values may be dumped differently, as encrypted texts are: see `_convert`."""

    __slots__ = ()

    def __hash__(self) -> int:
        return 0 if isinstance(self.value, tuple(_BUILTIN)) else super().__hash__()
