"""Names and strings in CQL."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scyllamodel import _identifiers
from scyllamodel._identifiers import name_problem, qualified, quote, quote_type, string_literal, unquote

OBSERVED = json.loads((Path(__file__).parents[1] / "data" / "cassandra-observed.json").read_text(encoding="utf-8"))
BARE = next(case["bare word as column name"] for case in OBSERVED["f_alter"] if "bare word as column name" in case)


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1))
def test_unquote_is_the_inverse_of_quote(name):
    """A quoted name is read back as the original, whatever it contains."""
    assert name == unquote(quote(name))


@pytest.mark.parametrize("word", BARE["refused"]["all"].split())
def test_words_that_real_nodes_refuse_are_quoted(word):
    """Words that Cassandra does not accept without quotes are quoted."""
    assert f'"{word}"' == quote(word)


@pytest.mark.parametrize(
    ("name", "cql"),
    [
        ("orders", "orders"),
        ("o1_x", "o1_x"),
        ("1st", '"1st"'),
        ("_x", '"_x"'),
        ("Mixed", '"Mixed"'),
        ("é", '"é"'),
        ('a"b', '"a""b"'),
        ("a b", '"a b"'),
        ("scylla_counter_shard_list", '"scylla_counter_shard_list"'),
    ],
)
def test_only_plain_lower_case_names_stay_bare(name, cql):
    """Names that a server would fold to lower case, refuse or misread are quoted."""
    assert cql == quote(name)


def test_a_user_type_named_like_a_native_one_is_quoted():
    """A user type named ``date`` is quoted, so that it is not the native type."""
    assert ('"date"', "address", '"Address"') == (quote_type("date"), quote_type("address"), quote_type("Address"))


def test_qualified_quotes_each_part():
    """Keyspace and name are quoted separately, and a name without a keyspace stands alone."""
    assert ('"Shop"."select"', "orders") == (qualified("Shop", "select"), qualified(None, "orders"))


@given(st.text())
def test_a_string_literal_is_closed_only_by_its_last_quote(text):
    """A string literal ends at its last quote, whatever text it contains."""
    literal = string_literal(text)

    assert text == literal[1:-1].replace("''", "'")
    assert 0 == literal[1:-1].replace("''", "").count("'")


@pytest.mark.parametrize("name", ["orders", "Orders_2", "x" * 48])
def test_portable_names_have_no_fault(name):
    """A name of up to 48 letters, digits and underscores is accepted for every server."""
    assert name_problem(name, "table") is None


@pytest.mark.parametrize(
    ("name", "message"), [("a b", "letters, digits"), ("é", "letters"), ("", "letters"), ("x" * 49, "48")]
)
def test_other_names_are_refused_with_a_reason(name, message):
    """An invalid name is refused with the rule that it violates."""
    assert message in str(name_problem(name, "table"))


def test_reserved_words_hold_what_both_servers_reserve():
    """Reserved words of both servers are present, in lower case, as the lookup expects."""
    assert all(word == word.lower() for word in _identifiers._RESERVED)


@pytest.mark.parametrize("name", ["date", "int", "byte", "text", "varchar"])
def test_a_user_type_is_not_called_like_a_native_one(name):
    """Cassandra stores the name of such a user type without quotes, and does not start again."""
    assert "does not start again" in str(name_problem(name, "type"))


@pytest.mark.parametrize(("name", "what"), [("date", "table"), ("Date", "type"), ("dates", "type")])
def test_other_names_may_read_like_a_native_type(name, what):
    """Names that resemble a native type are refused only for user types, and only in lower case."""
    assert name_problem(name, what) is None
