"""Redaction: how a value may appear in reprs, messages, error attributes and logs.

All code that formats a value of a column calls the column's `Show` function: `repr`, one that hides everything for
``redact=True``, or one that hides all but user types where a user type in the column has a redacted field. Messages of
converters and of the driver are dropped for values that are not shown with `repr`, since they may quote the value.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Final, TypeAlias, TypeVar, cast

from scyllamodel.errors import TypeMismatch
from scyllamodel.types.unwrap import unwrap
from scyllamodel.types.user_types import is_user_type

Show: TypeAlias = Callable[[Any], str]

HIDDEN: Final = "***"
"""The text that replaces a hidden value."""

MAX_SHOWN_LENGTH: Final = 200
"""The maximum number of characters of a wrong value in an error message."""

_E = TypeVar("_E", bound=Exception)

_SEQUENCES: Final[Mapping[Any, str]] = {list: "[{}]", tuple: "({})", set: "{{{}}}", frozenset: "frozenset({{{}}})"}
_OWN_PACKAGES: Final = ("scyllamodel.", "cassandra.")


def show_nothing(_: object) -> str:
    """Show nothing of a value."""
    return HIDDEN


def show_user_types_only(value: Any) -> str:
    """Show only the instances of user types in a value, which hide their own redacted fields.

    A value of the wrong class, such as the tuple that the driver accepts for a user type, has no named fields, and is
    hidden.
    """
    if value is None or is_user_type(value.__class__):
        return repr(value)
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
        return f"{{{', '.join(f'{show_user_types_only(key)}: {show_user_types_only(item)}' for key, item in items)}}}"
    template = _SEQUENCES.get(type(value))
    return HIDDEN if template is None else template.format(", ".join(map(show_user_types_only, value)))


def display_for(*, redact: bool, secret: bool) -> Show:
    """Return the function that shows the values of a column.

    Parameters:
        redact: the column is redacted.
        secret: a user type inside it has a redacted field.
    """
    return show_nothing if redact else show_user_types_only if secret else repr


def strictest_display(shows: Iterable[Show]) -> Show:
    """Return the function that shows a value composed of several columns."""
    candidates = list(shows)
    return next((show for show in (show_nothing, show_user_types_only) if show in candidates), repr)


def has_redacted_fields(annotation: Any) -> bool:
    """Whether a user type in an annotation, at any depth, has a redacted field."""
    core = unwrap(annotation)[0]
    if is_user_type(core):
        return bool(getattr(core, "__secrets__", ()))
    return any(map(has_redacted_fields, typing.get_args(core)))


def truncate(text: str, value: object) -> str:
    """Truncate the text of a value if it is long."""
    return text if len(text) <= MAX_SHOWN_LENGTH else f"{text[:MAX_SHOWN_LENGTH]}… ({type(value).__qualname__})"


def type_mismatch(
    location: str, cql_type: str, value: Any, cause: Exception, *, show: Show, details: Mapping[str, Any]
) -> TypeMismatch:
    """Return the error of a value that does not fit its column; raise it outside of ``except``, without context.

    Parameters:
        location: the column or field, as named in the message.
        cause: the error of the converter or the driver; for a user type, the error created here for the field.
        show: how values of the column are shown.
        details: attributes of the error besides ``value``, which is set only if the value may be shown.
    """
    if show is show_nothing:
        return TypeMismatch(f"{location}: the value, which is redacted, does not fit {cql_type}.", **details)
    if isinstance(cause, TypeMismatch):
        error = TypeMismatch(f"{location}: {cause}", **details)
        error.__cause__ = cause.__cause__ if show is repr else None
        return error
    message = f"{location}: {truncate(show(value), value)} does not fit {cql_type}"
    if show is not repr:
        return TypeMismatch(f"{message}.", **details)
    error = TypeMismatch(f"{message}: {cause}", value=value, **details)
    error.__cause__ = _without_own_traceback(cause)
    return error


def without_frames(error: _E) -> _E:
    """Remove the traceback of an error.

    Error reporting tools record the local variables of its frames, which contain values of rows; and a shared object
    that keeps the error would keep them too.
    """
    return error.with_traceback(None)


def _without_own_traceback(cause: Exception) -> Exception:
    """Return the cause, without its traceback if that contains only frames of this package or the driver."""
    return cause if _enters_other_code(cause.__traceback__) else cause.with_traceback(None)


def _enters_other_code(traceback: TracebackType | None) -> bool:
    while traceback is not None:
        module = traceback.tb_frame.f_globals.get("__name__", _OWN_PACKAGES[0])  # generated functions have no module
        if not module.startswith(_OWN_PACKAGES):
            return True
        traceback = traceback.tb_next
    return False
