"""Protocol handlers that decode answers without an error in the driver's reader thread.

The driver decodes a whole answer in the thread that reads the socket. An error there counts as a protocol error: the
driver closes the connection, and every other request in flight on it fails. Servers do store values that the driver
cannot decode: a timestamp of year 10000, text that is UTF-8 for Java only, a decimal of 5,000 digits. These handlers
decode as fast as the driver's until a cell fails. The answer is then decoded cell by cell, and each row with a failed
cell becomes a `DamagedRow`, which raises the error when it is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from typing import Any, Final

import attrs

from scyllamodel.driver._cassandra import ColDesc, ProtocolHandler, ResultMessage, read_int
from scyllamodel.driver.session import result_metadata
from scyllamodel.errors import LoadError

RESULT_CLASS: Final[Any] = ProtocolHandler.message_types_by_opcode[ResultMessage.opcode]
"""The driver's class of results, compiled where the driver is."""


@attrs.frozen
class UnreadableCell:
    """A cell that the driver cannot decode.

    Attributes:
        raw_bytes: as stored.
        cql_type: of the column.
        error: the cause.
    """

    raw_bytes: bytes = attrs.field(repr=False)
    cql_type: str
    error: Exception = attrs.field(repr=False)

    def __str__(self) -> str:
        if self.cql_type == "timestamp" and len(self.raw_bytes) == 8:
            return f"{int.from_bytes(self.raw_bytes, 'big', signed=True)} milliseconds since 1970"
        return f"0x{self.raw_bytes.hex()}"


class DamagedRow:
    """A row with an `UnreadableCell`; unpacking it, or taking an item, raises the error.

    Attributes:
        cells: all of its cells.
    """

    __slots__ = ("cells",)

    def __init__(self, cells: tuple[Any, ...]) -> None:
        self.cells = cells

    def _first_error(self) -> Exception:
        return next(cell.error for cell in self.cells if cell.__class__ is UnreadableCell)

    def __iter__(self) -> Iterator[Any]:
        raise self._first_error()

    def __getitem__(self, index: Any) -> Any:
        raise self._first_error()


class DamagedPage(list[Any]):
    """A page with at least one `DamagedRow`."""


def _decode_page(message: Any, f: Any, protocol: int, metadata: Sequence[Any], policy: Any) -> DamagedPage:
    """Decode the rows of an answer cell by cell."""
    columns = [(ColDesc(*column[:3]), column[3]) for column in metadata]
    rows = (message.recv_row(f, len(columns)) for _ in range(read_int(f)))
    return DamagedPage(
        _as_row([_decode_cell(*pair, protocol, policy) for pair in zip(row, columns, strict=True)]) for row in rows
    )


def _as_row(cells: list[Any]) -> Any:
    return DamagedRow(tuple(cells)) if any(cell.__class__ is UnreadableCell for cell in cells) else tuple(cells)


def _decode_cell(raw_bytes: bytes | None, column: tuple[Any, Any], protocol: int, policy: Any) -> Any:
    description, driver_type = column
    if policy is not None and policy.contains_column(description):
        driver_type = policy.column_type(description)
        raw_bytes = policy.decrypt(description, raw_bytes)
    try:
        return driver_type.from_binary(raw_bytes, protocol)
    except Exception as error:  # noqa: BLE001 - deserializers raise whatever the bytes make them raise
        return UnreadableCell(raw_bytes or b"", driver_type.cql_parameterized_type(), error)


@lru_cache(maxsize=64)  # sessions of one process share a handler, unless they encrypt columns
def tolerant_handler(base: Any) -> Any:
    """Make a handler that turns an undecodable answer into the `LoadError` of that one request."""
    if getattr(base, "is_tolerant", False):
        return base

    class Handler(base):  # type: ignore[misc]  # the driver ships no types
        is_tolerant = True

        @classmethod
        def decode_message(cls, *arguments: Any) -> Any:
            try:
                inherited: Any = super()
                return inherited.decode_message(*arguments)
            except Exception as error:  # noqa: BLE001 - the frame was read whole, so the connection is sound
                failure = LoadError(
                    f"The driver cannot decode an answer: {error}. The connection and other requests are not affected."
                )
                failure.__cause__ = error
                return failure  # the driver raises it for the request

    return Handler


def with_result_class(base: Any, result_class: Any) -> Any:
    """Make a tolerant handler whose results are of a class, whatever the base makes of them."""

    class Handler(tolerant_handler(base)):  # type: ignore[misc]  # the driver ships no types
        message_types_by_opcode = {**base.message_types_by_opcode, ResultMessage.opcode: result_class}  # noqa: RUF012

    return Handler


@lru_cache(maxsize=64)
def tolerant_rows_handler(base: Any) -> Any:
    """Make a handler for rows that models load: only rows with an undecodable cell fail."""

    class Result(RESULT_CLASS):  # type: ignore[misc]  # the driver ships no types
        def recv_results_rows(self, f: Any, protocol: int, types: Any, metadata: Any, policy: Any) -> None:
            start = f.tell()
            try:
                inherited: Any = super()
                inherited.recv_results_rows(f, protocol, types, metadata, policy)
            except Exception:  # noqa: BLE001 - deserializers raise whatever the bytes make them raise
                f.seek(start)
                self.recv_results_metadata(f, types)
                columns = self.column_metadata or metadata
                self.column_names = [column[2] for column in columns]
                self.column_types = [column[3] for column in columns]
                self.parsed_rows = _decode_page(self, f, protocol, columns, policy)

    handler = with_result_class(base, Result)
    return _remembering_handler(handler, Result) if _decodes_as_driver(base) else handler


def _decodes_as_driver(base: Any) -> bool:
    """Whether a handler decodes messages as the driver does, so that rows may be decoded without it."""
    method: Any = getattr(base.decode_message, "__func__", None)
    expected = (ProtocolHandler.decode_message.__func__, tolerant_handler(ProtocolHandler).decode_message.__func__)
    return method in expected and base.column_encryption_policy is None and result_metadata.is_supported()


def _remembering_handler(base: Any, result_class: Any) -> Any:
    """Make a handler that keeps the column descriptions of answers, and marks plain ones."""
    decoder = result_metadata.ResultDecoder(result_class)

    class Handler(base):  # type: ignore[misc]  # the driver ships no types
        marks_plain = True

        @classmethod
        def decode_message(cls, *arguments: Any) -> Any:
            inherited: Any = super()
            version, _, _, stream, flags, opcode, raw_body, decompress, bound = arguments
            body = _result_body(version, flags, opcode, raw_body, decompress)
            if body is None:
                return inherited.decode_message(*arguments)
            decode_as_driver = partial(inherited.decode_message, *arguments)
            message = decoder.decode(version, body, bound, decode_as_driver)
            if message is None:
                message = decode_as_driver()
                decoder.learn(version, body, bound, message)
            else:
                message.stream_id, message.trace_id = stream, None
            return message

    return Handler


_COMPRESSED: Final = 1
"""The flag of a compressed body; version 5 compresses segments instead."""


def _result_body(version: int, flags: int, opcode: int, body: bytes, decompress: Any) -> bytes | None:
    """Return the body of a result without other header flags, decompressed; None for another message."""
    if opcode != ResultMessage.opcode or flags & ~_COMPRESSED:
        return None
    if not flags:
        return body
    try:
        return None if version >= 5 else decompress(body)
    except Exception:  # noqa: BLE001 - the driver raises it again
        return None
