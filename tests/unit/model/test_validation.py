"""Every mistake in a class body has a code and a place, and all of them are reported together."""

from __future__ import annotations

import dataclasses
import pickle
import re
from typing import TYPE_CHECKING, Annotated, Optional  # noqa: F401 - for an annotation in quotes
from uuid import UUID

import attrs
import pytest

from scyllamodel import types as cql
from scyllamodel.errors import ModelDefinitionError
from scyllamodel.model.base import Model
from scyllamodel.model.column import Column
from scyllamodel.model.fields import clustering_key, column, partition_key
from scyllamodel.model.index import Index
from scyllamodel.model.registry import registry
from scyllamodel.model.user_type import UserType
from scyllamodel.model.validation.problems import CODES
from scyllamodel.schema.options import TableOptions
from scyllamodel.types import Duration

if TYPE_CHECKING:
    from fractions import Fraction


class Address(UserType):
    street: str


class Open(UserType):
    tags: set[str]


class Span(UserType):
    length: Duration


ID = Annotated[UUID, "the type of every id here"]


def problems(body, keywords=None, bases=(Model,)):
    """The problems of a class with these columns, ``name: (annotation, value)``, as ``code where``."""
    namespace = {"__module__": __name__, "__qualname__": "Made", "__annotations__": {}}
    for name, (annotation, *value) in body.items():
        if annotation is not None:
            namespace["__annotations__"][name] = annotation
        if value:
            namespace[name] = value[0]
    with pytest.raises(ModelDefinitionError) as exc_info:
        type(bases[0])("Made", bases, namespace, **(keywords or {}))
    where = f"{__name__}.Made"
    return [f"{each.code} {each.where.removeprefix(where).lstrip('.')}".strip() for each in exc_info.value.problems]


def key(annotation="Column[str]", **parameters):
    return {"id": (annotation, partition_key(**parameters))}


def single_column(annotation, value):
    """A table with a key and one other column."""
    return {**key(), "x": (annotation, value)}


def clustered(annotation="Column[str]"):
    return {**key(), "c": (annotation, clustering_key())}


