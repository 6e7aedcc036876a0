"""Evaluation of the annotations of a class body before the class exists.

In: the namespace of the body and the frame that runs it. Out: for each name the evaluated annotation, or the error.
Python versions store annotations differently: evaluated (up to 3.13), as text (``from __future__ import annotations``),
or behind a function (3.14).
"""

from __future__ import annotations

import inspect
import re
import sys
import typing
from collections.abc import Mapping
from functools import lru_cache
from types import CodeType, FrameType
from typing import Any, ClassVar, Final, ForwardRef

import attrs

_CLASS_VAR: Final = re.compile(r"(?:[\w.]+\.)?ClassVar\b")
_QUOTE: Final = re.compile("['\"]")
_EMPTY: Final[Mapping[str, Any]] = {}


@attrs.frozen
class AnnotationScope:
    """The namespaces for the names of an annotation: the module, then the locals of the class statement."""

    globals: dict[str, Any]
    locals: dict[str, Any]


def raw_annotations(namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Return the annotations of a namespace, evaluated or not, in the order of declaration."""
    if sys.version_info >= (3, 14):
        import annotationlib  # noqa: PLC0415 - new in Python 3.14

        annotate = annotationlib.get_annotate_from_class_namespace(namespace)
        if annotate is not None:
            return annotationlib.call_annotate_function(annotate, annotationlib.Format.FORWARDREF)
    return dict(namespace.get("__annotations__", _EMPTY))


def is_class_var(annotation: object) -> bool:
    """Whether the annotation, evaluated or not, is a ``ClassVar``."""
    if isinstance(annotation, ForwardRef):
        annotation = annotation.__forward_arg__
    if isinstance(annotation, str):
        return _CLASS_VAR.match(annotation) is not None
    return annotation is ClassVar or typing.get_origin(annotation) is ClassVar


def defining_frame(module: str | None, qualname: str) -> FrameType | None:
    """Return the frame of a class statement, else the nearest of its module, else the nearest of another package.

    There may be frames of ``__new__`` of derived metaclasses in between, possibly of the same module.
    """
    enclosing = [part for part in qualname.split(".")[:-1] if part != "<locals>"]
    enclosing_name = enclosing[-1] if enclosing else "<module>"
    nearest: FrameType | None = None
    nearest_in_module: FrameType | None = None
    frame = inspect.currentframe()
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name == module:
            if frame.f_code.co_name == enclosing_name:
                return frame
            nearest_in_module = nearest_in_module or frame
        elif not name.startswith("scyllamodel.model."):
            nearest = nearest or frame
        frame = frame.f_back
    return nearest_in_module or nearest


def annotation_scope(module: str, frame: FrameType | None, body: Mapping[str, Any]) -> AnnotationScope:
    """Return the names that the annotations of a class body can use.

    Parameters:
        module: the name of its module.
        frame: the frame that runs the class statement, if it is known.
        body: the names that the class body defines, without its columns: ``date: Column[date]`` refers to the type.
    """
    if frame is None:
        return AnnotationScope(vars(sys.modules[module]) if module in sys.modules else {}, dict(body))
    return AnnotationScope(frame.f_globals, {**_visible_locals(frame), **body})


def _visible_locals(frame: FrameType) -> dict[str, Any]:
    """Return the names of the function around a class statement, including those of the enclosing class bodies."""
    if frame.f_locals is frame.f_globals:
        return {}
    outer: dict[str, Any] = {}
    if not frame.f_code.co_flags & inspect.CO_OPTIMIZED and frame.f_back is not None:
        outer = _visible_locals(frame.f_back)
    return {**outer, **frame.f_locals}


def evaluate(raw: Mapping[str, Any], scope: AnnotationScope) -> tuple[dict[str, Any], dict[str, Exception]]:
    """Return the annotations that can be evaluated, and the errors of the others, both by name."""
    try:
        return _evaluate(raw, scope), {}
    except Exception:  # noqa: BLE001 - it is raised again below, for the name that causes it
        evaluated: dict[str, Any] = {}
        failed: dict[str, Exception] = {}
    for name, annotation in raw.items():
        try:
            evaluated |= _evaluate({name: annotation}, scope)
        except Exception as error:  # noqa: BLE001, PERF203 - an annotation may call anything
            failed[name] = error
    return evaluated, failed


def _evaluate(raw: Mapping[str, Any], scope: AnnotationScope) -> dict[str, Any]:
    """Evaluate annotations, including text inside other types."""
    plain = {name: text for name, text in raw.items() if isinstance(text, str) and not _QUOTE.search(text)}
    evaluated = {name: eval(_compiled_annotation(text), scope.globals, scope.locals) for name, text in plain.items()}  # noqa: S307
    if len(plain) < len(raw):
        others = {name: annotation for name, annotation in raw.items() if name not in plain}
        holder = type("holder", (), {"__annotations__": others})
        evaluated |= typing.get_type_hints(holder, scope.globals, scope.locals, include_extras=True)
    return evaluated


@lru_cache(maxsize=1000)
def _compiled_annotation(text: str) -> CodeType:
    """Return the code of an annotation; cached, since compiling dominates and few annotations differ."""
    return compile(text.strip(), "<annotation>", "eval")
