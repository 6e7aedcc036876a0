"""Classes that declare given facts, so that a test can migrate any schema."""

from __future__ import annotations

import types
from typing import Annotated

from scyllamodel import (
    Column,
    Index,
    MaterializedView,
    Model,
    TableOptions,
    UserType,
    clustering_key,
    column,
    partition_key,
)
from scyllamodel import types as cql
from scyllamodel.schema.facts import objects
from scyllamodel.schema.options import OPTION_NAMES
from scyllamodel.types import cql_types as v
from scyllamodel.types.annotations import AnnotationError, map_annotation

_NATIVES = """
Ascii Text Blob Boolean TinyInt SmallInt Int BigInt VarInt Float Double Decimal UUID TimeUUID Timestamp Date Time Inet
Duration Counter
"""
NATIVES = {
    map_annotation(column_facts).type.name: column_facts
    for column_facts in (getattr(cql, name) for name in _NATIVES.split())
}
"""The annotation of each native type."""


PLACE = {"module": __name__}
"""The module of the classes that are made: each repo has its own, to which types that no column holds belong."""

CLASSES = {}
"""The types of each repo, which nothing else may hold."""


def declare(repo, *parts):
    """The classes of these tables and views, bound to the repo of this name; the caller keeps them alive.

    Parameters:
        parts: facts of tables, views and user types, or whole keyspaces of them.
    """
    PLACE["module"] = f"{__name__}.{repo}"
    parts = [element for part in parts for element in _inside(part)]
    user_types = {part.name: part for part in parts if isinstance(part, objects.UserType)}
    classes = {}
    for name in user_types:
        _declare_type(name, user_types, classes)
    CLASSES[repo] = classes
    tables = {part.name: declare_table(repo, part, classes) for part in parts if isinstance(part, objects.Table)}
    views = [declare_view(repo, part, tables[part.base]) for part in parts if isinstance(part, objects.View)]
    return [*tables.values(), *views]


def _inside(part):
    return (*part.types, *part.tables, *part.views) if isinstance(part, objects.KeyspaceFacts) else (part,)


def _declare_type(name, user_types, classes):
    """The class of a user type, after the classes of the types inside it."""
    if name not in classes:
        for inner in user_types[name].user_types:
            _declare_type(inner, user_types, classes)
        annotations, body = {}, {}
        for index, (field, cql_type) in enumerate(user_types[name].fields):
            annotations[f"f{index}"], settings = annotation(cql_type, classes)
            body[f"f{index}"] = column(db_name=field, **settings)
        classes[name] = _make(f"T_{name}", UserType, {"name": name}, annotations, body)
    return classes[name]


def declare_table(repo, table, user_types):
    """The class of a table; its columns are the attributes ``c0``, ``c1`` and so on."""
    annotations, body, attributes = {}, {}, {}
    for position, column_facts in enumerate(table.columns):
        type_annotation, settings = annotation(column_facts.type, user_types)
        annotations[f"c{position}"] = Column[type_annotation]
        body[f"c{position}"] = _column(column_facts, settings)
        attributes[column_facts.name] = f"c{position}"
    keywords = {
        "repo": repo,
        "table": table.name,
        "indexes": [_index(index, attributes[index.column]) for index in table.indexes],
        "options": _options(table.options),
    }
    return _make(f"{repo}_{table.name}", Model, keywords, annotations, body)


def declare_view(repo, view, base):
    """The class of a view of a model."""
    attributes = {column_facts.db_name: name for name, column_facts in base.__columns__.items()}
    annotations, body = {}, {}
    for item in view.columns:
        name = attributes[item.name]
        annotations[name] = base.__annotations__[name]
        body[name] = _column(item, {}, with_name=False)
    keywords = {"of": base, "view": view.name, "options": _options(view.options)}
    return _make(f"{repo}_{view.name}", MaterializedView, keywords, annotations, body)


def annotation(cql_type, user_types):
    """An annotation of this type, and further arguments for `column`.

    No Python value stands for a set of lists, so such columns keep what the driver makes of them; the classes of the
    user types inside are mentioned, as a model has to.
    """
    type_annotation = _hint(cql_type, user_types)
    try:
        map_annotation(type_annotation)
    except AnnotationError:
        mentioned = [user_types[name] for name in v.user_type_names(cql_type)]
        return Annotated[(object, "unhashable", *mentioned)], {"type": cql_type, "load": plain, "dump": _same}
    return type_annotation, {}


def _hint(cql_type, user_types):
    elements = [_hint(part, user_types) for part in v.element_types(cql_type)]
    if isinstance(cql_type, v.Native):
        return NATIVES[cql_type.name]
    if isinstance(cql_type, v.TupleType):
        return tuple[tuple(elements)]
    if isinstance(cql_type, v.VectorType):
        return Annotated[list[elements[0]], cql.vector(cql_type.dimension, of=elements[0])]
    containers = {v.ListType: list, v.SetType: set, v.MapType: dict}
    user_type = (
        user_types[cql_type.name]
        if isinstance(cql_type, v.UserTypeName)
        else containers[type(cql_type)][tuple(elements)]
    )
    return cql.Frozen[user_type] if cql_type.frozen else user_type


def plain(value):
    """A driver value as tuples without fields that are null, since an older value lacks the newer fields."""
    if hasattr(value, "items"):
        # The driver's own items() looks keys up by their bytes, and fails for keys whose type has gained a field.
        return tuple((plain(key), plain(item)) for key, item in getattr(value, "_items", None) or value.items())
    if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
        return value
    return tuple(plain(item) for item in value if item is not None)


def _same(value):
    return value


def _column(result, settings, *, with_name=True):
    settings = {**settings, "db_name": result.name} if with_name else settings
    if result.kind == "partition_key":
        return partition_key(**settings)
    if result.kind == "clustering":
        return clustering_key(descending=result.descending, **settings)
    return column(static=result.kind == "static", **settings)


def _index(index, attribute):
    name = index.name if index.named else None
    return Index(attribute, name=name, on=index.on, using=index.using, options=index.options, local=index.local)


def _options(options):
    extra = {name: value for name, value in options.items() if name not in OPTION_NAMES}
    return TableOptions(**{name: value for name, value in options.items() if name not in extra}, extra=extra)


def _make(name, base, keywords, annotations, body):
    """Create a class with a name of its own, since the registry replaces a class of an equal name."""
    place = {"__module__": PLACE["module"], "__qualname__": f"declare.<locals>.{name}", "__annotations__": annotations}
    return types.new_class(name, (base,), keywords, lambda namespace: namespace.update(place, **body))
