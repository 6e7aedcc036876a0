"""A class body -> the columns, fields and settings it declares, before the class exists.

Comes in: the namespace that Python collected. Goes out: its columns, and the namespace without them. Every class made
by our metaclasses keeps a `ClassBody` of its own, so that a concrete class can put together what all its bases say, in
the order in which Python resolves them.
"""

from __future__ import annotations

import typing
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

import attrs

from scyllamodel.model.annotations import annotation_scope, defining_frame, evaluate, is_class_var, raw_annotations
from scyllamodel.model.assignment import is_slot
from scyllamodel.model.column import Column, ColumnSpec
from scyllamodel.model.declare import SPEC_KEY, FieldPlaceholder
from scyllamodel.model.defaults import check_default, check_default_value
from scyllamodel.model.nulls import with_default_for_null
from scyllamodel.model.problems import Problems
from scyllamodel.model.static_defaults import RECORDED_DEFAULTS
from scyllamodel.types.display import Show, display_for
from scyllamodel.types.hints import AnnotationError, TypeMapping, map_annotation
from scyllamodel.types.identity import equality_key
from scyllamodel.types.peel import type_variables

BODY_ATTRIBUTE: Final = "__declared__"
"""The attribute under which a class keeps its own `ClassBody`."""

ATTRS_METHODS: Final = frozenset({"__init__", "__repr__", "__eq__", "__hash__"})
"""What attrs writes, unless somebody else did."""

_DEFAULT_SPEC: Final = ColumnSpec()
_BOOLEAN_PARAMETERS: Final = ("descending", "index", "redact", "null_as_default", "row_ttl")
_TEXT_PARAMETERS: Final = {
    "db_name": "Write a name, as text.",
    "renamed_from": "Write a name, as text.",
    "masked_with": 'Write it as in CQL, such as "DEFAULT" or "mask_inner(1, null)".',
}
_FOREIGN_DECORATORS: Final = {"__attrs_attrs__": "an attrs class", "__dataclass_fields__": "a dataclass"}


@attrs.frozen(eq=False)
class FieldDeclaration:
    """One column or field as a class body declares it.

    Attributes:
        name: of the attribute.
        field: the ``attrs.field`` that stands for it.
        annotation: evaluated, with ``Column[…]`` taken off; NOTHING when it could not be, which has been reported.
        spec: the parameters of `column`, or their defaults.
        type_mapping: what the annotation means; None when it means nothing, which has been reported.
    """

    name: str
    field: Any = attrs.field(repr=False)  # with its default, which may be a secret
    annotation: Any
    spec: ColumnSpec = _DEFAULT_SPEC
    type_mapping: TypeMapping | None = None

    @property
    def db_name(self) -> str:
        """The raw name in CQL."""
        return self.name if self.spec.db_name is None else self.spec.db_name

    @property
    def show(self) -> Show:
        """How its values appear in reprs and errors."""
        return display_for(redact=self.spec.redact, secret=self.type_mapping is not None and self.type_mapping.secret)

    @property
    def in_key(self) -> bool:
        """Whether it is part of the primary key."""
        return self.spec.kind in {"partition_key", "clustering"}


FieldDeclarations = dict[str, FieldDeclaration]


@attrs.frozen(eq=False)
class ClassBody:
    """What one class body says itself, nothing inherited.

    Attributes:
        columns: by the name of the attribute, in order of declaration.
        settings: the class keywords it was given, by name.
        methods: which of `ATTRS_METHODS` it defines.
        concrete: whether the class is a table, view or type.
    """

    columns: FieldDeclarations = attrs.field(factory=FieldDeclarations)
    settings: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    methods: frozenset[str] = frozenset()
    concrete: bool = False


def class_body_of(cls: type) -> ClassBody | None:
    """What this very class declares; None for a class that is not ours."""
    return cast("ClassBody | None", vars(cls).get(BODY_ATTRIBUTE))


def read_columns(namespace: dict[str, Any], problems: Problems, *, types: bool = True) -> FieldDeclarations:
    """Take the columns out of the namespace of a class body, and put evaluated annotations in.

    Parameters:
        namespace: of the body; it loses the columns.
        problems: gains what is wrong with single columns.
        types: whether to find out at once what the annotations mean; views wait for their tables.
    """
    names = [name for name, annotation in raw_annotations(namespace).items() if not is_class_var(annotation)]
    fields = _pop_fields(namespace, names, problems)
    # Read once more: on Python 3.14 they are evaluated now, and must not see the columns that have just gone.
    namespace_annotations = raw_annotations(namespace)
    column_annotations = {name: namespace_annotations[name] for name in names}
    module = namespace["__module__"]
    annotations = _evaluated(
        column_annotations,
        annotation_scope(module, defining_frame(module, namespace.get("__qualname__", "")), namespace),
        problems,
    )
    # So get_type_hints() works for classes inside functions, and for columns called like their types.
    namespace["__annotations__"] = namespace_annotations | annotations
    columns = {
        name: _declaration(name, fields[name], annotations.get(name, attrs.NOTHING), problems)
        for name in column_annotations
        if not is_class_var(annotations.get(name))  # a ClassVar under another name
    }
    return with_mappings(columns, problems) if types else columns


def read_mixin(mixin: type, problems: Problems) -> FieldDeclarations:
    """The columns of a class that is not ours: whatever is annotated as ``Column[…]`` or given as ``column()``."""
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
    """The columns, each with what its annotation means."""
    mapped = {name: attrs.evolve(column, type_mapping=mapping_of(column, problems)) for name, column in columns.items()}
    for column in mapped.values():
        check_default_value(column, problems)
    return mapped


