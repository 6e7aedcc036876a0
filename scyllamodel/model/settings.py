"""Class keywords: which values they take, and what a class hands down of them.

Comes in: what stands after the bases of a class statement. Goes out: values that mean something, problems for the
others, and what a class and its bases say together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from typing import Any, Final, cast

from scyllamodel.model.definition import class_body_of
from scyllamodel.model.index import Index
from scyllamodel.model.names import closest
from scyllamodel.model.problems import Problems
from scyllamodel.schema.facts import FrozenMap
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
"""Settings that cqlengine and SQLAlchemy read from a class body, and the class keyword that says the same here."""


def check_foreign_settings(bodies: Iterable[Mapping[str, Any]], problems: Problems) -> None:
    """Report settings of other libraries in a class body, which would have no effect.

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
    """The class keywords whose values mean something; the others are reported."""
    valid: dict[str, Any] = {}
    for name, value in settings.items():
        advice = _keyword_advice(name, value)
        if advice:
            problems.add("MD116", f"{name}={value!r} cannot be", advice)
        elif value is not None:
            valid[name] = value
    return valid


def _keyword_advice(name: str, value: Any) -> str:
    """What to write instead of a value that does not fit; nothing when it does."""
    if value is None and name not in _BOOLEAN_KEYWORDS:
        return ""
    if name in _TEXT_KEYWORDS and not (isinstance(value, str) and value):
        return f'Write a name as text, {name}="…", or leave it out.'
    if name in _BOOLEAN_KEYWORDS and not isinstance(value, bool):
        return f"Write  {name}=True  or leave it out."
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
    """What the class and its bases say for a class keyword, the class itself first."""
    bodies = (class_body_of(base) for base in cls.__mro__)
    return [body.settings[name] for body in bodies if body is not None and name in body.settings]


def own_keyword(cls: type, name: str) -> Any:
    """What the class itself says for a class keyword, else None."""
    body = class_body_of(cls)
    return None if body is None else body.settings.get(name)


def inherited_keyword(cls: type, name: str, default: str | None) -> str | None:
    """What the class says for a class keyword, or else its nearest base."""
    return next(iter(keyword_values(cls, name)), default)


def merged_options(cls: type, problems: Problems) -> FrozenMap:
    """The canonical options of a class and its bases, merged; nothing, and problems, where no server takes them."""
    options = reduce(TableOptions.merged, reversed(keyword_values(cls, "options")), TableOptions())
    problems_of_options = options.problems(problems.class_name)
    problems.extend(problems_of_options)
    return FrozenMap() if problems_of_options else options.declared(vars(cls).get("__doc__"))


def unknown_keyword(cls: type, name: str, known: Iterable[str]) -> TypeError:
    """The error for a class keyword that nobody takes."""
    known_names = ", ".join(sorted(known))
    return TypeError(f"{cls.__qualname__}: unknown class keyword {name!r}{closest(name, known)} (known: {known_names})")
