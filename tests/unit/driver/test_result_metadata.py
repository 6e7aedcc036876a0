"""Column descriptions of answers are parsed once, and rows are decoded as by the driver."""

from __future__ import annotations

import copy
import pickle
import struct
import uuid
import zlib

import pytest

from scyllamodel.driver._cassandra import ProtocolHandler, cqltypes
from scyllamodel.driver.session import result_metadata, uuid_cells
from scyllamodel.driver.session.decoding import DamagedPage, DamagedRow, tolerant_handler, tolerant_rows_handler
from scyllamodel.driver.session.result_metadata import PendingRows
from scyllamodel.errors import LoadError
from support.answers import (
    BIGINT,
    BLOB,
    INT,
    MAP,
    SET_OF_TEXT,
    TEXT,
    TIMESTAMP,
    TIMEUUID,
    TUPLE,
    USER_TYPE,
    UUID,
    answer,
    cell,
    decode,
    short,
)

RESULT_CLASS = ProtocolHandler.message_types_by_opcode[8]
TIME_BASED = uuid.UUID("a1bcbe30-cc02-11f0-8de9-0242ac120002").bytes
VECTOR_NAME = b"org.apache.cassandra.db.marshal.VectorType(org.apache.cassandra.db.marshal.FloatType , 2)"

VECTOR = b"\0\0" + short(VECTOR_NAME)


def new_handler():
    """A handler that has seen no answer."""
    tolerant_rows_handler.cache_clear()
    return tolerant_rows_handler(tolerant_handler(ProtocolHandler))


BODIES = {
    "one row": answer([(b"id", INT), (b"name", TEXT)], [[b"\0\0\0\1", b"abc"]]),
    "no row": answer([(b"id", INT)], []),
    "three rows with nulls": answer([(b"id", INT), (b"name", TEXT)], [[b"\0\0\0\1", None], [None, b""], [None, None]]),
    "a further page": answer([(b"id", INT)], [[b"\0\0\0\1"]], state=b"position"),
    "an empty state": answer([(b"id", INT)], [[b"\0\0\0\1"]], state=b""),
    "collections": answer(
        [(b"s", SET_OF_TEXT), (b"m", MAP), (b"t", TUPLE), (b"v", VECTOR)],
        [
            [
                b"\0\0\0\1" + cell(b"a"),
                b"\0\0\0\1" + cell(b"k") + cell(b"\0\0\0\1"),
                cell(b"\0\0\0\1") + cell(b"x"),
                struct.pack(">ff", 1, 2),
            ]
        ],
    ),
    "UUIDs": answer(
        [(b"id", UUID), (b"at", TIMEUUID), (b"s", b"\0\x22" + UUID)],
        [
            [bytes(range(16)), bytes(range(16, 32)), b"\0\0\0\1" + cell(bytes(range(16)))],
            [b"\xff" * 16, b"\0" * 16, None],
            [None, None, None],
            [b"", b"", b""],
        ],
    ),
    "a write": b"\0\0\0\1",
}


def rows_of(message):
    """The rows of a message, also those of a page that is not the last one."""
    return message.parsed_rows.decoded() if isinstance(message.parsed_rows, PendingRows) else message.parsed_rows


def assert_equal(message, expected):
    """Assert that two messages are equal in everything that a request reads."""
    assert message.stream_id == 7
    message.parsed_rows = rows_of(message)
    for name in (*result_metadata._ATTRIBUTES, "trace_id"):
        if not name.startswith("column_"):
            assert getattr(message, name) == getattr(expected, name)
    assert message.column_names == expected.column_names
    assert (message.column_metadata is None) == (expected.column_metadata is None)
    for ours, theirs in zip(message.column_types or (), expected.column_types or (), strict=True):
        assert ours.cql_parameterized_type() == theirs.cql_parameterized_type()


@pytest.mark.parametrize("version", [3, 4, 5])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_rows_equal_those_of_the_driver(body, version):
    """The first and second decoded messages equal the driver's in everything that a request reads."""
    handler = new_handler()
    expected = decode(ProtocolHandler, body, version=version)

    for _ in range(2):
        assert_equal(decode(handler, body, version=version), expected)


