"""A page token is bound to one query with its values and keyspace, and to one secret."""

from __future__ import annotations

import base64
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated

import pytest

from scyllamodel import Column, InvalidPageToken, Model, UserType, clustering_key, column, partition_key, select
from scyllamodel import types as cql
from scyllamodel.driver.data.binding.canonical_encoding import canonical_values, canonicalize, driver_type_for
from scyllamodel.driver.data.page_tokens import PageKey, make_token, read_token
from scyllamodel.types.annotations import map_annotation
from support import driver_codecs
from support.strategies import LONDON, NOON
from support.type_cases import CASES, USER_TYPES, VECTOR_CASES

STATE = bytes(range(40))
KEYS = (PageKey.from_secret(b"a secret of this service"),)
OTHERS = (PageKey.from_secret(b"a secret of another service"),)
PROTOCOL = driver_codecs.PROTOCOL
SERVER = {cls.__cql_name__: fields for cls, fields in USER_TYPES}


class Badge(UserType, name="badge"):
    """A frozen type with a set, whose order differs from process to process."""

    words: frozenset[str]
    at: datetime | None = None


class Visit(Model, table="visits", repo="pages"):
    """Keys whose values have several forms in Python."""

    badge: Column[cql.Frozen[Badge]] = partition_key()
    at: Column[datetime] = partition_key()
    price: Column[Decimal] = partition_key()
    id: Column[int] = clustering_key()
    note: Column[str] = column(default="")


def compiled(keyspace="shop", *, words=("a", "b"), moment=NOON, price=Decimal("1.0"), ids=(1, 2), badge_at=NOON):
    """A compiled query."""
    badge = Badge(words=frozenset(words), at=badge_at)
    key = (Visit.badge == badge, Visit.at == moment, Visit.price == price)
    return select(Visit).where(*key, Visit.id.in_(ids)).compile(keyspace)


def test_a_token_gives_back_the_state_of_the_driver():
    """A token returns a paging state of any length, and needs no escaping in a URL."""
    for length in range(1, 41):
        token = make_token(compiled(), STATE[:length], KEYS)

        assert STATE[:length] == read_token(compiled(), token, KEYS)
        assert token.replace("-", "").replace("_", "").isalnum()


def raw(token):
    """The bytes of a token."""
    return base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))


def test_the_format_of_a_token_is_fixed():
    """The format is a version byte, a tag of 16 bytes, the digest and the state, since clients store tokens."""
    token = make_token(compiled(), STATE, KEYS)

    assert (3, 1 + 16 + 12 + 40) == (raw(token)[0], len(raw(token)))
    assert token == make_token(compiled(), STATE, KEYS)


def test_a_token_does_not_show_its_state():
    """Neither one token nor two of them reveal the paging state, which contains the key of the last row."""
    state = b"a key that is redacted: 4929-1234"
    first, two = (raw(make_token(compiled(), state + end, KEYS))[17:] for end in (b"1", b"2"))
    both = bytes(a ^ b for a, b in zip(first, two, strict=True))

    assert not any(state[number : number + 4] in value for value in (first, two) for number in range(len(state) - 3))
    assert 20 < sum(map(bool, both))  # two streams; with one stream only the last byte would differ


def test_secrets_rotate():
    """The first secret signs, and all secrets verify."""
    both = (*OTHERS, *KEYS)

    assert STATE == read_token(compiled(), make_token(compiled(), STATE, KEYS), both)
    assert STATE == read_token(compiled(), make_token(compiled(), STATE, both), OTHERS)
    with pytest.raises(InvalidPageToken, match="not signed with the secret"):
        read_token(compiled(), make_token(compiled(), STATE, both), KEYS)


SAME = [
    ("another zone", {"moment": NOON.astimezone(LONDON)}),
    ("within the millisecond", {"moment": NOON + timedelta(microseconds=3)}),
    ("a naive moment", {"moment": NOON.replace(tzinfo=None)}),
    ("the order of a set", {"words": ("b", "a")}),
    ("the order of IN", {"ids": [2, 1]}),
    ("twice in IN", {"ids": [2, 1, 2]}),
]
OTHER = [
    ("another keyspace", {"keyspace": "other"}),
    ("another millisecond", {"moment": NOON + timedelta(milliseconds=1)}),
    ("another scale", {"price": Decimal("1.00")}),
    ("another element", {"words": ("a", "c")}),
    ("one element less", {"words": ("a",)}),
    ("another field", {"badge_at": None}),
    ("another row", {"ids": [1, 3]}),
]


