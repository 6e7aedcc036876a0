"""A Python module whose models declare a keyspace.

*In*: the facts of a keyspace. *Out*: source text. Its models have no difference from the schema from which they were
generated; objects that no class can declare are comments. Equal facts give equal text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import attrs

from scyllamodel.schema.export.models.annotation_source import UserTypeClasses
from scyllamodel.schema.export.models.classes import table_class, user_type_class, view_class
from scyllamodel.schema.export.models.option_defaults import default_gc_mode, non_default_options
from scyllamodel.schema.export.models.python_names import class_names
from scyllamodel.schema.export.models.unsupported import (
    declarable_types,
    unsupported_by_models,
    unsupported_table,
    unsupported_view,
)
from scyllamodel.schema.facts.objects import KeyspaceFacts
from scyllamodel.schema.facts.type_order import dependency_order

if TYPE_CHECKING:
    from scyllamodel.schema.server.profile import ServerProfile

__all__ = ["NameMap", "module_source"]

_STANDARD_MODULES: Final = {
    "date": "datetime", "datetime": "datetime", "time": "datetime", "Decimal": "decimal", "Annotated": "typing",
    "Any": "typing", "UUID": "uuid",
}  # fmt: skip
_PACKAGE_NAMES: Final = (
    "Column", "Index", "MaterializedView", "Model", "TableOptions", "UserType", "clustering_key", "column",
    "partition_key",
)  # fmt: skip
_AS_IS_SOURCE: Final = '''

def as_is(value: Any) -> Any:
    """Return the driver's value, for types without a Python class."""
    return value
'''


@attrs.frozen
class NameMap:
    """Known names of classes and attributes; other names are derived from the raw names.

    Attributes:
        classes: class names, by kind (``table``, ``view``, ``type``) and raw name.
        attributes: attribute names, by the raw names of the table and of the column.
    """

    classes: Mapping[tuple[str, str], str] = attrs.field(factory=dict[tuple[str, str], str])
    attributes: Mapping[str, Mapping[str, str]] = attrs.field(factory=dict[str, Mapping[str, str]])


def module_source(
    facts: KeyspaceFacts,
    server: ServerProfile,
    *,
    repo: str = "default",
    names_given: NameMap | None = None,
    docstring: str = "Models of a live keyspace.",
) -> str:
    """The source of a module that declares this keyspace.

    Parameters:
        server: the server whose default options are left out.
        repo: the name of the repo to which the models are bound.
        names_given: names of classes and attributes, where they are known.
        docstring: the docstring of the module.
    """
    usable = declarable_types(facts)
    names_given = names_given or NameMap()
    names = {**_class_names(facts), **names_given.classes}
    classes = UserTypeClasses(usable, {name: names["type", name] for name in usable})
    tables = {table.name: table for table in facts.tables if unsupported_table(table, classes) is None}
    views = [view for view in facts.views if unsupported_view(view, frozenset(tables)) is None]
    blocks = [user_type_class(item, classes) for item in dependency_order(usable.values())]
    blocks += [
        table_class(
            table,
            names["table", table.name],
            classes,
            non_default_options(table.options, server, default_gc_mode(table, None, facts.keyspace, server)),
            (repo, names_given.attributes.get(table.name, {})),
        )
        for table in tables.values()
    ]
    for view in views:
        base_source = (tables[view.base], names["table", view.base], names_given.attributes.get(view.base, {}))
        mode = default_gc_mode(view, base_source[0], facts.keyspace, server)
        options = non_default_options(view.options, server, mode)
        blocks.append(view_class(view, names["view", view.name], base_source, classes, options))
    comments = [f"# {unsupported}" for unsupported in unsupported_by_models(facts)]
    return _format_module(facts.name, docstring, comments, ["\n".join(block) for block in blocks])


def _class_names(facts: KeyspaceFacts) -> dict[tuple[str, str], str]:
    """A class name for each type, table and view; in CQL a type and a table may have the same name."""
    keys = [
        (what, item.name)
        for what, items in (("table", facts.tables), ("view", facts.views), ("type", facts.types))
        for item in items
    ]
    return dict(zip(keys, class_names(name for _, name in keys), strict=True))


def _format_module(keyspace: str, docstring: str, comments: list[str], blocks: list[str]) -> str:
    body = "\n\n\n".join(blocks)
    identifiers = _identifiers(body)
    as_is = _AS_IS_SOURCE if "as_is" in identifiers else ""
    lines = [f'"""{docstring}"""', "", "from __future__ import annotations", ""]
    standard_imports = _imports(identifiers | ({"Any"} if as_is else set()))
    lines += [*standard_imports, *([""] if standard_imports else [])]
    package_names = [name for name in _PACKAGE_NAMES if name in identifiers]
    lines += [f"from scyllamodel import {', '.join(package_names)}"] if package_names else []
    lines += ["from scyllamodel import types as cql"] if "cql" in identifiers else []
    header = "\n".join(lines) + "\n"
    comment_lines = "".join(f"\n{comment}" for comment in [f"# Keyspace: {keyspace!a}", *comments]) + "\n"
    return f"{header}{comment_lines}{as_is}\n\n{body}\n" if blocks else f"{header}{comment_lines}"


def _identifiers(text: str) -> set[str]:
    """The identifiers in the source, including words inside texts, which may cause an unused import."""
    return set("".join(char if char.isalnum() or char == "_" else " " for char in text).split())


def _imports(identifiers: set[str]) -> list[str]:
    modules: dict[str, list[str]] = {}
    for name in sorted(identifiers & _STANDARD_MODULES.keys()):
        modules.setdefault(_STANDARD_MODULES[name], []).append(name)
    return [f"from {module} import {', '.join(names)}" for module, names in sorted(modules.items())]
