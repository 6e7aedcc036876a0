"""A prepared statement -> a function from Python values to a statement that the driver sends.

*In*: the driver's ``PreparedStatement`` and our markers. *Out*: `Bind`. The driver's own ``bind`` looks up every column
anew; here one function is written for each prepared statement, with the bytes of plain types made in line. Bytes and
routing keys are those of ``bind``, to which it turns for all that it does not know, and whose errors it makes ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from scyllamodel.driver.exact import exact_for
from scyllamodel.driver.names import UNSET_VALUE, BoundStatement, tuple_factory
from scyllamodel.driver.ordering import arranged
from scyllamodel.driver.packing import NATIVE, by_driver, packer
from scyllamodel.driver.user_types import StaleType, fitted
from scyllamodel.errors import TypeMismatch
from scyllamodel.model._codegen import define
from scyllamodel.query.statement import UNSET, Marker
from scyllamodel.types.display import mismatch
from scyllamodel.types.values import is_frozen

Bind: TypeAlias = Callable[[Sequence[Any]], Any]

_LONG: Final = ("LongType", "CounterColumnType")
_IN_LINE: Final[Mapping[str, tuple[str, Any]]] = {
    "VarcharType": ("{}.encode()", None),
    "UTF8Type": ("{}.encode()", None),
    "AsciiType": ('{}.encode("ascii")', None),
    **dict.fromkeys(_LONG, ("{pack}(x) if (x := {}).__class__ is int else {pack}({exact}(x))", NATIVE["LongType"])),
    "Int32Type": ("{pack}(x) if (x := {}).__class__ is int else {pack}({exact}(x))", NATIVE["Int32Type"]),
    "ShortType": ("{pack}(x) if (x := {}).__class__ is int else {pack}({exact}(x))", NATIVE["ShortType"]),
    "ByteType": ("{pack}(x) if (x := {}).__class__ is int else {pack}({exact}(x))", NATIVE["ByteType"]),
    "DoubleType": ("{pack}(x) if (x := {}).__class__ is float else {pack}({exact}(x))", NATIVE["DoubleType"]),
    "FloatType": ("{pack}(x) if (x := {}).__class__ is float else {pack}({exact}(x))", NATIVE["FloatType"]),
    "BytesType": ("x if (x := {}).__class__ is bytes else {exact}(x)", None),
    "BooleanType": ("{pack}[{exact}({})]", {True: b"\1", False: b"\0"}),
    "UUIDType": ("{}.bytes", None),
    "TimeUUIDType": ("{exact}({}).bytes", None),
    "TimestampType": ("{pack}({})", NATIVE["TimestampType"]),
    "DateType": ("{pack}({})", NATIVE["TimestampType"]),
    "SimpleDateType": ("{pack}({})", NATIVE["SimpleDateType"]),
}
"""How the bytes of a value are written in line, by the driver's class of the type, and the name that this needs."""


def make_bind(prepared: Any, markers: Sequence[Marker], user_types: Mapping[str, tuple[str, ...]]) -> Bind:
    """The function that binds values to a prepared statement.

    Parameters:
        prepared: the driver's.
        markers: one for each of its values.
        user_types: the fields of each user type of the model, in the order in which it gives them.

    Returns:
        A function that raises `TypeMismatch` for a value that does not fit, naming its column, and `StaleType` when the
        server's user type had fewer fields than the value when the statement was prepared.
    """
    columns = prepared.column_metadata
    dumps = [_dump(marker, column.type, user_types) for marker, column in zip(markers, columns, strict=True)]
    slow = _by_driver(prepared, markers, dumps)
    if prepared.column_encryption_policy is not None or not columns:
        return slow
    scope: dict[str, Any] = {
        "new": object.__new__,
        "Bound": _bound_class(prepared),
        "UNSET": UNSET,
        "U": UNSET_VALUE,
        "slow": slow,
    }
    keys: set[int] = set(prepared.routing_key_indexes or ())
    values = [
        _value(
            at,
            column.type,
            dumps[at],
            scope,
            marker,
            protocol=prepared.protocol_version,
            required=at in keys or marker.required,
        )
        for at, (marker, column) in enumerate(zip(markers, columns, strict=True))
    ]
    lines = [
        "def bind(values):",
        "    try:",
        "        (",
        *(f"            v{at}," for at in range(len(columns))),
        "        ) = values",
        "        found = [",
        *(f"            {value}," for value in values),
        "        ]",
        *(f"        if not found[{at}]: raise ValueError" for at, marker in enumerate(markers) if marker.filled),
        *_routing(prepared.routing_key_indexes),
        "        made = new(Bound)",
        "        made.values = found",
        *(["        made.routing_key = key"] if keys else []),
        "        return made",
        "    except Exception:",
        "        pass",  # what the slow way raises has no context then
        "    return slow(values)",
    ]
    return define(lines, "bind", f"bind {prepared.query_string}", scope)


def _bound_class(prepared: Any) -> type:
    """One class for each statement, so that what never changes is looked up on it."""
    first = prepared.column_metadata[0]
    shared = {
        "routing_key": None,
        "prepared_statement": prepared,
        "keyspace": first.keyspace_name,
        "table": first.table_name,
        "our_rows": staticmethod(tuple_factory),
        "raw_values": (),  # only the driver's repr reads it, and values are not for logs
        "consistency_level": prepared.consistency_level,
        "_serial_consistency_level": prepared.serial_consistency_level,
        "fetch_size": prepared.fetch_size,
        "is_idempotent": prepared.is_idempotent,
        "retry_policy": prepared.retry_policy,
        "custom_payload": prepared.custom_payload,
    }
    return type("Bound", (BoundStatement,), shared)