@pytest.mark.parametrize("values", [case[1] for case in SAME], ids=[case[0] for case in SAME])
def test_a_token_is_taken_for_a_query_that_sends_the_same(values):
    """A token is accepted for each query that sends the same bytes, however its values are written in Python."""
    assert STATE == read_token(compiled(**values), make_token(compiled(), STATE, KEYS), KEYS)


@pytest.mark.parametrize("values", [case[1] for case in OTHER], ids=[case[0] for case in OTHER])
def test_a_token_of_another_query_is_refused(values):
    """A token is refused for a query with other values or another keyspace."""
    with pytest.raises(InvalidPageToken, match="another query"):
        read_token(compiled(**values), make_token(compiled(), STATE, KEYS), KEYS)


def test_another_text_is_another_query():
    """A token is refused for a query with another text and equal values."""
    query = select(Visit.id).where(Visit.badge == Badge(words=frozenset("a")), Visit.at == NOON, Visit.price == 1)
    token = make_token(query.compile("shop"), STATE, KEYS)

    assert STATE == read_token(query.compile("shop"), token, KEYS)
    with pytest.raises(InvalidPageToken, match="another query"):
        read_token(query.limit(5).compile("shop"), token, KEYS)


class Trail(Model, table="trails", repo="pages"):
    """A list as a key, whose order counts."""

    steps: Column[cql.Frozen[list[str]]] = partition_key()
    id: Column[int] = clustering_key()


def test_the_order_of_a_list_that_is_a_key_counts():
    """The order of a list that is a key matters, unlike that of the values after IN."""
    first, other = (select(Trail).where(Trail.steps == steps).compile("shop") for steps in (["a", "b"], ["b", "a"]))
    token = make_token(first, STATE, KEYS)

    assert STATE == read_token(first, token, KEYS)
    with pytest.raises(InvalidPageToken, match="another query"):
        read_token(other, token, KEYS)


def test_a_value_that_cannot_be_sent_has_no_token():
    """A token is refused even for the same query if one of its values cannot be sent."""
    bad = compiled(price="expensive")

    with pytest.raises(InvalidPageToken, match="another query"):
        read_token(bad, make_token(bad, STATE, KEYS), KEYS)


