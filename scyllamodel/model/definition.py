"""A class body -> the columns, fields and settings it declares, before the class exists.

Comes in: the namespace that Python collected. Goes out: its columns, and the namespace without them. Every class made
by our metaclasses keeps a `Body` of its own, so that a concrete class can put together what all its bases say, in the
order in which Python resolves them.
"""

from __future__ import annotations

import typing
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

import attrs

from scyllamodel.model.annotations import defining_frame, evaluate, is_class_var, raw_annotations, scope_of
from scyllamodel.model.assignment import is_slot
from scyllamodel.model.column import Column, ColumnSpec
from scyllamodel.model.declare import SPEC, CountingAttr
from scyllamodel.model.defaults import check_default, check_default_value
from scyllamodel.model.nulls import loads_default
from scyllamodel.model.problems import Problems
from scyllamodel.model.static_defaults import DEFAULTS
from scyllamodel.types.display import Show, display_for
from scyllamodel.types.hints import AnnotationError, TypeMapping, map_annotation
from scyllamodel.types.identity import equality_key
from scyllamodel.types.peel import type_variables

BODY: Final = "__declared__"
"""The attribute under which a class keeps its own `Body`."""

METHODS: Final = frozenset({"__init__", "__repr__", "__eq__", "__hash__"})
"""What attrs writes, unless somebody else did."""

_PLAIN: Final = ColumnSpec()
_FLAGS: Final = ("descending", "index", "redact", "null_as_default", "row_ttl")
_TEXTS: Final = {
    "db_name": "Write a name, as text.",
    "renamed_from": "Write a name, as text.",
    "masked_with": 'Write it as in CQL, such as "DEFAULT" or "mask_inner(1, null)".',
}
_MAKERS: Final = {"__attrs_attrs__": "an attrs class", "__dataclass_fields__": "a dataclass"}


@attrs.frozen(eq=False)
class Declared:
    """One column or field as a class body declares it.

    Attributes:
        name: of the attribute.
        field: the ``attrs.field`` that stands for it.
        annotation: evaluated, with ``Column[…]`` taken off; NOTHING when it could not be, which has been reported.
        spec: the parameters of `column`, or their defaults.
        hint: what the annotation means; None when it means nothing, which has been reported.
    """

    name: str
    field: Any = attrs.field(repr=False)  # with its default, which may be a secret
    annotation: Any
    spec: ColumnSpec = _PLAIN
    hint: TypeMapping | None = None

    @property
    def db_name(self) -> str:
        """The raw name in CQL."""
        return self.name if self.spec.db_name is None else self.spec.db_name

    @property
    def show(self) -> Show:
        """How its values appear in reprs and errors."""
        return display_for(redact=self.spec.redact, secret=self.hint is not None and self.hint.secret)

    @property
    def in_key(self) -> bool:
        """Whether it is part of the primary key."""
        return self.spec.kind in {"partition_key", "clustering"}


Columns = dict[str, Declared]


@attrs.frozen(eq=False)
class Body:
    """What one class body says itself, nothing inherited.

    Attributes:
        columns: by the name of the attribute, in order of declaration.
        settings: the class keywords it was given, by name.
        methods: which of `METHODS` it defines.
        concrete: whether the class is a table, view or type.
    """

    columns: Columns = attrs.field(factory=Columns)
    settings: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    methods: frozenset[str] = frozenset()
    concrete: bool = False


def body_of(cls: type) -> Body | None:
    """What this very class declares; None for a class that is not ours."""
    return cast("Body | None", vars(cls).get(BODY))


def read_columns(namespace: dict[str, Any], problems: Problems, *, types: bool = True) -> Columns:
    """Take the columns out of the namespace of a class body, and put evaluated annotations in.

    Parameters:
        namespace: of the body; it loses the columns.
        problems: gains what is wrong with single columns.
        types: whether to find out at once what the annotations mean; views wait for their tables.
    """
    names = [name for name, found in raw_annotations(namespace).items() if not is_class_var(found)]
    fields = _take_fields(namespace, names, problems)
    # Read once more: on Python 3.14 they are evaluated now, and must not see the columns that have just gone.
    every = raw_annotations(namespace)
    raw = {name: every[name] for name in names}
    module = namespace["__module__"]
    annotations = _evaluated(
        raw, scope_of(module, defining_frame(module, namespace.get("__qualname__", "")), namespace), problems
    )
    # So get_type_hints() works for classes inside functions, and for columns called like their types.
    namespace["__annotations__"] = every | annotations
    columns = {
        name: _declare(name, fields[name], annotations.get(name, attrs.NOTHING), problems)
        for name in raw
        if not is_class_var(annotations.get(name))  # a ClassVar under another name
    }
    return with_hints(columns, problems) if types else columns