def _dump(marker: Marker, driver_type: Any, user_types: Mapping[str, tuple[str, ...]]) -> Callable[[Any], Any] | None:
    fit = fitted(driver_type, user_types)
    if fit is None or marker.dump is None:
        return fit or marker.dump
    dump = marker.dump
    return lambda value: fit(dump(value))


def _value(
    at: int, driver_type: Any, dump: Any, scope: dict[str, Any], marker: Marker, *, protocol: int, required: bool
) -> str:
    """The expression that makes the bytes of one value."""
    given = f"v{at}"
    if dump is not None:
        scope[f"dump{at}"] = dump
        given = f"dump{at}(v{at})"
    text, name = _IN_LINE.get(driver_type.__name__, (None, None))
    scope[f"exact{at}"] = exact = _checked(driver_type, marker, dump)
    if text is None:
        # A list of values for ``IN`` may hold nulls, which the driver writes.
        scope[f"pack{at}"] = (by_driver if marker.holds_nulls else packer)(driver_type, protocol)
        made = f"pack{at}({given if exact is None else f'exact{at}({given})'})"
    else:
        scope[f"pack{at}"] = name
        made = f"({text.format(given, pack=f'pack{at}', exact=f'exact{at}')})"
    # The driver writes a user type of nulls for an unset one, so the test is ours. A key is never unset.
    if required:
        scope["null"] = _null
        return made if dump is None else f"null() if v{at} is None else {made}"
    return f"None if v{at} is None else U if v{at} is UNSET else {made}"


def _checked(driver_type: Any, marker: Marker, dump: Any) -> Callable[[Any], Any] | None:
    """What checks a value and puts its sets and maps in order; None where there is nothing to do."""
    # A value that `fitted` has put in order holds lists in the place of sets.
    exact = exact_for(driver_type, nulls=marker.holds_nulls, strict=dump is marker.dump)
    arrange = arranged(driver_type, is_frozen=marker.type is not None and is_frozen(marker.type))
    if exact is None or arrange is None:
        return exact or arrange
    return lambda value: arrange(exact(value))


def _null() -> None:
    raise TypeError("a null in a primary key")


def _routing(indexes: Sequence[int] | None) -> list[str]:
    if not indexes:
        return []
    if len(indexes) == 1:
        return [f"        key = found[{indexes[0]}]"]
    parts = ", ".join(f"found[{at}]" for at in indexes)
    return [f'        key = b"".join([len(part).to_bytes(2, "big") + part + b"\\0" for part in ({parts},)])']


def _by_driver(prepared: Any, markers: Sequence[Marker], dumps: Sequence[Callable[[Any], Any] | None]) -> Bind:
    """The driver's own way, and its errors as ours."""

    def bind(values: Sequence[Any]) -> Any:
        types = [column.type for column in prepared.column_metadata]
        dumped = [_dumped(*one) for one in zip(markers, dumps, types, values, strict=True)]
        _check_key(prepared, markers, dumped)
        try:
            made = prepared.bind(dumped)
        except Exception as error:  # noqa: BLE001 - serialisers raise whatever their value raises
            fault = error
        else:
            made.our_rows, made.raw_values = tuple_factory, ()
            return made
        raise _blamed(prepared, markers, values, dumped, fault)

    return bind


def _check_key(prepared: Any, markers: Sequence[Marker], dumped: Sequence[Any]) -> None:
    """Refuse a null in a primary key, and an empty partition key."""
    parts: Sequence[int] = prepared.routing_key_indexes or ()
    for at, (marker, value) in enumerate(zip(markers, dumped, strict=True)):
        if (at in parts or marker.required) and (value is None or value is UNSET_VALUE):
            kind = "partition" if at in parts else "primary"
            raise TypeMismatch(f"{marker.name} is part of the {kind} key and cannot be null.", column=marker.name)
        if marker.filled and isinstance(value, (str, bytes)) and not value:
            raise TypeMismatch(f"{marker.name} is the partition key and cannot be empty.", column=marker.name)


def _dumped(marker: Marker, dump: Callable[[Any], Any] | None, driver_type: Any, value: Any) -> Any:
    if value is UNSET:
        return UNSET_VALUE
    exact = _checked(driver_type, marker, dump)
    if value is None:
        return value
    try:
        found = value if dump is None else dump(value)
        return found if exact is None else exact(found)
    except StaleType:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a converter raises, the column is named
        fault = error
    raise _mismatch(marker, value, fault, driver_type)


def _blamed(
    prepared: Any, markers: Sequence[Marker], values: Sequence[Any], dumped: Sequence[Any], error: Exception
) -> Exception:
    """The error with the column whose value the driver cannot serialise."""
    for marker, column, value, raw in zip(markers, prepared.column_metadata, values, dumped, strict=True):
        if raw is None or raw is UNSET_VALUE:
            continue
        try:
            column.type.serialize(raw, prepared.protocol_version)
        except Exception as found:  # noqa: BLE001 - whatever it is, it is this column's
            return _mismatch(marker, value, found, column.type)
    return error


def _mismatch(marker: Marker, value: Any, error: Exception, driver_type: Any) -> TypeMismatch:
    kind: str = driver_type.cql_parameterized_type() if marker.type is None else marker.type.cql
    return mismatch(marker.name, kind, value, error, show=marker.show, details={"column": marker.name})
