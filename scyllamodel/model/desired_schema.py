"""The schema that model classes declare, as facts by keyspace.

*In*: classes from `find_resources`, and the repo's settings. *Out*: one `SchemaFacts`. No I/O.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, Final

import attrs

from scyllamodel._identifiers import SYSTEM_KEYSPACES
from scyllamodel.errors import ConfigurationError, DuplicateTable
from scyllamodel.model.class_data import ClassData
from scyllamodel.model.single_table import root_of
from scyllamodel.schema.facts.index_names import with_distinct_index_names
from scyllamodel.schema.facts.objects import Keyspace, KeyspaceFacts, SchemaFacts, Table, UserType, View


def desired_facts(
    models: Iterable[type[Any]],
    keyspace: str,
    keyspace_template: Keyspace | None = None,
    types: Iterable[type[Any]] = (),
) -> SchemaFacts:
    """Return tables, views and user types that these classes need.

    Parameters:
        keyspace: of classes without one.
        types: user types that are declared without a column that uses them.
        keyspace_template: replication settings of all keyspaces; None leaves them open. Its name is ignored.

    Raises:
        DuplicateTable: two classes describe one table, view or type.
        ConfigurationError: a keyspace is a system keyspace, or a type is in another keyspace than a table that uses it.
    """
    parts: dict[str, list[Table | View | UserType]] = {}
    for model in models:
        fact = model.__facts__
        name = fact.keyspace or keyspace
        if name.lower() in SYSTEM_KEYSPACES:
            raise ConfigurationError(
                f"{_dotted_name(model)} cannot use {name}, which is a system keyspace. Choose another one.",
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


_located_facts: Final = ClassData[dict[str, "Table | View"]]("__located__", lambda _: {})
"""The facts of a class in the keyspace of its last use; those for each of many tenants would take memory."""


def _facts_in_keyspace(model: type[Any], keyspace: str) -> Table | View:
    """Return the facts of a class with their keyspace."""
    located_facts = _located_facts(model)
    located = located_facts.get(keyspace)
    if located is not None:
        return located
    facts: Table | View = attrs.evolve(model.__facts__, keyspace=keyspace)
    located_facts.clear()
    located_facts[keyspace] = facts
    return facts


def _user_type_in(keyspace: str, fact: UserType, model: type[Any]) -> UserType:
    if fact.keyspace not in {None, keyspace}:
        raise ConfigurationError(
            f"{_dotted_name(model)} is in the keyspace {keyspace} and uses the type {fact.keyspace}.{fact.name}, and "
            "CQL only knows types of the same keyspace. Remove keyspace= of the type: it is then created where it is "
            "used.",
            setting="keyspace",
        )
    return attrs.evolve(fact, keyspace=keyspace)


def _keyspace_facts(
    name: str, facts: Sequence[Table | View | UserType], keyspace_template: Keyspace | None
) -> KeyspaceFacts:
    types = list(dict.fromkeys(fact for fact in facts if isinstance(fact, UserType)))
    # Tables and views share one namespace; each class comes once, so a repeated name means two classes.
    others = [fact for fact in facts if not isinstance(fact, UserType)]
    for first_type, second_type in pairwise(sorted(types, key=_name)):
        if first_type.name == second_type.name:
            raise DuplicateTable(
                f"Two classes describe the user type {name}.{first_type.name}: one with the fields "
                f"{_fields(first_type)}, one with "
                f"{_fields(second_type)}. Use one class for both tables, or give one of them another name=.",
                type=f"{name}.{first_type.name}",
            )
    for first, second in pairwise(sorted(others, key=_name)):
        if first.name == second.name:
            raise DuplicateTable(
                f"Two classes describe {name}.{first.name}: keyspace={name!r}, which one of them sets, is also the "
                "keyspace of the repo. Choose another name with table=… or view=….",
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
    """Return the models selected by ``resources``, with their views and the tables of selected views; all for None.

    Parameters:
        resources: classes (an abstract one selects its subclasses), or names: of the class, with or without its
            module, or of its table or view. One alone needs no list.

    Raises:
        ConfigurationError: a name or class is not a model of this repo, or the selection is empty.
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
"""Number of models that an error lists."""


def _closest_models(resource: type[Any] | str, models: Sequence[type[Any]]) -> str:
    """Return the model names closest to an unknown one."""
    names = sorted({model.__name__ for model in models})
    typed_name = _dotted_name(resource).rpartition(".")[2]
    if len(names) <= _MAX_SUGGESTIONS:
        return f"Known models: {', '.join(names)}."
    closest_names = difflib.get_close_matches(typed_name, names, _MAX_SUGGESTIONS, 0.0)
    return f"It has {len(names)} models; the most similar names are: {', '.join(closest_names)}."


def check_bound(resources: Iterable[type[Any] | str] | type[Any] | str | None, repo: str) -> None:
    """Refuse classes that are bound to another repo, before any package is imported.

    Raises:
        ConfigurationError: one of the classes is bound to another repo.
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
    """Return the selection as a list; a single class or name is accepted, an empty selection is an error."""
    items: list[Any] = [resources] if isinstance(resources, (type, str)) else list(resources)
    if not items:
        raise ConfigurationError("resources= is empty. Remove it to select all models of the repo.", resource="")
    for resource in items:
        if not isinstance(resource, (type, str)):
            raise ConfigurationError(
                f"resources= contains {resource!r}, which is neither a model nor a name.", resource=repr(resource)
            )
    return items


def _base_model(model: type[Any]) -> type[Any] | None:
    """Return the base model of a view; None for tables."""
    base: type[Any] | None = getattr(model, "__of__", None)
    return base


def _name_matcher(name: str) -> Callable[[type[Any]], bool]:
    def matches(model: type[Any]) -> bool:
        names = (model.__name__, model.__qualname__, f"{model.__module__}.{model.__qualname__}", model.__facts__.name)
        return name in names

    return matches


def _subclass_matcher(resource: type[Any]) -> Callable[[type[Any]], bool]:
    root = root_of(resource) or resource  # a class in a single-table hierarchy is found by its root
    return lambda model: issubclass(model, root)


def _dotted_name(resource: type[Any] | str) -> str:
    return resource if isinstance(resource, str) else f"{resource.__module__}.{resource.__qualname__}"
