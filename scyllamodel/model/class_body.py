"""The columns, fields and keywords that a class body declares, read before the class exists.

In: the namespace of the class body. Out: its columns, and the namespace without them. Every class with one of our
metaclasses keeps a record of its own body, so that a concrete class can combine the declarations of all its bases in
method resolution order.
"""

from __future__ import annotations

import typing
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

import attrs

from scyllamodel.model.checked_slots import is_slot
from scyllamodel.model.class_annotations import (
    annotation_scope,
    defining_frame,
    evaluate,
    is_class_var,
    raw_annotations,
)
from scyllamodel.model.class_data import namespace_of
from scyllamodel.model.column import Column, ColumnSpec
from scyllamodel.model.field_declaration import DEFAULT_SPEC, FieldDeclaration, FieldDeclarations
from scyllamodel.model.fields import SPEC_KEY, FieldPlaceholder
from scyllamodel.model.nulls import with_default_for_null
from scyllamodel.model.static_defaults import RECORDED_DEFAULTS
from scyllamodel.model.validation.defaults import check_default, check_default_value
from scyllamodel.model.validation.problems import Problems
from scyllamodel.types.annotations import AnnotationError, TypeMapping, map_annotation
from scyllamodel.types.identity import equality_key
from scyllamodel.types.unwrap import type_variables

BODY_ATTRIBUTE: Final = "__declared__"
"""The attribute under which a class stores its own body."""

ATTRS_METHODS: Final = frozenset({"__init__", "__repr__", "__eq__", "__hash__"})
"""The methods that attrs generates, unless the author defines them."""

_BOOLEAN_PARAMETERS: Final = ("descending", "index", "redact", "null_as_default", "row_ttl")
_TEXT_PARAMETERS: Final = {
    "db_name": "Write a name, as a str.",
    "renamed_from": "Write a name, as a str.",
    "masked_with": 'Write it as in CQL, such as "DEFAULT" or "mask_inner(1, null)".',
}
_FOREIGN_DECORATORS: Final = {"__attrs_attrs__": "an attrs class", "__dataclass_fields__": "a dataclass"}


@attrs.frozen(eq=False)
class ClassBody:
    """The declarations of one class body, without inherited ones.

    Attributes:
        columns: the columns by attribute, in the order of declaration.
        settings: the class keywords, by name.
        methods: the methods of `ATTRS_METHODS` that it defines.
        concrete: whether the class is a table, view or type.
    """

    columns: FieldDeclarations = attrs.field(factory=FieldDeclarations)
    settings: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    methods: frozenset[str] = frozenset()
    concrete: bool = False


def class_body_of(cls: type) -> ClassBody | None:
    """Return the declarations of this class itself; None for other classes than models, views and user types."""
    return cast("ClassBody | None", namespace_of(cls).get(BODY_ATTRIBUTE))


def read_columns(namespace: dict[str, Any], problems: Problems, *, types: bool = True) -> FieldDeclarations:
    """Remove the columns from the namespace of a class body, and add the evaluated annotations.

    Parameters:
        namespace: the namespace of the body; columns are removed.
        problems: receives the problems of columns.
        types: whether to interpret the annotations now; for views this is done later, with their tables.
    """
    names = [name for name, annotation in raw_annotations(namespace).items() if not is_class_var(annotation)]
    fields = _pop_fields(namespace, names, problems)
    # Read again: on Python 3.14 annotations are evaluated now, and must not see the removed columns.
    namespace_annotations = raw_annotations(namespace)
    column_annotations = {name: namespace_annotations[name] for name in names}
    module = namespace["__module__"]
    annotations = _evaluated(
        column_annotations,
        annotation_scope(module, defining_frame(module, namespace.get("__qualname__", "")), namespace),
        problems,
    )
    # For get_type_hints() of classes inside functions, and of columns named like their types.
    namespace["__annotations__"] = namespace_annotations | annotations
    columns = {
        name: _declaration(name, fields[name], annotations.get(name, attrs.NOTHING), problems)
        for name in column_annotations
        if not is_class_var(annotations.get(name))  # a ClassVar under another name
    }
    return with_mappings(columns, problems) if types else columns


