"""Facts -> a Python module whose models declare them, and nothing else.

*In*: what a keyspace holds. *Out*: source text. Imported and compared with the schema it was made from, it has no
difference; what no class can declare stands in it as a comment. The same facts give the same text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import attrs

from scyllamodel.schema.facts import KeyspaceFacts
from scyllamodel.schema.order import types_in_order
from scyllamodel.schema.source.classes import table_class, user_type_class, view_class
from scyllamodel.schema.source.defaults import chosen_options, default_gc_mode
from scyllamodel.schema.source.hints import Classes
from scyllamodel.schema.source.left_out import table_fault, undeclared, usable_types, view_fault
from scyllamodel.schema.source.names import class_names

if TYPE_CHECKING:
    from scyllamodel.schema.server import ServerProfile

__all__ = ["Called", "module_source"]

_STANDARD: Final = {
    "date": "datetime", "datetime": "datetime", "time": "datetime", "Decimal": "decimal", "Annotated": "typing",
    "Any": "typing", "UUID": "uuid",
}  # fmt: skip
_OURS: Final = (
    "Column", "Index", "MaterializedView", "Model", "TableOptions", "UserType", "clustering_key", "column",
    "partition_key",
)  # fmt: skip
_AS_IS: Final = '''

def as_is(value: Any) -> Any:
    """The value as the driver has it, for types that Python has no values for."""
    return value
'''


@attrs.frozen
class Called:
    """What things are called in Python, where that is known; what is not gets a name made of its raw one.

    Attributes:
        classes: by kind (``table``, ``view``, ``type``) and raw name.
        attributes: of each table by its raw name: by raw names of columns.
    """

    classes: Mapping[tuple[str, str], str] = attrs.field(factory=dict[tuple[str, str], str])
    attributes: Mapping[str, Mapping[str, str]] = attrs.field(factory=dict[str, Mapping[str, str]])


def module_source(
    facts: KeyspaceFacts,
    server: ServerProfile,
    *,
    repo: str = "default",
    called: Called | None = None,
    about: str = "Models of a live keyspace, as it was read.",
) -> str:
    """The module that declares this keyspace.

    Parameters:
        server: whose defaults are not repeated.
        repo: the name of the repo that the models are bound to.
        about: the docstring of the module.
    """
    usable = usable_types(facts)
    called = called or Called()
    names = {**_class_names(facts), **called.classes}
    classes = Classes(usable, {name: names["type", name] for name in usable})
    tables = {table.name: table for table in facts.tables if table_fault(table, classes) is None}
    views = [view for view in facts.views if view_fault(view, frozenset(tables)) is None]
    blocks = [user_type_class(item, classes) for item in types_in_order(usable.values())]
    blocks += [
        table_class(
            table,
            names["table", table.name],
            classes,
            chosen_options(table.options, server, default_gc_mode(table, None, facts.keyspace, server)),
            (repo, called.attributes.get(table.name, {})),
        )
        for table in tables.values()
    ]
    for view in views:
        base = (tables[view.base], names["table", view.base], called.attributes.get(view.base, {}))
        mode = default_gc_mode(view, base[0], facts.keyspace, server)
        options = chosen_options(view.options, server, mode)
        blocks.append(view_class(view, names["view", view.name], base, classes, options))
    comments = [f"# {found}" for found in undeclared(facts)]
    return _module(facts.name, about, comments, ["\n".join(block) for block in blocks])


def _class_names(facts: KeyspaceFacts) -> dict[tuple[str, str], str]:
    """A class for each type, table and view; a type and a table may share their name in CQL."""
    found = [
        (what, item.name)
        for what, items in (("table", facts.tables), ("view", facts.views), ("type", facts.types))
        for item in items
    ]
    return dict(zip(found, class_names(name for _, name in found), strict=True))


def _module(keyspace: str, about: str, comments: list[str], blocks: list[str]) -> str:
    body = "\n\n\n".join(blocks)
    words = _words(body)
    as_is = _AS_IS if "as_is" in words else ""
    lines = [f'"""{about}"""', "", "from __future__ import annotations", ""]
    standard = _imports(words | ({"Any"} if as_is else set()))
    lines += [*standard, *([""] if standard else [])]
    ours = [name for name in _OURS if name in words]
    lines += [f"from scyllamodel import {', '.join(ours)}"] if ours else []
    lines += ["from scyllamodel import types as cql"] if "cql" in words else []
    head = "\n".join(lines) + "\n"
    told = "".join(f"\n{comment}" for comment in [f"# Keyspace: {keyspace!a}", *comments]) + "\n"
    return f"{head}{told}{as_is}\n\n{body}\n" if blocks else f"{head}{told}"


def _words(text: str) -> set[str]:
    """The identifiers in the source; one within a text may be taken for one, and imports a name too many."""
    return set("".join(char if char.isalnum() or char == "_" else " " for char in text).split())


def _imports(words: set[str]) -> list[str]:
    modules: dict[str, list[str]] = {}
    for name in sorted(words & _STANDARD.keys()):
        modules.setdefault(_STANDARD[name], []).append(name)
    return [f"from {module} import {', '.join(names)}" for module, names in sorted(modules.items())]
