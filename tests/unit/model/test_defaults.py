"""Defaults that no instance could use, or that all would share, are refused when the class is created."""

from __future__ import annotations

import dataclasses
import enum
import functools
import uuid
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Literal

import attrs
import pytest

from scyllamodel import Column, Model, UserType, column, partition_key
from scyllamodel import types as cql
from scyllamodel.errors import ModelDefinitionError

NAMES = (Column, Decimal, Literal, date, datetime, cql)
"""What annotations in quotes below name."""


class Color(str, enum.Enum):
    """An enum by value."""

    RED = "red"


class Point(UserType):
    """A user type."""

    x: int = 0


@attrs.define
class Mutable:
    """A class with equality and without a hash."""

    x: int = 0


WRONG = [
    ("uuid.UUID", uuid.uuid4, "factory=uuid4."),
    ("list[str]", list, "factory=list."),
    ("datetime", datetime.now, "factory=lambda: datetime.now(timezone.utc)."),
    ("datetime", datetime.utcnow, "factory=lambda: datetime.now(timezone.utc)."),
    ("int", lambda: 3, "factory=…  with the function."),
    ("int", functools.partial(int, 3), "factory=…  with the function."),
    ("int", int, "factory=int."),
    ("Color", Color, "factory=Color."),
    ("int", dataclasses.field(default=1), "column(default=…)"),
    ("int", attrs.field(default=1), "column(default=…)"),
    ("int", column(default=1), "column(default=…)"),
    ("list[int]", attrs.Factory([]), "factory=list"),
    ("list[int]", [1], "factory=list"),
    ("bytes", bytearray(), "factory=bytearray"),
    ("int", Mutable(), "factory=Mutable"),
    ("int", "zero", "a value of class int"),
    ("int", 1.0, "a value of class int"),
    ("int", True, "a value of class int"),
    ("int", 2**63, "a number from -9223372036854775808 to 9223372036854775807"),
    ("cql.Int", -(2**31) - 1, "a number from -2147483648 to 2147483647"),
    ("cql.TinyInt", 128, "a number from -128 to 127"),
    ("str", 3, "a value of class str"),
    ("str", b"x", "a value of class str"),
    ("bool", 1, "a value of class bool"),
    ("float", "1", "a value of class float"),
    ("Decimal", 0.1, "a value of class Decimal"),
    ("datetime", date(2026, 1, 1), "a value of class datetime"),
    ("date", datetime(2026, 1, 1, tzinfo=timezone.utc), "a date without a time"),
    ("uuid.UUID", "x", "a value of class UUID"),
    ("Color", "red", "a member of Color"),
    ("cql.Frozen[Point]", (1,), "a member of Point"),
    ("Literal['a', 'b']", "c", "one of 'a', 'b'"),
    ("frozenset[str]", "abc", "a set"),
    ("tuple[int, int]", "ab", "a tuple"),
    ("int | None", "zero", "a value of class int"),
]
RIGHT = [
    ("int", 0),
    ("int", -(2**63)),
    ("cql.VarInt", 2**200),
    ("cql.Int | None", None),
    ("int", None),
    ("float", 1),
    ("Decimal", 1),
    ("str", ""),
    ("Color", Color.RED),
    ("cql.Frozen[Point]", Point()),
    ("Literal['a', 'b']", "a"),
    ("frozenset[str]", frozenset("a")),
    ("tuple[int, int]", (1, 2)),
    ("datetime", datetime(2026, 1, 1, tzinfo=timezone.utc)),
    ("datetime", datetime(2026, 1, 1)),  # noqa: DTZ001 - a repo may take it for UTC
    ("cql.Inet", "10.0.0.1"),
]


def model_with(annotation, value, base=Model):
    """A class with one column of this type and with this value after ``=``."""
    key = {"id": partition_key()} if base is Model else {}
    annotations = {**dict.fromkeys(key, "Column[int]"), "x": f"Column[{annotation}]" if key else annotation}
    return type(base)("Made", (base,), {"__module__": __name__, "__annotations__": annotations, **key, "x": value})


@pytest.mark.parametrize(("annotation", "default", "advice"), WRONG, ids=range(len(WRONG)))
@pytest.mark.parametrize("write", [lambda d: column(default=d), lambda d: d], ids=["column()", "bare"])
def test_a_default_that_cannot_be_one_is_refused(annotation, default, advice, write):
    """An invalid default is refused with advice, whichever way it is declared."""
    stands = write(default)
    if isinstance(stands, type(attrs.field())) and stands is default:
        return  # ``x: Column[int] = attrs.field(default=1)`` is a declaration, and a right one
    with pytest.raises(ModelDefinitionError) as exc_info:
        model_with(annotation, stands)
    (problem,) = exc_info.value.problems

    assert ("MD113", True) == (problem.code, advice in problem.advice)


@pytest.mark.parametrize(("annotation", "default", "advice"), WRONG, ids=range(len(WRONG)))
def test_fields_of_user_types_are_checked_alike(annotation, default, advice):
    """Defaults of fields of user types are checked like those of columns."""
    if isinstance(default, type(attrs.field())):
        return
    with pytest.raises(ModelDefinitionError) as exc_info:
        model_with(annotation, default, UserType)

    assert advice in str(exc_info.value)


@pytest.mark.parametrize(("annotation", "default"), RIGHT, ids=range(len(RIGHT)))
def test_a_default_that_fits_is_taken(annotation, default):
    """A valid default is accepted unchanged."""
    assert default == model_with(annotation, column(default=default))(id=1).x


def test_converters_make_their_own_of_a_default():
    """With a converter, or with ``load`` and ``dump``, a default may be a value that CQL does not accept."""
    assert 3 == model_with("int", column(default="3", converter=int))(id=1).x
    assert int is model_with("type", column(default=int, type=cql.Text, load=eval, dump=repr))(id=1).x


def test_a_redacted_default_is_not_quoted():
    """The error for an invalid default of a redacted column does not quote it."""
    with pytest.raises(ModelDefinitionError) as exc_info:
        model_with("int", column(default="s3cr3t", redact=True))

    assert "s3cr3t" not in str(exc_info.value)
