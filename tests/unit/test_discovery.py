"""Discovery of models in packages on disk, in zip files, without ``__init__``, and in broken ones."""

from __future__ import annotations

import importlib
import os
import pickle
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

from scyllamodel.discovery import find_models, find_user_types, import_packages
from scyllamodel.errors import DiscoveryError, DuplicateTable, NoModelsFound, UnknownRepo
from scyllamodel.model.registry import registry

HEAD = """
    from __future__ import annotations
    from scyllamodel.model.base import Model
    from scyllamodel.model.column import Column
    from scyllamodel.model.fields import clustering_key, column, partition_key
    from scyllamodel.model.view import MaterializedView
"""


def model(name, *, repo, extra=""):
    """The source of a module with one model."""
    body = f"""
    class {name}(Model, repo={repo!r}{extra}):
        id: Column[str] = partition_key()
        total: Column[int] = column()
    """
    return textwrap.dedent(HEAD) + textwrap.dedent(body)


def write(root, files):
    """Write files below a folder, and create the folders that they need."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")


@pytest.fixture
def top(tmp_path, monkeypatch):
    """A folder on ``sys.path``, whose modules are removed from ``sys.modules`` afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]
    importlib.invalidate_caches()


def names(value):
    return [f"{cls.__module__}.{cls.__qualname__}" for cls in value]


def test_package_is_imported_with_everything_inside(top):
    """Modules, subpackages and folders without ``__init__`` are imported, ``__main__`` and other folders are not."""
    write(
        top,
        {
            "pk1/__init__.py": "",
            "pk1/a.py": model("A", repo="r1"),
            "pk1/sub/__init__.py": model("B", repo="r1"),
            "pk1/sub/c.py": model("C", repo="r1"),
            "pk1/bare/deep/d.py": model("D", repo="r1"),
            "pk1/__main__.py": "raise SystemExit(3)",
            "pk1/static/readme.txt": "",
            "pk1/not-a-name/e.py": "raise SystemExit(3)",
        },
    )

    assert ["pk1.a.A", "pk1.bare.deep.d.D", "pk1.sub.B", "pk1.sub.c.C"] == names(find_models({"r1"}, ["pk1"]))


def test_single_module_is_enough(top):
    """A plain module can be named as well as a package, also as a string."""
    write(top, {"pk2.py": model("A", repo="r2")})

    assert ["pk2.A"] == names(find_models({"r2"}, "pk2"))


def test_namespace_package_over_two_folders(top, monkeypatch):
    """A package without ``__init__`` may have its parts in several folders."""
    write(top, {"one/pk3/a.py": model("A", repo="r3"), "two/pk3/b.py": model("B", repo="r3")})
    monkeypatch.syspath_prepend(str(top / "one"))
    monkeypatch.syspath_prepend(str(top / "two"))

    assert ["pk3.a.A", "pk3.b.B"] == names(find_models({"r3"}, ["pk3"]))


def test_package_in_a_zip(top, monkeypatch):
    """Packages in a zip file on ``sys.path`` are found, also in folders without ``__init__``."""
    write(
        top / "src", {"pk4/__init__.py": "", "pk4/a.py": model("A", repo="r4"), "pk4/bare/b.py": model("B", repo="r4")}
    )
    with zipfile.ZipFile(top / "lib.zip", "w") as archive:
        for path in sorted((top / "src").rglob("*")):
            archive.write(path, path.relative_to(top / "src"))
    monkeypatch.syspath_prepend(str(top / "lib.zip"))

    assert ["pk4.a.A", "pk4.bare.b.B"] == names(find_models({"r4"}, ["pk4"]))


