"""Names of a definition: the ones that follow from the class, and what is wrong with those that were given.

Comes in: names as an author gave them, or none. Goes out: names for CQL, and problems for those that servers, Python or
another name of the class do not allow.
"""

from __future__ import annotations

import difflib
import hashlib
import keyword
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Final

from scyllamodel._identifiers import name_problem
from scyllamodel.model.assignment import is_slot
from scyllamodel.model.declare import FieldPlaceholder
from scyllamodel.model.definition import FieldDeclaration, FieldDeclarations
from scyllamodel.model.problems import Problems

_WORD_START: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake_case(name: str) -> str:
    """The name of a class as a table would be named.

    >>> snake_case("OrderLine"), snake_case("HTTPLog"), snake_case("OrderV2")
    ('order_line', 'http_log', 'order_v2')
    """
    return _WORD_START.sub("_", name).lower()


def truncate_name(name: str, limit: int, ending: str) -> str:
    """The name, or one that is short enough and the same in every run.

    >>> truncate_name("orders_status_idx", 42, "_idx")
    'orders_status_idx'
    >>> truncate_name("orders_" + "status" * 10 + "_idx", 42, "_idx")
    'orders_statusstatusstatusstat_31f46d34_idx'
    """
    if len(name) <= limit:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: limit - len(ending) - 9]}_{digest}{ending}"


def closest(name: str, known: Iterable[str]) -> str:
    """``; did you mean 'status'?`` when one of the known names is close, else nothing."""
    matches = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {matches[0]!r}?" if matches else ""


def check_object_name(name: str, what: str, problems: Problems) -> None:
    """Report a name that no server takes for a keyspace, table, view, index or type."""
    fault = name_problem(name, what)
    if fault:
        problems.add("MD108", fault, f"Name the {what} otherwise.")


def check_column_names(columns: FieldDeclarations, problems: Problems, *, constructor: bool = True) -> None:
    """Report names that cannot be columns or parameters, and two columns that share one.

    Parameters:
        constructor: whether there is one, with a parameter for each column.
    """
    for column in columns.values():
        _check_column_name(column, problems)
        if constructor and column.field.init and column.field.alias is None:
            _check_private(column.name, problems)
    _check_shared(columns, lambda column: column.db_name, "in CQL", "Give one of them another db_name.", problems)
    renamed_columns = {name: column for name, column in columns.items() if column.spec.renamed_from}
    _check_shared(
        renamed_columns, lambda c: c.spec.renamed_from or "", "before a rename", "One of them is new.", problems
    )
    constructor_columns = {name: column for name, column in columns.items() if column.field.init}
    _check_shared(
        constructor_columns, constructor_parameter, "in the constructor", "Give one of them another alias.", problems
    )


def constructor_parameter(column: FieldDeclaration) -> str:
    """The name of the constructor's parameter, by the rule of attrs."""
    return column.field.alias or column.name.lstrip("_")


def _check_private(name: str, problems: Problems) -> None:
    """Attrs takes the underscores off the name of the parameter, of which checkers know nothing."""
    public = name.lstrip("_")
    if public and public != name and not name.startswith("__"):
        text = f"the constructor takes {name} as {public!r} when it runs, and as {name!r} for type checkers"
        advice = f'Write  column(alias="{public}"), which both know, or name it {public}: column(db_name="{name}").'
        problems.add("MD108", text, advice, attribute=name)


def _check_column_name(column: FieldDeclaration, problems: Problems) -> None:
    name, alias = column.name, constructor_parameter(column)
    if name.startswith("__"):
        problems.add(
            "MD108", "names with two leading underscores are Python's own", "Use db_name= for it.", attribute=name
        )
    elif column.field.init and (not str(alias).isidentifier() or keyword.iskeyword(alias) or alias == "self"):
        problems.add(
            "MD108", f"{alias!r} cannot be a parameter of the constructor", "Give it an alias.", attribute=name
        )
    if not column.db_name or "\0" in column.db_name:
        problems.add("MD108", "a column needs a name in CQL", "Give it a db_name that is not empty.", attribute=name)


def _check_shared(
    columns: FieldDeclarations, key: Callable[[FieldDeclaration], str], context: str, advice: str, problems: Problems
) -> None:
    columns_by_name: dict[str, list[str]] = defaultdict(list)
    for column in columns.values():
        columns_by_name[key(column)].append(column.name)
    for shared, names in columns_by_name.items():
        for name in names[1:]:
            problems.add("MD107", f"{names[0]} and {name} are both {shared!r} {context}", advice, attribute=name)


def check_hidden_names(cls: type, columns: FieldDeclarations, problems: Problems) -> None:
    """Report columns that hide a method or other attribute of a base class, and attributes that hide a column."""
    for name in columns:
        for base in cls.__mro__:
            if name in vars(base) and not _is_column(base, name):
                _report_hidden(cls, base, name, problems)
                break


def _is_column(base: type, name: str) -> bool:
    """Whether what the class holds under this name is the slot of a column, or a column of a mixin."""
    return is_slot(vars(base)[name]) or isinstance(vars(base)[name], FieldPlaceholder)


def _report_hidden(cls: type, base: type, name: str, problems: Problems) -> None:
    if base is cls:
        text, advice = f"{name} hides an inherited column", f"Rename it, or annotate it: {name}: Column[…] = …"
    else:
        text = f"the column hides {base.__qualname__}.{name}"
        advice = (
            f'Name the attribute otherwise and keep the name in CQL: {name}_: Column[…] = column(db_name="{name}").'
        )
    problems.add("MD109", text, advice, attribute=name)