class Parsed:
    """Counts the descriptions that the driver parses."""

    def __init__(self, monkeypatch):
        self.count = 0
        parse = RESULT_CLASS.recv_results_metadata

        def counted(message, *arguments):
            self.count += 1
            return parse(message, *arguments)

        monkeypatch.setattr(RESULT_CLASS, "recv_results_metadata", counted)


@pytest.mark.parametrize("version", [3, 4])
def test_a_compressed_answer_is_decoded_without_the_driver(version, monkeypatch):
    """Before protocol version 5 each body is compressed with a flag, and a damaged one fails alone."""
    handler, body = new_handler(), BODIES["three rows with nulls"]
    expected = decode(ProtocolHandler, body)
    assert_equal(decode(handler, zlib.compress(body), flags=1, version=version), expected)
    parsed = Parsed(monkeypatch)
    assert_equal(decode(handler, zlib.compress(body), flags=1, version=version), expected)
    assert parsed.count == 0

    assert isinstance(decode(handler, zlib.compress(body)[:9], flags=1, version=version), LoadError)


@pytest.mark.parametrize("state", [None, b"next"])
def test_an_answer_without_a_description_has_that_of_its_statement(state, monkeypatch):
    """If the server sends no description, rows are decoded by that of their own prepared statement."""
    handler, columns = new_handler(), [(b"id", INT), (b"name", TEXT)]
    bound = decode(ProtocolHandler, answer(columns, [])).column_metadata
    other = decode(ProtocolHandler, answer([(b"id", INT), (b"data", BLOB)], [])).column_metadata
    body = answer(columns, [[b"\0\0\0\1", b"abc"]], state=state, described=False)
    for _ in range(2):
        for metadata in (bound, other):
            assert_equal(decode(handler, body, bound=metadata), decode(ProtocolHandler, body, bound=metadata))
    parsed = Parsed(monkeypatch)

    assert rows_of(decode(handler, body, bound=bound)) == [(1, "abc")]
    assert rows_of(decode(handler, body, bound=other)) == [(1, b"abc")]
    assert parsed.count == 0
    assert decode(handler, body, bound=[]).stream_id == 7  # no columns at all, which the driver's parser refuses


def test_a_description_is_parsed_once():
    """The second answer shares the columns of the first one, with other rows and another paging state."""
    handler = new_handler()
    columns = [(b"id", INT), (b"tags", SET_OF_TEXT)]
    first = decode(handler, answer(columns, [[b"\0\0\0\1", None]]))
    second = decode(handler, answer(columns, [[b"\0\0\0\2", None]], state=b"next"))

    assert second.column_metadata is first.column_metadata
    assert (rows_of(second), second.paging_state) == ([(2, None)], b"next")


@pytest.mark.parametrize(
    "changed",
    [
        [(b"id", BIGINT), (b"name", TEXT)],
        [(b"id", INT), (b"nome", TEXT)],
        [(b"name", TEXT), (b"id", INT)],
        [(b"id", INT), (b"name", TEXT), (b"more", INT)],
        [(b"id", INT)],
    ],
    ids=["type", "name", "order", "more", "fewer"],
)
def test_an_altered_table_has_a_new_description(changed):
    """Once an answer has other columns, it and later answers of either kind use their own description."""
    handler = new_handler()
    values = {b"id": b"\0\0\0\1" if dict(changed)[b"id"] == INT else b"\0\0\0\0\0\0\0\1"}
    old = answer([(b"id", INT), (b"name", TEXT)], [[b"\0\0\0\1", b"abc"]])
    new = answer(changed, [[values.get(name, b"abcd") for name, _ in changed]])

    for body in (old, new, old, new):
        assert decode(handler, body).parsed_rows == decode(ProtocolHandler, body).parsed_rows
        assert decode(handler, body).column_names == decode(ProtocolHandler, body).column_names


def test_a_table_of_the_same_columns_has_its_own_description():
    """Two tables with equal columns each keep their own name."""
    handler = new_handler()
    for table in (b"orders", b"events", b"orders", b"events"):
        message = decode(handler, answer([(b"id", INT)], [[b"\0\0\0\1"]], table=table))
        assert message.column_metadata[0][1] == table.decode()


