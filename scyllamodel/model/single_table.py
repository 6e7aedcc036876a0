"""Single-table inheritance: several classes share one table, and the value of one column determines the class of a row.

In: a class with ``discriminator=`` (the root), and subclasses with ``discriminator_value=``. Out: one table with the
columns of all classes, where each class reads the rows with its value. Only the root is in the registry, and its facts
grow with each subclass, so that the schema package sees one ordinary table.
"""

from __future__ import annotations

import copy
from enum import Enum
from typing import Any, Protocol, cast

import attrs

from scyllamodel.model.class_data import forget_class_data
from scyllamodel.model.class_keywords import own_keyword
from scyllamodel.model.field_declaration import FieldDeclarations
from scyllamodel.model.registry import registry
from scyllamodel.model.validation.problems import Problems
from scyllamodel.schema.facts.objects import Table
from scyllamodel.types.annotations import unwrapped_type


class Root(Protocol):
    """The attributes of a root class."""

    __facts__: Table
    __discriminator__: str
    __family__: dict[Any, type]
    __user_types__: tuple[type, ...]
    __qualname__: str


def facts_of(root: type) -> Table:
    """Return the facts of the shared table."""
    return cast("Root", root).__facts__


def root_of(cls: type) -> type | None:
    """Return the root class of the shared table; None for a class with its own table."""
    return next((base for base in cls.__mro__ if "__family__" in vars(base)), None)


def discriminated_classes(cls: type) -> tuple[str, dict[Any, type]] | None:
    """Return the attribute of the discriminator, and the classes by value; None for a class with its own table."""
    root = root_of(cls)
    return None if root is None else (cast("Root", root).__discriminator__, cast("Root", root).__family__)


def joined_root(cls: type, problems: Problems) -> type | None:
    """Return the root of a new class; None for a class with its own table."""
    root = root_of(cls)
    if own_keyword(cls, "discriminator_value") is None:
        if root is not None:
            _report_missing_value(cls, root, problems)
        return None
    if root is None:
        problems.add(
            "MD119",
            "discriminator_value= without a base that has discriminator=",
            'Write  class Pet(Model, discriminator="kind"), and derive from it.',
        )
    for name in ("table", "keyspace", "options", "renamed_from", "discriminator"):
        if own_keyword(cls, name) is not None:
            problems.add("MD119", f"{name}= is allowed only on the class with discriminator=", "Omit it.")
    return root


def _report_missing_value(cls: type, root: type, problems: Problems) -> None:
    """Report a missing value, without which the class would have its own table and load no rows of the shared one."""
    root_class = cast("Root", root)
    text = f"a subclass of {root_class.__qualname__} shares its table, and requires its own value of "
    text += f"{root_class.__discriminator__!r}"
    advice = (
        f"Write  class {cls.__name__}({root_class.__qualname__}, discriminator_value=…), or abstract=True for a base."
    )
    problems.add("MD119", text, advice)


def discriminator_value(columns: FieldDeclarations, root: type, value: Any, problems: Problems) -> Any:
    """Return the discriminator value of a class in the type of its column: an enum member for its plain value."""
    column = columns.get(cast("Root", root).__discriminator__)
    if column is None or column.type_mapping is None or column.spec.load is not None or column.spec.dump is not None:
        return value
    expected = unwrapped_type(column.type_mapping.python)
    if not isinstance(expected, type) or isinstance(value, expected):
        return value
    if issubclass(expected, Enum):
        try:
            return expected(value)
        except ValueError:
            values = ", ".join(repr(member.value) for member in expected)
            text = f"discriminator_value={value!r} is not a {expected.__qualname__}, which has {values}"
    else:
        text = f"discriminator_value={value!r} is not of type {expected.__qualname__}, the type of its column"
    problems.add("MD119", text, f"Use a value that the column {column.db_name!r} can store.")
    return value


def with_discriminator_value(
    columns: FieldDeclarations, root: type, value: Any, problems: Problems
) -> FieldDeclarations:
    """Return the columns of a class, with the discriminator restricted to its value."""
    name = cast("Root", root).__discriminator__
    column = columns.get(name)
    if column is None:
        return columns
    field = copy.copy(column.field)
    field._default = value  # noqa: SLF001 - attrs has no other way to change a declared field
    validator, is_own = field._validator, attrs.validators.in_([value])  # noqa: SLF001
    field._validator = is_own if validator is None else attrs.validators.and_(validator, is_own)  # noqa: SLF001
    if value in cast("Root", root).__family__:
        other_class = cast("Root", root).__family__[value].__qualname__
        problems.add(
            "MD119", f"discriminator_value={value!r} is also that of {other_class}", "Use a value for each class."
        )
    return {**columns, name: attrs.evolve(column, field=field)}


def create_family(cls: type, columns: FieldDeclarations, problems: Problems) -> None:
    """Make a class with ``discriminator=`` the root of a shared table, without subclasses yet."""
    name = own_keyword(cls, "discriminator")
    if name is None:
        return
    if name not in columns or columns[name].spec.kind == "static":
        problems.add("MD119", f"discriminator={name!r} is not a column, or is static", "Declare it with column().")
        return
    root = cast("Root", cls)
    root.__discriminator__, root.__family__ = name, {}


def join_family(cls: type, root: type, facts: Table, value: Any, problems: Problems) -> None:
    """Add a class to a shared table, with its new columns and indexes."""
    root_class = cast("Root", root)
    new_columns = [column for column in facts if column.name not in root_class.__facts__]
    for column in facts:
        shared = root_class.__facts__.get(column.name)
        if shared is not None and shared != column:
            problems.add(
                "MD119",
                f"{column.name!r} is {column.type.cql} here, and {shared.type.cql} elsewhere in the table",
                "Declare the same type in all classes of the table.",
                attribute=column.name,
            )
        elif shared is None and column.in_key:
            problems.add(
                "MD119",
                f"{column.name!r} is in the key of this class only",
                "Move it to the class with discriminator=.",
            )
    problems.raise_any()
    indexes = {index.name: index for index in (*root_class.__facts__.indexes, *facts.indexes)}
    root_class.__facts__ = attrs.evolve(
        root_class.__facts__, columns=(*root_class.__facts__.columns, *new_columns), indexes=tuple(indexes.values())
    )
    root_class.__user_types__ = tuple(dict.fromkeys((*root_class.__user_types__, *cast("Root", cls).__user_types__)))
    root_class.__family__[value] = cls
    forget_class_data(root)
    registry.touch()
