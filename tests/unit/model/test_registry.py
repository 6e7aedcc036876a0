"""The registry has one class for each place in the source, as long as the class is referenced."""

from __future__ import annotations

import gc
import importlib
import subprocess
import sys
import threading

import pytest

from scyllamodel.model.base import Model
from scyllamodel.model.column import Column
from scyllamodel.model.fields import partition_key
from scyllamodel.model.registry import Registry, registry
from scyllamodel.model.view import MaterializedView


def model_named(name, module="shop", qualname=None):
    """A class as if it were defined at one place in the source."""
    return type(name, (), {"__module__": module, "__qualname__": qualname or name})


def test_classes_come_in_order_of_definition():
    """The registry yields classes in the order in which they were added."""
    own_registry, classes = Registry(), [model_named("B"), model_named("A"), model_named("C")]
    for cls in classes:
        own_registry.add(cls, cls.__name__)

    assert classes == list(own_registry)


def test_same_place_is_replaced():
    """A class from the same lines as an earlier one replaces it, also with another table."""
    own_registry, old, other, new = Registry(), model_named("A"), model_named("B"), model_named("A")
    for cls in (old, other, new):
        own_registry.add(cls, f"t{id(cls)}")

    assert [other, new] == list(own_registry)


def test_one_function_may_make_several_tables():
    """Classes from one function count by table, and a second class for a table replaces the first."""
    own_registry = Registry()
    first, second, third = [model_named("A", qualname="make.<locals>.A") for _ in range(3)]
    own_registry.add(first, "one")
    own_registry.add(second, "two")
    own_registry.add(third, "one")

    assert [second, third] == list(own_registry)


def test_one_loop_of_a_module_may_make_several_tables(tmp_path, monkeypatch):
    """A loop of a module creates one class for each table, and reloading it does not duplicate them."""
    (tmp_path / "looped.py").write_text(
        "from scyllamodel import Column, Model, partition_key\n"
        "MADE = []\n"
        "for number in range(3):\n"
        "    class Page(Model, table=f'page_{number}', repo='looped'):\n"
        "        id: Column[int] = partition_key()\n"
        "    MADE.append(Page)\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(tmp_path)
    looped = importlib.import_module("looped")
    first = [cls for cls in registry if cls.__repo__ == "looped"]
    old = looped.MADE
    importlib.reload(looped)
    second = [cls for cls in registry if cls.__repo__ == "looped"]
    del sys.modules["looped"]

    assert old == first
    assert looped.MADE == second


LOOP = """
from scyllamodel import Column, Model, partition_key
for number in range(3):
    class Page(Model, table=f"page_{number}"):
        id: Column[int] = partition_key()

"""
AGAIN = """
class Page(Model, table="other"):
    id: Column[int] = partition_key()

"""
SHOWN = """
import gc
from scyllamodel.model.registry import registry
_ = gc.collect()
print(sorted(cls.__facts__.name for cls in registry))
"""


@pytest.mark.parametrize("command", [[], ["-c"]], ids=["piece by piece", "whole"])
@pytest.mark.parametrize(
    ("repeated", "value"), [("", ["page_0", "page_1", "page_2"]), (AGAIN, ["other"])], ids=["once", "again"]
)
def test_loop_in_main(command, repeated, value):
    """All tables of a loop in a script are registered, and in a session a class can be redefined."""
    text = LOOP + repeated + SHOWN
    run = subprocess.run(
        [sys.executable, *([*command, text] if command else ["-i"])],
        input=None if command else text,
        capture_output=True,
        text=True,
        check=True,
    )
    desired = sorted([*value, "page_0", "page_1", "page_2"]) if command and repeated else value

    assert f"{desired}\n" == run.stdout


def test_module_keeps_its_classes(tmp_path, monkeypatch):
    """Classes that only a loop created stay registered as long as their module exists."""
    (tmp_path / "unheld.py").write_text(LOOP.replace("(Model,", "(Model, repo='unheld',"), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("unheld")
    gc.collect()
    before = [cls.__facts__.name for cls in registry if cls.__repo__ == "unheld"]
    del sys.modules["unheld"]
    gc.collect()

    assert ["page_0", "page_1", "page_2"] == before
    assert [] == [cls for cls in registry if cls.__repo__ == "unheld"]


def test_unreferenced_class_is_collected():
    """The registry does not keep a class alive."""
    own_registry, cls = Registry(), model_named("A")
    own_registry.add(cls, "a")
    del cls
    gc.collect()

    assert 0 == len(own_registry)


def test_end_of_a_replaced_class_leaves_its_successor():
    """When a replaced class is collected, its successor stays registered."""
    own_registry, old, new = Registry(), model_named("A"), model_named("A")
    own_registry.add(old, "a")
    own_registry.add(new, "a")
    del old
    gc.collect()

    assert [new] == list(own_registry)


def test_threads_may_add_at_once():
    """No class is lost when threads add and read concurrently."""
    own_registry = Registry()
    classes = [model_named(f"C{number}") for number in range(400)]

    def add(part):
        for cls in classes[part::4]:
            own_registry.add(cls, cls.__name__)
            list(own_registry)

    threads = [threading.Thread(target=add, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(classes) == set(own_registry)


def test_tables_and_views_are_registered_and_bases_are_not():
    """Tables and views are registered, and abstract classes are not."""

    class Base(Model, abstract=True):
        id: Column[str] = partition_key()

    class Table(Base):
        pass

    class View(MaterializedView, of=Table):
        id: Column[str] = partition_key()

    assert [False, True, True] == [cls in registry for cls in (Base, Table, View)]
