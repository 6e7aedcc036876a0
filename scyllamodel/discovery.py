"""Finds the models and views of repos by importing packages.

*In*: packages to import, and names of repos. *Out*: classes in a stable order, tables before views. A module that
cannot be imported, a package without models, and two classes for one table are errors, since each of them would
otherwise look like an empty schema.
"""

from __future__ import annotations

import importlib
import inspect
import os
import pkgutil
import sys
import traceback
import zipfile
import zipimport
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypeAlias, Union

from scyllamodel.errors import DiscoveryError, DuplicateTable, NoModelsFound, UnknownRepo
from scyllamodel.model.class_keywords import own_keyword
from scyllamodel.model.registry import declared_types, registry
from scyllamodel.schema.facts.objects import View

_MODEL: Final = str(Path(__file__).with_name("model"))
_Folder: TypeAlias = Union[Path, zipfile.Path]


def find_models(
    repos: Collection[str], packages: Iterable[str], *, known_repos: Collection[str] | None = None
) -> list[type[Any]]:
    """Import the packages and return the models and views bound to these repos.

    Parameters:
        repos: names of repos.
        packages: dotted names of packages or modules; each is imported with all its submodules.
        known_repos: the names of all configured repos, if all of them are selected: a model bound to another name is
            then an error.

    Returns:
        Classes by module, in order of definition; tables before views.

    Raises:
        DiscoveryError: a module cannot be imported; ``module`` names it.
        NoModelsFound: no model is bound to these repos.
        UnknownRepo: a model is bound to a repo outside of ``known_repos``.
        DuplicateTable: two classes describe one table or view of one repo.
    """
    packages = (packages,) if isinstance(packages, str) else tuple(packages)
    import_packages(packages)
    live = _without_twins(list(registry))
    if known_repos is not None:
        _check_repos(live, known_repos)
    resources = [cls for cls in live if cls.__repo__ in repos]
    _check_duplicates(resources)
    if not resources:
        raise _nothing(repos, packages, live)
    return sorted(resources, key=lambda cls: (isinstance(cls.__facts__, View), cls.__module__))


def find_user_types(repos: Collection[str], packages: Iterable[str]) -> list[type[Any]]:
    """Return the user types of these repos that no column uses, by module and name; the packages are imported already.

    A type that a column uses belongs to the model of the column. Another type belongs to the repos of the models in its
    module, and in a module without models to each repo whose packages include it. A class without ``name=`` that other
    classes inherit from, and that no column uses, is a base class and not a type of its own.

    Parameters:
        repos: names of repos.
        packages: dotted names of their packages or modules.
    """
    types = _without_twins(list(declared_types))
    if not types:
        return []
    models = _without_twins(list(registry))
    used = {user_type for cls in (*models, *types) for user_type in cls.__user_types__}
    bases = {base for cls in types for base in cls.__mro__[1:] if own_keyword(base, "name") is None}
    bound: dict[str, set[str]] = {}
    for cls in models:
        bound.setdefault(cls.__module__, set()).add(cls.__repo__)
    prefixes = tuple(f"{package}." for package in packages)
    owned = [cls for cls in types if _belongs(cls.__module__, bound, repos, prefixes)]
    return sorted((cls for cls in owned if cls not in used | bases), key=_name)


def _belongs(
    module: str, bound: Mapping[str, Collection[str]], repos: Collection[str], prefixes: tuple[str, ...]
) -> bool:
    if module in bound:
        return not set(bound[module]).isdisjoint(repos)
    return f"{module}.".startswith(prefixes)


def import_packages(packages: Iterable[str]) -> list[str]:
    """Import each package with all its subpackages and modules, except ``__main__``; return their names.

    Raises:
        DiscoveryError: one of them cannot be imported; ``__cause__`` is the reason.
    """
    return [name for package in packages for name in _import_tree(package)]


def _import_tree(name: str) -> Iterator[str]:
    module = _import(name)
    yield name
    for child in _children(module):
        yield from _import_tree(f"{name}.{child}")


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a module may even call sys.exit()
        raise _failure(name, error) from error


def _children(module: ModuleType) -> list[str]:
    """Return the modules and packages directly inside a package, folders without ``__init__`` included."""
    entries = list(getattr(module, "__path__", ()))
    names = {module_info.name for module_info in pkgutil.iter_modules(entries)}
    for entry in entries:
        names |= {folder.name for folder in _folders(entry) if _holds_modules(folder)}
    return sorted(names - {"__main__"})


def _folders(entry: str) -> list[_Folder]:
    """Return the folders inside an entry of a package's ``__path__``, on disk or in a zip file."""
    importer = pkgutil.get_importer(entry)
    root: _Folder = Path(entry)
    if isinstance(importer, zipimport.zipimporter):
        root = zipfile.Path(importer.archive, importer.prefix.replace(os.sep, "/"))
    if not root.is_dir():
        return []
    return [entry for entry in root.iterdir() if entry.is_dir() and entry.name.isidentifier()]


def _holds_modules(folder: _Folder) -> bool:
    """Whether a folder contains modules and so is a package: Python does not require an ``__init__``."""
    for entry in folder.iterdir():
        if entry.is_dir():
            if entry.name.isidentifier() and entry.name != "__pycache__" and _holds_modules(entry):
                return True
        elif inspect.getmodulename(entry.name) is not None and folder.name != "__pycache__":
            return True
    return False