def read_mixin(mixin: type, problems: Problems) -> Columns:
    """The columns of a class that is not ours: whatever is annotated as ``Column[…]`` or given as ``column()``."""
    body = vars(mixin)
    raw = {
        name: found
        for name, found in raw_annotations(body).items()
        if isinstance(body.get(name), CountingAttr) or "Column" in str(found)
    }
    if not raw:
        return {}
    found = _evaluated(raw, scope_of(mixin.__module__, None, body), problems)
    columns = {
        name: _declare(name, _as_field(body.get(name, attrs.NOTHING)), annotation, problems)
        for name, annotation in found.items()
        if isinstance(body.get(name), CountingAttr) or typing.get_origin(annotation) is Column
    }
    return with_hints(columns, problems)


def with_hints(columns: Columns, problems: Problems) -> Columns:
    """The columns, each with what its annotation means."""
    found = {name: attrs.evolve(column, hint=hint_of(column, problems)) for name, column in columns.items()}
    for column in found.values():
        check_default_value(column, problems)
    return found


def hint_of(column: Declared, problems: Problems) -> TypeMapping | None:
    """What the annotation of a column means; None, and a problem, when it means nothing.

    None without a problem is the hint of a type variable: `generic.check_bound` reports it where the class is a table.
    """
    spec = column.spec
    if column.annotation is attrs.NOTHING or type_variables(column.annotation):
        return None
    try:
        hint = map_annotation(column.annotation, type=spec.type, load=spec.load, dump=spec.dump)
    except AnnotationError as fault:
        problems.add("MD110", fault.text, fault.advice, at=column.name)
        return None
    return loads_default(column, hint, problems)


def merged(mro: Iterable[type], found: Mapping[type, Columns]) -> Columns:
    """The columns of all these classes; a later declaration takes the place of an earlier one, as in a dataclass.

    Parameters:
        mro: most derived first, as Python resolves attributes.
        found: what each class declares itself.
    """
    columns: Columns = {}
    for cls in reversed(list(mro)):
        columns.update(found.get(cls, {}))
    return columns


def check_mixins(ancestors: Iterable[type], problems: Problems) -> None:
    """Refuse base classes whose fields another decorator has made: there is one constructor, and it would be theirs.

    Raises:
        ModelDefinitionError: there is such a base.
    """
    for cls in ancestors:
        kind = next((kind for mark, kind in _MAKERS.items() if mark in vars(cls)), None)
        if kind is not None and body_of(cls) is None:
            text = f"{cls.__qualname__} is {kind} of its own, so its fields cannot be mixed in"
            problems.add("MD115", text, "Take its decorator away; a plain class may hold columns and methods.")
            problems.raise_any()


def slots(namespace: Mapping[str, Any], columns: Columns, ancestors: list[type]) -> tuple[str, ...]:
    """The slots of a class: its author's, and the columns that no base stores yet."""
    given = namespace.get("__slots__", ())
    stored = {name for cls in ancestors for name in columns if is_slot(vars(cls).get(name))}
    taken = {name for name in columns if name in namespace or name.startswith("__")}  # reported elsewhere
    new = [name for name in columns if name not in stored | taken]
    if static_defaults(columns) and not any(DEFAULTS in vars(cls) for cls in ancestors):
        new.append(DEFAULTS)
    return (*((given,) if isinstance(given, str) else given), *new)


def static_defaults(columns: Columns) -> list[str]:
    """The static columns that a constructor fills when they are not given."""
    found = {name: getattr(column.field, "_default", None) for name, column in columns.items()}
    return [
        name
        for name, default in found.items()
        if columns[name].spec.kind == "static" and default is not attrs.NOTHING and default is not None
    ]


