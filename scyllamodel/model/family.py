"""Several classes in one table, told apart by the value of one column.

Comes in: a class with ``discriminator=`` (the head) and subclasses of it with ``discriminator_value=``. Goes out: one
table that has the columns of all of them, and for each class the rows of its own value. The head alone stands in the
registry, and its facts grow with each subclass, so that the schema side sees one table and knows nothing of this.
"""

from __future__ import annotations

import copy
from enum import Enum
from typing import Any, Final, Protocol, cast

import attrs

from scyllamodel.model.definition import FieldDeclarations
from scyllamodel.model.problems import Problems
from scyllamodel.model.registry import registry
from scyllamodel.model.settings import own_keyword
from scyllamodel.schema.facts import Table
from scyllamodel.types.hints import unwrapped_type

CACHE_ATTRIBUTE: Final = "__query__"
"""Where others keep on a class what they worked out; it is dropped when the table of the class grows."""


class Root(Protocol):
    """What the head of a family has."""

    __facts__: Table
    __discriminator__: str
    __family__: dict[Any, type]
    __user_types__: tuple[type, ...]
    __qualname__: str


def facts_of(root: type) -> Table:
    """The facts of the table that a family shares."""
    return cast("Root", root).__facts__


def root_of(cls: type) -> type | None:
    """The class whose table it shares, or which shares its own; None for all other classes."""
    return next((base for base in cls.__mro__ if "__family__" in vars(base)), None)


def discriminated_classes(cls: type) -> tuple[str, dict[Any, type]] | None:
    """The attribute of the discriminator, and the classes by its values; None where no other class has the table."""
    root = root_of(cls)
    return None if root is None else (cast("Root", root).__discriminator__, cast("Root", root).__family__)


def joined_root(cls: type, problems: Problems) -> type | None:
    """The head of the family that a new class joins; None for a class that is of no family."""
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
            problems.add("MD119", f"{name}= is said by the head of the family alone", "Leave it out.")
    return root


def _report_missing_value(cls: type, root: type, problems: Problems) -> None:
    """Without a value the class would be a table of its own, and rows of the family would never be loaded as it."""
    root_class = cast("Root", root)
    text = f"a subclass of {root_class.__qualname__} shares its table, and needs a value of "
    text += f"{root_class.__discriminator__!r} of its own"
    advice = (
        f"Write  class {cls.__name__}({root_class.__qualname__}, discriminator_value=…), or abstract=True for a base."
    )
    problems.add("MD119", text, advice)


def discriminator_value(columns: FieldDeclarations, root: type, value: Any, problems: Problems) -> Any:
    """The discriminator of a class, as its column has it: a plain value of an enum becomes the member."""
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
        text = f"discriminator_value={value!r} is not of the type {expected.__qualname__}, as its column is"
    problems.add("MD119", text, f"Give a value that the column {column.db_name!r} can hold.")
    return value


def with_discriminator_value(
    columns: FieldDeclarations, root: type, value: Any, problems: Problems
) -> FieldDeclarations:
    """The columns of a class, that of the discriminator with its one value."""
    name = cast("Root", root).__discriminator__
    column = columns.get(name)
    if column is None:
        return columns
    field = copy.copy(column.field)
    field._default = value  # noqa: SLF001 - attrs has no other way to change a field that was declared
    validator, is_own = field._validator, attrs.validators.in_([value])  # noqa: SLF001
    field._validator = is_own if validator is None else attrs.validators.and_(validator, is_own)  # noqa: SLF001
    if value in cast("Root", root).__family__:
        other_class = cast("Root", root).__family__[value].__qualname__
        problems.add("MD119", f"discriminator_value={value!r} is that of {other_class} too", "Give each class its own.")
    return {**columns, name: attrs.evolve(column, field=field)}


def create_family(cls: type, columns: FieldDeclarations, problems: Problems) -> None:
    """Make a class with ``discriminator=`` the head of a family, which has no other member yet."""
    name = own_keyword(cls, "discriminator")
    if name is None:
        return
    if name not in columns or columns[name].spec.kind == "static":
        problems.add("MD119", f"discriminator={name!r} is no column of a row", "Declare it with column().")
        return
    root = cast("Root", cls)
    root.__discriminator__, root.__family__ = name, {}


def join_family(cls: type, root: type, facts: Table, value: Any, problems: Problems) -> None:
    """Take a class into the family: its new columns and indexes are those of the table, too."""
    root_class = cast("Root", root)
    new_columns = [column for column in facts if column.name not in root_class.__facts__]
    for column in facts:
        shared = root_class.__facts__.get(column.name)
        if shared is not None and shared != column:
            problems.add(
                "MD119",
                f"{column.name!r} is {column.type.cql} here, and {shared.type.cql} elsewhere in the table",
                "Classes of one table share their columns.",
                attribute=column.name,
            )
        elif shared is None and column.in_key:
            problems.add("MD119", f"{column.name!r} is in the key of this class alone", "Move it to the head.")
    problems.raise_any()
    indexes = {index.name: index for index in (*root_class.__facts__.indexes, *facts.indexes)}
    root_class.__facts__ = attrs.evolve(
        root_class.__facts__, columns=(*root_class.__facts__.columns, *new_columns), indexes=tuple(indexes.values())
    )
    root_class.__user_types__ = tuple(dict.fromkeys((*root_class.__user_types__, *cast("Root", cls).__user_types__)))
    root_class.__family__[value] = cls
    forget_statements(root)
    registry.touch()


def forget_statements(cls: type) -> None:
    """Drop what was worked out from the facts of a class, for it and all that inherit from it."""
    if CACHE_ATTRIBUTE in vars(cls):
        type.__delattr__(cls, CACHE_ATTRIBUTE)
    derived: type
    for derived in type.__subclasses__(cls):
        forget_statements(derived)