def test_a_user_type_is_left_to_the_driver():
    """A class that is registered for a user type between two answers is used for the second one."""
    handler = new_handler()
    body = answer([(b"id", INT), (b"place", USER_TYPE)], [[b"\0\0\0\1", cell(b"Rome")]])
    assert tuple(decode(handler, body).parsed_rows[0][1]) == ("Rome",)

    class Place:
        def __init__(self, city):
            self.city = city

    place = decode(handler, body, user_types={"shop": {"place": Place}}).parsed_rows[0][1]
    cqltypes.UserType.evict_udt_class("shop", "place")

    assert isinstance(place, Place)
    assert place.city == "Rome"


def test_a_row_that_cannot_be_decoded_is_damaged_alone():
    """A row that cannot be decoded does not affect the other rows of its answer."""
    handler = new_handler()
    columns = [(b"id", INT), (b"at", TIMESTAMP)]
    sound, damaged = [b"\0\0\0\1", b"\0" * 8], [b"\0\0\0\2", b"\x7f" + b"\xff" * 7]
    decode(handler, answer(columns, [sound]))
    rows = decode(handler, answer(columns, [damaged, sound])).parsed_rows

    assert isinstance(rows, DamagedPage)
    assert isinstance(rows[0], DamagedRow)
    assert rows[1][0] == 1


@pytest.mark.parametrize("damaged", [b"\0", b"\0" * 15, b"\0" * 17])
@pytest.mark.parametrize("cql_type", [UUID, TIMEUUID])
def test_a_uuid_of_another_length_is_damaged_alone(cql_type, damaged):
    """A UUID that does not have 16 bytes does not affect the other rows of its answer."""
    handler, columns = new_handler(), [(b"id", cql_type)]
    decode(handler, answer(columns, [[b"\0" * 16]]))
    rows = decode(handler, answer(columns, [[damaged], [b"\0" * 16]])).parsed_rows

    assert isinstance(rows[0], DamagedRow)
    assert rows[1] == (uuid.UUID(int=0),)


@pytest.mark.parametrize("raw", [bytes(range(16)), b"\0" * 16, b"\xff" * 16, TIME_BASED])
def test_a_decoded_uuid_is_a_usual_one(raw):
    """A UUID that was decoded is equal to one that was made, also in its hash, order, copies and pickles."""
    (decoded,) = (row[0] for row in second_rows(raw))
    expected = uuid.UUID(bytes=raw)

    assert uuid_cells.is_supported()
    assert (decoded, hash(decoded), repr(decoded), decoded.is_safe) == (
        expected, hash(expected), repr(expected), expected.is_safe
    )  # fmt: skip
    assert pickle.loads(pickle.dumps(decoded)) == copy.deepcopy(decoded) == expected
    assert not decoded < expected


def test_uuids_are_made_without_their_initializer(monkeypatch):
    """From the second answer of a description on, ``UUID.__init__`` is not called."""
    handler, body = new_handler(), answer([(b"id", UUID), (b"at", TIMEUUID)], [[b"\0" * 16, b"\1" * 16]])
    expected = decode(handler, body).parsed_rows
    monkeypatch.setattr(uuid.UUID, "__init__", None)

    assert decode(handler, body).parsed_rows == expected


def second_rows(raw):
    """The rows of the second answer with this UUID."""
    handler, body = new_handler(), answer([(b"id", UUID)], [[raw]])
    decode(handler, body)
    return decode(handler, body).parsed_rows


def test_another_python_has_the_uuids_of_the_driver(monkeypatch):
    """If the attributes of a UUID cannot be set, the driver's own deserializer is used."""
    monkeypatch.setattr(uuid_cells, "_set_number", None)
    uuid_cells.is_supported.cache_clear()
    try:
        assert not uuid_cells.is_supported()
        assert second_rows(bytes(range(16))) == [(uuid.UUID(bytes=bytes(range(16))),)]
    finally:
        monkeypatch.undo()
        uuid_cells.is_supported.cache_clear()


@pytest.mark.parametrize("length", range(0, 30, 3))
def test_a_truncated_answer_is_the_error_of_one_request(length):
    """A body that is truncated at any position is decoded into an error, also after a valid answer."""
    handler = new_handler()
    body = answer([(b"id", INT)], [[b"\0\0\0\1"]])
    decode(handler, body)

    assert isinstance(decode(handler, body[:length] if length else b""), LoadError)