def unwritten(cls: type, *, init: bool) -> dict[str, bool]:
    """The parameters by which attrs leaves out what an author wrote, in this class, a base or a mixin."""
    written: set[str] = set()
    for base in cls.__mro__[:-1]:
        body = body_of(base)
        found = METHODS & vars(base).keys() if body is None else body.methods
        written |= found - {"__init__"} if getattr(base, "_is_protocol", False) else found  # typing wrote that one
    attrs_names = {"__repr__": "repr", "__eq__": "eq", "__hash__": "unsafe_hash"}
    return {
        "init": init and "__init__" not in written,
        **{attrs_name: False for method, attrs_name in attrs_names.items() if method in written},
    }


def compare_as_stored(field: Any, hint: TypeMapping | None) -> None:
    """Let attrs compare the values of a new field by what is stored, unless its author said how."""
    if hint is not None and field.eq is True and field.eq_key is None and (key := equality_key(hint)) is not None:
        object.__setattr__(field, "eq_key", key)


def _take_fields(namespace: dict[str, Any], annotated: Iterable[str], problems: Problems) -> dict[str, Any]:
    fields = {name: _as_field(namespace.pop(name, attrs.NOTHING)) for name in annotated}
    for name in [name for name, value in namespace.items() if isinstance(value, CountingAttr)]:
        del namespace[name]
        advice = f"Write  {name}: Column[…] = …  with the type of its values."
        problems.add("MD112", "a column without an annotation has no type", advice, at=name)
    return fields


def _as_field(value: Any) -> Any:
    """What stands after ``=``: a field, or a plain default, or nothing."""
    return value if isinstance(value, CountingAttr) else attrs.field(default=value)


def _evaluated(raw: Mapping[str, Any], scope: Any, problems: Problems) -> dict[str, Any]:
    annotations, failed = evaluate(raw, scope)
    for name, error in failed.items():
        text, advice = _why_unresolved(raw[name], error)
        problems.add("MD111", text, advice, at=name)
    return annotations


def _why_unresolved(annotation: Any, error: Exception) -> tuple[str, str]:
    shown = getattr(annotation, "__forward_arg__", annotation)
    text = f"the annotation {shown!s} cannot be evaluated: {error}"
    if isinstance(error, NameError):
        return text, (
            "Import or define the name before the class, and not under `if TYPE_CHECKING:` alone; "
            "inside functions only the names of the function that holds the class are seen."
        )
    return text, "Write a type that exists when the class is made."


def _declare(name: str, field: Any, annotation: Any, problems: Problems) -> Declared:
    spec = _usable(name, field.metadata.get(SPEC, _PLAIN), problems)
    if annotation is Column:
        problems.add(
            "MD110", "Column does not say what it holds", f"Write  {name}: Column[str]  or another type.", at=name
        )
        annotation = attrs.NOTHING
    elif typing.get_origin(annotation) is Column:
        (annotation,) = typing.get_args(annotation)
    if isinstance(annotation, CountingAttr):
        text = f"inside the class body {name} is the column by now, so it cannot be its type"
        advice = "Write `from __future__ import annotations`, or name the type by its module: `import datetime as dt`."
        problems.add("MD111", text, advice, at=name)
        annotation = attrs.NOTHING
    declared = Declared(name, field, annotation, spec)
    check_default(declared, problems)
    return declared


def _usable(name: str, spec: ColumnSpec, problems: Problems) -> ColumnSpec:
    """The parameters whose values mean something; the others are reported."""
    if spec is _PLAIN:
        return spec
    advice = {
        **{key: _TEXTS[key] for key in _TEXTS if not _is_text(getattr(spec, key))},
        **{key: "Write True or False." for key in _FLAGS if not isinstance(getattr(spec, key), bool)},
        **{key: "Write a function of one value." for key in ("load", "dump") if not _is_function(getattr(spec, key))},
    }
    for key, text in advice.items():
        problems.add("MD118", f"{key}={getattr(spec, key)!r} cannot be", text, at=name)
    return attrs.evolve(spec, **{key: getattr(_PLAIN, key) for key in advice}) if advice else spec


def _is_text(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_function(value: object) -> bool:
    return value is None or callable(value)
