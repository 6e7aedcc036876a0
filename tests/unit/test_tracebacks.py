"""A value that does not fit has one short traceback, which in pytest contains only frames of the test."""

from __future__ import annotations

import linecache
import subprocess
import sys
import traceback
from datetime import datetime, timezone
from pathlib import Path

import pytest

from scyllamodel import Column, Model, UserType, column, partition_key
from scyllamodel.driver.data.binding.binder import make_bind
from scyllamodel.errors import TypeMismatch
from scyllamodel.query.instances import InstanceStatements
from support.driver_codecs import prepared

HERE = Path(__file__).parent


class Visit(UserType, name="visit"):
    """A user type with a converter for a field."""

    at: datetime
    place: str = ""


class Log(Model, table="logs", repo="tracebacks"):
    """A model with user types in collections."""

    id: Column[int] = partition_key()
    visits: Column[dict[str, Visit]] = column(factory=dict)
    latest: Column[Visit | None] = column(default=None)
    tags: Column[set[str]] = column(factory=set)


def own_dump(value):
    """A function of the application that fails."""
    raise ValueError("the application says no")


class Custom(Model, table="customs", repo="tracebacks"):
    """A model with a converter of the application."""

    id: Column[int] = partition_key()
    word: Column[str] = column(dump=own_dump, load=str)


NAIVE = Visit(at=datetime(2026, 1, 1))  # noqa: DTZ001 - that is what is wrong with it
AWARE = datetime(2026, 1, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("row", "where"),
    [
        (Log(id=1, visits={"a": NAIVE}), "Log.visits: Visit.at: "),
        (Log(id=1, latest=NAIVE), "Log.latest: Visit.at: "),
        (Log(id=1, latest=Visit(at=AWARE, place=3)), "Log.latest: Visit(at="),
        (Log(id=1, visits={"a": Visit(at=AWARE, place=3)}), "Log.visits: {'a': Visit(at="),
        (Log(id=1, tags={3}), "Log.tags: {3} "),
        (Log(id="x"), "Log.id: 'x' "),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_value_prints_one_short_traceback(row, where):
    """The last line of the traceback contains the message, and no line before it is too long."""
    compiled = InstanceStatements(Log, "shop").insert(row).compiled
    statement = prepared(compiled.template, {"visit": list(Visit.__facts__.fields)})
    bind = make_bind(statement, compiled.template.markers, {"visit": ("at", "place")})
    with pytest.raises(TypeMismatch) as exc_info:
        bind(compiled.values)
    printed = "".join(traceback.format_exception(exc_info.value))
    lines = printed.splitlines()

    assert 1 == printed.count("Traceback (most recent call last)")
    assert len(lines) < 20
    assert all(len(line) < 200 for line in lines[:-1])
    assert lines[-1].startswith(f"scyllamodel.errors.TypeMismatch: {where}")
    assert exc_info.value.__context__ in (None, exc_info.value.__cause__)


def test_the_traceback_of_the_applications_converter_is_kept():
    """The traceback of the application's converter is part of the error's cause."""
    with pytest.raises(TypeMismatch) as exc_info:
        Custom(id=1, word="x").__bind__()

    assert "own_dump" in "".join(traceback.format_exception(exc_info.value))


def test_generated_functions_have_short_lines():
    """The lines of generated functions are short even for many columns, since a traceback shows them."""
    columns = {f"column_{number}": column(default=None) for number in range(80)}
    annotations = {"id": Column[int], **dict.fromkeys(columns, Column[datetime | None])}
    body = {"__annotations__": annotations, "__module__": __name__, "id": partition_key(), **columns}
    wide = type(Model)("Wide", (Model,), body, table="wide", repo="tracebacks")
    compiled = InstanceStatements(wide, "shop").insert(wide(id=1)).compiled
    make_bind(prepared(compiled.template), compiled.template.markers, {})(compiled.values)
    functions = [wide.__load__, wide.__bind__, InstanceStatements(wide, "shop").values]
    wide.__load__(tuple([None] * 81))
    names = {function.__code__.co_filename for function in functions} | {
        name for name in linecache.cache if name.startswith("<scyllamodel generated bind INSERT INTO shop.wide")
    }
    lines = [line for name in names for line in linecache.getlines(name)]

    assert 4 == len(names)
    assert max(map(len, lines)) < 160


TEST = """
from datetime import datetime
from scyllamodel import Column, Model, UserType, column, partition_key

class Visit(UserType, name="visit"):
    at: datetime

class Log(Model, table="logs", repo="tracebacks"):
    id: Column[int] = partition_key()
    visits: Column[dict[str, Visit]] = column(factory=dict)

def test_value():
    Log(id=1, visits={"a": Visit(at=datetime(2026, 1, 1))}).__bind__()

def test_definition():
    class Nothing(Model):
        pass

def test_bug():
    Log.__bind__(3)
"""


def test_pytest_shows_the_frames_of_the_test_alone(tmp_path):
    """Frames of the package are hidden in errors that it raises on purpose, and shown in all others."""
    path = tmp_path / "test_it.py"
    path.write_text(TEST, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    value, _, rest = result.stdout.partition("_ test_definition _")
    definition, _, bug = rest.partition("_ test_bug _")

    assert "3 failed" in bug
    assert "TypeMismatch: Log.visits: Visit.at: datetime.datetime(2026, 1, 1, 0, 0) does not fit timestamp" in value
    assert len(value.splitlines()) < 16
    assert "mistake" in definition
    assert [] == [line for line in (value + definition).splitlines() if "scyllamodel/" in line or "generated" in line]
    assert "generated" in bug