def pending_rows(body, *, sound):
    """The undecoded rows of a page that is not the last one, after a sound one with the same columns."""
    handler = new_handler()
    decode(handler, sound)
    rows = decode(handler, body).parsed_rows
    assert isinstance(rows, PendingRows)
    return rows


def test_rows_with_a_page_after_them_are_decoded_when_they_are_used(monkeypatch):
    """The rows of a page that is not the last one are decoded by their first use, also by an iterator."""
    body = answer([(b"id", UUID)], [[b"\0" * 16]], state=b"next")
    rows = pending_rows(body, sound=body)
    iterator = iter(rows)
    monkeypatch.setattr(uuid_cells, "_UNKNOWN", "set later")

    assert len(rows) == 1
    assert list(iterator) == rows.decoded() == [(uuid.UUID(int=0),)]
    assert rows.decoded()[0][0].is_safe == "set later"


def test_a_damaged_row_before_another_page_is_damaged_alone():
    """In a page that is not the last one, too, only the row with an undecodable cell fails."""
    columns = [(b"id", INT), (b"at", TIMESTAMP)]
    sound, damaged = [b"\0\0\0\1", b"\0" * 8], [b"\0\0\0\2", b"\x7f" + b"\xff" * 7]
    rows = pending_rows(
        answer(columns, [damaged, sound], state=b"next"), sound=answer(columns, [sound], state=b"next")
    ).decoded()

    assert isinstance(rows[0], DamagedRow)
    assert rows[1][0] == 1


def test_a_truncated_page_fails_whenever_it_is_used():
    """Rows that were cut off raise the same error each time."""
    body = answer([(b"id", INT)], [[b"\0\0\0\1"], [b"\0\0\0\2"]], state=b"next")
    rows = pending_rows(body[:-6], sound=body)

    for _ in range(2):
        with pytest.raises(LoadError, match="cannot decode"):
            rows.decoded()


def test_a_handler_of_the_application_decodes_all():
    """A handler of the application with its own decoding is called for each answer."""
    calls = []

    class Own(ProtocolHandler):
        @classmethod
        def decode_message(cls, *arguments):
            calls.append(arguments)
            return super().decode_message(*arguments)

    handler = tolerant_rows_handler(Own)
    for _ in range(3):
        decode(handler, BODIES["one row"])

    assert len(calls) == 3


def test_flags_of_a_header_are_left_to_the_driver():
    """An answer with a warning is decoded by the driver, and its warning is kept."""
    handler = new_handler()
    body = BODIES["one row"]
    decode(handler, body)
    message = decode(handler, b"\0\1" + short(b"careful") + body, flags=0x08)

    assert message.warnings == ["careful"]
    assert message.parsed_rows == [(1, "abc")]


def test_descriptions_are_bounded(monkeypatch):
    """If there are more columns than the limit, earlier descriptions are dropped and decoding still works."""
    monkeypatch.setattr(result_metadata, "MAX_COLUMNS", 6)
    decoder = result_metadata.ResultDecoder(RESULT_CLASS)
    for number in range(10):
        body = answer([(b"id", INT), (b"a", INT)], [[b"\0\0\0\1", None]], table=b"t%d" % number)
        decoder.learn(5, body, None, decode(ProtocolHandler, body))
        assert decoder.decode(5, body, None, pytest.fail).parsed_rows == [(1, None)]
        assert sum(map(len, decoder._descriptions.values())) <= 3


def test_descriptions_of_one_table_are_bounded():
    """A limited number of descriptions is kept for statements that each select other columns of a table."""
    decoder = result_metadata.ResultDecoder(RESULT_CLASS)
    for number in range(result_metadata.MAX_ALIKE + 3):
        body = answer([(b"c%d" % number, INT)], [[b"\0\0\0\1"]])
        decoder.learn(5, body, None, decode(ProtocolHandler, body))
        assert decoder.decode(5, body, None, pytest.fail).column_names == [f"c{number}"]
    (alike,) = decoder._descriptions.values()

    assert len(alike) == 3


def test_this_driver_is_supported():
    """The driver that the tests use has the parsers."""
    assert result_metadata.is_supported()