def test_installed_wheel(top, monkeypatch):
    """A package that pip has installed from a wheel is found from any current folder."""
    wheel = top / "pk5-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("pk5/__init__.py", model("A", repo="r5"))
        archive.writestr("pk5-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: pk5\nVersion: 1.0\n")
        archive.writestr("pk5-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("pk5-1.0.dist-info/RECORD", "")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(top / "site")]
    subprocess.run([*pip, str(wheel)], check=True, env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"})
    monkeypatch.syspath_prepend(str(top / "site"))
    monkeypatch.chdir(Path(top.anchor))

    assert ["pk5.A"] == names(find_models({"r5"}, ["pk5"]))


def test_order_is_stable_and_views_come_last(top):
    """Classes are sorted by module and definition, with views last, whatever the order of the packages."""
    base = model("Base", repo="r6", extra=', table="zz"')
    view = """
    class View(MaterializedView, of=Base):
        total: Column[int] = partition_key()
        id: Column[str] = clustering_key()

    class Second(Base, table="aa"):
        pass
    """
    write(top, {"pk6b.py": base + textwrap.dedent(view), "pk6a.py": model("A", repo="r6")})
    expected = ["pk6a.A", "pk6b.Base", "pk6b.Second", "pk6b.View"]

    assert [expected, expected] == [names(find_models({"r6"}, each)) for each in (["pk6b", "pk6a"], ["pk6a", "pk6b"])]


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("def (", SyntaxError),
        ("raise SystemExit(0)", SystemExit),
        ("1 / 0", ZeroDivisionError),
        ("import there_is_no_such_module", ModuleNotFoundError),
        ("from pk7 import nothing_of_the_kind", ImportError),
        ("class E(BaseException): pass\nraise E", BaseException),
    ],
)
def test_module_that_does_not_import_is_an_error(top, text, cause):
    """Whatever exception an import raises, the error names the module and has the exception as its cause."""
    write(top, {"pk7/__init__.py": "", "pk7/good.py": model("A", repo="r7"), "pk7/inner/bad.py": text})
    with pytest.raises(DiscoveryError, match=r"pk7\.inner\.bad cannot be imported") as exc_info:
        find_models({"r7"}, ["pk7"])

    assert ("pk7.inner.bad", True) == (exc_info.value.module, isinstance(exc_info.value.__cause__, cause))


def test_place_of_a_failure_is_named(top):
    """The error has the file and line in which the import failed, also if that is in another module."""
    write(top, {"pk8/__init__.py": "", "pk8/a.py": "import pk8_other", "pk8_other.py": "\n\n1 / 0"})
    with pytest.raises(DiscoveryError) as exc_info:
        import_packages(["pk8"])

    assert f"({top / 'pk8_other.py'}, line 3)" in str(exc_info.value)


def test_place_of_a_wrong_model_is_that_of_its_class(top):
    """The error for an invalid model has the file of its class, not the place that raised it."""
    write(top, {"pk8b.py": "from scyllamodel import Model\n\nclass Wrong(Model):\n    pass\n"})
    with pytest.raises(DiscoveryError) as exc_info:
        import_packages(["pk8b"])

    assert f"({top / 'pk8b.py'}, line 3)" in str(exc_info.value)


def test_discovery_error_survives_pickle(top):
    """A pickled discovery error keeps its module, message and cause."""
    write(top, {"pk9.py": "1 / 0"})
    with pytest.raises(DiscoveryError) as exc_info:
        import_packages(["pk9"])
    copy = pickle.loads(pickle.dumps(exc_info.value))

    assert ("pk9", str(exc_info.value), ZeroDivisionError) == (copy.module, str(copy), type(copy.__cause__))


@pytest.mark.parametrize("name", ["pk_that_is_not_there", "pk_that_is_not_there.models", "", ".relative", "a/b.py"])
def test_package_that_does_not_exist(top, name):
    """A name that cannot be imported is an error that says so."""
    with pytest.raises(DiscoveryError) as exc_info:
        find_models({"default"}, [name])

    assert name == exc_info.value.module


def test_package_in_a_current_folder_that_is_not_searched(top, monkeypatch):
    """If the package is in the current folder and that is not on the search path, the error says what to do."""
    write(top, {"elsewhere/pk10/__init__.py": ""})
    monkeypatch.chdir(top / "elsewhere")
    with pytest.raises(DiscoveryError, match=r"Python does not search: set PYTHONPATH=\. or install"):
        find_models({"default"}, ["pk10"])


def test_no_models_of_the_repo(top):
    """The error for a package without models of the repo names the repos that its models are bound to."""
    write(top, {"pk11.py": model("A", repo="r11")})
    with pytest.raises(
        NoModelsFound, match=r"no models in pk11 for the repo 'r12'.*'r11'.*Repo\('r11', …\) or &name=r11.*repo="
    ):
        find_models({"r12"}, ["pk11"])


def test_model_of_an_unknown_repo(top):
    """If all repos are requested, a model of a repo that is not configured is an error."""
    write(top, {"pk13.py": model("A", repo="r13")})
    known = {cls.__repo__ for cls in registry}
    with pytest.raises(UnknownRepo, match=r"pk13\.A is bound to the repo 'r13'"):
        find_models({"default"}, ["pk13"], known_repos=known)


def test_two_classes_for_one_table(top):
    """Two live classes for one table of a repo are an error that names both."""
    write(
        top,
        {
            "pk14/a.py": model("A", repo="r14", extra=', table="t"'),
            "pk14/b.py": model("B", repo="r14", extra=', table="t"'),
        },
    )
    with pytest.raises(DuplicateTable, match=r"pk14\.a\.A and pk14\.b\.B are both 't' of the repo 'r14'"):
        find_models({"r14"}, ["pk14"])