def read_mixin(mixin: type, problems: Problems) -> FieldDeclarations:
    """Return the columns of a plain class: names annotated as ``Column[…]`` or assigned with ``column()``."""
    body = vars(mixin)
    column_annotations = {
        name: evaluated
        for name, evaluated in raw_annotations(body).items()
        if isinstance(body.get(name), FieldPlaceholder) or "Column" in str(evaluated)
    }
    if not column_annotations:
        return {}
    annotation = _evaluated(column_annotations, annotation_scope(mixin.__module__, None, body), problems)
    columns = {
        name: _declaration(name, _as_field(body.get(name, attrs.NOTHING)), annotation, problems)
        for name, annotation in annotation.items()
        if isinstance(body.get(name), FieldPlaceholder) or typing.get_origin(annotation) is Column
    }
    return with_mappings(columns, problems)


def with_mappings(columns: FieldDeclarations, problems: Problems) -> FieldDeclarations:
    """Return the columns with the types of their annotations."""
    mapped = {
        name: FieldDeclaration(name, column.field, column.annotation, column.spec, mapping_of(column, problems))
        for name, column in columns.items()
    }
    for column in mapped.values():
        check_default_value(column, problems)
    return mapped


def mapping_of(column: FieldDeclaration, problems: Problems) -> TypeMapping | None:
    """Return the type of the annotation of a column; None, and a problem, if it has none.

    None without a problem is the result for a type variable, which is reported later if the class is a table.
    """
    spec = column.spec
    if column.annotation is attrs.NOTHING or type_variables(column.annotation):
        return None
    try:
        type_mapping = map_annotation(column.annotation, type=spec.type, load=spec.load, dump=spec.dump)
    except AnnotationError as error:
        problems.add("MD110", error.text, error.advice, attribute=column.name)
        return None
    return with_default_for_null(column, type_mapping, problems)


def merge_columns(mro: Iterable[type], columns_by_class: Mapping[type, FieldDeclarations]) -> FieldDeclarations:
    """Return the columns of all these classes; a later declaration replaces an earlier one, as in a dataclass.

    Parameters:
        mro: the classes in method resolution order.
        columns_by_class: the declarations of each class.
    """
    columns: FieldDeclarations = {}
    for cls in reversed(list(mro)):
        columns.update(columns_by_class.get(cls, {}))
    return columns


def check_mixins(ancestors: Iterable[type], problems: Problems) -> None:
    """Refuse base classes with fields of another decorator, whose constructor would replace the one of the model.

    Raises:
        ModelDefinitionError: there is such a base class.
    """
    for cls in ancestors:
        kind = next((kind for mark, kind in _FOREIGN_DECORATORS.items() if mark in vars(cls)), None)
        if kind is not None and class_body_of(cls) is None:
            text = f"{cls.__qualname__} is {kind} , and its fields cannot be mixed in"
            problems.add("MD115", text, "Remove its decorator; a plain class may define columns and methods.")
            problems.raise_any()


def slot_names(namespace: Mapping[str, Any], columns: FieldDeclarations, ancestors: list[type]) -> tuple[str, ...]:
    """Return the slots of a class: those of its author, and the columns without a slot in a base."""
    author_slots = namespace.get("__slots__", ())
    inherited = {name for cls in ancestors for name in columns if is_slot(namespace_of(cls).get(name))}
    conflicting = {name for name in columns if name in namespace or name.startswith("__")}  # reported elsewhere
    new_slots = [name for name in columns if name not in inherited | conflicting]
    if static_columns_with_default(columns) and not any(RECORDED_DEFAULTS in vars(cls) for cls in ancestors):
        new_slots.append(RECORDED_DEFAULTS)
    return (*((author_slots,) if isinstance(author_slots, str) else author_slots), *new_slots)


def static_columns_with_default(columns: FieldDeclarations) -> list[str]:
    """Return the static columns for which the constructor sets a default."""
    defaults = {name: getattr(column.field, "_default", None) for name, column in columns.items()}
    return [
        name
        for name, default in defaults.items()
        if columns[name].spec.kind == "static" and default is not attrs.NOTHING and default is not None
    ]


