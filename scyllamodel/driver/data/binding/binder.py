"""Functions that bind Python values to a prepared statement.

In: the driver's ``PreparedStatement`` and the markers of a statement template. Out: `Bind`. The driver's ``bind`` looks
up each column in each call; here one function is generated for each prepared statement, with the bytes of plain types
made inline. Bytes and routing keys equal those of ``bind``, which handles everything else; its errors are translated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from scyllamodel.driver._cassandra import UNSET_VALUE, BoundStatement, tuple_factory
from scyllamodel.driver.data.binding.collection_order import arranger_for
from scyllamodel.driver.data.binding.serializers import NATIVE_SERIALIZERS, driver_serializer_for, serializer_for
from scyllamodel.driver.data.binding.strict_values import value_check_for
from scyllamodel.driver.data.binding.user_types import StaleUserType, field_reorderer_for
from scyllamodel.errors import TypeMismatch
from scyllamodel.model._codegen import define_function
from scyllamodel.query.statement import UNSET, Marker
from scyllamodel.types.cql_types import is_frozen
from scyllamodel.types.display import type_mismatch

Bind: TypeAlias = Callable[[Sequence[Any]], Any]

_LONG: Final = ("LongType", "CounterColumnType")
_INLINE_TEMPLATES: Final[Mapping[str, tuple[str, Any]]] = {
    "VarcharType": ("{}.encode()", None),
    "UTF8Type": ("{}.encode()", None),
    "AsciiType": ('{}.encode("ascii")', None),
    **dict.fromkeys(
        _LONG, ("{pack}(x) if (x := {}).__class__ is int else {pack}({check}(x))", NATIVE_SERIALIZERS["LongType"])
    ),
    "Int32Type": ("{pack}(x) if (x := {}).__class__ is int else {pack}({check}(x))", NATIVE_SERIALIZERS["Int32Type"]),
    "ShortType": ("{pack}(x) if (x := {}).__class__ is int else {pack}({check}(x))", NATIVE_SERIALIZERS["ShortType"]),
    "ByteType": ("{pack}(x) if (x := {}).__class__ is int else {pack}({check}(x))", NATIVE_SERIALIZERS["ByteType"]),
    "DoubleType": (
        "{pack}(x) if (x := {}).__class__ is float else {pack}({check}(x))",
        NATIVE_SERIALIZERS["DoubleType"],
    ),
    "FloatType": ("{pack}(x) if (x := {}).__class__ is float else {pack}({check}(x))", NATIVE_SERIALIZERS["FloatType"]),
    "BytesType": ("x if (x := {}).__class__ is bytes else {check}(x)", None),
    "BooleanType": ("{pack}[{check}({})]", {True: b"\1", False: b"\0"}),
    "UUIDType": ("{}.bytes", None),
    "TimeUUIDType": ("{check}({}).bytes", None),
    "TimestampType": ("{pack}({})", NATIVE_SERIALIZERS["TimestampType"]),
    "DateType": ("{pack}({})", NATIVE_SERIALIZERS["TimestampType"]),
    "SimpleDateType": ("{pack}({})", NATIVE_SERIALIZERS["SimpleDateType"]),
}
"""For each driver class of a type: the expression that makes its bytes, and the object that the expression needs."""


def make_bind(prepared: Any, markers: Sequence[Marker], user_types: Mapping[str, tuple[str, ...]]) -> Bind:
    """Make the function that binds values to a prepared statement.

    Parameters:
        prepared: the driver's prepared statement.
        markers: one for each value of the statement.
        user_types: the fields of each user type of the model, in the order of its class.

    Returns:
        A function that raises `TypeMismatch` for a value that does not fit, naming its column, and `StaleUserType` when
        the server's user type had fewer fields than the value when the statement was prepared.
    """
    columns = prepared.column_metadata
    dumps = [_dump_function(marker, column.type, user_types) for marker, column in zip(markers, columns, strict=True)]
    fallback = _driver_bind(prepared, markers, dumps)
    if prepared.column_encryption_policy is not None or not columns:
        return fallback
    scope: dict[str, Any] = {
        "new": object.__new__,
        "Bound": _statement_class(prepared),
        "UNSET": UNSET,
        "U": UNSET_VALUE,
        "fallback": fallback,
    }
    key_indexes: set[int] = set(prepared.routing_key_indexes or ())
    values = [
        _value_expression(
            index,
            column.type,
            dumps[index],
            scope,
            marker,
            protocol_version=prepared.protocol_version,
            required=index in key_indexes or marker.required,
        )
        for index, (marker, column) in enumerate(zip(markers, columns, strict=True))
    ]
    lines = [
        "def bind(values):",
        "    try:",
        "        (",
        *(f"            v{index}," for index in range(len(columns))),
        "        ) = values",
        "        cells = [",
        *(f"            {value}," for value in values),
        "        ]",
        *(
            f"        if not cells[{index}]: raise ValueError"
            for index, marker in enumerate(markers)
            if marker.not_empty
        ),
        *_routing_key_lines(prepared.routing_key_indexes),
        "        statement = new(Bound)",
        "        statement.values = cells",
        *(["        statement.routing_key = key"] if key_indexes else []),
        "        return statement",
        "    except Exception:",
        "        pass",  # an error of the fallback has no context then
        "    return fallback(values)",
    ]
    return define_function(lines, "bind", f"bind {prepared.query_string}", scope)


def _statement_class(prepared: Any) -> type:
    """Make a statement class for one prepared statement, with all constant attributes on the class."""
    first_column = prepared.column_metadata[0]
    attributes = {
        "routing_key": None,
        "prepared_statement": prepared,
        "keyspace": first_column.keyspace_name,
        "table": first_column.table_name,
        "internal_row_factory": staticmethod(tuple_factory),
        "raw_values": (),  # only the driver's repr reads it, and logs must not contain values
        "consistency_level": prepared.consistency_level,
        "_serial_consistency_level": prepared.serial_consistency_level,
        "fetch_size": prepared.fetch_size,
        "is_idempotent": prepared.is_idempotent,
        "retry_policy": prepared.retry_policy,
        "custom_payload": prepared.custom_payload,
    }
    return type("Bound", (BoundStatement,), attributes)


def _dump_function(
    marker: Marker, driver_type: Any, user_types: Mapping[str, tuple[str, ...]]
) -> Callable[[Any], Any] | None:
    reorder = field_reorderer_for(driver_type, user_types)
    if reorder is None or marker.dump is None:
        return reorder or marker.dump
    dump = marker.dump
    return lambda value: reorder(dump(value))


def _value_expression(
    index: int,
    driver_type: Any,
    dump: Any,
    scope: dict[str, Any],
    marker: Marker,
    *,
    protocol_version: int,
    required: bool,
) -> str:
    """Return the source of the expression that makes the bytes of one value."""
    source = f"v{index}"
    if dump is not None:
        scope[f"dump{index}"] = dump
        source = f"dump{index}(v{index})"
    template, helper = _INLINE_TEMPLATES.get(driver_type.__name__, (None, None))
    scope[f"check{index}"] = check = _value_check(driver_type, marker, dump)
    if template is None:
        # A list of values for ``IN`` may hold nulls, which the driver writes.
        scope[f"pack{index}"] = (driver_serializer_for if marker.holds_nulls else serializer_for)(
            driver_type, protocol_version
        )
        expression = f"pack{index}({source if check is None else f'check{index}({source})'})"
    else:
        scope[f"pack{index}"] = helper
        expression = f"({template.format(source, pack=f'pack{index}', check=f'check{index}')})"
    # The driver writes a user type of nulls for an unset one, so the test is made here. A key is never unset.
    if required:
        scope["refuse_null"] = _refuse_null
        return expression if dump is None else f"refuse_null() if v{index} is None else {expression}"
    return f"None if v{index} is None else U if v{index} is UNSET else {expression}"


def _value_check(driver_type: Any, marker: Marker, dump: Any) -> Callable[[Any], Any] | None:
    """Return the function that checks a value and orders its sets and maps, or None where neither is needed."""
    # A value reordered by `field_reorderer_for` holds lists in place of sets.
    check = value_check_for(driver_type, nulls=marker.holds_nulls, strict=dump is marker.dump)
    arrange = arranger_for(driver_type, is_frozen=marker.type is not None and is_frozen(marker.type))
    if check is None or arrange is None:
        return check or arrange
    return lambda value: arrange(check(value))


def _refuse_null() -> None:
    raise TypeError("a null in a primary key")


def _routing_key_lines(indexes: Sequence[int] | None) -> list[str]:
    if not indexes:
        return []
    if len(indexes) == 1:
        return [f"        key = cells[{indexes[0]}]"]
    parts = ", ".join(f"cells[{index}]" for index in indexes)
    return [
        f'        key = b"".join([len(component).to_bytes(2, "big") + component + b"\\0" for component in ({parts},)])'
    ]


def _driver_bind(prepared: Any, markers: Sequence[Marker], dumps: Sequence[Callable[[Any], Any] | None]) -> Bind:
    """Make the fallback: the driver's ``bind``, with its errors translated."""

    def bind(values: Sequence[Any]) -> Any:
        types = [column.type for column in prepared.column_metadata]
        converted = [_convert(*arguments) for arguments in zip(markers, dumps, types, values, strict=True)]
        _check_key(prepared, markers, converted)
        try:
            statement = prepared.bind(converted)
        except Exception as error:  # noqa: BLE001 - serializers raise whatever their value raises
            fault = error
        else:
            statement.internal_row_factory, statement.raw_values = tuple_factory, ()
            return statement
        raise _column_error(prepared, markers, values, converted, fault)

    return bind