COLUMN_CASES = [
    ({}, ["MD101"]),
    ({"x": ("Column[str]", clustering_key())}, ["MD101"]),
    (single_column("Column[str]", column(static=True)), ["MD102 x"]),
    ({**single_column("Column[cql.Counter]", column()), "y": ("Column[str]", column())}, ["MD103 x"]),
    (key("Column[cql.Counter]"), ["MD104 id"]),
    (clustered("Column[cql.Counter]"), ["MD104 c"]),
    (key("Column[Duration]"), ["MD104 id"]),
    (clustered("Column[tuple[int, Duration]]"), ["MD104 c"]),
    (clustered("Column[cql.Frozen[list[Duration]]]"), ["MD104 c"]),
    (clustered("Column[cql.Frozen[Span]]"), ["MD104 c"]),
    (key("Column[set[str]]"), ["MD105 id"]),
    (clustered("Column[dict[str, str]]"), ["MD105 c"]),
    (clustered("Column[Address]"), ["MD105 c"]),
    (key("Column[str | None]"), ["MD106 id"]),
    (clustered("Column[Optional[str]]"), ["MD106 c"]),
    (single_column("Column[str]", column(db_name="id")), ["MD107 x"]),
    ({**single_column("Column[str]", column()), "_x": ("Column[str]", column())}, ["MD108 _x", "MD107 _x"]),
    (single_column("Column[str]", column(alias="id")), ["MD107 x"]),
    (single_column("Column[str]", column(db_name="")), ["MD108 x"]),
    (single_column("Column[str]", column(db_name="a\0b")), ["MD108 x"]),
    (single_column("Column[str]", column(alias="class")), ["MD108 x"]),
    (single_column("Column[str]", column(alias="a b")), ["MD108 x"]),
    ({**key(), "self": ("Column[str]", column())}, ["MD108 self"]),
    ({**key(), "__x": ("Column[str]", column())}, ["MD108 __x"]),
    ({**key(), "replace": ("Column[str]", column())}, ["MD109 replace"]),
    (single_column("Column[object]", column()), ["MD110 x"]),
    (single_column("Column[complex]", column()), ["MD110 x"]),
    (single_column("Column[set[list[str]]]", column()), ["MD110 x"]),
    (single_column("Column[str | int]", column()), ["MD110 x"]),
    (single_column("Column[list]", column()), ["MD110 x"]),
    (single_column("Column", column()), ["MD110 x"]),
    (single_column("Column[Column[str]]", column()), ["MD110 x"]),
    (single_column("Column[list[cql.Counter]]", column()), ["MD110 x"]),
    (single_column("Column[str]", column(type=cql.Int)), ["MD110 x"]),
    (single_column("Column[Model]", column()), ["MD110 x"]),
    (single_column("Column[there_is_none]", column()), ["MD111 x"]),
    (single_column("Column[Fraction]", column()), ["MD111 x"]),
    (single_column("Column[", column()), ["MD111 x"]),
    (single_column("Column[cql.Itn]", column()), ["MD111 x"]),
    (single_column(Column[column()], column()), ["MD111 x"]),
    (single_column(None, column()), ["MD112 x"]),
    (single_column("Column[list[str]]", column(default=[])), ["MD113 x"]),
    (single_column("Column[set[str]]", {"a"}), ["MD113 x"]),
    (single_column("Column[str]", column(init=False)), ["MD113 x"]),
    (single_column("Column[Open]", column()), ["MD114 x"]),
    (single_column("Column[str]", column(db_name=3, renamed_from=4, redact="no")), ["MD118 x", "MD118 x", "MD118 x"]),
    (single_column("Column[str]", clustering_key(descending="no")), ["MD118 x"]),
    (single_column("Column[str]", column(type=cql.Text, load=str, dump="str")), ["MD118 x"]),
    (single_column("Column[str]", column(alias=3)), ["MD108 x"]),
    (
        {**single_column("Column[str]", column(renamed_from="z")), "y": ("Column[str]", column(renamed_from="z"))},
        ["MD107 y"],
    ),
    (single_column("ID", attrs.field()) | {"y": ("ID", attrs.field(default=[]))}, ["MD113 y"]),
]


@pytest.mark.parametrize(
    ("body", "expected"), COLUMN_CASES, ids=lambda value: repr(value) if isinstance(value, list) else ""
)
def test_mistake_in_the_columns(body, expected):
    """A mistake is reported with its code and column."""
    assert expected == problems(body)


ALL = {
    **key(),
    "name": ("Column[str]", column()),
    "long": ("Column[Duration]", column()),
    "home": ("Column[Address]", column()),
    "spans": ("Column[cql.Frozen[Span]]", column()),
    "tags": ("Column[set[str]]", column()),
    "lines": ("Column[dict[str, str]]", column()),
    "parts": ("Column[cql.Frozen[set[str]]]", column()),
    "place": ("Column[Annotated[list[float], cql.vector(3)]]", column()),
    "odd": ("Column[str]", column(db_name="a b")),
    "at": ("Column[str]", clustering_key()),
    "shared": ("Column[str]", column(static=True)),
}