def attrs_options_left(cls: type, *, init: bool) -> dict[str, bool]:
    """Return the attrs parameters that keep methods written by an author, in this class, a base or a mixin."""
    author_defined: set[str] = set()
    for base in cls.__mro__[:-1]:
        body = class_body_of(base)
        defined = ATTRS_METHODS & vars(base).keys() if body is None else body.methods
        author_defined |= (
            defined - {"__init__"} if getattr(base, "_is_protocol", False) else defined
        )  # `typing` defines that one
    attrs_names = {"__repr__": "repr", "__eq__": "eq", "__hash__": "unsafe_hash"}
    return {
        "init": init and "__init__" not in author_defined,
        **{attrs_name: False for method, attrs_name in attrs_names.items() if method in author_defined},
    }


def compare_as_stored(field: Any, type_mapping: TypeMapping | None) -> None:
    """Let attrs compare the values of a new field by their stored form, unless the author set a comparison."""
    if (
        type_mapping is not None
        and field.eq is True
        and field.eq_key is None
        and (key := equality_key(type_mapping)) is not None
    ):
        object.__setattr__(field, "eq_key", key)


def _pop_fields(namespace: dict[str, Any], annotated: Iterable[str], problems: Problems) -> dict[str, Any]:
    fields = {name: _as_field(namespace.pop(name, attrs.NOTHING)) for name in annotated}
    for name in [name for name, value in namespace.items() if isinstance(value, FieldPlaceholder)]:
        del namespace[name]
        advice = f"Write  {name}: Column[…] = …  with the type of its values."
        problems.add("MD112", "a column requires an annotation", advice, attribute=name)
    return fields


def _as_field(value: Any) -> Any:
    """Return the declaration of a field, for a field, a plain default, or no value."""
    return value if isinstance(value, FieldPlaceholder) else attrs.field(default=value)


def _evaluated(raw: Mapping[str, Any], scope: Any, problems: Problems) -> dict[str, Any]:
    annotations, failed = evaluate(raw, scope)
    for name, error in failed.items():
        text, advice = _evaluation_error(raw[name], error)
        problems.add("MD111", text, advice, attribute=name)
    return annotations


def _evaluation_error(annotation: Any, error: Exception) -> tuple[str, str]:
    annotation_text = getattr(annotation, "__forward_arg__", annotation)
    text = f"the annotation {annotation_text!s} cannot be evaluated: {error}"
    if isinstance(error, NameError):
        return text, (
            "Import or define the name before the class, and not only under `if TYPE_CHECKING:`; "
            "inside functions, only names of the function that contains the class are visible."
        )
    return text, "Write a type that exists when the class is created."


def _declaration(name: str, field: Any, annotation: Any, problems: Problems) -> FieldDeclaration:
    spec = _valid_parameters(name, field.metadata.get(SPEC_KEY, DEFAULT_SPEC), problems)
    if annotation is Column:
        problems.add(
            "MD110",
            "Column requires a type",
            f"Write  {name}: Column[str]  or another type.",
            attribute=name,
        )
        annotation = attrs.NOTHING
    elif typing.get_origin(annotation) is Column:
        (annotation,) = typing.get_args(annotation)
    if isinstance(annotation, FieldPlaceholder):
        text = f"inside the class body {name} is the column itself, so it cannot be its type"
        advice = (
            "Write `from __future__ import annotations`, or qualify the type with its module: `import datetime as dt`."
        )
        problems.add("MD111", text, advice, attribute=name)
        annotation = attrs.NOTHING
    declared = FieldDeclaration(name, field, annotation, spec)
    check_default(declared, problems)
    return declared


def _valid_parameters(name: str, spec: ColumnSpec, problems: Problems) -> ColumnSpec:
    """Return the valid parameters; the others are reported."""
    if spec is DEFAULT_SPEC:
        return spec
    advice = {
        **{key: _TEXT_PARAMETERS[key] for key in _TEXT_PARAMETERS if not _is_text(getattr(spec, key))},
        **{key: "Write True or False." for key in _BOOLEAN_PARAMETERS if not isinstance(getattr(spec, key), bool)},
        **{key: "Write a function of one value." for key in ("load", "dump") if not _is_function(getattr(spec, key))},
    }
    for key, text in advice.items():
        problems.add("MD118", f"{key}={getattr(spec, key)!r} is not valid", text, attribute=name)
    return attrs.evolve(spec, **{key: getattr(DEFAULT_SPEC, key) for key in advice}) if advice else spec


def _is_text(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_function(value: object) -> bool:
    return value is None or callable(value)
