"""Decodes rows with the column descriptions of an earlier answer.

Servers describe the columns in each answer. The driver parses the description every time, which takes several times as
long as the row of a point read. Here a parsed description is kept and found again by its bytes; or, where the server
sends none because the statement was prepared with it (ScyllaDB's ``SCYLLA_USE_METADATA_ID``), by the description that
the connection passes. Everything else is left to the driver: answers other than rows, flags that this module does not
know, and user types, whose classes depend on what the application registered meanwhile.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache, partial
from importlib import import_module
from io import BytesIO
from typing import Any, Final, NamedTuple

import attrs

from scyllamodel.driver._cassandra import ProtocolHandler, ResultMessage, subtypes_of, type_kind
from scyllamodel.driver.session.uuid_cells import replace_uuids

MAX_COLUMNS: Final = 50_000
"""Columns whose descriptions one decoder keeps, about 25 MB; all are dropped when there are more."""

MAX_ALIKE: Final = 32
"""Descriptions of one table with one number of columns, which are compared one by one."""

RESULT: Final = ResultMessage.opcode
_VOID: Final = 1
_VOID_BODY: Final = b"\0\0\0\1"
_ROWS: Final = 2
_ONE_TABLE: Final = 1
_MORE_PAGES: Final = 2
_NO_DESCRIPTION: Final = 4
_PREFIX: Final = struct.Struct(">iii")
_LENGTH: Final = struct.Struct(">i")


class _Prefix(NamedTuple):
    """What precedes the rows of an answer.

    Attributes:
        start: where the description of the columns starts; the rows, if there is none.
        column_count: of the description; None if there is none.
    """

    paging_state: bytes | None
    start: int
    column_count: int | None


@attrs.frozen(eq=False)
class _Description:
    """The parsed description of columns.

    Attributes:
        raw_bytes: as the server sends it; empty if it does not.
        columns: keyspace, table, name and type of each column.
        parse_desc: the driver's object for its row parser; None where the driver must decode the answer.
    """

    raw_bytes: bytes
    columns: Sequence[Any]
    names: list[str]
    types: list[Any]
    parse_desc: Any


class PendingRows:
    """The rows of a page that is not the last one, which are decoded by the thread that uses them.

    A program that reads all pages asks for the next one first, and the server fetches it while this one is decoded.

    Parameters:
        count: of the rows.
        decode: returns the rows; raises an exception for bytes that it cannot decode.
        decode_as_driver: returns the driver's message, or the error of an answer that cannot be decoded at all.
    """

    __slots__ = ("_count", "_decode", "_decode_as_driver")

    def __init__(self, count: int, decode: Callable[[], Any], decode_as_driver: Callable[[], Any]) -> None:
        self._count, self._decode, self._decode_as_driver = count, decode, decode_as_driver

    def __len__(self) -> int:
        """The number of the rows, decoded or not."""
        return self._count

    def decoded(self) -> Any:
        """Return the rows.

        Raises:
            LoadError: the answer cannot be decoded at all.
        """
        try:
            return self._decode()
        except Exception:  # noqa: BLE001 - deserializers raise whatever the bytes make them raise
            message = self._decode_as_driver()
        if isinstance(message, Exception):
            raise message
        return message.parsed_rows

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the rows, which the first step decodes: the driver makes an iterator of any result."""
        yield from self.decoded()


class ResultDecoder:
    """A decoder of rows.

    Parameters:
        result_class: of the messages to make.
    """

    def __init__(self, result_class: Any) -> None:
        self._result_class = result_class
        self._plain_class: Any = type("_PlainResult", (result_class,), {"is_plain": True})
        self._new_reader: Any = import_module("cassandra.bytesio").BytesIOReader
        self._parse_rows: Any = ProtocolHandler.col_parser.parse_rows
        self._descriptions: dict[tuple[Any, ...], list[_Description]] = {}
        self._column_count = 0

    def decode(self, protocol: int, body: bytes, bound: Any, decode_as_driver: Callable[[], Any]) -> Any:
        """Decode the body of a result without header flags.

        Parameters:
            bound: the columns that the statement had when the request was made.
            decode_as_driver: decodes the whole answer, if its rows turn out to need the driver later.

        Returns:
            The driver's message, or None where the driver must decode the body. The message of a write, or of a last
            page, has a true attribute ``is_plain``; that of another page has `PendingRows`.
        """
        if body == _VOID_BODY:
            return self._plain_class(_VOID)
        try:
            return self._decode_known(protocol, body, bound, decode_as_driver)
        except Exception:  # noqa: BLE001 - bytes that cannot be decoded, or an answer that was cut short
            return None

    def _decode_known(self, protocol: int, body: bytes, bound: Any, decode_as_driver: Callable[[], Any]) -> Any:
        prefix = _read_prefix(body)
        known = None if prefix is None else self._find(protocol, body, prefix, bound)
        if prefix is None or known is None or known.parse_desc is None:
            return None
        message = (self._plain_class if prefix.paging_state is None else self._result_class)(_ROWS)
        message.paging_state, message.column_names, message.column_types = prefix.paging_state, known.names, known.types
        if known.raw_bytes:
            message.column_metadata = known.columns
        start = prefix.start + len(known.raw_bytes)
        if prefix.paging_state is None:
            message.parsed_rows = self._decode_rows(body, start, known.parse_desc)
        else:
            (count,) = _LENGTH.unpack_from(body, start)
            decode = partial(self._decode_rows, body, start, known.parse_desc)
            message.parsed_rows = PendingRows(count, decode, decode_as_driver)
        return message

    def _decode_rows(self, body: bytes, start: int, parse_desc: Any) -> Any:
        return self._parse_rows(self._new_reader(body[start:]), parse_desc)

    def _find(self, protocol: int, body: bytes, prefix: _Prefix, bound: Any) -> _Description | None:
        for known in self._descriptions.get(_key(protocol, body, prefix, bound), ()):
            if body.startswith(known.raw_bytes, prefix.start) and (known.raw_bytes or known.columns is bound):
                return known
        return None

    def learn(self, protocol: int, body: bytes, bound: Any, message: Any) -> None:
        """Keep the description of an answer that the driver has decoded."""
        if isinstance(message, self._result_class):
            with contextlib.suppress(Exception):  # the answer is there; the next one is left to the driver, too
                self._learn(protocol, body, bound, message)

    def _learn(self, protocol: int, body: bytes, bound: Any, message: Any) -> None:
        prefix = _read_prefix(body)
        if prefix is None or self._find(protocol, body, prefix, bound):
            return
        columns: Sequence[Any] = bound if prefix.column_count is None else message.column_metadata
        raw_bytes = b"" if prefix.column_count is None else body[prefix.start : _description_end(type(message), body)]
        self._keep(_key(protocol, body, prefix, bound), _describe(protocol, raw_bytes, columns))

    def _keep(self, key: tuple[Any, ...], description: _Description) -> None:
        if self._column_count >= MAX_COLUMNS:
            self._descriptions, self._column_count = {}, 0
        self._column_count += len(description.columns)
        alike = self._descriptions.setdefault(key, [])
        if len(alike) >= MAX_ALIKE:
            alike.clear()
        alike.append(description)


