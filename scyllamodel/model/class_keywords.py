"""Class keywords: their valid values, and inheritance.

In: the keywords of a class statement. Out: valid values, problems for the others, and the combined values of a class
and its bases.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Any, Final, cast

from scyllamodel._text import suggestion
from scyllamodel.model.class_body import class_body_of
from scyllamodel.model.index import Index
from scyllamodel.model.validation.problems import Problems
from scyllamodel.schema.facts.objects import FrozenMap
from scyllamodel.schema.options import TableOptions

_TEXT_KEYWORDS: Final = frozenset({"table", "view", "name", "keyspace", "repo", "renamed_from"})

_BOOLEAN_KEYWORDS: Final = frozenset({"abstract", "all_columns"})


_OTHER_LIBRARIES: Final[Mapping[str, str]] = {
    "__table_name__": 'table="{}"',
    "__tablename__": 'table="{}"',
    "__table__": 'table="{}"',
    "__keyspace__": 'keyspace="{}"',
    "__abstract__": "abstract={}",
    "__options__": "options=TableOptions(…)",
    "__table_args__": "indexes=[Index(…)], options=TableOptions(…)",
    "__default_ttl__": "options=TableOptions(default_time_to_live={})",
    "__connection__": 'repo="{}"',
    "__discriminator_value__": "discriminator_value={!r}",
    "__type_name__": 'name="{}"',
}
"""Settings that cqlengine and SQLAlchemy read from a class body, and the corresponding class keyword."""


def check_foreign_settings(bodies: Iterable[Mapping[str, Any]], problems: Problems) -> None:
    """Report settings of other libraries in a class body, which have no effect.

    Parameters:
        bodies: the namespace of the class, and those of its mixins.
    """
    for namespace in bodies:
        for name in _OTHER_LIBRARIES.keys() & namespace.keys():
            keyword = _OTHER_LIBRARIES[name].format(namespace[name])
            problems.add(
                "MD120", f"{name} has no effect", f"Write it as a class keyword:  class …({keyword}).", attribute=name
            )


def valid_keywords(settings: Mapping[str, Any], problems: Problems) -> dict[str, Any]:
    """Return the class keywords with valid values; the others are reported."""
    valid: dict[str, Any] = {}
    for name, value in settings.items():
        advice = _keyword_advice(name, value)
        if advice:
            problems.add("MD116", f"{name}={value!r} is not valid", advice)
        elif value is not None:
            valid[name] = value
    return valid


def _keyword_advice(name: str, value: Any) -> str:
    """Return what to write instead of an invalid value; empty for a valid one."""
    if value is None and name not in _BOOLEAN_KEYWORDS:
        return ""
    if name in _TEXT_KEYWORDS and not (isinstance(value, str) and value):
        return f'Write a name as a str, {name}="…", or omit it.'
    if name in _BOOLEAN_KEYWORDS and not isinstance(value, bool):
        return f"Write  {name}=True  or omit it."
    if name == "options" and not isinstance(value, TableOptions):
        return "Write  options=TableOptions(…)."
    if name == "indexes" and not _are_indexes(value):
        return 'Write a list of indexes:  indexes=[Index("column")].'
    return ""


def _are_indexes(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(
        isinstance(index, Index) for index in cast("Sequence[object]", value)
    )


def keyword_values(cls: type, name: str) -> list[Any]:
    """Return the values of a class keyword in the class and its bases, the class first."""
    bodies = (class_body_of(base) for base in cls.__mro__)
    return [body.settings[name] for body in bodies if body is not None and name in body.settings]


def own_keyword(cls: type, name: str) -> Any:
    """Return the value of a class keyword in the class itself, else None."""
    body = class_body_of(cls)
    return None if body is None else body.settings.get(name)


def inherited_keyword(cls: type, name: str, default: str | None) -> str | None:
    """Return the value of a class keyword in the class or the nearest base."""
    return next(iter(keyword_values(cls, name)), default)


def merged_options(cls: type, problems: Problems) -> FrozenMap:
    """Return the merged options of a class and its bases; empty, with problems, if servers do not support them."""
    declared_options = keyword_values(cls, "options")
    if not declared_options:
        return FrozenMap()
    options = reduce(TableOptions.merged, reversed(declared_options), TableOptions())
    problems_of_options = options.problems(problems.class_name)
    problems.extend(problems_of_options)
    return FrozenMap() if problems_of_options else options.declared(vars(cls).get("__doc__"))


def unknown_keyword(cls: type, name: str, known: Iterable[str]) -> TypeError:
    """Return the error for an unknown class keyword."""
    known_names = ", ".join(sorted(known))
    return TypeError(
        f"{cls.__qualname__}: unknown class keyword {name!r}{suggestion(name, known)} (known: {known_names})"
    )
