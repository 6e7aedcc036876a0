"""Validators, converters and cached properties on models, as ``attrs.define`` and `functools` have them."""

from __future__ import annotations

import copy
import functools
import inspect
import pickle
from typing import Any

import attrs
import cattrs
import pytest

from scyllamodel import Column, Model, UserType, column, partition_key
from scyllamodel.model._codegen import raw_slot_name

CALLS: list[Any] = []


def lowered(value: str) -> str:
    """A converter that records its calls."""
    CALLS.append(value)
    return value.lower()


class Account(Model, table="accounts", repo="assignment"):
    """Columns with a validator, with a converter, with both, and with neither."""

    id: Column[int] = partition_key()
    email: Column[str] = column(converter=lowered, validator=attrs.validators.max_len(20))
    age: Column[int | None] = column(default=None, validator=attrs.validators.optional(attrs.validators.ge(0)))
    name: Column[str] = column(default="x")
    version: Column[int] = column(init=False, default=1, validator=attrs.validators.gt(0))

    @name.validator
    def _check(self, _, value):
        if not value:
            raise ValueError(f"account {self.id} has no name")


class Special(Account, table="special"):
    """A table derived from a table, which shares the slots of its base."""

    bonus: Column[int] = column(default=0, validator=attrs.validators.ge(0))


class Loose(Account, table="loose"):
    """Declares a column again, without a validator."""

    age: Column[int | None] = column(default=None)


class Strict(Loose, table="strict"):
    """Declares the column once more, with another validator."""

    age: Column[int | None] = column(default=None, validator=attrs.validators.in_([None, 7]))


@pytest.fixture
def account():
    """An account; the converter call that creates it is not counted."""
    new_account = Account(id=1, email="A@x")
    CALLS.clear()
    return new_account


@pytest.mark.parametrize("model", [Account, Special])
def test_assignment_converts_and_validates(model):
    """An assigned value is converted and validated, and a refused value leaves the attribute unchanged."""
    account = model(id=1, email="A@x")
    account.email = "B@X"
    for name, invalid_value in [("age", -1), ("email", "x" * 21), ("name", ""), ("version", 0)]:
        before = getattr(account, name)
        with pytest.raises(ValueError, match=r"must be|[lL]ength|no name"):
            setattr(account, name, invalid_value)
        assert before == getattr(account, name)
    account.age = 3

    assert ("b@x", 3) == (account.email, account.age)


def test_construction_converts_once():
    """The constructor calls the converter once and the validator once."""
    CALLS.clear()
    account = Account(id=1, email="A@x")
    copied = attrs.evolve(account, name="y")

    assert ["A@x", "a@x"] == CALLS
    assert ("a@x", "y") == (copied.email, copied.name)
    with pytest.raises(ValueError, match="must be >= 0"):
        Account(id=1, email="x", age=-1)


def test_loading_checks_nothing(account):
    """Loading a row calls neither converters nor validators."""
    loaded = Account.__load__((1, "STORED", -5, "", 0))

    assert ("STORED", -5, "", 0, []) == (loaded.email, loaded.age, loaded.name, loaded.version, CALLS)
    assert (1, "STORED", -5, "", 0) == loaded.__bind__()
    assert "set_" not in inspect.getsource(Account.__load__)
    with pytest.raises(ValueError, match="must be >= 0"):
        loaded.age = -6


def test_copies_are_not_checked_again(account):
    """A pickled, copied or deep-copied instance is neither converted nor validated again."""
    loaded = Account.__load__((1, "STORED", -5, "", 0))
    documents = [pickle.loads(pickle.dumps(loaded, protocol)) for protocol in range(6)]

    assert [loaded] * 8 == [*documents, copy.copy(loaded), copy.deepcopy(loaded)]
    assert [] == CALLS
    with pytest.raises(ValueError, match="must be >= 0"):
        documents[0].age = -1


def test_replace_keeps_what_has_no_parameter():
    """A column with ``init=False`` keeps its value in a replaced copy."""
    loaded = Account.__load__((1, "a", 5, "n", -7))

    assert -7 == loaded.replace(age=6).version


def test_only_columns_with_a_check_are_changed():
    """Columns without a validator or converter are plain slots, and a subclass adds no second slot for a column."""
    assert inspect.ismemberdescriptor(inspect.getattr_static(Account, "id"))
    assert not inspect.ismemberdescriptor(inspect.getattr_static(Account, "age"))
    assert inspect.ismemberdescriptor(inspect.getattr_static(Loose, "age"))
    assert ("bonus",) == Special.__slots__
    assert () == Strict.__slots__


