"""Generated functions: a row becomes an instance, an instance its values."""

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
    """A slotted class."""

    id: int
    placed: datetime | None
    days: list[date]


@attrs.frozen
class Address:
    """A frozen class."""

    street: str
    since: date | None


class Shown(type):
    """A metaclass that shows something else in the place of a slot, as models do."""

    def __getattribute__(cls, name):
        return "shown" if name == "since" else super().__getattribute__(name)


@attrs.frozen
class Base:
    """A frozen base class with a slot of its own."""

    street: str


@attrs.frozen
class Derived(Base, metaclass=Shown):
    """A frozen class with a slot more, behind a metaclass."""

    since: date | None


class Point:
    """One slot."""

    __slots__ = ("x",)


class Nothing:
    """No slot."""

    __slots__ = ()


def fields(cls, **redacted):
    hints = inspect.get_annotations(cls, eval_str=True)
    return [Field(name, map_annotation(annotation), redact=name in redacted) for name, annotation in hints.items()]


ADDRESS = [Field("street", map_annotation(str)), Field("since", map_annotation(date | None))]
MOMENT = datetime(2026, 1, 1, tzinfo=timezone.utc)
ROW = (1, MOMENT.replace(tzinfo=None), [util.Date(0)])
ORDER = Order(1, MOMENT, [date(1970, 1, 1)])


def test_a_row_becomes_an_instance():
    """Each value is converted where it needs it."""
    assert ORDER == make_load(Order, fields(Order))(ROW)


def test_nulls_become_none_or_empty():
    """A column that may be null holds None, a list that may not be null is empty, and not the same one twice."""
    load = make_load(Order, fields(Order))
    first, two = load((1, None, None)), load((1, None, None))

    assert Order(1, None, []) == first
    assert first.days is not two.days


def test_a_null_in_a_required_column_is_none():
    """The database may hold what the model forbids; loading does not check."""
    assert make_load(Point, [Field("x", map_annotation(date))])((None,)).x is None


@pytest.mark.parametrize("row", [(1, None), (1, None, None, None)])
def test_a_row_of_another_length_is_an_error(row):
    """Columns are never guessed."""
    with pytest.raises(ValueError, match="unpack"):
        make_load(Order, fields(Order))(row)


@pytest.mark.parametrize("cls", [Address, Derived])
def test_frozen_classes_are_filled(cls):
    """A class that refuses assignment loads all the same, with inherited slots and under any metaclass."""
    load = make_load(cls, ADDRESS)(("Main St", util.Date(1)))

    assert ("Main St", date(1970, 1, 2)) == (load.street, load.since)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        load.street = "x"


def test_neither_init_nor_validators_run():
    """The database has accepted the row already."""

    @attrs.define
    class Strict:
        x: int = attrs.field(validator=attrs.validators.gt(5))

    assert 1 == make_load(Strict, [Field("x", map_annotation(int))])((1,)).x


def test_an_instance_becomes_its_values():
    """Driver-ready values, in the order of the fields; None stays None."""
    bind = make_bind(Order, fields(Order))

    assert (1, MOMENT, [date(1970, 1, 1)]) == bind(ORDER)
    assert (1, None, []) == bind(Order(1, None, []))


@pytest.mark.parametrize("cls", [Point, Nothing])
def test_few_columns(cls):
    """One column makes a tuple of one, none an empty tuple."""
    results = [Field(name, map_annotation(int)) for name in cls.__slots__]
    row = (7,) * len(results)

    assert row == make_bind(cls, results)(make_load(cls, results)(row))


NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001 - a wrong value


def test_a_wrong_value_is_reported_with_its_column():
    """The error names class, column, type and value, and says what to do; the cause is kept."""
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
    """An error stays readable, whatever is in the column."""
    with pytest.raises(TypeMismatch) as exc_info:
        make_bind(Order, fields(Order))(Order(1, None, ["x"] * 5000))

    assert len(str(exc_info.value)) < 600


def test_a_redacted_value_is_shown_nowhere():
    """Neither the message nor the details, cause, context or traceback text hold it."""
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
    """Column of the table, then field of the type."""
    Inner = type("Inner", (Point,), {"__slots__": (), "__cql_name__": "inner", "__fields_by_cql__": ("x",)})  # noqa: N806
    install_row_functions(Inner, [Field("x", map_annotation(date))])
    outer, inner = Point(), Inner()
    outer.x, inner.x = inner, MOMENT

    with pytest.raises(
        TypeMismatch, match=r"^Point\.x: .*Inner\.x: datetime.* does not fit date: .*cannot store the time"
    ):
        make_bind(Point, [Field("x", map_annotation(Inner))])(outer)


def test_an_attribute_that_was_never_set_is_no_mismatch():
    """An attribute that was never set keeps its own error, and is not reported as a wrong value."""
    with pytest.raises(AttributeError, match="x"):
        make_bind(Point, [Field("x", map_annotation(date))])(Point())


def test_generated_code_can_be_read():
    """Source, names and docstring are there for tracebacks and people."""
    load = make_load(Order, fields(Order))

    assert "        self.id,\n        v1,\n        v2,\n" in inspect.getsource(load)
    assert ("__load__", "Order.__load__", __name__) == (load.__name__, load.__qualname__, load.__module__)
    assert load.__doc__


def test_values_that_are_right_cost_no_call():
    """A class of plain values loads by one unpacking, and binds by one tuple."""
    plain = [Field("a", map_annotation(int)), Field("b", map_annotation(str | None))]
    load, bind = inspect.getsource(make_load(Point, plain)), inspect.getsource(make_bind(Point, plain))

    assert "    (\n        self.a,\n        self.b,\n    ) = row" in load
    assert not re.search(r"(load|dump|empty)_\d", load + bind)


def test_two_classes_of_one_name_keep_their_own_source():
    """A reloaded class does not show the lines of the one before it."""
    item = make_load(Point, [Field("x", map_annotation(int))])
    two = make_load(Point, [Field("x", map_annotation(date))])
    second = make_load(Point, [Field("x", map_annotation(int))])

    assert inspect.getsource(item) != inspect.getsource(two)
    assert inspect.getsourcefile(item) == inspect.getsourcefile(second)


class TestInstall:
    """``__load__`` and ``__bind__`` of a class."""

    def make(self):
        """A class that has both, not yet written."""
        cls = type("Late", (Point,), {"__slots__": ()})
        install_row_functions(cls, [Field("x", map_annotation(date))])
        return cls

    def test_nothing_is_generated_before_it_is_used(self):
        """A class that is never loaded costs nothing."""
        cls = self.make()
        before = {name: type(vars(cls)[name]).__name__ for name in ("__load__", "__bind__")}
        cls.__load__((None,))

        assert {"__load__": "LazyAttribute", "__bind__": "LazyAttribute"} == before
        assert {"staticmethod", "LazyAttribute"} == {type(vars(cls)[name]).__name__ for name in before}

    def test_both_work_from_class_and_instance(self):
        """The first use, and those after it, on the class or on an instance."""
        cls = self.make()
        item = cls.__load__((util.Date(0),))

        assert [(date(1970, 1, 1),)] * 3 == [item.__bind__(), item.__bind__(), cls.__bind__(item)]
        assert date(1970, 1, 1) == item.__load__((util.Date(0),)).x

    def test_each_class_loads_itself(self):
        """A subclass with its own does not get its base's."""
        base = self.make()
        base.__load__((None,))
        derived = type("Derived", (base,), {"__slots__": ()})
        install_row_functions(derived, [Field("x", map_annotation(date))])

        assert derived is type(derived.__load__((None,)))