@pytest.mark.parametrize(
    ("indexes", "expected"),
    [
        ([Index("nam")], ["MD121 indexes"]),
        ([Index("a b")], ["MD121 indexes"]),
        ([Index("id")], ["MD122 id"]),
        ([Index("long")], ["MD122 long"]),
        ([Index("spans")], ["MD122 spans"]),
        ([Index("home")], ["MD122 home"]),
        ([Index("name", on="keys")], ["MD123 name"]),
        ([Index("name", on="full")], ["MD123 name"]),
        ([Index("name", on="value")], ["MD123 name"]),
        ([Index("tags", on="keys")], ["MD123 tags"]),
        ([Index("tags", on="full")], ["MD123 tags"]),
        ([Index("parts")], ["MD123 parts"]),
        ([Index("parts", on="keys")], ["MD123 parts"]),
        ([Index("place", on="full")], ["MD123 place"]),
        ([Index("name"), Index("name", name="again")], ["MD124 indexes"]),
        ([Index("name", using="fulltext_index"), Index("name", using="fulltext_index", name="n")], ["MD124 indexes"]),
        ([Index("name", using="sai"), Index("name", using="a.b.StorageAttachedIndex", name="n")], ["MD124 indexes"]),
        ([Index("name"), Index("name", using="sai")], ["MD124 indexes"]),
        ([Index("name", name="n"), Index("tags", name="n")], ["MD124 indexes"]),
        ([Index("name", options={"a": "b"})], ["MD125 name"]),
        ([Index("odd", using="sai")], ["MD125 odd"]),
        ([Index("tags", local=True)], ["MD125 tags"]),
        ([Index("shared", local=True)], ["MD125 shared"]),
        ([Index("id", local=True)], ["MD122 id", "MD125 id"]),
        ([Index("name", name="i" * 49)], ["MD108"]),
        ([Index("name", name="a b")], ["MD108"]),
    ],
    ids=repr,
)
def test_mistake_in_an_index(indexes, expected):
    """An index that servers refuse is reported at its column."""
    assert expected == problems(ALL, {"indexes": indexes})


def test_right_indexes_are_no_problem():
    """Indexes that servers accept are not reported."""

    class Made(
        Model,
        indexes=[
            Index("at"),
            Index("name"),
            Index("name", using="sai", name="n"),
            Index("name", local=True, name="l"),
            Index("tags"),
            Index("lines"),
            Index("lines", on="keys"),
            Index("lines", on="entries"),
            Index("parts", on="full"),
            Index("place", using="vector_index", options={"similarity_function": "cosine"}),
            Index("odd"),
            Index("pair"),
            Index("home"),
        ],
    ):
        id: Column[str] = partition_key()
        at: Column[str] = clustering_key()
        name: Column[str] = column()
        tags: Column[set[str]] = column()
        lines: Column[dict[str, str]] = column()
        parts: Column[frozenset[str]] = column()
        place: Column[Annotated[list[float], cql.vector(3)]] = column()
        odd: Column[str] = column(db_name="a b")
        pair: Column[tuple[int, str]] = column()
        home: Column[cql.Frozen[Address]] = column()

    assert 13 == len(Made.__facts__.indexes)


COUNTERS = {**key(), "hits": ("Column[cql.Counter]", column())}


@pytest.mark.parametrize(
    ("body", "keywords", "expected"),
    [
        (key(), {"table": "a b"}, ["MD108"]),
        (key(), {"table": "t" * 49}, ["MD108"]),
        (key(), {"table": "größe"}, ["MD108"]),
        (key(), {"keyspace": "k" * 49}, ["MD108"]),
        (key(), {"keyspace": "a-b"}, ["MD108"]),
        (key(), {"table": ""}, ["MD116"]),
        (key(), {"table": 3}, ["MD116"]),
        (key(), {"repo": 3}, ["MD116"]),
        (key(), {"abstract": "yes"}, ["MD116"]),
        (key(), {"indexes": Index("id")}, ["MD116"]),
        (key(), {"indexes": ["id"]}, ["MD116"]),
        (key(), {"options": {"comment": "x"}}, ["MD116"]),
        (key(), {"options": TableOptions(bloom_filter_fp_chance=3)}, ["OP104 options"]),
        (COUNTERS, {"options": TableOptions(default_time_to_live=3)}, ["MD117 options"]),
        (COUNTERS, {"indexes": [Index("hits")]}, ["MD122 hits"]),
    ],
    ids=lambda value: repr(value) if isinstance(value, list) else "",
)
def test_mistake_in_a_class_keyword(body, keywords, expected):
    """Class keywords are checked together with the columns."""
    assert expected == problems(body, keywords)


