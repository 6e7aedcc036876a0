"""Model classes -> the facts they want, keyspace by keyspace.

*In*: classes as `find_resources` lists them, and the repo's settings. *Out*: one `SchemaFacts`. No I/O.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, Final
from weakref import WeakKeyDictionary

import attrs

from scyllamodel._identifiers import SYSTEM_KEYSPACES
from scyllamodel.errors import ConfigurationError, DuplicateTable
from scyllamodel.model.family import head_of
from scyllamodel.schema.facts import Keyspace, KeyspaceFacts, SchemaFacts, Table, UserType, View
from scyllamodel.schema.index_names import distinct_indexes


def wanted_facts(
    models: Iterable[type[Any]],
    keyspace: str,
    described: Keyspace | None = None,
    types: Iterable[type[Any]] = (),
) -> SchemaFacts:
    """Everything these classes need to exist: their tables and views, and the user types.

    Parameters:
        keyspace: of all classes that name none.
        types: user types that are declared although no column holds them.
        described: how keyspaces are to be replicated; None leaves that open. Its name does not matter.

    Raises:
        DuplicateTable: two classes describe one table, view or type, perhaps as one of them names the keyspace of all.
        ConfigurationError: a keyspace is the server's own, or a type is in another one than a table that uses it.
    """
    parts: dict[str, list[Table | View | UserType]] = {}
    for model in models:
        fact = model.__facts__
        name = fact.keyspace or keyspace
        if name.lower() in SYSTEM_KEYSPACES:
            raise ConfigurationError(
                f"{_text(model)} cannot live in {name}, which is a keyspace of the server's own. Name another one.",
                setting="keyspace",
            )
        found = parts.setdefault(name, [])
        found.append(_placed(model, name))
        found.extend(_user_type_in(name, user_type.__facts__, model) for user_type in model.__user_types__)
    for declared in types:
        name = declared.__facts__.keyspace or keyspace
        for user_type in (*declared.__user_types__, declared):
            parts.setdefault(name, []).append(_user_type_in(name, user_type.__facts__, declared))
    return SchemaFacts(_keyspace_facts(name, found, described) for name, found in parts.items())


def _placed(model: type[Any], keyspace: str) -> Table | View:
    """The facts of a class in their keyspace, worked out once for as long as the class has them."""
    fact = model.__facts__
    known = _places.get(model)
    if known is None or known[0] is not fact or known[1] != keyspace:
        known = _places[model] = (fact, keyspace, attrs.evolve(fact, keyspace=keyspace))
    placed: Table | View = known[2]
    return placed


_places: Final[WeakKeyDictionary[type[Any], tuple[Any, str, Any]]] = WeakKeyDictionary()


def _user_type_in(keyspace: str, fact: UserType, model: type[Any]) -> UserType:
    if fact.keyspace not in {None, keyspace}:
        raise ConfigurationError(
            f"{_text(model)} is in the keyspace {keyspace} and uses the type {fact.keyspace}.{fact.name}, and CQL "
            "knows types of the same keyspace only. Leave keyspace= of the type out, and it is made where it is used.",
            setting="keyspace",
        )
    return attrs.evolve(fact, keyspace=keyspace)


def _keyspace_facts(name: str, found: Sequence[Table | View | UserType], described: Keyspace | None) -> KeyspaceFacts:
    types = list(dict.fromkeys(fact for fact in found if isinstance(fact, UserType)))
    # Tables and views share their names; a class stands here once, so one that comes again is another class.
    others = [fact for fact in found if not isinstance(fact, UserType)]
    for one, two in pairwise(sorted(types, key=_name)):
        if one.name == two.name:
            raise DuplicateTable(
                f"Two classes describe the user type {name}.{one.name}: one with the fields {_fields(one)}, one with "
                f"{_fields(two)}. Let both tables use one class, or give one of them another name=.",
                type=f"{name}.{one.name}",
            )
    for first, second in pairwise(sorted(others, key=_name)):
        if first.name == second.name:
            raise DuplicateTable(
                f"Two classes describe {name}.{first.name}: keyspace={name!r}, as one of them says, is that of the "
                "repo too. Name one of them otherwise, with table=… or view=….",
                table=f"{name}.{first.name}",
            )
    views = [fact for fact in others if isinstance(fact, View)]
    return KeyspaceFacts(
        name,
        keyspace=None if described is None else attrs.evolve(described, name=name),
        types=types,
        tables=distinct_indexes((fact for fact in others if isinstance(fact, Table)), views),
        views=views,
    )


def _name(fact: Table | View | UserType) -> str:
    return fact.name


def _fields(user_type: UserType) -> str:
    return ", ".join(f"{name} {found.cql}" for name, found in user_type.fields)


def chosen(
    models: Sequence[type[Any]], resources: Iterable[type[Any] | str] | type[Any] | str | None
) -> list[type[Any]]:
    """The models that ``resources`` name, with the views on them and the tables under them; all without ``resources``.

    Parameters:
        resources: classes (an abstract one stands for its subclasses), or names: of the class, with or without its
            module, or of its table or view. One alone needs no list.

    Raises:
        ConfigurationError: a name or class that is none of the models, or nothing at all.
    """
    if resources is None:
        return list(models)
    wanted: set[type[Any]] = set()
    for resource in _listed(resources):
        fits = _named(resource) if isinstance(resource, str) else _subclass_of(resource)
        found = [model for model in models if fits(model)]
        if not found:
            raise ConfigurationError(
                f"{_text(resource)} is not a model of this repo. {_nearest(resource, models)}", resource=_text(resource)
            )
        wanted.update(found)
    bases = {_base(model) for model in wanted}
    return [model for model in models if model in wanted or model in bases or _base(model) in wanted]


_SHOWN: Final = 10
"""How many models an error lists."""


def _nearest(resource: type[Any] | str, models: Sequence[type[Any]]) -> str:
    """The names that are closest to one that was not found."""
    names = sorted({model.__name__ for model in models})
    wanted = _text(resource).rpartition(".")[2]
    if len(names) <= _SHOWN:
        return f"Its models are: {', '.join(names)}."
    near = difflib.get_close_matches(wanted, names, _SHOWN, 0.0)
    return f"It has {len(names)} models; those with the nearest names are: {', '.join(near)}."


def check_bound(resources: Iterable[type[Any] | str] | type[Any] | str | None, repo: str) -> None:
    """Refuse classes that are bound to another repo name, before any package is imported.

    Raises:
        ConfigurationError: one of the classes names another repo.
    """
    for resource in () if resources is None else _listed(resources):
        bound = resource.__dict__.get("__repo__") if isinstance(resource, type) else None
        if bound is not None and bound != repo:
            name = _text(resource)
            raise ConfigurationError(
                f"{name} is bound to the repo {bound!r}, and this repo is {repo!r}. Use the repo of that name, or bind "
                f"the model to this one: class {name.rpartition('.')[2]}(Model, repo={repo!r}).",
                resource=name,
            )


def _listed(resources: Iterable[type[Any] | str] | type[Any] | str) -> list[type[Any] | str]:
    """Classes and names, also where one was given without a list around it; none at all is surely not meant."""
    listed: list[Any] = [resources] if isinstance(resources, (type, str)) else list(resources)
    if not listed:
        raise ConfigurationError(
            "resources= is empty, so there is nothing to do. Leave it out for all models of the repo.", resource=""
        )
    for resource in listed:
        if not isinstance(resource, (type, str)):
            raise ConfigurationError(
                f"resources= holds {resource!r}, which is neither a model nor a name.", resource=repr(resource)
            )
    return listed


def _base(model: type[Any]) -> type[Any] | None:
    """The model under a view; None for tables."""
    base: type[Any] | None = getattr(model, "__of__", None)
    return base


def _named(name: str) -> Callable[[type[Any]], bool]:
    def fits(model: type[Any]) -> bool:
        names = (model.__name__, model.__qualname__, f"{model.__module__}.{model.__qualname__}", model.__facts__.name)
        return name in names

    return fits


def _subclass_of(resource: type[Any]) -> Callable[[type[Any]], bool]:
    of = head_of(resource) or resource  # a class that shares the table of another is found by that one
    return lambda model: issubclass(model, of)


def _text(resource: type[Any] | str) -> str:
    return resource if isinstance(resource, str) else f"{resource.__module__}.{resource.__qualname__}"