def _check_key(prepared: Any, markers: Sequence[Marker], converted: Sequence[Any]) -> None:
    """Refuse a null in a primary key, and an empty partition key."""
    partition_indexes: Sequence[int] = prepared.routing_key_indexes or ()
    for index, (marker, value) in enumerate(zip(markers, converted, strict=True)):
        if (index in partition_indexes or marker.required) and (value is None or value is UNSET_VALUE):
            kind = "partition" if index in partition_indexes else "primary"
            raise TypeMismatch(f"{marker.name} is part of the {kind} key and cannot be null.", column=marker.name)
        if marker.not_empty and isinstance(value, (str, bytes)) and not value:
            raise TypeMismatch(f"{marker.name} is the partition key and cannot be empty.", column=marker.name)


def _convert(marker: Marker, dump: Callable[[Any], Any] | None, driver_type: Any, value: Any) -> Any:
    if value is UNSET:
        return UNSET_VALUE
    check = _value_check(driver_type, marker, dump)
    if value is None:
        return value
    try:
        converted = value if dump is None else dump(value)
        return converted if check is None else check(converted)
    except StaleUserType:
        raise
    except Exception as error:  # noqa: BLE001 - a converter may raise anything; the column is named
        fault = error
    raise _type_mismatch(marker, value, fault, driver_type)


def _column_error(
    prepared: Any, markers: Sequence[Marker], values: Sequence[Any], converted: Sequence[Any], error: Exception
) -> Exception:
    """Return the error that names the column whose value the driver cannot serialize."""
    for marker, column, value, raw in zip(markers, prepared.column_metadata, values, converted, strict=True):
        if raw is None or raw is UNSET_VALUE:
            continue
        try:
            column.type.serialize(raw, prepared.protocol_version)
        except Exception as column_error:  # noqa: BLE001 - a serializer may raise anything; the column is named
            return _type_mismatch(marker, value, column_error, column.type)
    return error


def _type_mismatch(marker: Marker, value: Any, error: Exception, driver_type: Any) -> TypeMismatch:
    cql_type: str = driver_type.cql_parameterized_type() if marker.type is None else marker.type.cql
    return type_mismatch(marker.name, cql_type, value, error, show=marker.show, details={"column": marker.name})