def test_a_column_that_is_declared_again_has_its_own_checks():
    """A column that is declared again has the validators of its new declaration, or none."""
    loose, strict = Loose(id=1, email="a"), Strict(id=1, email="a")
    loose.age = -5
    strict.age = 7

    assert (-5, 7) == (loose.age, strict.age)
    assert 8 == Strict.__load__((1, "a", 8, "n", 1)).age
    assert -5 == Loose.__load__((1, "a", -5, "n", 1)).age
    with pytest.raises(ValueError, match="must be in"):
        strict.age = 8


def test_validators_can_be_disabled(account):
    """The switch of attrs disables validators; converters still run."""
    with attrs.validators.disabled():
        account.age = -1
        account.email = "C"

    assert (-1, "c") == (account.age, account.email)


def test_attrs_and_cattrs_see_the_same_class(account):
    """Fields, dictionaries, repr, pattern matching and structuring see the columns of a model."""
    converter = cattrs.Converter()
    converter.register_structure_hook_func(lambda annotation: annotation == int | None, lambda value, _: value)

    assert ["id", "email", "age", "name", "version"] == [field.name for field in attrs.fields(Account)]
    assert account == converter.structure(converter.unstructure(account), Account)
    assert {"id": 1, "email": "a@x", "age": None, "name": "x", "version": 1} == attrs.asdict(account)
    assert "Account(id=1, email='a@x', age=None, name='x', version=1)" == repr(account)
    match account:
        case Account(email=email):
            assert "a@x" == email


def test_refused_values_of_redacted_columns_are_not_shown():
    """An error about a refused assignment to a redacted column does not show the value."""

    class Safe(Model):
        id: Column[int] = partition_key()
        pin: Column[str] = column(default="", redact=True, validator=attrs.validators.max_len(2))

    with pytest.raises(TypeError) as exc_info:
        Safe(id=1).pin = "s3cr3t"

    assert "s3cr3t" not in f"{exc_info.value}{exc_info.value.__context__}{exc_info.value.__cause__}"


def test_a_class_and_what_stands_on_it_can_be_deleted_and_set():
    """``del`` deletes the value of an instance and keeps the column, as with any slot."""
    account = Account(id=1, email="a")
    del account.age

    assert not hasattr(account, "age")
    account.age = 3
    assert 3 == account.age
    assert raw_slot_name(Account, "id") == "id" != raw_slot_name(Account, "age")


class Shape(Model, table="shapes", repo="assignment", abstract=True):
    """A base with a cached property that records its calls."""

    side: Column[int] = partition_key()

    @functools.cached_property
    def area(self):
        """The square."""
        CALLS.append("area")
        return self.side**2


class Plain:
    """A mixin without slots."""

    __slots__ = ()

    @functools.cached_property
    def doubled(self):
        """A cached property of a mixin."""
        return self.side * 2


class Square(Shape, Plain, table="squares"):
    """A table with two inherited cached properties and one of its own."""

    @functools.cached_property
    def broken(self):
        """A cached property that fails."""
        raise AttributeError("not there")


class Cube(Square, table="cubes"):
    """A table that overrides a cached property."""

    @functools.cached_property
    def area(self):
        """The area of all sides."""
        return 6 * super().side ** 2


def test_cached_properties_work_on_models():
    """The value is computed once for each instance, and can be assigned and deleted as with `functools`."""
    CALLS.clear()
    square = Square(side=3)

    assert (9, 9, 6, ["area"]) == (square.area, square.area, square.doubled, CALLS)
    square.area = 10
    assert 10 == square.area
    del square.area
    assert 9 == square.area
    with pytest.raises(AttributeError, match="not there"):
        _ = square.broken
    assert not hasattr(square, "__dict__")
    assert "The square." == Square.area.__doc__


def test_cached_properties_are_not_part_of_a_row():
    """Cached properties are not part of equality, fields or written values, and work on loaded instances."""
    square, other = Square.__load__((3,)), Square(side=3)
    assert 9 == square.area

    assert square == other
    assert ["side"] == [field.name for field in attrs.fields(Square)]
    assert (3,) == square.__bind__()
    assert 9 == pickle.loads(pickle.dumps(square)).area
    assert 16 == square.replace(side=4).area


def test_a_cached_property_can_be_overridden():
    """A derived table can override a cached property and use its original."""
    assert (54, 6) == (Cube(side=3).area, Cube(side=3).doubled)


def test_cached_properties_work_on_user_types():
    """Cached properties work on user types although these are frozen."""

    class Point(UserType):
        x: int

        @functools.cached_property
        def far(self):
            return self.x * 100

    point = Point(x=3)

    assert (300, 300) == (point.far, point.far)
    assert point == Point(x=3)
