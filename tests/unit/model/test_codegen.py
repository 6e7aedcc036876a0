"""Generated functions that turn a row into an instance, and an instance into its values."""

from __future__ import annotations

import inspect
import pickle
import re
import traceback
from datetime import date, datetime, timezone

import attrs
import pytest
from cassandra import util

from scyllamodel.errors import TypeMismatch
from scyllamodel.model._codegen import Field, install_row_functions, make_bind, make_load
from scyllamodel.types.annotations import map_annotation


@attrs.define
class Order:
    """A class with slots."""

    id: int
    placed: datetime | None
    days: list[date]


@attrs.frozen
class Address:
    """A frozen class."""

    street: str
    since: date | None


class Shown(type):
    """A metaclass that returns something else in place of a slot, as models do."""

    def __getattribute__(cls, name):
        return "shown" if name == "since" else super().__getattribute__(name)


@attrs.frozen
class Base:
    """A frozen base class with a slot."""

    street: str


@attrs.frozen
class Derived(Base, metaclass=Shown):
    """A frozen class with another slot, and with a metaclass."""

    since: date | None


class Point:
    """A class with one slot."""

    __slots__ = ("x",)


class Nothing:
    """A class without slots."""

    __slots__ = ()


def fields(cls, **redacted):
    hints = inspect.get_annotations(cls, eval_str=True)
    return [Field(name, map_annotation(annotation), redact=name in redacted) for name, annotation in hints.items()]


ADDRESS = [Field("street", map_annotation(str)), Field("since", map_annotation(date | None))]
MOMENT = datetime(2026, 1, 1, tzinfo=timezone.utc)
ROW = (1, MOMENT.replace(tzinfo=None), [util.Date(0)])
ORDER = Order(1, MOMENT, [date(1970, 1, 1)])


def test_a_row_becomes_an_instance():
    """Values are converted where their type requires it."""
    assert ORDER == make_load(Order, fields(Order))(ROW)


def test_nulls_become_none_or_empty():
    """A nullable column holds None, and another list is empty and separate for each instance."""
    load = make_load(Order, fields(Order))
    first, two = load((1, None, None)), load((1, None, None))

    assert Order(1, None, []) == first
    assert first.days is not two.days


def test_a_null_in_a_required_column_is_none():
    """A null in a required column is loaded as None, since loading does not check."""
    assert make_load(Point, [Field("x", map_annotation(date))])((None,)).x is None


@pytest.mark.parametrize("row", [(1, None), (1, None, None, None)])
def test_a_row_of_another_length_is_an_error(row):
    """A row with too few or too many values is an error."""
    with pytest.raises(ValueError, match="unpack"):
        make_load(Order, fields(Order))(row)


@pytest.mark.parametrize("cls", [Address, Derived])
def test_frozen_classes_are_filled(cls):
    """Frozen classes are loaded too, with inherited slots and with any metaclass."""
    load = make_load(cls, ADDRESS)(("Main St", util.Date(1)))

    assert ("Main St", date(1970, 1, 2)) == (load.street, load.since)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        load.street = "x"


def test_neither_init_nor_validators_run():
    """Loading calls neither ``__init__`` nor validators."""

    @attrs.define
    class Strict:
        x: int = attrs.field(validator=attrs.validators.gt(5))

    assert 1 == make_load(Strict, [Field("x", map_annotation(int))])((1,)).x


def test_an_instance_becomes_its_values():
    """Values are bound for the driver in the order of the fields, and None stays None."""
    bind = make_bind(Order, fields(Order))

    assert (1, MOMENT, [date(1970, 1, 1)]) == bind(ORDER)
    assert (1, None, []) == bind(Order(1, None, []))


@pytest.mark.parametrize("cls", [Point, Nothing])
def test_few_columns(cls):
    """One column is bound as a tuple of one, and none as an empty tuple."""
    results = [Field(name, map_annotation(int)) for name in cls.__slots__]
    row = (7,) * len(results)

    assert row == make_bind(cls, results)(make_load(cls, results)(row))


NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001 - a wrong value


def test_a_wrong_value_is_reported_with_its_column():
    """The error has the column, class, type, value and advice, and the original error is its cause."""
    with pytest.raises(TypeMismatch) as exc_info:
        make_bind(Order, fields(Order))(Order(1, NAIVE, []))
    error = exc_info.value

    assert str(error).startswith(
        "Order.placed: datetime.datetime(2026, 1, 1, 0, 0) does not fit timestamp: the datetime has no"
    )
    assert ("Order", "placed", "timestamp", NAIVE) == (error.model, error.column, error.cql_type, error.value)
    assert isinstance(error.__cause__, ValueError)
    assert str(error) == str(pickle.loads(pickle.dumps(error)))