def test_names_at_the_limit_are_taken():
    """A name of 48 characters is accepted."""

    class Made(Model, table="t" * 48, keyspace="k" * 48, indexes=[Index("id2", name="i" * 48)]):
        id: Column[str] = partition_key()
        id2: Column[str] = partition_key()

    assert "t" * 48 == Made.__facts__.name


class Verbs(Model, abstract=True):
    """A base with a method, as the public Model has."""

    @classmethod
    def sync_all(cls, repo):
        return repo


class Named(Verbs, abstract=True):
    id: Column[str] = partition_key()
    name: Column[str] = column()


class Methods:
    __slots__ = ()

    def name(self):
        return "x"


@pytest.mark.parametrize(
    ("body", "bases", "expected"),
    [
        ({**key(), "sync_all": ("Column[str]", column())}, (Verbs,), ["MD109 sync_all"]),
        ({"name": (None, lambda _: "x")}, (Named,), ["MD109 name"]),
        ({"name": (None, "x")}, (Named,), ["MD109 name"]),
        ({}, (Named, Methods), ["MD109 name"]),
    ],
    ids=["verb of the base", "method over a column", "constant over a column", "method of a mixin"],
)
def test_column_and_method_of_one_name(body, bases, expected):
    """A column does not replace a method, nor a method a column, without an error."""
    assert expected == problems(body, bases=bases)


def test_two_tables_as_bases():
    """Two tables as bases of one class are refused, with advice."""

    class One(Model):
        id: Column[str] = partition_key()

    class Two(Model):
        id: Column[str] = partition_key()

    assert ["MD115"] == problems({}, bases=(One, Two))


@attrs.define
class Attrs:
    x: int = 3


@dataclasses.dataclass
class Data:
    x: int = 3


@pytest.mark.parametrize("mixin", [Attrs, Data])
@pytest.mark.parametrize("base", [Model, UserType])
def test_mixin_of_another_kind(base, mixin):
    """A mixin that is an attrs class or a dataclass is refused, since its constructor knows no other fields."""
    assert ["MD115"] == problems(key(), bases=(mixin, base))


def test_model_decorated_as_attrs_class():
    """``@attrs.define`` on a model is refused by name, since attrs would create the class a second time."""
    with pytest.raises(ModelDefinitionError, match="are attrs classes already"):
        attrs.define(type("Made", (Model,), {"__annotations__": {"id": str}, "id": partition_key()}))


@pytest.mark.parametrize("parameters", [{"name": 3}, {"using": 3}, {"options": 3}, {"column": 3}])
def test_index_parameter_of_the_wrong_type(parameters):
    """A parameter of an index with the wrong type is refused immediately."""
    with pytest.raises(TypeError, match="of an index must be"):
        Index(**{"column": "x", **parameters})


def test_class_keywords_are_reported_in_order():
    """The mistakes of a class are reported in the same order in every run."""
    keywords = dict.fromkeys(["table", "repo", "indexes", "options", "keyspace", "renamed_from"], 3)
    with pytest.raises(ModelDefinitionError) as exc_info:
        type(Model)("Made", (Model,), {"__module__": __name__, "__qualname__": "Made"}, **keywords)

    assert [f"{name}=3 is not valid" for name in keywords] == [each.text for each in exc_info.value.problems][:6]


def test_mistake_in_a_plain_mixin():
    """The columns of a mixin are checked together with those of the class."""

    class Mixin:
        __slots__ = ()
        x: Column[object] = column()

    assert ["MD110 x"] == problems(key(), bases=(Model, Mixin))


def test_mistake_in_an_abstract_model():
    """A mistake in an abstract model is reported with that model, not with its subclasses."""
    assert ["MD110 x"] == problems({"x": ("Column[object]", column())}, {"abstract": True})