def damaged(token, bit):
    """The token with one bit changed."""
    result = bytearray(raw(token))
    result[bit // 8] ^= 1 << bit % 8
    return base64.urlsafe_b64encode(result).rstrip(b"=").decode()


def test_a_token_cannot_be_changed():
    """A token is refused if any bit of its tag, digest or state is changed."""
    token = make_token(compiled(), STATE, KEYS)
    for bit in range(8, 8 * len(raw(token))):
        with pytest.raises(InvalidPageToken, match="not signed with the secret"):
            read_token(compiled(), damaged(token, bit), KEYS)


def test_a_token_of_another_secret_is_refused():
    """A token that was signed with another secret is refused before its contents are read."""
    for state in (b"x", STATE):
        with pytest.raises(InvalidPageToken, match="not signed with the secret"):
            read_token(compiled(), make_token(compiled(), state, OTHERS), KEYS)


def test_an_unsigned_token_of_an_earlier_release_is_refused():
    """An unsigned token of an earlier release is refused, and the error has its version."""
    old = base64.urlsafe_b64encode(bytes([2]) + bytes(12) + STATE).decode()
    with pytest.raises(InvalidPageToken, match="has version 2; this program reads version 3"):
        read_token(compiled(), old, KEYS)


def test_a_token_of_another_version_is_refused():
    """A token of another version is refused, and the error has the version."""
    token = damaged(make_token(compiled(), STATE, KEYS), 0)
    with pytest.raises(InvalidPageToken, match="has version 2; this program reads version 3"):
        read_token(compiled(), token, KEYS)


GARBAGE = [
    "",
    "a",
    "*" * 40,
    "é" * 40,
    "AA==",
    base64.urlsafe_b64encode(bytes(29)).decode(),
    None,
    5,
    "\ud800" * 40,
    [1],
    b"AAAA" * 20,
    "A" * 262145,
]


@pytest.mark.parametrize("token", GARBAGE, ids=lambda token: ascii(token)[:40])
def test_what_is_not_a_token_is_refused(token):
    """Strings of any length and letters, and values that are not strings, are refused."""
    with pytest.raises(InvalidPageToken, match="Not a page token"):
        read_token(compiled(), token, KEYS)


def test_a_token_with_other_letters_in_it_is_refused():
    """Other letters in a token are not ignored, so that each token has one text."""
    token = make_token(compiled(), b"state", KEYS)
    with pytest.raises(InvalidPageToken, match="Not a page token"):
        read_token(compiled(), f"{token[:6]}*\n{token[6:]}", KEYS)


def bytes_of(annotation, value):
    """The canonical bytes of a value with this annotation."""
    cassandra_type = driver_type_for(map_annotation(annotation).type, {})
    return canonicalize(cassandra_type, cassandra_type.to_binary(value, PROTOCOL))


SETS = [
    ("a frozen set in a list", list[frozenset[str]], lambda items: [frozenset(items)]),
    ("a map", dict[str, int], lambda items: dict.fromkeys(items, 1)),
    ("a set in a map", dict[str, set[str]], lambda items: {"a": set(items)}),
    ("a set as a key", dict[frozenset[str], str], lambda items: {frozenset(items): "a"}),
    (
        "a set in a vector",
        Annotated[list[frozenset[str]], cql.vector(2)],
        lambda items: [frozenset(items), frozenset("a")],
    ),
    ("a set in a tuple", tuple[int | None, frozenset[str] | None], lambda items: (None, frozenset(items))),
]


@pytest.mark.parametrize(("annotation", "make"), [case[1:] for case in SETS], ids=[case[0] for case in SETS])
def test_sets_and_maps_have_one_order_wherever_they_are(annotation, make):
    """The iteration order of Python does not affect the canonical bytes."""
    items = [f"word {number}" for number in range(12)]
    assert 1 == len({bytes_of(annotation, make(order)) for order in (items, items[::-1], items[5:] + items[:5])})
    assert bytes_of(annotation, make(items)) != bytes_of(annotation, make(items[:-1]))


APART = [
    ("the order of a list", list[str], ["a", "b"], ["b", "a"]),
    ("an element of a list twice", list[str], ["a"], ["a", "a"]),
    ("where one element ends", list[str], ["ab", "c"], ["a", "bc"]),
    ("values of two keys", dict[str, str], {"a": "x", "b": "y"}, {"a": "y", "b": "x"}),
    ("key and value", dict[str, str], {"a": "x"}, {"x": "a"}),
    ("null and empty", tuple[str | None, str], (None, "a"), ("", "a")),
    ("null at the end", tuple[str, str | None], ("a", None), ("a", "")),
    ("a vector", Annotated[list[float], cql.vector(2)], [0.5, 1.0], [1.0, 0.5]),
    ("items of a tuple", tuple[date, date], (date(2026, 1, 1), date(2026, 1, 2)), (date(2026, 1, 2), date(2026, 1, 1))),
]


@pytest.mark.parametrize(
    ("annotation", "first", "other"), [case[1:] for case in APART], ids=[case[0] for case in APART]
)
def test_what_is_sent_differently_has_other_bytes(annotation, first, other):
    """Values that are sent differently have different canonical bytes."""
    assert bytes_of(annotation, first) != bytes_of(annotation, other)


def test_a_null_has_no_bytes():
    """A null has no bytes, neither alone nor where a value is bound."""
    assert canonicalize(driver_type_for(map_annotation(str).type, {}), None) is None
    assert canonical_values(compiled(badge_at=None)) != canonical_values(compiled())


@pytest.mark.parametrize("case", [*CASES, *VECTOR_CASES], ids=lambda case: case.name)
def test_types_are_those_of_prepared_statements(case):
    """Types that are created without a server serialize as the driver's own classes do."""
    annotation = map_annotation(case.hint)
    result, expected = driver_type_for(annotation.type, SERVER), driver_codecs.driver_type(annotation.type, SERVER)

    assert result.cql_parameterized_type() == expected.cql_parameterized_type()
    for value in case.values:
        dumped = value if annotation.dump is None else annotation.dump(value)
        assert result.to_binary(dumped, PROTOCOL) == expected.to_binary(dumped, PROTOCOL)
