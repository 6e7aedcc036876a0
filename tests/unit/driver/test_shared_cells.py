"""Equal maps of system tables are decoded once, and to equal values as by the driver."""

from __future__ import annotations

import struct

import pytest

from scyllamodel.driver._cassandra import ProtocolHandler
from scyllamodel.driver.session.decoding import tolerant_handler
from scyllamodel.driver.session.shared_cells import internal_handler
from scyllamodel.errors import LoadError
from scyllamodel.schema.facts.objects import FrozenMap
from support.answers import BLOB, INT, MAP, SET_OF_TEXT, TEXT, USER_TYPE, answer, cell, decode

TEXTS, BLOBS = b"\0\x21" + TEXT + TEXT, b"\0\x21" + TEXT + BLOB
ONE = b"\0\0\0\1" + cell(b"class") + cell(b"None")
TWO = b"\0\0\0\2" + cell(b"keys") + cell(b"ALL") + cell(b"rows") + cell(b"NONE")


def rows(body, base=ProtocolHandler):
    """The rows of an answer to an internal request."""
    return decode(internal_handler(tolerant_handler(base)), body).parsed_rows


def test_maps_equal_those_of_the_driver():
    """Maps, empty maps and nulls are decoded as by the driver."""
    columns = [(b"name", TEXT), (b"options", TEXTS), (b"blobs", BLOBS), (b"numbers", MAP)]
    number = b"\0\0\0\1" + cell(b"k") + cell(b"\0\0\0\1")
    cells = [
        [b"a", TWO, ONE, number],
        [b"b", ONE, b"\0\0\0\0", None],
        [b"c", None, TWO, b""],
    ]
    body = answer(columns, cells)
    expected = decode(ProtocolHandler, body).parsed_rows

    assert expected == rows(body)
    assert FrozenMap({"keys": "ALL", "rows": "NONE"}) == rows(body)[0][1]
    assert {type(value) for row in rows(body) for value in row[1:]} == {FrozenMap, type(None)}


def test_equal_maps_are_one_object():
    """A map is decoded once, whichever row, column or answer it is in; an int under the same key is another."""
    body = answer([(b"caching", TEXTS), (b"compression", TEXTS)], [[TWO, TWO], [TWO, ONE]])
    (first, second), (third, other) = rows(body)

    assert first is second is third is rows(body)[0][0]
    assert other == {"class": "None"}
    (with_int,) = rows(answer([(b"m", MAP)], [[b"\0\0\0\1" + cell(b"k") + cell(b"\0\0\0\7")]]))[0]
    (with_text,) = rows(answer([(b"m", TEXTS)], [[b"\0\0\0\1" + cell(b"k") + cell(b"\0\0\0\7")]]))[0]
    assert [dict(with_int), dict(with_text)] == [{"k": 7}, {"k": "\0\0\0\7"}]


@pytest.mark.parametrize(
    ("cql_type", "stored"),
    [
        pytest.param(SET_OF_TEXT, b"\0\0\0\1" + cell(b"a"), id="set"),
        pytest.param(
            b"\0\x21" + TEXT + SET_OF_TEXT, b"\0\0\0\1" + cell(b"k") + cell(b"\0\0\0\1" + cell(b"a")), id="map"
        ),
        pytest.param(USER_TYPE, cell(b"Rome"), id="user type"),
        pytest.param(INT, struct.pack(">i", 7), id="int"),
    ],
)
def test_other_types_are_left_to_the_driver(cql_type, stored):
    """Values of other types, and maps with values that have parts, are what the driver makes of them."""
    body = answer([(b"value", cql_type)], [[stored]])
    ((expected,),) = decode(ProtocolHandler, body).parsed_rows
    ((decoded,),) = rows(body)

    assert expected == decoded
    assert type(expected) is type(decoded) or type(expected).__name__ == "place"


def test_a_damaged_map_is_the_error_of_its_request():
    """A map that cannot be decoded raises the LoadError of one request, as other damage does."""
    body = answer([(b"options", TEXTS)], [[b"\0\0\0\1" + cell(b"\xff") + cell(b"a")]])
    message = decode(internal_handler(tolerant_handler(ProtocolHandler)), body)

    assert isinstance(message, LoadError)
    assert "The driver cannot decode an answer" in str(message)


def test_rows_do_not_depend_on_the_decoder_of_the_application():
    """A session whose rows are decoded by the application's own classes still gives internal requests plain rows."""

    class Result(ProtocolHandler.message_types_by_opcode[8]):
        def recv_results_rows(self, *_arguments):
            raise NotImplementedError

    class Own(ProtocolHandler):
        message_types_by_opcode = {**ProtocolHandler.message_types_by_opcode, 8: Result}  # noqa: RUF012

    assert [(7,)] == rows(answer([(b"id", INT)], [[struct.pack(">i", 7)]]), base=Own)