def test_all_mistakes_come_together():
    """One error lists all problems of columns, keys, indexes and options."""
    body = {
        "a": ("Column[nowhere]", partition_key()),
        "b": ("Column[set[str]]", clustering_key()),
        "c": ("Column[object]", column()),
        "d": ("Column[str]", column(db_name="c")),
        "e": (None, column()),
        "f": ("Column[list[str]]", column(default=[])),
        "replace": ("Column[str | None]", partition_key()),
    }
    keywords = {"table": "a b", "indexes": [Index("z")], "options": TableOptions(gc_grace_seconds=-1)}
    desired = (
        "MD105 b,MD106 replace,MD107 d,MD108,MD109 replace,MD110 c,MD111 a,MD112 e,MD113 f,MD121 indexes,OP104 options"
    )

    assert desired.split(",") == sorted(problems(body, keywords))


def test_error_says_what_where_and_what_to_do():
    """The message has the class, the column, the problem, the code, and what to write instead."""
    with pytest.raises(ModelDefinitionError) as exc_info:

        class Made(Model):
            tags: Column[set[str]] = partition_key()

    assert (
        f"{__name__}.test_error_says_what_where_and_what_to_do.<locals>.Made has one mistake:\n"
        f"{__name__}.test_error_says_what_where_and_what_to_do.<locals>.Made.tags: set<text> cannot be part of the "
        "primary key unless it is frozen [MD105]\n"
        "  Write  tags: Column[cql.Frozen[…]] = partition_key()"
    ) == str(exc_info.value)


def test_error_survives_pickle():
    """The problems of a pickled error are preserved."""
    with pytest.raises(ModelDefinitionError) as exc_info:
        type(Model)("Made", (Model,), {"__module__": __name__, "__qualname__": "Made"})

    assert exc_info.value.problems == pickle.loads(pickle.dumps(exc_info.value)).problems


def test_class_with_mistakes_is_not_registered():
    """A class that could not be created is not in the registry."""
    problems({}, {"table": "never_made"})

    assert "never_made" not in [cls.__facts__.name for cls in registry]


def test_unresolved_name_gets_advice():
    """The error for a name that only type checkers import says so."""
    with pytest.raises(ModelDefinitionError, match="not only under `if TYPE_CHECKING:`"):

        class Made(Model):
            id: Column[Fraction] = partition_key()


def test_codes_are_well_formed():
    """Each code is MD1 followed by two digits."""
    assert [] == [code for code in CODES if not re.fullmatch(r"MD1\d\d", code)]


@pytest.mark.parametrize(
    ("name", "value", "keyword"),
    [
        ("__table_name__", "orders", 'table="orders"'),
        ("__tablename__", "orders", 'table="orders"'),
        ("__keyspace__", "shop", 'keyspace="shop"'),
        ("__options__", {"gc_grace_seconds": 1}, "options=TableOptions"),
        ("__abstract__", True, "abstract=True"),
        ("__default_ttl__", 60, "default_time_to_live=60"),
        ("__discriminator_value__", "cat", "discriminator_value='cat'"),
    ],
)
def test_settings_of_other_libraries_are_refused(name, value, keyword):
    """A setting of cqlengine or SQLAlchemy in a class body is an error that names the class keyword to use."""
    with pytest.raises(ModelDefinitionError) as exc_info:
        type(Model)("Made", (Model,), {"__module__": __name__, "__annotations__": {"id": "Column[str]"},
                                       "id": partition_key(), name: value})  # fmt: skip

    (problem,) = exc_info.value.problems
    assert "MD120" == problem.code
    assert keyword in problem.advice


def test_settings_of_other_libraries_are_found_in_mixins_and_user_types():
    """Settings of other libraries are found in mixins and user types as in models."""

    class Named:
        __table_name__ = "orders"

    with pytest.raises(ModelDefinitionError, match="MD120"):

        class Made(Named, Model):
            id: Column[str] = partition_key()

    with pytest.raises(ModelDefinitionError, match="MD120"):

        class Place(UserType):
            __type_name__ = "place"
            street: str
