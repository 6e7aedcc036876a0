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
from scyllamodel.model.family import root_of
from scyllamodel.schema.facts import Keyspace, KeyspaceFacts, SchemaFacts, Table, UserType, View
from scyllamodel.schema.index_names import with_distinct_index_names


def desired_facts(
    models: Iterable[type[Any]],
    keyspace: str,
    keyspace_template: Keyspace | None = None,
    types: Iterable[type[Any]] = (),
) -> SchemaFacts:
    """Everything these classes need to exist: their tables and views, and the user types.

    Parameters:
        keyspace: of all classes that name none.
        types: user types that are declared although no column holds them.
        keyspace_template: how keyspaces are to be replicated; None leaves that open. Its name does not matter.

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
                f"{_dotted_name(model)} cannot live in {name}, which is a keyspace of the server's own. Name another "
                "one.",
                setting="keyspace",
            )
        facts = parts.setdefault(name, [])
        facts.append(_facts_in_keyspace(model, name))
        facts.extend(_user_type_in(name, user_type.__facts__, model) for user_type in model.__user_types__)
    for declared in types:
        name = declared.__facts__.keyspace or keyspace
        for user_type in (*declared.__user_types__, declared):
            parts.setdefault(name, []).append(_user_type_in(name, user_type.__facts__, declared))
    return SchemaFacts(_keyspace_facts(name, facts, keyspace_template) for name, facts in parts.items())


def _facts_in_keyspace(model: type[Any], keyspace: str) -> Table | View:
    """The facts of a class in their keyspace, worked out once for as long as the class has them."""
    fact = model.__facts__
    cached = _facts_cache.get(model)
    if cached is None or cached[0] is not fact or cached[1] != keyspace:
        cached = _facts_cache[model] = (fact, keyspace, attrs.evolve(fact, keyspace=keyspace))
    located: Table | View = cached[2]
    return located


_facts_cache: Final[WeakKeyDictionary[type[Any], tuple[Any, str, Any]]] = WeakKeyDictionary()


def _user_type_in(keyspace: str, fact: UserType, model: type[Any]) -> UserType:
    if fact.keyspace not in {None, keyspace}:
        raise ConfigurationError(
            f"{_dotted_name(model)} is in the keyspace {keyspace} and uses the type {fact.keyspace}.{fact.name}, and "
            "CQL "
            "knows types of the same keyspace only. Leave keyspace= of the type out, and it is made where it is used.",
            setting="keyspace",
        )
    return attrs.evolve(fact, keyspace=keyspace)


def _keyspace_facts(
    name: str, facts: Sequence[Table | View | UserType], keyspace_template: Keyspace | None
) -> KeyspaceFacts:
    types = list(dict.fromkeys(fact for fact in facts if isinstance(fact, UserType)))
    # Tables and views share their names; a class stands here once, so one that comes again is another class.
    others = [fact for fact in facts if not isinstance(fact, UserType)]
    for first_type, second_type in pairwise(sorted(types, key=_name)):
        if first_type.name == second_type.name:
            raise DuplicateTable(
                f"Two classes describe the user type {name}.{first_type.name}: one with the fields "
                f"{_fields(first_type)}, one with "
                f"{_fields(second_type)}. Let both tables use one class, or give one of them another name=.",
                type=f"{name}.{first_type.name}",
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
        keyspace=None if keyspace_template is None else attrs.evolve(keyspace_template, name=name),
        types=types,
        tables=with_distinct_index_names((fact for fact in others if isinstance(fact, Table)), views),
        views=views,
    )


def _name(fact: Table | View | UserType) -> str:
    return fact.name


def _fields(user_type: UserType) -> str:
    return ", ".join(f"{name} {field_type.cql}" for name, field_type in user_type.fields)


def select_models(
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
    selected: set[type[Any]] = set()
    for resource in _as_list(resources):
        matches = _name_matcher(resource) if isinstance(resource, str) else _subclass_matcher(resource)
        matching = [model for model in models if matches(model)]
        if not matching:
            raise ConfigurationError(
                f"{_dotted_name(resource)} is not a model of this repo. {_closest_models(resource, models)}",
                resource=_dotted_name(resource),
            )
        selected.update(matching)
    bases = {_base_model(model) for model in selected}
    return [model for model in models if model in selected or model in bases or _base_model(model) in selected]


_MAX_SUGGESTIONS: Final = 10
"""How many models an error lists."""


def _closest_models(resource: type[Any] | str, models: Sequence[type[Any]]) -> str:
    """The names that are closest to one that was not found."""
    names = sorted({model.__name__ for model in models})
    typed_name = _dotted_name(resource).rpartition(".")[2]
    if len(names) <= _MAX_SUGGESTIONS:
        return f"Its models are: {', '.join(names)}."
    closest_names = difflib.get_close_matches(typed_name, names, _MAX_SUGGESTIONS, 0.0)
    return f"It has {len(names)} models; those with the nearest names are: {', '.join(closest_names)}."


def check_bound(resources: Iterable[type[Any] | str] | type[Any] | str | None, repo: str) -> None:
    """Refuse classes that are bound to another repo name, before any package is imported.

    Raises:
        ConfigurationError: one of the classes names another repo.
    """
    for resource in () if resources is None else _as_list(resources):
        bound = resource.__dict__.get("__repo__") if isinstance(resource, type) else None
        if bound is not None and bound != repo:
            name = _dotted_name(resource)
            raise ConfigurationError(
                f"{name} is bound to the repo {bound!r}, and this repo is {repo!r}. Use the repo of that name, or bind "
                f"the model to this one: class {name.rpartition('.')[2]}(Model, repo={repo!r}).",
                resource=name,
            )


def _as_list(resources: Iterable[type[Any] | str] | type[Any] | str) -> list[type[Any] | str]:
    """Classes and names, also where one was given without a list around it; none at all is surely not meant."""
    items: list[Any] = [resources] if isinstance(resources, (type, str)) else list(resources)
    if not items:
        raise ConfigurationError(
            "resources= is empty, so there is nothing to do. Leave it out for all models of the repo.", resource=""
        )
    for resource in items:
        if not isinstance(resource, (type, str)):
            raise ConfigurationError(
                f"resources= holds {resource!r}, which is neither a model nor a name.", resource=repr(resource)
            )
    return items


def _base_model(model: type[Any]) -> type[Any] | None:
    """The model under a view; None for tables."""
    base: type[Any] | None = getattr(model, "__of__", None)
    return base


def _name_matcher(name: str) -> Callable[[type[Any]], bool]:
    def matches(model: type[Any]) -> bool:
        names = (model.__name__, model.__qualname__, f"{model.__module__}.{model.__qualname__}", model.__facts__.name)
        return name in names

    return matches


def _subclass_matcher(resource: type[Any]) -> Callable[[type[Any]], bool]:
    root = root_of(resource) or resource  # a class that shares the table of another is found by that one
    return lambda model: issubclass(model, root)


def _dotted_name(resource: type[Any] | str) -> str:
    return resource if isinstance(resource, str) else f"{resource.__module__}.{resource.__qualname__}"