def test_a_long_value_is_cut():
    """A long value is truncated in an error."""
    with pytest.raises(TypeMismatch) as exc_info:
        make_bind(Order, fields(Order))(Order(1, None, ["x"] * 5000))

    assert len(str(exc_info.value)) < 600


def test_a_redacted_value_is_shown_nowhere():
    """The value is in neither the message nor the details, cause, context or traceback of an error."""
    with pytest.raises(TypeMismatch, match=r"Point\.x: the value, which is redacted, does not fit date") as exc_info:
        make_bind(Point, [Field("x", map_annotation(date), redact=True)])(secret())
    error = exc_info.value

    assert (None, None) == (error.__cause__, error.__context__)
    assert "2026" not in "".join(traceback.format_exception(error)) + repr(error.to_dict())


def secret():
    point = Point()
    point.x = MOMENT
    return point


def test_a_wrong_value_in_a_user_type_is_reported_with_its_path():
    """The path in the error consists of the column and the field of the type."""
    Inner = type("Inner", (Point,), {"__slots__": (), "__cql_name__": "inner", "__fields_by_cql__": ("x",)})  # noqa: N806
    install_row_functions(Inner, lambda _: [Field("x", map_annotation(date))])
    outer, inner = Point(), Inner()
    outer.x, inner.x = inner, MOMENT

    with pytest.raises(
        TypeMismatch, match=r"^Point\.x: .*Inner\.x: datetime.* does not fit date: .*cannot store the time"
    ):
        make_bind(Point, [Field("x", map_annotation(Inner))])(outer)


def test_an_attribute_that_was_never_set_is_no_mismatch():
    """An attribute that was never set is an AttributeError, not a type mismatch."""
    with pytest.raises(AttributeError, match="x"):
        make_bind(Point, [Field("x", map_annotation(date))])(Point())


def test_generated_code_can_be_read():
    """The source, names and docstring of generated code are available to tracebacks and readers."""
    load = make_load(Order, fields(Order))

    assert "        self.id,\n        v1,\n        v2,\n" in inspect.getsource(load)
    assert ("__load__", "Order.__load__", __name__) == (load.__name__, load.__qualname__, load.__module__)
    assert load.__doc__


def test_values_that_are_right_cost_no_call():
    """A class of plain values is loaded by unpacking and bound as a tuple, without conversion calls."""
    plain = [Field("a", map_annotation(int)), Field("b", map_annotation(str | None))]
    load, bind = inspect.getsource(make_load(Point, plain)), inspect.getsource(make_bind(Point, plain))

    assert "    (\n        self.a,\n        self.b,\n    ) = row" in load
    assert not re.search(r"(load|dump|empty)_\d", load + bind)


def test_two_classes_of_one_name_keep_their_own_source():
    """A traceback shows the source of its own class, also if another class has the same name."""
    item = make_load(Point, [Field("x", map_annotation(int))])
    two = make_load(Point, [Field("x", map_annotation(date))])
    second = make_load(Point, [Field("x", map_annotation(int))])

    assert inspect.getsource(item) != inspect.getsource(two)
    assert inspect.getsourcefile(item) == inspect.getsourcefile(second)


class TestInstall:
    """`install` adds ``__load__`` and ``__bind__`` to a class."""

    def make(self):
        """A class with both functions, which are not generated yet."""
        cls = type("Late", (Point,), {"__slots__": ()})
        install_row_functions(cls, lambda _: [Field("x", map_annotation(date))])
        return cls

    def test_nothing_is_generated_before_it_is_used(self):
        """Code is generated on first use only."""
        cls = self.make()
        before = {name: type(vars(cls)[name]).__name__ for name in ("__load__", "__bind__")}
        cls.__load__((None,))

        assert {"__load__": "LazyAttribute", "__bind__": "LazyAttribute"} == before
        assert {"staticmethod", "LazyAttribute"} == {type(vars(cls)[name]).__name__ for name in before}

    def test_both_work_from_class_and_instance(self):
        """Both functions work on the class and on an instance, on first use and later."""
        cls = self.make()
        item = cls.__load__((util.Date(0),))

        assert [(date(1970, 1, 1),)] * 3 == [item.__bind__(), item.__bind__(), cls.__bind__(item)]
        assert date(1970, 1, 1) == item.__load__((util.Date(0),)).x

    def test_each_class_loads_itself(self):
        """A subclass with its own columns does not use the functions of its base."""
        base = self.make()
        base.__load__((None,))
        derived = type("Derived", (base,), {"__slots__": ()})
        install_row_functions(derived, lambda _: [Field("x", map_annotation(date))])

        assert derived is type(derived.__load__((None,)))
