"""Names in a model definition: derived names, and checks of given names.

In: names given by an author, or none. Out: CQL names, and problems for names that servers or Python do not allow, or
that conflict with another name of the class.
"""

from __future__ import annotations

import keyword
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from scyllamodel._identifiers import name_problem
from scyllamodel.model.checked_slots import is_slot
from scyllamodel.model.class_data import namespace_of
from scyllamodel.model.field_declaration import FieldDeclaration, FieldDeclarations
from scyllamodel.model.fields import FieldPlaceholder
from scyllamodel.model.validation.problems import Problems


def check_object_name(name: str, what: str, problems: Problems) -> None:
    """Report a name that servers do not allow for a keyspace, table, view, index or type."""
    fault = name_problem(name, what)
    if fault:
        problems.add("MD108", fault, f"Choose another name for the {what}.")


def check_column_names(columns: FieldDeclarations, problems: Problems, *, constructor: bool = True) -> None:
    """Report names that cannot be columns or parameters, and conflicts between columns.

    Parameters:
        constructor: whether the class has a constructor, with a parameter for each column.
    """
    for column in columns.values():
        _check_column_name(column, problems)
        if constructor and column.field.init and column.field.alias is None:
            _check_private(column.name, problems)
    _check_shared(columns, lambda column: column.db_name, "in CQL", "Choose another db_name for one of them.", problems)
    renamed_columns = {name: column for name, column in columns.items() if column.spec.renamed_from}
    _check_shared(
        renamed_columns,
        lambda c: c.spec.renamed_from or "",
        "before a rename",
        "Remove renamed_from from one of them.",
        problems,
    )
    constructor_columns = {name: column for name, column in columns.items() if column.field.init}
    _check_shared(
        constructor_columns,
        constructor_parameter,
        "in the constructor",
        "Choose another alias for one of them.",
        problems,
    )


def constructor_parameter(column: FieldDeclaration) -> str:
    """Return the name of the constructor parameter, by the rule of attrs."""
    return column.field.alias or column.name.lstrip("_")


def _check_private(name: str, problems: Problems) -> None:
    """Report a private name: attrs removes the underscores from the parameter, but type checkers do not."""
    public = name.lstrip("_")
    if public and public != name and not name.startswith("__"):
        text = f"the parameter for {name} is {public!r} at run time, and {name!r} for type checkers"
        advice = f'Write  column(alias="{public}"), or rename the attribute to {public}: column(db_name="{name}").'
        problems.add("MD108", text, advice, attribute=name)


def _check_column_name(column: FieldDeclaration, problems: Problems) -> None:
    name, alias = column.name, constructor_parameter(column)
    if name.startswith("__"):
        problems.add(
            "MD108",
            "names with two leading underscores are reserved for Python",
            "Use db_name= for it.",
            attribute=name,
        )
    elif column.field.init and (not str(alias).isidentifier() or keyword.iskeyword(alias) or alias == "self"):
        problems.add("MD108", f"{alias!r} cannot be a parameter of the constructor", "Add an alias.", attribute=name)
    if not column.db_name or "\0" in column.db_name:
        problems.add("MD108", "a column requires a name in CQL", "Choose a db_name that is not empty.", attribute=name)


def _check_shared(
    columns: FieldDeclarations, key: Callable[[FieldDeclaration], str], context: str, advice: str, problems: Problems
) -> None:
    if len(set(map(key, columns.values()))) == len(columns):  # nearly always
        return
    columns_by_name: dict[str, list[str]] = defaultdict(list)
    for column in columns.values():
        columns_by_name[key(column)].append(column.name)
    for shared, names in columns_by_name.items():
        for name in names[1:]:
            problems.add("MD107", f"{names[0]} and {name} are both {shared!r} {context}", advice, attribute=name)


def check_hidden_names(cls: type, columns: FieldDeclarations, problems: Problems) -> None:
    """Report columns that hide an attribute of a base class, and attributes that hide a column."""
    namespaces = [(base, namespace_of(base)) for base in cls.__mro__]
    for name in columns:
        for base, namespace in namespaces:
            if name in namespace and not _is_column(namespace[name]):
                _report_hidden(cls, base, name, problems)
                break


def _is_column(attribute: Any) -> bool:
    """Whether a class attribute is the slot of a column, or a column of a mixin."""
    return is_slot(attribute) or isinstance(attribute, FieldPlaceholder)


def _report_hidden(cls: type, base: type, name: str, problems: Problems) -> None:
    if base is cls:
        text, advice = f"{name} hides an inherited column", f"Rename it, or annotate it: {name}: Column[…] = …"
    else:
        text = f"the column hides {base.__qualname__}.{name}"
        advice = f'Rename the attribute and keep the name in CQL: {name}_: Column[…] = column(db_name="{name}").'
    problems.add("MD109", text, advice, attribute=name)