def _read_prefix(body: bytes) -> _Prefix | None:
    """Return the prefix of a page of rows of one table; None for another result."""
    if len(body) < _PREFIX.size:
        return None
    kind, flags, column_count = _PREFIX.unpack_from(body)
    if kind != _ROWS:
        return None
    state, start = None, _PREFIX.size
    if flags & _MORE_PAGES:
        start += _LENGTH.size
        end = start + int(_LENGTH.unpack_from(body, _PREFIX.size)[0])
        state, start, flags = body[start:end], end, flags ^ _MORE_PAGES
    if flags == _ONE_TABLE:
        return _Prefix(state, start, column_count)
    return _Prefix(state, start, None) if flags in (_NO_DESCRIPTION, _NO_DESCRIPTION | _ONE_TABLE) else None


def _key(protocol: int, body: bytes, prefix: _Prefix, bound: Any) -> tuple[Any, ...]:
    """Return what equal descriptions have in common: the table, or the columns of the statement."""
    if prefix.column_count is None:
        return protocol, id(bound)
    start = prefix.start
    table = start + 2 + (body[start] << 8) + body[start + 1]  # after the keyspace; both begin with their length
    end = table + 2 + (body[table] << 8) + body[table + 1]
    return protocol, prefix.column_count, body[start:end]


def _description_end(result_class: Any, body: bytes) -> int:
    stream = BytesIO(body)
    stream.seek(4)
    result_class(_ROWS).recv_results_metadata(stream, {})
    return stream.tell()


def _describe(protocol: int, raw_bytes: bytes, columns: Sequence[Any]) -> _Description:
    names, types = [column[2] for column in columns], [column[3] for column in columns]
    parse_desc = None if any(map(_has_user_type, types)) else _parse_desc(protocol, columns, names, types)
    return _Description(raw_bytes, columns, names, types, parse_desc)


def _parse_desc(protocol: int, columns: Sequence[Any], names: list[str], types: list[Any]) -> Any:
    """Make the object that tells the driver's row parser how to decode each cell."""
    deserializers = import_module("cassandra.deserializers").make_deserializers(types)
    replace_uuids(deserializers, types)
    descriptions = [tuple(column[:3]) for column in columns]
    return import_module("cassandra.parsing").ParseDesc(names, types, None, descriptions, deserializers, protocol)


def _has_user_type(driver_type: Any) -> bool:
    subtypes: Iterable[Any] = () if type_kind(driver_type) == "user type" else subtypes_of(driver_type)
    return type_kind(driver_type) == "user type" or any(map(_has_user_type, subtypes))


_SAMPLE: Final = (
    b"\0\0\0\2\0\0\0\3\0\0\0\2\0\0\0\4page\0\1k\0\1t\0\2id\0\x09\0\4tags\0\x22\0\x0d"
    b"\0\0\0\1\0\0\0\4\0\0\0\7\0\0\0\x0d\0\0\0\2\0\0\0\0\0\0\0\1a"
)
"""The body of a page with one row: an int and a set of texts."""

_ATTRIBUTES: Final = (
    "kind", "paging_state", "column_metadata", "column_names", "column_types", "parsed_rows", "warnings",
    "custom_payload", "continuous_paging_seq", "new_keyspace",
)  # fmt: skip
"""Those of a message that a request reads."""


@lru_cache(maxsize=1)
def is_supported() -> bool:
    """Whether this driver has the compiled parsers, with the names and results that this module expects."""
    try:
        expected = ProtocolHandler.decode_message(4, None, {}, 0, 0, RESULT, _SAMPLE, None, None)
        decoder = ResultDecoder(ProtocolHandler.message_types_by_opcode[RESULT])
        decoder.learn(4, _SAMPLE, None, expected)
        decoded = decoder.decode(4, _SAMPLE, None, lambda: None)
        decoded.parsed_rows = decoded.parsed_rows.decoded()
        return all(getattr(decoded, name) == getattr(expected, name) for name in _ATTRIBUTES)
    except Exception:  # noqa: BLE001 - another driver may raise anything
        return False