def test_view_named_like_a_table(top):
    """A view and a table with the same name are refused, since a node that accepts them does not start again."""
    view = """
    class V(MaterializedView, of=A, view="other"):
        id: Column[str] = partition_key()

    class Other(Model, repo="r15"):
        id: Column[str] = partition_key()
    """
    write(top, {"pk15.py": model("A", repo="r15") + textwrap.dedent(view)})
    with pytest.raises(DuplicateTable, match="are both 'other'"):
        find_models({"r15"}, ["pk15"])


def test_tables_of_different_repos_and_keyspaces(top):
    """A name that is used in two repos, or in two keyspaces, means two tables."""
    write(
        top,
        {
            "pk16/a.py": model("A", repo="r16", extra=', table="t"'),
            "pk16/b.py": model("B", repo="r16", extra=', table="t", keyspace="k"'),
            "pk16/c.py": model("C", repo="r17", extra=', table="t"'),
        },
    )

    assert ["pk16.a.A", "pk16.b.B", "pk16.c.C"] == names(find_models({"r16", "r17"}, ["pk16"]))


def test_file_under_two_names(top, monkeypatch):
    """A file that is imported under two names is an error that names it."""
    write(top, {"pk18/__init__.py": "", "pk18/a.py": model("A", repo="r18")})
    monkeypatch.syspath_prepend(str(top / "pk18"))
    with pytest.raises(DuplicateTable, match="imported under two names"):
        find_models({"r18"}, ["a", "pk18"])


def test_reloaded_module_replaces_its_classes(top):
    """After a reload only the new class is registered for its table, also if that has another name."""
    write(top, {"pk19.py": model("A", repo="r19")})
    (before,) = find_models({"r19"}, ["pk19"])
    write(top, {"pk19.py": model("A", repo="r19", extra=', table="changed_now"')})
    importlib.reload(sys.modules["pk19"])
    (after,) = find_models({"r19"}, ["pk19"])

    assert ("a", "changed_now") == (before.__facts__.name, after.__facts__.name)


def test_script_that_is_discovered_too(top):
    """A script that discovers its own module is not registered twice."""
    text = model("A", repo="r20") + textwrap.dedent("""
    if __name__ == "__main__":
        from scyllamodel.discovery import find_models
        print([cls.__module__ for cls in find_models({"r20"}, ["script20"])])
    """)
    write(top, {"script20.py": text})
    result = subprocess.run([sys.executable, "script20.py"], cwd=top, capture_output=True, text=True, check=False)

    assert ("['script20']\n", "") == (result.stdout, result.stderr)


def test_interrupt_is_no_failed_import(top):
    """Ctrl-C during imports is raised as KeyboardInterrupt, not as a failed import."""
    write(top, {"pk21.py": "raise KeyboardInterrupt"})
    with pytest.raises(KeyboardInterrupt):
        import_packages(["pk21"])


TYPES = """
from scyllamodel import Column, Model, UserType
from scyllamodel.model.fields import partition_key

class Held(UserType):
    x: int

class Inner(UserType):
    x: int

class Unused(UserType):
    inner: Inner

class Base(UserType):
    x: int

class Derived(Base):
    y: int

class Named(UserType, name="named"):
    x: int

class Heir(Named):
    y: int

class A(Model, repo="{repo}"):
    a: Column[int] = partition_key()
    b: Column[Held]
"""


def test_user_types_that_no_column_holds_belong_to_the_models_beside_them(top):
    """Unused user types belong to the models in their module; nested types belong to what contains them."""
    write(top, {"pk_types/a.py": TYPES.format(repo="r_types"), "pk_types/b.py": TYPES.format(repo="r_other")})
    find_models({"r_types"}, ["pk_types"])

    expected = [f"pk_types.a.{name}" for name in ("Derived", "Heir", "Named", "Unused")]
    assert expected == names(find_user_types({"r_types"}, ["pk_types"]))


def test_user_types_of_a_module_without_models_belong_to_the_packages(top):
    """Unused user types in a module without models belong to the packages that are searched."""
    alone = "from scyllamodel import UserType\nclass Alone(UserType):\n    x: int\n"
    write(top, {"pk_alone/a.py": model("A", repo="r_alone"), "pk_alone/types.py": alone, "pk_aloneness.py": alone})
    find_models({"r_alone"}, ["pk_alone", "pk_aloneness"])

    assert ["pk_alone.types.Alone"] == names(find_user_types({"r_alone"}, ["pk_alone"]))
    assert [] == names(find_user_types({"r_elsewhere"}, ["pk_alone.a"]))
