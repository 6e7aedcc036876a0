"""The lexer of CQL, and the functions that analyse statements with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scyllamodel._cql import code_tokens, one_line, tokens, without_literals
from scyllamodel.driver.data.bind_markers import has_markers
from scyllamodel.schema.changes.effects import renamed_in_filter
from scyllamodel.schema.facts.masks import is_writable
from scyllamodel.schema.facts.view_filters import not_null_column, relations
from scyllamodel.schema.reflect import view_filter
from scyllamodel.schema.rules.destructive import dropped_keyspace

PIECES = [
    "'",
    '"',
    "$$",
    "--",
    "//",
    "/*",
    "*/",
    "\r",
    "\n",
    " ",
    "''",
    "a",
    "AND",
    "0x",
    "1e",
    "-",
    "?",
    "(",
    ")",
    "P1Y",
]
texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=30).map("".join)


@given(texts)
def test_any_text_is_read_whole(text):
    """Every text can be tokenized, and no character is lost."""
    assert text == "".join(token.text for token in tokens(text))


@pytest.mark.parametrize(
    ("cql", "value"),
    [
        ("a--b\rc", ["a", "c"]),
        ("a//b\nc", ["a", "c"]),
        ("a--b\u2028c", ["a"]),
        ("a/*b*/c/**/d", ["a", "c", "d"]),
        ("a/*/b*/c", ["a", "c"]),
        ("a/*b", ["a"]),
        ("'--'--'\n''", ["'--'", "''"]),
        ("'it''s' b", ["'it''s'", "b"]),
        ("'a''", ["'a''"]),
        ('"a""/*b" c', ['"a""/*b"', "c"]),
        ("$$a'$--$$ b", ["$$a'$--$$", "b"]),
        ("$$$$a", ["$$$$", "a"]),
        ("1e-5--x\n2", ["1e-5", "2"]),
        ("1-2", ["1", "-", "2"]),
        ("0xFFg", ["0xFF", "g"]),
        ("123e4567-e89b-12d3-a456-426614174000", ["123e4567-e89b-12d3-a456-426614174000"]),
        ("deadbeef-1", ["deadbeef", "-", "1"]),
        ("P1Y2M P1Day 1h30m", ["P1Y2M", "P1Day", "1h30m"]),
    ],
)
def test_code_is_what_servers_parse(cql, value):
    """Comments and strings end where they end for the servers' lexers."""
    assert value == [token.text for token in code_tokens(cql)]


@pytest.mark.parametrize(
    ("cql", "output"),
    [
        ("CREATE ROLE r WITH PASSWORD='it''s' -- 'secret'", "CREATE ROLE r WITH PASSWORD=?"),
        ("INSERT INTO t1 (a,\n  b) VALUES (-1.5e+3, 0xCAFE)", "INSERT INTO t1 (a, b) VALUES (-?, ?)"),
        ("SELECT v2 FROM t WHERE id = 123e4567-e89b-12d3-a456-426614174000", "SELECT v2 FROM t WHERE id = ?"),
        ('UPDATE "a 1" SET d = P3DT4H, e = 2h, f = $$x$$ WHERE k=?', 'UPDATE "a 1" SET d = ?, e = ?, f = ? WHERE k=?'),
        ("SELECT 'not closed", "SELECT ?"),
        ("/* 'x' */ SELECT/**/a //x\rFROM t", "SELECT a FROM t"),
    ],
)
def test_literals_are_replaced(cql, output):
    """A displayed statement contains no values and no comments."""
    assert output == without_literals(cql)


SECRET = "Zq9hunter"


@given(
    texts.filter(lambda text: "?" not in text),
    st.sampled_from(["'{}'", "$${}$$", "1{}", "--{}\n", "/*{}*/", "0x1 //{}\r"]),
)
def test_no_literal_is_shown(text, form):
    """A displayed text contains nothing of a value or a comment, whatever comes before it."""
    complete = all(token.text[0] not in "'\"$/-" or token.kind == "symbol" for token in tokens(text))

    assert not complete or SECRET not in without_literals(f"{text} {form.format(SECRET)}")


@pytest.mark.parametrize(
    "cql",
    [
        "--x\rDROP KEYSPACE kk",
        "//x\rDROP--\r KEYSPACE/*\n*/kk;",
        "DROP SCHEMA kk",
        "drop schema IF--\nEXISTS kk",
        "/* */" * 26 + "DROP KEYSPACE kk",
        'DROP KEYSPACE"kk"',
    ],
)
def test_a_drop_of_a_keyspace_is_found_as_servers_read_it(cql):
    """Statements with comments and DROP SCHEMA are detected as servers parse them."""
    assert "kk" == dropped_keyspace(cql, ()).object


@pytest.mark.parametrize(
    "cql", ["--x DROP KEYSPACE kk", "/* DROP KEYSPACE kk", "'\nDROP KEYSPACE kk", "DROP KEYSPACE", ""]
)
def test_what_no_server_runs_as_a_drop_is_none(cql):
    """A comment or string that is not closed extends to the end of the statement."""
    assert dropped_keyspace(cql, ()) is None


@pytest.mark.parametrize(
    "check",
    [
        lambda text: dropped_keyspace(text, ()),
        relations,
        lambda text: view_filter(text, ["a"]),
        lambda text: renamed_in_filter(text, {"a": "b"}),
        lambda text: has_markers(f"{text}?"),
        one_line,
        without_literals,
    ],
)
@pytest.mark.parametrize(
    "piece", ["/**/", "/* ", "'", '"', '"a" AND ', "a IS NOT NULL AND ", "\t", "$$", "--\r", "-", "1", "P1"]
)
def test_long_texts_are_judged(check, piece):
    """Repetitive texts take linear time, where backtracking would never end."""
    check(piece * (50_000 // len(piece)))


def test_literals_in_filters_stay_as_they_are():
    """Spaces and keywords within a string in a filter are kept."""
    where = "a = 'x  is not null' AND b is not null"

    assert "a = 'x  is not null' AND b IS NOT NULL" == view_filter(where, ["a"])
    assert ["a = 'x  is not null'", "b is not null"] == relations(where)
    assert ["(a, b) > (1, 2)", "(c IS NOT NULL AND d = 1)"] == relations(
        "(a, b) > (1, 2) AND (c IS NOT NULL AND d = 1)"
    )
    assert [None, None, "c d"] == [not_null_column(text) for text in ("a = 1", "IS NOT NULL", '"c d" IS/**/NOT NULL')]


def test_a_mask_with_an_unreadable_argument_is_not_writable():
    """A mask with an unreadable argument cannot be written as CQL, whichever argument it is."""
    assert [True, False, False] == [is_writable(mask) for mask in ("f('(?')", "f(?[1])", "f(1, ?['a'])")]
