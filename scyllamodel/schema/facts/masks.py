"""The canonical text of column masks (dynamic data masking, Cassandra 5.0).

*In*: a declared mask (``"mask_inner(1, null)"``), or a row of ``system_schema.column_masks``. *Out*: the text after
``MASKED WITH``, equal for masks with the same effect. Servers store each argument as text, with its type: a number as
its type prints it, a blob in hexadecimal digits, a text without quotes.
"""

from __future__ import annotations

import ipaddress
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any, Final

from scyllamodel._cql import tokens
from scyllamodel._identifiers import quote, string_literal, unquote
from scyllamodel.types.cql_types import CqlType, Native
from scyllamodel.types.parser import parse_type

DEFAULT: Final = "mask_default()"
_SYSTEM: Final = "system"
_NO_LITERAL: Final = "?"
"""Marks an argument without a CQL literal; a quoted text is a single token, so it is never taken for this one."""

_NAME: Final = r'(?:"(?:[^"]|"")+"|[A-Za-z]\w*)'
_CALL: Final = re.compile(rf"\s*(?:({_NAME})\s*\.\s*)?({_NAME})\s*\((.*)\)\s*", re.DOTALL)
_ARGUMENT: Final = re.compile(r"\s*('(?:[^']|'')*'|[^',\[\]{}()\s]+)\s*(,|$)")


def declared_mask(text: str, cql_type: CqlType, keyspace: str | None = None) -> str:
    """The canonical text of a declared mask.

    >>> declared_mask("DEFAULT", Native("int")), declared_mask("MASK_INNER(1,NULL,'#')", Native("text"))
    ('mask_default()', "mask_inner(1, null, '#')")

    Parameters:
        cql_type: the type of the column, and so of the argument of ``mask_replace``.
        keyspace: the keyspace of the table; functions in it need no qualified name.

    Raises:
        ValueError: the text is not a mask, or servers cannot store it.
    """
    if text.strip().upper() == "DEFAULT":
        return DEFAULT
    match = _CALL.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is neither DEFAULT nor a call such as mask_inner(1, null)")
    function_keyspace, name = (unquote(part) if part else "" for part in match.groups()[:2])
    argument_type = cql_type if name == "mask_replace" else None
    arguments = [_declared_argument(argument, argument_type) for argument in _arguments(match[3], text)]
    return _call("" if function_keyspace in (_SYSTEM, keyspace) else function_keyspace, name, arguments)


def stored_mask(row: Mapping[str, Any], keyspace: str) -> str:
    """The canonical text of a row of ``column_masks``.

    Raises:
        ValueError: an argument has an unknown type.
    """
    columns = (row["function_argument_types"], row["function_argument_values"], row["function_argument_nulls"])
    types, values, nulls = (field or () for field in columns)
    arguments = [
        "null" if null else _stored_argument(parse_type(type_text), value)
        for type_text, value, null in zip(types, values, nulls, strict=True)
    ]
    function_keyspace = row["function_keyspace"]
    return _call("" if function_keyspace in (_SYSTEM, keyspace) else function_keyspace, row["function_name"], arguments)


def is_writable(mask: str) -> bool:
    """Whether CQL can express this mask; some stored arguments, such as collections, have no literal."""
    return all(token.text != _NO_LITERAL for token in tokens(mask))


def _call(function_keyspace: str, name: str, arguments: Sequence[str]) -> str:
    return (
        f"{quote(function_keyspace)}.{quote(name)}({', '.join(arguments)})"
        if function_keyspace
        else f"{quote(name)}({', '.join(arguments)})"
    )


def _arguments(text: str, whole: str) -> list[str]:
    literals: list[str] = []
    position = 0
    while text[position:].strip():
        match = _ARGUMENT.match(text, position)
        if match is None or (match[2] and not text[match.end() :].strip()):
            raise ValueError(f"the arguments of {whole!r} are not plain literals, such as 1, null or '*'")
        literals.append(match[1])
        position = match.end()
    return literals


def _declared_argument(literal: str, cql_type: CqlType | None) -> str:
    if literal[0] == "'":
        text = literal[1:-1].replace("''", "'")
        if "'" in text:
            raise ValueError(f"Cassandra cannot store a quote in an argument of a mask, as in {literal}")
        return string_literal(_normalized(cql_type, text))
    plain = literal.lower()
    return plain if plain == "null" or plain.startswith("0x") else _normalized(cql_type, plain)


def _stored_argument(cql_type: CqlType, value: str) -> str:
    if not isinstance(cql_type, Native):
        return f"{_NO_LITERAL}{value}"
    if cql_type.name == "blob":
        return f"0x{value.lower()}"
    printed = _normalized(cql_type, value)
    return string_literal(printed) if cql_type.name in _QUOTED else printed


def _normalized(cql_type: CqlType | None, text: str) -> str:
    """The value in one canonical spelling.

    Raises:
        ValueError: the text is not a value of this type.
    """
    make = _NORMALIZERS.get(cql_type.name) if isinstance(cql_type, Native) else None
    try:
        return text if make is None else make(text)
    except (ValueError, ArithmeticError, struct.error) as error:
        raise ValueError(f"{text!r} is not a value of type {cql_type.cql if cql_type else ''}: {error}") from error


def _timestamp_text(text: str) -> str:
    moment = datetime.fromisoformat(re.sub(r"Z$", "+00:00", text.replace(" ", "T", 1)))
    if moment.tzinfo is None:
        raise ValueError("write the time with a UTC offset, as in 2020-01-01T00:00:00.000Z")
    return f"{moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def _float_text(text: str) -> str:
    """The shortest decimal text of a 32-bit float."""
    (number,) = struct.unpack("f", struct.pack("f", float(text)))
    candidates = (f"{number:.{digits}g}" for digits in range(6, 10))
    equal = (s for s in candidates if struct.unpack("f", struct.pack("f", float(s)))[0] == number)
    return str(float(next(equal, number)))  # a NaN equals no candidate


def _time_text(text: str) -> str:
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.ljust(9, '0')}"


_NORMALIZERS: Final[Mapping[str, Callable[[str], str]]] = {
    **{name: lambda text: str(int(text)) for name in ("tinyint", "smallint", "int", "bigint", "varint")},
    "decimal": lambda text: str(Decimal(text)),
    "double": lambda text: str(float(text)),
    "float": _float_text,
    "inet": lambda text: str(ipaddress.ip_address(text)),
    "time": _time_text,
    "timestamp": _timestamp_text,
}
_QUOTED: Final = frozenset({"ascii", "text", "date", "time", "timestamp", "inet"})