def mapping_of(column: FieldDeclaration, problems: Problems) -> TypeMapping | None:
    """What the annotation of a column means; None, and a problem, when it means nothing.

    None without a problem is the hint of a type variable: `generic.check_bound` reports it where the class is a table.
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
    """The columns of all these classes; a later declaration takes the place of an earlier one, as in a dataclass.

    Parameters:
        mro: most derived first, as Python resolves attributes.
        columns_by_class: what each class declares itself.
    """
    columns: FieldDeclarations = {}
    for cls in reversed(list(mro)):
        columns.update(columns_by_class.get(cls, {}))
    return columns


def check_mixins(ancestors: Iterable[type], problems: Problems) -> None:
    """Refuse base classes whose fields another decorator has made: there is one constructor, and it would be theirs.

    Raises:
        ModelDefinitionError: there is such a base.
    """
    for cls in ancestors:
        kind = next((kind for mark, kind in _FOREIGN_DECORATORS.items() if mark in vars(cls)), None)
        if kind is not None and class_body_of(cls) is None:
            text = f"{cls.__qualname__} is {kind} of its own, so its fields cannot be mixed in"
            problems.add("MD115", text, "Take its decorator away; a plain class may hold columns and methods.")
            problems.raise_any()


def slot_names(namespace: Mapping[str, Any], columns: FieldDeclarations, ancestors: list[type]) -> tuple[str, ...]:
    """The slots of a class: its author's, and the columns that no base stores yet."""
    author_slots = namespace.get("__slots__", ())
    inherited = {name for cls in ancestors for name in columns if is_slot(vars(cls).get(name))}
    conflicting = {name for name in columns if name in namespace or name.startswith("__")}  # reported elsewhere
    new_slots = [name for name in columns if name not in inherited | conflicting]
    if static_columns_with_default(columns) and not any(RECORDED_DEFAULTS in vars(cls) for cls in ancestors):
        new_slots.append(RECORDED_DEFAULTS)
    return (*((author_slots,) if isinstance(author_slots, str) else author_slots), *new_slots)


def static_columns_with_default(columns: FieldDeclarations) -> list[str]:
    """The static columns that a constructor fills when they are not given."""
    defaults = {name: getattr(column.field, "_default", None) for name, column in columns.items()}
    return [
        name
        for name, default in defaults.items()
        if columns[name].spec.kind == "static" and default is not attrs.NOTHING and default is not None
    ]


def attrs_options_left(cls: type, *, init: bool) -> dict[str, bool]:
    """The parameters by which attrs leaves out what an author wrote, in this class, a base or a mixin."""
    author_defined: set[str] = set()
    for base in cls.__mro__[:-1]:
        body = class_body_of(base)
        defined = ATTRS_METHODS & vars(base).keys() if body is None else body.methods
        author_defined |= (
            defined - {"__init__"} if getattr(base, "_is_protocol", False) else defined
        )  # typing wrote that one
    attrs_names = {"__repr__": "repr", "__eq__": "eq", "__hash__": "unsafe_hash"}
    return {
        "init": init and "__init__" not in author_defined,
        **{attrs_name: False for method, attrs_name in attrs_names.items() if method in author_defined},
    }


def compare_as_stored(field: Any, type_mapping: TypeMapping | None) -> None:
    """Let attrs compare the values of a new field by what is stored, unless its author said how."""
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
        problems.add("MD112", "a column without an annotation has no type", advice, attribute=name)
    return fields


def _as_field(value: Any) -> Any:
    """What stands after ``=``: a field, or a plain default, or nothing."""
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
            "Import or define the name before the class, and not under `if TYPE_CHECKING:` alone; "
            "inside functions only the names of the function that holds the class are seen."
        )
    return text, "Write a type that exists when the class is made."


def _declaration(name: str, field: Any, annotation: Any, problems: Problems) -> FieldDeclaration:
    spec = _valid_parameters(name, field.metadata.get(SPEC_KEY, _DEFAULT_SPEC), problems)
    if annotation is Column:
        problems.add(
            "MD110",
            "Column does not say what it holds",
            f"Write  {name}: Column[str]  or another type.",
            attribute=name,
        )
        annotation = attrs.NOTHING
    elif typing.get_origin(annotation) is Column:
        (annotation,) = typing.get_args(annotation)
    if isinstance(annotation, FieldPlaceholder):
        text = f"inside the class body {name} is the column by now, so it cannot be its type"
        advice = "Write `from __future__ import annotations`, or name the type by its module: `import datetime as dt`."
        problems.add("MD111", text, advice, attribute=name)
        annotation = attrs.NOTHING
    declared = FieldDeclaration(name, field, annotation, spec)
    check_default(declared, problems)
    return declared


def _valid_parameters(name: str, spec: ColumnSpec, problems: Problems) -> ColumnSpec:
    """The parameters whose values mean something; the others are reported."""
    if spec is _DEFAULT_SPEC:
        return spec
    advice = {
        **{key: _TEXT_PARAMETERS[key] for key in _TEXT_PARAMETERS if not _is_text(getattr(spec, key))},
        **{key: "Write True or False." for key in _BOOLEAN_PARAMETERS if not isinstance(getattr(spec, key), bool)},
        **{key: "Write a function of one value." for key in ("load", "dump") if not _is_function(getattr(spec, key))},
    }
    for key, text in advice.items():
        problems.add("MD118", f"{key}={getattr(spec, key)!r} cannot be", text, attribute=name)
    return attrs.evolve(spec, **{key: getattr(_DEFAULT_SPEC, key) for key in advice}) if advice else spec


def _is_text(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_function(value: object) -> bool:
    return value is None or callable(value)