def _failure(name: str, error: BaseException) -> DiscoveryError:
    if isinstance(error, ModuleNotFoundError) and error.name and f"{name}.".startswith(f"{error.name}."):
        return DiscoveryError(_not_found(name, error.name), module=name)
    return DiscoveryError(
        f"{name} cannot be imported: {type(error).__name__}: {error}{_place(error)}. Nothing was done, since its "
        "models would be missing. Fix the module, or select other packages.",
        module=name,
    )


def _not_found(name: str, missing: str) -> str:
    text = f"no package {name!r} can be found" + ("" if missing == name else f", since there is no {missing!r}")
    cwd = Path.cwd()
    top = cwd / name.partition(".")[0]
    searched = {Path(entry or ".").resolve() for entry in sys.path}
    if cwd.resolve() not in searched and (top.is_dir() or top.with_suffix(".py").is_file()):
        return f"{text}. It is in {cwd}, which Python does not search: set PYTHONPATH=. or install the package."
    among = "is" if cwd.resolve() in searched else "is not"
    return (
        f"{text}. Python searches {len(searched)} places, and the current folder, {cwd}, {among} one of them: "
        "install the package, set PYTHONPATH to the folder that contains it, or correct the name."
    )


def _place(error: BaseException) -> str:
    """Return the line of the modules that raised the error, outside of the code for imports and classes."""
    if isinstance(error, SyntaxError):
        return ""  # its text contains the line
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "importlib" not in f.filename]
    outside = [f for f in frames if f.filename != __file__ and not f.filename.startswith(_MODEL)]
    return f" ({outside[-1].filename}, line {outside[-1].lineno})" if outside else ""


def _without_twins(classes: list[type[Any]]) -> list[type[Any]]:
    """Leave out classes of a script that is also imported under its own name, since they exist twice."""
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    if script is None or all(cls.__module__ != "__main__" for cls in classes):
        return classes
    script_path = os.path.realpath(script)
    names = {cls.__module__ for cls in classes if cls.__module__ != "__main__"}
    aliases = {name for name in names if _file_of(name) == script_path}
    imported = {cls.__qualname__ for cls in classes if cls.__module__ in aliases}
    return [cls for cls in classes if cls.__module__ != "__main__" or cls.__qualname__ not in imported]


def _file(cls: type[Any]) -> str | None:
    return _file_of(cls.__module__)


def _file_of(module: str) -> str | None:
    file = getattr(sys.modules.get(module), "__file__", None)
    return None if file is None else os.path.realpath(file)


def _check_repos(classes: Iterable[type[Any]], known: Collection[str]) -> None:
    for cls in classes:
        if cls.__repo__ not in known:
            raise UnknownRepo(
                f"{_name(cls)} is bound to the repo {cls.__repo__!r}, which is not configured "
                f"(configured: {', '.join(sorted(known)) or 'none'}). Configure it, or bind the model with repo=….",
                repo=cls.__repo__,
                model=_name(cls),
            )


def _check_duplicates(classes: Iterable[type[Any]]) -> None:
    class_by_name: dict[tuple[Any, ...], type[Any]] = {}
    for cls in classes:
        facts = cls.__facts__
        first = class_by_name.setdefault((cls.__repo__, facts.keyspace, facts.name), cls)
        if first is not cls:
            raise DuplicateTable(_duplicate(first, cls), table=facts.name, models=[_name(first), _name(cls)])


def _duplicate(first: type[Any], second: type[Any]) -> str:
    text = f"{_name(first)} and {_name(second)} are both {second.__facts__.name!r} of the repo {second.__repo__!r}"
    if _file(first) is not None and _file(first) == _file(second) and first.__module__ != second.__module__:
        return f"{text}: one file is imported under two names. Import it under one of them everywhere."
    return f"{text}. Choose another name for one of them with table=… or view=…, or bind it to another repo."


def _nothing(repos: Collection[str], packages: Collection[str], live: Iterable[type[Any]]) -> NoModelsFound:
    where = f"no models in {', '.join(packages)}" if packages else "no models, and no packages selected"
    named = ", ".join(repr(name) for name in sorted(repos))
    return NoModelsFound(
        f"{where} for the repo {named}. {_advice(packages, live)}",
        packages=list(packages),
        repos=sorted(repos),
    )


def _advice(packages: Collection[str], live: Iterable[type[Any]]) -> str:
    """Return what to do if models are missing: they are bound to another repo, or were not imported."""
    loaded = list(live)
    members = [cls for cls in loaded if any(f"{cls.__module__}.".startswith(f"{name}.") for name in packages)]
    others = sorted({cls.__repo__ for cls in members or loaded})
    if not others:
        return "Select the packages with your models: models=[…] or --models."
    bound = f"The models that are loaded are bound to {', '.join(map(repr, others))}."
    first = others[0]
    return (
        f"{bound} Give the repo that name, Repo({first!r}, …) or &name={first} in a URL, or bind the models to this "
        "one with the class keyword repo=."
    )


def _name(cls: type[Any]) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
